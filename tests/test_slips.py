"""Return slips: an institution reads what came, what is missing or doubted, and until when."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from conftest import MAY, Refreshed
from docx import Document

from orchestration.cli import cli
from orchestration.feedback.letters import as_text
from orchestration.feedback.slips import Slip, slips, write_slips
from orchestration.refresh.steps import refresh
from orchestration.runtime.clock import today
from orchestration.runtime.settings import prepare_process
from sources.custody.decisions import answer, finding_decisions, tell_sent
from sources.custody.home import Home

AS_OF = date(2023, 6, 20)


@pytest.fixture(scope="module")
def texts(refreshed: Refreshed) -> dict[str, str]:
    prepare_process(refreshed.home)
    return {
        slip.institution_code: as_text(slip.letter)
        for slip in slips(refreshed.home, "AL-04", MAY, AS_OF)
    }


def test_a_missing_report_is_asked_for_by_a_day(texts: dict[str, str]) -> None:
    assert "nuk ka mbërritur; afati ishte 10.06.2023" in texts["AL-04-B-PATOS"]
    assert "deri më 27.06.2023" in texts["AL-04-B-PATOS"]


def test_every_slip_of_the_example_says_that_it_is_made_up(texts: dict[str, str]) -> None:
    assert "AL-04" in texts
    assert not [code for code, text in texts.items() if "SHEMBULL" not in text]


def test_before_the_deadline_it_is_a_reminder(refreshed: Refreshed) -> None:
    [patos] = [
        slip
        for slip in slips(refreshed.home, "AL-04", MAY, date(2023, 6, 8))
        if slip.institution_code == "AL-04-B-PATOS"
    ]
    assert "afati është 10.06.2023" in as_text(patos.letter)


def test_a_late_report_is_told_its_days(texts: dict[str, str]) -> None:
    assert "Mbërriti 9 ditë pas afatit (10.06.2023)" in texts["AL-04-B-LUSHNJE"]


def test_a_blank_value_is_told_with_its_cell(texts: dict[str, str]) -> None:
    [line] = [line for line in texts["AL-04-SHENDETI"].splitlines() if "bosh" in line]
    assert "2.2.5.1" in line
    assert "fleta Raporti, qeliza E7: Mungon" in line


def test_a_figure_that_another_source_contradicts_is_doubted(texts: dict[str, str]) -> None:
    assert "regjistri i referimeve jep" in texts["AL-04-POLICIA"]


def test_a_report_with_nothing_wrong_is_thanked(texts: dict[str, str]) -> None:
    assert "Faleminderit" in texts["AL-04-B-LUSHNJE"]
    assert "Ju lutemi" not in texts["AL-04-B-LUSHNJE"]


def test_a_correction_is_what_the_slip_speaks_of(texts: dict[str, str]) -> None:
    assert "(versioni 2)" in texts["AL-04-ARSIMI"]


def test_a_letter_can_be_sent_as_it_is(texts: dict[str, str]) -> None:
    letter = texts["AL-04-POLICIA"]
    parts = [
        "Raporti i muajit maj 2023: Drejtoria Vendore e Policisë Fier",
        "Për: Drejtoria Vendore e Policisë Fier (AL-04-POLICIA)",
        "Data: 20.06.2023",
        "Çfarë mbërriti:",
        "Çfarë kërkohet:\n1. ",
        "Deri kur dhe si përgjigjeni:",
        "deri më 27.06.2023",
        "Dërgojeni te: KRAT-i i qarkut Fier.",
        "Çfarë ndodh nëse nuk përgjigjeni:",
        "Muaji nuk bëhet përfundimtar para datës 31.03.2024",
        "Si u lexua raporti juaj:",
    ]
    places = [letter.index(part) for part in parts]
    assert places == sorted(places)
    assert letter.endswith("KRAT-i i qarkut Fier\n")


def test_who_did_not_report_reads_what_is_expected_and_what_follows(texts: dict[str, str]) -> None:
    letter = texts["AL-04-B-PATOS"]
    assert "Çfarë pritet:" in letter
    assert "Nëse raporti nuk mbërrin" in letter
    assert "Dërgojeni te: KRAT-i i qarkut Fier." in letter
    assert "Si u lexua" not in letter


def test_the_document_says_the_same_with_every_number(refreshed: Refreshed, tmp_path: Path) -> None:
    write_slips(refreshed.home, "AL-04", MAY, AS_OF, tmp_path, send_to="krat@fier.example")
    document = Document(str(tmp_path / "AL-04-POLICIA.docx"))
    text = (tmp_path / "AL-04-POLICIA.txt").read_text(encoding="utf-8")
    paragraphs = [paragraph.text for paragraph in document.paragraphs]
    assert text.splitlines()[0] in paragraphs
    assert "Dërgojeni te: krat@fier.example." in paragraphs
    assert any("regjistri i referimeve" in paragraph for paragraph in paragraphs)
    for line in text.splitlines():
        assert line.removesuffix(":") in paragraphs or line.startswith("- "), line
    [table] = document.tables
    rows = [[cell.text for cell in row.cells] for row in table.rows]
    assert rows[0] == ["Treguesi", "Emri dhe ndarja", "Vlera", "Gjendja"]
    for row in rows[1:]:
        assert f"- {', '.join(filter(None, row))}" in text
    assert any(row[2].isdigit() for row in rows)


@pytest.fixture
def asking(refreshed: Refreshed, tmp_path: Path) -> Home:
    """The reading copy of the example, and a journal of its own."""
    shutil.copy(refreshed.home.marts, tmp_path / "marts.duckdb")
    return Home(root=tmp_path, keys=tmp_path / "keys")


def _slip_of(home: Home, institution: str, day: date) -> Slip:
    [found] = [
        slip for slip in slips(home, "AL-04", MAY, day) if slip.institution_code == institution
    ]
    return found


def test_nobody_is_asked_twice_and_who_is_silent_is_asked_again_after_the_week(
    asking: Home,
) -> None:
    day = today()
    first = _slip_of(asking, "AL-04-SHENDETI", day)
    assert first.finding_ids
    tell_sent(asking, [*first.finding_ids])
    assert _slip_of(asking, "AL-04-SHENDETI", day) == first, "the same letter on the same day"

    waiting = _slip_of(asking, "AL-04-SHENDETI", day + timedelta(days=7))
    assert not waiting.finding_ids
    told = as_text(waiting.letter)
    assert f"Pyetur më {day:%d.%m.%Y}, përgjigjja pritet deri më" in told
    assert "Çfarë kërkohet" not in told
    assert "nuk kemi pyetje" not in told

    silent = _slip_of(asking, "AL-04-SHENDETI", day + timedelta(days=8))
    assert silent.finding_ids == first.finding_ids
    assert f"(Pyetur më {day:%d.%m.%Y}, ende pa përgjigje.)" in as_text(silent.letter)

    for finding in first.finding_ids:
        answer(asking, finding, "KRAT Fier", "konfirmuar nga institucioni")
    answered = _slip_of(asking, "AL-04-SHENDETI", day + timedelta(days=8))
    assert not answered.finding_ids
    assert "Faleminderit" in as_text(answered.letter)


def test_a_report_whose_absence_was_answered_for_is_not_asked_again(asking: Home) -> None:
    day = today()
    [missing] = _slip_of(asking, "AL-04-B-PATOS", day).finding_ids
    answer(asking, missing, "KRAT Fier", "zyra ishte e mbyllur")
    told = as_text(_slip_of(asking, "AL-04-B-PATOS", day).letter)
    assert "nuk kërkohet përsëri" in told
    assert "Ju lutemi" not in told


def test_what_was_asked_and_answered_is_in_the_letter(asking: Home) -> None:
    with duckdb.connect(str(asking.marts)) as connection:
        connection.execute(
            "update quality.findings set state = 'answered', answered_at = '2023-06-14 10:00:00', "
            "answer = 'numri është i saktë' "
            "where institution_code = 'AL-04-POLICIA' and rule = 'sources_disagree'"
        )
        connection.execute(
            "delete from quality.open_questions where asked_code = 'AL-04-POLICIA' "
            "and rule = 'sources_disagree'"
        )
        connection.execute(
            "update quality.findings set state = 'mended', sent_at = '2023-06-12 09:00:00', "
            "mended_at = '2023-06-15 09:00:00', mended_how = 'file' "
            "where institution_code = 'AL-04-SHENDETI' "
            "and rule = 'value_not_reported' and reporting_month = '2023-05-01'"
        )
    police = as_text(_slip_of(asking, "AL-04-POLICIA", AS_OF).letter)
    assert "Çfarë është sqaruar tashmë" in police
    assert "– Përgjigjja juaj e datës 14.06.2023: numri është i saktë" in police
    health = as_text(_slip_of(asking, "AL-04-SHENDETI", AS_OF).letter)
    assert "– U korrigjua më 15.06.2023 me një skedar të ri." in health


def test_an_awaited_report_is_asked_for_once_a_week(asking: Home) -> None:
    day = today()
    [missing] = _slip_of(asking, "AL-04-B-PATOS", day).finding_ids
    tell_sent(asking, [missing])
    waiting = _slip_of(asking, "AL-04-B-PATOS", day + timedelta(days=3))
    assert waiting.finding_ids == ()
    told = as_text(waiting.letter)
    assert f"E kërkuam më {day:%d.%m.%Y} dhe e presim deri më {day + timedelta(7):%d.%m.%Y}" in told
    again = _slip_of(asking, "AL-04-B-PATOS", day + timedelta(days=8))
    assert again.finding_ids == (missing,)
    told = as_text(again.letter)
    assert f"E kërkuam edhe më {day:%d.%m.%Y}. Ju lutemi ta dërgoni deri më" in told


def test_a_reminder_after_the_deadline_is_kept_as_asked(
    own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRAT_HOME", str(own_home.root))
    monkeypatch.setenv("KRAT_KEYS", str(own_home.keys))
    command = ["reminders", "--county", "AL-04", "--month", "2023-05"]
    kept = []
    for day in ("2023-06-08", f"{today()}", f"{today()}"):
        assert CliRunner().invoke(cli, [*command, "--as-of", day]).exit_code == 0
        kept.append(finding_decisions(own_home).num_rows)
    assert kept[0] == 0 < kept[1] == kept[2]
    assert _slip_of(own_home, "AL-04-B-PATOS", today() + timedelta(days=2)).finding_ids == ()


def _question(home: Home, **columns: object) -> None:
    """Make a question of the reading copy another one."""
    with duckdb.connect(str(home.marts)) as connection:
        changed = ", ".join(f"{name} = ${name}" for name in columns)
        connection.execute(
            f"update quality.open_questions set {changed} where rule = 'value_not_reported' "
            "and asked_code = 'AL-04-SHENDETI' and reporting_month = '2023-05-01'",
            columns,
        )


def test_a_log_is_asked_about_by_its_name_and_what_never_came_by_what_lacks(asking: Home) -> None:
    _question(asking, source_kind="hotline", about=None, rule="referred_without_recipient")
    told = as_text(_slip_of(asking, "AL-04-SHENDETI", AS_OF).letter)
    assert "\n1. Regjistri i linjës, fleta Raporti, qeliza E7: " in told
    assert "Vlerat për të cilat pyesim" in told
    log = as_text(_slip_of(asking, "AL-04-POLICIA", AS_OF).letter)
    assert "Regjistri i linjës mbërriti më " in log
    with duckdb.connect(str(asking.marts)) as connection:
        connection.execute(
            "update core.dim_deliveries set delivery_status = 'refused' "
            "where source_kind = 'hotline'"
        )
    log = as_text(_slip_of(asking, "AL-04-POLICIA", AS_OF).letter)
    assert "nuk u pranua: korrigjoni gabimet e mëposhtme dhe dërgojeni sërish." in log


def test_a_file_that_empties_a_report_is_to_be_confirmed_in_a_sentence(asking: Home) -> None:
    _question(asking, rule="earlier_values_lost", severity="blocks", about=None)
    told = as_text(_slip_of(asking, "AL-04-SHENDETI", AS_OF).letter)
    assert "vlerat e mëparshme nuk vlejnë më, na e shkruani me një fjali" in told
    assert "Vlerat për të cilat pyesim" not in told


def test_of_another_offices_form_only_that_is_asked(asking: Home) -> None:
    with duckdb.connect(str(asking.marts)) as connection:
        for rule in ("wrong_sender", "indicator_not_owed"):
            connection.execute(
                "insert into quality.open_questions by name select * replace ($1 as finding_id, "
                "$1 as rule, $1 as message_sq) from quality.open_questions where "
                "rule = 'value_not_reported' and asked_code = 'AL-04-SHENDETI' "
                "and reporting_month = '2023-05-01'",
                [rule],
            )
    slip = _slip_of(asking, "AL-04-SHENDETI", AS_OF)
    assert "wrong_sender" in slip.finding_ids
    assert "indicator_not_owed" not in slip.finding_ids


def test_a_refused_report_is_not_called_missing(asking: Home) -> None:
    with duckdb.connect(str(asking.marts)) as connection:
        connection.execute(
            "update core.fct_submissions set status = 'refused', received_at = '2023-06-09' "
            "where institution_code = 'AL-04-B-PATOS' and reporting_month = '2023-05-01'"
        )
    told = as_text(_slip_of(asking, "AL-04-B-PATOS", AS_OF).letter)
    assert "Ende nuk ka raport që mund të pranohet; afati i tij është 10.06.2023." in told
    assert "Skedari që mbërriti më 09.06.2023 nuk u pranua" in told
    assert "nuk ka mbërritur" not in told


def _sent_again(home: Home, institution: str, values: dict[str, str], name: str) -> None:
    """Put a report of May into the inbox: what was reported, but for `values`, as csv."""
    with duckdb.connect(str(home.marts), read_only=True) as connection:
        rows = connection.execute(
            "select indicator_code, category, cast(value as bigint), value_state "
            "from core.fct_actuals where institution_code = ? and superseded_at is null "
            "and reporting_month = '2023-05-01' and frequency = 'month'",
            [institution],
        ).fetchall()
    lines = [
        f"krat-raport-1;AL-04;{institution};2023-05;SHEMBULL - TË TRILLUARA;{code};"
        f"{'' if category == 'total' else category};{values.get(code, '')};"
        if code in values and category == "total"
        else f"krat-raport-1;AL-04;{institution};2023-05;SHEMBULL - TË TRILLUARA;{code};"
        f"{'' if category == 'total' else category};{'' if value is None else value};"
        for code, category, value, _ in rows
    ] or [
        f"krat-raport-1;AL-04;{institution};2023-05;SHEMBULL - TË TRILLUARA;{code};;{value};"
        for code, value in values.items()
    ]
    heads = "Formulari;Qarku;Institucioni;Muaji;Të dhënat;Kodi i treguesit;Ndarja;Vlera;Gjendja"
    path = home.inbox / "AL-04" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([heads, *lines, ""]), encoding="utf-8")


@pytest.mark.data
def test_over_three_refreshes_each_question_is_asked_once_and_closed_by_its_answer(
    own_home: Home,
) -> None:
    """A file in the folder, one that the page put there, and the analyst's command answer."""
    home, day = own_home, today()
    health, patos, police = "AL-04-SHENDETI", "AL-04-B-PATOS", "AL-04-POLICIA"
    asked = {who: _slip_of(home, who, day).finding_ids for who in (health, patos, police)}
    assert all(asked.values())
    tell_sent(home, [finding for of in asked.values() for finding in of])

    # The health unit sends the same blank again, in a file of another shape.
    _sent_again(home, health, {"2.2.5.1": ""}, "f0e1d2c3b4a59687.csv")
    _sent_again(home, patos, {"3.1.1.2": "5"}, "patos.csv")
    for finding in asked[police]:
        answer(home, finding, "KRAT Fier", "numri është i saktë")
    refresh(home, [MAY])
    for who in (health, patos, police):
        assert _slip_of(home, who, day + timedelta(days=1)).finding_ids == (), who
    waiting = as_text(_slip_of(home, health, day + timedelta(days=1)).letter)
    assert f"Pyetur më {day:%d.%m.%Y}, përgjigjja pritet deri më" in waiting
    arrived = as_text(_slip_of(home, patos, day + timedelta(days=1)).letter)
    assert f"– Mbërriti më {day:%d.%m.%Y}." in arrived
    answered = as_text(_slip_of(home, police, day + timedelta(days=1)).letter)
    assert f"– Përgjigjja juaj e datës {day:%d.%m.%Y}: numri është i saktë" in answered

    _sent_again(home, health, {"2.2.5.1": "12"}, "a0b1c2d3e4f50617.csv")
    refresh(home, [MAY])
    refresh(home, [MAY])
    closed = as_text(_slip_of(home, health, day + timedelta(days=30)).letter)
    assert f"– U korrigjua më {day:%d.%m.%Y} me një skedar të ri." in closed
    assert "Çfarë kërkohet" not in closed
    with duckdb.connect(str(home.marts), read_only=True) as connection:
        lives = connection.execute(
            "select distinct state, mended_how from quality.findings where sent_at is not null "
            "and list_contains($1, institution_code) and reporting_month = '2023-05-01' "
            "order by all",
            [[health, patos, police]],
        ).fetchall()
    assert lives == [("answered", None), ("mended", "file")]
    assert len({row["finding_id"] for row in finding_decisions(home).to_pylist()}) == sum(
        map(len, asked.values())
    )


