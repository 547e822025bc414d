"""A delivered file as typed rows, or as the reasons why it is refused.

Belongs here: recognising a file's layout and reading it cell by cell. Not here: what a cell's
text means (sources.values), whether rows are plausible (expectations), how rows are kept
(sources.landing).

Nothing of a file leaves this module but typed values, codes from lists, and pseudonyms.
"""

import calendar
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from sources.identities import pieces
from sources.layouts import (
    Column,
    KnownForms,
    Layout,
    Written,
    candidates,
    codes_by_column,
    form_key,
    known_forms,
    likeliest,
    lookup,
    unit_names,
)
from sources.marks import UnreadableFile
from sources.problems import MAX_PLACES, Problem, problem
from sources.pseudonyms import Pseudonyms
from sources.registers import NATION, Registers
from sources.tables import Sheet, address, file_format, is_blank, read_tables
from sources.values import (
    Cell,
    cell_text,
    code_key,
    is_encoded_twice,
    load_words,
    missing_kind,
    plain,
    read_count,
    read_date,
    read_month,
    read_timestamp,
    read_year,
)
from sources.vault import Sealed

__all__ = ["Problem", "Reading", "read_content", "refused_unread"]

_LONGEST_HEADING = 200

#: Kinds of columns whose merged cells say the same for each of their rows.
_FILLED_DOWN = {"code", "text_code", "month"}

#: Kinds of columns in which each row says its own, so that merged cells leave some of it unsaid.
_OF_EACH_ROW = {"count", "date", "timestamp", "key", "identity"}

#: The widest row that is kept in memory to know it again.
_WIDEST_KEPT = 100

#: No record is older: Albania's referral mechanism was agreed on in 2005. Earlier is a slip.
_EARLIEST = date(2005, 1, 1)

#: Rows in which labels and headings are looked for.
_TOP_ROWS = 40

#: Rules that tell of a cell's marks, whether or not its row is read.
_OF_MARKS = {"formula_in_cell", "not_a_number", "unknown_code", "hidden_cells_read"}

#: Rule for a cell that is blank or no code of its list, where it isn't unknown_code.
_RULE_OF_COLUMN = {
    "institution_code": "unknown_institution",
    "county_code": "wrong_county",
    "municipality_code": "unknown_municipality",
    "indicator_code": "unknown_indicator",
    "layout_id": "unknown_layout",
    "reporting_month": "unknown_month",
}


