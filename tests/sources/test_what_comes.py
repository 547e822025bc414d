"""What really comes: each way in which a report is filled in is read, or told, never guessed."""

import csv
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from openpyxl import load_workbook
from openpyxl.cell.cell import Cell

from orchestration.runtime.settings import SEEDS
from sources.custody.home import Home
from sources.custody.pseudonyms import Pseudonyms
from sources.forms import write_forms
from sources.layouts import candidates, load_layouts, lookup
from sources.reading import Reading, read_content
from sources.reading.persons import seems_personal
from sources.registers import load_registers
from sources.texts import text as text_of
from sources.values import load_words, read_count

REGISTERS = load_registers(SEEDS)
RECEIVED = datetime(2023, 6, 5, 9, 0)
HEAD = {
    "Formulari": "krat-raport-1",
    "Qarku": "AL-04",
    "Institucioni": "AL-04-POLICIA",
    "Muaji": "2023-05",
    "Të dhënat": "SHEMBULL - TË TRILLUARA",
}
HEADINGS = ["Kodi i treguesit", "Treguesi", "Njësia", "Ndarja", "Vlera", "Gjendja"]

Sheet = Any
Write = Callable[[Sheet], None]


def read(content: bytes, tmp_path: Path, received: datetime = RECEIVED) -> Reading:
    return read_content(content, "AL-04", REGISTERS, Pseudonyms(tmp_path).key, received)


