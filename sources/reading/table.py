"""The rows below a sheet's headings, and whether they have the shape that their layout wants.

Belongs here: which rows there are, merged cells, features of cells and lengths of rows. Not here:
what stands below the table (sources.reading.trailing_rows) or what its cells mean
(sources.reading.reports, sources.reading.records).
"""

import re
from dataclasses import dataclass
from functools import cached_property

from sources.layouts import Column, Layout
from sources.reading.context import Context, Place, cell_at, rule_of
from sources.reading.features import SheetFeatures
from sources.reading.labels import Labels
from sources.reading.tables import Sheet, is_blank
from sources.values import (
    Cell,
    cell_text,
    plain,
)

#: Kinds of columns whose merged cells say the same for each of their rows.
_FILLED_DOWN = {"code", "text_code", "month"}

#: Kinds of columns in which each row says its own, so that merged cells leave some of it unsaid.
_OF_EACH_ROW = {"count", "date", "timestamp", "key", "identity"}

#: What a comma leaves of a number: 900, 900 VT or 5 %; a remark has more words.
_REST_OF_NUMBER = re.compile(r"[0-9]{1,3}(?:[.,*%][0-9]*)?(?: ?[^0-9 ]+)?")

#: A row with its number, counted from 0.
Row = tuple[int, list[Cell]]


@dataclass(frozen=True)
class Table:
    """The rows of a sheet that hold something, and the column of the layout at each position."""

    layout: Layout
    sheet: Sheet
    heading_row: int
    columns: dict[int, Column]
    rows: list[Row]

    @property
    def is_report(self) -> bool:
        """Whether its rows are values of indicators; else they are records of contacts or cases."""
        return self.layout.table == "submission_values"

    @cached_property
    def positions(self) -> dict[str, int]:
        """Where the columns that are read stand, by their names."""
        return {column.name: at for at, column in self.columns.items() if column.is_read}

    def place(self, name: str, row: Row) -> Place:
        """Return the cell of a column in a row; nothing where the file lacks the column."""
        number, cells = row
        position = self.positions.get(name)
        return Place(None if position is None else cell_at(cells, position), number, position)


def find_table(
    context: Context, layout: Layout, sheet: Sheet, heading_row: int, columns: dict[int, Column]
) -> Table:
    """Return the rows below the headings that hold something, with merged cells written out."""
    table = Table(layout, sheet, heading_row, columns, [])
    if sheet.features.merged:
        _read_merged(context, table)
    table.rows.extend(
        (number, row)
        for number, row in enumerate(sheet.rows)
        if number > heading_row and not _is_empty(context, table, row)
    )
    return table


def _is_empty(context: Context, table: Table, row: list[Cell]) -> bool:
    """Tell whether a row holds nothing to read.

    Forms have titles between rows, which stand in columns that are not read, and numbers or heads
    that were filled in beforehand. A record with nothing but a name is no title: it is read, and
    found to lack its codes.
    """
    asked = [(cell_at(row, at), column) for at, column in table.columns.items()]
    if table.is_report:
        return not any(
            cell_text(cell) for cell, each in asked if each.place == "row" and each.is_read
        )
    return not any(
        cell_text(cell) and not (each.place == "head" and context.codes[each.name][cell])
        for cell, each in asked
    )


def _read_merged(context: Context, table: Table) -> None:
    """Write the value of merged cells into each of their rows, in columns of codes.

    What each row should say itself is refused, and what stands hidden behind merged cells. A
    title across the table is none of it.
    """
    columns = table.columns
    for first_row, first_column, last_row, last_column in table.sheet.features.merged:
        rows = table.sheet.rows[first_row : last_row + 1]
        within = range(first_column, last_column + 1)
        covered = {each: columns[each] for each in within if each in columns}
        is_above = first_row <= table.heading_row
        if is_above or not rows or not any(column.is_read for column in covered.values()):
            continue
        place = Place(None, first_row, first_column)
        value = cell_at(rows[0], first_column)
        texts = {plain(cell_at(row, each)) for row in rows for each in covered}
        hidden = texts - {"", plain(value)}
        unsaid = _unsaid(table, covered, first_column if len(rows) == 1 else None)
        is_title = not any(
            cell_text(cell_at(row, position))
            for row in rows
            for position, column in columns.items()
            if position not in within and column.is_read
        )
        column = columns.get(first_column)
        if hidden or (unsaid and cell_text(value) and not is_title):
            first = next(iter(unsaid or covered.values()))
            context.report("invalid_frame", place, first, sentence="merged_value")
        elif column and column.kind in _FILLED_DOWN and cell_text(value) and len(rows) > 1:
            context.report("merged_cells_read", place, column)
            for row in rows[1:]:
                if first_column < len(row):
                    row[first_column] = value


