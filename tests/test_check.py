"""`krat check`: an officer reads before sending what the door would say after."""

import json
import os
import resource
import shutil
import time
import zipfile
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result
from conftest import Refreshed
from deliveries import delivery_of
from openpyxl import Workbook, load_workbook

from orchestration.cli import cli
from orchestration.feedback.checking import check_file
from orchestration.runtime.settings import SEEDS
from sources.example.generate import write_example
from sources.forms import write_forms
from sources.registers import load_registers
from sources.texts import text

REPORT = [
    ["Formulari", "krat-raport-1"],
    ["Qarku", "AL-04"],
    ["Institucioni", "AL-04-SHSSH"],
    ["Muaji", "2023-05"],
    ["Të dhënat", "SHEMBULL - TË TRILLUARA"],
    ["Kodi i treguesit", "Treguesi", "Njësia", "Ndarja", "Vlera", "Gjendja"],
]
#: What AL-04-SHSSH owes for May 2023, but for 2.1.18.1.
OWED: list[list[object]] = [
    [code, "", "", "", 1, ""] for code in ("2.1.1.1", "2.1.11.1", "2.1.13.2", "2.1.15.1")
]
CSV_HEAD = "Formulari;Qarku;Institucioni;Muaji;Të dhënat;Kodi i treguesit;Ndarja;Vlera;Gjendja\n"
CSV_ROW = "krat-raport-1;AL-04;AL-04-SHSSH;2023-05;SHEMBULL - TË TRILLUARA;"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_example(tmp_path_factory.mktemp("example"), SEEDS)