def workbook(rows: list[list[object]], also: Write = lambda _: None, top: int = 0) -> bytes:
    """Return a workbook whose report begins in a row; `also` may change the sheet."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"strings_to_formulas": False}) as book:
        sheet = book.add_worksheet("Raporti")
        lines: list[list[object]] = [[label, value] for label, value in HEAD.items()]
        for number, line in enumerate([*lines, HEADINGS, *rows], start=top):
            sheet.write_row(number, 0, line)
        also(sheet)
    return buffer.getvalue()


def text(rows: list[list[object]], separator: str = ";") -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator)
    writer.writerow([*HEAD, *HEADINGS])
    writer.writerows([[*HEAD.values(), *row] for row in rows])
    return buffer.getvalue()


def one(value: object, code: str = "2.1.9.1") -> list[list[object]]:
    return [[code, "", "", "", value, ""]]


def told(reading: Reading) -> list[tuple[str, str | None]]:
    return [(found.rule, found.cell) for found in reading.problems]


@pytest.mark.parametrize(
    ("written", "value", "state", "note"),
    [
        (3, 3.0, "number", None),
        ("3", 3.0, "number", "a number written as text"),
        ("12,0", 12.0, "number", "a decimal sign"),
        ("1 900", 1900.0, "number", "thousands spaces"),
        ("1\u00a0900", 1900.0, "number", "thousands spaces"),
        ("1\u202f900,0", 1900.0, "number", "thousands spaces"),
        ("200 000 persona", 200000.0, "number", "thousands spaces; a unit stood behind the number"),
        ("disa", None, "unknown", "a word for some, not a number"),
        ("Disa raste.", None, "unknown", "a word for some, not a number"),
        ("Nuk kemi patur asnjë rast këtë muaj!", 0.0, "zero", "words read as zero"),
        ("ASNJË RAST, gjatë kësaj periudhe", None, None, None),
        ("Nuk kemi pasur asnjë rast gjatë këtij muaji.", 0.0, "zero", "words read as zero"),
        ("S’ka pasur asnjë viktimë", 0.0, "zero", "words read as zero"),
        ("Nuk janÃ« evidentuar raste", 0.0, "zero", "words read as zero"),
        ("Nuk kemi raste, asnjë.", 0.0, "zero", "words read as zero"),
        ("Nuk janĂ« evidentuar raste", 0.0, "zero", "words read as zero"),
        ("nuk eshte evidentuar asnje rast", 0.0, "zero", "words read as zero"),
        ("asnje rast", 0.0, "zero", "words read as zero"),
        ("Ska", 0.0, "zero", "words read as zero"),
        ("ska pasur asnje rast", 0.0, "zero", "words read as zero"),
        ("nuk u evidentua asnjë rast", 0.0, "zero", "words read as zero"),
        ("u evidentua një rast", None, None, None),
        ("nuk u evidentua, u evidentua një viktimë", None, None, None),
        ("ska raste kishte një", None, None, None),
        ("Nuk është për institucionin tonë", None, None, None),
        ("nuk është rasti ynë", None, None, None),
        ("nuk", None, None, None),
        ("një person nuk u trajtua", None, None, None),
        ("nuk u gjet një viktimë", None, None, None),
        ("viktima nuk u gjet", None, None, None),
        ("asnjë vt një vmt", None, None, None),
        ("nuk kemi raste, kishte një viktimë", None, None, None),
        ("nuk kemi raste kishte një viktimë", None, None, None),
        ("nuk ka VT, ka një VMT", None, None, None),
        ("nuk ka VT: një VMT", None, None, None),
        ("nuk kemi raste te reja", None, None, None),
        ("nuk kemi të dhëna", None, None, None),
        ("nuk kemi raportuar raste", None, None, None),
        ("nuk kemi 3 raste", None, None, None),
        ("rasti", None, None, None),
        ("N/A", None, "not_applicable", "words read as a state"),
        ("n.a.", None, "not_applicable", "words read as a state"),
        ("nuk aplikohet", None, "not_applicable", "words read as a state"),
        ("Nuk zbatohet.", None, "not_applicable", "words read as a state"),
        ("pa të dhëna", None, "not_reported", "words read as a state"),
        ("refuzuar", None, "refused", "words read as a state"),
        ("i panjohur", None, "unknown", "words read as a state"),
        ("nuk ka pasur asnjë person", 0.0, "zero", "words read as zero"),
        ("Gjatë muajit maj 2023 nuk ka pasur raste", 0.0, "zero", "words read as zero"),
        (
            "Nga kjo drejtori raportohet se nuk kemi pasur raste",
            0.0,
            "zero",
            "words read as zero",
        ),
        ("raportohet se kemi raste", None, None, None),
        ("nuk u zhvillua asnjë fushatë", None, None, None),
        ("dihet se nuk kemi raste", None, None, None),
        ("nuk kemi raste në vitin 2022", None, None, None),
        ("", None, "not_reported", None),
    ],
)
def test_a_value_is_read_with_a_note_of_how_or_refused(
    written: object, value: float | None, state: str | None, note: str | None, tmp_path: Path
) -> None:
    # A second row keeps the report from being empty.
    rows = [*one(written), ["2.1.18.1", "", "", "", 1, ""]]
    reading = read(workbook(rows), tmp_path)
    if state is None:
        assert told(reading) == [("value_left_out", "E7")]
        assert told(read(workbook(one(written)), tmp_path)) == [("not_a_number", "E7")]
        left = reading.rows[0]
        assert (left["value"], left["value_state"]) == (None, "not_reported")
        assert left["reading_note"] == "the cell could not be read"
        return
    row = next((row for row in reading.rows if row["indicator_code"] == "2.1.9.1"), None)
    assert row is not None
    assert (row["value"], row["value_state"], row["reading_note"]) == (value, state, note)
    # It is read whether or not so many are likely.
    assert {found.rule for found in reading.problems} <= {"implausible_count"}


@pytest.mark.parametrize(
    ("unit", "said", "is_zero"),
    [
        ("campaigns", "nuk u zhvillua asnjë fushatë", True),
        ("campaigns", "Nuk është organizuar asnjë fushatë gjatë këtij muaji.", True),
        ("campaigns", "asnjë fushatë", True),
        ("campaigns", "nuk ka pasur asnjë takim", False),
        ("campaigns", "u zhvillua një fushatë", False),
        ("campaigns", "nuk u zhvillua fushata, u zhvillua takim", False),
        ("meetings", "nuk ka pasur asnjë takim", True),
        ("meetings", "nuk u mbajt asnjë takim", True),
        ("trainings", "Nga ky institucion ju bëjmë me dije se nuk kemi zhvilluar trajnime", True),
        ("trainings", "nuk kemi zhvilluar 2 trajnime", False),
        ("persons", "nuk ka pasur asnjë person", True),
        ("persons", "nuk u trajtua asnjë person", False),
        ("persons", "nuk u gjet viktima", False),
        (None, "nuk u zhvillua asnjë fushatë", False),
    ],
)
def test_a_sentence_that_there_was_none_is_read_where_the_unit_is_named(
    unit: str | None, said: str, *, is_zero: bool
) -> None:
    assert (read_count(said, unit).state == "zero") is is_zero


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("-", "dash"), ("12-15", "range"), ("5 ose 6", "range"), ("nga 5 deri në 7", "range"),
        ("15 %", "percentage"), ("3 përqind", "percentage"), ("5+2", "added up"),
        ("5 + 2 raste", "added up"), ("3 familje", "families"), ("rreth 20", "estimate"),
        ("mbi 10", "estimate"), ("~5", "estimate"), ("10 e lart", "estimate"),
        ("5 femra, 3 meshkuj", "several numbers"), ("5 të mitur", "words beside the number"),
        ("u zhvilluan aktivitete në shkolla", "if there were none, write 0"),
        ("u evidentua një rast", "if there were none, write 0"), ("pesë", "number in digits"),
        ("1.900", "no point or comma"), ("a" * 5000, "sentence"),
    ],
)  # fmt: skip
def test_what_is_no_number_is_told_as_what_it_is(said: str, sentence: str, tmp_path: Path) -> None:
    (found,) = read(workbook([*one(said), *one(1, "2.1.18.1")]), tmp_path).problems
    assert (found.rule, found.cell) == ("value_left_out", "E7")
    assert sentence in found.message_en


def test_every_sentence_on_what_is_no_number_is_there_and_used() -> None:
    used = [name for name, _ in load_words().no_numbers]
    assert len(used) == len(set(used))
    for name in used:
        assert text_of(f"door.problems.{name}", "sq") != text_of(f"door.problems.{name}", "en")


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize(
    ("encoding", "note"),
    [("utf-8", None), ("utf-8-sig", None), ("cp1250", "text in cp1252"),
     ("cp1252", "text in cp1252"), ("utf-16", "text in utf-16")],
)  # fmt: skip
def test_separated_text_is_read_in_its_encoding(
    separator: str, encoding: str, note: str | None, tmp_path: Path
) -> None:
    content = text(one("nuk janë evidentuar raste"), separator).encode(encoding)
    reading = read(content, tmp_path)
    assert [row["value_state"] for row in reading.rows] == ["zero"]
    assert reading.delivery["is_made_up"]
    assert reading.delivery["reading_note"] == note


@pytest.mark.parametrize("code_page", ["cp1252", "cp1250", "latin-1"])
def test_text_that_was_encoded_twice_is_mended_and_noted(code_page: str, tmp_path: Path) -> None:
    twice = text(one(4)).encode().decode(code_page, errors="ignore").encode()
    reading = read(twice, tmp_path)
    assert [row["value"] for row in reading.rows] == [4.0]
    assert reading.delivery["reading_note"] == "text encoded twice"


def test_decomposed_letters_are_the_same_letters(tmp_path: Path) -> None:
    content = text(one("nuk janë evidentuar raste")).replace("ë", "e\u0308").replace("ç", "c\u0327")
    assert [row["value_state"] for row in read(content.encode(), tmp_path).rows] == ["zero"]


def test_what_lacks_the_dots_of_e_and_c_is_read(tmp_path: Path) -> None:
    content = text(one(3)).replace("ë", "e").replace("ç", "c").replace("Ë", "E")
    reading = read(content.encode(), tmp_path)
    assert reading.delivery["is_made_up"]
    assert told(reading) == []
    (form, *_) = write_forms("AL-04", date(2023, 6, 1), tmp_path / "forms", SEEDS, {})
    book = load_workbook(form)
    for row in book["Raporti"].iter_rows():
        for cell in row:
            if isinstance(cell.value, str):
                cell.value = cell.value.replace("ë", "e").replace("Ç", "C")
    book.save(form)
    assert told(read(form.read_bytes(), tmp_path, datetime(2023, 7, 5))) == []


@pytest.mark.parametrize(
    "written",
    ["May-23", "May 2023", "Maggio 2023", "mai 2023",
     "maj 2023", "Maji 2023", "MAJ-2023", "05/2023", "5-2023", "2023.05", "Maj-23", "maj 23",
     "01.05.2023", "2023-05-01", "1 maj 2023", 45047],
)  # fmt: skip
def test_a_month_is_read_as_it_is_written(written: object, tmp_path: Path) -> None:
    reading = read(workbook(one(3), lambda sheet: sheet.write(3, 1, written)), tmp_path)
    assert reading.delivery["reporting_month"] == date(2023, 5, 1)
    noted = reading.delivery["reading_note"]
    assert noted == ("dates from day numbers" if written == 45047 else None)


def test_a_date_cell_is_a_month(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet("Raporti")
        for number, line in enumerate([*([k, v] for k, v in HEAD.items()), HEADINGS, *one(3)]):
            sheet.write_row(number, 0, line)
        sheet.write_datetime(3, 1, datetime(2023, 5, 1), book.add_format({"num_format": "mmm yy"}))
    assert read(buffer.getvalue(), tmp_path).delivery["reporting_month"] == date(2023, 5, 1)


def test_headings_in_merged_cells_over_two_rows_are_found(tmp_path: Path) -> None:
    def merge(sheet: Sheet) -> None:
        for column in (0, 1, 2):
            sheet.merge_range(5, column, 6, column, HEADINGS[column])
        sheet.merge_range(5, 3, 5, 5, "Raportimi i muajit")
        sheet.write_row(6, 3, HEADINGS[3:])

    reading = read(workbook([["", "", "", "", "", ""], *one(3)], merge), tmp_path)
    assert reading.problems == []
    assert [(row["value"], row["cell"]) for row in reading.rows] == [(3.0, "E8")]


def test_a_code_in_merged_cells_holds_for_each_of_their_rows_and_that_is_told(
    tmp_path: Path,
) -> None:
    rows = [
        ["3.1.2.1", "", "", "", 5, ""],
        ["", "", "", "hotline", 3, ""],
        ["", "", "", "app", 2, ""],
    ]
    reading = read(workbook(rows, lambda sheet: sheet.merge_range(6, 0, 8, 0, "3.1.2.1")), tmp_path)
    assert told(reading) == [("merged_cells_read", "A7")]
    assert [(row["indicator_code"], row["category"]) for row in reading.rows] == [
        ("3.1.2.1", "total"), ("3.1.2.1", "hotline"), ("3.1.2.1", "app"),
    ]  # fmt: skip


def test_moved_columns_and_a_moved_table_are_read(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet("Raporti")
        for number, (label, value) in enumerate(HEAD.items(), start=2):
            sheet.write_row(number, 2, [label, "", value])
        sheet.write_row(8, 2, ["Vlera", "Gjendja", "Kodi i treguesit", "Ndarja"])
        sheet.write_row(9, 2, [7, "", "2.1.9.1", ""])
    reading = read(buffer.getvalue(), tmp_path)
    assert reading.problems == []
    assert [(row["value"], row["cell"]) for row in reading.rows] == [(7.0, "C10")]


def test_extra_sheets_are_left_alone_and_a_second_report_is_not(tmp_path: Path) -> None:
    def book_of(extra: list[list[object]]) -> bytes:
        buffer = io.BytesIO()
        with xlsxwriter.Workbook(buffer) as book:
            for name, lines in (
                ("Shënime", extra),
                ("Fleta 7", [*([k, v] for k, v in HEAD.items()), HEADINGS, *one(3)]),
            ):
                sheet = book.add_worksheet(name)
                for number, line in enumerate(lines):
                    sheet.write_row(number, 0, line)
        return buffer.getvalue()

    reading = read(book_of([["Filan Fisteku", 12], ["", 3]]), tmp_path)
    assert [(row["value"], row["sheet"]) for row in reading.rows] == [(3.0, "#2")]
    two = read(book_of([[k, v] for k, v in HEAD.items()]), tmp_path)
    assert told(two) == [("invalid_frame", None)]


def test_hidden_rows_and_columns_are_read_and_told(tmp_path: Path) -> None:
    def hide(sheet: Sheet) -> None:
        sheet.set_row(7, None, None, {"hidden": True})
        sheet.set_column(3, 3, None, None, {"hidden": True})
        sheet.set_column(9, 9, None, None, {"hidden": True})

    rows = [*one(3), ["2.1.18.1", "", "", "", 4, ""]]
    reading = read(workbook(rows, hide), tmp_path)
    assert [row["value"] for row in reading.rows] == [3.0, 4.0]
    assert [(found.rule, found.cell, found.row_number) for found in reading.problems] == [
        ("hidden_cells_read", "D6", 6), ("hidden_cells_read", None, 8),
    ]  # fmt: skip
    assert reading.delivery["status"] == "accepted"


def test_a_hidden_sheet_is_read_and_told(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        book.add_worksheet("Shënime").activate()
        sheet = book.add_worksheet("Raporti")
        for number, line in enumerate([*([k, v] for k, v in HEAD.items()), HEADINGS, *one(3)]):
            sheet.write_row(number, 0, line)
        sheet.hide()
    reading = read(buffer.getvalue(), tmp_path)
    assert told(reading) == [("hidden_cells_read", None)]
    assert len(reading.rows) == 1


def test_a_total_at_the_end_is_left_out(tmp_path: Path) -> None:
    for row, cell in (
        (["Gjithsej", "", "", "", 3, ""], "A8"),
        (["Totali i pergjithshem:", "", "", "", 3, ""], "A8"),
        (["", "Totali", "", "Gjithsej", 3, ""], "B8"),
        (["", "", "Shuma", "", 3, ""], "C8"),
    ):
        signed = ["Përgatiti", "", "", "", "", ""]
        reading = read(workbook([*one(3), row, [""] * 6, signed]), tmp_path)
        assert told(reading) == [("totals_row_left_out", cell), ("remark_left_out", "A10")]
        assert [row["value"] for row in reading.rows] == [3.0]


def test_the_total_of_an_indicator_whose_code_is_missing_is_not_left_out(tmp_path: Path) -> None:
    for row in (["", "", "", "Gjithsej", 3, ""], ["", "Të mitur", "Shuma", "", 3, ""]):
        assert told(read(workbook([*one(3), row]), tmp_path)) == [("unknown_indicator", "A8")]
    midway = ["", "", "Shuma", "", 3, ""]
    assert told(read(workbook([midway, *one(3)]), tmp_path)) == [("unknown_indicator", "A7")]


def test_a_signature_below_the_table_is_left_out_and_told(tmp_path: Path) -> None:
    below = [["Përgatiti: Kanarina", "", "", "", "", ""], ["Fier, 05.06.2023", "", "", "", "", ""]]
    reading = read(workbook([*one(3), [""] * 6, *below]), tmp_path)
    assert told(reading) == [("remark_left_out", "A9"), ("remark_left_out", "A10")]
    assert reading.delivery["status"] == "accepted"
    assert len(reading.rows) == 1
    assert "anarina" not in str(reading)


@pytest.mark.parametrize(
    "parted",
    [
        "1,900",
        "1,5",
        "1,900 persona",
        "1,900.00",
        "1,900*",
        "1 234,5",
        "1900,5",
        "0,5 %",
        "12,5 raste",
    ],
)
def test_a_comma_that_parts_a_number_in_two_cells_is_told(parted: str, tmp_path: Path) -> None:
    def read_line(end: str) -> Reading:
        head = ",".join([*HEAD, *HEADINGS[:4], "Gjendja", "Vlera", "Vërejtje"])
        content = f"{head}\n{','.join(HEAD.values())},2.1.9.1,,,,,{end}\n"
        return read(content.encode(), tmp_path)

    assert ("invalid_frame", None) in told(read_line(parted))
    for whole in ('"19 000",', "19,", "19,3 raste nga policia", "19,shih raportin"):
        assert len(read_line(whole).rows) == 1, whole


def test_a_row_above_the_headings_is_told_and_not_lost(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet("Raporti")
        heads: list[list[object]] = [[label, value] for label, value in HEAD.items()]
        for number, line in enumerate([*heads, *one(4, "2.1.18.1"), HEADINGS, *one(3)]):
            sheet.write_row(number, 0, line)
    reading = read(buffer.getvalue(), tmp_path)
    assert [(each.rule, each.row_number) for each in reading.problems] == [("invalid_frame", 6)]
    assert "mbi titujt" in reading.problems[0].message_sq


def test_a_stray_quote_that_joins_lines_is_told(tmp_path: Path) -> None:
    rows = ['2.1.9.1;"Vatra;;;3;', '2.1.18.1;";;;4;', "2.1.15.1;;;;5;"]
    head = ";".join([*HEAD, *HEADINGS])
    lines = [head, *(f"{';'.join(HEAD.values())};{row}" for row in rows)]
    reading = read("\n".join([*lines, ""]).encode(), tmp_path)
    assert [(each.rule, each.row_number) for each in reading.problems] == [("invalid_frame", 2)]
    # A text of two lines is quoted as it should be.
    lines[1:3] = [f'{";".join(HEAD.values())};2.1.9.1;"Vatra,\nVlorë; Fier";;;3;']
    assert len(read("\n".join([*lines, ""]).encode(), tmp_path).rows) == 2


@pytest.mark.parametrize("value", ["1.900", "5 raste nga 7", "12-15", "pesë", 4, "disa"])
@pytest.mark.parametrize("label", ["Pjesëmarrës në trajnime:", "Rastet e identifikuara:", "Numri:"])
def test_a_value_behind_a_label_is_no_remark(label: str, value: object, tmp_path: Path) -> None:
    reading = read(workbook([*one(3), [label, "", "", "", value, ""]]), tmp_path)
    assert reading.delivery["status"] == "refused"


@pytest.mark.parametrize(
    "below",
    [
        [["Përgatiti", "", "", "", "Drejtori"]],
        [["Përgatiti: Filan Fisteku", "", "", "", "Miratoi: Filane Fisteku"]],
        [["", "", "", "", "Drejtori", ""]],
        [["", "Përgatiti:", "", "", "Filan Fisteku"]],
        [["Data: 05.06.2023"]],
        [["Vendi dhe data:", "", "", "", "Fier, më 5 qershor 2023"]],
        [["Gjithsej", "", "", "", 3], ["Përgatiti:", "", "", "", "Filan Fisteku"]],
        [["Përgatiti:", "", "", "", "Filan Fisteku"], ["Gjithsej", "", "", "", 3]],
    ],
)
def test_how_a_form_is_signed_is_left_out(below: list[list[object]], tmp_path: Path) -> None:
    reading = read(workbook([*one(3), *below]), tmp_path)
    assert [row["value"] for row in reading.rows] == [3.0]
    assert {rule for rule, _ in told(reading)} <= {"remark_left_out", "totals_row_left_out"}


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (["2.1.18.1", "", "", "", "", "zero"], "sheet_left_out"),
        (["", "2.1.18.1", "", "", "", 4, ""], "sheet_left_out"),
        (["2.1.18.1", 4], "sheet_left_out"),
        (["2.1.18.1", "", "", "", 4], "invalid_frame"),
        (["2.1.18.1", "Numri i rasteve"], "other_sheet"),
        (["Udhëzime", "Shkruani numrin 3 te vlera"], "other_sheet"),
        (["", 7], "other_sheet"),
        (["Filan Fisteku"], "other_sheet"),
        (["", " "], None),
        ([text_of("forms.instructions.report", "sq").splitlines()[0], "zero"], None),
    ],
)
def test_what_stands_on_another_sheet_is_told(
    row: list[object], rule: str | None, tmp_path: Path
) -> None:
    book = load_workbook(io.BytesIO(workbook(one(3))))
    book.create_sheet("Tjetër").append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    reading = read(buffer.getvalue(), tmp_path)
    found = [(each.rule, each.sheet, each.row_number) for each in reading.problems]
    if rule == "other_sheet":
        assert found == [("sheet_left_out", "#2", None)]
        assert "delete it before you send" in reading.problems[0].message_en
        assert "Fisteku" not in str(reading.problems)
    else:
        assert found == ([(rule, "#2", 1)] if rule else [])
    assert len(reading.rows) == (rule != "invalid_frame")


@pytest.mark.parametrize(
    ("number_format", "is_shown"),
    [
        ("0;-0;;@", False), ("0;;", False), ("#", False), ("#,###", False), ("0", True),
        ("#,##0", True), ("General", True), ('_(* #,##0_);_(* \\(#,##0\\);_(* "-"??_)', True),
    ],
)  # fmt: skip
def test_a_zero_that_its_cell_does_not_show_is_refused(
    number_format: str, is_shown: bool, tmp_path: Path
) -> None:
    reading = read(formatted(number_format, one(0), {}), tmp_path)
    assert told(reading) == ([] if is_shown else [("not_a_number", "E7")])
    assert told(read(formatted(number_format, one(7), {}), tmp_path)) == []


def test_a_sheet_that_shows_no_zeros_has_none_to_read(tmp_path: Path) -> None:
    reading = read(workbook(one(0), lambda sheet: sheet.hide_zero()), tmp_path)
    assert told(reading) == [("not_a_number", "E7")]


@pytest.mark.parametrize("value", ["0691234567", "+355691234567", "069 123 45 67", 691234567])
def test_a_telephone_is_no_value(value: object, tmp_path: Path) -> None:
    assert told(read(workbook(one(value)), tmp_path)) == [("not_a_number", "E7")]


def test_a_title_with_many_commas_is_a_title(tmp_path: Path) -> None:
    title = "Raporti i muajit maj, Fier, Lushnje, Patos, Roskovec, Divjakë"
    reading = read(f"{title}\n{text([*one(3), *one(4, '2.1.18.1')])}".encode(), tmp_path)
    assert [row["value"] for row in reading.rows] == [3.0, 4.0]


def test_a_file_of_no_known_form_still_says_that_it_is_made_up(tmp_path: Path) -> None:
    for form, is_made_up in (("SHEMBULL - TË TRILLUARA", True), ("REALE", False)):
        content = text(one(3)).replace("krat-raport-1", "tjetër").replace(HEAD["Të dhënat"], form)
        reading = read(content.encode(), tmp_path)
        assert told(reading)[0][0] == "unknown_layout"
        assert reading.delivery["is_made_up"] is is_made_up
        reading = read(f"{form}\nNuk është formular.\n".encode(), tmp_path)
        assert told(reading)[0][0] == "unknown_layout"
        assert reading.delivery["is_made_up"] is is_made_up


def test_headings_are_known_without_their_spaces_and_dots(tmp_path: Path) -> None:
    content = (
        text(one(3)).replace("Kodi i treguesit", "Kodi i  Treguesit.").replace("Vlera", "VLERA *")
    )
    assert told(read(content.encode(), tmp_path)) == []


@pytest.mark.parametrize("row", [["Përgatiti", "", "", "", "", ""], ["Totali", "", "", "", 3, ""]])
def test_a_table_of_nothing_but_remarks_or_totals_has_no_rows(
    row: list[object], tmp_path: Path
) -> None:
    reading = read(workbook([row]), tmp_path)
    assert "invalid_frame" in {rule for rule, _ in told(reading)}
    assert reading.delivery["status"] == "refused"


@pytest.mark.parametrize(
    "row",
    [["2.1.9.2", "", "", "", "", ""], ["Përgatiti", "", "", "", 3, ""],
     ["Përgatiti", "", "", "", "", "zero"], ["2.1.9", "", "", "", "", ""]],
)  # fmt: skip
def test_a_row_that_may_be_an_indicators_is_no_remark(row: list[object], tmp_path: Path) -> None:
    reading = read(workbook([*one(3), row]), tmp_path)
    assert told(reading) == [("unknown_indicator", "A8")]


def test_a_code_beside_the_name_of_another_indicator_is_refused(tmp_path: Path) -> None:
    with (SEEDS / "indicators.csv").open(encoding="utf-8", newline="") as file:
        names = {row["indicator_code"]: row["name_sq"] for row in csv.DictReader(file)}
    swapped = [
        ["2.1.9.1", names["2.1.18.1"], "", "", 3, ""],
        ["2.1.18.1", names["2.1.9.1"], "", "", 3, ""],
    ]
    reading = read(workbook(swapped), tmp_path)
    assert told(reading) == [("unknown_indicator", "B7"), ("unknown_indicator", "B8")]
    assert "2.1.18.1; 2.1.9.1" in reading.problems[0].message_sq
    for own in (names["2.1.9.1"].upper(), "Rastet e reja", "", 12):
        assert told(read(workbook([["2.1.9.1", own, "", "", 3, ""]]), tmp_path)) == []


@pytest.mark.parametrize(
    ("label", "said", "rule"),
    [
        ("Qarku", "AL-05", "wrong_county"),
        ("Muaji", "2023-04", "unknown_month"),
        ("Institucioni", "AL-04-SHSSH", "unknown_institution"),
        ("Institucioni", "dikush", "unknown_institution"),
        ("Formulari", "krat-raport-2", "unknown_layout"),
    ],
)
def test_a_head_that_says_two_things_is_refused(
    label: str, said: str, rule: str, tmp_path: Path
) -> None:
    def again(sheet: Sheet) -> None:
        sheet.write_row(0, 0, [label, said])

    reading = read(workbook(one(3), again, top=1), tmp_path)
    assert rule in {found for found, _ in told(reading)}
    assert reading.delivery["status"] == "refused"


def test_a_head_that_says_one_thing_twice_is_read(tmp_path: Path) -> None:
    def again(sheet: Sheet) -> None:
        sheet.write_row(0, 0, ["Qarku", "Fier", "Muaji", "maj 2023"])
        sheet.write_row(1, 0, ["Data", "05.06.2023"])
        sheet.write(3, 2, "Fier")
        sheet.write(4, 2, "Drejtoria")

    assert told(read(workbook(one(3), again, top=2), tmp_path)) == []


def test_two_answers_beside_one_label_are_refused(tmp_path: Path) -> None:
    reading = read(workbook(one(3), lambda sheet: sheet.write(1, 2, "AL-05")), tmp_path)
    assert told(reading) == [("wrong_county", "C2")]


@pytest.mark.parametrize(
    ("number_format", "is_refused"),
    [
        ("0%", True), ("0.00%", True), ('0"000"', True), ("0,", True), ("0\\0", True),
        (";;;", True),
        ("General", False), ("#,##0", False), ("0.00", False), ('0" persona"', False),
        ("[Red]0;[Blue]-0", False), ("_(* #,##0_);_(* (#,##0)", False), ("0E+00", False),
    ],
)  # fmt: skip
def test_a_number_whose_format_shows_another_is_refused(
    number_format: str, is_refused: bool, tmp_path: Path
) -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet("Raporti")
        shown = book.add_format({"num_format": number_format})
        for number, line in enumerate([*([k, v] for k, v in HEAD.items()), HEADINGS, *one(3)]):
            sheet.write_row(number, 0, line)
        sheet.write_number(6, 4, 5, shown)
        # What is blank, or is not read, shows nothing.
        sheet.write_blank(6, 5, None, shown)
        sheet.write_number(6, 1, 5, shown)
    reading = read(buffer.getvalue(), tmp_path)
    assert told(reading) == ([("not_a_number", "E7")] if is_refused else [])


@pytest.mark.parametrize(
    ("row", "is_read"),
    [
        ("2.1.9.1;;;;3", True),
        ("2.1.9.1;;;;3;", True),
        ("2.1.9.1;;;;", False),
        ("2.1.9.1;;;3", False),
        ("2.1.9.1", False),
        ("2.1.9.1;;;;3;;x", False),
    ],
)
def test_a_row_without_its_last_separators_is_read_if_it_has_its_value(
    row: str, is_read: bool, tmp_path: Path
) -> None:
    head = ";".join([*HEAD, *HEADINGS])
    content = f"{head}\n{';'.join(HEAD.values())};{row}\n"
    reading = read(content.encode(), tmp_path)
    assert [row["value"] for row in reading.rows] == ([3.0] if is_read else [])
    assert ("invalid_frame" in {rule for rule, _ in told(reading)}) is not is_read
    # The line may have been cut off in the midst of its value.
    unended = read(content.rstrip("\n").encode(), tmp_path)
    assert len(unended.rows) == (is_read and row.count(";") == 5)


@pytest.mark.parametrize(
    ("label", "said", "offered"),
    [
        ("Qarku", "Feir", "AL-04 Fier"),
        ("Institucioni", "Policia", "AL-04-POLICIA"),
        ("Institucioni", "Bashkia", "AL-04-B-FIER"),
        ("Institucioni", "SHSSH", "AL-04-SHSSH"),
        ("Kodi", "2.1.1", "2.1.1.1;"),
        ("Kodi", "Treguesi 2.1.1.1", "2.1.1.1;"),
        ("Kodi", "2-1-1-1", "2.1.1.1;"),
        ("Kodi", "Numri i VT/VMT qe jane pun", "2.1.16.2"),
        ("Ndarja", "linja", "linja kombëtare"),
        ("Ndarja", "xx", "linja kombëtare; aplikacioni"),
    ],
)
def test_what_is_unknown_is_told_with_what_it_may_mean(
    label: str, said: str, offered: str, tmp_path: Path
) -> None:
    def write(sheet: Sheet) -> None:
        if label in HEAD:
            sheet.write([*HEAD].index(label), 1, said)
        elif label == "Kodi":
            sheet.write(7, 0, said)
            sheet.write(7, 4, 1)
        else:
            sheet.write(6, 3, said)

    reading = read(workbook(one(3, "3.1.2.1"), write), tmp_path)
    assert reading.delivery["status"] == "refused"
    (found,) = reading.problems
    for message in (found.message_sq, found.message_en):
        assert offered in message.partition(": ")[2]


@pytest.mark.parametrize(
    ("said", "offered"),
    [
        ("ZVAP", None), ("Drejtoria Vendore e Policisë Vlorë", None), ("DVP Berat", None),
        ("Drejtoria Vendore e Kufrit dhe Migracionit Vlorë", "AL-04-DVKM"), ("DVP Vlorë", None),
        ("ZVAP Fier", None), ("KRAT Fier", None), ("Komisariati i Policisë Lushnje", None),
        ("Prokuroria Fier", None), ("Prefektura Vlorë", None), ("Bashkia Vlorë", None),
        ("Drejtoria Vendore e Polcisë Fier", "AL-04-POLICIA"),
    ],
)  # fmt: skip
def test_no_institution_is_offered_that_cannot_be_meant(
    said: str, offered: str | None, tmp_path: Path
) -> None:
    reading = read(workbook(one(3), lambda sheet: sheet.write(2, 1, said)), tmp_path)
    (found,) = reading.problems
    assert found.rule == "unknown_institution"
    assert ("AL-04-" in found.message_en) is (offered is not None)
    assert (offered or "") in found.message_en


@pytest.mark.parametrize(
    "said", ["DVP Qarku Fier", "Policia e Fierit", "drejtoria e policise qarku fier"]
)
def test_an_institution_is_known_by_what_its_county_calls_it(said: str, tmp_path: Path) -> None:
    reading = read(workbook(one(3), lambda sheet: sheet.write(2, 1, said)), tmp_path)
    assert reading.problems == []
    assert reading.delivery["institution_code"] == "AL-04-POLICIA"


@pytest.mark.parametrize(
    "formula", ["=1+1", "=SUM(A1:A3)", "=cmd|' /c calc'!A0", '=HYPERLINK("http://127.0.0.1","x")']
)
def test_a_formula_in_place_of_a_value_is_refused_at_its_cell(formula: str, tmp_path: Path) -> None:
    def write(sheet: Sheet) -> None:
        sheet.write_formula(6, 4, formula, None, 5)
        # What nobody reads refuses nobody.
        sheet.write_formula(6, 1, formula, None, 5)
        sheet.write_formula(20, 11, formula, None, 5)

    reading = read(workbook(one(3), write), tmp_path)
    assert ("formula_in_cell", "E7") in told(reading)
    assert {rule for rule, _ in told(reading)} <= {"formula_in_cell", "unknown_column_dropped"}
    assert [cell for rule, cell in told(reading) if rule == "formula_in_cell"] == ["E7"]
    assert reading.rows == []


@pytest.mark.parametrize(
    "part",
    ["xl/vbaProject.bin", "xl/externalLinks/externalLink1.xml", "xl/embeddings/oleObject1.bin",
     "xl/activeX/activeX1.xml", "xl/macrosheets/sheet1.xml", "xl/connections.xml"],
)  # fmt: skip
def test_a_true_form_that_acts_or_reaches_out_is_refused(part: str, tmp_path: Path) -> None:
    buffer = io.BytesIO(workbook(one(3)))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(part, "x")
    assert told(read(buffer.getvalue(), tmp_path)) == [("active_content", None)]


def test_a_form_of_an_ended_layout_is_read_and_the_new_one_is_recommended(tmp_path: Path) -> None:
    for layout in load_layouts():
        assert layout.valid_to is None or layout.valid_from < layout.valid_to
    ended = next(layout for layout in load_layouts() if layout.id == "krat-raport-1")
    assert ended.valid_to == date(2024, 3, 31)
    content = workbook(one(3))
    assert told(read(content, tmp_path, datetime(2024, 3, 31, 23))) == []
    late = read(content, tmp_path, datetime(2024, 4, 1))
    assert told(late) == [("outdated_form", None)]
    assert len(late.rows) == 1
    assert late.delivery["status"] == "accepted"


def test_the_form_that_krat_writes_is_read_without_a_word(tmp_path: Path) -> None:
    for path in write_forms("AL-04", date(2023, 6, 1), tmp_path / "forms", SEEDS, {}):
        reading = read(path.read_bytes(), tmp_path, datetime(2023, 7, 5))
        assert reading.problems == []
        assert reading.delivery["reading_note"] is None
        assert reading.rows


def test_a_contact_with_day_numbers_is_read_and_noted(tmp_path: Path) -> None:
    home = Home(root=tmp_path, keys=tmp_path)
    layout = next(layout for layout in load_layouts() if layout.id == "krat-referim-1")
    values = {
        "layout_id": layout.id, "county_code": "AL-04", "is_made_up": "REALE", "case_key": "R-1",
        "person_key": "P-1", "event": "flagged", "event_date": 45050, "sex": "female",
        "age_group": "0-17", "case_status": "Active",
    }  # fmt: skip
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet("a")
        sheet.write_row(0, 0, [column.headings[0] for column in layout.columns])
        sheet.write_row(1, 0, [values.get(column.name, "") for column in layout.columns])
    reading = read_content(
        buffer.getvalue(), "AL-04", REGISTERS, Pseudonyms(home.keys).key, RECEIVED
    )
    assert [row["event_date"] for row in reading.rows] == [date(2023, 5, 4)], told(reading)
    assert reading.delivery["reading_note"] == "dates from day numbers"


def formatted(number_format: str, rows: list[list[object]], options: dict[str, Any]) -> bytes:
    """Return a workbook whose numbers are shown in a format."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, options) as book:
        sheet = book.add_worksheet("Raporti")
        for number, line in enumerate([*([k, v] for k, v in HEAD.items()), HEADINGS, *rows]):
            sheet.write_row(number, 0, line, book.add_format({"num_format": number_format}))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("number_format", "is_refused"),
    [
        ('0" mijë"', True), ('0"k"', True), ('"-"0', True), ('0" raste"', False),
        ('"("0")"', False),
        ('_(* #,##0.00_);_(* \\(#,##0.00\\);_(* "-"??_);_(@_)', False), ("0;\\-0;0", False),
        ("_-* #,##0_-;\\-* #,##0_-;_-* \\-_-;_-@_-", False), ("0_ ;[Red]\\-0\\ ", False),
        ('[>=5]0"k";0', True), ("0" + ";" * 300, True),
    ],
)  # fmt: skip
def test_a_format_may_name_the_unit_and_nothing_else(
    number_format: str, is_refused: bool, tmp_path: Path
) -> None:
    reading = read(formatted(number_format, one(5), {}), tmp_path)
    assert told(reading) == ([("not_a_number", "E7")] if is_refused else [])


