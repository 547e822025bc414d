"""The door: every file in the inbox is read, checked, and stored or refused.

Belongs here: the order in which that happens. Not here: how a file is read (sources.reading),
what its rows must satisfy (expectations), or how rows are kept (sources.landing).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from expectations.validate import validate
from sources.home import Home
from sources.isolation import IsolatedReader
from sources.landing import SCHEMAS, known_hashes, store_batch
from sources.reading import Problem, Reading
from sources.registers import Registers
from sources.rekeying import finish_rotations

#: Names that editors and transfer tools give to files that are not whole yet.
UNFINISHED_PREFIXES = (".", "~$")
UNFINISHED_SUFFIXES = (".part", ".tmp", ".crdownload", ".filepart")


@dataclass(frozen=True)
class Intake:
    """What one pass over the inbox did, in files."""

    accepted: int
    refused: int
    known: int

    @property
    def seen(self) -> int:
        """Files found in the inbox."""
        return self.accepted + self.refused + self.known


def waiting_files(home: Home) -> Iterator[tuple[str, Path]]:
    """Yield (county folder, file) for each whole file in the inbox, in a stable order."""
    if not home.inbox.exists():
        return
    for folder in sorted(path for path in home.inbox.iterdir() if path.is_dir()):
        for path in sorted(folder.iterdir()):
            unfinished = path.name.startswith(UNFINISHED_PREFIXES) or path.name.endswith(
                UNFINISHED_SUFFIXES
            )
            if path.is_file() and not path.is_symlink() and not unfinished:
                yield folder.name, path


def take_in(home: Home, registers: Registers) -> Intake:
    """Read, check and store every waiting file; a file that is stored leaves the inbox.

    The same content twice changes nothing. What is refused goes to quarantine with its reason.
    """
    finish_rotations(home)
    known = known_hashes(home)
    readings: list[Reading] = []
    done: list[Path] = []
    repeats = 0
    with IsolatedReader(registers, home.keys) as reader:
        for county_code, path in waiting_files(home):
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            done.append(path)
            if digest in known:
                repeats += 1
                continue
            known.add(digest)
            readings.append(reader.read(content, county_code, _received_at(path)))
    readings = _checked(readings, registers)
    if readings:
        store_batch(home, readings)
    for path in done:
        path.unlink()
    refused = sum(reading.delivery["status"] == "refused" for reading in readings)
    return Intake(accepted=len(readings) - refused, refused=refused, known=repeats)


def read_and_check(
    content: bytes, county_code: str, reader: IsolatedReader, registers: Registers
) -> Reading:
    """Return one file as the door would take it now: read, and held against its suite."""
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    return _checked([reader.read(content, county_code, now)], registers)[0]


def _received_at(path: Path) -> datetime:
    """When the file was last written in the inbox: UTC without a zone, never later than now."""
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return min(written, datetime.now(UTC)).replace(tzinfo=None, microsecond=0)


def _checked(readings: list[Reading], registers: Registers) -> list[Reading]:
    """Refuse each delivery of which a row fails the suite of its table."""
    failed: dict[str, list[Problem]] = {}
    for table in sorted({reading.table for reading in readings if reading.table and reading.rows}):
        rows = [row for reading in readings if reading.table == table for row in reading.rows]
        frame = pd.DataFrame(rows, columns=SCHEMAS[table].names)
        for check in validate(frame, table, registers):
            # A condition that fails with no row to blame fails for them all.
            everywhere = () if check.success else range(len(rows))
            for position in check.failed_rows or everywhere:
                row = rows[position]
                failed.setdefault(row["delivery_id"], []).append(
                    Problem(
                        rule=check.rule,
                        sheet=row.get("sheet"),
                        cell=row.get("cell"),
                        row_number=row.get("row_number"),
                        message_sq=f"Rreshti nuk plotëson kushtin për kolonën {check.column}.",
                        message_en=f"The row breaks the condition on column {check.column}.",
                    )
                )
    return [
        replace(
            reading,
            delivery={**reading.delivery, "status": "refused", "row_count": 0},
            rows=[],
            problems=[*reading.problems, *failed[reading.delivery["delivery_id"]]],
        )
        if reading.delivery["delivery_id"] in failed
        else reading
        for reading in readings
    ]
