"""Whether a month is provisional or final, and what opens a final one again.

Belongs here: the day from which a month is final, and reopenings. Not here: the calendar
(dbt_project/seeds/reporting_calendar.csv), or how a decision is kept (sources.custody.decisions).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from orchestration.products.tree import ReleaseFolder, facts_of
from sources.custody.decisions import reopenings
from sources.custody.home import Home
from sources.datafiles import read_yaml
from sources.registers import NATION
from sources.texts import both


class MonthIsFinal(RuntimeError):
    """The numbers of a final month would change, and nobody reopened it."""


@dataclass(frozen=True)
class Finality:
    """Whether a month is provisional or final on the day of its release, or neither (None)."""

    status: str | None
    final_on: date | None


def calendar_final_on(connection: duckdb.DuckDBPyConnection, month: date) -> date:
    """Return the day in the reporting calendar from which the month is final."""
    row = connection.execute(
        "select final_on from core.dim_months where month = ?", [month]
    ).fetchone()
    return row[0] if row else date.max


def is_bound_by(is_made_up: bool, earlier: dict[str, Any]) -> bool:
    """Return whether a release follows one with the facts `earlier`: real ones no made-up ones."""
    return is_made_up or not earlier["is_made_up"]


def finality(
    folder: ReleaseFolder, final_on: date | None, released_on: date, is_made_up: bool
) -> Finality:
    """Return whether a month is final: never before its readers had time to see it.

    Where no day is set, it is neither provisional nor final.
    """
    if final_on is None:
        return Finality(status=None, final_on=None)
    first = released_on
    for number in folder.numbers():
        facts = facts_of(folder.folder / f"r{number}")
        if is_bound_by(is_made_up, facts):
            first = date.fromisoformat(facts["released_on"])
            break
    later = max(final_on, first + timedelta(days=_days_after_first_release()))
    return Finality(status="final" if released_on >= later else "provisional", final_on=later)


def reopening(home: Home, folder: ReleaseFolder) -> dict[str, Any] | None:
    """Return the newest reopening of a month that no release has used yet, or None.

    What reopens a county's month reopens the nation's, which is its sum.
    """
    used = {
        facts_of(folder.folder / f"r{number}").get("reopened", {}).get("entry")
        for number in folder.numbers()
    }
    for entry in reversed(reopenings(home)):
        if entry["reporting_month"] != folder.month or entry["hash"] in used:
            continue
        if folder.county_code in (entry["county_code"], NATION):
            return {
                "entry": entry["hash"],
                "county_code": entry["county_code"],
                "at": entry["at"],
                "by": entry["by"],
                "reason": entry["reason"],
            }
    return None


def reopening_text(reopened: dict[str, Any]) -> str:
    """Return why a month was reopened and by whom; in the public tier, on which day.

    What people wrote may hold more than is public.
    """
    if "reason" in reopened:
        return f"{reopened['reason']} ({reopened['by']})"
    return f"{both('release.reopened_on')} {reopened['at'][:10]}"


@cache
def _days_after_first_release() -> int:
    content = read_yaml(Path(__file__).with_name("finality.yml"))
    return int(content["days_after_first_release"]["days"])
