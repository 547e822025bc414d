"""The workbook of an edition, made to be read: numbers with what they stand for, side by side.

Belongs here: its sheets and how a count is written in a cell. Not here: words
(sources/texts/editions.yml), formats and the sheets that all workbooks have (writing.workbook).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from expectations.protection import TOTAL, Shown
from orchestration.products.codes import ESTIMATED, LOW_RELIABILITY, count_names, labels, signs
from orchestration.products.tables import ProductTable
from orchestration.publication.writing.files import safe_cell
from orchestration.publication.writing.workbook import (
    A4,
    UNCERTAIN,
    Looks,
    book_looks,
    row_height,
    write_cover,
    write_dictionary,
    write_table,
)
from sources.registers import NATION
from sources.texts import both, text

#: The sign of a report that is missing, which is not zero: that of obs_status O.
_NOT_REPORTED = "O"

#: The columns that a sign goes before a number for, with the status of the sign; the first counts.
_SIGNED = {"may_fall": ESTIMATED, "is_lower_bound": LOW_RELIABILITY}

#: The dimensions that a rest alone has: what is missing to the total from its quarters or counties.
_RESTS = ("quarter", "county")

#: Widths in characters: of a code, of what is counted, of other words, and of a count.
_CODE, _SUBJECT, _WORDS, _COUNT = 9, 60, 22, 17

_Row = Mapping[Any, Any]


def write_edition_workbook(
    path: Path,
    facts: Mapping[str, Any],
    holds: str,
    counties: Mapping[str, str],
    tables: Sequence[ProductTable],
) -> None:
    """Write the workbook of an edition; the same edition gives the same bytes.

    `facts` are what its manifest has of it, `holds` the words for what it holds; `counties` are the
    names of the country's counties by code; `tables` are person_counts and restatements.
    """
    rows = tables[0].frame.to_dict("records")
    year = facts["reporting_month"]
    with xlsxwriter.Workbook(
        str(path), {"strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        created = datetime.combine(date.fromisoformat(facts["released_on"]), time.min)
        book.set_properties({"created": created, "title": f"KRAT {year} e{facts['number']}"})
        looks = book_looks(book)
        _write_cover(book, looks, facts, holds, counties, rows)
        national = [
            row
            for row in rows
            if row["county_code"] == NATION and row["dimension"] in (TOTAL, *_RESTS)
        ]
        periods = {row["period"]: row["period"] for row in national if row["period"] != year}
        rests = {
            name: both(f"editions.workbook.rests.{name}")
            for name in _RESTS
            if any(row["dimension"] == name for row in national)
        }
        of_year = {year: year} if facts["quarter"] is None else {}
        _write_matrix(book, looks, "national", national, of_year | periods | rests, _period_or_rest)
        if of_year:
            annual = [row for row in rows if row["period"] == year]
            totals = [row for row in annual if row["dimension"] == TOTAL]
            own = [row for row in totals if row["county_code"] != NATION]
            _write_matrix(book, looks, "counties", own, counties, _area)
            parts = [row for row in annual if row["dimension"] not in (TOTAL, *_RESTS)]
            areas = {NATION: both("editions.workbook.national"), **counties}
            having = {row["county_code"] for row in parts}
            areas = {code: name for code, name in areas.items() if code in having}
            _write_matrix(book, looks, "breakdowns", parts, areas, _area, with_parts=True)
        shown = [table for table in tables if len(table.frame)]
        for table in shown:
            write_table(book, looks, table, {}, {})
        write_dictionary(book, looks, shown)


def shown_text(row: _Row) -> str:
    """Return how a count is written in a cell: its number and the range that it stands for.

    A number of an earlier edition has that edition's name before it.
    """
    shown_as = Shown(row["shown_as"])
    value, least, greatest = (_whole(row[name]) for name in ("value", "least", "greatest"))
    if shown_as is Shown.REST:
        return str(value)
    if shown_as is Shown.NOT_REPORTED:
        return signs()[_NOT_REPORTED]
    if shown_as is Shown.FEW_COUNTIES:
        return both("editions.workbook.few")
    if least is None:
        told = both("editions.workbook.withheld")
    elif greatest is None:
        told = both("editions.workbook.or_more", least=least)
    else:
        told = f"{least}–{greatest}"
    if value is not None:
        told = f"{value} ({told})"
    for name, status in _SIGNED.items():
        if row[name] and least is not None:
            told = f"{signs()[status]} {told}"
            break
    return f"e{row['number_from']}: {told}" if shown_as is Shown.EARLIER else told


def _whole(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)


def _write_cover(
    book: Any,
    looks: Looks,
    facts: Mapping[str, Any],
    holds: str,
    counties: Mapping[str, str],
    rows: Sequence[_Row],
) -> None:
    counted = {
        code
        for row in rows
        if row["shown_as"] != Shown.NOT_REPORTED
        for code in (str(row["counties"] or "").split() or [row["county_code"]])
    } & counties.keys()
    names = ", ".join(counties[code] for code in sorted(counted)) or "–"
    told = both("editions.workbook.counties_of", number=len(counted), of=len(counties), names=names)
    lines = [
        (both("editions.workbook.edition"), f"e{facts['number']}"),
        (both("editions.workbook.holds"), holds),
        (
            both("editions.workbook.cut_off"),
            both("editions.workbook.cut_off_on", " ", date=facts["released_on"]),
        ),
        (both("editions.workbook.rests_on"), told),
    ]
    if facts["is_made_up"]:
        lines.insert(0, (both("release.workbook.example"), both("release.workbook.made_up", " ")))
    if "reason" in facts:
        lines.append((both("editions.workbook.extra"), facts["reason"]))
    lines += [("", ""), (both("release.workbook.mind"), both("editions.workbook.mind", " "))]
    lines += [
        (both(f"release.workbook.uncertain.{word}"), both(f"release.uncertain.{word}", " "))
        for name, status in _SIGNED.items()
        for word in [UNCERTAIN[status]]
        if any(row[name] for row in rows)
    ]
    lines += [("", ""), (both("editions.workbook.signs"), "")]
    shown = Counter(row["shown_as"] for row in rows)
    # An example of each, the plainest that there is.
    examples = {
        code: min((shown_text(row) for row in rows if row["shown_as"] == code), key=len)
        for code in shown
    }
    lines += [
        (examples[code], f"{label} ({shown[code]})")
        for code, label in labels("shown_as").items()
        if code in shown
    ]
    title = text("editions.title", "sq", year=facts["reporting_month"], number=facts["number"])
    write_cover(book, looks, title, lines)


def _write_matrix(
    book: Any,
    looks: Looks,
    name: str,
    rows: Sequence[_Row],
    columns: Mapping[str, str],
    column_of: Callable[[_Row], str],
    *,
    with_parts: bool = False,
) -> None:
    """Write a sheet with a row for all that is counted of the same, a column each by `column_of`.

    `columns` are their headings, in order; what is broken down has its category beside it.
    """
    sheet = book.add_worksheet(text(f"editions.workbook.{name}", "sq"))
    words = ["code", "subject", *(["dimension", "category"] if with_parts else []), "unit"]
    headings = [*(both(f"editions.workbook.{word}") for word in words), *columns.values()]
    widths = [_CODE, _SUBJECT, *([_WORDS] * (len(words) - 2)), *([_COUNT] * len(columns))]
    lines: dict[tuple[str, ...], dict[str, _Row]] = defaultdict(dict)
    for row in rows:
        key = (row["subject"], *((row["dimension"], row["category"]) if with_parts else ()))
        lines[key][column_of(row)] = row
    for position, (heading, width) in enumerate(zip(headings, widths, strict=True)):
        form = looks.heading if position < len(words) else looks.count_heading
        sheet.write_string(0, position, heading, form)
        sheet.set_column(position, position, width)
    sheet.set_row(0, row_height(headings, widths))
    for number, line in enumerate(lines.values(), start=1):
        any_row = next(iter(line.values()))
        told = {
            # The codes of what records count are words of their own.
            "code": "" if any_row["subject"] in count_names() else any_row["subject"],
            "subject": f"{any_row['subject_sq']} / {any_row['subject_en']}",
            "dimension": labels("dimension")[any_row["dimension"]],
            "category": f"{any_row['category_sq']} / {any_row['category_en']}",
            "unit": labels("unit").get(any_row["unit"], any_row["unit"]),
        }
        texts = [told[word] for word in words]
        texts += [shown_text(line[column]) if column in line else "" for column in columns]
        for position in range(len(words)):
            sheet.write_string(number, position, safe_cell(texts[position]), looks.text)
        for position, column in enumerate(columns, start=len(words)):
            count = line.get(column)
            if count and count["shown_as"] == Shown.REST:
                sheet.write_number(number, position, count["value"], looks.numbers[""])
            elif count:
                sheet.write_string(number, position, texts[position], looks.count)
        sheet.set_row(number, row_height(texts, widths))
    sheet.freeze_panes(1, len(words))
    sheet.autofilter(0, 0, max(len(lines), 1), len(headings) - 1)
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.set_header("&L&A&R&P / &N")
    sheet.repeat_rows(0)
    sheet.fit_to_pages(1, 0)


def _period_or_rest(row: _Row) -> str:
    return str(row["period"] if row["dimension"] == TOTAL else row["dimension"])


def _area(row: _Row) -> str:
    return str(row["county_code"])
