"""Figures in the forms that pages show them in: cells, sentences, charts, status.

Belongs here: what a page may say of an indicator. Not here: which page says it (pages).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestration.presentation.charts import Bar, Chart, bar_chart, lying_bars
from orchestration.presentation.formats import number, per_cent
from orchestration.presentation.periods import Period, PeriodKind
from orchestration.presentation.sentences import (
    Figure,
    amount,
    coverage,
    legend,
    sign,
    value_sentence,
)
from orchestration.site.facts import NATION, Facts, Key, Observation
from sources.texts import Language, text

#: So many months are drawn; a table has them all.
MOST_MONTHS = 24

#: What stands at a month that values given for a quarter or longer are in.
LONGER = "*"

#: States of a month that nobody could have given a number for.
NOTHING_DUE = ("not_due", "not_owed", "not_of_period", "not_applicable", "not_covered")

#: A step that is done or not, in each county by itself: the counties' sum is no share of a target.
_MILESTONE = "milestone"

#: Bases of targets that a status may be read from at a glance.
_STATED = ("annual", "cumulative", "level")


@dataclass(frozen=True)
class Light:
    """A status with its shape: a word and a sign, never a colour alone."""

    status: str
    name: str
    shape: str


_SHAPES = {"achieved": "●", "on_track": "▲", "at_risk": "◆", "off_track": "▼"}


def light(
    facts: Facts, key: Key, observation: Observation | None, language: Language
) -> Light | None:
    """Return the status of an indicator, None where the plan states no basis of its target."""
    if observation is None or facts.indicators[key]["target_basis"] not in _STATED:
        return None
    status = observation.row["status"]
    if status not in _SHAPES:
        return None
    return Light(status, facts.code_name("status", status, language), _SHAPES[status])


def shown_months(observations: Sequence[Observation]) -> list[Observation]:
    """Return the newest months from the first to the last for which anything was due."""
    due = [place for place, one in enumerate(observations) if one.of_month.kind not in NOTHING_DUE]
    if not due:
        return []
    return list(observations[due[0] : due[-1] + 1])[-MOST_MONTHS:]


def months_chart(
    facts: Facts, key: Key, observations: Sequence[Observation], language: Language
) -> Chart | None:
    """Return an indicator's months as bars, None where nothing was ever due."""
    shown = shown_months(observations)
    if not shown:
        return None
    name = facts.indicators[key]["short_name"][language]
    bars = [
        Bar(
            month_label(one) + (LONGER if one.has_longer else ""),
            one.of_month,
            bool(one.row["break_before"]),
        )
        for one in shown
    ]
    missing = sum(one.of_month.value is None for one in shown)
    bounds = sum(one.of_month.kind in ("at_least", "uncertain") for one in shown)
    alt = text(
        "site.charts.months",
        language,
        name=name,
        first=shown[0].period.name(language),
        last=shown[-1].period.name(language),
        newest=f"{shown[-1].period.name(language)}: {sign(shown[-1].of_month, language)}",
        missing=missing,
        bounds=bounds,
    )
    return bar_chart(bars, language, alt, axis=unit_name(facts, key, language), width=640)


def month_legend(
    observations: Sequence[Observation], language: Language, more: Sequence[Figure] = ()
) -> list[str]:
    """Return what the signs of some months and of `more` figures mean, with the star."""
    told = legend([*(one.of_month for one in observations), *more], language)
    if any(one.has_longer for one in observations):
        told.append(text("site.charts.longer", language))
    return told


def chart_legend(
    observations: Sequence[Observation], more: Sequence[Figure], language: Language
) -> list[str]:
    """Return what the signs of charts of months and of `more` figures mean, and their stripes."""
    told = month_legend(observations, language, more)
    figures = [*(one.of_month for one in observations), *more]
    if any(one.low != (one.most or one.value) for one in figures if one.value is not None):
        told.append(text("site.charts.striped", language))
    return told


def readings_chart(
    facts: Facts, key: Key, newest: Observation | None, language: Language
) -> Chart | None:
    """Return the readings of the newest month beside the year's target, None without a target."""
    if newest is None or newest.row["target_value"] is None or newest.of_year.value is None:
        return None
    if is_milestone(facts, key):
        return None
    target = newest.row["target_value"]
    bars = [
        Bar(text(f"site.readings.{name}", language), figure)
        for name, figure in readings(facts, key, newest)
    ]
    told = "; ".join(f"{bar.label}: {sign(bar.figure, language)}" for bar in bars)
    alt = text(
        "site.charts.readings", language, told=told, year=newest.month.year,
        target=number(target, language),
    )  # fmt: skip
    return lying_bars(bars, language, alt, target=target, width=420)


def is_milestone(facts: Facts, key: Key) -> bool:
    """Return whether an indicator is a step that is done or not."""
    return bool(facts.indicators[key]["target_basis"] == _MILESTONE)


def is_judged(facts: Facts, key: Key, observation: Observation | None) -> bool:
    """Return whether a number of the nation may be held against a target of the year."""
    return (
        observation is not None
        and observation.of_year.value is not None
        and observation.row["target_value"] is not None
        and not is_milestone(facts, key)
    )


