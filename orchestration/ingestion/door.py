"""The door: every file in the inbox is read, checked, and stored or refused.

Belongs here: the order in which that happens. Not here: how a file is read (sources.reading),
what its rows must satisfy (expectations), or how rows are kept (sources.custody.landing).
"""

import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC
from zoneinfo import ZoneInfo

import pandas as pd

from expectations.validate import validate
from orchestration.ingestion.emptied_reports import EarlierReports, stored_reports
from orchestration.ingestion.receipts import sent_receipts
from orchestration.runtime.loaded import require_raw
from sources.custody import audit
from sources.custody.arrivals import (
    STAYING,
    Arrival,
    in_order,
    remove,
    remove_empty_folders,
    settled,
    waiting,
)
from sources.custody.erasure import erase_forgotten
from sources.custody.home import Home
from sources.custody.isolation import IsolatedReader, Known
from sources.custody.landing import (
    Arrived,
    Repeat,
    forget_left,
    joined,
    remove_unfinished,
    store_batch,
)
from sources.custody.rekeying import finish_rotations, is_rotating
from sources.custody.repeats import Contents, stored_contents
from sources.custody.vault import sealed_text
from sources.custody.version import write_version
from sources.layouts import heading_of
from sources.problems import Problem, problem, worst_first
from sources.reading import Reading
from sources.registers import Registers

#: Rows, with files and problems counted as rows, that are in memory before they are checked and
#: stored. With more, the disk idles while files are read; with fewer, suites are asked too often.
_BATCH_ROWS = 16_000

#: Fewer files than this aren't worth a second process to read them.
_FILES_A_PROCESS = 200

#: Times are told to people as their clocks show them.
_LOCAL = ZoneInfo("Europe/Tirane")


@dataclass(frozen=True)
class Intake:
    """What one pass over the inbox did, in files; `left` are those still being written."""

    accepted: int = 0
    refused: int = 0
    known: int = 0
    left: int = 0
    #: Files by county and the rule that refused them.
    refusals: Counter[tuple[str, str]] = field(default_factory=Counter, compare=False)

    @property
    def seen(self) -> int:
        """Files found in the inbox."""
        return self.accepted + self.refused + self.known + self.left


def take_in(home: Home, registers: Registers, county: str | None = None) -> Intake:
    """Read, check and store every whole file; a file that is stored leaves the inbox.

    The same content twice changes nothing but a finding. What is refused goes to quarantine with
    its reason. Of folders only those of counties stay. Files are stored in batches: one that breaks
    off leaves those before it stored.

    With a county only what lies in its folder is taken in. Others may then take in other counties'
    at the same time, each as `writer_lock.one_county`: no file is written by two, but for the audit
    log, whose entries wait for each other. What is of all counties is left to the next that takes
    in everything: what lies in no county's folder, who was forgotten, and a change of keys that was
    broken off, before which nothing is taken in.

    Raises OtherVersion for a folder that another krat wrote, and RawLost where what was stored
    before is gone.
    """
    write_version(home)
    if county is None:
        require_raw(home)
        finish_rotations(home)
        shutil.rmtree(home.incoming, ignore_errors=True)
    stored = remove_unfinished(home, county)
    known = stored_contents(home)
    earlier = stored_reports(home)
    arrivals = [each for each in waiting(home) if county in (None, each.folder)]
    if county is not None and is_rotating(home):
        return Intake(left=len(arrivals))
    for each in arrivals:
        # Whoever stored it was ended before it was taken out: nobody sent it again.
        if each.seen in stored:
            _take_out(each)
    arrivals = [each for each in arrivals if each.seen not in stored]
    # Each is entered before its file lies in the inbox.
    numbers = frozenset(receipt.number for receipt in sent_receipts(home))
    # A report is held against the one before it.
    whole = in_order(settled(arrivals))
    intake = Intake(left=len(arrivals) - len(whole))
    # Those who take in other counties need processors, too.
    processes = reading_processes(len(whole)) if county is None else 1
    turns = _turns(whole)
    with (
        # Taking a file away waits for the disk, reading the next ones for the processor.
        ThreadPoolExecutor() as leaving,
        IsolatedReader(registers, home, known, processes) as reader,
    ):
        for batch in _batches(reader, whole):
            intake, done = _stored(
                home, registers, batch, turns, known, earlier, numbers, intake, county
            )
            leaving.map(_take_out, done)
    forget_left(home, county)
    if county is None:
        # What comes of a person who was forgotten is erased before anything is made of it.
        erase_forgotten(home)
        remove_empty_folders(home, registers.counties)
        shutil.rmtree(home.incoming, ignore_errors=True)
    if intake.seen > intake.left:
        counts = f"{intake.accepted} accepted, {intake.refused} refused, {intake.known} known"
        audit.append(home, "refresh", "taken_in", county or "inbox", outcome=counts)
    return intake


def _turns(arrivals: list[Arrival]) -> dict[str, int]:
    """Return by their paths which of the files was written before which, from 1 on.

    It is negative where others in its folder have the same time, so that only names tell.
    """
    times = Counter((each.folder, each.modified_ns) for each in arrivals)
    return {
        each.path: -turn if times[each.folder, each.modified_ns] > 1 else turn
        for turn, each in enumerate(in_order(arrivals), start=1)
    }