@dataclass(frozen=True)
class Reading:
    """One file as read.

    `delivery` is a row of the raw table deliveries, `columns` are columns of the raw table `table`
    (sources.landing.SCHEMAS), as long as each other. A refused file has none. `sealed` is where its
    original waits, sealed, to be stored.
    """

    delivery: dict[str, Any]
    table: str | None
    columns: dict[str, list[Any]] = field(repr=False)
    problems: list[Problem]
    sealed: Sealed | None = None

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The columns as rows."""
        lines = zip(*self.columns.values(), strict=True)
        return [dict(zip(self.columns, line, strict=True)) for line in lines]


def read_content(
    content: bytes,
    county_code: str,
    registers: Registers,
    keys: Pseudonyms,
    received_at: datetime,
    digest: str | None = None,
) -> Reading:
    """Read a file that arrived in the folder of `county_code` at `received_at`.

    `received_at` is UTC without a zone, `digest` the content's SHA-256 where it is known already. A
    file that breaks a rule of severity blocks is refused; a rule that the register of rules doesn't
    know blocks. At most 100 places are located a rule and column. Never raises for what a file
    holds.
    """
    digest = digest or hashlib.sha256(content).hexdigest()
    reader = _Reader(digest[:16], county_code, registers, keys, received_at)
    try:
        tables = read_tables(content)
    except UnreadableFile as refusal:
        acts = refusal.sentence == "active_content"
        reader.report("active_content" if acts else "unreadable_file", sentence=refusal.sentence)
    else:
        if tables.encoding:
            reader.notes.add(f"text in {tables.encoding}")
        reader.read(tables.sheets)
    return _as_reading(reader, digest, len(content), file_format(content), registers)


def refused_unread(
    rule: str,
    digest: str,
    byte_count: int,
    county_code: str,
    registers: Registers,
    received_at: datetime,
) -> Reading:
    """Return the refusal of a file that was not read at all, under a rule of the door."""
    # Nothing of the file is read, so no key is asked for.
    reader = _Reader(digest[:16], county_code, registers, Pseudonyms(Path()), received_at)
    reader.report(rule)
    return _as_reading(reader, digest, byte_count, None, registers)


def _as_reading(
    reader: "_Reader",
    digest: str,
    byte_count: int,
    stated_format: str | None,
    registers: Registers,
) -> Reading:
    refused = any(
        registers.rules.get(found.rule, "blocks") == "blocks" for found in reader.problems
    )
    columns = {} if refused else reader.columns
    return Reading(
        delivery={
            "delivery_id": digest[:16],
            "content_hash": digest,
            "name_key": None,
            "source": reader.layout.source if reader.layout else None,
            "layout_id": reader.layout.id if reader.layout else None,
            "code_lists": " ".join(reader.layout.code_list_ids) if reader.layout else None,
            "county_code": registers.county_of(reader.county_code),
            "institution_code": reader.institution_code,
            "reporting_month": reader.reporting_month,
            "received_at": reader.received_at,
            "status": "refused" if refused else "accepted",
            "file_format": stated_format,
            "byte_count": byte_count,
            "row_count": len(columns["delivery_id"]) if columns else 0,
            "reading_note": "; ".join(sorted(reader.notes)) or None,
            "is_made_up": reader.is_made_up,
        },
        table=reader.layout.table if reader.layout else None,
        columns=columns,
        problems=reader.problems,
    )


class _Place(NamedTuple):
    """A cell with where it stands; rows and columns count from 0."""

    value: Cell
    row: int | None = None
    column: int | None = None


class _Said(NamedTuple):
    """A cell that says a head, and its heading or column; None where it stands behind such one."""

    place: _Place
    origin: str | int | None


class _Reader:
    """Reads the sheets of one file; holds what was found so far."""

    def __init__(
        self,
        delivery_id: str,
        county_code: str,
        registers: Registers,
        keys: Pseudonyms,
        received_at: datetime,
    ) -> None:
        self.delivery_id = delivery_id
        self.county_code = county_code
        self.registers = registers
        self.keys = keys
        self.received_at = received_at
        self.layout: Layout | None = None
        self.institution_code: str | None = None
        self.reporting_month: date | None = None
        self.is_made_up = False
        self.columns: dict[str, list[Any]] = {}
        self.problems: list[Problem] = []
        #: How things were read that were not as the form wants them.
        self.notes: set[str] = set()
        self._sheet: str | None = None
        self._reported: Counter[tuple[str, str | None]] = Counter()
        self._codes: dict[str, Written] = {}
        self._periods_warned: set[date] = set()

    # -- findings ----------------------------------------------------------------------------

    def report(
        self,
        rule: str,
        place: _Place | None = None,
        column: Column | None = None,
        sentence: str | None = None,
        offered: Sequence[str] = (),
    ) -> None:
        """Note a problem; `offered` is what the cell may mean, where the column can't say it."""
        kind = (rule, column.name if column else None)
        self._reported[kind] += 1
        if self._reported[kind] > MAX_PLACES:
            return
        row = place.row if place else None
        position = place.column if place else None
        self.problems.append(
            problem(
                rule,
                sheet=self._sheet,
                cell=None if row is None or position is None else address(row, position),
                row_number=None if row is None else row + 1,
                headings=column.headings if column else (),
                sentence=sentence,
                candidates=offered or self._candidates(rule, place, column),
            )
        )

    def _candidates(self, rule: str, place: _Place | None, column: Column | None) -> Sequence[str]:
        if column is None or place is None or not cell_text(place.value):
            return ()
        code = self._codes[column.name][place.value] if column.name in self._codes else None
        # What is known but doesn't belong here is meant: SHSSH alone is the national service.
        if rule == "wrong_county" and code and self.registers.institutions.get(code) != NATION:
            return ()
        return candidates(column, place.value, self.registers, self.county_code)

    # -- the file ----------------------------------------------------------------------------

    def read(self, sheets: list[Sheet]) -> None:
        labels = [_labels(sheet) for sheet in sheets]
        found = self._recognise(sheets, labels)
        if found is None:
            self.is_made_up = any(map(_is_marked_made_up, sheets, labels))
            return
        self.layout, position = found
        self._read_sheet(self.layout, sheets[position], labels[position])

    def _read_sheet(self, layout: Layout, sheet: Sheet, labels: "_Labels") -> None:
        if layout.valid_to and self.received_at.date() > layout.valid_to:
            self.report("outdated_form")
        self._codes = codes_by_column(layout, self.registers)
        if self.county_code not in self.registers.counties:
            self.report("wrong_county")
        heading_row, columns = self._headings(layout, sheet, labels)
        if heading_row is None:
            return
        if sheet.marks.merged:
            self._read_merged(sheet, heading_row, columns)
        table = [
            (number, row)
            for number, row in enumerate(sheet.rows)
            if number > heading_row and not self._is_empty(row, columns)
        ]
        heads = self._heads(layout, sheet, labels, heading_row, columns, table)
        self._read_heads(layout, heads)
        if not table:
            self.report("invalid_frame", sentence="no_rows")
        self._check_shape(sheet, heading_row, columns, table)
        self._check_marks(sheet, heading_row, columns, table)
        if is_encoded_twice("".join([c for row in sheet.rows for c in row if type(c) is str])):
            self.notes.add("text encoded twice")
        if layout.table == "submission_values":
            self._read_values(columns, table, is_text=sheet.name is None)
        else:
            self._read_records(columns, table)

    def _recognise(self, sheets: list[Sheet], labels: list["_Labels"]) -> tuple[Layout, int] | None:
        """Find the form, and the position of its sheet, by its id or else by its headings."""
        forms = known_forms(self.received_at.date())
        stated: list[tuple[Layout, int]] = []
        unknown: tuple[int, _Place] | None = None
        for position, sheet in enumerate(sheets):
            place = _find(labels[position], forms.headings)
            if place is None:
                continue
            row, column = place
            beside = _beside(sheet.rows[row], column).value
            below = (_cell(cells, column) for cells in sheet.rows[row + 1 :])
            first_below = next((cell for cell in below if cell_text(cell)), None)
            layout_found = forms.by_id.get(plain(beside)) or forms.by_id.get(plain(first_below))
            if layout_found:
                stated.append((layout_found, position))
            elif first_below is not None or (cell_text(beside) and not _is_heading(beside, forms)):
                label = _Place(sheet.rows[row][column], row, column)
                unknown = unknown or (position, label)
        if len(stated) == 1 and not self._is_beside_another(stated[0], labels, unknown):
            layout, position = stated[0]
            self._sheet = _sheet_label(layout, sheets[position], position)
            return layout, position
        if stated:
            self.layout = stated[0][0]
            self.report("invalid_frame", sentence="two_reports")
            return None
        if unknown is not None:
            position, label = unknown
            self._sheet = None if sheets[position].name is None else f"#{position + 1}"
            self.report("unknown_layout", label)
            return None
        complete = []
        for position, found in enumerate(labels):
            for layout in forms.by_id.values():
                present = {c.name for c in layout.columns if _find(found, _plain_headings(c))}
                if present >= {column.name for column in layout.columns if column.required}:
                    complete.append((len(present), layout, position))
        if complete:
            # Of forms that share headings it is the one that explains most of them.
            _, layout, position = max(complete, key=lambda each: each[0])
            self._sheet = _sheet_label(layout, sheets[position], position)
            return layout, position
        self.report("unknown_layout")
        return None

    @staticmethod
    def _is_beside_another(
        stated: tuple[Layout, int],
        labels: list["_Labels"],
        unknown: tuple[int, _Place] | None,
    ) -> bool:
        """Tell whether another sheet holds a report too: one that lost its id, or has a false one.

        Left out it would be lost, and nobody would know.
        """
        layout, position = stated
        required = [
            _plain_headings(each)
            for each in layout.columns
            if each.required and each.place == "row"
        ]
        # One that lacks a heading, or has it written otherwise, is a report too.
        most = max(3, len(required) // 2 + 1)
        return unknown is not None or any(
            sum(_find(found, headings) is not None for headings in required) >= most
            for other, found in enumerate(labels)
            if other != position
        )

    def _headings(
        self, layout: Layout, sheet: Sheet, labels: "_Labels"
    ) -> tuple[int | None, dict[int, Column]]:
        """Find the row of headings; return it and the column of the layout at each position.

        Headings in merged cells stand in two rows: the last of them is returned.
        """
        best, most = None, 1
        for number, row in enumerate(labels):
            known = sum(heading in layout.by_heading for _, heading in row)
            if known > most:
                best, most = number, known
        if best is None:
            self.report("missing_required_column")
            return None, {}
        columns: dict[int, Column] = {}
        present: set[str] = set()
        unknown: list[int] = []
        for position, cell in enumerate(sheet.rows[best]):
            column = layout.by_heading.get(_heading(cell))
            if column is None:
                unknown.append(position)
            elif column.name in present:
                place = _Place(None, best, position)
                self.report("invalid_frame", place, column, sentence="repeated_heading")
            else:
                columns[position] = column
                present.add(column.name)
        last = best
        for number in (best - 1, best + 1) if unknown else ():
            cells = sheet.rows[number] if 0 <= number < len(sheet.rows) else []
            for position in unknown:
                column = layout.by_heading.get(_heading(_cell(cells, position)))
                if column and column.place == "row" and column.name not in present:
                    columns[position] = column
                    present.add(column.name)
                    last = max(last, number)
        for position in unknown:
            if position not in columns and any(
                cell_text(_cell(cells, position)) for cells in sheet.rows[best:]
            ):
                self.report("unknown_column_dropped", _Place(None, best, position))
        for column in layout.columns:
            if column.place == "row" and column.required and column.name not in present:
                self.report("missing_required_column", _Place(None, best), column)
        return last, columns

    def _read_merged(self, sheet: Sheet, heading_row: int, columns: dict[int, Column]) -> None:
        """Write the value of merged cells into each of their rows, in columns of codes.

        What each row should say itself is refused, and what stands hidden behind merged cells. A
        title across the table is none of it.
        """
        for first_row, first_column, last_row, last_column in sheet.marks.merged:
            rows = sheet.rows[first_row : last_row + 1]
            within = range(first_column, last_column + 1)
            covered = {each: columns[each] for each in within if each in columns}
            if first_row <= heading_row or not rows or not any(c.is_read for c in covered.values()):
                continue
            place = _Place(None, first_row, first_column)
            value = _cell(rows[0], first_column)
            texts = {plain(_cell(row, each)) for row in rows for each in covered}
            hidden = texts - {"", plain(value)}
            unsaid = self._unsaid(covered, first_column if len(rows) == 1 else None)
            is_title = not any(
                cell_text(_cell(row, position))
                for row in rows
                for position, column in columns.items()
                if position not in within and column.is_read
            )
            column = columns.get(first_column)
            if hidden or (unsaid and cell_text(value) and not is_title):
                first = next(iter(unsaid or covered.values()))
                self.report("invalid_frame", place, first, sentence="merged_value")
            elif column and column.kind in _FILLED_DOWN and cell_text(value) and len(rows) > 1:
                self.report("merged_cells_read", place, column)
                for row in rows[1:]:
                    if first_column < len(row):
                        row[first_column] = value

    def _unsaid(self, covered: dict[int, Column], said: int | None) -> list[Column]:
        """Return the columns of merged cells that say nothing of their own, but for the one `said`.

        Beside a value the state may be covered; a record says each of its codes.
        """
        is_record = self.layout is not None and self.layout.table != "submission_values"
        kinds = _OF_EACH_ROW | {"code", "text_code"} if is_record else _OF_EACH_ROW
        return [
            column
            for position, column in covered.items()
            if position != said
            and column.kind in kinds
            and not (said is None and column.kind in _FILLED_DOWN)
        ]

    def _check_marks(
        self,
        sheet: Sheet,
        heading_row: int,
        columns: dict[int, Column],
        table: list[tuple[int, list[Cell]]],
    ) -> None:
        """Refuse formulas and errors where a value is read; tell what was read though hidden."""
        marks = sheet.marks
        read = {position for position, column in columns.items() if column.is_read}
        numbers = {number for number, _ in table}
        for row, column in sorted(marks.formulas):
            if row < heading_row or (row in numbers and column in read):
                self.report("formula_in_cell", _Place(None, row, column))
        for row, position in sorted(marks.errors):
            if row < heading_row or (row in numbers and position in read):
                asked = columns.get(position) if row > heading_row else None
                rule = "not_a_number" if asked and asked.kind == "count" else "unknown_code"
                self.report(rule, _Place(None, row, position), asked, sentence="error_value")
        for row, position in sorted(marks.disguised):
            asked = columns.get(position)
            if row in numbers and asked and asked.kind in ("count", "key"):
                rule = "not_a_number" if asked.kind == "count" else "unknown_code"
                if isinstance(_cell(sheet.rows[row], position), (int, float)):
                    place = _Place(None, row, position)
                    self.report(rule, place, asked, sentence="disguised_value")
        if marks.is_hidden:
            self.report("hidden_cells_read")
        for row in sorted(marks.hidden_rows & numbers):
            self.report("hidden_cells_read", _Place(None, row))
        for position in sorted(marks.hidden_columns & read):
            self.report("hidden_cells_read", _Place(None, heading_row, position))

    def _is_empty(self, row: list[Cell], columns: dict[int, Column]) -> bool:
        """Tell whether a row holds nothing to read.

        Forms have titles between rows, which stand in columns that are not read. A record with
        nothing but a name is no title: it is read, and found to lack its codes.
        """
        if self.layout is None or self.layout.table != "submission_values":
            return is_blank(row)
        return not any(
            cell_text(_cell(row, position))
            for position, column in columns.items()
            if column.place == "row" and column.is_read
        )

    def _check_shape(
        self,
        sheet: Sheet,
        heading_row: int,
        columns: dict[int, Column],
        table: list[tuple[int, list[Cell]]],
    ) -> None:
        """Find rows of separated text that are longer or shorter than the headings.

        A separator inside unquoted text shifts what stands behind it into other columns. Excel
        leaves out separators at the end of a row: nothing is shifted in one that has its value, and
        nothing cut off if its line ends.
        """
        if sheet.name is not None:
            return
        width = len(sheet.rows[heading_row])
        values = [position for position, column in columns.items() if column.name == "value"]
        needed = values[0] + 1 if values else width
        for number, row in table:
            is_cut = sheet.is_unended and number == len(sheet.rows) - 1
            has_value = len(row) >= needed and cell_text(row[needed - 1]) and not is_cut
            if (len(row) < width and not has_value) or not is_blank(row[width:]):
                self.report("invalid_frame", _Place(None, number), sentence="uneven_row")

    # -- what is said once a file ------------------------------------------------------------

    def _heads(
        self,
        layout: Layout,
        sheet: Sheet,
        labels: "_Labels",
        heading_row: int,
        columns: dict[int, Column],
        table: list[tuple[int, list[Cell]]],
    ) -> dict[str, _Place]:
        """Return each head column's cell: beside its label, or in the first row of its column."""
        heads: dict[str, _Place] = {}
        positions = {column.name: position for position, column in columns.items()}
        labelled: dict[str, list[_Said]] = {}
        for number, headings in enumerate(labels[:heading_row]):
            for label, heading in headings:
                if heading in layout.by_heading:
                    beside = _beside(sheet.rows[number], label)
                    said = labelled.setdefault(layout.by_heading[heading].name, [])
                    said.append(_Said(_Place(beside.value, number, beside.column), heading))
                    behind = _beside(sheet.rows[number], beside.column or label)
                    if behind.value is not None:
                        said.append(_Said(_Place(behind.value, number, behind.column), None))
        for column in layout.columns:
            if column.place != "head":
                continue
            position = positions.get(column.name)
            said = labelled.get(column.name, [])
            if position is not None:
                said += [
                    _Said(_Place(_cell(row, position), number, position), position)
                    for number, row in table
                ]
            if said:
                heads[column.name] = self._agreed(column, said)
            elif position is None:
                self.report("missing_required_column", _Place(None, heading_row), column)
        return heads

    def _agreed(self, column: Column, said: list["_Said"]) -> _Place:
        """Return the first cell that says a head; find those that say another.

        What nobody could read is one of them only where the other stands under the same heading:
        what stands behind a value, or under another heading, may be a remark.
        """
        said = [each for each in said if cell_text(each.place.value)] or said[:1]
        if len(said) == 1:
            return said[0].place
        read = [self._head_says(column, each.place.value) for each in said]
        first = next((number for number, code in enumerate(read) if code is not None), 0)
        rule = _RULE_OF_COLUMN.get(column.name, "unknown_code")
        for other, code in zip(said, read, strict=True):
            differs = (
                plain(other.place.value) != plain(said[first].place.value)
                and other.origin == said[first].origin
                if code is None or read[first] is None
                else code != read[first]
            )
            if differs:
                place = _Place(None, other.place.row, other.place.column)
                self.report(rule, place, column, sentence="said_twice")
        return said[first].place

    def _head_says(self, column: Column, cell: Cell) -> object:
        """Return what a cell says in a head column, or None if nothing that is known."""
        if column.kind == "month":
            yearly = self.layout is not None and self.layout.frequency == "year"
            return (read_year if yearly else read_month)(cell)
        return self._codes[column.name][cell]

    def _read_heads(self, layout: Layout, heads: dict[str, _Place]) -> None:
        if place := heads.get("layout_id"):
            self._head_code(layout.column("layout_id"), place)
        if place := heads.get("is_made_up"):
            self.is_made_up = plain(place.value).startswith("shembull")
            if not self.is_made_up:
                mark = self._head_code(layout.column("is_made_up"), place)
                self.is_made_up = mark == "made_up"
        if layout.county_code and layout.county_code != self.county_code:
            self.report("wrong_county")
        if place := heads.get("county_code"):
            column = layout.column("county_code")
            stated_county = self._codes["county_code"][place.value]
            if stated_county != self.county_code:
                sentence = None if stated_county else "unknown_county"
                self.report("wrong_county", place, column, sentence)
        self.institution_code = layout.institution_code
        if place := heads.get("institution_code"):
            column = layout.column("institution_code")
            self.institution_code = self._head_code(column, place)
            county = self.registers.institutions.get(self.institution_code or "")
            if self.institution_code and county != self.county_code:
                self.report("wrong_county", place, column)
        elif layout.institution_code and (
            layout.institution_code not in self.registers.institutions
        ):
            self.report("unknown_institution")
        if place := heads.get("reporting_month"):
            self.reporting_month = self._period(layout.column("reporting_month"), place)
        if place := heads.get("form_key"):
            stated = (layout.id, self.county_code, self.institution_code, self.reporting_month)
            if None not in stated and plain(place.value) != form_key(*stated):
                self.report("form_key_differs", place, layout.column("form_key"))

    def _head_code(self, column: Column, place: _Place) -> str | None:
        code = self._codes[column.name][place.value]
        if code is None:
            self.report(_RULE_OF_COLUMN.get(column.name, "unknown_code"), place, column)
        return code

    def _period(self, column: Column, place: _Place) -> date | None:
        """Read a month, or December of a year, and compare it with the day of receipt."""
        yearly = self.layout is not None and self.layout.frequency == "year"
        month = (read_year if yearly else read_month)(place.value)
        if month is None or month not in self.registers.months:
            self.report("unknown_month", place, column)
            return None
        if not yearly and type(place.value) in (int, float):
            self.notes.add("dates from day numbers")
        last_day = month.replace(day=calendar.monthrange(month.year, month.month)[1])
        received_on = self.received_at.date()
        if month > received_on:
            self.report("month_not_begun", place, column)
        elif last_day >= received_on and month not in self._periods_warned:
            self._periods_warned.add(month)
            self.report("report_before_period_end", place, column)
        return month

    # -- rows --------------------------------------------------------------------------------

    def _read_values(
        self,
        columns: dict[int, Column],
        table: list[tuple[int, list[Cell]]],
        is_text: bool,
    ) -> None:
        """Read rows of submission_values: a monthly report or yearly published figures.

        Column by column, because forms are many and small; what is found is told row by row.
        """
        layout = self.layout
        if layout is None:
            return
        positions = {
            column.name: position for position, column in columns.items() if column.is_read
        }
        all_rows = table
        told_before = len(self.problems)
        indicators = self._code_column("indicator_code", positions, table)
        if indicators is not None and None in indicators:
            table = self._without_remarks(columns, positions, table)
            table = self._without_totals(columns, table, indicators[: len(table)])
            indicators = self._code_column("indicator_code", positions, table, reports=True)
            if not table:
                self.report("invalid_frame", sentence="no_rows")
            self._forget_marks_of(
                {number + 1 for number, _ in all_rows} - {n + 1 for n, _ in table}
            )
        rows = len(table)
        indicators = indicators or [None] * rows
        labels = self._code_column("figure_label", positions, table, reports=True)
        stated_units = self._code_column("unit", positions, table, reports=True)
        registered = self.registers.indicators
        units = [registered.get(code or "") for code in indicators]
        for number, (unit, stated) in enumerate(zip(units, stated_units or (), strict=False)):
            if unit and stated and unit != stated:
                place = self._place("unit", positions, table[number])
                self.report("unknown_code", place, layout.column("unit"))
        self._check_names(columns, table, indicators)
        categories = self._categories(positions, table, indicators)
        values, states, notes = self._values(positions, table, units, is_text)
        self._check_units(positions, table, units)
        self._check_sizes(positions, table, indicators, values)
        months: list[date | None] = [self.reporting_month] * rows
        if "reporting_month" in positions and layout.frequency == "year":
            column = layout.column("reporting_month")
            months = [
                self._period(column, self._place("reporting_month", positions, entry))
                for entry in table
            ]
        written = self._code_column("reading_note", positions, table, reports=True)
        publications = self._code_column("publication", positions, table, reports=True)
        seen: set[tuple[object, ...]] = set()
        for number, key in enumerate(
            zip(months, indicators, categories, labels or [None] * rows, strict=True)
        ):
            if key in seen and (key[1] or key[3]):
                place = self._place("value", positions, table[number])
                self.report("invalid_frame", place, sentence="repeated_row")
            seen.add(key)
        self.problems[told_before:] = sorted(
            self.problems[told_before:], key=lambda found: found.row_number or 0
        )
        at = positions.get("value")
        numbers = [number for number, _ in table]
        if not rows:
            return
        self.columns = {
            "delivery_id": [self.delivery_id] * rows,
            "sheet": [self._sheet] * rows,
            "cell": [None if at is None else address(number, at) for number in numbers],
            "row_number": [number + 1 for number in numbers],
            "county_code": [self.county_code] * rows,
            "institution_code": [self.institution_code] * rows,
            "reporting_month": months,
            "frequency": [layout.frequency] * rows,
            "indicator_code": indicators,
            "figure_label": labels or [None] * rows,
            "category": categories,
            "value": values,
            "value_state": states,
            "unit": [
                unit or stated
                for unit, stated in zip(units, stated_units or [None] * rows, strict=True)
            ],
            "reading_note": [
                note or stated for note, stated in zip(notes, written or [None] * rows, strict=True)
            ],
            "publication": publications or [None] * rows,
        }

    def _check_names(
        self,
        columns: dict[int, Column],
        table: list[tuple[int, list[Cell]]],
        indicators: list[str | None],
    ) -> None:
        """Find codes beside the printed name of another indicator: which is meant isn't known.

        A name that the register doesn't have says nothing.
        """
        codes_by_name = self.registers.codes_by_name
        for position, column in columns.items():
            if column.kind != "indicator_name":
                continue
            for (number, row), code in zip(table, indicators, strict=True):
                cell = _cell(row, position)
                named = codes_by_name.get(code_key(cell)) if type(cell) is str else None
                if code and named and code not in named:
                    place = _Place(None, number, position)
                    offered = sorted({code} | named)
                    self.report("unknown_indicator", place, column, "name_of_another", offered)

    def _check_units(
        self,
        positions: dict[str, int],
        table: list[tuple[int, list[Cell]]],
        units: list[str | None],
    ) -> None:
        """Find units beside values that are not the indicator's."""
        position = positions.get("unit")
        if position is None or self.layout is None or self.layout.column("unit").kind != "unit":
            return
        names, none = unit_names(), load_words().no_unit
        for (number, row), unit in zip(table, units, strict=True):
            text = plain(_cell(row, position))
            if unit and text and text not in none and names.get(code_key(text)) != unit:
                place = _Place(_cell(row, position), number, position)
                self.report("unit_differs", place, self.layout.column("unit"))

    def _check_sizes(
        self,
        positions: dict[str, int],
        table: list[tuple[int, list[Cell]]],
        indicators: list[str | None],
        values: list[float | None],
    ) -> None:
        """Find counts beyond any plausible size of their indicator."""
        largest = self.registers.largest
        for entry, code, value in zip(table, indicators, values, strict=True):
            if value is not None and value > largest.get(code or "", value) and self.layout:
                place = self._place("value", positions, entry)
                self.report("implausible_count", place, self.layout.column("value"))

    def _place(self, name: str, positions: dict[str, int], entry: tuple[int, list[Cell]]) -> _Place:
        number, row = entry
        position = positions.get(name)
        return _Place(None if position is None else _cell(row, position), number, position)

    def _code_column(
        self,
        name: str,
        positions: dict[str, int],
        table: list[tuple[int, list[Cell]]],
        reports: bool = False,
    ) -> list[str | None] | None:
        """Return a column's codes; None where the file lacks the column."""
        position = positions.get(name)
        if position is None or self.layout is None or self.layout.column(name).kind == "unit":
            return None
        known = self._codes[name]
        codes = [known[_cell(row, position)] for _, row in table]
        if reports and None in codes:
            column = self.layout.column(name)
            rule = _RULE_OF_COLUMN.get(name, "unknown_code")
            for code, (number, row) in zip(codes, table, strict=True):
                if code is None and (column.filled or cell_text(_cell(row, position))):
                    self.report(rule, _Place(_cell(row, position), number, position), column)
        return codes

    def _without_totals(
        self,
        columns: dict[int, Column],
        table: list[tuple[int, list[Cell]]],
        indicators: list[str | None],
    ) -> list[tuple[int, list[Cell]]]:
        """Leave out the rows that sum the rows above them."""
        kept = []
        needs_code = self.layout is not None and self.layout.column("indicator_code").filled
        for entry, code in zip(table, indicators, strict=True):
            number, row = entry
            is_last = needs_code and entry is table[-1]
            said = _totals_cell(columns, row, is_last=is_last) if code is None else None
            if said is None:
                kept.append(entry)
            else:
                self.report("totals_row_left_out", _Place(None, number, said))
        return kept

    def _forget_marks_of(self, left_out: set[int]) -> None:
        """Take back what was found of formulas and errors in rows that are not read after all."""
        self.problems = [
            found
            for found in self.problems
            if found.row_number not in left_out or found.rule not in _OF_MARKS
        ]

    def _without_remarks(
        self,
        columns: dict[int, Column],
        positions: dict[str, int],
        table: list[tuple[int, list[Cell]]],
    ) -> list[tuple[int, list[Cell]]]:
        """Leave out what stands below the table, a signature say, and reports no value.

        A row whose code could be an indicator's, misspelt, is no remark.
        """
        if self.layout is None or "indicator_code" not in positions:
            return table
        column = self.layout.column("indicator_code")
        beside = {positions[name] for name in ("indicator_code", "unit") if name in positions}
        read = {each for each, asked in columns.items() if asked.is_read and asked.place == "row"}
        kept = list(table)
        while kept:
            number, row = kept[-1]
            said = [each for each in sorted(read) if cell_text(_cell(row, each))]
            place = _Place(_cell(row, said[0]), number, said[0])
            if len(said) > 1 or said[0] not in beside or self._codes[column.name][place.value]:
                break
            has_digits = re.search(r"[0-9]", cell_text(place.value))
            if has_digits and self._candidates("unknown_indicator", place, column):
                break
            self.report("remark_left_out", _Place(None, number, said[0]))
            kept.pop()
        return kept

    def _categories(
        self,
        positions: dict[str, int],
        table: list[tuple[int, list[Cell]]],
        indicators: list[str | None],
    ) -> list[str | None]:
        position = positions.get("category")
        if position is None or self.layout is None:
            return ["total"] * len(table)
        known = self._codes["category"]
        codes: list[str | None] = []
        for (number, row), indicator_code in zip(table, indicators, strict=True):
            cell = _cell(row, position)
            code: str | None = "total"
            names = self.registers.categories.get(indicator_code or "", {})
            if cell is not None and cell != "" and cell_text(cell):
                code = known[cell] or lookup(names, cell)
            # Of an unknown indicator no category can be known: one finding is enough.
            if code is None and indicator_code is not None:
                place = _Place(cell, number, position)
                column = self.layout.column("category")
                offered = self._offered_categories(indicator_code, cell)
                sentence = None if offered else "no_categories"
                self.report("unknown_category", place, column, sentence, offered)
            codes.append(code)
        return codes

    def _offered_categories(self, indicator_code: str, cell: Cell) -> list[str]:
        """Return the categories that a cell is most like, or all where it is like none."""
        names = self.registers.category_names.get(indicator_code, {})
        like = likeliest(plain(cell), {plain(name): name for name in names.values()})
        return like or list(names.values())

    def _values(
        self,
        positions: dict[str, int],
        table: list[tuple[int, list[Cell]]],
        units: list[str | None],
        is_text: bool,
    ) -> tuple[list[float | None], list[str], list[str | None]]:
        """Return (values, states, notes): what a value says and what the state beside it says."""
        layout = self.layout
        values: list[float | None] = []
        states: list[str] = []
        notes: list[str | None] = []
        if layout is None:
            return values, states, notes
        position = positions.get("value", -1)
        beside = positions.get("value_state", -1)
        known = self._codes.get("value_state", Written({}))
        for (number, row), unit in zip(table, units, strict=True):
            cell = _cell(row, position) if position >= 0 else None
            count = read_count(cell, unit)
            value, state, note = count.value, count.state, count.note
            if count.rule:
                self.report(count.rule, _Place(cell, number, position), layout.column("value"))
            elif note is None and type(cell) is str and value is not None and not is_text:
                note = "a number written as text"
            said = _cell(row, beside) if beside >= 0 else None
            if said is not None and said != "" and cell_text(said):
                stated = known[said]
                place = _Place(said, number, beside)
                column = layout.column("value_state")
                if stated is None:
                    self.report("unknown_code", place, column)
                elif count.rule is None and state not in {"not_reported", stated}:
                    self.report("unknown_code", place, column, sentence="state_contradicts_value")
                value, state = (0.0 if stated == "zero" else None), stated or "unknown"
            values.append(value)
            states.append(state)
            notes.append(note)
        return values, states, notes

    def _read_records(
        self, columns: dict[int, Column], table: list[tuple[int, list[Cell]]]
    ) -> None:
        """Read rows of hotline_contacts or referral_events: one row a contact or an event."""
        layout = self.layout
        if layout is None:
            return
        positions = {column.name: position for position, column in columns.items()}
        asked = [column for column in layout.columns if column.place == "row" and column.is_read]
        identities = [
            (self._read_identity(column), positions.get(column.name, -1))
            for column in asked
            if column.kind == "identity"
        ]
        fields = [
            _Field(
                column,
                positions.get(column.name, -1),
                self._cell_reader(column),
                layout.missing_codes(column),
            )
            for column in asked
            if column.kind != "identity"
        ]
        said_once: dict[str, Any] = {"county_code": self.county_code}
        if any(column.name == "institution_code" for column in layout.columns):
            said_once["institution_code"] = self.institution_code
        records: list[dict[str, Any]] = []
        seen: set[object] = set()
        for number, row in table:
            record = {"delivery_id": self.delivery_id, "row_number": number + 1, **said_once}
            blank = []
            for each in fields:
                value, state = self._said(each, number, row)
                record[each.column.name] = value
                if state is not None:
                    record[f"{each.column.name}_state"] = state
                if state == "blank":
                    blank.append(each.column)
            # Whether a blank cell applies is known once the row has been read.
            for column in blank:
                record[f"{column.name}_state"] = _kind_of_blank(column, record)
            for keyed, position in identities:
                place = (
                    _Place(_cell(row, position), number, position)
                    if position >= 0
                    else _Place(None)
                )
                record |= keyed(place)
            # A contact is told in one row; an event has no number, but the same one only once.
            one = record.get("contact_key") or tuple(
                value for name, value in record.items() if name != "row_number"
            )
            if one in seen:
                self.report("invalid_frame", _Place(None, number), sentence="repeated_record")
            seen.add(one)
            records.append(record)
        if records:
            self.columns = {name: [record[name] for record in records] for name in records[0]}

    def _said(self, asked: "_Field", number: int, row: list[Cell]) -> tuple[Any, str | None]:
        """Return a field of a row, and its state in a column that has one: see _with_state."""
        position = asked.position
        if position < 0:
            return None, "blank" if asked.column.is_stated else None
        cell = row[position] if position < len(row) else None
        if type(cell) is str and cell in asked.said:
            return asked.said[cell]
        told = len(self.problems)
        place = _Place(cell, number, position)
        said = (
            _with_state(asked.read, asked.missing_codes, place)
            if asked.column.is_stated
            else (asked.read(place), None)
        )
        # A log says the same few codes over and over.
        if type(cell) is str and asked.column.kind == "code" and told == len(self.problems):
            asked.said[cell] = said
        return said

    def _cell_reader(self, column: Column) -> Callable[[_Place], Any]:
        return {
            "code": self._read_code,
            "text_code": self._read_code,
            "count": self._read_count,
            "date": self._read_day,
            "timestamp": self._read_time,
            "key": self._read_key,
        }[column.kind](column)

    def _read_code(self, column: Column) -> Callable[[_Place], str | None]:
        codes = self._codes[column.name]
        rule = _RULE_OF_COLUMN.get(column.name, "unknown_code")

        def read(place: _Place) -> str | None:
            code = codes[place.value]
            if code is None and (column.filled or cell_text(place.value)):
                self.report(rule, place, column)
            return code

        return read

    def _read_count(self, column: Column) -> Callable[[_Place], int | None]:
        def read(place: _Place) -> int | None:
            count = read_count(place.value)
            if count.rule:
                self.report(count.rule, place, column)
            if count.note:
                self.notes.add(count.note)
            return None if count.value is None else int(count.value)

        return read

    def _read_day(self, column: Column) -> Callable[[_Place], date | None]:
        # A day's grace: received_at is UTC, and a file's dates are local.
        latest = (self.received_at + timedelta(days=1)).date()

        def read(place: _Place) -> date | None:
            day = read_date(place.value)
            if day is not None and type(place.value) in (int, float):
                self.notes.add("dates from day numbers")
            if (day is None and (column.filled or cell_text(place.value))) or (
                day is not None and not _EARLIEST <= day <= latest
            ):
                self.report("invalid_date", place, column)
            return day

        return read

    def _read_time(self, column: Column) -> Callable[[_Place], datetime | None]:
        latest = self.received_at + timedelta(days=1)

        def read(place: _Place) -> datetime | None:
            moment = read_timestamp(place.value)
            if (moment is None and (column.filled or cell_text(place.value))) or (
                moment is not None and (moment.date() < _EARLIEST or moment > latest)
            ):
                self.report("invalid_date", place, column)
            return moment

        return read

    def _read_key(self, column: Column) -> Callable[[_Place], str | None]:
        # Counties number on their own: without the county, case 1 of two would be one case.
        giver = [self.county_code]
        if column.namespace == "institution":
            giver.append(self.institution_code or "")

        def read(place: _Place) -> str | None:
            # A dash in place of a number would tie all that have none to one another.
            if missing_kind(place.value) or plain(place.value).strip(".") in load_words().no_number:
                if column.filled:
                    self.report("unknown_code", place, column)
                return None
            # Excel makes days of numbers such as 12/2023, and no one knows of which.
            if not isinstance(place.value, str | int | float) or isinstance(place.value, bool):
                self.report("unknown_code", place, column, sentence="number_became_date")
                return None
            return self.keys.key(column.key or "", "/".join([*giver, cell_text(place.value)]))

        return read

    def _read_identity(self, column: Column) -> Callable[[_Place], dict[str, str | None]]:
        kept = column.pseudonyms
        kind = column.identity or ""

        def read(place: _Place) -> dict[str, str | None]:
            found = pieces(kind, place.value)
            if kind == "birth_date" and found and (found[1] or "") > str(self.received_at.year):
                found = None
            if found is None:
                self.report("identity_not_read", place, column)
                return dict.fromkeys(kept)
            return {
                name: None if piece is None else self.keys.key(purpose, piece)
                for (name, purpose), piece in zip(kept.items(), found, strict=True)
            }

        return read


@dataclass(frozen=True)
class _Field:
    """A column of records in a file; `said` are the cells that were read without a finding.

    The position is -1 where the file lacks the column.
    """

    column: Column
    position: int
    read: Callable[[_Place], Any]
    missing_codes: dict[str, str]
    said: dict[str, tuple[Any, str | None]] = field(default_factory=dict)


def _with_state(
    read: Callable[[_Place], Any],
    missing_codes: dict[str, str],
    place: _Place,
) -> tuple[Any, str]:
    """Return what a cell of a record says, and that it does (reported) or which kind of nothing."""
    kind = missing_kind(place.value)
    if kind:
        return None, kind
    value = read(place)
    if value in missing_codes:
        return None, missing_codes[value]
    # What can't be read is a finding already; "disa" is a number that nobody knows.
    return value, "unknown" if value is None else "reported"


def _kind_of_blank(column: Column, record: dict[str, Any]) -> str:
    """Return not_applicable where the row says that the column is not asked, else not_reported."""
    if column.asked_where is None:
        return "not_reported"
    other, codes = column.asked_where
    said = record.get(other)
    return "not_applicable" if said is not None and said not in codes else "not_reported"


def _totals_cell(columns: dict[int, Column], row: list[Cell], *, is_last: bool) -> int | None:
    """Return where a row says that it sums the rows above, or None.

    A word for it stands where an indicator should. In the last row it may stand in any column but
    that of categories, where it is the total of one indicator.
    """
    instead, elsewhere, has_category = [], [], False
    for position, cell in enumerate(row):
        name = columns[position].name if position in columns else None
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


def _cell(row: list[Cell], position: int) -> Cell:
    return row[position] if position < len(row) else None


def _heading(cell: Cell) -> str:
    """Return a heading for comparison; a colon or an asterisk behind it doesn't count."""
    return _heading_text(cell) if type(cell) is str and len(cell) <= _LONGEST_HEADING else ""


@lru_cache(maxsize=20_000)
def _heading_text(text: str) -> str:
    return plain(text).rstrip(" :*")


#: What could be a heading in the upper rows of a sheet: a row's, each with its position.
_Labels = list[tuple[tuple[int, str], ...]]


def _labels(sheet: Sheet) -> _Labels:
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
    headings = ((position, _heading(text)) for position, text in enumerate(texts) if text)
    return tuple([(position, heading) for position, heading in headings if heading])


_labels_kept = lru_cache(maxsize=2_000)(_labels_in)


@cache
def _plain_headings(column: Column) -> frozenset[str]:
    return frozenset(map(plain, column.headings))


def _is_heading(cell: Cell, forms: KnownForms) -> bool:
    return any(_heading(cell) in layout.by_heading for layout in forms.by_id.values())


def _find(labels: _Labels, headings: frozenset[str]) -> tuple[int, int] | None:
    """Return the row and column of the first label that is one of these headings."""
    for number, row in enumerate(labels):
        for position, heading in row:
            if heading in headings:
                return number, position
    return None


def _beside(row: list[Cell], position: int) -> _Place:
    """Return the first cell behind a label that says something; a merged label spans some."""
    for number in range(position + 1, len(row)):
        cell = row[number]
        if cell is not None and cell != "" and cell_text(cell):
            return _Place(row[number], column=number)
    return _Place(None, column=position + 1)


def _has(sheet: Sheet, row: int) -> bool:
    return row < len(sheet.rows)


def _is_marked_made_up(sheet: Sheet, labels: _Labels) -> bool:
    """Tell whether a file of no known form still says that its data are made up."""
    place = _find(labels, frozenset({"të dhënat", "data"}))
    if place is None:
        return False
    row, column = place
    below = _cell(sheet.rows[row + 1], column) if _has(sheet, row + 1) else None
    beside = _cell(sheet.rows[row], column + 1)
    return any(plain(cell).startswith("shembull") for cell in (beside, below))


def _sheet_label(layout: Layout, sheet: Sheet, position: int) -> str | None:
    """Return the layout's own name of the sheet, or its number: a sheet's name is free text."""
    if sheet.name is None:
        return None
    if layout.sheet == sheet.name:
        return layout.sheet
    return f"#{position + 1}"
