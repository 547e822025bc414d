"""A file checked before it is sent: what the door would say, and a copy with the cells marked.

Belongs here: asking the code of the door and the rules of the warehouse, the order in which
problems are told, and the marks. Not here: what is wrong with a file (sources.reading,
expectations, dbt_project), how that is told (the commands).
"""

import io
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from orchestration.ingestion.door import checked
from orchestration.ingestion.emptied_reports import RULE as LOST
from orchestration.ingestion.emptied_reports import EarlierReports, known_reports
from orchestration.linkage.link import link_persons
from orchestration.runtime.clock import today
from orchestration.runtime.database import has_warehouse
from orchestration.warehouse.known import findings_in
from orchestration.warehouse.load import load_raw
from sources.custody.arrivals import MAX_FILE_BYTES, order_of, read_unsent
from sources.custody.home import Home
from sources.custody.isolation import IsolatedReader
from sources.custody.repeats import Contents
from sources.layouts import load_layouts
from sources.problems import Problem, problem, severity_of, worst_first
from sources.reading import Reading, refused_unread
from sources.reading.containers import container_kind, files_in
from sources.reading.features import UnreadableFile
from sources.reading.tables import Sheet, Tables, read_tables
from sources.registers import Registers
from sources.texts import Language, text
from sources.values import Cell, cell_text, heading_key

#: Fill of a marked cell, by severity.
FILLS = {"blocks": "F4B6B6", "warns": "FFE3A3", "informs": "D6E6F5"}

#: Sources of records, of which nothing is known before the refresh.
_OF_RECORDS = ("hotline_contacts", "referral_events")

#: What keeps a file from being counted though it is taken in.
_NOT_COUNTED = "made_up_set_aside"


@dataclass(frozen=True)
class ReadValue:
    """A value of a report: how it is written in its file, and how it is read.

    `read_as` is None where there is no number; what there is in its place is `value_state`.
    """

    cell: str | None
    as_written: str = field(repr=False)
    read_as: float | None = field(repr=False)
    value_state: str
    indicator_code: str
    category: str


@dataclass(frozen=True)
class Answer:
    """What the door would say of a file: `problems` with their severity, worst first."""

    reading: Reading
    problems: list[tuple[str, Problem]]
    content: bytes = field(repr=False)

    @property
    def verdict(self) -> Literal["refused", "flagged", "clean"]:
        """Whether the file would be refused, taken in with findings, or taken in as it is."""
        rules = {problem.rule for _, problem in self.problems}
        if self.reading.delivery["status"] == "refused" or _NOT_COUNTED in rules:
            return "refused"
        return "flagged" if any(severity != "informs" for severity, _ in self.problems) else "clean"

    @property
    def is_to_be_confirmed(self) -> bool:
        """Whether the file would be taken in but for a confirmation that it replaces a report."""
        return [found.rule for grade, found in self.problems if grade == "blocks"] == [LOST]

    @property
    def is_held_against_earlier(self) -> bool:
        """Whether it was held against earlier files: records are, only after the refresh."""
        return self.reading.table not in _OF_RECORDS

    @property
    def values(self) -> list[ReadValue]:
        """How each value of a report is read, in the order of the file.

        There are none of a refused report, and of a message or archive that holds some.
        """
        if self.reading.table != "submission_values" or not self.reading.columns:
            return []
        if container_kind(self.content):
            return []
        sheet = _sheet(self.reading, read_tables(self.content))
        beside = _column_of_states(self.reading, sheet)
        return [
            ReadValue(
                row["cell"],
                _written(sheet, row["row_number"], [_column(row["cell"]), beside]),
                0.0 if row["value_state"] == "zero" else row["value"],
                row["value_state"],
                row["indicator_code"],
                row["category"],
            )
            for row in self.reading.rows
            if row["indicator_code"]
        ]


@dataclass(frozen=True)
class _CheckedForm:
    """A content in the order in which it would be taken in; `turn` is negative as at the door."""

    content: bytes = field(repr=False)
    turn: int = 1


