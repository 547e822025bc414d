"""What is due to be deleted, and deleting it.

Belongs here: what of the data folder is older than sources/retention.yml keeps it. Not here: the
periods, or what Dagster and krat serve keep by settings of their own.
"""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from orchestration.erasure.choose import due_records, is_linked
from orchestration.erasure.forget import rebuild
from orchestration.runtime.database import has_warehouse, read_warehouse
from sources.custody import audit
from sources.custody.erasure import Records, erase
from sources.custody.home import Home
from sources.custody.vault import QUARANTINED, kept_in, remove_originals
from sources.retention import RetentionPeriod, periods


@dataclass(frozen=True)
class Due:
    """What is due of one kind: how many, and the first day that is still kept."""

    period: RetentionPeriod
    count: int
    kept_since: date


@dataclass(frozen=True)
class _Found:
    records: Records
    contacts: Records
    originals: frozenset[str]
    refused: frozenset[str]

    def counts(self) -> dict[str, int]:
        return {
            "records": len(self.records.cases | self.records.persons),
            "contacts": len(self.contacts.contacts),
            "originals": len(self.originals),
            "refused_originals": len(self.refused),
        }


def due(home: Home, today: date) -> list[Due]:
    """Return what is due on a day, a row each period, also where it is nothing.

    Records are counted in pseudonyms of persons and cases, the others in contacts and files.
    """
    return _due(_find(home, today), today)


def delete_due(home: Home, today: date) -> list[Due]:
    """Delete what is due, and return it. The audit log has an entry if anything was.

    The home's writer must be held. Raises OSError when a file can't be written, BuildFailed when
    the warehouse can't be built.
    """
    found = _find(home, today)
    listed = _due(found, today)
    if not any(one.count for one in listed):
        return listed
    remove_originals(home, found.originals | found.refused)
    records = found.records | found.contacts
    if records.all:
        erase(home, records)
        rebuild(home)
    told = ", ".join(f"{one.period.id} {one.count}" for one in listed if one.count)
    audit.append(home, "retention", "deleted", f"{today:%Y-%m-%d}", outcome=told)
    return listed


def _due(found: _Found, today: date) -> list[Due]:
    counts = found.counts()
    return [
        Due(period, counts[name], period.kept_since(today)) for name, period in periods().items()
    ]


def _find(home: Home, today: date) -> _Found:
    since = {name: period.kept_since(today) for name, period in periods().items()}
    records = contacts = Records()
    if has_warehouse(home):
        with read_warehouse(home) as connection:
            # A refresh that broke off may have left it without links: the next one makes them.
            if is_linked(connection):
                both = due_records(connection, since["records"], since["contacts"])
                records = Records(persons=both.persons, cases=both.cases)
                contacts = Records(contacts=both.contacts)
    return _Found(
        records,
        contacts,
        frozenset(_vaulted(home, since["originals"])),
        frozenset(
            path.parent.name
            for path in home.quarantine.glob(f"*/*/{QUARANTINED}")
            if _stored_on(path) < since["refused_originals"]
        ),
    )


def _vaulted(home: Home, since: date) -> Iterator[str]:
    """Yield the deliveries whose originals were stored before a day."""
    for path in home.vault.glob("*.zip"):
        if _stored_on(path) < since:
            with zipfile.ZipFile(path) as archive:
                yield from (name.removesuffix(".age") for name in kept_in(archive))


def _stored_on(path: Path) -> date:
    # Not when the file arrived: an office brings in years that are long over.
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
