"""The verdict of each county and month: suites over the marts, dbt's tests, blocking findings.

Belongs here: gathering what the gate decides on. Not here: the decision (expectations.gate).
"""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pandas as pd

from expectations.gate import (
    SETTLED,
    GateRecord,
    Judged,
    JudgedScope,
    content_hash,
    decide,
    read_judged,
    read_record,
    write_judged,
    write_record,
)
from expectations.suites import suite_hash
from expectations.validate import Check, columns_asked, validate_all
from orchestration.gate.fingerprints import fingerprints, hash_of
from orchestration.products.declaration import Tier, judged_marts, product
from orchestration.products.tables import is_made_up, month_frame, month_frames
from orchestration.runtime.database import has_warehouse, read_warehouse
from orchestration.runtime.settings import SEEDS
from sources.custody.home import Home
from sources.registers import NATION, Registers, load_registers, register_rows


class Scope(NamedTuple):
    """What is judged and published together: a county (or the nation) and a month."""

    county_code: str
    month: date

    def __str__(self) -> str:
        return f"{self.county_code} {self.month:%Y-%m}"


@dataclass(frozen=True)
class _MartCheck:
    """A check of a whole mart, with the counties and months of the rows that fail it."""

    check: Check
    failed: dict[Scope, int]
    checked: dict[Scope, int]

    def within(self, scope: Scope) -> Check:
        """Narrow the check to one county and month: the trouble of one stops no other.

        A check that fails as a whole (no row to blame) fails everywhere.
        """
        if not self.check.success and not self.failed:
            return self.check
        failed = self.failed.get(scope, 0)
        return replace(
            self.check,
            success=not failed,
            checked=self.checked.get(scope, 0),
            failed=failed,
            failed_rows=(),
        )


def counties_with_reports(home: Home, registers_dir: Path) -> dict[str, date]:
    """Return, in order, the nation and the counties that owe or sent reports, logs or records.

    With each the first month for which it did; the nation has every month. Where no warehouse is
    built yet, those that owe reports by the registers.
    """
    if not has_warehouse(home):
        return {NATION: date.min} | counties_that_owe(registers_dir)
    with read_warehouse(home) as connection:
        rows = connection.execute(
            "select county_code, coalesce(first_month, '0001-01-01') "
            "from publication.reporting_areas order by all"
        ).fetchall()
    return dict(rows)


def counties_that_owe(registers_dir: Path) -> dict[str, date]:
    """Return, in order, the counties that owe reports, each with the first month."""
    registers = load_registers(registers_dir)
    counties: dict[str, date] = {}
    for row in register_rows(registers_dir, "reporting_obligations"):
        county = registers.institutions[row["institution_code"]]
        first = date.fromisoformat(row["valid_from"]).replace(day=1)
        counties[county] = min(first, counties.get(county, first))
    return dict(sorted(counties.items()))


def judge(home: Home, scopes: list[Scope], registers: Registers) -> list[GateRecord]:
    """Write and return one gate record a scope, over the warehouse as it is now.

    What blocks any other county and month is kept too, for the reading copy. Records that were
    decided on the very same are returned as they are; of a scope whose rows are the same as when it
    was judged last, only the findings are read.
    """
    menders = {row["rule"]: row["mended_by"] for row in register_rows(SEEDS, "quality_rules")}
    with read_warehouse(home) as connection:
        row = connection.execute("select as_of, registers_hash from raw.refresh_context").fetchone()
        assert row is not None
        failed_tests = connection.execute(
            "select node, county_code, reporting_month from ops.failed_tests order by all"
        ).fetchall()
        blocking = connection.execute(
            "select * from quality.findings where severity = 'blocks' and stage <> 'door' "
            "order by finding_id"
        ).df()
        blocking["reporting_month"] = pd.to_datetime(blocking["reporting_month"]).dt.date
        members = _members(connection)
        known = fingerprints(connection)
        basis = hash_of(
            row, known.basis, known.whole, suite_hash(), failed_tests, menders, sorted(members)
        )
        before = read_judged(home)
        judged = before.scopes if before else {}
        earlier = {
            scope: record
            for scope in scopes
            if scope in judged and (record := read_record(home, *scope))
        }
        is_same = before is not None and before.basis == basis
        if is_same and all(scope in earlier and judged[scope].basis == basis for scope in scopes):
            return [earlier[scope] for scope in scopes]
        checks, everywhere = _checked(connection, registers)
        records = []
        for scope in scopes:
            rows = hash_of(known.basis, known.rows.get(scope))
            if scope in earlier and judged[scope].rows == rows:
                content, made_up = earlier[scope].content_hash, earlier[scope].is_made_up
                findings = month_frame(
                    connection, product("findings", Tier.RESTRICTED), scope.county_code, scope.month
                )
            else:
                frames = month_frames(connection, scope.county_code, scope.month)
                content, made_up = content_hash(frames), is_made_up(frames.values())
                findings = frames["findings"]
            record = decide(
                county_code=scope.county_code,
                reporting_month=scope.month,
                as_of=row[0],
                content_hash=content,
                suites_hash=suite_hash(),
                checks=[check.within(scope) for check in checks],
                failed_tests=_failed_within(failed_tests, scope, members),
                findings=_findings_within(findings, blocking, scope, members),
                menders=menders,
                is_made_up=made_up,
            )
            write_record(home, record)
            records.append(record)
            judged = judged | {scope: JudgedScope(basis, rows)}
        write_judged(
            home,
            Judged(
                tables=mart_hashes(connection),
                suites_hash=suite_hash(),
                blocked=_blocked(everywhere, checks, failed_tests, blocking, menders, members),
                basis=basis,
                scopes=judged,
            ),
        )
    return records


