"""What a file holds beside its table, which is not read: other sheets, rows elsewhere, remarks.

Belongs here: telling whoever sends it, so that no value is lost and no name is sent. Not here: what
is below the table and left out (sources.reading.trailing_rows), or what a name looks like
(sources.reading.persons).
"""

from collections.abc import Iterator
from functools import cache

from sources.layouts import Column, Written, load_layouts
from sources.reading.context import Context, Place, cell_at
from sources.reading.persons import seems_personal
from sources.reading.table import Table
from sources.reading.tables import Sheet
from sources.texts import both, keys, text
from sources.values import (
    Cell,
    cell_text,
    code_key,
    missing_kind,
    read_count,
    read_date,
    read_timestamp,
)

#: Columns that are not read, in which a person writes a text.
_FREE_TEXTS = ("indicator_name", "reason", "remarks")


def check_rows_elsewhere(context: Context, table: Table, others: dict[str, Sheet]) -> None:
    """Find rows of the table above its headings, and what other sheets hold, by their labels.

    What has all that a row needs is refused: left out it would be lost, and nobody would know. Of
    another sheet it is told that it was not read, once, unless it is one of the form's own.
    """
    for number in _whole_rows(context, table, table.sheet.rows[: table.heading_row]):
        context.report("invalid_frame", Place(None, number), sentence="above_headings")
    own = _instructions()
    for label, other in others.items():
        whole = next(_whole_rows(context, table, other.rows), None)
        if whole is not None:
            place = Place(None, whole)
            context.report("invalid_frame", place, sentence="two_reports", sheet=label)
        elif (alike := next(_alike_rows(context, table, other.rows), None)) is not None:
            context.report("sheet_left_out", Place(None, alike), sheet=label)
        elif not all(
            cell in own or _is_of_form(context, cell) for row in other.rows for cell in row
        ):
            context.report("sheet_left_out", sentence="other_sheet", sheet=label)


def check_remarks(context: Context, table: Table) -> None:
    """Find texts in columns that are not read which seem to be about a person."""
    texts = [at for at, column in table.columns.items() if column.name in _FREE_TEXTS]
    # In a row that isn't one, the columns are not what they seem.
    broken = {row for _, row, position in context.broken if position is None}
    for number, row in enumerate(table.sheet.rows):
        for position in texts if number > table.heading_row and number not in broken else ():
            cell = cell_at(row, position)
            if cell is not None and cell != "":
                check_person(context, Place(cell, number, position))


def check_person(context: Context, place: Place) -> None:
    """Find a text that seems to be about a person."""
    named = context.registers.codes_by_name.get(code_key(place.value))
    if not named and seems_personal(place.value, context.registers, context.received_at.year):
        context.report("person_in_remark", place._replace(value=None))


def _is_of_form(context: Context, cell: Cell) -> bool:
    """Tell whether a form has a cell on its other sheets: an instruction, or what can be chosen."""
    content = cell_text(cell)
    return (
        content in _instructions()
        or _is_list_title(content)
        or any(codes[cell] is not None for codes in context.codes.values())
    )


def _is_list_title(content: Cell) -> bool:
    """Tell whether a cell is the title of a list: of whatever columns it is for."""
    before, after = text("forms.list_of", "sq", columns="\n").split("\n")
    if not isinstance(content, str) or not content.startswith(before):
        return False
    columns = content.removeprefix(before).removesuffix(after)
    return {column.strip("«»") for column in columns.split(" · ")} <= _headings()


@cache
def _headings() -> frozenset[str]:
    return frozenset(each.headings[0] for layout in load_layouts() for each in layout.columns)


@cache
def _instructions() -> frozenset[Cell]:
    """Return the lines of the sheets that krat adds to its forms."""
    lines = {line for key in keys("forms.instructions") for line in both(key, "\n").splitlines()}
    return frozenset({None, "", *lines})


def _alike_rows(context: Context, table: Table, rows: list[list[Cell]]) -> Iterator[int]:
    """Yield the numbers of rows with a code of the table, in any column, and what it says."""
    lists = [
        context.codes[each.name]
        for each in table.layout.columns
        if each.place == "row"
        and each.kind == "code"
        and (each.name == "indicator_code" if table.is_report else each.filled)
    ]
    states = context.codes.get("value_state", Written({}))
    for number, row in enumerate(rows):
        cells = [cell for cell in row if cell is not None and cell != ""]
        if len(cells) < 2 or not any(known[cell] for known in lists for cell in cells):
            continue
        if any(
            read_count(cell).rule is None or states[cell]
            if table.is_report
            else read_timestamp(cell) or _is_day(cell)
            for cell in cells
        ):
            yield number


def _is_day(cell: Cell) -> bool:
    return not isinstance(cell, int | float) and read_date(cell) is not None


def _whole_rows(context: Context, table: Table, rows: list[list[Cell]]) -> Iterator[int]:
    """Yield the numbers of rows that say, each in its column, what a row of the table has to."""
    asked = [
        (position, column)
        for position, column in table.columns.items()
        if column.place == "row" and (column.filled or column.name == "value")
    ]
    for number, row in enumerate(rows):
        if asked and all(_is_said(context, each, cell_at(row, at)) for at, each in asked):
            yield number


def _is_said(context: Context, column: Column, cell: Cell) -> bool:
    if column.kind in ("code", "text_code"):
        return context.codes[column.name][cell] is not None
    if column.kind == "count":
        return bool(cell_text(cell)) and read_count(cell).rule is None
    if column.kind == "date":
        return read_date(cell) is not None
    return missing_kind(cell) is None
