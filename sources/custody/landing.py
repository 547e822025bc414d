"""Raw tables: what was read, kept as typed Parquet, and the originals, sealed.

Belongs here: the raw schemas and how a batch is written whole. Not here: reading files
(sources.reading) or loading the warehouse (orchestration).
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from sources.atomic import read_json, replace_file, wait_for_disk, write_bytes, write_json
from sources.custody.home import Home
from sources.custody.vault import QUARANTINED, QUARANTINED_NAME, pack, sealed_text
from sources.parquet import write_parquet
from sources.problems import MAX_PLACES, Problem, problem
from sources.reading import Reading
from sources.texts import LANGUAGES, text


def _schema(**types: pa.DataType) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for name, kind in types.items()])


_TEXT = pa.string()
_DAY = pa.date32()
_TIME = pa.timestamp("us")
_WHOLE = pa.int64()


def _stated(name: str, kind: pa.DataType = _TEXT) -> dict[str, pa.DataType]:
    """A column of a record, and beside it that a value was reported or which kind of nothing."""
    return {name: kind, f"{name}_state": _TEXT}


#: Raw tables. Times are without a zone: those of deliveries and findings UTC, those of hotline
#: contacts local as written.
SCHEMAS: dict[str, pa.Schema] = {
    "deliveries": _schema(
        delivery_id=_TEXT,
        content_hash=_TEXT,
        name_key=_TEXT,
        source=_TEXT,
        layout_id=_TEXT,
        code_lists=_TEXT,
        county_code=_TEXT,
        institution_code=_TEXT,
        reporting_month=_DAY,
        received_at=_TIME,
        status=_TEXT,
        file_format=_TEXT,
        byte_count=_WHOLE,
        row_count=_WHOLE,
        sheet=_TEXT,
        record_columns=_TEXT,
        reading_note=_TEXT,
        is_made_up=pa.bool_(),
    ),
    "submission_values": _schema(
        delivery_id=_TEXT,
        sheet=_TEXT,
        cell=_TEXT,
        row_number=_WHOLE,
        county_code=_TEXT,
        institution_code=_TEXT,
        reporting_month=_DAY,
        frequency=_TEXT,
        indicator_code=_TEXT,
        figure_label=_TEXT,
        category=_TEXT,
        value=pa.float64(),
        value_state=_TEXT,
        unit=_TEXT,
        reading_note=_TEXT,
        publication=_TEXT,
    ),
    "hotline_contacts": _schema(
        delivery_id=_TEXT,
        row_number=_WHOLE,
        county_code=_TEXT,
        contact_key=_TEXT,
        channel=_TEXT,
        received_at=_TIME,
        **_stated("caller"),
        purpose=_TEXT,
        **_stated("suspicion_elements", _WHOLE),
        **_stated("exploitation"),
        **_stated("event_county_code"),
        **_stated("municipality_code"),
        **_stated("referred_to"),
        **_stated("accepted_at", _TIME),
        **_stated("outcome"),
        case_key=_TEXT,
        repeat_of_key=_TEXT,
        duplicate_of_key=_TEXT,
    ),
    "referral_events": _schema(
        delivery_id=_TEXT,
        row_number=_WHOLE,
        county_code=_TEXT,
        institution_code=_TEXT,
        case_key=_TEXT,
        former_case_key=_TEXT,
        hotline_case_key=_TEXT,
        person_key=_TEXT,
        personal_number_key=_TEXT,
        given_name_key=_TEXT,
        given_name_sound_key=_TEXT,
        family_name_key=_TEXT,
        family_name_sound_key=_TEXT,
        birth_date_key=_TEXT,
        birth_year_key=_TEXT,
        event=_TEXT,
        event_date=_DAY,
        **_stated("sex"),
        **_stated("age_group"),
        **_stated("deciding_organisation"),
        **_stated("identification_channel"),
        **_stated("exploitation"),
        **_stated("citizenship"),
        **_stated("trafficking_scope"),
        **_stated("residence_county"),
        **_stated("municipality_code"),
        **_stated("border_point"),
        **_stated("referring_organisation"),
        **_stated("referred_organisation"),
        **_stated("support_type"),
        **_stated("detail"),
        **_stated("case_status"),
        **_stated("closing_reason"),
    ),
    "refused_records": _schema(
        delivery_id=_TEXT,
        contact_key=_TEXT,
        case_key=_TEXT,
    ),
    "door_findings": _schema(
        delivery_id=_TEXT,
        rule=_TEXT,
        county_code=_TEXT,
        institution_code=_TEXT,
        reporting_month=_DAY,
        sheet=_TEXT,
        cell=_TEXT,
        row_number=_WHOLE,
        message_sq=_TEXT,
        message_en=_TEXT,
        found_at=_TIME,
    ),
    "receipts": _schema(receipt_number=_TEXT, delivery_id=_TEXT),
}


#: The end of the name of a file that names a batch which is being stored, or whose files are being
#: taken out of the inbox. It holds the states of these files, and is named by county and batch.
_STORING = ".storing"

#: A state of a file, which no other file and no other time has (arrivals).
Seen = tuple[int, ...]


@dataclass(frozen=True)
class Repeat:
    """A file that arrived again: the delivery that holds its content, and where and when."""

    delivery_id: str
    county_code: str | None
    received_at: datetime


@dataclass(frozen=True)
class Arrived:
    """How the file of a delivery came: what its content doesn't tell, and identifies, so sealed."""

    delivery_id: str
    folder: str
    name: str
    modified_ns: int


