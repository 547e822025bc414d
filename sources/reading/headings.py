"""What a file says once: its form, county, institution and month.

Belongs here: finding it beside labels or in columns, and holding it against the registers and the
folder that the file came in. Not here: the rows (sources.reading.table).
"""

import calendar
from datetime import date
from typing import NamedTuple

from sources.layouts import Column, form_key
from sources.reading.context import Context, Place, cell_at, rule_of
from sources.reading.labels import Labels, beside
from sources.reading.table import Table
from sources.values import Cell, cell_text, plain, read_month, read_year


class _Said(NamedTuple):
    """A cell that says a head, and its heading or column; None where it stands behind such one."""

    place: Place
    origin: str | int | None


def read_heads(context: Context, table: Table, labels: Labels) -> None:
    """Read what is said once a file into the context, and report what is not as it should be."""
    layout, registers = table.layout, context.registers
    heads = _heads(context, table, labels)
    if place := heads.get("layout_id"):
        _code(context, layout.column("layout_id"), place)
    if place := heads.get("is_made_up"):
        context.is_made_up = plain(place.value).startswith("shembull")
        if not context.is_made_up:
            mark = _code(context, layout.column("is_made_up"), place)
            context.is_made_up = mark == "made_up"
    if layout.county_code and layout.county_code != context.county_code:
        context.report("wrong_county")
    if place := heads.get("county_code"):
        column = layout.column("county_code")
        stated_county = context.codes["county_code"][place.value]
        if stated_county != context.county_code:
            sentence = None if stated_county else "unknown_county"
            context.report("wrong_county", place, column, sentence)
    context.institution_code = layout.institution_code
    if place := heads.get("institution_code"):
        column = layout.column("institution_code")
        context.institution_code = _code(context, column, place)
        county = registers.institutions.get(context.institution_code or "")
        if context.institution_code and county != context.county_code:
            context.report("wrong_county", place, column)
    elif layout.institution_code and layout.institution_code not in registers.institutions:
        context.report("unknown_institution")
    if place := heads.get("reporting_month"):
        column = layout.column("reporting_month")
        [context.reporting_month] = read_periods(context, column, [place])
    if place := heads.get("form_key"):
        stated = (
            layout.id, context.county_code, context.institution_code, context.reporting_month,
        )  # fmt: skip
        if None not in stated and plain(place.value) != form_key(*stated):
            context.report("form_key_differs", place, layout.column("form_key"))


def read_periods(context: Context, column: Column, places: list[Place]) -> list[date | None]:
    """Return the month of each cell, or December of its year, held against the day of receipt.

    None is a cell that says no year, or no month of the calendar, which is reported.
    """
    yearly = context.layout is not None and context.layout.frequency == "year"
    received_on = context.received_at.date()
    periods: list[date | None] = []
    for place in places:
        month = (read_year if yearly else read_month)(place.value)
        if month is None or not (yearly or month in context.registers.months):
            context.report("unknown_month", place, column)
            periods.append(None)
            continue
        if not yearly and type(place.value) in (int, float):
            context.notes.add("dates from day numbers")
        last_day = month.replace(day=calendar.monthrange(month.year, month.month)[1])
        if month > received_on:
            context.report("month_not_begun", place, column)
        elif last_day >= received_on and month not in periods:
            context.report("report_before_period_end", place, column)
        periods.append(month)
    return periods


def _heads(context: Context, table: Table, labels: Labels) -> dict[str, Place]:
    """Return each head column's cell: beside its label, or in the first row of its column."""
    layout, cells = table.layout, table.sheet.rows
    heads: dict[str, Place] = {}
    labelled: dict[str, list[_Said]] = {}
    for number, headings in enumerate(labels[: table.heading_row]):
        for label, heading in headings:
            if heading in layout.by_heading:
                value = beside(cells[number], label)
                said = labelled.setdefault(layout.by_heading[heading].name, [])
                said.append(_Said(value._replace(row=number), heading))
                behind = beside(cells[number], value.column or label)
                if behind.value is not None:
                    said.append(_Said(behind._replace(row=number), None))
    for column in layout.columns:
        if column.place != "head":
            continue
        position = table.positions.get(column.name)
        said = labelled.get(column.name, [])
        if position is not None:
            said += [
                _Said(Place(cell_at(row, position), number, position), position)
                for number, row in table.rows
            ]
        if said:
            heads[column.name] = _agreed(context, column, said)
        elif position is None and column.required:
            context.report("missing_required_column", Place(None, table.heading_row), column)
    return heads


def _agreed(context: Context, column: Column, said: list[_Said]) -> Place:
    """Return the first cell that says a head; find those that say another.

    What nobody could read is one of them only where the other stands under the same heading:
    what stands behind a value, or under another heading, may be a remark.
    """
    said = [each for each in said if cell_text(each.place.value)] or said[:1]
    if len(said) == 1:
        return said[0].place
    read = [_says(context, column, each.place.value) for each in said]
    first = next((number for number, code in enumerate(read) if code is not None), 0)
    for other, code in zip(said, read, strict=True):
        differs = (
            plain(other.place.value) != plain(said[first].place.value)
            and other.origin == said[first].origin
            if code is None or read[first] is None
            else code != read[first]
        )
        if differs:
            place = other.place._replace(value=None)
            context.report(rule_of(column), place, column, sentence="said_twice")
    return said[first].place


def _says(context: Context, column: Column, cell: Cell) -> object:
    """Return what a cell says in a head column, or None if nothing that is known."""
    if column.kind == "month":
        yearly = context.layout is not None and context.layout.frequency == "year"
        return (read_year if yearly else read_month)(cell)
    return context.codes[column.name][cell]


def _code(context: Context, column: Column, place: Place) -> str | None:
    code = context.codes[column.name][place.value]
    if code is None:
        context.report(rule_of(column), place, column)
    return code