def reading_processes(files: int) -> int:
    """Return how many processes read so many files."""
    return min(os.cpu_count() or 1, 1 + files // _FILES_A_PROCESS)


_Answered = tuple[Arrival, Reading | Known | None]


def _batches(reader: IsolatedReader, arrivals: list[Arrival]) -> Iterator[list[_Answered]]:
    batch: list[_Answered] = []
    rows = 0
    for arrival, answer in reader.read_all(arrivals):
        # The forms of one archive are stored together: the archive leaves the inbox with them.
        if rows >= _BATCH_ROWS and arrival is not batch[-1][0]:
            yield batch
            batch, rows = [], 0
        batch.append((arrival, answer))
        if isinstance(answer, Reading):
            rows += 1 + answer.delivery["row_count"] + len(answer.problems)
    if batch:
        yield batch


def _stored(
    home: Home,
    registers: Registers,
    batch: list[_Answered],
    turns: dict[str, int],
    known: Contents,
    earlier: EarlierReports,
    numbers: frozenset[str],
    intake: Intake,
    county: str | None,
) -> tuple[Intake, list[Arrival]]:
    """Check and store a batch; return what was done so far, and the files that are stored.

    `turns` says which of the files were written before which (_turns); `numbers` are those of
    receipts, by which files that were sent by the page are named.
    """
    # Processes answer in any order. Of two files with one content the earlier is the report.
    ordered = sorted(batch, key=lambda pair: abs(turns[pair[0].path]))
    judged = iter(
        checked([answer for _, answer in ordered if isinstance(answer, Reading)], registers)
    )
    readings: list[Reading] = []
    repeats: list[Repeat] = []
    receipts: dict[str, str] = {}
    done: list[Arrival] = []
    came: list[Arrived] = []
    for arrival, answer in ordered:
        if answer is None:
            continue
        reading = None
        if isinstance(answer, Reading):
            reading = known.named_apart(earlier.held(next(judged), registers, arrival.name))
        content = (
            answer.content_hash if isinstance(answer, Known) else answer.delivery["content_hash"]
        )
        county = registers.county_of(arrival.folder)
        status = reading.delivery["status"] if reading else None
        repeated = known.repeated(content, county, arrival.received_at, status)
        number = arrival.name.partition(".")[0]
        delivery_id = repeated or (reading and reading.delivery["delivery_id"])
        if number in numbers and delivery_id:
            receipts[number] = delivery_id
        if delivery_id:
            came.append(Arrived(delivery_id, arrival.folder, arrival.name, arrival.modified_ns))
        if repeated is not None:
            repeats.append(Repeat(repeated, county, arrival.received_at))
        elif reading is not None:
            reading = _findable(home, reading, arrival, registers)
            turn = turns[arrival.path]
            reading, is_inferred = known.in_turn(reading, abs(turn), is_tied=turn < 0)
            if is_inferred:
                told = [*reading.problems, problem("order_inferred")]
                reading = replace(reading, problems=worst_first(told, registers.rules))
            known.add(reading.delivery)
            earlier.add(reading)
            readings.append(reading)
            if any(found.rule in STAYING for found in reading.problems):
                continue
        done.append(arrival)
    leaving = list(dict.fromkeys(each.seen for each in done))
    store_batch(home, readings, repeats, receipts, came, county, leaving)
    refusals = Counter(
        (reading.delivery["county_code"] or "unknown", reading.problems[0].rule)
        for reading in readings
        if reading.delivery["status"] == "refused"
    )
    intake = Intake(
        accepted=intake.accepted + len(readings) - refusals.total(),
        refused=intake.refused + refusals.total(),
        known=intake.known + len(repeats),
        left=intake.left + sum(answer is None for _, answer in batch),
        refusals=intake.refusals + refusals,
    )
    return intake, done


def _findable(home: Home, reading: Reading, arrival: Arrival, registers: Registers) -> Reading:
    """Return a refused file with its name, sealed, and if nobody knows its sender, how to find it.

    That is when it came, into which folder, how large it is and of which kind.
    """
    delivery = reading.delivery
    if delivery["status"] != "refused":
        return reading
    sealed = (
        replace(reading, sealed_name=sealed_text(home, arrival.name)) if reading.sealed else reading
    )
    if delivery["institution_code"] is not None:
        return sealed
    received = arrival.received_at.replace(tzinfo=UTC).astimezone(_LOCAL)
    found = problem(
        "sender_unknown",
        received=f"{received:%d.%m.%Y %H:%M}",
        folder=delivery["county_code"] or "-",
        size=f"{arrival.byte_count / 1000:.1f}",
        kind=delivery["file_format"] or "-",
        delivery=delivery["delivery_id"],
    )
    return replace(sealed, problems=worst_first([*reading.problems, found], registers.rules))


def _take_out(arrival: Arrival) -> None:
    # What is stored and can't be removed is known to the next pass.
    with suppress(OSError):
        remove(arrival)


def checked(readings: Sequence[Reading], registers: Registers) -> list[Reading]:
    """Return the readings; each of which a row fails the suite of its table is refused."""
    failed: dict[str, list[Problem]] = {}
    layouts = {each.delivery["delivery_id"]: each.delivery["layout_id"] for each in readings}
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
                        column=heading_of(layouts[row["delivery_id"]], check.column),
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
