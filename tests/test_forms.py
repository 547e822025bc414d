"""Forms: written from the obligations, filled by hand, read back by the door."""

import csv
import re
import shutil
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import MAY, Refreshed
from openpyxl import load_workbook
from openpyxl.utils import range_boundaries
from openpyxl.worksheet.worksheet import Worksheet
from programs import LibreOffice

from orchestration.cli import cli
from orchestration.feedback.checking import Answer, check_file
from orchestration.feedback.last_values import last_values
from orchestration.runtime.settings import SEEDS
from sources.forms import LAYOUT_ID, write_forms, write_record_forms
from sources.layouts import load_layouts, lookup
from sources.registers import is_due, load_registers

COUNTY = "AL-04"
JUNE = date(2023, 6, 1)
OCTOBER = date(2023, 10, 1)
#: Where each column of the form stands.
CODE, CATEGORY, LAST, VALUE, STATE, TARGET, REASON = 0, 3, 4, 5, 6, 7, 8
#: Widths of columns in characters that fit on A4 at 11 points, in a font as wide as DejaVu Sans.
A4_ACROSS, A4_UPRIGHT = 114, 74


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    written = write_forms(COUNTY, JUNE, tmp_path_factory.mktemp("forms"), SEEDS, {})
    return {path.name.removesuffix("_2023-06.xlsx"): path for path in written}


def _rows(path: Path) -> tuple[Worksheet, dict[tuple[str, str], int]]:
    sheet = load_workbook(path)["Raporti"]
    return sheet, {
        (str(row[CODE].value), str(row[CATEGORY].value or "")): row[CODE].row
        for row in sheet.iter_rows(min_row=9)
    }


def _filled(path: Path, target: Path, cells: dict[str, object]) -> Path:
    book = load_workbook(path)
    for cell, value in cells.items():
        book["Raporti"][cell] = value
    book.save(target)
    return target


def _check(path: Path) -> Answer:
    return check_file(path, load_registers(SEEDS), SEEDS)


def test_each_institution_that_owes_something_gets_what_it_owes(forms: dict[str, Path]) -> None:
    with (SEEDS / "reporting_obligations.csv").open(encoding="utf-8", newline="") as file:
        owed: dict[str, set[str]] = {}
        for row in csv.DictReader(file):
            if is_due(row, JUNE):
                owed.setdefault(row["institution_code"], set()).add(row["indicator_code"])
    assert set(forms) == set(owed)
    for institution, path in forms.items():
        _, rows = _rows(path)
        assert {code for code, _ in rows} == owed[institution]


def test_a_quarterly_value_is_asked_for_at_the_end_of_the_quarter_only(tmp_path: Path) -> None:
    may = write_forms(COUNTY, MAY, tmp_path, SEEDS, {})
    prefect = [path for path in may if path.name.startswith("AL-04-PREFEKTI")]
    assert [code for code, _ in _rows(prefect[0])[1]] == ["3.1.1.1", "3.1.1.1", "3.1.1.1"]


def test_the_form_shows_name_unit_breakdown_and_what_was_reported_last(
    refreshed: Refreshed, tmp_path: Path
) -> None:
    reported = last_values(refreshed.home, COUNTY, JUNE)
    write_forms(COUNTY, JUNE, tmp_path, SEEDS, reported)
    sheet, rows = _rows(tmp_path / "AL-04-POLICIA_2023-06.xlsx")
    row = rows["2.1.9.1", ""]
    assert sheet.cell(row, 2).value.startswith("Numri i rasteve të reja")
    assert sheet.cell(row, 3).value == "persona"
    last = reported["AL-04-POLICIA", "2.1.9.1", "total"]
    assert sheet.cell(row, LAST + 1).value == last
    assert ("3.1.2.1", "aplikacioni") in rows


def test_the_head_says_in_words_whose_form_it_is_until_when_and_where_it_goes(
    forms: dict[str, Path], tmp_path: Path
) -> None:
    sheet, _ = _rows(forms["AL-04-POLICIA"])
    assert [sheet.cell(row, 3).value for row in range(1, 7)] == [
        "Raporti i muajit për masat kundër trafikimit",
        "Qarku Fier",
        "Drejtoria Vendore e Policisë Fier",
        "qershor 2023",
        "Afati: 10.07.2023",
        "Dërgohet te: KRAT-i i qarkut Fier",
    ]
    [form, *_] = write_forms(COUNTY, JUNE, tmp_path, SEEDS, {}, "krat@fier.example")
    assert _rows(form)[0]["C6"].value == "Dërgohet te: krat@fier.example"


