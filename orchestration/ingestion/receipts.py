"""Receipts of files that institutions sent by their page.

Belongs here: the journal of them, which is written before a file lies in the inbox. Not here: what
became of a file, which the warehouse knows (warehouse.receipts).
"""

from dataclasses import dataclass
from datetime import datetime

from filelock import FileLock

from sources.custody import audit, journal
from sources.custody.home import Home

_RECEIPTS = "receipts"


@dataclass(frozen=True)
class Receipt:
    """That a file was sent: `number` is its name in the inbox, `at` is UTC; and what was read.

    `reporting_month` is written as 2023-05. Of `row_count` values or records `read_count` have a
    number.
    """

    number: str
    at: datetime
    county_code: str
    institution_code: str
    layout_id: str | None
    reporting_month: str | None
    row_count: int
    read_count: int


def enter_receipt(home: Home, number: str, **facts: str | int | None) -> Receipt:
    """Enter that a file is about to be put into the inbox, with the rest of a receipt's `facts`."""
    home.decisions.mkdir(parents=True, exist_ok=True)
    # Who sends doesn't wait for a refresh.
    with FileLock(home.decisions / "receipts.lock"):
        return _receipt(audit.enter(home, _RECEIPTS, number=number, **facts))


def sent_receipts(home: Home) -> list[Receipt]:
    """Return all receipts, the oldest first. Raises journal.BrokenJournal."""
    entries = journal.read(audit.journal_path(home, _RECEIPTS))
    return [_receipt(entry) for entry in entries]


def _receipt(entry: dict[str, str]) -> Receipt:
    facts = {name: entry[name] for name in Receipt.__dataclass_fields__ if name != "at"}
    return Receipt(at=datetime.fromisoformat(entry["at"]), **facts)  # type: ignore[arg-type]
