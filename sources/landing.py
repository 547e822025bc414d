"""Raw tables: what was read, kept as typed Parquet, and the originals, sealed.

Belongs here: the raw schemas and how a batch is written whole. Not here: reading files
(sources.reading) or loading the warehouse (orchestration).
"""

import hashlib
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sources.home import Home
from sources.problems import MAX_PLACES, Problem
from sources.reading import Reading
from sources.vault import seal


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
        **_stated("municipality_code"),
        **_stated("border_point"),
        **_stated("referring_organisation"),
        **_stated("referred_organisation"),
        **_stated("support_type"),
        **_stated("detail"),
        **_stated("case_status"),
        **_stated("closing_reason"),
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
}


def store_batch(home: Home, readings: Iterable[Reading]) -> None:
    """Keep what was read: originals sealed, rows as one Parquet file a raw table.

    The batch's deliveries are written last. Until then the batch is unfinished: none of its files
    counts as known, and the next call removes what it left. One process stores at a time. Raises
    pyarrow.ArrowInvalid or ArrowTypeError when a row does not fit its table, OSError when a disk
    doesn't take the files; nothing of the batch is then known.
    """
    batch_readings = list(readings)
    if not batch_readings:
        return
    _remove_unfinished(home)
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in SCHEMAS}
    for reading in batch_readings:
        rows["deliveries"].append(reading.delivery)
        if reading.table is not None:
            rows[reading.table].extend(reading.rows)
        rows["door_findings"].extend(_finding(reading, found) for found in reading.problems)
    typed = {
        table: pa.Table.from_pylist(found, schema=SCHEMAS[table])
        for table, found in rows.items()
        if found
    }
    for reading in batch_readings:
        _keep_original(home, reading)
    ids = sorted(reading.delivery["content_hash"] for reading in batch_readings)
    batch = hashlib.sha256("\n".join(ids).encode()).hexdigest()[:16]
    for table in [*sorted(typed.keys() - {"deliveries"}), "deliveries"]:
        sink = pa.BufferOutputStream()
        pq.write_table(typed[table], sink)
        _write(home.raw / table / f"{batch}.parquet", sink.getvalue().to_pybytes())


def known_hashes(home: Home) -> set[str]:
    """Return the SHA-256 hex digest of every file stored so far, accepted or refused."""
    known: set[str] = set()
    for path in (home.raw / "deliveries").glob("*.parquet"):
        known.update(pq.read_table(path, columns=["content_hash"])["content_hash"].to_pylist())
    return known


def _finding(reading: Reading, found: Problem) -> dict[str, Any]:
    delivery = reading.delivery
    return {
        **asdict(found),
        "delivery_id": delivery["delivery_id"],
        "county_code": delivery["county_code"],
        "institution_code": delivery["institution_code"],
        "reporting_month": delivery["reporting_month"],
        "found_at": delivery["received_at"],
    }


def _keep_original(home: Home, reading: Reading) -> None:
    delivery = reading.delivery
    sealed = seal(reading.original, home)
    if delivery["status"] == "accepted":
        _write(home.vault / f"{delivery['delivery_id']}.sealed", sealed)
        return
    folder = home.quarantine / (delivery["county_code"] or "unknown") / delivery["delivery_id"]
    _write(folder / "original.sealed", sealed)
    _write(folder / "reason.txt", _reason(reading).encode())
    content = {"delivery": delivery, "problems": [asdict(found) for found in reading.problems]}
    _write(
        folder / "reason.json",
        (json.dumps(content, default=str, ensure_ascii=False, indent=2) + "\n").encode(),
    )


def _reason(reading: Reading) -> str:
    """Return the reasons for a refusal, Albanian then English, for the sender to act on."""
    sq = [
        "Skedari nuk u pranua. Ndreqni sa më poshtë dhe dërgojeni përsëri.",
        f"Për çdo lloj gabimi tregohen më së shumti {MAX_PLACES} vende.",
        "",
    ]
    en = [
        "The file was refused. Mend what follows and send it again.",
        f"At most {MAX_PLACES} places are shown for each kind of fault.",
        "",
    ]
    for found in reading.problems:
        sq.append(f"- {found.told('sq')}")
        en.append(f"- {found.told('en')}")
    return "\n".join([*sq, "", *en, ""])


def _remove_unfinished(home: Home) -> None:
    finished = {path.name for path in (home.raw / "deliveries").glob("*.parquet")}
    for table in SCHEMAS:
        for path in (home.raw / table).glob("*.parquet"):
            if path.name not in finished:
                path.unlink()


def _write(path: Path, content: bytes) -> None:
    """Write a file so that it is either whole under its name or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
