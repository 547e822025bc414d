"""Forms: written from the obligations, filled by hand, read back by the door."""

import csv
import shutil
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import MAY, Refreshed
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet
from programs import LibreOffice

from orchestration.cli import cli
from orchestration.feedback.checking import Answer, check_file
from orchestration.feedback.last_values import last_values
from orchestration.runtime.settings import SEEDS
from sources.forms import LAYOUT_ID, write_forms
from sources.layouts import load_layouts, lookup
from sources.registers import is_due, load_registers

COUNTY = "AL-04"
JUNE = date(2023, 6, 1)
#: Where each column of the form stands.
CODE, CATEGORY, LAST, VALUE, STATE, REASON = 0, 3, 4, 5, 6, 7


@pytest.fixture(scope="module")
def forms(refreshed: Refreshed, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("forms")
    written = write_forms(COUNTY, JUNE, folder, SEEDS, last_values(refreshed.home, COUNTY, JUNE))
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
    forms: dict[str, Path], refreshed: Refreshed
) -> None:
    sheet, rows = _rows(forms["AL-04-POLICIA"])
    row = rows["2.1.9.1", ""]
    assert sheet.cell(row, 2).value.startswith("Numri i rasteve të reja")
    assert sheet.cell(row, 3).value == "persona"
    last = last_values(refreshed.home, COUNTY, JUNE)["AL-04-POLICIA", "2.1.9.1", "total"]
    assert sheet.cell(row, LAST + 1).value == last
    assert ("3.1.2.1", "aplikacioni") in rows


def test_only_the_cells_to_fill_are_open_and_the_state_is_chosen_from_a_list(
    forms: dict[str, Path],
) -> None:
    sheet, rows = _rows(forms["AL-04-POLICIA"])
    assert sheet.protection.sheet
    for row in rows.values():
        opened = [cell.column - 1 for cell in sheet[row] if not cell.protection.locked]
        assert opened == [VALUE, STATE, REASON]
    assert sheet["B1"].protection.locked
    lists = [found for found in sheet.data_validations.dataValidation if found.type == "list"]
    assert lists[0].formula1 == '"zero,nuk zbatohet,nuk dihet,refuzuar"'
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
                f"G{rows['2.1.2.1', '']}": "refuzuar",
                f"G{rows['2.1.3.1', '']}": "zero",
                f"F{rows['3.1.2.1', '']}": 5,
                f"F{rows['3.1.2.1', 'aplikacioni']}": 5,
                f"F{rows['3.1.2.3', '']}": 0,
                f"H{rows['2.1.9.1', '']}": "emri i dikujt",
            },
        )
    )
    assert answer.verdict == "clean"
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
    assert (told.exit_code, told.output) == (0, f"Wrote 17 forms in {tmp_path / 'forms'}.\n")
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
            f"G{rows['3.1.2.1', '']}": "nuk zbatohet",
            f"F{rows['3.1.2.3', '']}": "0",
            "B4": "2023-07",
        },
    )
    assert locked == ["B4"], "the head is locked"
    answer = _check(tmp_path / "filled.xlsx")
    assert answer.verdict == "clean"
    read = {
        (row["indicator_code"], row["category"]): (row["value"], row["value_state"])
        for row in answer.reading.rows
    }
    assert read["2.1.9.1", "total"] == (4.0, "number")
    assert read["2.1.2.1", "total"] == (None, "unknown")