def store_batch(
    home: Home,
    readings: Sequence[Reading],
    repeats: Sequence[Repeat] = (),
    receipts: Mapping[str, str] = MappingProxyType({}),
    arrivals: Sequence[Arrived] = (),
    county: str | None = None,
    leaving: Sequence[Seen] = (),
) -> None:
    """Keep what was read: sealed originals as one archive, rows as one Parquet file a raw table.

    `receipts` gives the number of a receipt its delivery, new or repeated. `arrivals` tells how
    each file came, in order: sealed, so that the raw tables can be made again of the originals.

    The original of a refused file lies in quarantine, beside its reasons. `leaving` are the states
    of the files that the caller takes out of the inbox then, and says so by `forget_left`.

    The batch's deliveries are written last. Until then the batch is unfinished: none of its files
    counts as known, and the next call removes what it left. When it returns, the disk has all of
    it. One process stores at a time, or one of each `county`. Raises pyarrow.ArrowInvalid or
    ArrowTypeError when a row does not fit its table, OSError when a disk doesn't take the files;
    nothing of the batch is then known.
    """
    if not readings and not repeats:
        return
    remove_unfinished(home, county)
    findings = [door_finding(reading, found) for reading in readings for found in reading.problems]
    findings += [_repeated(repeat) for repeat in repeats]
    typed = {
        table: pa.table(joined(readings, table), schema=SCHEMAS[table])
        for table in {reading.table for reading in readings if reading.table and reading.columns}
    }
    if findings:
        typed["door_findings"] = pa.Table.from_pylist(findings, SCHEMAS["door_findings"])
    if receipts:
        typed["receipts"] = pa.table([list(receipts), list(receipts.values())], SCHEMAS["receipts"])
    refused = [
        {"delivery_id": reading.delivery["delivery_id"], **keys}
        for reading in readings
        for keys in reading.record_keys
    ]
    if refused:
        typed["refused_records"] = pa.Table.from_pylist(refused, SCHEMAS["refused_records"])
    deliveries = pa.Table.from_pylist(
        [reading.delivery for reading in readings], SCHEMAS["deliveries"]
    )
    refused_files = [path for reading in readings for path in _quarantined(home, reading)]
    names = sorted(reading.delivery["delivery_id"] for reading in readings)
    names += sorted(
        f"{repeat.delivery_id} {repeat.county_code} {repeat.received_at}" for repeat in repeats
    )
    batch = hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
    begun = home.raw / f"{county or 'inbox'}.{batch}{_STORING}"
    write_json(begun, leaving)
    originals = {
        reading.delivery["delivery_id"]: reading.sealed
        for reading in readings
        if reading.delivery["status"] == "accepted"
    }
    if originals:
        with replace_file(home.vault / f"{batch}.zip") as fresh:
            pack(fresh, originals)
    if arrivals:
        came = {"stored_at": datetime.now(UTC).isoformat(), "files": [*map(asdict, arrivals)]}
        write_bytes(arrivals_path(home, batch), sealed_text(home, json.dumps(came)))
    for table, rows in sorted(typed.items()):
        _write_table(home, table, batch, rows)
    wait_for_disk(refused_files)
    _write_table(home, "deliveries", batch, deliveries)
    if not leaving:
        begun.unlink()


