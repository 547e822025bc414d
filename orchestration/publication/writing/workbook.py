"""The workbook of a release, made to be read: a cover, a sheet a mart, a dictionary.

Belongs here: looks. Not here: words (sources/texts/release.yml), what goes out (marts), or who may
see it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from orchestration.products.codes import labels
from orchestration.products.marts import Table
from orchestration.products.words import SIGNS, one_row, restated_summary
from orchestration.publication.finality import reopening_text
from orchestration.publication.writing.files import safe_cell
from sources.texts import both, keys, text

#: Widths of columns, in characters.
NARROWEST, WIDEST = 9, 60

#: Number formats by unit; a count has the first.
FORMATS = {"": "#,##0", "share": "0 %", "per_cent": "#,##0.0", "hours": "0.0", "days": "#,##0.#"}

#: Columns that hold a code, and the register that names it.
NAMED = {"indicator_code": "indicators", "institution_code": "institutions"}


@dataclass(frozen=True)
class _Looks:
    """The formats of the workbook."""

    title: Any
    bold: Any
    text: Any
    head: Any
    dated: Any
    sign: Any
    numbers: dict[str, Any]


def write_workbook(
    path: Path,
    *,
    facts: dict[str, Any],
    tables: Sequence[Table],
    restated: Table | None,
    observations: Table | None,
    registers: Sequence[Table],
    gate: dict[str, Any],
) -> None:
    """Write the workbook; the same release gives the same bytes.

    `facts` are what the manifest tells of the release as a whole, `gate` what gate.json holds.
    """
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
    year, month = map(int, facts["reporting_month"].split("-"))
    book.set_properties({"created": datetime(year, month, 1), "title": f"KRAT {_place(facts)}"})
    looks = _looks(book)
    names = {
        table.mart.name: dict(
            zip(table.frame[table.mart.key[0]], table.frame["name_sq"], strict=True)
        )
        for table in registers
        if "name_sq" in table.frame
    }
    _write_cover(book, looks, facts, tables, restated, gate, names)
    statuses = _statuses(observations)
    shown = list(tables)
    if restated is not None and len(restated.frame):
        shown.append(restated)
    for table in shown:
        _write_mart(book, looks, table, statuses, names)
    _write_dictionary(book, looks, shown)
    book.close()


def _looks(book: Any) -> _Looks:
    return _Looks(
        title=book.add_format({"bold": True, "font_size": 16}),
        bold=book.add_format({"bold": True, "valign": "top", "text_wrap": True}),
        text=book.add_format({"text_wrap": True, "valign": "top"}),
        head=book.add_format(
            {"bold": True, "bg_color": "#DDE6F0", "text_wrap": True, "valign": "top", "bottom": 1}
        ),
        dated=book.add_format({"num_format": "yyyy-mm-dd", "valign": "top", "align": "left"}),
        sign=book.add_format({"align": "right", "valign": "top", "font_color": "#666666"}),
        numbers={
            unit: book.add_format({"num_format": text, "valign": "top"})
            for unit, text in FORMATS.items()
        },
    )


def _write_cover(
    book: Any,
    looks: _Looks,
    facts: dict[str, Any],
    tables: Sequence[Table],
    restated: Table | None,
    gate: dict[str, Any],
    names: dict[str, dict[str, str]],
) -> None:
    sheet = book.add_worksheet(text("release.workbook.cover", "sq"))
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 36)
    sheet.set_column(1, 1, 80)
    county = names.get("counties", {}).get(facts["county_code"], "")
    sheet.write_string(0, 0, f"KRAT {county} {facts['reporting_month']}", looks.title)
    came = facts.get("completeness", {})
    lines = [
        (both("release.workbook.county"), f"{facts['county_code']} {county}".strip()),
        (both("release.workbook.month"), facts["reporting_month"]),
        (both("release.workbook.release"), f"r{facts['number']} ({facts['tier']})"),
        (both("release.workbook.released_on"), facts["released_on"]),
    ]
    if facts["is_made_up"]:
        example = (both("release.workbook.example"), both("release.workbook.made_up", " "))
        lines.insert(0, example)
    if "status" in facts:
        status = both(f"release.workbook.statuses.{facts['status']}")
        lines.append((both("release.workbook.status"), f"{status} ({facts['final_on']})"))
    if facts.get("known_until"):
        lines.append((both("release.workbook.last_delivery"), facts["known_until"]))
    if came:
        lines.append((both("release.workbook.completeness"), both("release.completeness", **came)))
    if reopened := facts.get("reopened"):
        lines.append((both("release.reopened"), reopening_text(reopened)))
    mind_title = (text("release.workbook.mind", "sq"), text("release.workbook.mind", "en"))
    lines += [("", ""), mind_title]
    mind = [
        (f"{count} × {rule}", both("release.workbook.open_findings"))
        for rule, count in gate.get("findings_by_rule", {}).items()
    ]
    mind += [
        (
            f"{both('release.workbook.waiver')}: {waiver['rule']}",
            f"{waiver['waiver_reason']} ({waiver['waived_by']}, "
            f"{both('release.workbook.until')} {waiver['waived_until']})",
        )
        for waiver in gate.get("waivers", [])
    ]
    for table in tables:
        if table.mart.name == "remarks":
            kept = table.frame[table.frame["kind"] == "correction"]
            mind += [
                (
                    f"{both('release.workbook.correction')}: {row.indicator_code}",
                    f"{row.reason} ({row.decided_by})",
                )
                for row in kept.itertuples()
            ]
    if restated is not None and len(restated.frame):
        title = f"{restated.mart.title_sq} / {restated.mart.title_en}"
        mind.append((title, restated_summary(restated.frame)))
    lines += mind or [("–", both("release.workbook.nothing", " "))]
    lines += [("", ""), (both("release.workbook.signs"), "")]
    statuses = labels("obs_status")
    lines += [(sign, statuses[status]) for status, sign in SIGNS.items()]
    lines += [("", ""), (both("release.workbook.sheets"), "")]
    sheets = {len(lines) + position: table for position, table in enumerate(tables, start=2)}
    lines += [
        (f"{table.mart.title_sq} / {table.mart.title_en}", one_row(table.mart)) for table in tables
    ]
    for position, table in sheets.items():
        sheet.write_string(position, 2, str(len(table.frame)), looks.text)
    for position, (label, fact) in enumerate(lines, start=2):
        sheet.write_string(position, 0, safe_cell(label), looks.bold)
        sheet.write_string(position, 1, safe_cell(fact), looks.text)
    sheet.set_portrait()
    sheet.fit_to_pages(1, 0)


def _write_mart(
    book: Any,
    looks: _Looks,
    table: Table,
    statuses: dict[tuple[str, str, str], str],
    names: dict[str, dict[str, str]],
) -> None:
    mart = table.mart
    sheet = book.add_worksheet(mart.title_sq[:31])
    rest = [name for name in mart.key if name not in ("county_code", "reporting_month")]
    rows = table.frame.to_dict("records")
    position = 0
    for column in table.columns:
        words = labels(column.name)
        unit = mart.values.get(column.name, {}).get("unit", "")
        longest = len(column.title_sq)
        heading = safe_cell(f"{column.title_sq} / {column.title_en}")
        sheet.write_string(0, position, heading, looks.head)
        for number, row in enumerate(rows, start=1):
            value = row[column.name]
            if pd.isna(value):
                if column.name in mart.values:
                    place = "/".join(str(row[name]) for name in rest) or "all"
                    status = row.get("obs_status") or statuses.get((mart.name, place, column.name))
                    sign = next(iter(mart.missing_signs), SIGNS["Q"]) if status == "Q" else ""
                    sheet.write_string(
                        number, position, sign or SIGNS.get(str(status), ":"), looks.sign
                    )
                continue
            if isinstance(value, bool):
                text = both(f"release.workbook.{'is_true' if value else 'is_false'}")
                sheet.write_string(number, position, text, looks.text)
            elif isinstance(value, int | float):
                form = looks.numbers.get(unit) or looks.numbers[_decimals(value)]
                sheet.write_number(number, position, value, form)
                text = f"{value:,.1f}"
            elif isinstance(value, date | datetime):
                sheet.write_datetime(number, position, value, looks.dated)
                text = "2023-01-01"
            else:
                text = safe_cell(words.get(str(value), str(value)))
                sheet.write_string(number, position, text, looks.text)
            longest = max(longest, len(text))
        sheet.set_column(position, position, min(max(longest + 2, NARROWEST), WIDEST))
        position += 1
        if column.name in NAMED and NAMED[column.name] in names:
            known = names[NAMED[column.name]]
            sheet.write_string(0, position, both("release.workbook.name"), looks.head)
            for number, row in enumerate(rows, start=1):
                text = known.get(row[column.name], "")
                sheet.write_string(number, position, safe_cell(text), looks.text)
            sheet.set_column(position, position, WIDEST)
            position += 1
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(len(rows), 1), position - 1)
    sheet.set_landscape()
    sheet.repeat_rows(0)
    sheet.fit_to_pages(1, 0)


def _write_dictionary(book: Any, looks: _Looks, tables: Sequence[Table]) -> None:
    sheet = book.add_worksheet(text("release.workbook.dictionary", "sq"))
    sheet.set_column(0, 1, 30)
    sheet.set_column(2, 2, 60)
    sheet.set_column(3, 3, 20)
    sheet.set_column(4, 4, 100)
    headings = [both(key) for key in keys("release.workbook.columns")]
    for position, heading in enumerate(headings):
        sheet.write_string(0, position, heading, looks.head)
    row = 0
    for table in tables:
        for column in table.columns:
            row += 1
            entry = (
                table.mart.name,
                column.name,
                f"{column.title_sq} / {column.title_en}",
                table.mart.values.get(column.name, {}).get("unit", ""),
                column.description,
            )
            for position, fact in enumerate(entry):
                sheet.write_string(row, position, safe_cell(fact), looks.text)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(row, 1), len(headings) - 1)
    sheet.set_landscape()
    sheet.repeat_rows(0)
    sheet.fit_to_pages(1, 0)


def _statuses(observations: Table | None) -> dict[tuple[str, str, str], str]:
    """Return each value's observation status by its mart, row and column."""
    if observations is None:
        return {}
    frame = observations.frame
    keys = zip(frame["mart"], frame["mart_row"], frame["measure"], strict=True)
    return dict(zip(keys, frame["obs_status"], strict=True))


def _decimals(value: float) -> str:
    return "" if float(value).is_integer() else "per_cent"


def _place(facts: dict[str, Any]) -> str:
    return f"{facts['county_code']} {facts['reporting_month']}"