class Checker(ExitStack):
    """Checks files, all by one isolated reader; a context that ends it.

    Files are held against what is known in `home`, by the rules of the warehouse; where it was
    never refreshed, by the same rules against each other alone. Without `county_code` each file is
    checked against the county that it states, as if it had been put into the right folder. With an
    `institution_code` what is known is used for reports of that institution alone. Nothing is kept:
    pseudonyms are made with keys that are thrown away.
    """

    def __init__(
        self,
        registers: Registers,
        registers_dir: Path,
        home: Home | None = None,
        county_code: str | None = None,
        institution_code: str | None = None,
    ) -> None:
        super().__init__()
        self._institution_code = institution_code
        self._registers = registers
        self._registers_dir = registers_dir
        self._home = home
        self._counties = [county_code] if county_code else sorted(registers.counties)
        self._county_code = county_code
        self._scratch: Path | None = None
        self._reader: IsolatedReader | None = None

    def check(self, path: Path) -> Answer:
        """Return what the door would say of a file if it arrived now, and what would be asked.

        What is no file, or too large, is refused unread. Raises OSError if it can't be opened.
        """
        content = read_unsent(path)
        return self._unread(content) if isinstance(content, str) else self.check_content(content)

    def check_content(self, content: bytes) -> Answer:
        """Return the same of the bytes of a file.

        What is too large is refused unread, as a file is.
        """
        return self._checked([_CheckedForm(content)])[0]

    def check_all(self, paths: Sequence[Path]) -> list[list[Answer]]:
        """Return the same of files that arrive together, of each form in a message or archive.

        Of several versions of a report the last one counts, as at the door. Raises OSError, whose
        `filename` is the file, if one can't be opened.
        """
        contents = {path: read_unsent(path) for path in paths}
        times = {path: path.stat().st_mtime_ns for path in paths}
        shared = Counter((path.parent, times[path]) for path in paths)
        order = sorted(paths, key=lambda path: order_of(times[path], str(path)))
        forms: list[_CheckedForm] = []
        of_path: dict[Path, list[int]] = {}
        for turn, path in enumerate(order, start=1):
            content = contents[path]
            if isinstance(content, str):
                continue
            is_tied = shared[path.parent, times[path]] > 1
            parts = self._forms_in(content)
            of_path[path] = list(range(len(forms), len(forms) + len(parts)))
            forms += [_CheckedForm(each, -turn if is_tied else turn) for each in parts]
        answers = self._checked(forms)
        return [
            [answers[position] for position in of_path[path]]
            if path in of_path
            else [self._unread(str(contents[path]))]
            for path in paths
        ]

    def _forms_in(self, content: bytes) -> list[bytes]:
        """Return the forms in a message or archive; a file itself, also one without a form."""
        if container_kind(content) is None:
            return [content]
        try:
            parts = list(dict.fromkeys(files_in(content)))
        except UnreadableFile:
            return [content]
        found = [each for each in parts if self._read(each, _now()).delivery["layout_id"]]
        return found or [content]

    def _checked(self, forms: Sequence[_CheckedForm]) -> list[Answer]:
        """Return the answer to each of contents that arrive together, in their order."""
        now = _now()
        stored = known_reports(self._home) if self._home else EarlierReports()
        contents = Contents()
        by_content: dict[bytes, Reading] = {}
        turns: dict[bytes, int] = {}
        for form in forms:
            turns.setdefault(form.content, form.turn)
        # All at once: the suites take as long for one file as for many.
        readings = checked([self._read(content, now) for content in turns], self._registers)
        for (content, signed), reading in zip(turns.items(), readings, strict=True):
            turn = abs(signed)
            received = now + timedelta(microseconds=turn)
            reading = replace(reading, delivery={**reading.delivery, "received_at": received})
            if self._is_shown(reading):
                reading = stored.held(reading, self._registers)
            reading, is_inferred = contents.in_turn(reading, turn, is_tied=signed < 0)
            if is_inferred:
                told = worst_first(
                    [*reading.problems, problem("order_inferred")], self._registers.rules
                )
                reading = replace(reading, problems=told)
            contents.add(reading.delivery)
            stored.add(reading)
            by_content[content] = reading
        found = self._found(list(by_content.values()))
        return [
            _answer(
                by_content[form.content],
                [
                    *by_content[form.content].problems,
                    *found.get(by_content[form.content].delivery["delivery_id"], ()),
                ],
                self._registers,
                form.content,
            )
            for form in forms
        ]

    def _found(self, readings: list[Reading]) -> dict[str, list[Problem]]:
        """Return by `delivery_id` what the rules of the warehouse find in files."""
        known: list[Reading] = []
        unknown: list[Reading] = []
        for reading in readings:
            if reading.delivery["county_code"]:
                is_known = self._home and self._home.known.exists() and self._is_shown(reading)
                (known if is_known else unknown).append(reading)
        found: dict[str, list[Problem]] = {}
        if known and self._home:
            found |= self._found_beside(self._home.known, known)
        if unknown:
            found |= self._found_beside(self._nothing_known(), unknown)
        return found

    def _found_beside(self, known: Path, readings: list[Reading]) -> dict[str, list[Problem]]:
        shows_others = self._institution_code is None
        return findings_in(known, self._registers_dir, readings, today(), shows_others=shows_others)

    def _is_shown(self, reading: Reading) -> bool:
        return self._institution_code in (None, reading.delivery["institution_code"])

    def _read(self, content: bytes, now: datetime) -> Reading:
        """Return a file as it is read, in the county that it contradicts least."""
        if len(content) > MAX_FILE_BYTES:
            return self._refused_unread("file_too_large", now)
        readings: list[Reading] = []
        for county in self._counties:
            reading = self._own_reader().read(content, county, now)
            readings.append(reading)
            rules = {found.rule for found in reading.problems}
            if reading.table is None or "wrong_county" not in rules:
                break
        return min(reversed(readings), key=_contradictions)

    def _unread(self, rule: str) -> Answer:
        refused = self._refused_unread(rule, _now())
        return _answer(refused, refused.problems, self._registers, b"")

    def _refused_unread(self, rule: str, now: datetime) -> Reading:
        # Nothing of it is read or kept, so it has no hash.
        return refused_unread(rule, "", 0, self._county_code or "", self._registers, now)

    def _nothing_known(self) -> Path:
        """Return a file like `Home.known`, as if nothing had ever come."""
        empty = Home(root=self._own_scratch() / "empty", keys=self._own_scratch() / "empty-keys")
        if not has_warehouse(empty):
            empty.root.mkdir()
            load_raw(empty, today(), self._registers_dir)
            link_persons(empty)
        return empty.warehouse

    def _own_scratch(self) -> Path:
        if self._scratch is None:
            self._scratch = Path(self.enter_context(tempfile.TemporaryDirectory()))
        return self._scratch

    def _own_reader(self) -> IsolatedReader:
        if self._reader is None:
            keys = self._own_scratch() / "keys"
            keys.mkdir()
            self._reader = self.enter_context(
                IsolatedReader(self._registers, Home(root=keys, keys=keys))
            )
        return self._reader


