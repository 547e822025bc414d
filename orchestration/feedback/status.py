"""Who reported how: a month of a county as it stands now, or as it stood on a day.

Belongs here: asking the reading copy. Not here: how it is told (orchestration.commands), or the
mart of it (dbt_project).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from sources.custody.decisions import standing_waivers
from sources.custody.home import Home
from sources.texts import text


@dataclass(frozen=True)
class ReportStatus:
    """How an institution of a county reported in a month; `trend` is None as of a past day.

    `days_late` counts to the first accepted report, None where none came.
    """

    county_code: str
    institution_code: str
    expected: int
    received: int
    on_time: int
    refused: int
    open_findings: int
    waived_findings: int
    days_late: int | None
    trend: str | None


def list_statuses(home: Home, month: date, county_code: str | None = None) -> list[ReportStatus]:
    """Return the rows of marts.reporting_status for a month, of one county or of all."""
    rows = _rows(
        home,
        "select county_code, institution_code, expected, received, on_time, refused, "
        "open_findings, waived_findings, days_late, trend from marts.reporting_status "
        "where reporting_month = $month and county_code = coalesce($county, county_code) "
        "order by all",
        {"month": month, "county": county_code},
    )
    return [ReportStatus(*row) for row in rows]


def list_statuses_as_of(
    home: Home, month: date, day: date, county_code: str | None = None
) -> list[ReportStatus]:
    """Return what could be said on a day, from obligations recorded and files received by then.

    The same day gives the same answer whenever it is asked, as long as registers are edited by
    withdrawing and recording rows. A waiver counts if it was given by the day, stood at its end,
    and held then; also one that was given after the last refresh.
    """
    known = (
        "where reporting_month = $month and county_code = coalesce($county, county_code) "
        "and known_from <= $day and coalesce(known_to > $day, true)"
    )
    parameters: dict[str, object] = {"month": month, "county": county_code, "day": day}
    reports = {
        (county, institution): numbers
        for county, institution, *numbers in _rows(
            home,
            "select county_code, institution_code, expected, received, on_time, refused, "
            f"days_late from core.fct_reports_as_known {known}",
            parameters,
        )
    }
    waivers = standing_waivers(home, day, given_by=day)
    open_findings: Counter[tuple[str, str]] = Counter()
    waived_findings: Counter[tuple[str, str]] = Counter()
    for county, institution, finding_id, asks_for_answer in _rows(
        home,
        "select county_code, institution_code, finding_id, asks_for_answer "
        f"from quality.findings_as_known {known}",
        parameters,
    ):
        is_waived = finding_id in waivers
        waived_findings[county, institution] += is_waived
        open_findings[county, institution] += asks_for_answer and not is_waived
    statuses = []
    for place in sorted(reports.keys() | open_findings.keys()):
        expected, received, on_time, refused, days_late = reports.get(place, [0, 0, 0, 0, None])
        statuses.append(
            ReportStatus(
                county_code=place[0],
                institution_code=place[1],
                expected=expected,
                received=received,
                on_time=on_time,
                refused=refused,
                open_findings=open_findings[place],
                waived_findings=waived_findings[place],
                days_late=days_late,
                trend=None,
            )
        )
    return statuses


def list_lacking_records(
    home: Home, months: Sequence[date], county_code: str | None = None
) -> dict[str, list[str]]:
    """Return in words, by county, which records of months did not come, or not all of them."""
    lacking: dict[str, list[str]] = {}
    for county, source, coverage in _rows(
        home,
        "select county_code, source, if(bool_and(coverage = 'none'), 'none', 'part') "
        "from (unpivot core.fct_record_coverage on hotline, referral "
        "into name source value coverage) where list_contains($months, reporting_month) "
        "and county_code <> 'AL' and county_code = coalesce($county, county_code) "
        "group by county_code, source having bool_or(coverage <> 'whole') order by all",
        {"months": list(months), "county": county_code},
    ):
        key = f"release.lacking.{source}.{coverage}"
        lacking.setdefault(county, []).append(text(key, "en"))
    return lacking


def _rows(home: Home, query: str, parameters: dict[str, object]) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.marts), read_only=True) as connection:
        return connection.execute(query, parameters).fetchall()
