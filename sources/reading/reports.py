"""The rows of a report: values of indicators, with their states and categories.

Belongs here: reading submission_values, monthly reports and yearly published figures alike. Not
here: records (sources.reading.records) or which rows there are (sources.reading.table).
"""

from datetime import date
from typing import Any

from xlsxwriter.utility import xl_rowcol_to_cell

from sources.layouts import Written, likeliest, lookup, unit_names
from sources.reading.context import Context, Place, cell_at, rule_of
from sources.reading.headings import read_periods
from sources.reading.table import Table
from sources.values import Cell, cell_text, code_key, load_words, plain, read_count


def read_report(context: Context, table: Table) -> dict[str, list[Any]]:
    """Return the columns of submission_values, read column by column: forms are many and small."""
    layout, rows = table.layout, len(table.rows)
    if not rows:
        return {}
    indicators = _codes(context, table, "indicator_code") or [None] * rows
    labels = _codes(context, table, "figure_label") or [None] * rows
    stated_units = _codes(context, table, "unit") or [None] * rows
    units = [context.registers.indicators.get(code or "") for code in indicators]
    for row, unit, stated in zip(table.rows, units, stated_units, strict=True):
        if unit and stated and unit != stated:
            context.report("unknown_code", table.place("unit", row), layout.column("unit"))
    _check_names(context, table, indicators)
    categories = _categories(context, table, indicators)
    values, states, notes = _values(context, table, units)
    _check_units(context, table, units)
    _check_sizes(context, table, indicators, values)
    months = [context.reporting_month] * rows
    if "reporting_month" in table.positions and layout.frequency == "year":
        places = [table.place("reporting_month", row) for row in table.rows]
        months = read_periods(context, layout.column("reporting_month"), places)
    written = _codes(context, table, "reading_note") or [None] * rows
    publications = _codes(context, table, "publication") or [None] * rows
    _check_years(context, table, months, publications)
    seen: set[tuple[object, ...]] = set()
    keys = zip(months, indicators, categories, labels, publications, strict=True)
    for row, key in zip(table.rows, keys, strict=True):
        if key in seen and (key[1] or key[3]):
            context.report("invalid_frame", table.place("value", row), sentence="repeated_row")
        seen.add(key)
    at = table.positions.get("value")
    numbers = [number for number, _ in table.rows]
    return {
        "delivery_id": [context.delivery_id] * rows,
        "sheet": [context.sheet] * rows,
        "cell": [None if at is None else xl_rowcol_to_cell(number, at) for number in numbers],
        "row_number": [number + 1 for number in numbers],
        "county_code": [context.county_code] * rows,
        "institution_code": [context.institution_code] * rows,
        "reporting_month": months,
        "frequency": [layout.frequency] * rows,
        "indicator_code": indicators,
        "figure_label": labels,
        "category": categories,
        "value": values,
        "value_state": states,
        "unit": [unit or stated for unit, stated in zip(units, stated_units, strict=True)],
        "reading_note": [note or stated for note, stated in zip(notes, written, strict=True)],
        "publication": publications,
    }


def _codes(context: Context, table: Table, name: str) -> list[str | None] | None:
    """Return a column's codes; None where the file lacks the column."""
    position = table.positions.get(name)
    if position is None or table.layout.column(name).kind == "unit":
        return None
    known = context.codes[name]
    codes = [known[cell_at(cells, position)] for _, cells in table.rows]
    if None in codes:
        column = table.layout.column(name)
        for code, row in zip(codes, table.rows, strict=True):
            place = table.place(name, row)
            if code is None and (column.filled or cell_text(place.value)):
                sentence = "not_registered" if column.kind == "text_code" else None
                context.report(rule_of(column), place, column, sentence)
    return codes


def _check_names(context: Context, table: Table, indicators: list[str | None]) -> None:
    """Find codes beside the printed name of another indicator: which is meant isn't known.

    A name that the register doesn't have says nothing.
    """
    codes_by_name = context.registers.codes_by_name
    for position, column in table.columns.items():
        if column.kind != "indicator_name":
            continue
        for (number, cells), code in zip(table.rows, indicators, strict=True):
            cell = cell_at(cells, position)
            named = codes_by_name.get(code_key(cell)) if type(cell) is str else None
            if code and named and code not in named:
                place = Place(None, number, position)
                offered = sorted({code} | named)
                context.report("unknown_indicator", place, column, "name_of_another", offered)


