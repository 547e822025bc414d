"""The rows of a log or of referral records: one row a contact or an event.

Belongs here: reading hotline_contacts and referral_events, and keying what identifies. Not here:
reports (sources.reading.reports) or how identities are taken apart (sources.identities).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from xlsxwriter.utility import xl_col_to_name

from sources.identities import pieces
from sources.layouts import Column, Written
from sources.reading.context import Context, Place, cell_at, rule_of
from sources.reading.table import Table
from sources.values import (
    Cell,
    case_number,
    cell_text,
    has_number,
    load_words,
    missing_kind,
    plain,
    read_count,
    read_date,
    read_timestamp,
)

#: No record is older: Albania's referral mechanism was agreed on in 2005. Earlier is a slip.
_EARLIEST = date(2005, 1, 1)

#: The age at which the age group is 18+.
_GROWN_UP = 18

#: Numbers of more digits are kept by Excel with zeros in place of the last ones.
_EXACT = 10**15


@dataclass(frozen=True)
class _Field:
    """A column of records in a file; `said` are the cells that were read without a finding.

    The position is -1 where the file lacks the column.
    """

    column: Column
    position: int
    read: Callable[[Place], Any]
    missing_codes: dict[str, str]
    said: dict[str, tuple[Any, str | None]] = field(default_factory=dict)


def read_records(context: Context, table: Table) -> dict[str, list[Any]]:
    """Return the columns of hotline_contacts or referral_events."""
    layout = table.layout
    context.record_columns = {name: xl_col_to_name(at) for name, at in table.positions.items()}
    asked = [column for column in layout.columns if column.place == "row" and column.is_read]
    identities = [
        (_read_identity(context, column), column.name)
        for column in asked
        if column.kind == "identity"
    ]
    fields = [
        _Field(
            column,
            table.positions.get(column.name, -1),
            _cell_reader(context, column),
            layout.missing_codes(column),
        )
        for column in asked
        if column.kind != "identity"
    ]
    said_once: dict[str, Any] = {"county_code": context.county_code}
    if any(column.name == "institution_code" for column in layout.columns):
        said_once["institution_code"] = context.institution_code
    numbers = [
        column.name
        for column in asked
        if column.kind == "key" and (column.filled or column.name == "person_key")
    ]
    records: list[dict[str, Any]] = []
    seen: set[object] = set()
    for row in table.rows:
        number, cells = row
        record = {"delivery_id": context.delivery_id, "row_number": number + 1, **said_once}
        blank = []
        for each in fields:
            value, state = _said(context, each, number, cells)
            record[each.column.name] = value
            if state is not None:
                record[f"{each.column.name}_state"] = state
            if state == "blank":
                blank.append(each.column)
        # Whether a blank cell applies is known once the row has been read.
        for column in blank:
            record[f"{column.name}_state"] = _kind_of_blank(column, record)
        for keyed, name in identities:
            record |= keyed(table.place(name, row))
        # A contact is told in one row; an event has no number, but the same one only once. Two
        # that lack the number that each should have are not one.
        one = record.get("contact_key") or tuple(
            value for name, value in record.items() if name != "row_number"
        )
        is_numbered = all(record[name] is not None for name in numbers)
        if is_numbered and one in seen:
            context.report("invalid_frame", Place(None, number), sentence="repeated_record")
        seen.add(one)
        records.append(record)
    for column in asked:
        if column.identity == "birth_date":
            _check_births(context, table, column, records)
    return {name: [record[name] for record in records] for name in records[0]} if records else {}


def _said(
    context: Context, asked: _Field, number: int, cells: list[Cell]
) -> tuple[Any, str | None]:
    """Return a field of a row, and its state in a column that has one: see _with_state."""
    position = asked.position
    if position < 0:
        return None, "blank" if asked.column.is_stated else None
    cell = cell_at(cells, position)
    if type(cell) is str and cell in asked.said:
        return asked.said[cell]
    problems_before = len(context.problems)
    place = Place(cell, number, position)
    said = (
        _with_state(asked.read, context.codes.get(asked.column.name), asked.missing_codes, place)
        if asked.column.is_stated
        else (asked.read(place), None)
    )
    # A log says the same few codes over and over.
    if (
        type(cell) is str
        and asked.column.kind == "code"
        and problems_before == len(context.problems)
    ):
        asked.said[cell] = said
    return said


def _cell_reader(context: Context, column: Column) -> Callable[[Place], Any]:
    reader: Callable[[Context, Column], Callable[[Place], Any]] = {
        "code": _read_code,
        "text_code": _read_code,
        "count": _read_count,
        "date": _read_day,
        "timestamp": _read_time,
        "key": _read_key,
    }[column.kind]
    return reader(context, column)


def _read_code(context: Context, column: Column) -> Callable[[Place], str | None]:
    codes = context.codes[column.name]
    rule = rule_of(column)

    def read(place: Place) -> str | None:
        code = codes[place.value]
        if code is None and (column.filled or cell_text(place.value)):
            context.report(rule, place, column)
        return code

    return read


def _read_count(context: Context, column: Column) -> Callable[[Place], int | None]:
    def read(place: Place) -> int | None:
        count = read_count(place.value)
        if count.rule:
            context.report(count.rule, place, column, count.sentence)
        if count.note:
            context.notes.add(count.note)
        if count.value is not None and count.value > (column.largest or count.value):
            context.report("not_a_number", place, column, sentence="implausible_count")
            return None
        return None if count.value is None else int(count.value)

    return read


def _read_day(context: Context, column: Column) -> Callable[[Place], date | None]:
    # A day's grace: received_at is UTC, and a file's dates are local.
    latest = (context.received_at + timedelta(days=1)).date()

    def read(place: Place) -> date | None:
        day = read_date(place.value)
        if day is not None and type(place.value) in (int, float):
            context.notes.add("dates from day numbers")
        if (day is None and (column.filled or cell_text(place.value))) or (
            day is not None and not _EARLIEST <= day <= latest
        ):
            context.report("invalid_date", place, column)
        return day

    return read


def _read_time(context: Context, column: Column) -> Callable[[Place], datetime | None]:
    latest = context.received_at + timedelta(days=1)

    def read(place: Place) -> datetime | None:
        moment = read_timestamp(place.value)
        if (moment is None and (column.filled or cell_text(place.value))) or (
            moment is not None and (moment.date() < _EARLIEST or moment > latest)
        ):
            is_day = moment is None and read_date(place.value) is not None
            sentence = "hour_missing" if is_day else "invalid_time"
            context.report("invalid_date", place, column, sentence=sentence)
        return moment

    return read


def _read_key(context: Context, column: Column) -> Callable[[Place], str | None]:
    # Counties number on their own: without the county, case 1 of two would be one case.
    giver = [context.county_code]
    if column.namespace == "institution":
        giver.append(context.institution_code or "")

    def read(place: Place) -> str | None:
        # A dash in place of a number would tie all that have none to one another.
        if missing_kind(place.value) or plain(place.value).strip(".") in load_words().no_number:
            if column.filled:
                context.report("unknown_code", place, column, sentence="number_missing")
            return None
        # Excel makes days of numbers such as 12/2023, and loses the zero of 12.10.
        if not _is_as_written(place.value):
            context.report("unknown_code", place, column, sentence="number_was_changed")
            return None
        if not has_number(case_number(place.value)):
            if column.filled:
                context.report("unknown_code", place, column, sentence="number_needed")
            else:
                context.report("identity_not_read", place, column, sentence="number_without_digits")
            return None
        return context.key(column.key or "", "/".join([*giver, case_number(place.value)]))

    return read


def _is_as_written(cell: Cell) -> bool:
    """Tell whether a cell holds a number of a case as it was typed."""
    if isinstance(cell, float):
        return float(f"{cell:.15g}").is_integer() and abs(cell) < _EXACT
    return isinstance(cell, str | int) and not isinstance(cell, bool)


def _read_identity(context: Context, column: Column) -> Callable[[Place], dict[str, str | None]]:
    kept = column.pseudonyms
    kind = column.identity or ""

    def read(place: Place) -> dict[str, str | None]:
        found = pieces(kind, place.value)
        if kind == "birth_date" and found and (found[1] or "") > str(context.received_at.year):
            found = None
        if found is None:
            context.report("identity_not_read", place, column)
            return dict.fromkeys(kept)
        return {
            name: None if piece is None else context.key(purpose, piece)
            for (name, purpose), piece in zip(kept.items(), found, strict=True)
        }

    return read


def _check_births(
    context: Context, table: Table, column: Column, records: list[dict[str, Any]]
) -> None:
    """Find dates of birth that the age group or the day of the step contradicts.

    An age group may be that of the day on which the case began: a child grows up.
    """
    position = table.positions.get(column.name, -1)
    if position < 0:
        return
    begun: dict[object, date] = {}
    for record in records:
        begun_before = begun.get(_person(record), date.max)
        begun[_person(record)] = min(begun_before, record["event_date"] or date.max)
    for (number, cells), record in zip(table.rows, records, strict=True):
        born = pieces("birth_date", cell_at(cells, position))
        if born is None or born[1] is None or record["event_date"] is None:
            continue
        day, year = born
        first = date.fromisoformat(day or f"{year}-01-01")
        last = date.fromisoformat(day or f"{year}-12-31")
        began = begun[_person(record)]
        age_group, step = record["age_group"], record["event_date"]
        if (
            first > step
            or (age_group == "18+" and _age(first, step) < _GROWN_UP)
            or (age_group == "0-17" and _age(last, began) >= _GROWN_UP)
        ):
            context.report("birth_contradicts_record", Place(None, number, position), column)


def _person(record: dict[str, Any]) -> tuple[object, ...]:
    """Return who a record is about, to compare; whoever has no number is nobody else."""
    numbers = record["case_key"], record["person_key"]
    return (record["row_number"],) if None in numbers else numbers


def _age(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _with_state(
    read: Callable[[Place], Any],
    codes: Written | None,
    missing_codes: dict[str, str],
    place: Place,
) -> tuple[Any, str]:
    """Return what a cell of a record says, and that it does (reported) or which kind of nothing."""
    # A code wins over a word: "NA" is Namibia where citizenships are asked.
    is_code = codes is not None and codes[place.value] is not None
    kind = None if is_code else missing_kind(place.value)
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
