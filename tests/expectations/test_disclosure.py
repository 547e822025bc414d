"""The gate of disclosure: it finds every prepared leak, and passes what krat itself masks."""

import itertools
import random
from math import inf

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from leaky_releases import FIER, LEAKY, TIRANE, VLORE, Leaky, Line, quarter, year

from expectations.disclosure import (
    STATEMENT_COLUMNS,
    Verdict,
    audit,
    parts_within,
    share_of,
    total_of,
)
from expectations.protection import (
    Additive,
    CountKey,
    LaterPlan,
    load_protection,
    relations_among,
)
from orchestration.publication.public.mask import Sign, mask, statement

RULES = load_protection()
K = RULES.threshold


def _said(lines: list[Line] | tuple[Line, ...]) -> pd.DataFrame:
    rows = []
    for table, moment, cell, shown in lines:
        if isinstance(shown, tuple):
            rows.append([str(cell), table, moment, *shown, False, True])
            continue
        sign = Sign(shown) if isinstance(shown, str) else Sign("number", shown)
        rows.append(statement(cell, sign, table, moment, RULES))
    return pd.DataFrame(rows, columns=list(STATEMENT_COLUMNS))


def _judged(case: Leaky) -> Verdict:
    origins = {cell: Additive() for _, _, cell, _ in case.lines} | case.origins
    return audit(_said(case.lines), [*relations_among(origins, RULES), *case.ties], K)


@pytest.mark.parametrize("case", LEAKY, ids=lambda case: case.name)
def test_a_leaky_release_is_found_with_its_cell_and_tables(case: Leaky) -> None:
    verdict = _judged(case)
    assert not verdict.is_safe
    found = {leak.cell: leak for leak in verdict.leaks}
    assert str(case.leaks) in found
    leak = found[str(case.leaks)]
    assert (leak.least, leak.greatest) != (0, K - 1)
    tables = {table for table, *_ in case.lines} | {tie.table for tie in case.ties}
    assert leak.tables
    assert set(leak.tables) <= tables


def test_at_least_twenty_leaky_releases_are_prepared() -> None:
    assert len({case.name for case in LEAKY}) >= 20


def test_the_tables_that_are_named_are_all_needed_for_the_leak() -> None:
    nation = next(
        case for case in LEAKY if case.name.startswith("the nation less the other county")
    )
    noise = ("elsewhere", 1, year(FIER, subject="assisted"), 40)
    verdict = _judged(Leaky(nation.name, (*nation.lines, noise), nation.leaks, nation.origins))
    (leak,) = verdict.leaks
    assert leak.tables == ("AL", "AL-12")


def test_tables_that_contradict_each_other_are_refused() -> None:
    verdict = audit(_said([("a", 1, year(FIER), 40), ("b", 1, year(FIER), 60)]), [], K)
    assert verdict.contradictions == ("a", "b")
    assert not verdict.is_safe


def test_a_correction_of_a_number_is_no_leak_by_itself() -> None:
    lines = [
        ("r1", 1, year(FIER), "suppressed"),
        ("r2", 2, year(FIER), 30),
        ("r1", 1, year(VLORE), 30),
        ("r2", 2, year(VLORE), "suppressed"),
    ]
    assert audit(_said(lines), [], K).is_safe


def test_a_total_that_adds_up_more_counties_later_is_another_count() -> None:
    """First the nation is Fier alone, then with Vlorë: the difference is all but shown."""
    nation, fier = year("AL"), year(FIER)
    first = Additive((FIER,))
    now = Additive((FIER, VLORE)).after(first, 2)
    assert (now.since, now.before) == (2, first)
    assert Additive((FIER,)).after(first, 2) is first
    lines: list[Line] = [
        ("AL/r1", 1, nation, (42, 42)),
        ("AL-04/r1", 1, fier, "withheld"),
        ("AL/r2", 2, nation, (46, 46)),
        ("AL-12/r1", 2, year(VLORE), "suppressed"),
    ]
    verdict = audit(_said(lines), relations_among({nation: now, fier: Additive()}, RULES), K)
    assert {(leak.cell, leak.least, leak.greatest) for leak in verdict.leaks} >= {
        (str(year(VLORE)), 4, 4)
    }
    (leak,) = (leak for leak in verdict.leaks if leak.cell == str(year(VLORE)))
    assert leak.tables == ("AL/r1", "AL/r2")