def arrivals_path(home: Home, batch: str) -> Path:
    """Return where it lies, sealed, how the files of a batch came."""
    return home.vault / f"{batch}.age"


def joined(readings: Iterable[Reading], table: str) -> dict[str, list[Any]]:
    """Return the rows that were read for a raw table as its columns, in the order of the readings.

    A column that a reading's layout lacks is None in its rows.
    """
    parts = [reading.columns for reading in readings if reading.table == table and reading.columns]
    return {
        name: list(
            chain.from_iterable(
                part[name] if name in part else [None] * len(part["delivery_id"]) for part in parts
            )
        )
        for name in SCHEMAS[table].names
    }


def door_finding(reading: Reading, found: Problem) -> dict[str, Any]:
    """Return a problem of a file as a row of door_findings."""
    delivery = reading.delivery
    return {
        **asdict(found),
        "delivery_id": delivery["delivery_id"],
        "county_code": delivery["county_code"],
        "institution_code": delivery["institution_code"],
        "reporting_month": delivery["reporting_month"],
        "found_at": delivery["received_at"],
    }


def _repeated(repeat: Repeat) -> dict[str, Any]:
    return {
        **asdict(problem("duplicate_delivery")),
        "delivery_id": repeat.delivery_id,
        "county_code": repeat.county_code,
        "institution_code": None,
        "reporting_month": None,
        "found_at": repeat.received_at,
    }


def _quarantined(home: Home, reading: Reading) -> Iterator[Path]:
    """Put the sealed original of a refused file into quarantine, with the reasons."""
    delivery = reading.delivery
    if delivery["status"] == "accepted":
        return
    folder = home.quarantine / (delivery["county_code"] or "unknown") / delivery["delivery_id"]
    # Pseudonyms are in the raw tables alone, where a rotation of their keys finds them.
    stated = {name: delivery[name] for name in delivery if name not in ("content_hash", "name_key")}
    content = {"delivery": stated, "problems": [asdict(found) for found in reading.problems]}
    writers: dict[str, Callable[[Path], object]] = {
        "reason.txt": lambda path: path.write_text(_reason(reading), encoding="utf-8"),
        "reason.json": lambda path: path.write_text(
            json.dumps(content, default=str, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
        ),
    }
    if reading.sealed:
        writers[QUARANTINED] = reading.sealed.copy_into
    if name := reading.sealed_name:
        writers[QUARANTINED_NAME] = lambda path: path.write_bytes(name)
    for part, write in writers.items():
        with replace_file(folder / part, wait=False) as fresh:
            write(fresh)
        yield folder / part


def _reason(reading: Reading) -> str:
    """Return the reasons for a refusal, Albanian then English, for the sender to act on."""
    lines = []
    for language in LANGUAGES:
        lines += [
            text("door.refusal.refused", language),
            text("door.refusal.at_most", language, most=MAX_PLACES),
            "",
            *(f"- {found.sentence(language)}" for found in reading.problems),
            "",
        ]
    return "\n".join(lines)


def remove_unfinished(home: Home, county: str | None = None) -> set[Seen]:
    """Remove what a killed run left of a batch that it had begun to store, and of no other.

    With a county only of its own. A batch without its deliveries that nobody had begun is one that
    lost them. Returns the states of files that are stored and were not taken out of the inbox yet.
    """
    left: set[Seen] = set()
    for begun in _begun(home, county):
        batch = begun.name.removesuffix(_STORING).rpartition(".")[2]
        if (home.raw / "deliveries" / f"{batch}.parquet").exists():
            left |= {tuple(seen) for seen in read_json(begun) or []}
            continue
        for path in [
            home.vault / f"{batch}.zip",
            arrivals_path(home, batch),
            *(home.raw / table / f"{batch}.parquet" for table in SCHEMAS),
        ]:
            path.unlink(missing_ok=True)
        begun.unlink()
    return left


def forget_left(home: Home, county: str | None = None) -> None:
    """Note that the files of all batches that were stored are out of the inbox."""
    for begun in _begun(home, county):
        begun.unlink()


def _begun(home: Home, county: str | None) -> Iterator[Path]:
    yield from home.raw.glob(f"{county or '*'}.*{_STORING}")


def _write_table(home: Home, table: str, batch: str, rows: pa.Table) -> None:
    write_parquet(home.raw / table / f"{batch}.parquet", rows)
