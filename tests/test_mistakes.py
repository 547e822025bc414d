"""Each mistake planned in the example lands where it should."""

import json

import duckdb
import pytest
from conftest import Refreshed

from sources.example.counties import PLANNED_MISTAKES, PlannedMistake

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
    mistake: PlannedMistake, marts: duckdb.DuckDBPyConnection
) -> None:
    found = marts.execute(
        "select count(*) from quality.findings where rule = ? and institution_code = ? "
        "and strftime(reporting_month, '%Y-%m') = ?",
        [RULES[mistake.kind], mistake.institution_code, mistake.month],
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


#: What stands in the facts for a planned kind of nothing.
STATES = {
    "blank": "not_reported",
    "zero": "zero",
    "unknown": "unknown",
    "not_applicable": "not_applicable",
    "refused": "refused",
}


@pytest.mark.parametrize(
    "mistake",
    [mistake for mistake in PLANNED_MISTAKES if mistake.kind in STATES],
    ids=lambda mistake: f"{mistake.kind}-{mistake.institution_code}-{mistake.month}",
)
def test_each_kind_of_nothing_is_a_state_of_its_own(
    mistake: PlannedMistake, marts: duckdb.DuckDBPyConnection
) -> None:
    states = marts.execute(
        "select value_state, value from core.fct_actuals where institution_code = ? "
        "and strftime(reporting_month, '%Y-%m') = ? "
        "and indicator_code = coalesce(?, indicator_code)",
        [mistake.institution_code, mistake.month, mistake.indicator_code],
    ).fetchall()
    expected = STATES[mistake.kind]
    assert (expected, 0.0 if expected == "zero" else None) in states


@pytest.mark.parametrize(
    "mistake",
    [mistake for mistake in PLANNED_MISTAKES if mistake.kind == "corrected"],
    ids=lambda mistake: f"{mistake.institution_code}-{mistake.month}",
)
def test_a_corrected_report_supersedes_and_both_versions_stay(
    mistake: PlannedMistake, marts: duckdb.DuckDBPyConnection
) -> None:
    versions = marts.execute(
        "select version, status from core.fct_submissions where institution_code = ? "
        "and strftime(reporting_month, '%Y-%m') = ? order by version",
        [mistake.institution_code, mistake.month],
    ).fetchall()
    assert versions == [(1, "superseded"), (2, "on_time")]
    kept = marts.execute(
        "select count(distinct delivery_id), count(*) filter (superseded_at is null) "
        "from core.fct_actuals where institution_code = ? "
        "and strftime(reporting_month, '%Y-%m') = ?",
        [mistake.institution_code, mistake.month],
    ).fetchone()
    assert kept is not None
    assert kept[0] == 2
    assert kept[1] > 0