def _check_units(context: Context, table: Table, units: list[str | None]) -> None:
    """Find units beside values that are not the indicator's."""
    if "unit" not in table.positions or table.layout.column("unit").kind != "unit":
        return
    names, none = unit_names(), load_words().no_unit
    position = table.positions["unit"]
    for row, unit in zip(table.rows, units, strict=True):
        text = plain(cell_at(row[1], position))
        if unit and text and text not in none and names.get(code_key(text)) != unit:
            context.report("unit_differs", table.place("unit", row), table.layout.column("unit"))


def _check_sizes(
    context: Context, table: Table, indicators: list[str | None], values: list[float | None]
) -> None:
    """Find counts beyond any plausible size of their indicator."""
    largest = context.registers.largest
    for row, code, value in zip(table.rows, indicators, values, strict=True):
        if value is not None and value > largest.get(code or "", value):
            place = table.place("value", row)
            context.report("implausible_count", place, table.layout.column("value"))


def _check_years(
    context: Context, table: Table, months: list[date | None], publications: list[str | None]
) -> None:
    """Find figures of a year of which their publication can give none."""
    for row, month, publication in zip(table.rows, months, publications, strict=True):
        first = context.registers.publications.get(publication or "")
        if month and first and month.year < first:
            place = table.place("reporting_month", row)
            column = table.layout.column("reporting_month")
            context.report("unknown_month", place, column, "year_before_publication")


def _categories(context: Context, table: Table, indicators: list[str | None]) -> list[str | None]:
    position = table.positions.get("category")
    if position is None:
        return ["total"] * len(table.rows)
    known = context.codes["category"]
    codes: list[str | None] = []
    for (number, cells), indicator_code in zip(table.rows, indicators, strict=True):
        cell = cell_at(cells, position)
        code: str | None = "total"
        names = context.registers.categories.get(indicator_code or "", {})
        if cell is not None and cell != "" and cell_text(cell):
            code = known[cell] or lookup(names, cell)
        # Of an unknown indicator no category can be known: one finding is enough.
        if code is None and indicator_code is not None:
            place = Place(cell, number, position)
            column = table.layout.column("category")
            offered = _offered_categories(context, indicator_code, cell)
            sentence = None if offered else "no_categories"
            context.report("unknown_category", place, column, sentence, offered)
        codes.append(code)
    return codes


def _offered_categories(context: Context, indicator_code: str, cell: Cell) -> list[str]:
    """Return the categories that a cell is most like, or all where it is like none."""
    names = context.registers.category_names.get(indicator_code, {})
    like = likeliest(plain(cell), {plain(name): name for name in names.values()})
    return like or list(names.values())


def _values(
    context: Context, table: Table, units: list[str | None]
) -> tuple[list[float | None], list[str], list[str | None]]:
    """Return (values, states, notes): what a value says and what the state beside it says."""
    layout, is_text = table.layout, table.sheet.name is None
    values: list[float | None] = []
    states: list[str] = []
    notes: list[str | None] = []
    position = table.positions.get("value", -1)
    beside = table.positions.get("value_state", -1)
    known = context.codes.get("value_state", Written({}))
    blamed = {(row, column) for _, row, column in context.broken}
    for (number, cells), unit in zip(table.rows, units, strict=True):
        cell = cell_at(cells, position) if position >= 0 else None
        # Another rule has found that it can't be read.
        is_blamed = (number, position) in blamed
        count = read_count(None if is_blamed else cell, unit)
        value, state, note = count.value, count.state, count.note
        if count.rule:
            place = Place(cell, number, position)
            context.report(count.rule, place, layout.column("value"), count.sentence)
        elif note is None and type(cell) is str and value is not None and not is_text:
            note = "a number written as text"
        said = cell_at(cells, beside) if beside >= 0 else None
        if said is not None and said != "" and cell_text(said):
            stated = known[said]
            place = Place(said, number, beside)
            column = layout.column("value_state")
            if stated is None:
                context.report("unknown_code", place, column)
            elif count.rule is None and state not in {"not_reported", stated}:
                context.report("unknown_code", place, column, sentence="state_contradicts_value")
            value, state = (0.0 if stated == "zero" else None), stated or "unknown"
        values.append(value)
        states.append(state)
        notes.append(note)
    return values, states, notes
