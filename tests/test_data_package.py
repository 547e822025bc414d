"""A release as a Data Package, value by value, and as a workbook made to be read."""

import json
from pathlib import Path
from typing import Any

import duckdb
import frictionless
import openpyxl
import pandas as pd
import pytest
from conftest import Refreshed
from programs import LibreOffice

from orchestration import products
from orchestration.products.declaration import published_marts
from orchestration.products.tree import MANIFEST, releases_in

#: LibreOffice's options of csv: `;` and `"`, UTF-8, and every sheet to a file of its own.
EVERY_SHEET = "59,34,76,1,,0,false,true,false,false,false,-1"

MARTS = {mart.name for mart in published_marts() if mart.numbers}


@pytest.fixture
def fier(refreshed: Refreshed) -> Path:
    return refreshed.home.releases / "restricted" / "AL-04" / "2023-05" / "r1"


@pytest.fixture
def package(fier: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((fier / MANIFEST).read_bytes())
    return content


def test_frictionless_accepts_every_release(refreshed: Refreshed) -> None:
    listed = list(releases_in(refreshed.home.releases))
    assert {one.tier for one in listed} == {"restricted", "public"}
    for one in listed:
        report = frictionless.validate(str(one.path / MANIFEST))
        assert report.valid, report.flatten(["title", "message"])
        assert report.stats["tasks"] >= 10


def test_frictionless_would_find_a_value_that_does_not_fit(fier: Path, tmp_path: Path) -> None:
    for path in fier.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    text = (tmp_path / "referral_flow.csv").read_text(encoding="utf-8")
    (tmp_path / "referral_flow.csv").write_text(text.replace("AL-04", "AL-99"), encoding="utf-8")
    report = frictionless.validate(str(tmp_path / MANIFEST))
    assert {"foreign-key", "hash-count"} <= {error.type for task in report.tasks
                                             for error in task.errors}  # fmt: skip


def test_every_table_and_column_is_told_in_albanian_and_english(package: dict[str, Any]) -> None:
    tables = [one for one in package["resources"] if one["format"] == "csv"]
    names = {one["name"].replace("-", "_") for one in tables}
    assert names >= {*MARTS, "findings", "observations", "changes", "indicators", "codes"}
    for table in tables:
        assert "Një rresht është " in table["description"]
        assert "One row is " in table["description"]
        schema = table["schema"]
        assert schema["primaryKey"]
        for missing in schema["missingValues"]:
            assert " / " in missing["label"]
        for field in schema["fields"]:
            albanian, english = field["title"].split(" / ", 1)
            assert albanian != field["name"], field["name"]
            assert english != field["name"], field["name"]
            assert field["description"] or table["name"] == "codes", field["name"]


def test_every_number_has_a_unit_and_both_statuses(fier: Path, package: dict[str, Any]) -> None:
    values = pd.read_parquet(fier / "observations.parquet")
    assert not values[["unit", "obs_status", "conf_status"]].isna().any().any()
    # Who was identified goes out with the last month of a half-year.
    assert set(values["mart"]) == MARTS - {"identified_persons"}
    assert package["release"]["status"] == "provisional"
    numbers = values["obs_value"].notna()
    # A number is provisional, and a lower bound where something that it should hold is missing.
    assert set(values[numbers]["obs_status"]) == {"P", "U"}
    assert set(values[~numbers]["obs_status"]) <= {"O", "L", "M"}
    field = next(
        field
        for one in package["resources"]
        if one["name"] == "observations"
        for field in one["schema"]["fields"]
        if field["name"] == "obs_status"
    )
    assert {entry["value"] for entry in field["categories"]} >= set(values["obs_status"])


@pytest.mark.parametrize(
    ("mart", "row", "measure", "obs_status", "conf_status"),
    [
        ("reporting_completeness", "AL-04-B-PATOS", "days_late", "O", "F"),
        ("indicator_progress", "PKV-2021-2023/1.1.1.1", "actual_month", "M", "F"),
        ("indicator_progress", "PKV-2021-2023/2.1.1.1", "actual_month", "P", "N"),
        ("indicator_progress", "PKV-2021-2023/2.1.1.1", "target_value", "M", "N"),
        ("indicator_progress", "PKV-2021-2023/1.1.1.1", "official_value", "M", "F"),
        ("indicator_progress", "PKV-2021-2023/2.1.1.1", "actual_cumulative_most", "M", "N"),
        ("indicator_progress", "PKV-2021-2023/2.1.9.1", "official_value", "P", "N"),
        ("referral_flow", "all", "identified", "P", "N"),
    ],
)
def test_a_value_has_the_status_of_what_is_known_of_it(
    mart: str, row: str, measure: str, obs_status: str, conf_status: str, fier: Path
) -> None:
    values = pd.read_parquet(fier / "observations.parquet").set_index(
        ["mart", "mart_row", "measure"]
    )
    found = values.loc[(mart, row, measure)]
    assert (found["obs_status"], found["conf_status"]) == (obs_status, conf_status)


def test_the_database_of_a_release_names_its_codes(fier: Path) -> None:
    with duckdb.connect(str(fier / "mart.duckdb"), read_only=True) as connection:
        unnamed = connection.execute(
            "select count(*) from indicator_progress "
            "anti join indicators using (plan_code, indicator_code)"
        ).fetchone()
        comments = connection.execute(
            "select count(*) filter (where comment is null) from duckdb_columns() "
            "where not internal and table_name in ('indicator_progress', 'revisions')"
        ).fetchone()
    assert unnamed == (0,)
    assert comments == (0,)


def test_the_workbook_is_made_to_be_read(fier: Path) -> None:
    book = openpyxl.load_workbook(fier / "marts.xlsx")
    cover = [[str(cell.value or "") for cell in row] for row in book["Kopertina"].iter_rows()]
    told = {row[0]: row[1] for row in cover}
    assert cover[0][0] == "Fier: maj 2023"
    assert told["Gjendja e publikimit / Status"].startswith("Paraprak")
    assert told["Plotësia / Completeness"].startswith("15 nga 17 raporte, 14 në afat")
    assert "Made-up data." in told["SHEMBULL / EXAMPLE"]
    assert any(row[1].endswith("(missing_report)") for row in cover)
    assert told["Publikimi / Release"].startswith("r1: me akses të kufizuar")
    assert book.sheetnames[0] == "Kopertina"
    assert book.sheetnames[-1] == "Fjalori"
    assert "Ecuria e treguesve" in book.sheetnames
    objectives = [sheet for sheet in book.worksheets if sheet.title.startswith("Objektivi ")]
    for sheet in book.worksheets[1:]:
        assert sheet.freeze_panes
        assert all(column.width >= 9 for column in sheet.column_dimensions.values())
        # In type that can be read: a wide table goes over several pages.
        wide = sum(column.width for column in sheet.column_dimensions.values())
        assert int(sheet.page_setup.fitToWidth or 1) >= wide / 230
        if sheet not in objectives:
            assert sheet.auto_filter.ref
            assert " / " in str(sheet["A1"].value)


def test_each_objective_has_a_sheet_with_its_indicators_and_a_chart(fier: Path) -> None:
    book = openpyxl.load_workbook(fier / "marts.xlsx")
    sheets = {sheet.title: sheet for sheet in book.worksheets if "Objektivi" in sheet.title}
    assert list(sheets) == [f"Objektivi {code}" for code in ("1.1", "2.1", "2.2", "3.1", "3.2")]
    sheet = sheets["Objektivi 2.1"]
    assert sheet["A1"].value.startswith("Objektivi 2.1. Identifikimi dhe mbështetja")
    rows = {row[0].value: row for row in sheet.iter_rows(min_row=5) if row[0].value}
    progress = pd.read_parquet(fier / "indicator_progress.parquet").set_index("indicator_code")
    values = pd.read_parquet(fier / "observations.parquet").set_index(["mart_row", "measure"])
    shown = [code for code in rows if code in progress.index]
    assert shown[0] == "2.1.1.1" and shown[-1] == "2.1.19.1"
    assert all(code.startswith("2.1.") for code in shown)
    for code in shown:
        value = progress.loc[code, "actual_year_to_date"]
        cell = rows[code][5]
        assert cell.value in ("–", ":", ":u") if pd.isna(value) else cell.value == value
        status = values.loc[(f"PKV-2021-2023/{code}", "actual_year_to_date"), "obs_status"]
        assert ("≥" in cell.number_format) == (status == "U" and not pd.isna(value))
    # Openpyxl keeps charts of what it reads: persons and other things have one each.
    assert len(sheet._charts) == 2


def test_nothing_that_is_missing_is_shown_as_0(fier: Path) -> None:
    frame = pd.read_parquet(fier / "indicator_progress.parquet")
    assert frame["actual_month"].isna().any()
    sheet = openpyxl.load_workbook(fier / "marts.xlsx")["Ecuria e treguesve"]
    heads = [str(cell.value).split(" / ")[1] for cell in sheet[1]]
    position = heads.index("Actual of the month") + 1
    for row, value in enumerate(frame["actual_month"], start=2):
        shown = sheet.cell(row=row, column=position).value
        assert shown in ("–", ":", ":u") if pd.isna(value) else shown == value


def test_libreoffice_opens_the_workbook(
    fier: Path, tmp_path: Path, libreoffice: LibreOffice
) -> None:
    libreoffice.convert(fier / "marts.xlsx", tmp_path / "marts.csv", EVERY_SHEET)
    text = (tmp_path / "marts-Kopertina.csv").read_text(encoding="utf-8")
    assert "Fier: maj 2023" in text
    progress = (tmp_path / "marts-Ecuria e treguesve.csv").read_text(encoding="utf-8")
    assert "2.1.1.1" in progress


def test_two_columns_have_never_the_same_titles() -> None:
    path = Path(products.__file__).with_name("columns.csv")
    titles = pd.read_csv(path, dtype=str, keep_default_na=False)
    for names in (["column"], ["title_sq", "title_en"]):
        assert not titles[titles.duplicated(subset=names)]["column"].tolist()
