"""The door: every file in the inbox is read, checked, and stored or refused.

Belongs here: the order in which that happens. Not here: how a file is read (sources.reading),
what its rows must satisfy (expectations), or how rows are kept (sources.custody.landing).
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd

from expectations.validate import validate
from sources.custody.arrivals import (
    STAYING,
    Arrival,
    remove,
    remove_empty_folders,
    settled,
    waiting,
)
from sources.custody.home import Home
from sources.custody.isolation import IsolatedReader, Known
from sources.custody.landing import Repeat, joined, store_batch
from sources.custody.rekeying import finish_rotations
from sources.custody.repeats import Contents, stored_contents
from sources.custody.version import write_version
from sources.problems import Problem, problem, worst_first
from sources.reading import Reading
from sources.registers import Registers

#: Rows, with files and problems counted as rows, that are in memory before they are checked and
#: stored. With more, the disk idles while files are read; with fewer, suites are asked too often.
_BATCH_ROWS = 16_000

#: Fewer files than this aren't worth a second process to read them.
_FILES_A_PROCESS = 200


@dataclass(frozen=True)
class Intake:
    """What one pass over the inbox did, in files; `left` are those still being written."""

    accepted: int = 0
    refused: int = 0
    known: int = 0
    left: int = 0

    @property
    def seen(self) -> int:
        """Files found in the inbox."""
        return self.accepted + self.refused + self.known + self.left


def take_in(home: Home, registers: Registers) -> Intake:
    """Read, check and store every whole file; a file that is stored leaves the inbox.

    The same content twice changes nothing but a finding. What is refused goes to quarantine with
    its reason. Of folders only those of counties stay. Files are stored in batches: one that breaks
    off leaves those before it stored. Raises OtherVersion for a folder that another krat wrote.
    """
    write_version(home)
    finish_rotations(home)
    shutil.rmtree(home.incoming, ignore_errors=True)
    known = stored_contents(home)
    arrivals = waiting(home)
    whole = settled(arrivals)
    intake = Intake(left=len(arrivals) - len(whole))
    processes = reading_processes(len(whole))
    with (
        # Taking a file away waits for the disk, reading the next ones for the processor.
        ThreadPoolExecutor() as leaving,
        IsolatedReader(registers, home, known, processes) as reader,
    ):
        for batch in _batches(reader, whole):
            intake, done = _stored(home, registers, batch, known, intake)
            leaving.map(_take_out, done)
    remove_empty_folders(home, registers.counties)
    shutil.rmtree(home.incoming, ignore_errors=True)
    return intake


def reading_processes(files: int) -> int:
    """Return how many processes read so many files."""
    return min(os.cpu_count() or 1, 1 + files // _FILES_A_PROCESS)


_Answered = tuple[Arrival, Reading | Known | None]


def _batches(reader: IsolatedReader, arrivals: list[Arrival]) -> Iterator[list[_Answered]]:
    batch: list[_Answered] = []
    rows = 0
    for arrival, answer in reader.read_all(arrivals):
        batch.append((arrival, answer))
        if isinstance(answer, Reading):
            rows += 1 + answer.delivery["row_count"] + len(answer.problems)
        if rows >= _BATCH_ROWS:
            yield batch
            batch, rows = [], 0
    if batch:
        yield batch


def _stored(
    home: Home, registers: Registers, batch: list[_Answered], known: Contents, intake: Intake
) -> tuple[Intake, list[Arrival]]:
    """Check and store a batch; return what was done so far, and the files that are stored."""
    # Processes answer in any order. Of two files with one content the earlier is the report.
    in_order = sorted(batch, key=lambda pair: (pair[0].modified_ns, pair[0].path))
    judged = iter(
        checked([answer for _, answer in in_order if isinstance(answer, Reading)], registers)
    )
    readings: list[Reading] = []
    repeats: list[Repeat] = []
    done: list[Arrival] = []
    for arrival, answer in in_order:
        if answer is None:
            continue
        reading = known.named_apart(next(judged)) if isinstance(answer, Reading) else None
        content = (
            answer.content_hash if isinstance(answer, Known) else answer.delivery["content_hash"]
        )
        county = registers.county_of(arrival.folder)
        status = reading.delivery["status"] if reading else None
        repeated = known.repeated(content, county, arrival.received_at, status)
        if repeated is not None:
            repeats.append(Repeat(repeated, county, arrival.received_at))
        elif reading is not None:
            known.add(reading.delivery)
            readings.append(reading)
            if any(found.rule in STAYING for found in reading.problems):
                continue
        done.append(arrival)
    store_batch(home, readings, repeats)
    refused = sum(reading.delivery["status"] == "refused" for reading in readings)
    intake = Intake(
        accepted=intake.accepted + len(readings) - refused,
        refused=intake.refused + refused,
        known=intake.known + len(repeats),
        left=intake.left + sum(answer is None for _, answer in batch),
    )
    return intake, done


def _take_out(arrival: Arrival) -> None:
    # What is stored and can't be removed is known to the next pass.
    with suppress(OSError):
        remove(arrival)


def read_and_check(
    content: bytes, county_code: str, reader: IsolatedReader, registers: Registers
) -> Reading:
    """Return one file as the door would take it now: read, and held against its suite."""
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    return checked([reader.read(content, county_code, now)], registers)[0]


def checked(readings: Sequence[Reading], registers: Registers) -> list[Reading]:
    """Return the readings; each of which a row fails the suite of its table is refused."""
    failed: dict[str, list[Problem]] = {}
    for table in sorted({reading.table for reading in readings if reading.table}):
        columns = joined(readings, table)
        frame = pd.DataFrame(columns)
        if frame.empty:
            continue
        for check in validate(frame, table, registers):
            # A condition that fails with no row to blame fails for them all.
            everywhere = () if check.success else range(len(frame))
            for position in check.failed_rows or everywhere:
                row = {name: values[position] for name, values in columns.items()}
                failed.setdefault(row["delivery_id"], []).append(
                    problem(
                        check.rule,
                        sheet=row.get("sheet"),
                        cell=row.get("cell"),
                        row_number=row.get("row_number"),
                        sentence="condition_broken",
                        column=check.column,
                    )
                )

    def all_of(reading: Reading) -> list[Problem]:
        found = failed[reading.delivery["delivery_id"]]
        return worst_first([*reading.problems, *found], registers.rules)

    return [
        reading.as_refused(all_of(reading))
        if reading.delivery["delivery_id"] in failed
        else reading
        for reading in readings
    ]
