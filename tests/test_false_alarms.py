"""At most one clean report in a hundred is doubted, whatever its past looks like."""

import pytest
from false_alarms import PASTS, Past, measure

pytestmark = pytest.mark.slow

SEED = 20231125


@pytest.mark.parametrize("past", PASTS, ids=lambda past: past.name)
def test_at_most_one_clean_report_in_a_hundred_is_doubted(past: Past) -> None:
    assert measure(past, SEED, share=0.5).false_rate <= 0.01


@pytest.mark.parametrize(
    "past", [past for past in PASTS if past.spread == 1 and past.reports >= 12],
    ids=lambda past: past.name,
)  # fmt: skip
def test_a_tenfold_count_is_found_after_a_steady_past(past: Past) -> None:
    rate = measure(past, SEED, share=0.1)
    assert rate.found >= 0.7 * rate.planted