def _unsaid(table: Table, covered: dict[int, Column], said: int | None) -> list[Column]:
    """Return the columns of merged cells that say nothing of their own, but for the one `said`.

    Beside a value the state may be covered; a record says each of its codes.
    """
    kinds = _OF_EACH_ROW if table.is_report else _OF_EACH_ROW | {"code", "text_code"}
    return [
        column
        for position, column in covered.items()
        if position != said
        and column.kind in kinds
        and not (said is None and column.kind in _FILLED_DOWN)
    ]


def check_features(context: Context, table: Table, labels: Labels) -> None:
    """Refuse what is read otherwise than a person sees it; tell what was read though hidden."""
    features = table.sheet.features
    read = set(table.positions.values())
    numbers = {number for number, _ in table.rows}
    for row, position in sorted(features.formulas):
        if row < table.heading_row or (row in numbers and position in read):
            context.report("formula_in_cell", Place(None, row, position))
    for row, position in sorted(features.errors):
        if row < table.heading_row or (row in numbers and position in read):
            asked = table.columns.get(position) if row > table.heading_row else None
            rule = "not_a_number" if asked and asked.kind == "count" else "unknown_code"
            context.report(rule, Place(None, row, position), asked, sentence="error_value")
    for row, position in sorted(features.disguised | features.disguised_texts):
        asked = table.columns.get(position)
        if row in numbers and asked and asked.kind in ("count", "key"):
            cell = cell_at(table.sheet.rows[row], position)
            by_kind = features.disguised_texts if isinstance(cell, str) else features.disguised
            if (row, position) in by_kind and isinstance(cell, str | int | float) and cell != "":
                rule = "not_a_number" if asked.kind == "count" else "unknown_code"
                place = Place(None, row, position)
                context.report(rule, place, asked, sentence="disguised_value")
    _check_looks(context, table, labels)
    if features.has_drawn_text:
        context.report("comment_not_read", sentence="drawing_not_read")
    if features.is_hidden:
        context.report("hidden_cells_read")
    _check_zeros(context, table)
    for row in sorted(features.hidden_rows & numbers):
        context.report("hidden_cells_read", Place(None, row))
    for position in sorted(features.hidden_columns & read):
        context.report("hidden_cells_read", Place(None, table.heading_row, position))
    for row, position in sorted(features.comments):
        if row in numbers:
            context.report("comment_not_read", Place(None, row, position))


def _check_looks(context: Context, table: Table, labels: Labels) -> None:
    """Find cells of which a person sees another text than they hold: struck, raised, unseen.

    Of a row whose value is so, a whole one that is crossed out say, the value alone is told.
    """
    features = table.sheet.features
    for number, headings in enumerate(labels[: table.heading_row] if features.unclear else ()):
        if any(heading in table.layout.by_heading for _, heading in headings):
            for position, cell in enumerate(table.sheet.rows[number]):
                sentence = features.unclear.get((number, position))
                if cell_text(cell) and sentence not in (None, "mixed_value"):
                    context.report("unknown_code", Place(None, number, position), None, sentence)
    if not (features.unclear or features.conditional or features.covered):
        return
    at_value = {table.positions.get(name) for name in ("value", "value_state")}
    for number, cells in table.rows:
        found = {
            position: sentence
            for position, asked in table.columns.items()
            if asked.is_read and (sentence := _unclear(features, number, position, asked, cells))
        }
        of_value = {at: sentence for at, sentence in found.items() if at in at_value}
        for position, sentence in (of_value or found).items():
            asked = table.columns[position]
            rule = {"count": "not_a_number", "identity": "identity_not_read"}.get(
                asked.kind, rule_of(asked)
            )
            context.report(rule, Place(None, number, position), asked, sentence)


