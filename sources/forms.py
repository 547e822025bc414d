"""The forms that institutions fill in: one Excel workbook each, written from their obligations.

Belongs here: which rows a form asks for, and how it looks. Not here: what a form's columns are (the
layouts) or how a filled form is read (sources.reading).
"""

from datetime import date, datetime
from math import ceil
from pathlib import Path
from typing import Any

import xlsxwriter

from sources.layouts import SOURCES, Layout, form_key, load_layouts
from sources.registers import (
    is_due,
    national_plans,
    obligations_in,
    plan_in,
    plan_rows,
    register_rows,
)
from sources.texts import both, text

LAYOUT_ID = "krat-raport-2"

_WIDTHS = {
    "indicator_code": 12,
    "indicator_name": 60,
    "unit": 18,
    "category": 34,
    "last_value": 15,
    "value": 12,
    "value_state": 16,
    "reason": 44,
}
_LINE_HEIGHT = 15
_LARGEST = 999_999_999
_OFFERED_ROWS = {"value", "value_state", "reason"}

LastValues = dict[tuple[str, str, str], float]


def write_forms(
    county_code: str,
    month: date,
    folder: Path,
    seeds_dir: Path,
    last_values: LastValues,
) -> list[Path]:
    """Write `<institution>_<month>.xlsx` for each institution of a county that owes something.

    `last_values` maps (institution, indicator, category) to what was reported last. The same inputs
    give the same bytes. Returns the paths, none where nothing is owed for the month.
    """
    layout = next(layout for layout in load_layouts() if layout.id == LAYOUT_ID)
    institutions = {
        row["institution_code"]: row
        for row in register_rows(seeds_dir, "institutions")
        if row["county_code"] == county_code
    }
    owed: dict[str, list[str]] = {}
    for row in obligations_in(seeds_dir, month):
        if row["institution_code"] in institutions and is_due(row, month):
            owed.setdefault(row["institution_code"], []).append(row["indicator_code"])
    plan_code = plan_in(national_plans(seeds_dir), month)
    indicators = {
        row["indicator_code"]: row for row in plan_rows(seeds_dir, "indicators", plan_code)
    }
    categories: dict[str, list[dict[str, str]]] = {}
    for row in plan_rows(seeds_dir, "breakdown_categories", plan_code):
        categories.setdefault(row["indicator_code"], []).append(row)
    units = {row["unit"]: row["name_sq"] for row in register_rows(SOURCES / "submissions", "units")}
    written = []
    folder.mkdir(parents=True, exist_ok=True)
    for institution_code in sorted(owed):
        rows = []
        for code in sorted(owed[institution_code], key=_code_order):
            for category in [None, *categories.get(code, [])]:
                last = last_values.get(
                    (institution_code, code, category["category"] if category else "total")
                )
                rows.append(
                    {
                        "indicator_code": code,
                        "indicator_name": indicators[code]["name_sq"],
                        "unit": units[indicators[code]["unit"]],
                        "category": category["name_sq"] if category else "",
                        "last_value": last,
                    }
                )
        path = folder / f"{institution_code}_{month:%Y-%m}.xlsx"
        _write(path, layout, county_code, institutions[institution_code], month, rows)
        written.append(path)
    return written


def _code_order(code: str) -> list[int]:
    return [int(part) for part in code.split(".")]


def _write(
    path: Path,
    layout: Layout,
    county_code: str,
    institution: dict[str, str],
    month: date,
    rows: list[dict[str, Any]],
) -> None:
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": datetime(month.year, month.month, 1)})
    bold = book.add_format({"bold": True})
    head = book.add_format(
        {"bold": True, "bg_color": "#DDE6F0", "border": 1, "text_wrap": True, "valign": "top"}
    )
    printed = book.add_format({"text_wrap": True, "valign": "top", "border": 1})
    to_fill = book.add_format({"bg_color": "#FFF6CC", "border": 1, "locked": False})
    sheet = book.add_worksheet(layout.sheet)
    header_values = {
        "layout_id": layout.id,
        "county_code": county_code,
        "institution_code": institution["institution_code"],
        "reporting_month": f"{month:%Y-%m}",
        "form_key": form_key(layout.id, county_code, institution["institution_code"], month),
        "is_made_up": "REALE",
    }
    header_columns = [column for column in layout.columns if column.place == "head"]
    for row, column in enumerate(header_columns):
        sheet.write_string(row, 0, column.headings[0], bold)
        sheet.write_string(row, 1, header_values[column.name])
    sheet.write_string(len(header_columns), 1, institution["name_sq"], bold)
    top = len(header_columns) + 1
    columns = [column for column in layout.columns if column.place == "row"]
    sheet.set_row(top, 2 * _LINE_HEIGHT)
    for row, values in enumerate(rows, start=top + 1):
        # LibreOffice does not fit heights that the file leaves open.
        lines = max(
            ceil(len(values[name]) * 1.1 / _WIDTHS[name])
            for name in ("indicator_name", "unit", "category")
        )
        sheet.set_row(row, max(1, lines) * _LINE_HEIGHT)
    for position, column in enumerate(columns):
        sheet.set_column(position, position, _WIDTHS[column.name])
        sheet.write_string(top, position, column.headings[0], head)
        for row, values in enumerate(rows, start=top + 1):
            value = values.get(column.name)
            if column.name in _OFFERED_ROWS:
                sheet.write_blank(row, position, None, to_fill)
            elif isinstance(value, float | int):
                sheet.write_number(row, position, value, printed)
            else:
                sheet.write_string(row, position, value or "", printed)
        cells = (top + 1, position, top + len(rows), position)
        if column.kind == "count":
            sheet.data_validation(
                *cells,
                {
                    "validate": "integer",
                    "criteria": "between",
                    "minimum": 0,
                    "maximum": _LARGEST,
                    "error_title": column.headings[0],
                    "error_message": text("forms.no_whole_number", "sq"),
                },
            )
        if column.choices:
            sheet.data_validation(
                *cells,
                {
                    "validate": "list",
                    "source": list(column.choices),
                    "error_title": column.headings[0],
                    "error_message": text("forms.not_in_list", "sq"),
                },
            )
    sheet.freeze_panes(top + 1, 2)
    sheet.protect("", {"format_columns": True, "format_rows": True})
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(top)
    _write_instructions(book)
    book.close()


def _write_instructions(book: xlsxwriter.Workbook) -> None:
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet = book.add_worksheet(text("forms.sheet", "sq"))
    sheet.set_column(0, 0, 110, wrapped)
    for row, line in enumerate(both("forms.instructions", "\n\n").splitlines()):
        sheet.set_row(row, max(1, ceil(len(line) / 100)) * _LINE_HEIGHT)
        sheet.write_string(row, 0, line, wrapped)
    sheet.protect()