def test_a_workbook_that_counts_days_from_1904_is_refused_with_what_to_do(tmp_path: Path) -> None:
    reading = read(formatted("0", one(5), {"date_1904": True}), tmp_path)
    assert told(reading) == [("unreadable_file", None)]
    assert "1904" in reading.problems[0].message_sq


@pytest.mark.parametrize(
    ("area", "beside", "is_refused"),
    [
        # A value of another cell is hidden behind merged ones.
        ("D7:E7", {"D7": "gjithsej", "E7": 9}, True),
        # The value stands where another column begins.
        ("C7:E7", {"C7": "3 persona", "E7": None}, True),
        ("B7:F7", {"B7": "asnjë rast", "E7": None}, True),
        ("A9:F9", {"A9": "II. Mbrojtja"}, False),
        ("A9:F9", {"A9": "II. Mbrojtja", "E9": 9}, True),
        ("E7:F7", {}, False),
    ],
)
def test_merged_cells_hide_no_value_and_lose_none(
    area: str, beside: dict[str, object], is_refused: bool, tmp_path: Path
) -> None:
    book = load_workbook(io.BytesIO(workbook([*one(3), *one(4, "2.1.18.1")])))
    page = book["Raporti"]
    page.merge_cells(area)
    content = io.BytesIO()
    for cell, value in beside.items():
        row, column = page[cell].row, page[cell].column
        page._cells[row, column] = Cell(page, row, column, value)
    book.save(content)
    found = read(content.getvalue(), tmp_path).problems
    assert any("bashkuara" in problem.message_sq for problem in found) is is_refused