@pytest.fixture
def in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are checked before the deadline of May 2023: lateness is found like all else."""
    monkeypatch.setattr(
        "orchestration.feedback.checking._now", lambda: datetime(2023, 6, 2, 9, 0, 0)
    )


def _workbook(path: Path, rows: list[list[object]]) -> Path:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Raporti"
    for row in [*REPORT, *rows]:
        sheet.append(row)
    book.save(path)
    return path


def _check(path: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["check", str(path), *options])


@pytest.mark.parametrize(
    ("what", "rule"),
    [("pipe", "not_a_file"), ("device", "not_a_file"), ("sparse file", "file_too_large")],
)
def test_what_can_not_be_a_report_is_refused_at_once_unread(
    tmp_path: Path, what: str, rule: str
) -> None:
    path = tmp_path / "r.xlsx"
    if what == "pipe":
        os.mkfifo(path)
    elif what == "device":
        path = Path("/dev/zero")
    else:
        with path.open("wb") as file:
            file.truncate(2**31)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    told = _check(path)
    assert time.monotonic() - started < 5
    # In KiB on Linux.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 2**10
    assert told.exit_code == 1
    assert text(f"door.problems.{rule}", "sq") in told.output
    assert [each.name for each in tmp_path.iterdir()] in ([path.name], [])


@pytest.mark.usefixtures("in_time")
def test_a_clean_report_is_told_so_with_what_was_understood(tmp_path: Path) -> None:
    told = _check(_workbook(tmp_path / "r.xlsx", [["2.1.18.1", "", "", "", 3, ""], *OWED]))
    assert told.exit_code == 0, told.output
    assert "krat-raport-1, AL-04, AL-04-SHSSH, 2023-05" in told.output
    assert "dërgojeni" in told.output
    assert [path.name for path in tmp_path.iterdir()] == ["r.xlsx"]


def test_problems_are_told_worst_first_by_cell_and_marked(tmp_path: Path) -> None:
    report = _workbook(
        tmp_path / "r.xlsx",
        [["2.1.18.1", "", "", "", "tre ose katër", "", "x"], ["9.9.9.9", "", "", "", 1, ""]],
    )
    before = report.read_bytes()
    told = _check(report)
    assert told.exit_code == 1
    lines = [line for line in told.output.splitlines() if "fleta Raporti" in line]
    assert [line.split()[0] for line in lines] == ["GABIM", "GABIM", "PYETJE", "SHËNIM"]
    assert "qeliza E7" in lines[0]
    assert "qeliza A8" in lines[1]
    assert report.read_bytes() == before
    sheet = load_workbook(tmp_path / "r-kontrolluar.xlsx")["Raporti"]
    marked = {
        cell.coordinate: cell.comment.text
        for row in sheet.iter_rows()
        for cell in row
        if cell.comment
    }
    assert {"E7", "A8"} <= set(marked)
    assert "shkruani 0 ose zgjidhni zero" in marked["E7"]
    assert sheet["E7"].value == "tre ose katër"
    assert sheet["E7"].fill.start_color.rgb != sheet["A1"].fill.start_color.rgb


def test_english_is_told_on_request(tmp_path: Path) -> None:
    told = _check(_workbook(tmp_path / "r.xlsx", [["9.9.9.9", "", "", "", 1, ""]]), "--english")
    assert "cell A7: Indicator code: The indicator's code is missing" in told.output
    assert "would be refused" in told.output


def test_a_question_alone_has_a_status_of_its_own(tmp_path: Path) -> None:
    report = tmp_path / "r.csv"
    report.write_text(
        CSV_HEAD.replace("\n", ";Emri\n") + CSV_ROW + "2.1.18.1;;3;;dikush\n", encoding="utf-8"
    )
    told = _check(report, "--marked", str(tmp_path / "m.xlsx"))
    assert told.exit_code == 3
    assert load_workbook(tmp_path / "m.xlsx").worksheets[0]["J1"].comment is not None


def test_text_of_a_csv_stays_text_in_the_marked_copy(tmp_path: Path) -> None:
    report = tmp_path / "r.csv"
    report.write_text(CSV_HEAD + CSV_ROW + "2.1.18.1;;=1+1;\n", encoding="utf-8")
    assert _check(report).exit_code == 1
    cell = load_workbook(tmp_path / "r-kontrolluar.xlsx").worksheets[0]["H2"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"\x00\x01\x02" * 50, b"%PDF-1.7"])
def test_what_is_no_form_is_told_in_a_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "r.xlsx"
    path.write_bytes(content)
    told = _check(path)
    assert told.exit_code == 1
    assert "GABIM" in told.output
    assert "asnjë formular i njohur" in told.output


def test_the_file_itself_is_never_replaced(tmp_path: Path) -> None:
    report = _workbook(tmp_path / "r.xlsx", [["9.9.9.9", "", "", "", 1, ""]])
    told = _check(report, "--marked", str(report))
    assert told.exit_code == 2
    assert "would replace the file itself" in told.output


def test_another_county_is_told_as_at_the_door(tmp_path: Path) -> None:
    report = _workbook(tmp_path / "r.xlsx", [["2.1.18.1", "", "", "", 3, ""]])
    told = _check(report, "--county", "AL-05", "--english")
    assert told.exit_code == 1
    # What stands there is right: it is not proposed in its own place.
    assert "cell B3" in told.output
    assert "It could be" not in told.output


def test_nothing_is_written_into_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KRAT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KRAT_KEYS", str(tmp_path / "keys"))
    assert _check(_workbook(tmp_path / "r.xlsx", [["9.9.9.9", "", "", "", 1, ""]])).exit_code == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r-kontrolluar.xlsx", "r.xlsx"]


def test_what_the_door_refused_is_refused_here_for_the_same_reasons(
    refreshed: Refreshed, example: list[Path], tmp_path: Path
) -> None:
    refused = {
        reason.parent.name: json.loads(reason.read_text(encoding="utf-8"))["problems"]
        for reason in refreshed.home.quarantine.glob("*/*/reason.json")
    }
    registers = load_registers(SEEDS)
    compared = 0
    for path in example:
        problems = refused.get(delivery_of(refreshed.home, path.read_bytes(), path.parent.name))
        # A month that had not begun when the file arrived may have begun since.
        if problems is None or any(found["rule"] == "month_not_begun" for found in problems):
            continue
        copy = shutil.copy(path, tmp_path / path.name)
        answer = check_file(Path(copy), registers, SEEDS, path.parent.name)
        assert answer.verdict == "refused"
        # The form was good when the file arrived, and has ended since.
        told = {(found.rule, found.sheet, found.cell) for _, found in answer.problems}
        assert {place for place in told if place[0] != "outdated_form"} == {
            (found["rule"], found["sheet"], found["cell"])
            for found in problems
            # By which the office finds a file that arrived.
            if found["rule"] != "sender_unknown"
        }
        compared += 1
    assert compared >= 2


def _refused_at(path: Path, *cells: str) -> None:
    told = _check(path, "--english")
    assert told.exit_code == 1, told.output
    for cell in cells:
        assert f"cell {cell}" in told.output, told.output


@pytest.mark.parametrize(
    ("area", "refused_at"),
    [("E7:E8", "E7"), ("D7:E7", "D7"), ("B9:F9", None), ("C7:C8", None), ("E7:F7", None)],
)
def test_merged_cells_that_leave_a_value_unsaid_are_refused(
    area: str, refused_at: str | None, tmp_path: Path
) -> None:
    path = _workbook(
        tmp_path / "r.xlsx",
        [
            ["2.1.18.1", "", "persona", "", 3, ""],
            ["2.1.16.1", "", "persona", "", 4, ""],
            ["", "II. Mbrojtja", "", "", "", ""],
        ],
    )
    book = load_workbook(path)
    if area == "D7:E7":
        book.worksheets[0]["D7"] = 3
    book.worksheets[0].merge_cells(area)
    book.save(path)
    if refused_at:
        _refused_at(path, refused_at)
    else:
        assert "cells are merged" not in _check(path, "--english").output


@pytest.mark.parametrize(("cell", "value"), [("E7", "#N/A"), ("F7", "#REF!"), ("B4", "#NAME?")])
def test_an_error_in_place_of_a_value_is_refused(cell: str, value: str, tmp_path: Path) -> None:
    path = _workbook(tmp_path / "r.xlsx", [["2.1.18.1", "", "", "", 3, ""]])
    book = load_workbook(path)
    book.worksheets[0][cell].value = value
    assert book.worksheets[0][cell].data_type == "e"
    book.save(path)
    _refused_at(path, cell)


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("head", ["", "krat-raport-9"])
def test_a_second_report_that_lost_its_id_is_not_lost_with_it(head: str, tmp_path: Path) -> None:
    path = _workbook(tmp_path / "r.xlsx", [["2.1.18.1", "", "", "", 3, ""], *OWED])
    book = load_workbook(path)
    copy = book.copy_worksheet(book.worksheets[0])
    copy["A1"], copy["B1"] = ("Formulari", head) if head else (None, None)
    book.save(path)
    told = _check(path)
    assert told.exit_code == 1
    assert "më shumë se një formular" in told.output
    # Rows that lost their headings too are still rows; a list of codes without values is none.
    copy.delete_rows(1, 6)
    book.save(path)
    assert "më shumë se një formular" in _check(path).output
    copy.delete_cols(5)
    book.save(path)
    assert _check(path).exit_code == 0


def test_a_misspelt_county_does_not_make_the_rest_wrong(tmp_path: Path) -> None:
    path = _workbook(tmp_path / "r.xlsx", [["2.1.18.1", "", "", "", 3, ""]])
    book = load_workbook(path)
    book.worksheets[0]["B2"] = "Fieri"
    book.save(path)
    told = _check(path, "--english").output
    assert "AL-04-SHSSH" in told
    assert [line.split()[0] for line in told.splitlines() if ", cell " in line] == ["ERROR"]
    assert "cell B2" in told


@pytest.mark.parametrize("content", [CSV_ROW + "2.1.18.1;;1\x0b2;\n", CSV_ROW + "x;;1;\n\x1a"])
def test_control_characters_of_a_csv_do_not_stop_the_copy(content: str, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(CSV_HEAD + content, encoding="utf-8")
    assert _check(path).exit_code == 1
    assert load_workbook(tmp_path / "r-kontrolluar.xlsx").worksheets


def test_a_workbook_that_only_the_reader_reads_is_marked_in_a_plain_copy(tmp_path: Path) -> None:
    whole = _workbook(tmp_path / "whole.xlsx", [["2.1.18.1", "", "", "", "x", ""]])
    path = tmp_path / "r.xlsx"
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w") as new:
        for part in old.infolist():
            if part.filename != "xl/styles.xml":
                new.writestr(part, old.read(part))
    assert _check(path).exit_code == 1
    marked = load_workbook(tmp_path / "r-kontrolluar.xlsx").worksheets[0]["E7"]
    assert marked.value == "x"
    assert marked.comment


def test_a_copy_that_cannot_be_written_leaves_the_verdict(tmp_path: Path) -> None:
    path = _workbook(tmp_path / "r.xlsx", [["2.1.18.1", "", "", "", "x", ""]])
    told = _check(path, "--marked", str(tmp_path / "none" / "r.xlsx"))
    assert told.exit_code == 1
    assert "nuk mund të shkruhet" in told.output
    assert "nuk do të pranohej" in told.output


def test_that_there_may_be_more_than_is_shown_is_told(tmp_path: Path) -> None:
    for number, is_told in ((99, False), (101, True)):
        path = tmp_path / f"{number}.csv"
        rows = "".join(f"{CSV_ROW}2.1.18.1;;{'x' * (place + 1)};\n" for place in range(number))
        path.write_text(CSV_HEAD + rows, encoding="utf-8")
        assert ("At most 100" in _check(path, "--english").output) == is_told


@pytest.mark.usefixtures("in_time")
def test_a_form_that_is_empty_or_half_full_is_in_no_order(tmp_path: Path) -> None:
    forms = write_forms("AL-04", date(2023, 5, 1), tmp_path, SEEDS, {})
    (form,) = [path for path in forms if "SHSSH" in path.name]
    empty = _check(form)
    assert empty.exit_code == 3
    assert empty.output.count("PYETJE") == 5
    assert "Mungon vlera e treguesit 2.1.18.1" in empty.output
    half = _check(
        _workbook(
            tmp_path / "r.xlsx",
            [["2.1.18.1", "", "", "", "", "nuk dihet"], ["2.1.16.2", "", "", "", 1, ""], *OWED[:3]],
        ),
        "--english",
    )
    assert half.exit_code == 3
    questions = [line for line in half.output.splitlines() if line.startswith("QUESTION")]
    assert len(questions) == 3
    missing, unknown, not_owed = sorted(questions)
    assert "indicator 2.1.15.1 is missing: blank does not mean zero" in missing
    assert "cell E7: Indicator 2.1.18.1: “not known” was reported" in unknown
    assert "cell E8: The institution does not owe indicator 2.1.16.2" in not_owed


def test_parts_that_contradict_their_total_are_asked_about(tmp_path: Path) -> None:
    def asked(*values: tuple[str, int | None]) -> list[str]:
        rows: list[list[object]] = [["3.1.2.1", "", "", part, value, ""] for part, value in values]
        told = _check(_workbook(tmp_path / "r.xlsx", rows), "--english").output
        told = told.partition("As written")[0]
        return [line for line in told.splitlines() if "3.1.2.1" in line and "not owe" not in line]

    assert asked(("", 5), ("linja kombëtare", 2), ("aplikacioni", 3)) == []
    assert asked(("", 5), ("linja kombëtare", 2)) == []
    (small,) = asked(("", 5), ("linja kombëtare", 2), ("aplikacioni", 2))
    assert "cell E7" in small
    assert "adds up to 4, the total is 5" in small
    large = asked(("", 5), ("linja kombëtare", 6))
    assert ["cell E7" in large[0], "cell E8" in large[1]] == [True, True]


def test_the_check_asks_what_the_warehouse_will_ask(
    refreshed: Refreshed, example: list[Path]
) -> None:
    rules = (
        "value_not_reported", "indicator_not_owed", "breakdown_does_not_add_up",
        "part_exceeds_whole",
    )  # fmt: skip
    with duckdb.connect(str(refreshed.home.marts), read_only=True) as connection:
        rows = connection.execute(
            "select delivery_id, rule, cell, message_sq from core.fct_findings "
            f"where rule in {rules}"
        ).fetchall()
        replaced = connection.execute(
            "select distinct delivery_id from core.fct_actuals where is_replaced"
        ).fetchall()
    asked: dict[str, set[tuple[str, str | None, str]]] = {}
    for delivery, rule, cell, message in rows:
        asked.setdefault(delivery, set()).add((rule, cell, message))
    registers = load_registers(SEEDS)
    compared = set()
    for path in example:
        delivery = delivery_of(refreshed.home, path.read_bytes(), path.parent.name)
        if delivery not in asked or (delivery,) in replaced:
            continue
        answer = check_file(path, registers, SEEDS, path.parent.name)
        found = {
            (each.rule, each.cell, each.message_sq)
            for _, each in answer.problems
            if each.rule in rules
        }
        assert found == asked[delivery], path.name
        compared |= {rule for rule, *_ in found}
    assert len(compared) >= 2


LOG = (
    "Formulari;Qarku;Të dhënat;Nr. kontaktit;Kanali;Marrë më;Telefonuesi;Qëllimi;Elemente dyshimi;"
    "Shfrytëzimi;Qarku i ngjarjes;Bashkia;Referuar te;Pranuar më;Rezultati;Nr. rastit;"
    "Përsëritje e;Dyfishim i;Emri;Numri i telefonit;E-mail;Adresa;Shënime\n"
)
RECORDS = (
    "Formulari;Qarku;Institucioni;Të dhënat;Nr. rastit;Nr. i mëparshëm i rastit;"
    "Nr. i rastit në linjë;Kodi i personit;Ngjarja;Data;Gjinia;Grupmosha;"
    "Organizata vendimmarrëse;Kanali i identifikimit;Shfrytëzimi;Bashkia;Pika kufitare;"
    "Organizata referuese;Organizata pritëse;Lloji i mbështetjes;Hollësi;Statusi i rastit;"
    "Arsyeja e mbylljes\n"
)


def test_records_that_contradict_themselves_are_asked_about(tmp_path: Path) -> None:
    def asked(text: str) -> list[tuple[str, str | None]]:
        path = tmp_path / "records.csv"
        path.write_text(text, encoding="utf-8")
        answer = check_file(path, load_registers(SEEDS), SEEDS, "AL-04")
        return [(each.rule, each.cell) for _, each in answer.problems]

    def contact(number: int, **said: str) -> str:
        said = {
            "town": "Fier", "recipient": "policia", "accepted": "2023-05-03 16:00",
            "outcome": "u referua",
        } | said  # fmt: skip
        return (
            f"krat-linja-2;AL-04;REALE;K-{number};telefon;2023-05-03 14:30;familjar;"
            f"raportim rasti;3;forced labour;AL-04;{said['town']};{said['recipient']};"
            f"{said['accepted']};{said['outcome']};R-{said.get('case', number)};;"
            f"{said.get('original', '')};;;;;\n"
        )

    first = contact(1) + contact(2, outcome="dyfishim", original="K-1", case="1")
    assert asked(LOG + first) == []
    assert asked(
        LOG
        + first
        + contact(3, accepted="2023-05-03 14:00")
        + contact(4, town="Vlorë")
        + contact(5, outcome="dyfishim")
        + contact(6, recipient="")
        + contact(7, recipient="nuk dihet")
    ) == [
        ("accepted_before_contact", "N4"),
        ("municipality_in_another_county", "L5"),
        ("duplicate_without_original", "R6"),
        ("referred_without_recipient", "M7"),
        ("accepted_without_recipient", "N7"),
    ]
    step = (
        "krat-referim-2;AL-04;AL-04-POLICIA;REALE;12;;;P-1;identifikim fillestar;2023-05-04;"
        "femër;0-17;{};kufi;lypje;Fier;Kakavija;;;;;aktiv;\n"
    )
    assert asked(RECORDS + step.format("policia")) == []
    assert asked(RECORDS + step.format("")) == [("status_without_deciding_body", "M2")]


@pytest.mark.parametrize("name", ["Raporti\u200b", "Rapor\u00adti", " Raporti", "RAPORTI"])
def test_a_sheet_that_is_nearly_named_as_the_forms_is_marked_itself(
    name: str, tmp_path: Path
) -> None:
    path = _workbook(tmp_path / "r.xlsx", [["2.1.18.1", "", "", "", "tre", ""]])
    book = load_workbook(path)
    book.worksheets[0].title = name
    if name == " Raporti":
        book.worksheets[0].title = "Raporti"
        book.create_sheet(name, 0)
    book.save(path)
    _refused_at(path, "E7")
    copy = load_workbook(tmp_path / "r-kontrolluar.xlsx")
    assert copy.worksheets[-1]["E7"].comment is not None


@pytest.mark.parametrize(
    "content",
    [f"{CSV_HEAD}{CSV_ROW}2.1.18.1;;tre;{';' * 20_000}x\n", f"{CSV_HEAD}{CSV_ROW}9.9;;\uffff;\n"],
)
def test_a_csv_that_no_workbook_can_hold_is_told_without_a_traceback(
    content: str, tmp_path: Path
) -> None:
    path = tmp_path / "r.csv"
    path.write_text(content, encoding="utf-8")
    told = _check(path)
    assert told.exit_code == 1
    assert told.exception is None or isinstance(told.exception, SystemExit)
    copy = tmp_path / "r-kontrolluar.xlsx"
    if copy.exists():
        load_workbook(copy)


def test_several_files_and_folders_are_checked_at_once_and_told_as_json(tmp_path: Path) -> None:
    folder = tmp_path / "sent"
    folder.mkdir()
    row = CSV_ROW + "2.1.18.1;;{};{}\n"
    good = CSV_HEAD + row.format("1 900", "") + CSV_ROW + "2.1.11.1;;disa;\n"
    (folder / "good.csv").write_text(good, encoding="utf-8")
    (folder / "x-kontrolluar.xlsx").write_bytes(b"a copy from before")
    with zipfile.ZipFile(folder / "two.zip", "w") as archive:
        archive.writestr("1.csv", good)
        archive.writestr("2.csv", CSV_HEAD + row.format("tre ose katër", "") + CSV_ROW + "9.9;;1;")
    os.mkfifo(folder / "z.xlsx")
    told = CliRunner().invoke(cli, ["check", "--json", str(folder)])
    assert told.exit_code == 1
    files = json.loads(told.stdout)
    assert [Path(one["file"]).name for one in files] == [
        "good.csv", "two.zip (1)", "two.zip (2)", "z.xlsx",
    ]  # fmt: skip
    assert [one["accepted"] for one in files] == [True, True, False, False]
    values = [
        (each["cell"], each["as_written"], each["read_as"], each["value_state"])
        for each in files[0]["values"]
    ]
    assert values == [("H2", "1 900", 1900, "number"), ("H3", "disa", None, "unknown")]
    assert {"rule", "severity", "sheet", "cell", "message_sq", "message_en"} <= set(
        files[2]["findings"][0]
    )
    assert not (folder / "good-kontrolluar.xlsx").exists()
    lines = CliRunner().invoke(cli, ["check", "--english", str(folder / "good.csv")]).output
    assert "1900" in lines
    assert "not known" in lines
