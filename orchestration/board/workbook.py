"""The board as a workbook: the grid as on the page, and a list of its cells to sort and filter.

Belongs here: looks. Not here: words (sources/texts/board.yml), or what is shown (collect).
"""

from datetime import date
from pathlib import Path
from typing import Any

import xlsxwriter

from orchestration.board.collect import Board, BoardCell, CellState
from orchestration.publication.writing.workbook import A4, book_looks
from sources.registers import NATION
from sources.texts import both, keys, text

#: Colours behind a cell of the grid; its word has the same meaning.
_COLOURS = {
    CellState.BLOCKED: "#F4C7C3",
    CellState.MISSING: "#FBE3C0",
    CellState.AWAITED: "#E8EAED",
    CellState.OPEN: "#FFF4CC",
    CellState.WHOLE: "#D5EBDB",
}

#: The width of a county in characters, and the height of a month in points.
_COLUMN, _HEIGHT = 34, 80


def write_board(
    path: Path, board: Board, cells: list[BoardCell], names: dict[str, tuple[str, str]]
) -> None:
    """Write the workbook of some cells of a board; `names` are those of counties by code.

    What is not known is an empty cell, and never 0. Raises OSError.
    """
    options = {"strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        title = both("board.title", year=board.year)
        book.set_properties({"title": title, "created": board.as_of.replace(tzinfo=None)})
        looks = book_looks(book)
        title = f"{both('board.made_up')}. {title}" if board.is_made_up else title
        _write_grid(book, looks, title, board.year, cells, names)
        _write_list(book, looks, cells, names)


def _write_grid(
    book: Any,
    looks: Any,
    title: str,
    year: int,
    cells: list[BoardCell],
    names: dict[str, tuple[str, str]],
) -> None:
    sheet = book.add_worksheet(text("board.workbook.grid", "sq"))
    shape = {"text_wrap": True, "valign": "top", "border": 1, "border_color": "#CFD4DA"}
    plain = book.add_format(shape)
    coloured = {
        state: book.add_format({**shape, "bg_color": colour}) for state, colour in _COLOURS.items()
    }
    sheet.write_string(0, 0, title, looks.title)
    codes = sorted({cell.county_code for cell in cells}, key=lambda code: (code == NATION, code))
    found = {(cell.county_code, cell.month.month): cell for cell in cells}
    sheet.write_string(1, 0, both("board.month"), looks.heading)
    sheet.set_column(0, 0, 12)
    sheet.set_column(1, max(len(codes), 1), _COLUMN)
    for column, code in enumerate(codes, start=1):
        name = " / ".join(dict.fromkeys(names.get(code, (code,))))
        sheet.write_string(1, column, f"{name} ({code})", looks.heading)
    for number in range(1, 13):
        row = number + 1
        sheet.set_row(row, _HEIGHT)
        sheet.write_datetime(row, 0, date(year, number, 1), looks.dated)
        for column, code in enumerate(codes, start=1):
            cell = found.get((code, number))
            if cell is None:
                has_begun = any(month == number for _, month in found)
                state = CellState.NOTHING_OWED if has_begun else "unknown"
                sheet.write_string(row, column, both(f"board.states.{state}"), plain)
            else:
                sheet.write_string(row, column, _words(cell), coloured.get(cell.state, plain))
    sheet.freeze_panes(2, 1)
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)


def _write_list(
    book: Any, looks: Any, cells: list[BoardCell], names: dict[str, tuple[str, str]]
) -> None:
    sheet = book.add_worksheet(text("board.workbook.list", "sq"))
    headings = keys("board.workbook.columns")
    for column, key in enumerate(headings):
        sheet.write_string(0, column, both(key), looks.heading)
    for row, cell in enumerate(cells, start=1):
        values: dict[str, Any] = {
            "county_code": cell.county_code,
            "county": " / ".join(dict.fromkeys(names.get(cell.county_code, ()))),
            "month": cell.month,
            "counties_reporting": cell.counties_reporting,
            "counties_expected": cell.counties_expected,
            "state": both(f"board.states.{cell.state}"),
            "expected": cell.expected,
            "received": cell.received if cell.expected else None,
            "on_time": cell.on_time if cell.expected else None,
            "awaited": cell.awaited if cell.expected else None,
            "refused": cell.refused,
            "open_findings": cell.open_findings,
            "lacking": ", ".join(both(key) for key in cell.lacking) or None,
            "blocked_by": ", ".join(cell.blocked_by) or None,
            **cell.released,
        }
        for column, key in enumerate(headings):
            value = values[key.rpartition(".")[2]]
            if isinstance(value, date):
                sheet.write_datetime(row, column, value, looks.dated)
            elif value is not None:
                sheet.write(row, column, value, looks.text)
    sheet.set_column(0, len(headings) - 1, 18)
    sheet.freeze_panes(1, 3)
    sheet.autofilter(0, 0, len(cells), len(headings) - 1)


def _words(cell: BoardCell) -> str:
    """Return what a cell of the grid has, a line each."""
    lines = [both(f"board.states.{cell.state}")]
    if cell.counties_expected:
        counted = {"count": cell.counties_reporting, "total": cell.counties_expected}
        lines.append(both("board.counts.counties", **counted))
    if cell.expected:
        total = cell.expected
        lines.append(both("board.counts.received", count=cell.received, total=total))
        lines.append(both("board.counts.on_time", count=cell.on_time, total=total))
    if cell.open_findings:
        lines.append(both("board.counts.findings", count=cell.open_findings))
    if release := cell.released["restricted"]:
        lines.append(both("board.counts.released", name=release))
    return "\n".join(lines)