def test_the_formula_of_a_total_that_is_left_out_refuses_nothing(tmp_path: Path) -> None:
    def write(sheet: Sheet) -> None:
        sheet.write(7, 0, "Gjithsej")
        sheet.write_formula(7, 4, "=SUM(E7:E7)", None, 3)

    reading = read(workbook(one(3), write), tmp_path)
    assert told(reading) == [("totals_row_left_out", "A8")]
    assert len(reading.rows) == 1


def test_heads_in_the_first_row_alone_hold_for_the_rest(tmp_path: Path) -> None:
    first, *_ = text([*one(3), *one(4, "2.1.18.1")]).splitlines()
    content = f"{first}\n{';'.join(HEAD.values())};2.1.9.1;;;;3;\n{';' * len(HEAD)}2.1.18.1;;;;4;\n"
    reading = read(content.encode(), tmp_path)
    assert told(reading) == []
    assert [row["value"] for row in reading.rows] == [3.0, 4.0]


def test_headings_without_rows_are_told_as_that(tmp_path: Path) -> None:
    reading = read(text([]).encode(), tmp_path)
    assert [found.rule for found in reading.problems] == ["invalid_frame"]
    assert "asnjë rresht" in reading.problems[0].message_sq


@pytest.mark.parametrize("code", ["2.1.1-2.1", "2.1.1 3.1", "2.1.1_8.1"])
def test_two_numbers_are_not_joined_into_one_code(code: str, tmp_path: Path) -> None:
    assert ("unknown_indicator", "A7") in told(read(workbook(one(3, code)), tmp_path))


