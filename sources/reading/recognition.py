"""Which form a file is, on which of its sheets, and where its columns stand.

Belongs here: recognising a layout and its headings. Not here: the rows below the headings
(sources.reading.table) or what is said above them (sources.reading.headings).
"""

from sources.codes import codes_of
from sources.layouts import Column, KnownForms, Layout, known_forms
from sources.reading.context import Context, Place, cell_at
from sources.reading.labels import Labels, beside, find, heading, heading_keys
from sources.reading.tables import Sheet
from sources.values import Cell, cell_text, heading_key, plain


def recognise(
    context: Context, sheets: list[Sheet], labels: list[Labels]
) -> tuple[Layout, int] | None:
    """Return the form, and the position of its sheet, by its id or else by its headings.

    None where it isn't known, which is reported.
    """
    forms = known_forms(context.received_at.date())
    stated: list[tuple[Layout, int]] = []
    unknown: tuple[int, Place] | None = None
    for position, sheet in enumerate(sheets):
        place = find(labels[position], forms.headings)
        if place is None:
            continue
        row, column = place
        said = beside(sheet.rows[row], column).value
        below = (cell_at(cells, column) for cells in sheet.rows[row + 1 :])
        first_below = next((cell for cell in below if cell_text(cell)), None)
        layout_found = forms.by_id.get(plain(said)) or forms.by_id.get(plain(first_below))
        if layout_found:
            stated.append((layout_found, position))
        elif first_below is not None or (cell_text(said) and not _is_heading(said, forms)):
            label = Place(sheet.rows[row][column], row, column)
            unknown = unknown or (position, label)
    if len(stated) == 1 and not _is_beside_another(stated[0], labels):
        layout, position = stated[0]
        context.sheet = _sheet_label(layout, sheets[position], position)
        return layout, position
    if stated:
        context.layout = stated[0][0]
        context.report("invalid_frame", sentence="two_reports")
        return None
    if unknown is not None:
        position, label = unknown
        context.sheet = None if sheets[position].name is None else f"#{position + 1}"
        context.report("unknown_layout", label)
        return None
    complete = []
    for position, found in enumerate(labels):
        for layout in forms.by_id.values():
            present = {c.name for c in layout.columns if find(found, heading_keys(c))}
            if present >= {column.name for column in layout.columns if column.required}:
                complete.append((len(present), layout, position))
    if complete:
        # Of forms that share headings it is the one that explains most of them.
        _, layout, position = max(complete, key=lambda each: each[0])
        context.sheet = _sheet_label(layout, sheets[position], position)
        return layout, position
    context.report("unknown_layout")
    return None


def _is_beside_another(stated: tuple[Layout, int], labels: list[Labels]) -> bool:
    """Tell whether another sheet has the headings too: it lost its id, or has a false one.

    Left out it would be lost, and nobody would know.
    """
    layout, position = stated
    required = [
        heading_keys(each) for each in layout.columns if each.required and each.place == "row"
    ]
    # One that lacks a heading, or has it written otherwise, is a report too.
    most = max(3, len(required) // 2 + 1)
    return any(
        sum(any(text in headings for _, text in row) for headings in required) >= most
        for other, found in enumerate(labels)
        for row in found
        if other != position and len(row) >= most
    )


def find_columns(
    context: Context, layout: Layout, sheet: Sheet, labels: Labels
) -> tuple[int, dict[int, Column]] | None:
    """Return the row of headings and the column of the layout at each position.

    Headings in merged cells stand in two rows: the last of them is returned. None where there are
    no headings, which is reported.
    """
    best, most = None, 1
    for number, row in enumerate(labels):
        known = sum([text in layout.by_heading for _, text in row])
        if known > most:
            best, most = number, known
    if best is None:
        context.report("missing_required_column")
        return None
    columns: dict[int, Column] = {}
    present: set[str] = set()
    unknown: list[int] = []
    for position, cell in enumerate(sheet.rows[best]):
        column = layout.by_heading.get(heading(cell))
        if column is None:
            unknown.append(position)
        elif column.name in present:
            place = Place(None, best, position)
            context.report("invalid_frame", place, column, sentence="repeated_heading")
        else:
            columns[position] = column
            present.add(column.name)
    last = best
    for number in (best - 1, best + 1) if unknown else ():
        cells = sheet.rows[number] if 0 <= number < len(sheet.rows) else []
        for position in unknown:
            column = layout.by_heading.get(heading(cell_at(cells, position)))
            if column and column.place == "row" and column.name not in present:
                columns[position] = column
                present.add(column.name)
                last = max(last, number)
    for position in unknown:
        if position not in columns and any(
            cell_text(cell_at(cells, position)) for cells in sheet.rows[best:]
        ):
            context.report("unknown_column_dropped", Place(None, best, position))
    for column in layout.columns:
        if column.place == "row" and column.required and column.name not in present:
            context.report("missing_required_column", Place(None, best), column)
    return last, columns


def is_marked_made_up(sheet: Sheet, labels: Labels) -> bool:
    """Tell whether a file of no known form still says that its data are made up.

    The mark is written in full, wherever it is, or beside its label.
    """
    [mark] = (code for code in codes_of("made_up-1") if code.code == "made_up")
    in_full = {plain(mark.name_sq), plain(mark.name_en)}
    if any(plain(cell) in in_full for row in sheet.rows for cell in row):
        return True
    place = find(labels, frozenset(map(heading_key, ("Të dhënat", "Data"))))
    if place is None:
        return False
    row, column = place
    has_below = row + 1 < len(sheet.rows)
    below = cell_at(sheet.rows[row + 1], column) if has_below else None
    behind = cell_at(sheet.rows[row], column + 1)
    return any(plain(cell).startswith("shembull") for cell in (behind, below))


def _is_heading(cell: Cell, forms: KnownForms) -> bool:
    return any(heading(cell) in layout.by_heading for layout in forms.by_id.values())


def _sheet_label(layout: Layout, sheet: Sheet, position: int) -> str | None:
    """Return the layout's own name of the sheet, or its number: a sheet's name is free text."""
    if sheet.name is None:
        return None
    if layout.sheet == sheet.name:
        return layout.sheet
    return f"#{position + 1}"
