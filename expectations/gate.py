"""The gate's record: what was judged, under which conditions, and the verdict.

Belongs here: deciding from checks, test results and findings, and keeping the decision. Not here:
gathering them (orchestration.gate) or publishing.

Dagster's asset checks guard only the run they are in, and `dbt build` leaves failing rows in the
table; so a release asks for this record, and compares it with what would go out.
"""

import hashlib
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pandas as pd

from expectations.validate import Check
from sources.atomic import read_json, write_json
from sources.custody.home import Home

#: States in which nothing is asked any more.
SETTLED = ("mended", "waived")


class GateRefused(RuntimeError):
    """There is no matching record that lets the content through."""


@dataclass(frozen=True)
class GateRecord:
    """The verdict on one county and month, with all that it was decided on.

    `checks` hold counts, codes and rules only. `findings` count those of a rule, state and county
    (the nation is judged by its counties' blocking findings too), `waivers` are those that hold,
    `blocking` names each rule that blocks, how often, and who can mend it.
    """

    county_code: str
    reporting_month: date
    as_of: date
    content_hash: str
    suites_hash: str
    verdict: Literal["pass", "blocked"]
    blocking_rules: list[str]
    blocking: list[dict[str, Any]]
    flagged_count: int
    findings_by_rule: dict[str, int]
    is_made_up: bool
    checks: list[dict[str, Any]]
    failed_tests: list[str]
    findings: list[dict[str, Any]]
    waivers: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """Return the record as it is kept and published."""
        return {
            **asdict(self),
            "reporting_month": self.reporting_month.isoformat(),
            "as_of": self.as_of.isoformat(),
        }

    def blocking_text(self) -> str:
        """Return what blocks, in a line that says who can mend it; empty where nothing does."""
        return ", ".join(
            f"{entry['rule']} ({entry['count']}, mended by {entry['mended_by']})"
            for entry in self.blocking
        )


class JudgedScope(NamedTuple):
    """On what the record of a county and month was decided."""

    #: As that of Judged.
    basis: str
    #: A hash of its own rows and of which of their columns go out.
    rows: str


@dataclass(frozen=True)
class Judged:
    """What was judged last: a hash of each mart as a whole, and what blocks each county and month.

    `blocked` maps (county, month) to the rules that block it and who can mend each. `basis` is a
    hash of all that it rests on. `scopes` maps each that has a record to what that was decided on.
    """

    tables: dict[str, str]
    suites_hash: str
    blocked: dict[tuple[str, date], dict[str, str]]
    basis: str
    scopes: dict[tuple[str, date], JudgedScope]


def content_hash(frames: dict[str, pd.DataFrame]) -> str:
    """Return the SHA-256 of the frames' names, columns and rows, in the order of the rows."""
    digest = hashlib.sha256()
    for name in sorted(frames):
        digest.update(f"{name}\n".encode())
        digest.update(frames[name].to_csv(index=False, lineterminator="\n").encode())
    return digest.hexdigest()


def decide(
    *,
    county_code: str,
    reporting_month: date,
    as_of: date,
    content_hash: str,
    suites_hash: str,
    checks: list[Check],
    failed_tests: list[str],
    findings: pd.DataFrame,
    menders: dict[str, str],
    is_made_up: bool,
) -> GateRecord:
    """Return the verdict: a table that is false blocks, a report that is missing flags.

    `findings` has the columns of quality.findings; `menders` says of each rule who can mend it.
    What the door refused never reached a table, so its findings flag; a finding of a later stage
    with severity `blocks` blocks until it is mended or waived.
    """
    kinds = ["county_code", "rule", "severity", "stage", "mended_by", "state"]
    counts = findings.value_counts(subset=kinds, sort=False).sort_index().reset_index()
    counted: list[dict[str, Any]] = [
        {**{kind: str(row[kind]) for kind in kinds}, "count": int(row["count"])}
        for row in counts.to_dict("records")
    ]
    own = [entry for entry in counted if entry["county_code"] == county_code]
    unsettled = Counter[str]()
    for entry in own:
        if entry["state"] not in SETTLED:
            unsettled[entry["rule"]] += entry["count"]
    told_checks = [
        {
            "table": check.table,
            "rule": check.rule,
            "expectation": check.expectation,
            "column": check.column,
            "success": check.success,
            "checked": check.checked,
            "failed": check.failed,
        }
        for check in checks
    ]
    blocking = _blocking(told_checks, failed_tests, counted, menders)
    waived = findings[findings["state"] == "waived"]
    return GateRecord(
        county_code=county_code,
        reporting_month=reporting_month,
        as_of=as_of,
        content_hash=content_hash,
        suites_hash=suites_hash,
        verdict="blocked" if blocking else "pass",
        blocking_rules=[entry["rule"] for entry in blocking],
        blocking=blocking,
        flagged_count=sum(unsettled.values()),
        findings_by_rule=dict(sorted(unsettled.items())),
        is_made_up=is_made_up,
        checks=told_checks,
        failed_tests=failed_tests,
        findings=counted,
        waivers=[
            {
                "finding_id": row.finding_id,
                "rule": row.rule,
                "severity": row.severity,
                "county_code": row.county_code,
                "waived_by": row.waived_by,
                "waiver_reason": row.waiver_reason,
                "waived_until": f"{row.waived_until:%Y-%m-%d}",
            }
            for row in waived.itertuples()
        ],
    )


