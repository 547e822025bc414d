"""One delivered file, from its bytes to typed rows or the reasons why it is refused.

Belongs here: the order in which a file is read, and what is said of it as a whole. Not here: any
step of the reading (the other modules of sources.reading).
"""

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Protocol

from sources.layouts import Layout, codes_by_column
from sources.problems import SEVERITIES, Problem, left_out, severity_of, worst_first
from sources.reading.containers import container_kind, files_in
from sources.reading.context import Context, KeyedHash
from sources.reading.elsewhere import check_remarks, check_rows_elsewhere
from sources.reading.features import UnreadableFile
from sources.reading.headings import read_heads
from sources.reading.labels import Labels, labels_of
from sources.reading.recognition import find_columns, is_marked_made_up, recognise
from sources.reading.records import read_records
from sources.reading.reports import read_report
from sources.reading.table import (
    Table,
    check_features,
    check_quotes,
    check_shape,
    find_table,
)
from sources.reading.tables import Sheet, file_format, read_tables
from sources.reading.trailing_rows import without_what_stands_below
from sources.registers import Registers
from sources.values import is_encoded_twice

#: The purpose of the key that makes pseudonyms of contents: of a plain hash whoever guesses a short
#: file's text could confirm the guess.
CONTENT_PURPOSE = "file_content"

#: Rules that a cell of a value breaks by itself, so that it says nothing of the others.
_OF_VALUES = {"not_a_number", "negative_count", "fractional_count", "unknown_code"}

#: By which key a record of a raw table is known to have come again.
_KEYS = {"hotline_contacts": "contact_key", "referral_events": "case_key"}


class SealedOriginal(Protocol):
    """The original of a file, sealed, until it is stored; `length` is in bytes."""

    @property
    def length(self) -> int: ...

    def copy_into(self, path: Path) -> None:
        """Write it into a new file. Raises OSError."""

    def copy_to(self, target: IO[bytes]) -> None:
        """Write it to an open file. Raises OSError."""


