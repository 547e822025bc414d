"""A delivered file as typed rows, or as the reasons why it is refused.

Belongs here: recognising a file's layout and reading it cell by cell. Not here: what a cell's
text means (sources.values), whether rows are plausible (expectations), how rows are kept
(sources.landing).

Nothing of a file leaves this module but typed values, codes from lists, and pseudonyms.
"""

import calendar
import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sources.identities import pieces
from sources.layouts import (
    CodeList,
    Column,
    Layout,
    candidates,
    form_key,
    load_layouts,
    lookup,
    unit_names,
)
from sources.problems import MAX_PLACES, Problem, problem
from sources.pseudonyms import Pseudonyms
from sources.registers import Registers
from sources.tables import Sheet, UnreadableFile, address, file_format, is_blank, read_tables
from sources.values import (
    Cell,
    cell_text,
    folded,
    load_words,
    missing_kind,
    read_count,
    read_date,
    read_month,
    read_timestamp,
    read_year,
)

__all__ = ["Problem", "Reading", "read_content", "refused_unread"]

#: Rows in which labels and headings are looked for.
_TOP_ROWS = 40

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
    sealed original waits to be stored.
    """

    delivery: dict[str, Any]
    table: str | None
    columns: dict[str, list[Any]] = field(repr=False)
    problems: list[Problem]
    sealed: Path | None = None

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
    except UnreadableFile:
        reader.report("unreadable_file")
    else:
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
    rows = [] if refused else reader.rows
    return Reading(
        delivery={
            "delivery_id": digest[:16],
            "content_hash": digest,
            "name_key": None,
            "source": reader.layout.source if reader.layout else None,
            "layout_id": reader.layout.id if reader.layout else None,
            "code_lists": " ".join(reader.layout.code_list_ids) if reader.layout else None,
            "county_code": reader.county_code if reader.county_code in registers.counties else None,
            "institution_code": reader.institution_code,
            "reporting_month": reader.reporting_month,
            "received_at": reader.received_at,
            "status": "refused" if refused else "accepted",
            "file_format": stated_format,
            "byte_count": byte_count,
            "row_count": len(rows),
            "is_made_up": reader.is_made_up,
        },
        table=reader.layout.table if reader.layout else None,
        columns={name: [row[name] for row in rows] for name in rows[0]} if rows else {},
        problems=reader.problems,
    )


@dataclass(frozen=True)
class _Place:
    """A cell with where it stands; rows and columns count from 0."""

    value: Cell
    row: int | None = None
    column: int | None = None


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
        self.rows: list[dict[str, Any]] = []
        self.problems: list[Problem] = []
        self._sheet: str | None = None
        self._reported: Counter[tuple[str, str | None]] = Counter()
        self._codes: dict[str, CodeList] = {}
        self._periods_warned: set[date] = set()

    # -- findings ----------------------------------------------------------------------------

    def report(
        self,
        rule: str,
        place: _Place | None = None,
        column: Column | None = None,
        sentence: str | None = None,
    ) -> None:
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
                candidates=()
                if column is None or place is None or not cell_text(place.value)
                else candidates(column, place.value, self.registers),
            )
        )

    # -- the file ----------------------------------------------------------------------------

    def read(self, sheets: list[Sheet]) -> None:
        found = self._recognise(sheets)
        if found is None:
            self.is_made_up = any(_is_marked_made_up(sheet.rows) for sheet in sheets)
            return
        self.layout, sheet = found
        self._codes = {
            column.name: self.layout.codes(column, self.registers) for column in self.layout.columns
        }
        if self.county_code not in self.registers.counties:
            self.report("wrong_county")
        heading_row, columns = self._headings(self.layout, sheet)
        if heading_row is None:
            return
        table = [
            (number, row)
            for number, row in enumerate(sheet.rows)
            if number > heading_row and not self._is_empty(row, columns)
        ]
        heads = self._heads(self.layout, sheet, heading_row, columns, table)
        self._read_heads(self.layout, heads)
        if not table:
            self.report("invalid_frame", sentence="no_rows")
        self._check_shape(sheet, heading_row, table)
        if self.layout.table == "submission_values":
            self._read_values(columns, table)
        else:
            self._read_records(columns, table)

    def _recognise(self, sheets: list[Sheet]) -> tuple[Layout, Sheet] | None:
        """Find the sheet with a form, by its id or else by its headings."""
        current: dict[str, Layout] = {}
        for layout in sorted(load_layouts(), key=lambda layout: layout.valid_from):
            if layout.valid_from <= self.received_at.date():
                current[layout.id] = layout
        ids = {folded(name): layout for name, layout in current.items()}
        form_headings = {
            folded(heading)
            for layout in current.values()
            for column in layout.columns
            if column.name == "layout_id"
            for heading in column.headings
        }
        stated: list[tuple[Layout, int]] = []
        unknown: tuple[int, _Place] | None = None
        for position, sheet in enumerate(sheets):
            place = _find(sheet.rows, form_headings)
            if place is None or place.row is None or place.column is None:
                continue
            beside = _cell(sheet.rows[place.row], place.column + 1)
            below = [_cell(row, place.column) for row in sheet.rows[place.row + 1 :]]
            first_below = next((cell for cell in below if cell_text(cell)), None)
            layout_found = ids.get(folded(beside)) or ids.get(folded(first_below))
            if layout_found:
                stated.append((layout_found, position))
            elif first_below is not None or cell_text(beside):
                unknown = unknown or (position, place)
        if len(stated) == 1:
            layout, position = stated[0]
            self._sheet = _sheet_label(layout, sheets[position], position)
            return layout, sheets[position]
        if stated:
            self.layout = stated[0][0]
            self.report("invalid_frame", sentence="two_reports")
            return None
        if unknown is not None:
            position, place = unknown
            self._sheet = None if sheets[position].name is None else f"#{position + 1}"
            self.report("unknown_layout", place)
            return None
        for position, sheet in enumerate(sheets):
            for layout in current.values():
                named = [
                    column
                    for column in layout.columns
                    if column.required and _find(sheet.rows, _folded_headings(column))
                ]
                if len(named) == sum(column.required for column in layout.columns):
                    self._sheet = _sheet_label(layout, sheet, position)
                    return layout, sheet
        self.report("unknown_layout")
        return None

    def _headings(self, layout: Layout, sheet: Sheet) -> tuple[int | None, dict[int, Column]]:
        """Find the row of headings; return it and the column of the layout at each position."""
        by_heading = {
            heading: column for column in layout.columns for heading in _folded_headings(column)
        }
        best, most = None, 1
        for number, row in enumerate(sheet.rows[:_TOP_ROWS]):
            known = sum(_heading(cell) in by_heading for cell in row)
            if known > most:
                best, most = number, known
        if best is None:
            self.report("missing_required_column")
            return None, {}
        columns: dict[int, Column] = {}
        for position, cell in enumerate(sheet.rows[best]):
            column = by_heading.get(_heading(cell))
            place = _Place(None, best, position)
            if column is None:
                filled = any(cell_text(_cell(row, position)) for row in sheet.rows[best + 1 :])
                if cell_text(cell) or filled:
                    self.report("unknown_column_dropped", place)
            elif column in columns.values():
                self.report("invalid_frame", place, column, sentence="repeated_heading")
            else:
                columns[position] = column
        present = {column.name for column in columns.values()}
        for column in layout.columns:
            if column.place == "row" and column.required and column.name not in present:
                self.report("missing_required_column", _Place(None, best), column)
        return best, columns

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
            if column.place == "row" and column.kind != "dropped"
        )

    def _check_shape(
        self, sheet: Sheet, heading_row: int, table: list[tuple[int, list[Cell]]]
    ) -> None:
        """Find rows of separated text that are longer or shorter than the headings.

        A separator inside unquoted text shifts what stands behind it into other columns.
        """
        if sheet.name is not None:
            return
        width = len(sheet.rows[heading_row])
        for number, row in table:
            if len(row) < width or not is_blank(row[width:]):
                self.report("invalid_frame", _Place(None, number), sentence="uneven_row")

    # -- what is said once a file ------------------------------------------------------------

    def _heads(
        self,
        layout: Layout,
        sheet: Sheet,
        heading_row: int,
        columns: dict[int, Column],
        table: list[tuple[int, list[Cell]]],
    ) -> dict[str, _Place]:
        """Return each head column's cell: beside its label, or in the first row of its column."""
        heads: dict[str, _Place] = {}
        positions = {column.name: position for position, column in columns.items()}
        for column in layout.columns:
            if column.place != "head":
                continue
            position = positions.get(column.name)
            label = _find(sheet.rows[:heading_row], _folded_headings(column), first_column=True)
            if label is not None and label.row is not None:
                heads[column.name] = _Place(_cell(sheet.rows[label.row], 1), label.row, 1)
            elif position is not None and table:
                number, row = table[0]
                heads[column.name] = _Place(_cell(row, position), number, position)
                for other, cells in table[1:]:
                    if folded(_cell(cells, position)) != folded(_cell(row, position)):
                        rule = _RULE_OF_COLUMN.get(column.name, "unknown_code")
                        self.report(rule, _Place(None, other, position), column)
            elif position is None:
                self.report("missing_required_column", _Place(None, heading_row), column)
        return heads

    def _read_heads(self, layout: Layout, heads: dict[str, _Place]) -> None:
        if place := heads.get("layout_id"):
            self._head_code(layout.column("layout_id"), place)
        if place := heads.get("is_made_up"):
            self.is_made_up = folded(place.value).startswith("shembull")
            if not self.is_made_up:
                mark = self._head_code(layout.column("is_made_up"), place)
                self.is_made_up = mark == "made_up"
        if layout.county_code and layout.county_code != self.county_code:
            self.report("wrong_county")
        if place := heads.get("county_code"):
            column = layout.column("county_code")
            if lookup(self._codes["county_code"], place.value) != self.county_code:
                self.report("wrong_county", place, column)
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
            if None not in stated and folded(place.value) != form_key(*stated):
                self.report("form_key_differs", place, layout.column("form_key"))

    def _head_code(self, column: Column, place: _Place) -> str | None:
        code = lookup(self._codes[column.name], place.value)
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
        last_day = month.replace(day=calendar.monthrange(month.year, month.month)[1])
        received_on = self.received_at.date()
        if month > received_on:
            self.report("month_not_begun", place, column)
        elif last_day >= received_on and month not in self._periods_warned:
            self._periods_warned.add(month)
            self.report("report_before_period_end", place, column)
        return month

    # -- rows --------------------------------------------------------------------------------

    def _read_values(self, columns: dict[int, Column], table: list[tuple[int, list[Cell]]]) -> None:
        """Read rows of submission_values: a monthly report or yearly published figures."""
        layout = self.layout
        if layout is None:
            return
        seen: set[tuple[object, ...]] = set()
        for number, row in table:
            cells = _cells(columns, number, row)
            if "indicator_code" in cells and _is_totals_row(columns, row):
                self.report("totals_row_left_out", cells["indicator_code"])
                continue
            month = self.reporting_month
            if "reporting_month" in cells and layout.frequency == "year":
                month = self._period(layout.column("reporting_month"), cells["reporting_month"])
            indicator_code = self._code(layout, cells, "indicator_code")
            category = self._category(layout, cells, indicator_code)
            unit = self.registers.indicators.get(indicator_code or "")
            value, value_state, note = self._value(layout, cells, unit)
            figure_label = self._code(layout, cells, "figure_label")
            stated = self._code(layout, cells, "unit")
            if unit and stated and unit != stated:
                self.report("unknown_code", cells["unit"], layout.column("unit"))
            self._check_unit(layout, cells, unit)
            if value is not None and value > self.registers.largest.get(
                indicator_code or "", value
            ):
                self.report("implausible_count", cells["value"], layout.column("value"))
            key = (month, indicator_code, category, figure_label)
            if key in seen and (indicator_code or figure_label):
                self.report("invalid_frame", cells.get("value"), sentence="repeated_row")
            seen.add(key)
            place = cells.get("value")
            self.rows.append(
                {
                    "delivery_id": self.delivery_id,
                    "sheet": self._sheet,
                    "cell": address(number, place.column)
                    if place is not None and place.column is not None
                    else None,
                    "row_number": number + 1,
                    "county_code": self.county_code,
                    "institution_code": self.institution_code,
                    "reporting_month": month,
                    "frequency": layout.frequency,
                    "indicator_code": indicator_code,
                    "figure_label": figure_label,
                    "category": category,
                    "value": value,
                    "value_state": value_state,
                    "unit": unit or stated,
                    "reading_note": note or self._code(layout, cells, "reading_note"),
                    "publication": self._code(layout, cells, "publication"),
                }
            )

    def _check_unit(self, layout: Layout, cells: dict[str, _Place], unit: str | None) -> None:
        """Find a unit beside a value that is not the indicator's."""
        place = cells.get("unit")
        if place is None or unit is None or layout.column("unit").kind != "unit":
            return
        text = folded(place.value)
        if text and text not in load_words().no_unit and lookup(unit_names(), text) != unit:
            self.report("unit_differs", place, layout.column("unit"))

    def _category(
        self, layout: Layout, cells: dict[str, _Place], indicator_code: str | None
    ) -> str | None:
        place = cells.get("category")
        if place is None or not cell_text(place.value):
            return "total"
        code = lookup(self._codes["category"], place.value) or lookup(
            self.registers.categories.get(indicator_code or "", {}), place.value
        )
        # Of an unknown indicator no category can be known: one finding is enough.
        if code is None and indicator_code is not None:
            self.report("unknown_category", place, layout.column("category"))
        return code

    def _value(
        self, layout: Layout, cells: dict[str, _Place], unit: str | None
    ) -> tuple[float | None, str, str | None]:
        """Return (value, state, note): what the value says and what the state beside it says."""
        place = cells.get("value", _Place(None))
        count = read_count(place.value, unit)
        if count.rule:
            self.report(count.rule, place, layout.column("value"))
        stated_place = cells.get("value_state")
        if stated_place is None or not cell_text(stated_place.value):
            return count.value, count.state, count.note
        column = layout.column("value_state")
        stated = lookup(self._codes["value_state"], stated_place.value)
        if stated is None:
            self.report("unknown_code", stated_place, column)
        elif count.rule is None and count.state not in {"not_reported", stated}:
            self.report("unknown_code", stated_place, column, sentence="state_contradicts_value")
        return (0.0 if stated == "zero" else None), stated or "unknown", count.note

    def _read_records(
        self, columns: dict[int, Column], table: list[tuple[int, list[Cell]]]
    ) -> None:
        """Read rows of hotline_contacts or referral_events: one row a contact or an event."""
        layout = self.layout
        if layout is None:
            return
        names = [
            column.name
            for column in layout.columns
            if column.place == "row" and column.kind != "dropped"
        ]
        readers = {
            name: self._cell_reader(layout.column(name))
            for name in names
            if layout.column(name).kind != "identity"
        }
        identities = {
            name: self._read_identity(layout.column(name)) for name in names if name not in readers
        }
        stated = {
            column.name: (column, layout.missing_codes(column))
            for column in layout.columns
            if column.name in readers and column.is_stated
        }
        said_once: dict[str, Any] = {"county_code": self.county_code}
        if any(column.name == "institution_code" for column in layout.columns):
            said_once["institution_code"] = self.institution_code
        for number, row in table:
            cells = _cells(columns, number, row)
            record = {"delivery_id": self.delivery_id, "row_number": number + 1, **said_once}
            blank = []
            for name, read in readers.items():
                place = cells.get(name, _Place(None))
                if name not in stated:
                    record[name] = read(place) if name in cells else None
                    continue
                column, missing_codes = stated[name]
                value, state = _with_state(read, missing_codes, place)
                record[name], record[f"{name}_state"] = value, state
                if state == "blank":
                    blank.append(column)
            # Whether a blank cell applies is known once the row has been read.
            for column in blank:
                record[f"{column.name}_state"] = _kind_of_blank(column, record)
            for name, keyed in identities.items():
                record |= keyed(cells.get(name, _Place(None)))
            self.rows.append(record)

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
            code = lookup(codes, place.value)
            if code is None and (column.filled or cell_text(place.value)):
                self.report(rule, place, column)
            return code

        return read

    def _read_count(self, column: Column) -> Callable[[_Place], int | None]:
        def read(place: _Place) -> int | None:
            count = read_count(place.value)
            if count.rule:
                self.report(count.rule, place, column)
            return None if count.value is None else int(count.value)

        return read

    def _read_day(self, column: Column) -> Callable[[_Place], date | None]:
        # A day's grace: received_at is UTC, and a file's dates are local.
        latest = (self.received_at + timedelta(days=1)).date()

        def read(place: _Place) -> date | None:
            day = read_date(place.value)
            if (day is None and (column.filled or cell_text(place.value))) or (
                day is not None and day > latest
            ):
                self.report("invalid_date", place, column)
            return day

        return read

    def _read_time(self, column: Column) -> Callable[[_Place], datetime | None]:
        latest = self.received_at + timedelta(days=1)

        def read(place: _Place) -> datetime | None:
            moment = read_timestamp(place.value)
            if (moment is None and (column.filled or cell_text(place.value))) or (
                moment is not None and moment > latest
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
            if missing_kind(place.value):
                if column.filled:
                    self.report("unknown_code", place, column)
                return None
            return self.keys.key(column.key or "", "/".join([*giver, cell_text(place.value)]))

        return read

    def _read_identity(self, column: Column) -> Callable[[_Place], dict[str, str | None]]:
        kept = column.pseudonyms
        kind = column.identity or ""

        def read(place: _Place) -> dict[str, str | None]:
            found = pieces(kind, place.value)
            if found is None:
                self.report("identity_not_read", place, column)
            return {
                name: None if piece is None else self.keys.key(purpose, piece)
                for (name, purpose), piece in zip(
                    kept.items(), found or (None,) * len(kept), strict=True
                )
            }

        return read

    def _code(self, layout: Layout, cells: dict[str, _Place], name: str) -> str | None:
        if name not in cells or layout.column(name).kind in ("unit", "dropped"):
            return None
        return self._read_code(layout.column(name))(cells[name])


def _cells(columns: dict[int, Column], number: int, row: list[Cell]) -> dict[str, _Place]:
    return {
        column.name: _Place(_cell(row, position), number, position)
        for position, column in columns.items()
        if column.kind != "dropped"
    }


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


def _is_totals_row(columns: dict[int, Column], row: list[Cell]) -> bool:
    """Tell whether a row sums the rows above: a word for it stands where an indicator should."""
    stated = [
        folded(_cell(row, position)).rstrip(": ")
        for position, column in columns.items()
        if column.name in ("indicator_code", "indicator_name")
    ]
    said = [text for text in stated if text]
    return bool(said) and all(text in load_words().totals for text in said)


def _cell(row: list[Cell], position: int) -> Cell:
    return row[position] if position < len(row) else None


def _heading(cell: Cell) -> str:
    """Return a heading for comparison; a colon or an asterisk behind it doesn't count."""
    return folded(cell).rstrip(" :*")


def _folded_headings(column: Column) -> set[str]:
    return {folded(heading) for heading in column.headings}


def _find(rows: list[list[Cell]], headings: set[str], first_column: bool = False) -> _Place | None:
    for number, row in enumerate(rows[:_TOP_ROWS]):
        for position, cell in enumerate(row[:1] if first_column else row):
            if _heading(cell) in headings:
                return _Place(cell, number, position)
    return None


def _is_marked_made_up(rows: list[list[Cell]]) -> bool:
    """Tell whether a file of no known form still says that its data are made up."""
    place = _find(rows, {"të dhënat", "data"})
    if place is None or place.row is None or place.column is None:
        return False
    below = _cell(rows[place.row + 1], place.column) if place.row + 1 < len(rows) else None
    beside = _cell(rows[place.row], place.column + 1)
    return any(folded(cell).startswith("shembull") for cell in (beside, below))


def _sheet_label(layout: Layout, sheet: Sheet, position: int) -> str | None:
    """Return the layout's own name of the sheet, or its number: a sheet's name is free text."""
    if sheet.name is None:
        return None
    if layout.sheet and folded(layout.sheet) == folded(sheet.name):
        return layout.sheet
    return f"#{position + 1}"
