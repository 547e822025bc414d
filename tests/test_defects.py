"""Every kind of defect is found where it was planted, by the rule that claims it."""

from collections import Counter

import pytest
from defects.kinds import KINDS, LOG_KINDS
from defects.planting import Tally, claims, plant_year
from defects.records import RECORD_KINDS, plant_records

from orchestration.runtime.settings import SEEDS
from sources.registers import register_rows

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def tally() -> Tally:
    """One of each kind, in made-up years that are otherwise clean."""
    found = Tally()
    for logs, kinds in ((False, KINDS), (True, LOG_KINDS)):
        wanted = Counter(dict.fromkeys(kinds, 1))
        for year in range(3):
            if +wanted:
                plant_year(f"test {year}", wanted, found, logs=logs)
    return found


@pytest.fixture(scope="module")
def records() -> Tally:
    """One of each contradiction in logs and records, in made-up years that have none."""
    found = Tally()
    wanted = Counter(dict.fromkeys(RECORD_KINDS, 1))
    for year in range(3):
        if +wanted:
            plant_records(f"test {year}", wanted, found)
    return found


def test_each_kind_has_a_claim_of_rules_that_exist() -> None:
    rules = {row["rule"] for row in register_rows(SEEDS, "quality_rules")}
    assert claims().keys() == KINDS.keys() | LOG_KINDS.keys() | RECORD_KINDS.keys()
    assert len(claims()) >= 40
    assert {rule for claim in claims().values() for rule in claim.rules} <= rules


def test_every_kind_is_found_at_its_place_by_its_rule(tally: Tally) -> None:
    assert tally.planted.keys() == claims().keys() - RECORD_KINDS.keys()
    assert not tally.missed


def test_every_contradiction_in_records_is_found_at_its_cell_and_nothing_else(
    records: Tally,
) -> None:
    assert records.planted.keys() == RECORD_KINDS.keys()
    assert not records.missed
    assert records.clean_reports > 400
    assert not records.false_warnings


def test_a_clean_report_is_not_refused_and_hardly_ever_questioned(tally: Tally) -> None:
    assert tally.clean_reports > 150
    assert not tally.refused_clean
    assert len(tally.false_warnings) <= 0.01 * tally.clean_reports