@dataclass(frozen=True)
class Reading:
    """One file as read.

    `delivery` is a row of the raw table deliveries, `columns` are columns of the raw table `table`
    (sources.custody.landing.SCHEMAS), as long as each other. A refused file has none; of contacts
    and cases in it `record_keys` keeps which they were, so that it is known when they have come.
    `sealed` is where its original waits, sealed, to be stored, and `sealed_name` the name that a
    refused one came under, for whoever may open it.
    """

    delivery: dict[str, Any]
    table: str | None
    columns: dict[str, list[Any]] = field(repr=False)
    problems: list[Problem]
    sealed: SealedOriginal | None = None
    sealed_name: bytes | None = field(default=None, repr=False)
    record_keys: list[dict[str, str]] = field(default_factory=list, repr=False)

    def as_refused(self, problems: list[Problem]) -> "Reading":
        """Return it as refused for these problems: without its rows."""
        name = _KEYS.get(self.table or "", "")
        keys = dict.fromkeys(key for key in self.columns.get(name, ()) if key)
        return replace(
            self,
            delivery={**self.delivery, "status": "refused", "row_count": 0},
            columns={},
            problems=problems,
            record_keys=[{name: key} for key in keys],
        )

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The columns as rows."""
        lines = zip(*self.columns.values(), strict=True)
        return [dict(zip(self.columns, line, strict=True)) for line in lines]


def read_content(
    content: bytes,
    county_code: str,
    registers: Registers,
    key: KeyedHash,
    received_at: datetime,
    content_hash: str | None = None,
) -> Reading:
    """Read a file that arrived in the folder of `county_code` at `received_at`.

    `received_at` is UTC without a zone, `content_hash` what `hash_content` returns where that is
    known already. A file that breaks a rule of severity blocks is refused; a rule that the register
    of rules doesn't know blocks. At most 100 places are located a rule and column. Never raises for
    what a file holds.
    """
    content_hash = content_hash or hash_content(content, key)
    own = registers.in_county(county_code)
    delivery_id = delivery_id_of(content_hash, registers.county_of(county_code))
    context = Context(delivery_id, county_code, own, key, received_at)
    columns: dict[str, list[Any]] = {}
    try:
        tables = read_tables(content)
    except UnreadableFile as refusal:
        acts = refusal.sentence == "active_content"
        context.report("active_content" if acts else "unreadable_file", sentence=refusal.sentence)
    else:
        if tables.encoding:
            context.notes.add(f"text in {tables.encoding}")
        columns = _read(context, tables.sheets)
    return _as_reading(context, columns, content_hash, len(content), file_format(content))


def read_each(
    content: bytes,
    county_code: str,
    registers: Registers,
    key: KeyedHash,
    received_at: datetime,
) -> list[tuple[bytes, Reading]] | None:
    """Read the forms in a message or archive, as `read_content` does; None for another content.

    Each comes with its own content. Without a form in it, or beyond the limits, the whole is
    refused. What is no form is left out.
    """
    kind = container_kind(content)
    if kind is None:
        return None
    content_hash = hash_content(content, key)
    delivery_id = delivery_id_of(content_hash, registers.county_of(county_code))
    context = Context(delivery_id, county_code, registers, key, received_at)
    found: list[tuple[bytes, Reading]] = []
    try:
        for each in dict.fromkeys(files_in(content)):
            reading = read_content(each, county_code, registers, key, received_at)
            if reading.delivery["layout_id"]:
                found.append((each, reading))
        if found:
            return found
        sentence = f"no_form_in_{kind}"
    except UnreadableFile as refusal:
        sentence = refusal.sentence
    context.report("unreadable_file", sentence=sentence)
    return [(content, _as_reading(context, {}, content_hash, len(content), kind))]


def hash_content(content: bytes, key: KeyedHash) -> str:
    """Return the keyed hash of a content, 64 hex digits."""
    return key(CONTENT_PURPOSE, hashlib.sha256(content).hexdigest())


def delivery_id_of(content_hash: str, county_code: str | None) -> str:
    """Return the id of the delivery that a content is in the folder of a county, 16 hex digits.

    Two counties may send the same: neither needs to know of the other. It is None where the folder
    is no county's: the name of such a folder could identify a person, and be guessed from the id.
    """
    return hashlib.sha256(f"{content_hash}|{county_code}".encode()).hexdigest()[:16]


def refused_unread(
    rule: str,
    content_hash: str,
    byte_count: int,
    county_code: str,
    registers: Registers,
    received_at: datetime,
) -> Reading:
    """Return the refusal of a file that was not read at all, under a rule of the door."""
    delivery_id = delivery_id_of(content_hash, registers.county_of(county_code))
    context = Context(delivery_id, county_code, registers, _no_key, received_at)
    context.report(rule)
    return _as_reading(context, {}, content_hash, byte_count, None)


def _no_key(_purpose: str, _text: str) -> str:
    """Stand for the keyed hash where nothing of a file is read."""
    raise AssertionError("nothing of the file was read")


def _as_reading(
    context: Context,
    columns: dict[str, list[Any]],
    content_hash: str,
    byte_count: int,
    stated_format: str | None,
) -> Reading:
    registers = context.registers
    reading = Reading(
        delivery={
            "delivery_id": context.delivery_id,
            "content_hash": content_hash,
            "name_key": None,
            "source": context.layout.source if context.layout else None,
            "layout_id": context.layout.id if context.layout else None,
            "code_lists": " ".join(context.layout.code_list_ids) if context.layout else None,
            "county_code": registers.county_of(context.county_code),
            "institution_code": context.institution_code,
            "reporting_month": context.reporting_month,
            "received_at": context.received_at,
            "status": "accepted",
            "file_format": stated_format,
            "byte_count": byte_count,
            "row_count": len(columns["delivery_id"]) if columns else 0,
            "sheet": context.sheet,
            "record_columns": json.dumps(context.record_columns),
            "reading_note": "; ".join(sorted(context.notes)) or None,
            "is_made_up": context.is_made_up,
        },
        table=context.layout.table if context.layout else None,
        columns=columns,
        problems=worst_first(context.problems, registers.rules),
    )
    severities = {severity_of(found.rule, registers.rules) for found in context.problems}
    return reading.as_refused(reading.problems) if SEVERITIES[0] in severities else reading


def _read(context: Context, sheets: list[Sheet]) -> dict[str, list[Any]]:
    """Return the rows of the one sheet that is a report or has records, as columns."""
    labels = [labels_of(sheet) for sheet in sheets]
    found = recognise(context, sheets, labels)
    if found is None:
        context.is_made_up = any(map(is_marked_made_up, sheets, labels))
        return {}
    context.layout, position = found
    others = {f"#{number + 1}": each for number, each in enumerate(sheets) if number != position}
    return _read_sheet(context, context.layout, sheets[position], labels[position], others)


def _read_sheet(
    context: Context, layout: Layout, sheet: Sheet, labels: Labels, others: dict[str, Sheet]
) -> dict[str, list[Any]]:
    if layout.valid_to and context.received_at.date() > layout.valid_to:
        context.report("outdated_form")
    context.codes = codes_by_column(layout, context.registers)
    if context.county_code not in context.registers.counties:
        context.report("wrong_county")
    found = find_columns(context, layout, sheet, labels)
    if found is None:
        return {}
    table = without_what_stands_below(context, find_table(context, layout, sheet, *found))
    read_heads(context, table, labels)
    of_month = context.registers.in_month(context.reporting_month)
    if of_month is not context.registers:
        context.registers = of_month
        context.codes = codes_by_column(layout, of_month)
    if not table.rows:
        context.report("invalid_frame", sentence="no_rows")
    check_rows_elsewhere(context, table, others)
    check_quotes(context, table)
    may_leave_out = layout.refuses == "row" and not any(
        context.is_refusing(found.rule) for found in context.problems
    )
    check_shape(context, table)
    check_features(context, table, labels)
    check_remarks(context, table)
    if is_encoded_twice("".join([c for row in sheet.rows for c in row if type(c) is str])):
        context.notes.add("text encoded twice")
    columns = (read_report if table.is_report else read_records)(context, table)
    if may_leave_out:
        return _without_broken_rows(context, columns)
    return _without_broken_values(context, table, columns) if table.is_report else columns


def _without_broken_rows(context: Context, columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Leave out the rows that break a rule which refuses, each with its findings.

    The file is refused as a whole where something is wrong with more than a row, where no row is
    left, and where more rows are wrong than are listed.
    """
    broken = {row + 1 for _, row, _ in context.broken if row is not None}
    kept = [at for at, number in enumerate(columns["row_number"]) if number not in broken]
    refusing = [found for found in context.problems if context.is_refusing(found.rule)]
    if {found.row_number for found in refusing} != broken or not kept:
        return columns
    if len(kept) + len(broken) != len(columns["row_number"]):
        return columns
    context.problems = [
        left_out(found, "row_left_out") if context.is_refusing(found.rule) else found
        for found in context.problems
    ]
    return {name: [values[at] for at in kept] for name, values in columns.items()}


def _without_broken_values(
    context: Context, table: Table, columns: dict[str, list[Any]]
) -> dict[str, list[Any]]:
    """Take values that can't be read as not reported, each with its finding; keep the others.

    The file is refused as a whole where something is wrong with more than cells of values, and
    where more of them are broken than are certain: it may be filled in another way than it is read.
    """
    asked = {table.positions.get("value"), table.positions.get("value_state")} - {None}
    if not context.broken or not all(
        rule in _OF_VALUES and position in asked for rule, _, position in context.broken
    ):
        return columns
    broken = {row + 1 for _, row, _ in context.broken if row is not None}
    states = zip(columns["row_number"], columns["value_state"], strict=True)
    certain = sum(number not in broken and state != "not_reported" for number, state in states)
    if len(broken) > certain:
        return columns
    context.problems = [
        left_out(found, "value_left_out") if context.is_refusing(found.rule) else found
        for found in context.problems
    ]
    left = [at for at, number in enumerate(columns["row_number"]) if number in broken]
    for name, value in (
        ("value", None), ("value_state", "not_reported"),
        ("reading_note", "the cell could not be read"),
    ):  # fmt: skip
        for at in left:
            columns[name][at] = value
    return columns
