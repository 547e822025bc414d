"""What may be said of a figure: its number with its bounds, what it rests on, how it changed.

Belongs here: which sentence a figure gets, so that it never says more than the data allow. Not
here: the words (sources/texts/figures.yml, nouns.csv), or what a figure counts (dbt_project).
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from orchestration.presentation.formats import number, per_cent, plural
from orchestration.presentation.periods import Period
from sources.texts import Language, placeholders, text

#: Percentages are told from a base of so many; of a smaller one they say nothing.
SMALLEST_BASE = 50


class Comparability(StrEnum):
    """Whether two figures may be compared, as marts.period_figures says."""

    EQUAL = "equal"
    PARTLY = "partly"
    NONE = "none"
    BREAK = "break"


@dataclass(frozen=True)
class Figure:
    """A number as it may be told, in its unit.

    `state` is number, zero, or why there is none (a group of figures.states); `value` is None then.
    `least` to `most` is where it lies; `most` is None where nothing bounds it. `came` of `expected`
    are of what `rests_on` names (institutions, counties, values, reports). A number of an edition
    is rounded. The reference is what `krat explain` takes, empty where there is none.
    """

    value: float | None
    unit: str
    state: str = "number"
    least: float | None = None
    most: float | None = None
    is_lower_bound: bool = False
    may_fall: bool = False
    is_rounded: bool = False
    came: int | None = None
    expected: int | None = None
    rests_on: str = "institutions"
    reference: str = ""

    @property
    def low(self) -> float | None:
        """What it is at least."""
        if self.may_fall:
            return 0
        return self.value if self.least is None else self.least

    @property
    def high(self) -> float | None:
        """What it is at most; None where nothing bounds it."""
        if self.is_lower_bound or self.value is None or (self.is_rounded and self.most is None):
            return None
        return self.value if self.most is None else self.most

    @property
    def kind(self) -> str:
        """How it is told, or its state where it has no number.

        exact, zero, between and rounded have two ends, at_least and at_most one. What is only
        counted of what came, because more and less are possible, is uncertain.
        """
        if self.value is None:
            return self.state
        if self.high is None:
            if self.is_rounded and not (self.is_lower_bound or self.may_fall):
                return "rounded"
            return "uncertain" if self.value and not self.low else "at_least"
        if self.may_fall and self.high:
            return "at_most"
        if self.is_rounded:
            return "rounded"
        if self.low != self.high:
            return "between"
        return "exact" if self.value else "zero"


@dataclass(frozen=True)
class Change:
    """How a figure stands to an earlier one.

    `at_equal_coverage` is the change over `compared` values that both periods have, None where no
    two values can be compared.
    """

    period: Period
    before: Figure
    comparability: Comparability
    at_equal_coverage: float | None = None
    compared: int = 0


def count(value: float, unit: str, language: Language) -> str:
    """Return a number with its noun: 1 rast, 21 raste."""
    return f"{number(value, language)} {noun(value, unit, language)}".strip()


def noun(value: float, unit: str, language: Language) -> str:
    """Return the noun of a unit after a number; empty for a unit without one."""
    row = _nouns().get(unit)
    return row[f"{language}_{plural(value, language)}"] if row else ""


def amount(figure: Figure, language: Language) -> str:
    """Return a number with its bounds and noun. Raises ValueError where there is no number."""
    if figure.value is None:
        raise ValueError(f"a figure without a number ({figure.state}) has no amount")
    kind, shown = figure.kind, figure.value
    if kind == "at_least":
        shown = figure.value if figure.low is None else figure.low
        # That zero came says nothing of what did not.
        kind = kind if shown else "none_came"
    elif kind == "at_most":
        shown = figure.value if figure.high is None else figure.high
    elif kind == "uncertain" and figure.is_rounded:
        kind = "uncertain_bound" if figure.most is None else "uncertain_rounded"
    elif kind == "rounded" and figure.most is None:
        kind = "rounded_bound"
    # The noun of a span, and of "11 or more", is that of many.
    counted = 2 if kind.startswith(("between", "rounded")) else shown
    key = f"figures.amounts.{kind}"
    told = {
        "number": number(shown, language),
        "least": number(figure.value if figure.least is None else figure.least, language),
        "most": number(figure.value if figure.most is None else figure.most, language),
        "noun": noun(counted, figure.unit, language),
    }
    return text(key, language, **{name: told[name] for name in placeholders(key)})


def sign(figure: Figure, language: Language) -> str:
    """Return what stands in a cell or at a bar: 276, ≥ 14, ≤ 8, 13–15, ~ 5, 0 or [n.r.]."""
    if figure.value is None:
        return text(f"figures.states.{figure.state}.sign", language)
    low = figure.value if figure.low is None else figure.low
    high = figure.value if figure.high is None else figure.high
    kind = figure.kind
    if kind == "at_least" or (kind == "rounded" and figure.most is None):
        return f"≥\u00a0{number(low, language)}"
    if kind == "at_most":
        return f"≤\u00a0{number(high, language)}"
    if kind == "uncertain":
        return f"~\u00a0{number(figure.value, language)}"
    if kind == "between":
        return f"{number(low, language)}–{number(high, language)}"
    return number(figure.value, language)


def legend(figures: Iterable[Figure], language: Language) -> list[str]:
    """Return what the signs of some figures mean, each once; a plain number needs no word."""
    kinds = dict.fromkeys(figure.kind for figure in figures)
    told = [kind for kind in kinds if kind not in ("exact", "rounded")]
    return [text(f"figures.legend.{kind}", language) for kind in told]


def coverage(figure: Figure, language: Language) -> str:
    """Return how many of how many a figure rests on; empty where that is not known."""
    if figure.came is None or figure.expected is None:
        return ""
    if figure.rests_on == "institutions" and (figure.came, figure.expected) == (0, 1):
        return text("figures.coverage.institutions.sole", language)
    form = plural(figure.came, language)
    key = f"figures.coverage.{figure.rests_on}.{form}"
    if form == "one":
        return text(key, language, expected=figure.expected)
    return text(key, language, came=figure.came, expected=figure.expected)


def value_sentence(name: str, figure: Figure, period: Period, language: Language) -> str:
    """Return the figure in one sentence, with what it rests on where that is not all."""
    if figure.value is None:
        said = text(
            f"figures.states.{figure.state}.sentence",
            language,
            period=period.name(language, "in"),
        )
        return f"{name}: {said}."
    said = amount(figure, language)
    # Zero is «asnjë» with the singular.
    if figure.kind == "zero" and (counted := noun(1, figure.unit, language)):
        said = text("figures.amounts.none", language, noun=counted)
    if figure.came != figure.expected and (came := coverage(figure, language)):
        said = f"{said} ({came})"
    return f"{name}: {said}."


def full_sentence(
    name: str, figure: Figure, period: Period, changes: Iterable[Change], language: Language
) -> str:
    """Return the figure in one sentence, and how it stands to earlier periods."""
    told = value_sentence(name, figure, period, language).removesuffix(".")
    if figure.value is None:
        return f"{told}."
    return "; ".join([told, *(change_words(figure, change, language) for change in changes)]) + "."


def change_words(figure: Figure, change: Change, language: Language) -> str:
    """Return how a figure with a number stands to an earlier one, in the words the data allow.

    More or fewer is said only of figures that may be compared and whose intervals don't touch; of
    the values that both periods have it is said beside figures that may not be.
    """
    before = change.before
    names = {"before": change.period.name(language, "in")}
    if before.value is None:
        return _change("first", language, **names)
    was = sign(before, language)
    if change.comparability is Comparability.BREAK:
        return _change("definition", language, was=was, **names)
    if change.comparability is not Comparability.EQUAL:
        words = _change("coverage", language, was=was, **names)
        if change.at_equal_coverage is None or not change.compared:
            return words
        way = _direction(change.at_equal_coverage)
        key = f"figures.changes.at_equal_coverage.{way}"
        values: dict[str, object] = {"compared": count(change.compared, "values", language)}
        if way != "same":
            values["change"] = number(abs(change.at_equal_coverage), language)
        return f"{words}; {text(key, language, **values)}"
    way = direction(figure, before)
    if way in ("unclear", "same"):
        more = {"was": was} if way == "unclear" else {}
        return _change(way, language, **more, **names)
    if (share := share_moved(figure, before, language)) is not None:
        was = text("figures.changes.share", language, was=was, share=share)
    least, most = moved(figure, before)
    by = number(least, language)
    if most is None:
        by = _change("at_least", language, change=by)
    elif least != most:
        by = f"{by}–{number(most, language)}"
    return _change(way, language, was=was, change=by, **names)


def moved(figure: Figure, before: Figure) -> tuple[float, float | None]:
    """Return by how much a figure is above or below an earlier one: at least and at most.

    The two don't touch; nothing is at most where either has an open end.
    """
    over, under = (figure, before) if direction(figure, before) == "up" else (before, figure)
    assert over.low is not None and under.high is not None
    most = None if over.high is None or under.low is None else over.high - under.low
    return over.low - under.high, most


def share_moved(figure: Figure, before: Figure, language: Language) -> str | None:
    """Return the change in per cent with its sign; None where the base is small or not exact."""
    if before.value is None or figure.value is None or before.value < SMALLEST_BASE:
        return None
    if not before.kind == figure.kind == "exact":
        return None
    change = 100 * (figure.value - before.value) / before.value
    return _plus(change) + per_cent(round(change, 1), language)


def direction(figure: Figure, before: Figure) -> str:
    """Return up, down, same or unclear: what is certain of two figures that may be compared."""
    if figure.is_rounded or before.is_rounded or None in (figure.value, before.value):
        return "unclear"
    if figure.low is not None and before.high is not None and figure.low > before.high:
        return "up"
    if figure.high is not None and before.low is not None and figure.high < before.low:
        return "down"
    exact = {figure.kind, before.kind} <= {"exact", "zero"}
    return "same" if exact and figure.value == before.value else "unclear"


def _direction(change: float) -> str:
    return "same" if not change else "up" if change > 0 else "down"


def _plus(change: float) -> str:
    return "+" if change > 0 else ""


def _change(key: str, language: Language, **values: object) -> str:
    return text(f"figures.changes.{key}", language, **values)


@cache
def _nouns() -> dict[str, dict[str, str]]:
    path = Path(__file__).with_name("nouns.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return {row["unit"]: row for row in csv.DictReader(file)}