def test_a_target_is_shown_with_its_value_and_asks_why_it_was_missed(
    forms: dict[str, Path],
) -> None:
    sheet, rows = _rows(forms["AL-04-POLICIA"])
    with (SEEDS / "targets.csv").open(encoding="utf-8", newline="") as file:
        targets = {
            row["indicator_code"]: f"{row['value']} (kombëtar)"
            for row in csv.DictReader(file)
            if row["year"] == "2023" and row["value_state"] == "number"
        }
    shown = {
        code: sheet.cell(row, TARGET + 1).value for (code, category), row in rows.items()
        if not category
    }  # fmt: skip
    assert shown == {code: targets.get(code) for code in shown}
    assert any(shown.values())
    parts = [row for (_, category), row in rows.items() if category]
    assert not [row for row in parts if sheet.cell(row, TARGET + 1).value]


@pytest.fixture
def long_names(tmp_path: Path) -> Path:
    """Registers in which the police have a long name, and the county a target of its own."""
    seeds = Path(shutil.copytree(SEEDS, tmp_path / "seeds"))
    name = "Drejtoria Vendore e Policisë Fier"
    institutions = (seeds / "institutions.csv").read_text("utf-8")
    assert name in institutions
    institutions = institutions.replace(name, f"{name} - {'Sektori i Hetimit të Krimeve ' * 5}")
    (seeds / "institutions.csv").write_text(institutions, "utf-8")
    targets = (seeds / "targets.csv").read_text("utf-8")
    targets = targets.replace(",AL,2023,target,61,number,", ",AL,2023,target,61000,number,")
    (seeds / "targets.csv").write_text(targets, "utf-8")
    with (seeds / "targets.csv").open("a", encoding="utf-8") as file:
        file.write("PKV-2021-2023,2.1.9.1,AL-04,2023,target,12000,number,12000,,certain,own\n")
        file.write("PKV-2021-2023,3.1.8.1,AL-05,2023,target,77777,number,77777,,certain,others\n")
    return seeds


def test_a_countys_own_target_is_shown_in_place_of_the_nations(
    long_names: Path, tmp_path: Path
) -> None:
    shown = set()
    for path in write_forms(COUNTY, JUNE, tmp_path / "forms", long_names, {}):
        sheet, rows = _rows(path)
        shown |= {(code, sheet.cell(row, TARGET + 1).value) for (code, _), row in rows.items()}
    assert {value for code, value in shown if code == "2.1.9.1"} == {12000}
    assert "61\N{NO-BREAK SPACE}000 (kombëtar)" in {value for _, value in shown}
    assert not [value for _, value in shown if "77777" in str(value).replace("\xa0", "")]


def test_a_long_name_is_not_cut(long_names: Path, tmp_path: Path) -> None:
    for month in (JUNE, OCTOBER):
        written = write_forms(COUNTY, month, tmp_path / "forms", long_names, {})
        written += write_record_forms(COUNTY, month, tmp_path / "forms", long_names)
        for path in written:
            if "POLICIA" not in path.name:
                continue
            sheet = load_workbook(path).worksheets[0]
            [row] = {
                cell.row for row in sheet["C1:C6"] for cell in row if "Sektori" in str(cell.value)
            }
            assert sheet.row_dimensions[row].height >= 3 * 15, path.name
            assert sheet.cell(row, 3).alignment.wrap_text
            assert len(sheet.oddFooter.left.text) < 90


def _pages(path: Path) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", path.read_bytes()))


def test_each_form_is_printed_on_as_many_pages_as_it_needs(
    forms: dict[str, Path], long_names: Path, tmp_path: Path, libreoffice: LibreOffice
) -> None:
    """Instructions are on a page in each language, records on several beside each other."""
    records = write_record_forms(COUNTY, OCTOBER, tmp_path / "forms", SEEDS)
    records += write_record_forms(COUNTY, OCTOBER, tmp_path / "long", long_names)
    for number, path in enumerate([*forms.values(), *records]):
        printed = tmp_path / f"{number}.pdf"
        libreoffice.convert(path, printed)
        least, most = (6, 10) if path in records else (3, 5)
        assert least <= _pages(printed) <= most, path.name


