"""What an institution sent before, as its page lists it: by the page and otherwise.

Belongs here: uniting receipts with what a refresh knows of the files. Not here: either of them
(ingestion.receipts, warehouse.receipts), or how the list looks (templates).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from orchestration.ingestion.receipts import sent_receipts
from orchestration.warehouse.receipts import State, fates_of
from sources.custody.home import Home


@dataclass(frozen=True)
class EarlierFile:
    """A file that an institution sent: `number` is that of its receipt, else of the delivery.

    `at` is UTC, `reporting_month` written as 2023-05. Before a refresh knows a file it is waiting
    in the inbox, or being_read.
    """

    number: str
    at: datetime
    layout_id: str | None
    reporting_month: str | None
    row_count: int
    read_count: int
    state: State | Literal["waiting", "being_read"]


def sent_by(home: Home, county_code: str, institution_code: str) -> list[EarlierFile]:
    """Return what one institution sent, the newest first. Raises journal.BrokenJournal."""
    receipts = {
        receipt.number: receipt
        for receipt in sent_receipts(home)
        if (receipt.county_code, receipt.institution_code) == (county_code, institution_code)
    }
    waiting = {path.name.partition(".")[0] for path in (home.inbox / county_code).glob("*.*")}
    sent = []
    for fate in fates_of(home, county_code, institution_code):
        receipt = receipts.pop(fate.receipt_number or "", None)
        month = fate.reporting_month
        sent.append(
            EarlierFile(
                receipt.number if receipt else fate.delivery_id,
                receipt.at if receipt else fate.received_at.replace(tzinfo=UTC),
                fate.layout_id,
                f"{month:%Y-%m}" if month else None,
                fate.row_count,
                fate.read_count,
                fate.state,
            )
        )
    for number, receipt in receipts.items():
        state: Literal["waiting", "being_read"] = "waiting" if number in waiting else "being_read"
        sent.append(
            EarlierFile(
                number, receipt.at, receipt.layout_id, receipt.reporting_month,
                receipt.row_count, receipt.read_count, state,
            )
        )  # fmt: skip
    return sorted(sent, key=lambda each: each.at, reverse=True)