def test_a_county_is_not_counted_in_a_quarter_that_the_nation_adds_up_without_it() -> None:
    """Vlorë joins in the last quarter: the three before give Fier's, and so what Vlorë has."""
    alone, both = Additive((FIER,)), Additive((FIER, VLORE))
    origins = {quarter(number): alone for number in (1, 2, 3)} | {quarter(4): both}
    origins |= {year(FIER): Additive(), year(VLORE): Additive()}
    lines: list[Line] = [
        *(("AL", 1, quarter(number), (20, 20)) for number in (1, 2, 3)),
        ("AL", 1, quarter(4), (44, 44)),
        ("AL-04", 1, year(FIER), (100, 100)),
        ("AL-12", 1, year(VLORE), "suppressed"),
    ]
    verdict = audit(_said(lines), relations_among(origins, RULES), K, in_full=False)
    leaks = {leak.cell: (leak.least, leak.greatest) for leak in verdict.leaks}
    assert leaks[str(year(VLORE))] == (4, 4)
    # Nobody was counted as none there.
    assert not {str(quarter(number, VLORE)) for number in (1, 2, 3)} & leaks.keys()


def test_a_quarter_that_a_county_sends_later_counts_from_then_on() -> None:
    late = Additive((FIER, VLORE)).after(Additive((FIER,)), 3)
    origins = {
        quarter(number): late if number == 1 else Additive((FIER, VLORE)) for number in (1, 2)
    }
    origins |= {year(VLORE): Additive()}
    spans = [
        (tie.since, tie.until, [cell for cell, _ in tie.terms[1:]])
        for tie in relations_among(origins, RULES)
        if tie.terms[0][0] == str(year(VLORE))
    ]
    quarters = [str(quarter(number, VLORE)) for number in (1, 2, 3, 4)]
    assert spans == [(0, 3, quarters[1:]), (3, inf, quarters)]


def test_the_same_persons_of_fewer_counties_are_others() -> None:
    """Fier alone reports what the records count in three: the others are not none."""
    reported, published = year("AL", subject="2.1.9.1"), year("AL", subject="2.1.11.1")
    recorded = year("AL", subject="initially_identified")
    rules = load_protection([("2.1.9.1", "2.1.11.1")])
    three, one = Additive((FIER, VLORE, TIRANE)), Additive((FIER,))
    lines: list[Line] = [("AL", 1, recorded, 40), ("AL", 1, reported, 40)]

    def leaking(other: Additive) -> set[str]:
        origins = {recorded: three, reported: other, published: Additive(is_sum=False)}
        verdict = audit(_said(lines), relations_among(origins, rules), K, in_full=False)
        return {leak.cell for leak in verdict.leaks}

    assert not leaking(one)
    # Fier's report was withdrawn: what nobody reports is of nobody.
    assert not leaking(Additive().after(one, 2))
    # Once both add up the same three they are taken for equal, and not before.
    ties = relations_among({recorded: three, reported: three.after(one, 2)}, rules)
    equal = [
        tie for tie in ties if {cell for cell, _ in tie.terms} == {str(recorded), str(reported)}
    ]
    assert [(tie.since, tie.until) for tie in equal] == [(2, inf)]


def test_what_no_report_plausibly_holds_can_be_published_too() -> None:
    nation, counties = year("AL"), (FIER, VLORE)
    counts = {year(FIER): 80_000_000, year(VLORE): 3, nation: 80_000_003}
    origins = {cell: Additive() for cell in counts} | {nation: Additive(counties)}
    signs = mask(counts, origins, RULES)
    assert signs[year(FIER)].state == "withheld"
    verdict = audit(_said(_lines(signs, 1)), relations_among(origins, RULES), K)
    assert verdict.is_safe
    assert (verdict.ranges["greatest"] >= K - 1).all()


# What krat masks itself


def _persons(rng: random.Random, counties: int, mean: float) -> list[tuple[str, int, str, str]]:
    """Return county, quarter, sex and age of made-up persons; some of sex or age unknown."""
    return [
        (
            f"AL-{number:02d}",
            rng.randint(1, 4),
            rng.choice(("female", "female", "female", "male", "unknown")),
            rng.choice(("0-17", "18+", "18+", "18+")),
        )
        for number in range(1, counties + 1)
        for _ in range(int(rng.expovariate(1 / mean)))
    ]


