"""What could be a label or a heading in the upper rows of a sheet, and what stands beside it.

Belongs here: finding text by its words. Not here: which layout the words belong to
(sources.reading.recognition).
"""

from functools import cache, lru_cache

from sources.layouts import Column
from sources.reading.context import Place
from sources.reading.tables import Sheet
from sources.values import Cell, cell_text, heading_key

_LONGEST_HEADING = 200

#: The widest row that is kept in memory to know it again.
_WIDEST_KEPT = 100

#: Rows in which labels and headings are looked for.
_TOP_ROWS = 40

#: The labels of a sheet (heading_key): a row's, each with its position.
Labels = list[tuple[tuple[int, str], ...]]


def labels_of(sheet: Sheet) -> Labels:
    """Return what could be a label or a heading in the upper rows of a sheet."""
    found = []
    for row in sheet.rows[:_TOP_ROWS]:
        texts = tuple(
            [cell if type(cell) is str and len(cell) <= _LONGEST_HEADING else "" for cell in row]
        )
        # The rows of a form are the same in every file of it, so most of them are known.
        known = len(row) <= _WIDEST_KEPT
        found.append(_labels_kept(texts) if known else _labels_in(texts))
    return found


def _labels_in(texts: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    headings = ((position, heading(text)) for position, text in enumerate(texts) if text)
    return tuple([(position, text) for position, text in headings if text])


_labels_kept = lru_cache(maxsize=2_000)(_labels_in)


def heading(cell: Cell) -> str:
    """Return a heading for comparison (heading_key); a long text is none."""
    return _heading_text(cell) if type(cell) is str and len(cell) <= _LONGEST_HEADING else ""


@lru_cache(maxsize=20_000)
def _heading_text(text: str) -> str:
    return heading_key(text)


@cache
def heading_keys(column: Column) -> frozenset[str]:
    """Return the headings of a column (heading_key)."""
    return frozenset(map(heading_key, column.headings))


def find(labels: Labels, headings: frozenset[str]) -> tuple[int, int] | None:
    """Return the row and column of the first label that is one of these headings."""
    for number, row in enumerate(labels):
        for position, text in row:
            if text in headings:
                return number, position
    return None


def beside(row: list[Cell], position: int) -> Place:
    """Return the first cell behind a label that says something; a merged label spans some."""
    for number in range(position + 1, len(row)):
        cell = row[number]
        if cell is not None and cell != "" and cell_text(cell):
            return Place(row[number], column=number)
    return Place(None, column=position + 1)
