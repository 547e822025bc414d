"""What people decided about findings and numbers, entered in journals and read back as data.

Belongs here: which decisions there are, what an entry must say, and how the entries become the raw
tables that dbt reads. Not here: how an entry is kept (sources.custody.journal), or what follows
from a decision (dbt_project).
"""

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from sources.custody import audit, journal
from sources.custody.home import Home

#: The journals, by their names in the audit log.
FINDINGS, CORRECTIONS, REOPENINGS = "findings", "corrections", "reopened"

_TEXT = pa.string()
_TIME = pa.timestamp("us")

#: Raw tables of decisions. Times are UTC without a zone.
SCHEMAS: dict[str, pa.Schema] = {
    "finding_decisions": pa.schema(
        [
            ("entry_number", pa.int64()),
            ("finding_id", _TEXT),
            ("decision", _TEXT),
            ("decided_at", _TIME),
            ("decided_by", _TEXT),
            ("reason", _TEXT),
            ("holds_until", pa.date32()),
        ]
    ),
    "corrections": pa.schema(
        [
            ("correction_id", _TEXT),
            ("county_code", _TEXT),
            ("institution_code", _TEXT),
            ("indicator_code", _TEXT),
            ("reporting_month", pa.date32()),
            ("category", _TEXT),
            ("expected_value", pa.float64()),
            ("expected_state", _TEXT),
            ("corrected_value", pa.float64()),
            ("corrected_state", _TEXT),
            ("reason", _TEXT),
            ("corrected_by", _TEXT),
            ("corrected_at", _TIME),
            ("withdrawn_at", _TIME),
        ]
    ),
}


class NotDecided(ValueError):
    """A decision was refused: it lacks a reason, says too much, or contradicts another."""


def finding_decisions(home: Home) -> pa.Table:
    """Return the decisions on findings, one row a finding and entry, in the order of entry."""
    rows = [
        {
            "entry_number": number,
            "finding_id": finding_id,
            "decision": entry["decision"],
            "decided_at": _moment(entry),
            "decided_by": entry.get("by"),
            "reason": entry.get("reason"),
            "holds_until": _day(entry.get("until")),
        }
        for number, entry in enumerate(journal.read(_findings(home)), start=1)
        for finding_id in entry["finding_ids"]
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMAS["finding_decisions"])


def standing_waivers(home: Home, as_of: date, *, given_by: date = date.max) -> set[str]:
    """Return the findings whose waiver holds on a day: given, not withdrawn, not lapsed.

    What was decided after the day `given_by` is left out.
    """
    last = {
        row["finding_id"]: row
        for row in finding_decisions(home).to_pylist()
        if row["decision"] in ("waived", "waiver_withdrawn")
        and row["decided_at"].date() <= given_by
    }
    return {
        finding_id
        for finding_id, row in last.items()
        if row["decision"] == "waived" and row["holds_until"] >= as_of
    }


def tell_sent(home: Home, finding_ids: list[str]) -> None:
    """Enter that findings were written into a slip, once a day; nothing where there are none."""
    today = datetime.now(UTC).date()
    told = {
        row["finding_id"]
        for row in finding_decisions(home).to_pylist()
        if row["decision"] == "sent" and row["decided_at"].date() == today
    }
    if fresh := sorted(set(finding_ids) - told):
        audit.enter(home, FINDINGS, decision="sent", finding_ids=fresh)


def answer(home: Home, finding_id: str, by: str, reason: str) -> None:
    """Enter what an institution or committee answered. Raises NotDecided for an unfit reason."""
    audit.enter(
        home,
        FINDINGS,
        decision="answered",
        finding_ids=[finding_id],
        by=_fit(by),
        reason=_fit(reason),
    )


def waive(home: Home, finding_id: str, by: str, reason: str, until: date, today: date) -> None:
    """Enter that a finding is waived up to and including the day `until`.

    Raises NotDecided for an unfit reason, or when the waiver would have lapsed already.
    """
    if until < today:
        raise NotDecided(f"a waiver until {until} has lapsed already: give a later month.")
    audit.enter(
        home,
        FINDINGS,
        decision="waived",
        finding_ids=[finding_id],
        by=_fit(by),
        reason=_fit(reason),
        until=until.isoformat(),
    )