def test_every_page_is_a4_and_its_text_is_not_made_small(
    forms: dict[str, Path], tmp_path: Path
) -> None:
    records = write_record_forms(COUNTY, OCTOBER, tmp_path, SEEDS)
    for path in (*forms.values(), *records):
        for sheet in load_workbook(path).worksheets:
            assert sheet.page_setup.paperSize == 9, path.name
            sizes = {cell.font.size for row in sheet.iter_rows() for cell in row if cell.value}
            assert min(sizes) >= 11, path.name
            columns = [*sheet.column_dimensions.values()]
            width = sum(each.width * (each.max - each.min + 1) for each in columns)
            if sheet.title == "Raporti":
                assert width < A4_ACROSS, "the columns are as wide as A4 at 11 points"
            if sheet.title == "Listat":
                printed = sheet.print_area.replace("$", "").partition("!")[2]
                _, _, last, _ = range_boundaries(printed)
                assert last * columns[0].width < A4_ACROSS
        for title in ("Udhëzime", "Instructions"):
            instructions = load_workbook(path)[title]
            assert instructions.column_dimensions["A"].width < A4_UPRIGHT
            height = sum(line.height or 15 for line in instructions.row_dimensions.values())
            assert height < 740, "the instructions are longer than a page"
            assert instructions.page_setup.fitToHeight in (None, 1)


def test_a_log_and_records_of_cases_have_forms_that_are_read_once_filled(tmp_path: Path) -> None:
    written = {path.name: path for path in write_record_forms(COUNTY, OCTOBER, tmp_path, SEEDS)}
    log = load_workbook(written["AL-04-POLICIA_hotline_2023-10.xlsx"])
    headings = [cell.value for cell in log["Regjistri"][5]]
    row = {
        "Nr. i kontaktit": "K-1", "Kanali": "linja kombëtare 116-006",
        "Marrë më": "2023-10-03 10:00", "Qëllimi": "informacion",
        "Numri i elementeve të dyshimit": 0, "Rezultati": "pa veprim",
    }  # fmt: skip
    for column, heading in enumerate(headings, start=1):
        log["Regjistri"].cell(6, column).value = row.get(str(heading))
    log.save(tmp_path / "log.xlsx")
    answer = _check(tmp_path / "log.xlsx")
    assert (answer.verdict, len(answer.reading.rows)) == ("clean", 1)
    assert answer.reading.rows[0]["channel"] == "phone_116006"
    for path in written.values():
        assert [found.rule for _, found in _check(path).problems] == ["invalid_frame"], "no rows"


def test_what_a_form_of_records_offers_is_known_to_the_door(tmp_path: Path) -> None:
    registers = load_registers(SEEDS)
    for path in write_record_forms(COUNTY, OCTOBER, tmp_path, SEEDS):
        book = load_workbook(path)
        sheet, lists = book["Regjistri"], book["Listat"]
        layout = next(each for each in load_layouts() if each.id == sheet["B1"].value)
        top = next(
            row for row in sheet.iter_rows() if row[0].value in ("Nr. i kontaktit", "Nr. i rastit")
        )
        headings = {str(cell.value): cell.column_letter for cell in top}
        offered = {
            re.sub(r"\d.*", "", str(found.sqref)): found.formula1.partition("!")[2]
            for found in sheet.data_validations.dataValidation
            if found.type == "list"
        }
        for column in layout.columns:
            letter = headings.get(column.headings[0])
            if column.place == "row" and column.code_lists:
                cells = [cell for (cell,) in lists[offered[str(letter)].replace("$", "")]]
                assert cells, column.name
                titles = [str(each.value) for each in lists[cells[0].column_letter]]
                assert f"«{column.headings[0]}»" in titles[cells[0].row - 2]
                codes = layout.codes(column, registers)
                for cell in cells:
                    assert lookup(codes, cell.value), (column.name, cell.value)


def test_only_the_cells_to_fill_are_open_and_the_state_is_chosen_from_a_list(
    forms: dict[str, Path],
) -> None:
    sheet, rows = _rows(forms["AL-04-POLICIA"])
    assert sheet.protection.sheet
    for row in rows.values():
        opened = [cell.column - 1 for cell in sheet[row] if not cell.protection.locked]
        target = sheet.cell(row, TARGET + 1).value
        assert opened == [VALUE, STATE, *([REASON] if target else [])]
    assert sheet["B1"].protection.locked
    lists = [found for found in sheet.data_validations.dataValidation if found.type == "list"]
    assert lists[0].formula1 == '"zero,nuk dihet,nuk jepet,nuk i takon institucionit"'
    whole = [found for found in sheet.data_validations.dataValidation if found.type == "whole"]
    assert whole[0].formula1 == "0"


def test_every_choice_that_a_form_offers_is_a_state_that_the_door_knows() -> None:
    layout = next(layout for layout in load_layouts() if layout.id == LAYOUT_ID)
    column = layout.column("value_state")
    states = {lookup(layout.code_lists["states"], choice) for choice in column.choices}
    assert states == {"zero", "not_applicable", "unknown", "refused"}


