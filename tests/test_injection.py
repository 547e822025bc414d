"""What krat exports is safe to open: no text becomes a formula, and numbers stay numbers."""

import csv
import io
import re
import shutil
import zipfile
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import xlsxwriter
from conftest import MAY, Refreshed
from docx import Document
from openpyxl import load_workbook

from orchestration.feedback.checking import check_file, write_marked_copy
from orchestration.feedback.letters import Letter, Section, write_document
from orchestration.feedback.slips import write_slips
from orchestration.products.declaration import Product, ProductColumn
from orchestration.products.tables import ProductTable
from orchestration.publication.writing.files import safe_text
from orchestration.publication.writing.workbook import write_workbook
from orchestration.runtime.settings import SEEDS
from sources.forms import write_forms
from sources.registers import load_registers

STARTS = ("=", "+", "-", "@", "\t=", "\r=", "\n=", "＝", "＋", "－", "＠")
NASTY = [f"{start}cmd|' /c calc'!A0" for start in STARTS]


def formulas(path: Path) -> list[str]:
    """Return the cells of a workbook that a spreadsheet would compute or follow."""
    book = load_workbook(path)
    return [
        f"{sheet.title}!{cell.coordinate}"
        for sheet in book.worksheets
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f" or cell.hyperlink
    ]


def starting_formulas(text: str) -> list[str]:
    """Return the cells of separated text that a spreadsheet would compute; a number is none."""
    found = []
    for row in csv.reader(io.StringIO(text, newline="")):
        for cell in row:
            if cell.startswith(STARTS):
                try:
                    float(cell)
                except ValueError:
                    found.append(cell)
    return found


def test_text_and_headings_are_made_safe_and_numbers_stay_numbers() -> None:
    frame = pd.DataFrame({"=heading": NASTY, "number": [-3.5] * len(NASTY), "whole": -1})
    written = safe_text(frame).to_csv(index=False)
    assert starting_formulas(frame.to_csv(index=False, quoting=csv.QUOTE_ALL))
    assert not starting_formulas(written)
    read = pd.read_csv(io.StringIO(written))
    assert read["number"].tolist() == [-3.5] * len(NASTY)
    assert read["whole"].tolist() == [-1] * len(NASTY)
    assert list(read["'=heading"]) == [f"'{text}".replace("\r", "\n") for text in NASTY]


def test_the_workbook_of_a_release_computes_nothing(tmp_path: Path) -> None:
    columns = (
        ProductColumn("county_code", "VARCHAR", "=1+1", "=1+1", "=1+1"),
        ProductColumn("=value", "DOUBLE", "=1+1", "=1+1", "=1+1", "=1+1", "not_reported"),
    )
    mart = Product(
        name="numbers",
        title_sq="Numrat",
        title_en="Numbers",
        row_sq="një numër",
        row_en="a number",
        key=("county_code",),
        columns=columns,
    )
    frame = pd.DataFrame({"county_code": NASTY, "=value": [-3.5] * len(NASTY)})
    path = tmp_path / "marts.xlsx"
    write_workbook(
        path,
        facts={
            "county_code": "AL-04",
            "reporting_month": "2023-05",
            "number": 1,
            "tier": "restricted",
            "released_on": "2023-06-12",
            "is_made_up": True,
            "reopened": {"reason": "=1+1", "by": "=1+1"},
        },
        tables=[ProductTable(mart, columns, frame)],
        changes=None,
        observations=None,
        registers=[],
        measures={},
        gate={"findings_by_rule": {"=1+1": 1}},
    )
    assert not formulas(path)
    sheet = load_workbook(path).worksheets[1]
    assert {sheet.cell(row, 2).value for row in range(2, len(NASTY) + 2)} == {-3.5}


def test_a_slip_computes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "slip.docx"
    rows = tuple((text, text, -3, text) for text in NASTY)
    sections = (
        Section(NASTY[1], tuple(NASTY), numbered=True),
        Section("have", headings=tuple(NASTY[:4]), rows=rows),
    )
    letter = Letter(NASTY[0], NASTY[0], MAY, NASTY[0], tuple(NASTY), sections)
    write_document(path, letter)
    with zipfile.ZipFile(path) as archive:
        document = archive.read("word/document.xml").decode()
        relations = archive.read("word/_rels/document.xml.rels").decode()
    assert not re.search("w:fldSimple|w:instrText|w:fldChar|w:hyperlink|w:object", document)
    assert "External" not in relations
    [table] = Document(str(path)).tables
    for number, text in enumerate(NASTY, start=1):
        shown = text.replace("\r", "\n")
        assert [cell.text for cell in table.rows[number].cells] == [shown, shown, "-3", shown]


def test_a_form_computes_nothing(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    shutil.copytree(SEEDS, seeds)
    for name in ("institutions", "indicators"):
        path = seeds / f"{name}.csv"
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        frame["name_sq"] = [NASTY[number % len(NASTY)] for number in range(len(frame))]
        frame.to_csv(path, index=False, quoting=csv.QUOTE_ALL)
    for path in write_forms("AL-04", date(2023, 6, 1), tmp_path / "forms", seeds, {}):
        assert not formulas(path)


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_a_marked_copy_computes_nothing(suffix: str, tmp_path: Path) -> None:
    head = ["Formulari", "Qarku", "Institucioni", "Muaji", "Të dhënat", "Kodi i treguesit",
            "Ndarja", "Vlera", "Gjendja", "=1+1"]  # fmt: skip
    said = ["krat-raport-1", "AL-04", "AL-04-SHSSH", "2023-05", "REALE"]
    rows = [[*said, "2.1.18.1", "", text, "", -3] for text in NASTY]
    path = tmp_path / f"raport.{suffix}"
    if suffix == "csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=";").writerows([head, *rows])
    else:
        with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False}) as book:
            sheet = book.add_worksheet("Raporti")
            for number, row in enumerate([head, *rows]):
                sheet.write_row(number, 0, row)
            sheet.write_formula(1, 7, "=WEBSERVICE(A1)", None, 3)
            sheet.write_formula(30, 12, "=cmd|' /c calc'!A0", None, 3)
    answer = check_file(path, load_registers(SEEDS), SEEDS, "AL-04")
    assert answer.verdict == "refused"
    target = tmp_path / "marked.xlsx"
    write_marked_copy(answer, target, "sq")
    assert not formulas(target)
    marked = load_workbook(target).worksheets[0]
    assert str(marked.cell(3, 10).value) == "-3"


def test_nothing_that_the_example_publishes_is_computed(
    refreshed: Refreshed, tmp_path: Path
) -> None:
    write_slips(refreshed.home, "AL-04", MAY, date(2023, 7, 1), tmp_path)
    exported = [*refreshed.home.releases.rglob("*"), *tmp_path.iterdir()]
    workbooks = [path for path in exported if path.suffix == ".xlsx"]
    texts = [path for path in exported if path.suffix == ".csv"]
    assert workbooks
    assert texts
    assert not [(path.name, found) for path in workbooks if (found := formulas(path))]
    for path in texts:
        assert not starting_formulas(path.read_text(encoding="utf-8")), path.name