def mart_hashes(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return a hash of each judged mart as a whole, whatever the order of its rows."""
    return {
        mart.name: str(
            connection.execute(
                f"select (count(*), sum(hash(rows)::hugeint))::varchar from {mart.model} as rows"
            ).fetchall()[0][0]
        )
        for mart in judged_marts()
    }


def _checked(
    connection: duckdb.DuckDBPyConnection, registers: Registers
) -> tuple[list[_MartCheck], list[Scope]]:
    """Return the checks of every mart as a whole, and every scope that has rows in one.

    All months cost what one does: Great Expectations costs by the condition, hardly by the row.
    """
    frames = {}
    for mart in judged_marts():
        wanted = sorted({"county_code", "reporting_month", *columns_asked(mart.name)})
        frames[mart.name] = connection.execute(
            f"select columns(name -> name in {tuple(wanted)}) from {mart.model}"
        ).df()
    scopes = {name: frame[["county_code", "reporting_month"]] for name, frame in frames.items()}
    counts = {name: _counts(scopes[name]) for name in scopes}
    checks = [
        _MartCheck(
            check,
            _counts(scopes[name].iloc[list(check.failed_rows)]) if check.failed_rows else {},
            counts[name],
        )
        for name, found in validate_all(frames, registers).items()
        for check in found
    ]
    everywhere = {scope for name in counts for scope in counts[name]}
    return checks, sorted(scope for scope in everywhere if isinstance(scope.county_code, str))


def _counts(scopes: pd.DataFrame) -> dict[Scope, int]:
    """Return how many rows each county and month has in a frame of both."""
    sizes = scopes.groupby(["county_code", "reporting_month"], dropna=False).size()
    return {
        Scope(county, month if pd.isna(month) else month.date()): int(size)
        for county, month, size in sizes.reset_index().itertuples(index=False)
    }


def _members(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the areas whose data the nation's rows count, itself among them."""
    rows = connection.execute(
        "select county_code from core.bridge_area_members where area_code = ?", [NATION]
    ).fetchall()
    return {str(row[0]) for row in rows}


def _failed_within(
    failed_tests: list[tuple[Any, ...]], scope: Scope, members: set[str]
) -> list[str]:
    """Return the tests that failed for a scope; for the nation, those of its members too."""
    within = members if scope.county_code == NATION else {scope.county_code}
    return sorted(
        {
            str(node)
            for node, county_code, month in failed_tests
            if county_code is None or county_code in within
            if month in (None, scope.month)
        }
    )


def _findings_within(
    own: pd.DataFrame, blocking: pd.DataFrame, scope: Scope, members: set[str]
) -> pd.DataFrame:
    if scope.county_code != NATION:
        return own
    others = blocking[
        blocking["county_code"].isin(members - {NATION})
        & (blocking["reporting_month"] == scope.month)
    ]
    return pd.concat([own, others], ignore_index=True) if len(others) else own


def _blocked(
    everywhere: list[Scope],
    checks: list[_MartCheck],
    failed_tests: list[tuple[Any, ...]],
    blocking: pd.DataFrame,
    menders: dict[str, str],
    members: set[str],
) -> dict[tuple[str, date], dict[str, str]]:
    """Return the rules that block each county and month, with who can mend them."""
    blocked: dict[Scope, dict[str, str]] = {}
    for one in checks:
        if not one.check.success:
            rule = one.check.rule
            for scope in one.failed or everywhere:
                blocked.setdefault(scope, {})[rule] = menders.get(rule, "krat")
    if failed_tests:
        for scope in everywhere:
            for name in _failed_within(failed_tests, scope, members):
                rule = f"warehouse_test_failed: {name}"
                blocked.setdefault(scope, {})[rule] = menders["warehouse_test_failed"]
    for row in blocking[~blocking["state"].isin(SETTLED)].to_dict("records"):
        for county in {row["county_code"], *({NATION} if row["county_code"] in members else ())}:
            scope = Scope(county, row["reporting_month"])
            blocked.setdefault(scope, {})[row["rule"]] = row["mended_by"]
    return {
        (scope.county_code, scope.month): dict(sorted(rules.items()))
        for scope, rules in blocked.items()
    }