def check_file(
    path: Path, registers: Registers, registers_dir: Path, county_code: str | None = None
) -> Answer:
    """Return what `Checker.check` does of one file, held against itself alone."""
    with Checker(registers, registers_dir, county_code=county_code) as checker:
        return checker.check(path)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def _answer(
    reading: Reading, problems: list[Problem], registers: Registers, content: bytes
) -> Answer:
    graded = [
        (severity_of(problem.rule, registers.rules), problem)
        for problem in worst_first(problems, registers.rules)
    ]
    return Answer(reading, graded, content)


def _sheet(reading: Reading, tables: Tables) -> Sheet:
    """Return the sheet that a report was read from."""
    found = next(iter(reading.columns["sheet"]), None)
    names = [sheet.name for sheet in tables.sheets]
    place = _place(Problem("", found, "A1", 1, "", ""), names)
    return tables.sheets[place[0] if place else 0]


def _column_of_states(reading: Reading, sheet: Sheet) -> int | None:
    """Return the position of the column beside the values that says why there is none."""
    layout = next(one for one in load_layouts() if one.id == reading.delivery["layout_id"])
    for row in sheet.rows[: min(reading.columns["row_number"], default=1)]:
        for position, cell in enumerate(row):
            column = layout.by_heading.get(heading_key(cell)) if isinstance(cell, str) else None
            if column and column.name == "value_state":
                return position
    return None


def _written(sheet: Sheet, row_number: int, positions: list[int | None]) -> str:
    """Return what is written in the cells of a row, of which one is blank as a rule."""
    cells: list[Cell] = sheet.rows[row_number - 1]
    found = [cell_text(cells[at]) for at in positions if at is not None and at < len(cells)]
    return " | ".join(filter(None, found))


def _column(cell: str | None) -> int | None:
    from xlsxwriter.utility import xl_cell_to_rowcol

    return None if cell is None else int(xl_cell_to_rowcol(cell)[1])


def write_marked_copy(answer: Answer, target: Path, language: Language) -> None:
    """Write `marked_copy` at `target`. Raises OSError too, when it can't be written."""
    target.write_bytes(marked_copy(answer, language))


def marked_copy(answer: Answer, language: Language) -> bytes:
    """Return a workbook that is the file with its problem cells filled and noted.

    The cells of a file that is no .xlsx, or one that only the door's reader can read, are written
    into a new workbook, as text. Raises UnreadableFile when the file holds no tables in which a
    cell could be marked.
    """
    tables = read_tables(answer.content)
    try:
        return _marked(_opened(tables, answer.content), tables, answer, language)
    # What a workbook by another program lacks makes openpyxl fail in ways that it doesn't name.
    except Exception:
        return _marked(_as_workbook(tables.sheets), tables, answer, language)


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
    for severity, told in answer.problems:
        place = _place(told, [sheet.name for sheet in tables.sheets])
        if place is not None:
            notes.setdefault(place, []).append((severity, told))
    for (position, cell), found in notes.items():
        sheet = book[book.sheetnames[position]]
        marked = sheet[cell]
        # A part of a merged area takes no note: it stands in the area's first cell.
        for area in sheet.merged_cells.ranges:
            if cell in area:
                marked = sheet[area.start_cell.coordinate]
        color = FILLS[found[0][0]]
        marked.fill = PatternFill("solid", start_color=color, end_color=color)
        message = "\n".join(told.message(language) for _, told in found)
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
