"""Figures are told in words, signs and charts that never say more than the data allow."""

import re

import pytest

from orchestration.presentation.charts import (
    Bar,
    TargetLine,
    bar_chart,
    county_map,
    county_shapes,
    grid,
    lying_bars,
)
from orchestration.presentation.editions import edition_figure
from orchestration.presentation.formats import join, number, per_cent, signed
from orchestration.presentation.periods import NoSuchPeriod, parse_period
from orchestration.presentation.sentences import (
    Change,
    Comparability,
    Figure,
    amount,
    coverage,
    direction,
    full_sentence,
    legend,
    sign,
)
from sources.texts import LANGUAGES, Language

QUARTER = parse_period("2023-Q2")

STATES = ("not_reported", "unknown", "refused", "not_applicable", "not_due", "not_owed",
          "not_of_period", "not_covered", "withheld")  # fmt: skip


@pytest.mark.parametrize(
    ("code", "first", "last", "before", "year_before", "sq", "en"),
    [
        ("2023-05", 5, 5, "2023-04", "2022-05", "maj 2023", "May 2023"),
        ("2023-Q1", 1, 3, "2022-Q4", "2022-Q1", "tremujori I 2023", "Q1 2023"),
        ("2023-T3", 9, 12, "2023-T2", "2022-T3", "katërmujori III 2023", "September–December 2023"),
        ("2023-H2", 7, 12, "2023-H1", "2022-H2", "gjashtëmujori II 2023", "H2 2023"),
        ("2023", 1, 12, "2022", "2022", "viti 2023", "2023"),
    ],
)
def test_a_period_knows_its_months_its_neighbours_and_its_names(
    code: str, first: int, last: int, before: str, year_before: str, sq: str, en: str
) -> None:
    period = parse_period(code.lower())
    assert period.code == code
    assert (period.first_month.month, period.last_month.month) == (first, last)
    assert [month.month for month in period.months] == list(range(first, last + 1))
    assert (period.before.code, period.year_before.code) == (before, year_before)
    assert (period.name("sq"), period.name("en")) == (sq, en)


@pytest.mark.parametrize("code", ["2023-13", "2023-Q5", "2023-T4", "2023-H3", "Q2", "23", "", "ë"])
def test_what_is_no_period_is_told_with_the_forms_that_there_are(code: str) -> None:
    with pytest.raises(NoSuchPeriod, match="2023-Q2"):
        parse_period(code)


def test_numbers_are_written_as_each_language_writes_them() -> None:
    assert [number(1255, "sq"), number(65.94, "sq"), number(-3, "en")] == ["1\xa0255", "65,9", "−3"]
    assert [per_cent(65.9, "sq"), per_cent(-3.5, "en")] == ["65,9\xa0%", "−3.5%"]
    assert [signed(3, "sq"), signed(-3, "sq"), signed(0, "sq")] == ["+3", "−3", "0"]
    assert join(["Fier", "Vlorë", "Berat"], "sq") == "Fier, Vlorë dhe Berat"


def told(figure: Figure, before: Figure, language: Language, **change: object) -> str:
    """Return the sentence on a figure of the second quarter beside the quarter before."""
    values = {"comparability": Comparability.EQUAL} | change
    of_before = Change(QUARTER.before, before, **values)  # type: ignore[arg-type]
    return full_sentence("X", figure, QUARTER, [of_before], language)