def _unclear(
    features: SheetFeatures, row: int, position: int, asked: Column, cells: list[Cell]
) -> str | None:
    """Return the sentence on a cell that looks otherwise than it is read, or None."""
    cell = cell_at(cells, position)
    if not cell_text(cell):
        return None
    sentence = features.unclear.get((row, position))
    # Words may be bold in part: they say the same.
    if sentence == "mixed_value" and not (
        asked.kind == "count" and re.search(r"[0-9]", cell_text(cell))
    ):
        sentence = None
    if sentence is None and _is_within(features.covered, row, position):
        sentence = "covered_value"
    if sentence is None and asked.kind == "count":
        is_conditional = _is_within(features.conditional, row, position)
        sentence = "conditional_value" if is_conditional else None
    return sentence


def _is_within(areas: list[tuple[int, int, int, int]], row: int, position: int) -> bool:
    return any(
        first <= row <= last and left <= position <= right for first, left, last, right in areas
    )


def _check_zeros(context: Context, table: Table) -> None:
    """Find zeros that their cells don't show: whoever filled the form saw a blank one."""
    features = table.sheet.features
    for position, asked in table.columns.items():
        for number, cells in table.rows if asked.kind == "count" else ():
            is_hidden = features.hides_zeros or (number, position) in features.hidden_zeros
            if is_hidden and cell_at(cells, position) == 0:
                place = Place(None, number, position)
                context.report("not_a_number", place, asked, sentence="zero_not_shown")


def check_quotes(context: Context, table: Table) -> None:
    """Find rows of separated text into which stray quotation marks joined others."""
    for number, row in table.rows:
        if _joins_lines(table, row):
            context.report("invalid_frame", Place(None, number), sentence="stray_quote")


def check_shape(context: Context, table: Table) -> None:
    """Find rows of separated text that are longer or shorter than the headings.

    A separator inside unquoted text shifts what stands behind it into other columns. Excel leaves
    out separators at the end of a row: nothing is shifted in one that has its value, and nothing
    cut off if its line ends. A number of thousands that a comma parts fills the next cell.
    """
    sheet = table.sheet
    if sheet.name is not None:
        return
    width = len(sheet.rows[table.heading_row])
    may_part = [
        at
        for at, column in table.columns.items()
        if column.kind == "count" and sheet.separator == ","
    ]
    needed = table.positions["value"] + 1 if "value" in table.positions else width
    for number, row in table.rows:
        is_cut = sheet.is_unended and number == len(sheet.rows) - 1
        has_value = len(row) >= needed and cell_text(row[needed - 1]) and not is_cut
        if not _joins_lines(table, row) and (
            (len(row) < width and not has_value)
            or not is_blank(row[width:])
            or any(_is_parted(table, row, at) for at in may_part)
        ):
            context.report("invalid_frame", Place(None, number), sentence="uneven_row")


def _is_parted(table: Table, row: list[Cell], position: int) -> bool:
    """Tell whether a comma parts a number into the cell of a count and the next, which isn't read.

    1,900 persons and 1,5 fill two cells of text that commas separate, unless they are quoted.
    """
    behind = table.columns.get(position + 1)
    if behind is not None and behind.is_read:
        return False
    count, rest = cell_text(cell_at(row, position)), cell_text(cell_at(row, position + 1))
    return bool(re.fullmatch(r"-?[0-9 ]+", count) and _REST_OF_NUMBER.fullmatch(rest))


def _joins_lines(table: Table, row: list[Cell]) -> bool:
    """Tell whether a cell of a row holds lines of the table, which stray quotation marks joined."""
    separator, width = table.sheet.separator, len(table.sheet.rows[table.heading_row])
    return separator is not None and any(
        type(cell) is str
        and ("\n" in cell or "\r" in cell)
        and cell.count(separator) >= max(2, width // 2)
        for cell in row
    )