def test_what_looks_like_a_formula_stays_text(refreshed: Refreshed, tmp_path: Path) -> None:
    # No message of krat's own starts so; one that quotes a file could.
    planted = tmp_path / "marts.duckdb"
    shutil.copy(refreshed.home.marts, planted)
    with duckdb.connect(str(planted)) as connection:
        connection.execute(
            "update quality.open_questions set message_sq = '=1+1', sheet = '+2' "
            "where rule = 'value_not_reported'"
        )
    write_slips(Home(root=tmp_path, keys=tmp_path / "keys"), "AL-04", MAY, AS_OF, tmp_path / "out")
    document = Document(str(tmp_path / "out" / "AL-04-SHENDETI.docx"))
    [told] = [each.text for each in document.paragraphs if each.text.startswith("1. ")]
    assert told.startswith("1. 2.2.5.1 «")
    assert told.endswith("fleta +2, qeliza E7: =1+1")


def test_the_same_inputs_give_the_same_bytes(refreshed: Refreshed, tmp_path: Path) -> None:
    first = write_slips(refreshed.home, "AL-04", MAY, AS_OF, tmp_path / "one")
    second = write_slips(refreshed.home, "AL-04", MAY, AS_OF, tmp_path / "two")
    assert first == second
    written = sorted((tmp_path / "one").iterdir())
    # 17 institutions, and a file that doesn't say from whom it is.
    assert len(written) == 36
    for path in written:
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_the_command_writes_into_the_home_and_refuses_a_month_without_reports(
    own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRAT_HOME", str(own_home.root))
    monkeypatch.setenv("KRAT_KEYS", str(own_home.keys))
    told = CliRunner().invoke(cli, ["slips", "--county", "AL-04", "--month", "2023-05"])
    assert told.exit_code == 0, told.output
    assert (own_home.slips / "AL-04" / "2023-05" / "AL-04-POLICIA.txt").exists()
    empty = CliRunner().invoke(cli, ["slips", "--county", "AL-05", "--month", "2023-05"])
    assert empty.exit_code == 1
    assert "no report of AL-05 is expected" in empty.output
