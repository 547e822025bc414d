"""What stands below a table and is none of its rows: totals, signatures, remarks.

Belongs here: leaving such rows out, each with a word. Not here: rows that have to be mended, such
as a value whose code is misspelt: they stay, and are refused.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date

from sources.reading.context import Context, Place, cell_at
from sources.reading.elsewhere import check_person
from sources.reading.table import Row, Table
from sources.values import Cell, cell_text, load_words, plain, read_count

_DAY = re.compile(r"[0-9]{1,2}(?:[./][0-9]{1,2}[./]| [^\W\d]+ )[0-9]{4}")


def without_what_stands_below(context: Context, table: Table) -> Table:
    """Return a table without the rows that sum others, and without remarks at its end."""
    if not table.is_report:
        return _without_ends(context, table, _no_record)
    if "indicator_code" not in table.positions:
        return table
    codes, at = context.codes["indicator_code"], table.positions["indicator_code"]
    if all(codes[cell_at(cells, at)] for _, cells in table.rows):
        return table
    left = _without_ends(context, table, _no_value)
    # A signature may stand below the totals, or above them.
    summed = _without_totals(context, left)
    return (
        summed if len(summed.rows) == len(left.rows) else without_what_stands_below(context, summed)
    )


def _without_ends(
    context: Context, table: Table, rule_of_row: Callable[[Context, Table, Row], str | None]
) -> Table:
    """Leave out rows from the last one upwards, as long as a rule says why."""
    kept = list(table.rows)
    while kept and (rule := rule_of_row(context, table, kept[-1])):
        number, cells = kept.pop()
        first = next(at for at, cell in enumerate(cells) if cell_text(cell))
        context.report(rule, Place(None, number, first))
        if not _is_signature(context, table, cells):
            for position, cell in enumerate(cells):
                check_person(context, Place(cell, number, position))
    return replace(table, rows=kept)


def _no_value(context: Context, table: Table, row: Row) -> str | None:
    """Return remark_left_out for a row of a report, a signature say, that reports no value.

    A row whose code could be an indicator's, misspelt, is no remark.
    """
    number, cells = row
    read = sorted(
        at for at, asked in table.columns.items() if asked.is_read and asked.place == "row"
    )
    said = [at for at in read if cell_text(cell_at(cells, at))]
    if _is_signature(context, table, cells):
        return "remark_left_out"
    column = table.layout.column("indicator_code")
    place = Place(cell_at(cells, said[0]), number, said[0])
    if said[0] not in {table.positions.get(name) for name in ("indicator_code", "unit")}:
        return None
    if context.codes[column.name][place.value] or len(said) > 1:
        return None
    has_digits = re.search(r"[0-9]", cell_text(place.value))
    if has_digits and context.candidates("unknown_indicator", place, column):
        return None
    return "remark_left_out"


def _no_record(context: Context, table: Table, row: Row) -> str | None:
    """Return the rule under which a row at the end of a table of records is none of them.

    Numbers behind a word for their sum are none, nor is a single text without a number: a case, a
    day or a code would be there, and a name alone is a record that lacks the rest.
    """
    number, cells = row
    said = [at for at, cell in enumerate(cells) if cell_text(cell)]
    first, others = cells[said[0]], [cells[at] for at in said[1:]]
    if _is_sum(first) and all(_is_number(cell) for cell in others):
        return "totals_row_left_out"
    if _is_signature(context, table, cells):
        return "remark_left_out"
    column = table.columns.get(said[0])
    text = _DAY.sub("", cell_text(first)).strip()
    if not isinstance(first, str) or not text or re.search(r"[0-9]", text):
        return None
    if others or (column and column.kind in ("identity", "dropped")):
        return None
    if column and column.kind == "key" and " " not in text:
        return None
    if column and column.name in context.codes:
        place = Place(first, number, said[0])
        known = context.codes[column.name][first]
        if known or context.candidates("unknown_code", place, column):
            return None
    return "remark_left_out"


def _is_signature(context: Context, table: Table, cells: list[Cell]) -> bool:
    """Tell whether a row is signed: it has a word for who signs, no number but a day, no code."""
    if any(
        context.codes[asked.name][cell_at(cells, at)]
        for at, asked in table.columns.items()
        if asked.place == "row" and asked.kind in ("code", "text_code")
    ):
        return False
    said = [cell for cell in cells if cell_text(cell) and not isinstance(cell, date)]
    texts = [text for cell in said if (text := _DAY.sub("", cell_text(cell)).strip())]
    return not any(
        re.search(r"[0-9]", text) or read_count(text).rule is None for text in texts
    ) and any(
        re.match(rf"{re.escape(word)}\b", plain(text))
        for text in texts
        for word in load_words().signatures
    )


def _is_sum(cell: Cell) -> bool:
    """Tell whether a text begins with a word for a sum, with or without the number behind it."""
    words = re.split(r"[:0-9]", plain(cell))[0].strip() if isinstance(cell, str) else ""
    return any(words == each or words.startswith(f"{each} ") for each in load_words().totals)


def _is_number(cell: Cell) -> bool:
    return not isinstance(cell, bool) and read_count(cell).rule is None


def _without_totals(context: Context, table: Table) -> Table:
    """Leave out the rows of a report that sum the rows above them."""
    kept = []
    needs_code = table.layout.column("indicator_code").filled
    codes, at = context.codes["indicator_code"], table.positions["indicator_code"]
    for row in table.rows:
        number, cells = row
        is_last = needs_code and row is table.rows[-1]
        is_known = codes[cell_at(cells, at)] is not None
        said = None if is_known else _totals_cell(table, cells, is_last=is_last)
        if said is None:
            kept.append(row)
        else:
            context.report("totals_row_left_out", Place(None, number, said))
    return replace(table, rows=kept)


def _totals_cell(table: Table, cells: list[Cell], *, is_last: bool) -> int | None:
    """Return where a row says that it sums the rows above, or None.

    A word for it stands where an indicator should. In the last row it may stand in any column but
    that of categories, where it is the total of one indicator.
    """
    instead, elsewhere, has_category = [], [], False
    for position, cell in enumerate(cells):
        name = table.columns[position].name if position in table.columns else None
        text = plain(cell).rstrip(": ")
        is_word = text in load_words().totals
        if name in ("indicator_code", "indicator_name"):
            if text and not is_word:
                return None
            instead += [position] * is_word
        elif name == "category":
            has_category = bool(text)
        else:
            elsewhere += [position] * is_word
    if is_last and not has_category:
        instead += elsewhere
    return next(iter(instead), None)