def follows(record: GateRecord) -> bool:
    """Tell whether the verdict is what its own record's checks, tests and findings lead to."""
    menders = {entry["rule"]: entry["mended_by"] for entry in record.blocking}
    again = _blocking(record.checks, record.failed_tests, record.findings, menders)
    return again == record.blocking and record.verdict == ("blocked" if again else "pass")


def _blocking(
    checks: list[dict[str, Any]],
    failed_tests: list[str],
    findings: list[dict[str, Any]],
    menders: dict[str, str],
) -> list[dict[str, Any]]:
    """Return each rule that blocks, in order, with how often it does and who can mend it."""
    found: Counter[tuple[str, str]] = Counter()
    for check in checks:
        if not check["success"]:
            rule = check["rule"]
            found[rule, menders.get(rule, "krat")] += check["failed"]
    for name in failed_tests:
        rule = f"warehouse_test_failed: {name}"
        found[rule, menders.get("warehouse_test_failed", "krat")] += 1
    for entry in findings:
        if (
            entry["severity"] == "blocks"
            and entry["stage"] != "door"
            and entry["state"] not in SETTLED
        ):
            found[entry["rule"], entry["mended_by"]] += entry["count"]
    return [
        {"rule": rule, "mended_by": mended_by, "count": count}
        for (rule, mended_by), count in sorted(found.items())
    ]


def write_record(home: Home, record: GateRecord) -> Path:
    """Keep the record as the newest of its county and month; return where."""
    path = _path(home, record.county_code, record.reporting_month)
    write_json(path, record.as_dict())
    return path


def read_record(home: Home, county_code: str, month: date) -> GateRecord | None:
    """Return the newest record of a county and month, or None where nothing was judged."""
    content = read_json(_path(home, county_code, month))
    if content is None:
        return None
    content["reporting_month"] = date.fromisoformat(content["reporting_month"])
    content["as_of"] = date.fromisoformat(content["as_of"])
    return GateRecord(**content)


def require_pass(
    record: GateRecord | None, content_hash: str, suites_hash: str, standing_waivers: set[str]
) -> GateRecord:
    """Return the record if it lets this very content through; raise GateRefused otherwise.

    `standing_waivers` are the findings whose waiver holds now: a verdict that rests on one which
    lapsed or was withdrawn does not count.
    """
    if record is None:
        raise GateRefused("the gate has not judged this county and month: run krat refresh.")
    if record.verdict != "pass":
        raise GateRefused(f"the gate blocks it: {record.blocking_text()}.")
    if not follows(record):
        raise GateRefused("the verdict does not follow from its record: run krat refresh.")
    if record.suites_hash != suites_hash:
        raise GateRefused("the conditions changed since the verdict: run krat refresh.")
    if record.content_hash != content_hash:
        raise GateRefused("the tables changed since the verdict: run krat refresh.")
    if {waiver["finding_id"] for waiver in record.waivers} - standing_waivers:
        raise GateRefused("a waiver lapsed or was withdrawn since the verdict: run krat refresh.")
    return record


def write_judged(home: Home, judged: Judged) -> None:
    """Keep what was judged last, for the reading copy to be held against."""
    content = {
        "tables": judged.tables,
        "suites_hash": judged.suites_hash,
        "blocked": [
            {"county_code": county, "reporting_month": month.isoformat(), "rules": rules}
            for (county, month), rules in sorted(judged.blocked.items())
        ],
        "basis": judged.basis,
        "scopes": [
            {"county_code": county, "reporting_month": month.isoformat(), **scope._asdict()}
            for (county, month), scope in sorted(judged.scopes.items())
        ],
    }
    write_json(home.gate / "judged.json", content)


def read_judged(home: Home) -> Judged | None:
    """Return what was judged last, None where nothing was."""
    content = read_json(home.gate / "judged.json")
    if content is None:
        return None
    return Judged(
        tables=content["tables"],
        suites_hash=content["suites_hash"],
        blocked={
            (entry["county_code"], date.fromisoformat(entry["reporting_month"])): entry["rules"]
            for entry in content["blocked"]
        },
        basis=content["basis"],
        scopes={
            (entry["county_code"], date.fromisoformat(entry["reporting_month"])): JudgedScope(
                entry["basis"], entry["rows"]
            )
            for entry in content["scopes"]
        },
    )


def require_judged(home: Home, tables: dict[str, str], suites_hash: str) -> Judged:
    """Return what was judged last if these very tables were; raise GateRefused otherwise."""
    judged = read_judged(home)
    if judged is None:
        raise GateRefused("the gate has not judged these tables: run krat refresh.")
    if judged.suites_hash != suites_hash:
        raise GateRefused("the conditions changed since the verdict: run krat refresh.")
    if judged.tables != tables:
        raise GateRefused("the tables changed since the verdict: run krat refresh.")
    return judged


def _path(home: Home, county_code: str, month: date) -> Path:
    return home.gate / county_code / f"{month:%Y-%m}.json"
