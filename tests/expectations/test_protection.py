"""The ladder on which counts of persons are shown, and which subjects are told of together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations.protection import CountKey, Shown, Sign, linked, load_protection

RULES = load_protection()
NUMBERS = (Shown.ROUNDED, Shown.COARSE)
COUNTS = st.integers(0, 5_000)


@given(COUNTS)
def test_a_sign_stands_for_a_range_that_holds_the_count(value: int) -> None:
    for step in (*NUMBERS, Shown.AT_LEAST, Shown.WITHHELD):
        least, greatest = RULES.sign(value, step).bounds
        assert least <= value <= greatest


@given(COUNTS, COUNTS)
def test_ranges_are_fixed_so_that_no_two_overlap(one: int, other: int) -> None:
    for step in NUMBERS:
        first, second = sorted([RULES.sign(one, step), RULES.sign(other, step)], key=_least)
        assert first == second or first.bounds[1] < second.bounds[0]


def _least(sign: Sign) -> float:
    return sign.bounds[0]


@given(COUNTS)
def test_a_finer_range_lies_within_the_coarser(value: int) -> None:
    fine, coarse = (RULES.sign(value, step).bounds for step in NUMBERS)
    assert coarse[0] <= fine[0]
    assert fine[1] <= coarse[1]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, (None, 0, 10)), (10, (None, 0, 10)), (11, (15, 11, 17)), (17, (15, 11, 17)),
        (18, (20, 18, 22)), (42, (40, 38, 42)), (43, (45, 43, 47)),
    ],
)  # fmt: skip
def test_a_count_is_rounded_to_the_nearest_5_and_a_small_one_is_not_shown(
    value: int, shown: tuple[int | None, int, int]
) -> None:
    assert RULES.sign(value, Shown.ROUNDED)[1:] == shown


def test_zero_and_ten_have_one_sign() -> None:
    assert RULES.sign(0, Shown.ROUNDED) == RULES.sign(10, Shown.COARSE)
    assert RULES.sign(0, Shown.ROUNDED).shown_as is Shown.SUPPRESSED


def test_a_number_of_an_earlier_edition_tells_nothing_of_the_count_now() -> None:
    assert Sign(Shown.EARLIER, 20, 18, 22).bounds == (0, float("inf"))


def test_subjects_that_are_tied_are_told_of_together() -> None:
    groups = linked(["flagged", "2.1.9.1", "initially_identified", "hotline_cases"], RULES)
    assert ("2.1.9.1", "initially_identified") in groups
    assert ("flagged",) in groups
    with_population = load_protection(frozenset({("2.1.9.1", "2.1.1.1")}))
    assert linked(["2.1.1.1", "initially_identified", "2.1.9.1"], with_population) == [
        ("2.1.1.1", "2.1.9.1", "initially_identified")
    ]


def test_a_period_has_its_months() -> None:
    assert list(CountKey("s", "AL", "2023-Q3").months) == [7, 8, 9]
    assert len(CountKey("s", "AL", "2023").months) == 12
