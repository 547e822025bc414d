"""Erasing records of persons: their rows, what was found in these rows, and the originals.

Belongs here: which rows pseudonyms name, taking them out of the raw tables, and the list of the
forgotten. Not here: who is linked with whom, or what is made anew then (orchestration.erasure).

The list holds pseudonyms alone, for one thing: what is sent again is erased again. It is a raw
table of its own beside those of landing, so that a rotation of keys reaches it.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sources.custody.home import Home
from sources.custody.vault import remove_originals
from sources.parquet import write_parquet

#: The list of the forgotten, and its columns, each with the purpose of its pseudonyms.
FORGOTTEN = "forgotten"
PURPOSES = {"person_key": "person", "case_key": "case", "contact_key": "contact"}

#: Columns that name another record, by table and what they name: emptied where that is erased.
_REFERENCES = {
    "referral_events": {"former_case_key": "cases", "hotline_case_key": "cases"},
    "hotline_contacts": {"repeat_of_key": "contacts", "duplicate_of_key": "contacts"},
}
_KEYS = ("person_key", "case_key", "contact_key")


@dataclass(frozen=True)
class Records:
    """Pseudonyms of what is erased.

    Of a case goes what is of one of `persons` or of nobody named, so that a person who comes into
    it later stays.
    """

    persons: frozenset[str] = frozenset()
    cases: frozenset[str] = frozenset()
    contacts: frozenset[str] = frozenset()

    @property
    def all(self) -> frozenset[str]:
        """All pseudonyms."""
        return self.persons | self.cases | self.contacts

    def __or__(self, other: "Records") -> "Records":
        """Return both."""
        return Records(
            self.persons | other.persons, self.cases | other.cases, self.contacts | other.contacts
        )


@dataclass(frozen=True)
class Erased:
    """What an erasure took away: rows of records, and originals of the files they came in."""

    rows: int = 0
    originals: int = 0
    #: Pseudonyms of identities that no other record has.
    identities: frozenset[str] = frozenset()


def note_forgotten(home: Home, records: Records) -> None:
    """Enter pseudonyms into the list of the forgotten."""
    rows = [
        dict.fromkeys(PURPOSES) | {column: key}
        for column, keys in zip(
            PURPOSES, (records.persons, records.cases, records.contacts), strict=True
        )
        for key in sorted(keys)
    ]
    schema = pa.schema([(column, pa.string()) for column in PURPOSES])
    path = home.raw / FORGOTTEN / f"{secrets.token_hex(8)}.parquet"
    write_parquet(path, pa.Table.from_pylist(rows, schema=schema))


def forgotten(home: Home) -> Records:
    """Return all that is in the list of the forgotten."""
    found: dict[str, set[str]] = {column: set() for column in PURPOSES}
    for path in (home.raw / FORGOTTEN).glob("*.parquet"):
        for column, values in pq.read_table(path).to_pydict().items():
            found[column] |= set(values) - {None}
    return Records(*(frozenset(found[column]) for column in PURPOSES))


def erase_forgotten(home: Home) -> Erased:
    """Erase what came of those in the list of the forgotten; nothing while it is empty."""
    return erase(home, forgotten(home))


def erase(home: Home, records: Records) -> Erased:
    """Erase records from the raw tables, with what was found in their rows and their originals.

    An original goes as a whole: it can't be opened here, and whoever sent it has it. Originals go
    first and rows last, so that erasing once more completes what was broken off. The home's writer
    must be held. Raises OSError when a file can't be written.
    """
    if not records.all:
        return Erased()
    doomed = list(_doomed(home, records))
    places: set[tuple[str, int]] = set()
    deliveries: set[str] = set()
    identities: set[str] = set()
    for path, is_doomed in doomed:
        gone = pq.read_table(path).filter(is_doomed)
        deliveries |= set(gone["delivery_id"].to_pylist())
        if "row_number" in gone.column_names:
            places |= set(zip(*(gone[name].to_pylist() for name in _PLACE), strict=True))
        for column in _identity_columns(gone):
            identities |= set(gone[column].to_pylist()) - {None}
    originals = remove_originals(home, deliveries)
    for path in [*sorted((home.raw / "door_findings").glob("*.parquet")), home.earlier_findings]:
        if path.exists() and places:
            _take_out(path, places)
    for path, is_doomed in doomed:
        kept = pq.read_table(path).filter(pc.invert(is_doomed))
        write_parquet(path, _without_references(kept, path.parent.name, records))
    for path in sorted((home.raw / "referral_events").glob("*.parquet")):
        kept = pq.read_table(path)
        for column in _identity_columns(kept):
            identities -= set(kept[column].to_pylist())
    return Erased(
        rows=sum(pc.sum(is_doomed).as_py() for _, is_doomed in doomed),
        originals=originals,
        identities=frozenset(identities),
    )


_PLACE = ("delivery_id", "row_number")


def _doomed(home: Home, records: Records) -> Iterator[tuple[Path, pa.ChunkedArray]]:
    """Yield each file of records that holds some of them or names one, with which rows go."""
    for table in ("referral_events", "hotline_contacts", "refused_records"):
        for path in sorted((home.raw / table).glob("*.parquet")):
            names = set(pq.read_schema(path).names)
            references = _REFERENCES.get(table, {})
            keys = pq.read_table(path, columns=[n for n in (*_KEYS, *references) if n in names])
            is_doomed = _is_in(keys, "case_key", records.cases)
            if "person_key" in names:
                of_nobody = pc.is_null(keys["person_key"])
                of_person = _is_in(keys, "person_key", records.persons)
                is_doomed = pc.or_(of_person, pc.and_(is_doomed, of_nobody))
            if "contact_key" in names:
                is_doomed = pc.or_(is_doomed, _is_in(keys, "contact_key", records.contacts))
            refers = [
                _is_in(keys, column, getattr(records, kind))
                for column, kind in references.items()
                if column in names
            ]
            if any(pc.any(mask).as_py() for mask in (is_doomed, *refers)):
                yield path, is_doomed


def _is_in(keys: pa.Table, column: str, values: frozenset[str]) -> pa.ChunkedArray:
    return pc.is_in(keys[column], value_set=pa.array(sorted(values), pa.string()))


def _without_references(rows: pa.Table, table: str, records: Records) -> pa.Table:
    for column, kind in _REFERENCES.get(table, {}).items():
        if column in rows.column_names:
            named = _is_in(rows, column, getattr(records, kind))
            emptied = pc.if_else(named, pa.scalar(None, pa.string()), rows[column])
            rows = rows.set_column(rows.schema.get_field_index(column), column, emptied)
    return rows


def _identity_columns(rows: pa.Table) -> list[str]:
    """Return the columns of pseudonyms of what a person is called, has or was born on."""
    others = {*_KEYS, *(name for names in _REFERENCES.values() for name in names)}
    return [name for name in rows.column_names if name.endswith("_key") and name not in others]


def _take_out(path: Path, places: set[tuple[str, int]]) -> None:
    """Take the findings of rows out of a file."""
    found = pq.read_table(path)
    at = zip(*(found[name].to_pylist() for name in _PLACE), strict=True)
    is_kept = pa.array([place not in places for place in at], pa.bool_())
    if not pc.all(is_kept).as_py():
        write_parquet(path, found.filter(is_kept))
