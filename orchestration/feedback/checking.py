"""A file checked before it is sent: what the door would say, and a copy with the cells marked.

Belongs here: asking the door's own code, the order in which problems are told, and the marks. Not
here: what is wrong with a file (sources.reading, expectations), how that is told (the commands).
"""

import io
import re
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from expectations.completeness import open_questions
from orchestration.feedback.contradictions import contradictions
from orchestration.ingestion.door import read_and_check
from sources.custody.arrivals import read_unsent
from sources.custody.home import Home
from sources.custody.isolation import IsolatedReader
from sources.problems import Problem, severity_of, worst_first
from sources.reading import Reading, refused_unread
from sources.reading.tables import Tables, read_tables
from sources.registers import Registers
from sources.texts import Language, text

#: Fill of a marked cell, by severity.
FILLS = {"blocks": "F4B6B6", "warns": "FFE3A3", "informs": "D6E6F5"}


@dataclass(frozen=True)
class Answer:
    """What the door would say of a file: `problems` with their severity, worst first."""

    reading: Reading
    problems: list[tuple[str, Problem]]
    content: bytes = field(repr=False)

    @property
    def verdict(self) -> Literal["refused", "flagged", "clean"]:
        """Whether the file would be refused, taken in with findings, or taken in as it is."""
        if self.reading.delivery["status"] == "refused":
            return "refused"
        return "flagged" if any(severity != "informs" for severity, _ in self.problems) else "clean"


def check_file(
    path: Path, registers: Registers, seeds_dir: Path, county_code: str | None = None
) -> Answer:
    """Return what the door would say of the file at `path` if it arrived now, and then be asked.

    Without `county_code` the file is checked against the county that it states, as if it had been
    put into the right folder. Nothing is kept: pseudonyms are made with keys that are thrown away.
    What is no file, or too large, is refused unread. Raises OSError if the file can't be opened.
    """
    content = read_unsent(path)
    if isinstance(content, str):
        now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
        # Nothing of it is read or kept, so it has no hash.
        refused = refused_unread(content, "", 0, county_code or "", registers, now)
        return _answer(refused, refused.problems, registers, b"")
    with (
        tempfile.TemporaryDirectory() as keys,
        IsolatedReader(registers, Home(root=Path(keys), keys=Path(keys))) as reader,
    ):
        readings = []
        for county in [county_code] if county_code else sorted(registers.counties):
            readings.append(read_and_check(content, county, reader, registers))
            rules = {found.rule for found in readings[-1].problems}
            if readings[-1].table is None or "wrong_county" not in rules:
                break
        # The right county is the one that the file contradicts least.
        reading = min(reversed(readings), key=_contradictions)
    problems = [
        *reading.problems,
        *open_questions(reading, registers, seeds_dir),
        *contradictions(reading, registers),
    ]
    return _answer(reading, problems, registers, content)


def _answer(
    reading: Reading, problems: list[Problem], registers: Registers, content: bytes
) -> Answer:
    graded = [
        (severity_of(problem.rule, registers.rules), problem)
        for problem in worst_first(problems, registers.rules)
    ]
    return Answer(reading, graded, content)


def write_marked_copy(answer: Answer, target: Path, language: Language) -> None:
    """Write a workbook at `target` that is the file with its problem cells filled and noted.

    The cells of a file that is no .xlsx, or one that only the door's reader can read, are written
    into a new workbook, as text. Raises UnreadableFile when the file holds no tables in which a
    cell could be marked, OSError when the copy can't be written.
    """
    tables = read_tables(answer.content)
    try:
        copy = _marked(_opened(tables, answer.content), tables, answer, language)
    # What a workbook by another program lacks makes openpyxl fail in ways that it doesn't name.
    except Exception:
        copy = _marked(_as_workbook(tables.sheets), tables, answer, language)
    target.write_bytes(copy)


def _opened(tables: Tables, content: bytes) -> Any:
    from openpyxl import load_workbook

    if tables.file_format != "xlsx":
        return _as_workbook(tables.sheets)
    book = load_workbook(io.BytesIO(content), keep_links=False)
    _show_formulas(book)
    return book


def _marked(book: Any, tables: Tables, answer: Answer, language: Language) -> bytes:
    """Return a workbook whose problem cells are filled and noted."""
    from openpyxl.comments import Comment
    from openpyxl.styles import PatternFill

    notes: dict[tuple[int, str], list[tuple[str, Problem]]] = {}
    for severity, problem in answer.problems:
        place = _place(problem, [sheet.name for sheet in tables.sheets])
        if place is not None:
            notes.setdefault(place, []).append((severity, problem))
    for (position, cell), found in notes.items():
        sheet = book[book.sheetnames[position]]
        marked = sheet[cell]
        # A part of a merged area takes no note: it stands in the area's first cell.
        for area in sheet.merged_cells.ranges:
            if cell in area:
                marked = sheet[area.start_cell.coordinate]
        color = FILLS[found[0][0]]
        marked.fill = PatternFill("solid", start_color=color, end_color=color)
        message = "\n".join(problem.message(language) for _, problem in found)
        marked.comment = Comment(message, "krat", width=320, height=40 + 40 * len(found))
    copy = io.BytesIO()
    book.save(copy)
    return copy.getvalue()


def _contradictions(reading: Reading) -> int:
    return len(reading.problems) if any(p.rule == "wrong_county" for p in reading.problems) else -1


def _place(problem: Problem, names: list[str | None]) -> tuple[int, str] | None:
    """Return the sheet's position and the cell to mark, or None where there is no place."""
    if problem.cell is None and problem.row_number is None:
        return None
    cell = problem.cell or f"A{problem.row_number}"
    if problem.sheet is None:
        return 0, cell
    if found := re.fullmatch(r"#([0-9]+)", problem.sheet):
        return int(found[1]) - 1, cell
    return names.index(problem.sheet), cell


def _show_formulas(book: Any) -> None:
    """Turn formulas into their text: what came from outside is shown, and never computed."""
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    cell.value = str(getattr(cell.value, "text", cell.value))
                    cell.data_type = "s"


def _as_workbook(sheets: list[Any]) -> Any:
    from openpyxl import Workbook
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook()
    book.remove(book.worksheets[0])
    for position, sheet in enumerate(sheets, start=1):
        page = book.create_sheet(text("check.sheet", "sq", number=position))
        for row, cells in enumerate(sheet.rows):
            for column, value in enumerate(cells):
                if value not in (None, ""):
                    cell = page.cell(row + 1, column + 1)
                    # A workbook can't hold the control characters that text can.
                    cell.value = (
                        re.sub(f"{ILLEGAL_CHARACTERS_RE.pattern}|[\ufffe\uffff]", "", value)
                        if isinstance(value, str)
                        else value
                    )
                    # What looks like a formula was text in the file, and stays text.
                    if isinstance(value, str):
                        cell.data_type = "s"
    return book
