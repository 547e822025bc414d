"""What the public tier's protection means: shapes, the masking of a number, and its reading back.

Belongs here: the parameters (protection.yml), a protected cell's identity, and what an attacker
knows of cells before any is published. Not here: the tables (orchestration.publication) or what can
be derived from them (disclosure).
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations, groupby, pairwise
from math import inf
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from expectations.disclosure import Relation, parts_within, same_count, total_of
from sources.datafiles import read_yaml
from sources.registers import NATION

PARAMETERS = Path(__file__).parent / "protection.yml"

#: Signs that stand in place of a number: one for everything from 0 to the threshold, and one for
#: what is left out, of whatever size, so that the first tells no more than it says.
SUPPRESSED = "suppressed"
WITHHELD = "withheld"
MASKED = (SUPPRESSED, WITHHELD)


class CountKey(NamedTuple):
    """A count's identity: what, where, when (2023, 2023-Q2 or 2023-05), and of whom."""

    subject: str
    county_code: str
    period: str
    dimension: str = "total"
    category: str = "total"

    def __str__(self) -> str:
        return " | ".join(self)

    @classmethod
    def named(cls, name: str) -> "CountKey":
        """Return the cell of a name that `str` gave."""
        return cls(*name.split(" | "))

    @property
    def period_kind(self) -> str:
        """Return year, quarter or month."""
        return {4: "year", 7: "quarter" if "Q" in self.period else "month"}[len(self.period)]