def test_letters_of_which_the_code_page_is_not_known_are_not_guessed(tmp_path: Path) -> None:
    for name in ("Čolaku", "Petrović"):
        content = text([["2.1.9.1", name, "", "", 3, ""]])
        assert told(read(content.encode("cp1250"), tmp_path)) == [("unreadable_file", None)]
        assert len(read(content.encode(), tmp_path).rows) == 1
    for page in ("cp1250", "cp1252"):
        content = text([["2.1.9.1", "Çdo «vlerë» – në €", "", "", 3, ""]])
        assert len(read(content.encode(page), tmp_path).rows) == 1


def test_a_title_with_commas_above_a_table_of_semicolons_is_a_title(tmp_path: Path) -> None:
    remarks = ["2.1.18.1", "një, dy, tre, katër, pesë, gjashtë, shtatë, tetë, nëntë, dhjetë, " * 2]
    content = text([*one(3), [*remarks, "", "", 4, ""]])
    reading = read(f"Raporti, maj 2023, Fier\n{content}".encode(), tmp_path)
    assert [row["value"] for row in reading.rows] == [3.0, 4.0]


def _cells() -> list[dict[str, str]]:
    with Path(__file__).with_name("cells.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("cell", _cells(), ids=lambda cell: f"{cell['written']} {cell['unit']}")
def test_a_cell_is_read_as_it_is_meant_or_told_as_what_it_is(cell: dict[str, str]) -> None:
    # `sentence` is the rule itself where it needs no narrower sentence.
    count = read_count(cell["written"], cell["unit"])
    assert ("" if count.value is None else f"{count.value:g}") == cell["value"]
    assert ("" if count.rule else count.state) == cell["state"]
    assert (count.sentence or count.rule or "") == cell["sentence"]


def _remarks() -> list[dict[str, str]]:
    with Path(__file__).with_name("remarks.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("remark", _remarks(), ids=lambda remark: remark["text"])
def test_a_remark_about_a_person_is_known_and_no_other(remark: dict[str, str]) -> None:
    registers = REGISTERS.in_county("AL-04")
    assert seems_personal(remark["text"], registers, 2023) is bool(remark["is_personal"])


@pytest.mark.parametrize("said", ["rasti i Filan Fistekut", "0691234567", "mungonin fondet", ""])
def test_a_person_in_a_remark_is_told_without_a_word_of_it(said: str, tmp_path: Path) -> None:
    # Beside a value, and below the table; who signs is none.
    below = ["", f"Shënim: {said}" if said else "", "", "", "", ""]
    rows = [*one(3), below, ["Përgatiti: Filan Fisteku", "", "", "", "", ""]]
    reading = read(workbook(rows), tmp_path)
    is_personal = said.startswith(("rasti", "0"))
    assert ("person_in_remark" in {rule for rule, _ in told(reading)}) is is_personal
    assert [row["value"] for row in reading.rows] == [3.0]
    assert "Fistek" not in str(reading.problems) and "069" not in str(reading.problems)


def _institutions() -> list[dict[str, str]]:
    with Path(__file__).with_name("institutions.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    "row", _institutions(), ids=lambda row: f"{row['county_code']} {row['written']}"
)
def test_an_institution_is_known_as_its_county_writes_it_where_that_is_certain(
    row: dict[str, str],
) -> None:
    # Berat's has one municipality here: its name needs no place.
    beside = {
        "AL-12-POLICIA": ("AL-12", "police", "Vlorë"),
        "AL-12-PREFEKTI": ("AL-12", "prefect", "Vlorë"),
        "AL-07-POLICIA": ("AL-07", "police", "Gjirokastër"),
        "AL-01-B-BERAT": ("AL-01", "municipality", "Berat"),
        "AL-01-POLICIA": ("AL-01", "police", "Berat"),
        "AL-01-POLICIA-2": ("AL-01", "police", "Kuçovë"),
    }
    registers = replace(
        REGISTERS,
        institutions=REGISTERS.institutions | {code: each[0] for code, each in beside.items()},
        institution_places=REGISTERS.institution_places
        | {code: (kind, (place,)) for code, (_, kind, place) in beside.items()},
    )
    known = registers.in_county(row["county_code"])
    assert lookup(known.written["institutions"], row["written"]) == (
        row["institution_code"] or None
    )


def test_suggested_is_an_institution_of_the_kind_that_is_written_by_its_own_name() -> None:
    layout = next(each for each in load_layouts() if each.source == "submission")
    column = next(each for each in layout.columns if each.name == "institution_code")
    without = {
        code: county for code, county in REGISTERS.institutions.items() if code != "AL-04-DVKM"
    }
    known = replace(REGISTERS, institutions=without).in_county("AL-04")
    # The police is no border police, though the county has no other.
    assert candidates(column, "Policia Kufitare", known, "AL-04") == []
    shown = candidates(column, "Shërbimi Social", known, "AL-04")
    assert shown == ["AL-04-SHSSH Drejtoria Rajonale e Shërbimit Social Shtetëror Fier"]
