"""Return slips: an institution reads what came, what is missing or doubted, and until when."""

import shutil
import subprocess
from datetime import date
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from conftest import MAY, Refreshed
from openpyxl import load_workbook

from orchestration.cli import cli
from orchestration.feedback.slips import as_text, slips, write_slips
from orchestration.runtime.settings import prepare_process
from sources.custody.home import Home

AS_OF = date(2023, 6, 20)


@pytest.fixture(scope="module")
def texts(refreshed: Refreshed) -> dict[str, str]:
    prepare_process(refreshed.home)
    return {
        slip.institution_code: as_text(slip) for slip in slips(refreshed.home, "AL-04", MAY, AS_OF)
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
    assert "afati është 10.06.2023" in as_text(patos)


def test_a_late_report_is_told_its_days(texts: dict[str, str]) -> None:
    assert "Erdhi 9 ditë pas afatit (10.06.2023)" in texts["AL-04-B-LUSHNJE"]


def test_a_blank_value_is_told_with_its_cell(texts: dict[str, str]) -> None:
    [line] = [line for line in texts["AL-04-SHENDETI"].splitlines() if "bosh" in line]
    assert "2.2.5.1" in line
    assert "Raporti, E7, Mungon" in line


def test_a_figure_that_another_source_contradicts_is_doubted(texts: dict[str, str]) -> None:
    assert "regjistri i referimeve jep" in texts["AL-04-POLICIA"]


def test_a_report_with_nothing_wrong_is_thanked(texts: dict[str, str]) -> None:
    assert "Faleminderit" in texts["AL-04-B-LUSHNJE"]
    assert "Ju lutemi" not in texts["AL-04-B-LUSHNJE"]


def test_a_correction_is_what_the_slip_speaks_of(texts: dict[str, str]) -> None:
    assert "(versioni 2)" in texts["AL-04-ARSIMI"]


def test_the_workbook_says_the_same_and_numbers_are_numbers(
    refreshed: Refreshed, tmp_path: Path
) -> None:
    write_slips(refreshed.home, "AL-04", MAY, AS_OF, tmp_path)
    cells = [
        cell.value
        for row in load_workbook(tmp_path / "AL-04-POLICIA.xlsx").active.iter_rows()
        for cell in row
        if cell.value is not None
    ]
    assert any(isinstance(value, int) for value in cells)
    text = (tmp_path / "AL-04-POLICIA.txt").read_text(encoding="utf-8")
    assert cells[0] == text.splitlines()[0]
    assert any("regjistri i referimeve" in str(value) for value in cells)


def test_a_slip_opens_in_libreoffice_and_what_looks_like_a_formula_stays_text(
    refreshed: Refreshed, tmp_path: Path
) -> None:
    # No message of krat's own starts so; one that quotes a file could.
    planted = tmp_path / "marts.duckdb"
    shutil.copy(refreshed.home.marts, planted)
    with duckdb.connect(str(planted)) as connection:
        connection.execute(
            "update quality.open_questions set message_sq = '=1+1', sheet = '+2' "
            "where rule = 'value_not_reported'"
        )
    write_slips(Home(root=tmp_path, keys=tmp_path / "keys"), "AL-04", MAY, AS_OF, tmp_path / "out")
    subprocess.run(
        [
            "soffice", "--headless", "--norestore", f"-env:UserInstallation=file://{tmp_path}/lo",
            "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76", "--outdir", str(tmp_path),
            str(tmp_path / "out" / "AL-04-SHENDETI.xlsx"),
        ],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    told = (tmp_path / "AL-04-SHENDETI.csv").read_text(encoding="utf-8")
    assert "2.2.5.1,+2,E7,7,=1+1" in told


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