@dataclass(frozen=True)
class LaterPlan:
    """What a plan after the first calls its indicators, and which of them count the same persons.

    `follows` maps each code of it to the first plan's code whose values can be compared, or None.
    """

    plan_code: str
    years: tuple[str, ...]
    follows: Mapping[str, str | None]
    populations: tuple[tuple[str, ...], ...]

    def name_of(self, code: str) -> str:
        """Return the name of an indicator that none of another plan has."""
        return f"{self.plan_code}/{code}"

    def same_persons(self, named: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
        """Yield its populations, and what of counts named by the first plan's codes holds here."""
        own = {first: self.name_of(code) for code, first in self.follows.items() if first}
        for codes in self.populations:
            yield tuple(self.name_of(code) for code in codes)
        for counts in named:
            if any(code in own for code in counts):
                yield tuple(own.get(code, code) for code in counts)


@dataclass(frozen=True)
class Protection:
    """The parameters of protection.yml; `groups` gives counts of the same persons one name.

    Codes are those of the first plan. A later plan can give a code to another indicator: `names`
    has for a year and a code what the indicator is called here.
    """

    threshold: int
    base: int
    settled_after_days: int
    shapes: frozenset[tuple[str, str, str]]
    dimensions: dict[str, tuple[str, ...]]
    refinements: dict[str, dict[str, dict[str, tuple[str, ...]]]]
    parts: tuple[tuple[str, str], ...]
    groups: dict[str, str]
    names: Mapping[tuple[str, str], str]

    def may_be_shown(self, cell: CountKey, counties: Sequence[str] = ()) -> bool:
        """Tell whether cells of this shape go out at all.

        The nation of a single county is that county, and has no more shapes than it.
        """
        if cell.county_code == NATION and len(counties) == 1:
            return self.may_be_shown(cell._replace(county_code=counties[0]))
        area = "nation" if cell.county_code == NATION else "county"
        known = cell.dimension == "total" or cell.category in self.dimensions[cell.dimension]
        return known and (area, cell.period_kind, cell.dimension) in self.shapes

    def group_of(self, cell: CountKey) -> str | None:
        """Return the name of the counts that are of the same persons as a cell's, if there are."""
        return self.groups.get(self.names.get((cell.period[:4], cell.subject), cell.subject))

    def is_rounded_up(self, cell: CountKey) -> bool:
        """Tell a cell's direction, the same in every vintage and for all counts of its persons.

        No key goes into it. The gate takes the direction for known, so a secret one would protect
        nothing more; a lost one would change directions, which is a leak.
        """
        identity = str(cell._replace(subject=self.group_of(cell) or cell.subject))
        return hashlib.sha256(identity.encode()).digest()[0] % 2 == 1

    def masked(self, value: int, cell: CountKey) -> int | None:
        """Return the number that is shown, or None for one that is too small to be."""
        if value < self.threshold:
            return None
        down = value // self.base * self.base
        return down if down == value or not self.is_rounded_up(cell) else down + self.base

    def meaning(self, shown: float, cell: CountKey) -> tuple[int, int]:
        """Return the least and greatest count that a shown number stands for.

        A number that rounding can't give stands for itself.
        """
        if shown % self.base or shown != int(shown):
            return int(shown), int(shown)
        far = self.base - 1
        number = int(shown)
        least, greatest = (
            (number - far, number) if self.is_rounded_up(cell) else (number, number + far)
        )
        if greatest < self.threshold:
            return max(0, least), greatest
        return max(self.threshold, least), greatest


def load_protection(
    populations: Iterable[tuple[str, ...]] = (), later: Iterable[LaterPlan] = ()
) -> Protection:
    """Return the parameters; `populations` are sets of indicators that count the same persons.

    They are those of the first plan; plans after it have their own.
    """
    content = _content()
    plans = tuple(later)
    groups: dict[str, str] = {}
    named = [tuple(entry["counts"]) for entry in content["same_persons"]]
    of_later = [counts for plan in plans for counts in plan.same_persons(named)]
    for counts in [*populations, *named, *of_later]:
        # The oldest name stays: it decides in which direction counts are rounded.
        known = {groups.get(count) for count in counts}
        first = next((group for group in groups.values() if group in known), min(counts))
        for count in counts:
            merged = groups.setdefault(count, first)
            groups |= {one: first for one, group in groups.items() if group == merged}
    dimensions = content["dimensions"]
    return Protection(
        threshold=content["threshold"]["value"],
        base=content["base"]["value"],
        settled_after_days=content["settled_after_days"]["value"],
        shapes=frozenset(
            (shape["area"], shape["period"], dimension)
            for shape in content["shapes"]
            for dimension in shape["dimensions"]
        ),
        dimensions={name: tuple(entry["categories"]) for name, entry in dimensions.items()},
        refinements={
            name: {
                coarse: {category: tuple(fine) for category, fine in categories.items()}
                for coarse, categories in entry["refines"].items()
            }
            for name, entry in dimensions.items()
            if "refines" in entry
        },
        parts=tuple((entry["whole"], entry["part"]) for entry in content["parts"]),
        groups=groups,
        names={
            (year, code): plan.name_of(code)
            for plan in plans
            for year in plan.years
            for code in plan.follows
        },
    )


@cache
def _content() -> dict[str, Any]:
    content: dict[str, Any] = read_yaml(PARAMETERS)
    return content


@dataclass(frozen=True)
class Additive:
    """What a published row says of how its count came about.

    `counties` are those whose counts it adds up, empty for a county's own; `is_sum` is false for a
    figure that was taken from elsewhere, of which an attacker still supposes that it is the sum.
    `since` is the moment from which it is so, and `before` what earlier releases said.
    """

    counties: tuple[str, ...] = ()
    is_sum: bool = True
    since: int = 0
    before: "Additive | None" = None

    @property
    def phases(self) -> Iterator["Additive"]:
        """This and what was said before, the latest first."""
        phase: Additive | None = self
        while phase is not None:
            yield phase
            phase = phase.before

    def at(self, moment: int) -> "Additive":
        """Return what held at a moment; before anything was said, the first that was."""
        phases = list(self.phases)
        return next((phase for phase in phases if phase.since <= moment), phases[-1])

    def after(self, earlier: "Additive | None", moment: int) -> "Additive":
        """Return how the count came about from a moment on, with what was said of it before."""
        if earlier is None:
            return self
        if (earlier.counties, earlier.is_sum) == (self.counties, self.is_sum):
            return earlier
        return replace(self, since=moment, before=earlier)


def relations_among(cells: dict[CountKey, Additive], rules: Protection) -> list[Relation]:
    """Return what holds among published cells before any number of theirs is known."""
    relations: list[Relation] = []
    for cell, origin in cells.items():
        until = inf
        for phase in origin.phases:
            if phase.counties:
                parts = [str(cell._replace(county_code=county)) for county in phase.counties]
                relations.append(
                    total_of(
                        str(cell),
                        parts,
                        is_assumed=not phase.is_sum,
                        since=phase.since,
                        until=until,
                    )
                )
            until = phase.since
        if cell.period_kind == "year" and cell.dimension == "total":
            relations += _quarters(cell, cells)
    for whole, part in rules.parts:
        relations += [
            parts_within(str(cell), [str(cell._replace(subject=part))])
            for cell in cells
            if cell.subject == whole and cell.dimension == "total"
            if cell._replace(subject=part) in cells
        ]
    return relations + _breakdowns(cells, rules) + _same_persons(cells, rules)


def _quarters(year: CountKey, cells: dict[CountKey, Additive]) -> Iterator[Relation]:
    """Yield that quarters add up to their year, where the nation's are published.

    A county's quarters are nowhere, but they add up to the nation's. In a quarter that the nation's
    adds up without it the county was not counted.
    """
    nation = year._replace(county_code=NATION)
    quarters = [nation._replace(period=f"{year.period}-Q{number}") for number in (1, 2, 3, 4)]
    known = [cells[quarter] for quarter in quarters if quarter in cells]
    spans: list[tuple[list[str], float]] = []
    for moment in sorted({phase.since for origin in known for phase in origin.phases}):
        counted = [
            quarter
            for quarter in quarters
            if not (counties := cells[quarter].at(moment).counties if quarter in cells else ())
            or year.county_code in (NATION, *counties)
        ]
        parts = [str(each._replace(county_code=year.county_code)) for each in counted or quarters]
        if not spans or spans[-1][0] != parts:
            spans.append((parts, moment))
    for (parts, since), (_, until) in pairwise([*spans, ([], inf)]):
        yield total_of(
            str(year), parts, is_assumed=not cells[year].is_sum, since=int(since), until=until
        )


def _breakdowns(cells: Iterable[CountKey], rules: Protection) -> list[Relation]:
    relations: list[Relation] = []
    shown = {cell._replace(category="") for cell in cells if cell.dimension != "total"}
    for cell in sorted(shown):
        total = cell._replace(dimension="total", category="total")
        # A dimension that is shown no more ties nothing: which categories it had is not known.
        tied = (
            [(total, rules.dimensions[cell.dimension])]
            if cell.dimension in rules.dimensions
            else []
        )
        tied += [
            (cell._replace(dimension=coarse, category=category), fine)
            for coarse, categories in rules.refinements.get(cell.dimension, {}).items()
            for category, fine in categories.items()
        ]
        for whole, categories in tied:
            parts = [str(cell._replace(category=category)) for category in categories]
            relations += [
                parts_within(str(whole), parts),
                total_of(str(whole), parts, is_assumed=True),
            ]
    return relations


def _same_persons(cells: dict[CountKey, Additive], rules: Protection) -> list[Relation]:
    """Return which counts are taken for equal, and from when to when.

    Of the nation only those that add up the same counties are: persons of one county are not those
    of three.
    """
    together: dict[CountKey, list[CountKey]] = defaultdict(list)
    for cell in sorted(cells):
        group = rules.group_of(cell)
        if group is not None and cell.dimension == "total":
            together[cell._replace(subject=group)].append(cell)
    relations = []
    for counts in together.values():
        moments = sorted({phase.since for cell in counts for phase in cells[cell].phases})
        areas = [_counted_in({c: cells[c].at(moment) for c in counts}) for moment in moments]
        for pair in combinations(counts, 2):
            alike = [area[pair[0]] == area[pair[1]] is not None for area in areas]
            spans = zip(moments, [*moments[1:], inf], alike, strict=True)
            for is_same, run in groupby(spans, itemgetter(2)):
                since, *_, until = [moment for start, end, _ in run for moment in (start, end)]
                if is_same:
                    # What is counted otherwise from then on stands first, as a total does.
                    changed = sorted(
                        pair, key=lambda cell: cells[cell].at(int(since)).since != since
                    )
                    names = (str(cell) for cell in changed)
                    relations.append(same_count(*names, since=int(since), until=until))
    return relations


def _counted_in(origins: dict[CountKey, "Additive"]) -> dict[CountKey, tuple[str, ...] | None]:
    """Return the counties that each count adds up, None where it is of nobody.

    A national figure from elsewhere that names none is taken for the widest of the others.
    """
    widest = max(
        (each.counties for each in origins.values()), key=lambda names: (len(names), names)
    )
    return {
        cell: None
        if cell.county_code == NATION and each.is_sum and not each.counties
        else each.counties or widest
        for cell, each in origins.items()
    }


_MONTH = re.compile(r"(\d{4})-(\d{2})")


def periods_ending(month: str) -> list[str]:
    """Return the quarter and the year that end with a month, 2023-12: 2023-Q4 and 2023."""
    match = _MONTH.fullmatch(month)
    if match is None:
        raise ValueError(f"{month!r} is no month")
    year, number = match[1], int(match[2])
    return [f"{year}-Q{number // 3}"] * (number % 3 == 0) + [year] * (number == 12)