def test_a_filled_form_is_read_as_it_was_meant(forms: dict[str, Path], tmp_path: Path) -> None:
    _, rows = _rows(forms["AL-04-POLICIA"])
    answer = _check(
        _filled(
            forms["AL-04-POLICIA"],
            tmp_path / "r.xlsx",
            {
                f"F{rows['2.1.9.1', '']}": 4,
                f"G{rows['2.1.2.1', '']}": "nuk jepet",
                f"G{rows['2.1.3.1', '']}": "zero",
                f"F{rows['3.1.2.1', '']}": 5,
                f"F{rows['3.1.2.1', 'aplikacioni']}": 5,
                f"F{rows['3.1.2.3', '']}": 0,
                f"I{rows['2.1.9.1', '']}": "emri i dikujt",
            },
        )
    )
    # What was refused is asked again, no other value is; the deadline is years ago.
    assert [(each.rule, each.cell) for _, each in answer.problems] == [
        ("late_report", None),
        ("value_not_reported", f"F{rows['2.1.2.1', '']}"),
    ]
    read = {
        (row["indicator_code"], row["category"]): (row["value"], row["value_state"])
        for row in answer.reading.rows
    }
    assert read["2.1.9.1", "total"] == (4.0, "number")
    assert read["2.1.2.1", "total"] == (None, "refused")
    assert read["2.1.3.1", "total"] == (0.0, "zero")
    assert read["3.1.2.1", "app"] == (5.0, "number")
    assert read["3.1.2.1", "hotline"] == (None, "not_reported")
    assert "dikujt" not in str(answer.reading.rows)


@pytest.mark.parametrize(
    ("cell", "value"), [("B4", "2023-07"), ("B3", "AL-04-SHSSH"), ("B5", "00000000")]
)
def test_a_head_that_was_altered_is_a_finding(
    cell: str, value: str, forms: dict[str, Path], tmp_path: Path
) -> None:
    altered = _filled(forms["AL-04-POLICIA"], tmp_path / "r.xlsx", {cell: value})
    assert "form_key_differs" in [found.rule for _, found in _check(altered).problems]


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    one = write_forms(COUNTY, JUNE, tmp_path / "one", SEEDS, {})
    two = write_forms(COUNTY, JUNE, tmp_path / "two", SEEDS, {})
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_the_command_tells_what_it_wrote_and_where_nothing_is_owed(tmp_path: Path) -> None:
    arguments = ["forms", "--month", "2023-05", "--out", str(tmp_path / "forms")]
    told = CliRunner().invoke(cli, [*arguments, "--county", COUNTY])
    assert told.exit_code == 0
    assert told.output == (
        f"Wrote 17 forms in {tmp_path / 'forms'}.\n"
        "Wrote 5 forms for the hotline's log and records of cases beside them.\n"
    )
    none = CliRunner().invoke(cli, [*arguments, "--county", "AL-05"])
    assert none.exit_code == 1
    assert "no institution of AL-05 owes a report for 2023-05" in none.output


def test_a_form_filled_in_libreoffice_is_read_back(
    forms: dict[str, Path], tmp_path: Path, libreoffice: LibreOffice
) -> None:
    source = Path(shutil.copy(forms["AL-04-POLICIA"], tmp_path / "form.xlsx"))
    _, rows = _rows(forms["AL-04-POLICIA"])
    locked = libreoffice.fill(
        source,
        tmp_path / "filled.xlsx",
        {
            f"F{rows['2.1.9.1', '']}": "4",
            f"G{rows['2.1.2.1', '']}": "nuk dihet",
            f"G{rows['2.1.3.1', '']}": "zero",
            f"G{rows['3.1.2.1', '']}": "nuk i takon institucionit",
            f"F{rows['3.1.2.3', '']}": "0",
            "B4": "2023-07",
        },
    )
    assert locked == ["B4"], "the head is locked"
    answer = _check(tmp_path / "filled.xlsx")
    # What isn't known is asked for, no other value is; the deadline is years ago.
    assert [(each.rule, each.cell) for _, each in answer.problems] == [
        ("late_report", None),
        ("value_not_reported", f"F{rows['2.1.2.1', '']}"),
    ]
    read = {
        (row["indicator_code"], row["category"]): (row["value"], row["value_state"])
        for row in answer.reading.rows
    }
    assert read["2.1.9.1", "total"] == (4.0, "number")
    assert read["2.1.2.1", "total"] == (None, "unknown")
