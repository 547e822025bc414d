"""What the product's editions show of made-up years, attacked by a program that shares no code.

No leak is the bar: for a plain reader, each insider, one who knows that corrections are small, one
who knows exact figures of the nation, and some of these together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
import pytest

from tests.edition_attack import leaks
from tests.edition_shown import publish, rules_of
from tests.edition_world import FLOWS, RECORDS, tied_world, world


def _readers(counties: int) -> Iterator[dict[str, Any]]:
    codes = [f"AL-{number:02}" for number in range(1, counties + 1)]
    yield {}
    yield from ({"insider": code} for code in codes)
    yield from ({"small_correction": far} for far in (1, 2, 5))
    yield from ({"insider": code, "small_correction": 1} for code in (codes[1], codes[-1]))


def _find(units: pd.DataFrame, cells: pd.DataFrame, exact: Sequence[str] = ()) -> list[Any]:
    """What all readers find, less what exact figures tell beside no number of ours."""
    counties = units["county_code"].nunique()
    untold = cells.assign(shown_as="withheld", least=None, greatest=None)
    found = []
    for reader in _readers(counties):
        leaking = leaks(units, cells, [], [], exact_nation=exact, **reader)
        if exact and len(leaking):
            known = leaks(units, untold, [], [], exact_nation=exact, **reader)
            key = ["edition", "subject", "county_code", "period", "dimension", "category"]
            leaking = leaking.merge(known[key], how="left", indicator=True)
            leaking = leaking[leaking["_merge"] == "left_only"]
        found += [(reader, *row) for row in leaking.itertuples(index=False, name=None)]
    return found


@pytest.mark.parametrize("seed", [1, 8])
@pytest.mark.parametrize("subject", ["F01", "F04", "F07", "F10"])
def test_nobody_derives_a_small_count_of_an_indicator(seed: int, subject: str) -> None:
    units = world(seed, counties=5, subjects={subject: FLOWS[subject]})
    assert not _find(units, publish(units, rules_of(units)))


def test_nobody_derives_a_small_count_of_a_breakdown() -> None:
    units = world(2, counties=4, subjects={"R3": 4})
    cells = publish(units, rules_of(units))
    for reader in ({}, {"insider": "AL-03"}, {"small_correction": 1}):
        assert leaks(units, cells, [], [], **reader).empty


def test_nobody_derives_more_beside_figures_that_others_publish() -> None:
    units = world(3, counties=5, subjects={"F10": 6})
    assert not _find(units, publish(units, rules_of(units), ["F10"]), ["F10"])


def test_nobody_derives_a_small_count_of_subjects_that_are_tied() -> None:
    units = tied_world(2, counties=5)
    same, parts = [("F07", "F08")], [("F10", "F08")]
    cells = publish(units, rules_of(units, same, parts))
    for reader in _readers(5):
        assert leaks(units, cells, same, parts, **reader).empty, reader


def test_what_an_insider_leaves_of_a_number_is_not_shown() -> None:
    """Rounded to 11 to 17, 14 would tell an insider of 7 that the others have 4 to 10."""
    units = world(8, counties=5, subjects={"F07": 2})
    cells = publish(units, rules_of(units))
    assert leaks(units, cells, [], [], insider="AL-04").empty


def test_what_is_told_of_a_count_that_fell_is_not_more_than_before() -> None:
    """15 stood for 11 to 17; 0 to 10 beside small corrections would tell of 8 and more."""
    units = world(17, subjects={"F03": FLOWS["F03"]})
    cells = publish(units, rules_of(units))
    fell = cells[(cells["edition"] == 5) & (cells["county_code"] == "AL-09")]
    assert fell[["truth", "shown_as", "value"]].to_numpy().tolist() == [[10, "earlier", 15]]
    assert leaks(units, cells, [], [], small_correction=2).empty


@pytest.mark.parametrize(
    ("subject", "counties", "seed", "insider"),
    [("R5", 4, 2, "AL-01"), ("R5", 4, 12, "AL-03"), ("R4", 3, 30, "AL-02"), ("R4", 3, 38, "AL-02")],
)
def test_a_later_edition_does_not_tell_of_an_earlier_one(
    subject: str, counties: int, seed: int, insider: str
) -> None:
    """Of few people the sex was unknown: how few shows once it is known, beside small corrections.

    Of R5, seed 12, the earlier edition tells that one county's late month has 10 at most, and so
    it must be able to be 0.
    """
    units = world(seed, counties, {subject: RECORDS[subject]})
    cells = publish(units, rules_of(units))
    for far in (1, 2):
        assert leaks(units, cells, [], [], insider=insider, small_correction=far).empty


#: Years of totals, and fewer of breakdowns: one of these takes half an hour.
YEARS = [
    *((subject, seed) for subject in FLOWS for seed in range(20)),
    *((subject, seed) for subject in RECORDS for seed in range(3)),
]


@pytest.mark.drill
@pytest.mark.parametrize(("subject", "seed"), YEARS)
def test_nobody_derives_a_small_count_of_twelve_counties(subject: str, seed: int) -> None:
    units = world(seed, subjects={subject: {**FLOWS, **RECORDS}[subject]})
    assert not _find(units, publish(units, rules_of(units)))
