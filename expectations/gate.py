"""The gate's record: what was judged, under which conditions, and the verdict.

Belongs here: deciding from checks, test results and findings, and keeping the decision. Not here:
gathering them (orchestration.quality) or publishing.

Dagster's asset checks guard only the run they are in, and `dbt build` leaves failing rows in the
table; so a release asks for this record, and compares it with what would go out.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from expectations.validate import Check
from sources.home import Home


class GateRefused(RuntimeError):
    """There is no matching record that lets the content through."""


@dataclass(frozen=True)
class GateRecord:
    """The verdict on one county and month; `checks` hold counts, codes and rules only."""

    county_code: str
    reporting_month: date
    content_hash: str
    suites_hash: str
    verdict: Literal["pass", "blocked"]
    blocking_rules: list[str]
    flagged_count: int
    findings_by_rule: dict[str, int]
    is_made_up: bool
    checks: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """Return the record as it is kept and published."""
        return {**asdict(self), "reporting_month": self.reporting_month.isoformat()}


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
    content_hash: str,
    suites_hash: str,
    checks: list[Check],
    failed_tests: list[str],
    findings: pd.DataFrame,
    is_made_up: bool,
) -> GateRecord:
    """Return the verdict: a table that is false blocks, a report that is missing flags.

    `findings` has the columns rule, severity, stage and state. What the door refused never reached
    a table, so its findings flag; an open finding of a later stage with severity `blocks` blocks.
    """
    still_open = findings[findings["state"] == "open"]
    blocking = {check.rule for check in checks if not check.success}
    blocking |= {f"warehouse_test_failed: {name}" for name in failed_tests}
    in_tables = still_open[(still_open["severity"] == "blocks") & (still_open["stage"] != "door")]
    blocking |= set(in_tables["rule"])
    return GateRecord(
        county_code=county_code,
        reporting_month=reporting_month,
        content_hash=content_hash,
        suites_hash=suites_hash,
        verdict="blocked" if blocking else "pass",
        blocking_rules=sorted(blocking),
        flagged_count=len(still_open),
        findings_by_rule={
            str(rule): int(count)
            for rule, count in still_open["rule"].value_counts().sort_index().items()
        },
        is_made_up=is_made_up,
        checks=[
            {
                "rule": check.rule,
                "expectation": check.expectation,
                "column": check.column,
                "success": check.success,
                "checked": check.checked,
                "failed": check.failed,
            }
            for check in checks
        ],
    )


def write_record(home: Home, record: GateRecord) -> Path:
    """Keep the record as the newest of its county and month; return where."""
    path = _path(home, record.county_code, record.reporting_month)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(record.as_dict(), indent=2) + "\n", encoding="utf-8")
    fresh.replace(path)
    return path


def read_record(home: Home, county_code: str, month: date) -> GateRecord | None:
    """Return the newest record of a county and month, or None where nothing was judged."""
    path = _path(home, county_code, month)
    if not path.exists():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    content["reporting_month"] = date.fromisoformat(content["reporting_month"])
    return GateRecord(**content)


def require_pass(record: GateRecord | None, content_hash: str, suites_hash: str) -> GateRecord:
    """Return the record if it lets this very content through; raise GateRefused otherwise."""
    if record is None:
        raise GateRefused("the gate has not judged this county and month: run krat refresh.")
    if record.verdict != "pass":
        raise GateRefused(f"the gate blocks it: {', '.join(record.blocking_rules)}.")
    if record.suites_hash != suites_hash:
        raise GateRefused("the conditions changed since the verdict: run krat refresh.")
    if record.content_hash != content_hash:
        raise GateRefused("the tables changed since the verdict: run krat refresh.")
    return record


def _path(home: Home, county_code: str, month: date) -> Path:
    return home.gate / county_code / f"{month:%Y-%m}.json"