@pytest.mark.parametrize(
    ("figure", "before", "change", "sq", "en"),
    [
        pytest.param(
            Figure(276, "persons"),
            Figure(286, "persons"),
            {},
            "X: 276 persona; 10 më pak se në tremujorin I 2023 (286; −3,5\xa0%).",
            "X: 276 persons; 10 fewer than in Q1 2023 (286; −3.5%).",
            id="down, with a share of a large base",
        ),
        pytest.param(
            Figure(21, "cases"),
            Figure(15, "cases"),
            {},
            "X: 21 raste; 6 më shumë se në tremujorin I 2023 (15).",
            "X: 21 cases; 6 more than in Q1 2023 (15).",
            id="up, no share of a small base, 21 is a plural",
        ),
        pytest.param(
            Figure(1, "cases"),
            Figure(1, "cases"),
            {},
            "X: 1 rast; po aq sa në tremujorin I 2023.",
            "X: 1 case; the same number as in Q1 2023.",
            id="the same",
        ),
        pytest.param(
            Figure(14, "persons", least=13, most=15),
            Figure(14, "persons"),
            {},
            "X: 13–15 persona; në tremujorin I 2023: 14; nuk ka ndryshim të qartë.",
            "X: 13–15 persons; in Q1 2023: 14; no clear change.",
            id="intervals that touch",
        ),
        pytest.param(
            Figure(9, "cases", least=5, most=9),
            Figure(1, "cases", least=0, most=1),
            {},
            "X: 5–9 raste; 4–9 më shumë se në tremujorin I 2023 (0–1).",
            "X: 5–9 cases; 4–9 more than in Q1 2023 (0–1).",
            id="intervals apart",
        ),
        pytest.param(
            Figure(31, "cases", least=30, is_lower_bound=True),
            Figure(20, "cases"),
            {},
            "X: të paktën 30 raste; të paktën 10 më shumë se në tremujorin I 2023 (20).",
            "X: at least 30 cases; at least 10 more than in Q1 2023 (20).",
            id="a bound above",
        ),
        pytest.param(
            Figure(8, "persons", is_lower_bound=True, may_fall=True),
            Figure(9, "persons"),
            {},
            "X: 8 persona në atë që mbërriti (mund të ulet ose të rritet: jo gjithçka mbërriti); "
            "në tremujorin I 2023: 9; nuk ka ndryshim të qartë.",
            "X: 8 persons in what came (may fall or rise: not everything came); in Q1 2023: 9; no "
            "clear change.",
            id="files missing before and within",
        ),
        pytest.param(
            Figure(0, "cases", is_lower_bound=True),
            Figure(0, "cases", least=0, most=3),
            {},
            "X: 0 raste në atë që mbërriti (jo gjithçka); në tremujorin I 2023: 0–3; nuk ka "
            "ndryshim të qartë.",
            "X: 0 cases in what came (not all of it); in Q1 2023: 0–3; no clear change.",
            id="zero in a part is no zero",
        ),
        pytest.param(
            Figure(14, "campaigns", is_lower_bound=True, came=7, expected=8),
            Figure(13, "campaigns"),
            {"comparability": Comparability.PARTLY, "at_equal_coverage": 1, "compared": 12},
            "X: të paktën 14 fushata (raportuan plotësisht 7 nga 8 institucionet); në tremujorin I "
            "2023: 13; shifrat nuk krahasohen, sepse mbulimi nuk është i njëjtë; te 12 vlera "
            "që kemi për të dyja periudhat: 1 më shumë.",
            "X: at least 14 campaigns (7 of 8 institutions reported in full); in Q1 2023: 13; not "
            "comparable, as coverage differs; in 12 values given for both periods: 1 more.",
            id="a lower bound at equal coverage",
        ),
        pytest.param(
            Figure(5, "cases"),
            Figure(3, "cases"),
            {"comparability": Comparability.BREAK},
            "X: 5 raste; në tremujorin I 2023: 3; shifrat nuk krahasohen, sepse përkufizimi "
            "ndryshoi.",
            "X: 5 cases; in Q1 2023: 3; not comparable, as the definition changed.",
            id="another definition",
        ),
        pytest.param(
            Figure(0, "cases"),
            Figure(None, "cases", "not_reported"),
            {},
            "X: u raportua zero, asnjë rast; për tremujorin I 2023 nuk ka vlerë: nuk krahasohet.",
            "X: zero was reported, no case; there is no value for Q1 2023: no comparison.",
            id="zero, and nothing before",
        ),
        pytest.param(
            Figure(None, "cases", "not_reported"),
            Figure(3, "cases"),
            {},
            "X: vlera për tremujorin II 2023 nuk u raportua; kjo nuk do të thotë zero.",
            "X: no value was reported for Q2 2023; this does not mean zero.",
            id="no report",
        ),
        pytest.param(
            Figure(None, "persons", "withheld"),
            Figure(30, "persons", is_rounded=True, least=28, most=32),
            {},
            "X: numri për tremujorin II 2023 nuk publikohet, për mbrojtjen e personave.",
            "X: the number for Q2 2023 is not published, to protect persons.",
            id="withheld",
        ),
    ],
)
def test_a_sentence_says_what_the_numbers_allow(
    figure: Figure, before: Figure, change: dict[str, object], sq: str, en: str
) -> None:
    assert told(figure, before, "sq", **change) == sq
    assert told(figure, before, "en", **change) == en


def test_more_or_fewer_is_said_of_what_is_certain_alone() -> None:
    bound = Figure(5, "cases", is_lower_bound=True)
    assert direction(bound, Figure(9, "cases")) == "unclear"
    assert direction(Figure(3, "cases"), bound) == "down"
    assert direction(Figure(9, "cases"), bound) == "unclear"
    assert direction(bound, Figure(4, "cases")) == "up"
    falls = Figure(5, "cases", may_fall=True)
    assert direction(falls, Figure(4, "cases")) == "unclear"
    rounded = Figure(25, "persons", least=23, most=27, is_rounded=True)
    assert (
        direction(rounded, Figure(50, "persons", least=48, most=52, is_rounded=True)) == "unclear"
    )


