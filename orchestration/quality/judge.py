"""The verdict of each county and month: suites over the marts, dbt's tests, blocking findings.

Belongs here: gathering what the gate decides on. Not here: the decision (expectations.gate).
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pandas as pd

from expectations.gate import GateRecord, content_hash, decide, write_record
from expectations.suites import suite_hash
from expectations.validate import Check, validate
from orchestration.publication.marts import month_frames, published_marts
from sources.home import Home
from sources.registers import Registers


@dataclass(frozen=True)
class Scope:
    """What is judged and published together: a county (or the nation) and a month."""

    county_code: str
    month: date


def counties_with_reports(home: Home) -> list[str]:
    """Return, in order, the nation and the counties that owe or sent reports, logs or records."""
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        rows = connection.execute(
            "select county_code from core.fct_submissions union "
            "select county_code from core.fct_actuals union "
            "select county_code from marts.hotline_activity union "
            "select county_code from marts.referral_flow union select 'AL' order by all"
        ).fetchall()
    return [str(row[0]) for row in rows]


def judge(home: Home, scopes: list[Scope], registers: Registers) -> list[GateRecord]:
    """Write and return one gate record a scope, over the warehouse as it now stands."""
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        failed_tests = connection.execute(
            "select node, county_code, reporting_month from ops.failed_tests order by all"
        ).fetchall()
        months = sorted({scope.month for scope in scopes})
        frames = {
            mart.name: connection.execute(
                f"select * from {mart.schema}.{mart.name} "
                "where list_contains(?, reporting_month) order by all",
                [months],
            ).df()
            for mart in published_marts()
            if mart.schema == "marts"
        }
        checks = {name: validate(frame, name, registers) for name, frame in frames.items()}
        records = []
        for scope in scopes:
            content = month_frames(connection, scope.county_code, scope.month)
            record = decide(
                county_code=scope.county_code,
                reporting_month=scope.month,
                content_hash=content_hash(content),
                suites_hash=suite_hash(),
                checks=[
                    _within(check, frames[name], scope)
                    for name, found in checks.items()
                    for check in found
                ],
                failed_tests=_failed_within(failed_tests, scope),
                findings=content["findings"],
                is_made_up=any(
                    bool(frame["is_made_up"].any())
                    for frame in content.values()
                    if "is_made_up" in frame
                ),
            )
            write_record(home, record)
            records.append(record)
    return records


def _failed_within(failed_tests: list[tuple[Any, ...]], scope: Scope) -> list[str]:
    """Return the tests that failed for a scope: the nation is the sum of its counties."""
    return sorted(
        {
            str(node)
            for node, county_code, month in failed_tests
            if county_code in (None, scope.county_code) or scope.county_code == "AL"
            if month in (None, scope.month)
        }
    )


def _within(check: Check, frame: pd.DataFrame, scope: Scope) -> Check:
    """Narrow a check of a whole mart to one county and month: the trouble of one stops no other.

    A check that fails as a whole (no row to blame) fails everywhere.
    """
    if check.success or not check.failed_rows:
        return check
    months = pd.to_datetime(frame["reporting_month"]).dt.date
    mine = (frame["county_code"] == scope.county_code) & (months == scope.month)
    rows = tuple(row for row in check.failed_rows if mine.iloc[row])
    return Check(
        rule=check.rule,
        expectation=check.expectation,
        column=check.column,
        success=not rows,
        checked=int(mine.sum()),
        failed=len(rows),
        failed_rows=rows,
    )
