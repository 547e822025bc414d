"""Findings and values as the reading copy holds them, for a person to decide on.

Belongs here: finding what a decision is about. Not here: entering a decision
(sources.custody.decisions).
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from sources.custody.decisions import NotDecided
from sources.custody.home import Home

#: States in which a finding still asks for something.
UNSETTLED = ("open", "sent", "answered")


@dataclass(frozen=True)
class ListedFinding:
    """A finding as a list shows it: codes, place, words and state, nothing of a record."""

    finding_id: str
    county_code: str | None
    institution_code: str | None
    month: date | None
    rule: str
    severity: str
    mended_by: str
    state: str
    place: str
    message_sq: str
    message_en: str
    waived_until: date | None


def findings(
    home: Home,
    *,
    county_code: str | None = None,
    month: date | None = None,
    institution_code: str | None = None,
    rule: str | None = None,
    states: tuple[str, ...] = UNSETTLED,
) -> list[ListedFinding]:
    """Return the findings that fit, worst first; None fits any."""
    return _findings(
        home,
        "list_contains(?, state) and county_code is not distinct from coalesce(?, county_code) "
        "and reporting_month is not distinct from coalesce(?, reporting_month) "
        "and institution_code is not distinct from coalesce(?, institution_code) "
        "and rule = coalesce(?, rule)",
        [list(states), county_code, month, institution_code, rule],
    )


def one_finding(home: Home, start_of_id: str) -> ListedFinding:
    """Return the one finding whose id starts so. Raises NotDecided for none or several."""
    if len(start_of_id) < 6:
        raise NotDecided("write at least the first six characters of the finding's id.")
    found = _findings(home, "starts_with(finding_id, ?)", [start_of_id.lower()])
    if len(found) != 1:
        raise NotDecided(
            f"{len(found) or 'no'} findings have an id that starts with {start_of_id!r}: "
            "see krat findings list."
        )
    return found[0]


def reported_value(
    home: Home, institution_code: str, indicator_code: str, month: date, category: str
) -> tuple[str, float | None, str]:
    """Return the county, value and state of what an institution reports now, before corrections.

    Raises NotDecided where it reports no such line.
    """
    rows = _rows(
        home,
        "select county_code, value, value_state from core.fct_actuals where institution_code = ? "
        "and indicator_code = ? and reporting_month = ? and category = ? and frequency = 'month' "
        "and correction_id is null order by version desc, row_number desc limit 1",
        [institution_code, indicator_code, month, category],
    )
    if not rows:
        raise NotDecided(
            f"{institution_code} reported no {indicator_code} ({category}) for {month:%Y-%m}: "
            "only what was reported can be corrected."
        )
    county_code, value, state = rows[0]
    return county_code, value, state


def _findings(home: Home, condition: str, parameters: list[Any]) -> list[ListedFinding]:
    rows = _rows(
        home,
        "select finding_id, county_code, institution_code, reporting_month, rule, severity, "
        "mended_by, state, concat_ws(', ', sheet, coalesce(cell, cast(row_number as varchar))), "
        f"message_sq, message_en, waived_until from quality.findings where {condition} "
        "order by array_position(['blocks', 'warns', 'informs'], severity), county_code, "
        "reporting_month, institution_code, rule, finding_id",
        parameters,
    )
    return [ListedFinding(*row) for row in rows]


def _rows(home: Home, query: str, parameters: list[Any]) -> list[Any]:
    with duckdb.connect(str(home.marts), read_only=True) as connection:
        return connection.execute(query, parameters).fetchall()
