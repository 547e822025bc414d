"""Each mistake planned in the example lands where it should."""

import json

import duckdb
import pytest
from conftest import Refreshed

from sources.example.generate import PLANNED_MISTAKES

#: What a planned mistake must lead to: a rule of a finding, by the mistake's kind.
RULES = {
    "missing": "missing_report",
    "late": "late_report",
    "early": "report_before_period_end",
    "disagrees": "sources_disagree",
    "breakdown": "breakdown_does_not_add_up",
}


@pytest.mark.parametrize(
    "mistake",
    [mistake for mistake in PLANNED_MISTAKES if mistake.kind in RULES],
    ids=lambda mistake: f"{mistake.kind}-{mistake.institution_code}-{mistake.month}",
)
def test_a_flagged_mistake_is_found_at_its_institution_and_month(
    mistake: object, marts: duckdb.DuckDBPyConnection
) -> None:
    found = marts.execute(
        "select count(*) from quality.findings where rule = ? and institution_code = ? "
        "and strftime(reporting_month, '%Y-%m') = ?",
        [RULES[mistake.kind], mistake.institution_code, mistake.month],  # type: ignore[attr-defined]
    ).fetchone()
    assert found is not None
    assert found[0] >= 1


def test_what_was_refused_lies_in_quarantine_with_its_reason(refreshed: Refreshed) -> None:
    rules = {
        problem["rule"]
        for reason in refreshed.home.quarantine.glob("*/*/reason.json")
        for problem in json.loads(reason.read_text(encoding="utf-8"))["problems"]
    }
    assert {"unknown_indicator", "month_not_begun", "unknown_layout"} <= rules