def is_reached(facts: Facts, key: Key, observation: Observation | None) -> bool:
    """Return whether the target of the year was reached, in each reading of it."""
    return (
        observation is not None
        and is_judged(facts, key, observation)
        and observation.row["status"] == "achieved"
    )


def readings(facts: Facts, key: Key, one: Observation) -> list[tuple[str, Figure]]:
    """Return the figures that a target may be held against: both where the plan states none."""
    if is_milestone(facts, key):
        return []
    basis = facts.indicators[key]["target_basis"]
    found = [("annual", one.of_year), ("cumulative", one.of_plan)]
    return [pair for pair in found if basis in ("unstated", pair[0])] or found[:1]


def lead(facts: Facts, key: Key, newest: Observation | None, language: Language) -> list[str]:
    """Return what is to be said of an indicator in the nation, in up to three sentences."""
    if facts.is_withheld(key):
        return [text("site.indicator.withheld", language)]
    if newest is None:
        return [text("site.indicator.no_release", language)]
    figure = newest.of_year
    name = facts.indicators[key]["short_name"][language]
    year = newest.month.year
    if figure.value is None:
        return [value_sentence(name, figure, newest.period, language)]
    if is_milestone(facts, key):
        return _milestone(facts, key, newest, language)
    span = text("site.indicator.until", language, month=newest.period.name(language))
    came = coverage(figure, language) if figure.came != figure.expected else ""
    told = f"{span}: {amount(figure, language)}"
    sentences = [f"{told} ({came})." if came else f"{told}."]
    target = newest.row["target_value"]
    if target is None:
        return [*sentences, text("site.indicator.no_target", language, year=year)]
    if target == 0 and figure.low:
        told_zero = {"year": year, "amount": amount(figure, language)}
        return [*sentences, text("site.indicator.above_zero", language, **told_zero)]
    shares = [
        text(
            "site.readings.share",
            language,
            reading=text(f"site.readings.{reading}", language),
            share=share,
        )
        for reading, share in _shares(facts, key, newest, language)
    ]
    told_target = {"year": year, "target": number(target, language)}
    if shares:
        first, *others = shares
        joined = "; ".join([first, *(one[:1].lower() + one[1:] for one in others)])
        sentences.append(text("site.indicator.target", language, shares=joined, **told_target))
    else:
        sentences.append(text("site.indicator.target_alone", language, **told_target))
    if facts.indicators[key]["target_basis"] == "unstated":
        status = newest.row["status"]
        if status == "achieved":
            sentences.append(text("site.indicator.reached_both", language))
        elif status in _SHAPES:
            name = facts.code_name("status", status, language)
            sentences.append(text("site.indicator.same_in_both", language, status=name))
        else:
            sentences.append(text("site.indicator.unstated", language))
    return sentences


def _milestone(facts: Facts, key: Key, newest: Observation, language: Language) -> list[str]:
    """Return in how many counties a step is done: of the plan's one target it is no share."""
    counties = [code for code in facts.areas if code != NATION]
    found = [
        one
        for code in counties
        for one in facts.newest(key, code)
        if one.month == newest.month and one.of_year.value
    ]
    values = {"month": newest.period.name(language), "done": len(found), "counties": len(counties)}
    is_whole = newest.of_year.kind in ("exact", "zero")
    told = text(
        "site.indicator.steps.all" if is_whole else "site.indicator.steps.some", language, **values
    )
    target = newest.row["target_value"]
    if target is None:
        return [told, text("site.indicator.no_target", language, year=newest.month.year)]
    shown = number(target, language)
    return [told, text("site.indicator.steps.target", language, target=shown)]


def _shares(facts: Facts, key: Key, one: Observation, language: Language) -> list[tuple[str, str]]:
    """Return the readings as shares of the target; a bound gives a bound."""
    told = []
    for name, figure in readings(facts, key, one):
        share = one.row[f"progress_{name}"]
        if share is not None:
            is_whole = figure.kind in ("exact", "zero")
            told.append((name, ("" if is_whole else "≥\u00a0") + per_cent(share, language)))
    return told


def target_rows(facts: Facts, key: Key, language: Language) -> list[dict[str, Any]]:
    """Return a row for each year of the plan: its target as printed beside what was reached."""
    by_year = {one.month.year: one for one in facts.newest(key, NATION)}
    rows = []
    for row in facts.targets.get(key, []):
        one = by_year.get(row["year"]) if row["target_kind"] == "target" else None
        rows.append(
            {
                "year": row["year"],
                "kind": facts.code_name("target_kind", row["target_kind"], language),
                "printed": row["source_text"],
                "place": row["source_place"],
                "figures": dict(readings(facts, key, one)) if one else {},
                "shares": dict(_shares(facts, key, one, language)) if one else {},
            }
        )
    return rows


def unit_name(facts: Facts, key: Key, language: Language) -> str:
    """Return the name of an indicator's unit."""
    return facts.code_name("unit", facts.indicators[key]["unit"], language)


def month_label(one: Observation) -> str:
    """Return a month as it stands under a bar: 2023-05."""
    return f"{one.month:%Y-%m}"


def year_period(year: int) -> Period:
    """Return a whole year."""
    return Period(PeriodKind.YEAR, year, 1)
