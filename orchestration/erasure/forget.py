"""A person's right to erasure: everything that a pseudonym is linked with goes.

Belongs here: the order of an erasure, and what it tells. Not here: which records
(orchestration.erasure.choose), or taking them out (sources.custody.erasure).

Releases are counts and stay. What is computed from now on, also for months and editions that are
not public yet, is without the person.
"""

import hashlib
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from orchestration.erasure.choose import NobodyToErase, linked_records
from orchestration.erasure.sweep import sweep
from orchestration.linkage.link import link_persons
from orchestration.runtime.clock import today
from orchestration.runtime.database import read_warehouse, tidy_warehouse
from orchestration.warehouse.build import build_warehouse
from orchestration.warehouse.load import load_raw
from sources.custody import audit
from sources.custody.erasure import Erased, erase, forgotten, note_forgotten
from sources.custody.home import Home
from sources.custody.rekeying import finish_rotations
from sources.custody.warehouse_key import remove_warehouse
from sources.retention import LegalException, exceptions


class NotErased(ValueError):
    """An erasure was not asked for rightly: no reason, no such exception, no pseudonym."""


@dataclass(frozen=True)
class Erasure:
    """What an erasure did."""

    erased: Erased
    #: Files of the data folder that still hold a pseudonym of it; none when all went well.
    traces: tuple[str, ...]


def forget(
    home: Home,
    pseudonym: str,
    reason: str,
    report: Callable[[str], None] = lambda _: None,
) -> Erasure:
    """Erase all that a pseudonym is linked with; make the warehouse anew, and search for traces.

    `pseudonym` is that of a person's code, of a case, or of a contact of the hotline. Broken off,
    it is completed by the same call, and its rows by the next refresh too. The home's writer must
    be held. Raises NotErased, NobodyToErase where nothing is kept of it, OSError when a file can't
    be written, BuildFailed when the warehouse can't be built.
    """
    subject = _subject(pseudonym, reason)
    finish_rotations(home)
    listed = forgotten(home)
    # What was taken in since the last refresh may tell of the person too.
    _load(home)
    try:
        with read_warehouse(home) as connection:
            records = linked_records(connection, pseudonym)
        note_forgotten(home, records)
    except NobodyToErase:
        if pseudonym not in listed.all:
            raise
        records = listed
    audit.append(home, "erasure", "begun", subject, reason)
    report("erasing")
    erased = erase(home, records)
    _remove_slips(home)
    report("making the warehouse anew")
    rebuild(home)
    report("searching for traces")
    traces = sweep(home, records.all | erased.identities)
    outcome = f"{erased.rows} rows, {erased.originals} originals; traces in {len(traces)} files"
    audit.append(home, "erasure", "done", subject, reason, outcome)
    return Erasure(erased, tuple(traces))


def refuse(home: Home, pseudonym: str, reason: str, exception: str) -> LegalException:
    """Enter in the audit log that an erasure was refused, and on which ground; erase nothing.

    Raises NotErased where retention.yml has no such ground.
    """
    subject = _subject(pseudonym, reason)
    grounds = exceptions("refuses")
    if exception not in grounds:
        raise NotErased(f"{exception!r} is no ground to refuse: {', '.join(grounds)}.")
    ground = grounds[exception]
    audit.append(home, "erasure", "refused", subject, reason, f"{exception} ({ground.basis})")
    return ground


def rebuild(home: Home) -> None:
    """Make the warehouse anew from the raw tables: an old file keeps deleted rows in its blocks."""
    remove_warehouse(home)
    _load(home)
    build_warehouse(home)
    # A lake keeps what it held before for those who still read it; not this.
    tidy_warehouse(home, at_once=True)


def _load(home: Home) -> None:
    load_raw(home, today())
    link_persons(home)


def _subject(pseudonym: str, reason: str) -> str:
    """Return what the audit log calls the person: whoever asks again can be found, nobody else."""
    if not re.fullmatch("[0-9a-f]{64}", pseudonym):
        raise NotErased("a pseudonym has 64 hex digits: krat forget --sender asks for a code.")
    if not reason.strip():
        raise NotErased("give the reason: who asked, and when.")
    return hashlib.sha256(pseudonym.encode()).hexdigest()[:16]


def _remove_slips(home: Home) -> None:
    """Remove the slips, which tell of single rows: krat slips makes them anew."""
    shutil.rmtree(home.slips, ignore_errors=True)