def _counted(
    persons: list[tuple[str, int, str, str]], counties: int
) -> tuple[dict[CountKey, int | None], dict[CountKey, Additive]]:
    """Count made-up persons in every public shape."""
    codes = tuple(f"AL-{number:02d}" for number in range(1, counties + 1))
    counts: dict[CountKey, int | None] = {}
    for county in (*codes, "AL"):
        mine = [person for person in persons if county in ("AL", person[0])]
        counts[year(county)] = len(mine)
        for position, dimension in ((2, "sex"), (3, "age_group")):
            for category in RULES.dimensions[dimension]:
                counts[year(county, dimension, category)] = sum(
                    person[position] == category for person in mine
                )
    for category in RULES.dimensions["sex_and_age_group"]:
        counts[year("AL", "sex_and_age_group", category)] = sum(
            f"{sex} {age}" == category for _, _, sex, age in persons
        )
    for number in (1, 2, 3, 4):
        counts[CountKey("flagged", "AL", f"2023-Q{number}")] = sum(
            quarter == number for _, quarter, _, _ in persons
        )
    origins = {
        cell: Additive(
            codes if cell.county_code == "AL" and cell.dimension != "sex_and_age_group" else ()
        )
        for cell in counts
    }
    return counts, origins


def _lines(signs: dict[CountKey, Sign], moment: int) -> list[Line]:
    return [
        (
            f"r{moment}/{cell.county_code}",
            moment,
            cell,
            sign.state if sign.value is None else sign.value,
        )
        for cell, sign in signs.items()
    ]


# With small counts alone suppressed, 32 of the first 40 releases leak.
@pytest.mark.parametrize(
    "releases",
    [
        pytest.param(40, marks=pytest.mark.slow),
        pytest.param(200, marks=pytest.mark.drill),
    ],
)
def test_releases_that_krat_masks_are_safe(releases: int) -> None:
    shown = 0
    for seed in range(releases):
        rng = random.Random(seed)
        counties = rng.choice((1, 2, 3, 5))
        persons = _persons(rng, counties, rng.choice((8, 25, 70)))
        counts, origins = _counted(persons, counties)
        signs = mask(counts, origins, RULES)
        verdict = audit(_said(_lines(signs, 1)), relations_among(origins, RULES), K, in_full=False)
        assert verdict.is_safe, (seed, verdict.leaks, verdict.contradictions)
        shown += sum(sign.value is not None for sign in signs.values())
    assert shown > 2.5 * releases


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), corrections=st.integers(0, 12))
def test_corrected_tables_are_safe_beside_the_first_unless_nothing_could_be(
    seed: int, corrections: int
) -> None:
    """A second vintage is masked with regard to the first, whatever was corrected."""
    rng = random.Random(seed)
    persons = _persons(rng, 3, 15)
    counts, origins = _counted(persons, 3)
    first = _said(_lines(mask(counts, origins, RULES), 1))
    persons = persons[rng.randint(0, min(corrections, len(persons))) :]
    persons += _persons(rng, 3, max(1, corrections))[:corrections]
    counts, origins = _counted(persons, 3)
    signs = mask(counts, origins, RULES, published=first, published_origins=origins)
    both = pd.concat([first, _said(_lines(signs, 2))], ignore_index=True)
    verdict = audit(both, relations_among(origins, RULES), K, in_full=False)
    if not verdict.is_safe:
        # Only what the first vintage shows may stand in the way.
        silent = {cell: Sign("withheld") for cell in signs}
        both = pd.concat([first, _said(_lines(silent, 2))], ignore_index=True)
        assert not audit(both, relations_among(origins, RULES), K, in_full=False).is_safe


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_every_range_holds_the_true_count(seed: int) -> None:
    rng = random.Random(seed)
    persons = [person for person in _persons(rng, 3, 12) if person[2] != "unknown"]
    counts, origins = _counted(persons, 3)
    signs = mask(counts, origins, RULES)
    verdict = audit(_said(_lines(signs, 1)), relations_among(origins, RULES), K)
    true = {str(cell): count for cell, count in counts.items()}
    assert set(true) <= set(verdict.ranges["cell"])
    for cell, least, greatest, _ in verdict.ranges.itertuples(index=False):
        assert cell not in true or least <= true[cell] <= greatest