def test_a_rounded_number_says_so_and_a_bound_without_an_end_does() -> None:
    rounded = Figure(25, "persons", least=23, most=27, is_rounded=True)
    assert amount(rounded, "en") == "25 persons (rounded, between 23 and 27)"
    assert amount(Figure(11, "persons", least=11, is_rounded=True), "en") == "11 persons or more"
    both = {"is_rounded": True, "is_lower_bound": True, "may_fall": True}
    assert amount(Figure(11, "persons", least=11, **both), "en") == (
        "11 persons or more in what came (may fall or rise: not everything came)"
    )
    assert amount(Figure(205, "persons", least=203, most=207, **both), "en") == (
        "about 205 persons in what came, between 203 and 207 "
        "(may fall or rise: not everything came)"
    )
    falling = Figure(110, "persons", least=108, most=112, is_rounded=True, may_fall=True)
    assert amount(falling, "en") == "at most 112 persons (an earlier file is missing)"
    with pytest.raises(ValueError, match="withheld"):
        amount(Figure(None, "persons", "withheld"), "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_state_has_a_sign_of_its_own(language: Language) -> None:
    figures = [Figure(None, "cases", state) for state in STATES]
    figures += [Figure(3, "cases"), Figure(0, "cases"), Figure(3, "cases", is_lower_bound=True)]
    figures += [Figure(3, "cases", least=2, most=4), Figure(3, "cases", may_fall=True)]
    signs = [sign(figure, language) for figure in figures]
    assert len(set(signs)) == len(signs)
    assert len(legend(figures, language)) == len(figures) - 1


def fills(svg: str) -> set[str]:
    return set(re.findall(r'fill="(url\(#\w+\))"', svg))


def test_bars_differ_without_colour() -> None:
    drawn = {
        name: bar_chart([Bar("maj", figure)], "sq", "x").svg()
        for name, figure in {
            "number": Figure(12, "cases"),
            "zero": Figure(0, "cases"),
            "at_least": Figure(12, "cases", is_lower_bound=True),
            "between": Figure(12, "cases", least=10, most=14),
            "not_reported": Figure(None, "cases", "not_reported"),
            "withheld": Figure(None, "cases", "withheld"),
            "not_due": Figure(None, "cases", "not_due"),
        }.items()
    }
    assert len({re.sub(r">[^<]*</text>", "></text>", svg) for svg in drawn.values()}) == len(drawn)
    assert fills(drawn["not_reported"]) == {"url(#hatched)"}
    assert fills(drawn["withheld"]) == {"url(#crossed)"}
    assert fills(drawn["between"]) == {"url(#striped)"}
    assert fills(drawn["number"]) == fills(drawn["zero"]) == fills(drawn["not_due"]) == set()
    assert ">≥\xa012<" in drawn["at_least"] and ">0<" in drawn["zero"]


def test_a_chart_says_what_it_shows_in_its_language() -> None:
    chart = bar_chart(
        [Bar("maj", Figure(20_000, "persons"))],
        "sq",
        'Synimi "ë" & më',
        targets=[TargetLine("S", 3)],
    )
    svg = chart.svg()
    assert 'aria-label="Synimi &quot;ë&quot; &amp; më"' in svg
    assert "20\xa0000" in svg
    assert chart.png(1)[:8] == b"\x89PNG\r\n\x1a\n"


def test_lying_bars_and_a_grid_have_the_signs_of_their_figures() -> None:
    figures = {"a": Figure(160, "per_cent"), "b": Figure(None, "per_cent", "not_reported")}
    lying = lying_bars(
        [Bar(*one) for one in figures.items()], "en", "x", most=150, target=100
    ).svg()
    assert ">160<" in lying and ">[n.r.]<" in lying
    cells = grid(["x"], ["a", "b"], {("x", name): one for name, one in figures.items()}, "en", "x")
    assert ">160<" in cells.svg() and ">[n.r.]<" in cells.svg()


def test_the_map_has_twelve_counties_and_no_grey_for_who_gave_no_number() -> None:
    codes = [shape["properties"]["county_code"] for shape in county_shapes()]
    assert sorted(codes) == [f"AL-{number:02}" for number in range(1, 13)]
    figures = {"AL-01": Figure(0, "cases"), "AL-02": Figure(60, "cases")}
    figures["AL-03"] = Figure(None, "cases", "withheld")
    svg = county_map(figures, {"AL-01": "Berat"}, (10, 25, 50), "sq", "x").svg()
    # Each fill of a county stands in the key once more.
    assert svg.count('fill="url(#hatched)"') == 9 + 1
    assert svg.count('fill="url(#crossed)"') == 1 + 1
    assert svg.count('fill="#e6e6e6"') == svg.count('fill="#555555"') == 1 + 1
    assert [svg.count(f">{one}<") for one in ("&lt; 10", "10 – &lt; 25", "≥ 50")] == [1, 1, 1]
    assert "[n.r.]: nuk u raportua" in svg
    assert svg.count(">Berat<") == 1


def test_a_county_that_is_not_covered_looks_otherwise_than_one_that_did_not_report() -> None:
    figures = {f"AL-{number:02}": Figure(None, "cases", "not_covered") for number in range(1, 12)}
    svg = county_map(figures, {}, (10, 25, 50), "en", "x").svg()
    assert svg.count('fill="url(#hatched)"') == 1 + 1
    assert svg.count(">[n.cov.]<") == 11
    assert "[n.cov.]: the county is not covered yet" in svg


@pytest.mark.parametrize(
    ("shown", "value", "least", "greatest", "is_bound", "may_fall", "told"),
    [
        ("rounded_5", 110, 108, 112, False, False, "110"),
        ("rounded_5", 110, 108, 112, True, False, "≥\xa0108"),
        ("rounded_5", 110, 108, 112, False, True, "≤\xa0112"),
        ("rounded_25", 25, 11, 37, True, True, "~\xa025"),
        ("at_least_11", None, 11, None, False, False, "≥\xa011"),
        ("at_least_11", None, 11, None, True, False, "≥\xa011"),
        ("at_least_11", None, 11, None, True, True, "~\xa011"),
        ("suppressed", None, 0, 10, False, False, "[withheld]"),
        ("earlier", None, 0, 10, True, False, "[withheld]"),
        ("withheld", None, None, None, True, False, "[withheld]"),
        ("few_counties", None, None, None, True, False, "[withheld]"),
        ("not_reported", None, None, None, True, False, "[n.r.]"),
        ("rest", 15, None, None, False, False, "15"),
    ],
)
def test_a_count_of_an_edition_is_a_bound_where_it_is_one_and_no_0_where_it_is_held_back(
    shown: str,
    value: int | None,
    least: int | None,
    greatest: int | None,
    is_bound: bool,
    may_fall: bool,
    told: str,
) -> None:
    row = {
        "shown_as": shown, "value": value, "least": least, "greatest": greatest, "unit": "persons",
        "is_lower_bound": is_bound, "may_fall": may_fall, "counties_reporting": 3,
        "counties_expected": 12,
    }  # fmt: skip
    assert sign(edition_figure(row), "en") == told


def test_one_institution_is_not_said_to_be_none_of_one() -> None:
    figure = Figure(3, "cases", is_lower_bound=True, came=0, expected=1)
    assert coverage(figure, "sq") == "institucioni nuk i ka raportuar të gjitha vlerat"
    assert coverage(figure, "en") == "the institution has not reported all values"
    none = Figure(3, "cases", is_lower_bound=True, came=0, expected=1, rests_on="counties")
    assert coverage(none, "en") == "0 of 1 counties reported"


def test_the_head_of_a_column_has_a_short_name_of_its_period() -> None:
    short = {code: parse_period(code).name("sq", "short") for code in ("2022-H2", "2022-Q4")}
    assert short == {"2022-H2": "gj. II 2022", "2022-Q4": "trem. IV 2022"}
    assert parse_period("2023-T2").name("en", "short") == "May–Aug 2023"
    assert parse_period("2023-05").name("sq", "short") == "maj 2023"


def test_a_bar_that_may_be_longer_is_open_and_one_beyond_the_axis_is_cut() -> None:
    bound = lying_bars([Bar("a", Figure(40, "", is_lower_bound=True))], "sq", "x" * 20, most=150)
    beyond = lying_bars([Bar("a", Figure(400, ""))], "sq", "x" * 20, most=150)
    whole = lying_bars([Bar("a", Figure(40, ""))], "sq", "x" * 20, most=150)
    assert "linearGradient" in bound.svg() and ">//<" not in bound.svg()
    assert ">//<" in beyond.svg() and "linearGradient" not in beyond.svg()
    assert ">//<" not in whole.svg() and "linearGradient" not in whole.svg()


def test_an_axis_of_persons_has_whole_numbers() -> None:
    drawn = bar_chart([Bar("a", Figure(2, "persons"))], "sq", "x" * 20).svg()
    assert ">0,5<" not in drawn and ">1,5<" not in drawn and ">1<" in drawn