def withdraw_waiver(home: Home, finding_id: str, by: str, reason: str, today: date) -> None:
    """Enter that a waiver holds no more. Raises NotDecided when none stands."""
    if finding_id not in standing_waivers(home, today):
        raise NotDecided(f"no waiver of {finding_id} stands.")
    audit.enter(
        home,
        FINDINGS,
        decision="waiver_withdrawn",
        finding_ids=[finding_id],
        by=_fit(by),
        reason=_fit(reason),
    )


def corrections(home: Home) -> pa.Table:
    """Return the register of corrections, one row each, withdrawn ones with the time of it."""
    rows: dict[str, dict[str, Any]] = {}
    for entry in journal.read(_corrections(home)):
        if entry["decision"] == "corrected":
            rows[entry["correction_id"]] = {
                **{name: entry.get(name) for name in SCHEMAS["corrections"].names},
                "reporting_month": _day(entry["reporting_month"]),
                "corrected_by": entry["by"],
                "corrected_at": _moment(entry),
                "withdrawn_at": None,
            }
        else:
            rows[entry["correction_id"]]["withdrawn_at"] = _moment(entry)
    return pa.Table.from_pylist(list(rows.values()), schema=SCHEMAS["corrections"])


def correct(
    home: Home,
    *,
    county_code: str,
    institution_code: str,
    indicator_code: str,
    reporting_month: date,
    category: str,
    expected: tuple[float | None, str],
    corrected: tuple[float | None, str],
    by: str,
    reason: str,
) -> str:
    """Enter a correction of one reported value; return its id.

    `expected` and `corrected` are a value and its state; the correction holds only while the report
    says `expected`. Raises NotDecided for an unfit reason, a correction that changes nothing, or a
    line that has a standing correction.
    """
    if expected == corrected:
        raise NotDecided("the corrected value is the reported one: there is nothing to correct.")
    line = {
        "county_code": county_code,
        "institution_code": institution_code,
        "indicator_code": indicator_code,
        "reporting_month": reporting_month,
        "category": category,
    }
    for row in corrections(home).to_pylist():
        if row["withdrawn_at"] is None and line.items() <= row.items():
            raise NotDecided(
                f"correction {row['correction_id']} of this value stands: withdraw it first."
            )
    number = len(journal.read(_corrections(home)))
    named = "|".join([*map(str, line.values()), str(number)])
    correction_id = hashlib.sha256(named.encode()).hexdigest()[:8]
    audit.enter(
        home,
        CORRECTIONS,
        decision="corrected",
        correction_id=correction_id,
        **{**line, "reporting_month": reporting_month.isoformat()},
        expected_value=expected[0],
        expected_state=expected[1],
        corrected_value=corrected[0],
        corrected_state=corrected[1],
        by=_fit(by),
        reason=_fit(reason),
    )
    return correction_id


def withdraw_correction(home: Home, correction_id: str, by: str, reason: str) -> None:
    """Enter that a correction holds no more. Raises NotDecided when none of that id stands."""
    if not any(
        row["correction_id"] == correction_id and row["withdrawn_at"] is None
        for row in corrections(home).to_pylist()
    ):
        raise NotDecided(f"no correction {correction_id} stands: see krat corrections list.")
    audit.enter(
        home,
        CORRECTIONS,
        decision="withdrawn",
        correction_id=correction_id,
        by=_fit(by),
        reason=_fit(reason),
    )


def reopenings(home: Home) -> list[dict[str, Any]]:
    """Return the entries that opened a final month again, in their order."""
    return journal.read(_reopenings(home))


def reopen(home: Home, county_code: str, month: date, by: str, reason: str) -> None:
    """Enter that a final month may be released once more. Raises NotDecided for an unfit reason."""
    audit.enter(
        home,
        REOPENINGS,
        decision="reopened",
        county_code=county_code,
        reporting_month=f"{month:%Y-%m}",
        by=_fit(by),
        reason=_fit(reason),
    )


def _fit(text: str) -> str:
    """Return a reason or an author as it may be kept and published."""
    try:
        return journal.fit(text)
    except journal.UnfitText as unfit:
        raise NotDecided(str(unfit)) from None


def _moment(entry: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(entry["at"]).replace(tzinfo=None)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _findings(home: Home) -> Path:
    return audit.journal_path(home, FINDINGS)


def _corrections(home: Home) -> Path:
    return audit.journal_path(home, CORRECTIONS)


def _reopenings(home: Home) -> Path:
    return audit.journal_path(home, REOPENINGS)