@settings(max_examples=60, deadline=None)
@given(
    bounds=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), min_size=5, max_size=5),
    per_cent=st.sampled_from((20.0, 33.3, 50.0, 66.7)),
)
def test_the_ranges_are_those_that_trying_every_combination_gives(
    bounds: list[tuple[int, int]], per_cent: float
) -> None:
    names = ["whole", "one", "two", "sub", "rate"]
    intervals = {
        name: (least, least + width) for name, (least, width) in zip(names, bounds, strict=True)
    }
    relations = [
        total_of("whole", ["one", "two"]),
        parts_within("one", ["sub"]),
        *share_of("rate", "whole", per_cent),
    ]
    possible = [
        dict(zip(names, values, strict=True))
        for values in itertools.product(*(range(lo, hi + 1) for lo, hi in intervals.values()))
    ]
    possible = [
        values
        for values in possible
        if values["whole"] == values["one"] + values["two"]
        and values["sub"] <= values["one"]
        and abs(100 * values["rate"] - per_cent * values["whole"]) <= 0.05 * values["whole"] + 1e-9
    ]
    said = pd.DataFrame(
        [
            (name, "t", 1, least, greatest, True, True)
            for name, (least, greatest) in intervals.items()
        ],
        columns=list(STATEMENT_COLUMNS),
    )
    verdict = audit(said, relations, K)
    if not possible:
        assert verdict.contradictions
        return
    found = {row.cell: (row.least, row.greatest) for row in verdict.ranges.itertuples()}
    for name in names:
        column = [values[name] for values in possible]
        assert found[name] == (min(column), max(column)), name


# The rule for one cell


@given(value=st.integers(0, 10**5), county=st.integers(1, 12), subject=st.sampled_from(("a", "b")))
def test_a_shown_number_stands_for_five_counts_and_never_for_a_small_one(
    value: int, county: int, subject: str
) -> None:
    cell = year(f"AL-{county:02d}", subject=subject)
    shown = RULES.masked(value, cell)
    if value < K:
        assert shown is None
        return
    assert shown is not None
    least, greatest = RULES.meaning(shown, cell)
    assert K <= least <= value <= greatest <= least + RULES.base - 1
    assert {RULES.masked(other, cell) for other in range(least, greatest + 1)} == {shown}


def test_counts_of_the_same_persons_are_rounded_in_one_direction() -> None:
    rules = load_protection([("2.1.1.1", "2.1.9.1", "2.1.11.1")])
    for county in range(1, 13):
        cells = [
            year(f"AL-{county:02d}", subject=subject)
            for subject in ("2.1.1.1", "2.1.9.1", "2.1.11.1", "initially_identified")
        ]
        assert len({rules.is_rounded_up(cell) for cell in cells}) == 1
    directions = {rules.is_rounded_up(year(f"AL-{county:02d}")) for county in range(1, 13)}
    assert directions == {True, False}


def test_who_is_the_same_follows_the_plan_of_the_period() -> None:
    later = LaterPlan(
        "P2",
        ("2024", "2025"),
        # 2.1.9.1 goes on as 2.1.2.1; 2.1.9.1 is another thing now.
        {"2.1.2.1": "2.1.9.1", "2.1.9.1": None, "2.1.3.1": None},
        (("2.1.2.1", "2.1.3.1"),),
    )
    first = load_protection([("2.1.1.1", "2.1.9.1")])
    both = load_protection([("2.1.1.1", "2.1.9.1")], [later])
    in_2023, in_2024 = (
        {
            code: both.group_of(CountKey(code, FIER, period))
            for code in ("2.1.1.1", "2.1.9.1", "2.1.2.1", "2.1.3.1", "initially_identified")
        }
        for period in ("2023", "2024-Q1")
    )
    assert in_2023 == {code: first.group_of(CountKey(code, FIER, "2023")) for code in in_2023}
    assert in_2023["2.1.9.1"] == in_2023["2.1.1.1"] is not None and in_2023["2.1.2.1"] is None
    assert in_2024["2.1.2.1"] == in_2024["2.1.3.1"] == in_2024["initially_identified"] is not None
    assert in_2024["2.1.9.1"] is None
    # A plan that comes turns no direction of a year before it.
    for code in in_2023:
        for county in range(1, 13):
            cell = CountKey(code, f"AL-{county:02d}", "2023")
            assert both.is_rounded_up(cell) == first.is_rounded_up(cell)


def test_no_county_by_month_or_quarter_and_no_two_dimensions_of_a_county_go_out() -> None:
    assert RULES.may_be_shown(year(FIER))
    assert RULES.may_be_shown(year("AL", "sex_and_age_group", "male 0-17"))
    assert RULES.may_be_shown(CountKey("flagged", "AL", "2023-Q1"))
    for cell in (
        CountKey("flagged", FIER, "2023-05"),
        CountKey("flagged", FIER, "2023-Q2"),
        CountKey("flagged", "AL", "2023-05"),
        CountKey("flagged", "AL", "2023-Q1", "sex", "male"),
        year(FIER, "sex_and_age_group", "male 0-17"),
    ):
        assert not RULES.may_be_shown(cell), cell
