"""The workbook of a release, made to be read: a cover, a sheet a mart, a dictionary.

Belongs here: looks. Not here: words (sources/texts/release.yml), what goes out
(orchestration.products), or who may see it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from orchestration.products.codes import ESTIMATED, LOW_RELIABILITY, labels, signs
from orchestration.products.declaration import Tier, published_registers
from orchestration.products.tables import ProductTable
from orchestration.products.words import completeness_texts, one_row, restated_summary
from orchestration.publication.finality import reopening_text
from orchestration.publication.writing.files import safe_cell
from sources.texts import both, keys, text

#: Widths of columns, in characters.
NARROWEST, WIDEST = 9, 60

#: Number formats by unit; a count has the first.
NUMBER_FORMATS = {
    "": "#,##0",
    "share": "0 %",
    "per_cent": "#,##0.0",
    "hours": "0.0",
    "days": "#,##0.#",
}


#: Observation statuses of numbers that a sign goes before, and the words for them.
_UNCERTAIN = {LOW_RELIABILITY: "lower_bound", ESTIMATED: "may_fall"}


@dataclass(frozen=True)
class _Looks:
    """The formats of the workbook."""

    title: Any
    bold: Any
    text: Any
    heading: Any
    dated: Any
    sign: Any
    numbers: dict[str, Any]
    #: The same of numbers that are not certain, by observation status.
    signed: dict[str, dict[str, Any]]


def write_workbook(
    path: Path,
    *,
    facts: dict[str, Any],
    tables: Sequence[ProductTable],
    changes: ProductTable | None,
    observations: ProductTable | None,
    registers: Sequence[ProductTable],
    gate: dict[str, Any],
) -> None:
    """Write the workbook; the same release gives the same bytes.

    `facts` are what the manifest has of the release as a whole, `gate` what gate.json holds.
    """
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
    year, month = map(int, facts["reporting_month"].split("-"))
    book.set_properties({"created": datetime(year, month, 1), "title": f"KRAT {_place(facts)}"})
    looks = _looks(book)
    names = {
        table.product.name: dict(
            zip(table.frame[table.product.key[-1]], table.frame["name_sq"], strict=True)
        )
        for table in registers
        if "name_sq" in table.frame
    }
    statuses = _statuses(observations)
    uncertain = [word for status, word in _UNCERTAIN.items() if status in statuses.values()]
    _write_cover(book, looks, facts, tables, changes, gate, names, uncertain)
    shown = list(tables)
    if changes is not None and len(changes.frame):
        shown.append(changes)
    for table in shown:
        _write_mart(book, looks, table, statuses, names)
    _write_dictionary(book, looks, shown)
    book.close()


def _looks(book: Any) -> _Looks:
    return _Looks(
        title=book.add_format({"bold": True, "font_size": 16}),
        bold=book.add_format({"bold": True, "valign": "top", "text_wrap": True}),
        text=book.add_format({"text_wrap": True, "valign": "top"}),
        heading=book.add_format(
            {"bold": True, "bg_color": "#DDE6F0", "text_wrap": True, "valign": "top", "bottom": 1}
        ),
        dated=book.add_format({"num_format": "yyyy-mm-dd", "valign": "top", "align": "left"}),
        sign=book.add_format({"align": "right", "valign": "top", "font_color": "#666666"}),
        numbers={
            unit: book.add_format({"num_format": text, "valign": "top"})
            for unit, text in NUMBER_FORMATS.items()
        },
        signed={
            status: {
                unit: book.add_format(
                    {"num_format": f'"{signs()[status]} "{text}', "valign": "top"}
                )
                for unit, text in NUMBER_FORMATS.items()
            }
            for status in _UNCERTAIN
        },
    )


def _write_cover(
    book: Any,
    looks: _Looks,
    facts: dict[str, Any],
    tables: Sequence[ProductTable],
    changes: ProductTable | None,
    gate: dict[str, Any],
    names: dict[str, dict[str, str]],
    uncertain: Sequence[str],
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
        names_of_facts = ("release.workbook.completeness", "release.workbook.counties")
        lines += [
            (both(name), fact)
            for name, fact in zip(names_of_facts, completeness_texts(came), strict=False)
        ]
    if reopened := facts.get("reopened"):
        lines.append((both("release.reopened"), reopening_text(reopened)))
    if facts["tier"] == Tier.RESTRICTED:
        command = f"krat explain {facts['county_code']} {facts['reporting_month']}"
        lines.append((both("release.workbook.explain"), f"{command} 2.1.9.1"))
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
        if table.product.name == "remarks":
            kept = table.frame[table.frame["kind"] == "correction"]
            mind += [
                (
                    f"{both('release.workbook.correction')}: {row.indicator_code}",
                    f"{row.reason} ({row.decided_by})",
                )
                for row in kept.itertuples()
            ]
    if changes is not None and (summary := restated_summary(changes.frame)):
        mind.append((changes.product.title, summary))
    mind[:0] = [
        (both(f"release.workbook.uncertain.{word}"), both(f"release.uncertain.{word}", " "))
        for word in uncertain
    ]
    lines += mind or [("–", both("release.workbook.nothing", " "))]
    lines += [("", ""), (both("release.workbook.signs"), "")]
    statuses = labels("obs_status")
    lines += [(sign, statuses[status]) for status, sign in signs().items()]
    lines += [("", ""), (both("release.workbook.sheets"), "")]
    sheets = {len(lines) + position: table for position, table in enumerate(tables, start=2)}
    lines += [(table.product.title, one_row(table.product)) for table in tables]
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
    table: ProductTable,
    statuses: dict[tuple[str, str, str], str],
    names: dict[str, dict[str, str]],
) -> None:
    product = table.product
    sheet = book.add_worksheet(product.title_sq[:31])
    # A release is of one county, which needs no name beside its code.
    registers = {one.key[-1]: one.name for one in published_registers() if one.name != "counties"}
    rows = table.frame.to_dict("records")
    position = 0
    for column in table.columns:
        words = labels(column.name)
        longest = len(column.title_sq)
        sheet.write_string(0, position, safe_cell(column.title), looks.heading)
        for number, row in enumerate(rows, start=1):
            value = row[column.name]
            if pd.isna(value):
                if column.unit:
                    status = row.get("obs_status") or statuses.get(
                        (product.name, product.row_name(row), column.name)
                    )
                    sign = signs().get(str(status), ":")
                    sheet.write_string(number, position, sign, looks.sign)
                continue
            if isinstance(value, bool):
                text = both(f"release.workbook.{'is_true' if value else 'is_false'}")
                sheet.write_string(number, position, text, looks.text)
            elif isinstance(value, int | float):
                status = statuses.get((product.name, product.row_name(row), column.name))
                forms = looks.signed.get(status or "", looks.numbers)
                form = forms.get(column.unit) or forms[_decimals(value)]
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
        register_names = names.get(registers.get(column.name, ""))
        if register_names is not None:
            sheet.write_string(0, position, both("release.workbook.name"), looks.heading)
            for number, row in enumerate(rows, start=1):
                text = register_names.get(row[column.name], "")
                sheet.write_string(number, position, safe_cell(text), looks.text)
            sheet.set_column(position, position, WIDEST)
            position += 1
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(len(rows), 1), position - 1)
    sheet.set_landscape()
    sheet.repeat_rows(0)
    sheet.fit_to_pages(1, 0)


def _write_dictionary(book: Any, looks: _Looks, tables: Sequence[ProductTable]) -> None:
    sheet = book.add_worksheet(text("release.workbook.dictionary", "sq"))
    sheet.set_column(0, 1, 30)
    sheet.set_column(2, 2, 60)
    sheet.set_column(3, 3, 20)
    sheet.set_column(4, 4, 100)
    headings = [both(key) for key in keys("release.workbook.columns")]
    for position, heading in enumerate(headings):
        sheet.write_string(0, position, heading, looks.heading)
    row = 0
    for table in tables:
        for column in table.columns:
            row += 1
            entry = (
                table.product.name,
                column.name,
                column.title,
                column.unit,
                column.description,
            )
            for position, fact in enumerate(entry):
                sheet.write_string(row, position, safe_cell(fact), looks.text)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(row, 1), len(headings) - 1)
    sheet.set_landscape()
    sheet.repeat_rows(0)
    sheet.fit_to_pages(1, 0)


def _statuses(observations: ProductTable | None) -> dict[tuple[str, str, str], str]:
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
