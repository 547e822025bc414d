"""How counts of persons are shown: the ladder of rounding, and what each of its steps stands for.

Belongs here: the parameters (protection.yml) and a count's sign. Not here: what can be derived from
signs (disclosure), or which step is safe (choice).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from math import inf
from pathlib import Path
from typing import NamedTuple

from sources.datafiles import read_yaml
from sources.registers import NATION

PARAMETERS = Path(__file__).parent / "protection.yml"

TOTAL = "total"


class Shown(StrEnum):
    """How a count is shown. The first four go from the most exact to the least."""

    ROUNDED = "rounded_5"
    COARSE = "rounded_25"
    AT_LEAST = "at_least_11"
    WITHHELD = "withheld"
    #: Anything from 0 to the threshold; a zero is one of them.
    SUPPRESSED = "suppressed"
    #: The number of an earlier edition: nothing is told of the count as it is now.
    EARLIER = "earlier"
    #: Too few counties are in the nation's count.
    FEW_COUNTIES = "few_counties"
    NOT_REPORTED = "not_reported"
    #: What is missing to the total, from the shown numbers alone.
    REST = "rest"


class CountKey(NamedTuple):
    """A count's identity: what, where, when (2023 or 2023-Q2), and of whom."""

    subject: str
    county_code: str
    period: str
    dimension: str = TOTAL
    category: str = TOTAL

    def __str__(self) -> str:
        return " | ".join(self)

    @property
    def is_national(self) -> bool:
        """Whether it is the nation's."""
        return self.county_code == NATION

    @property
    def months(self) -> range:
        """The months that it counts, as numbers."""
        if "Q" not in self.period:
            return range(1, 13)
        first = 3 * int(self.period[-1]) - 2
        return range(first, first + 3)


class Sign(NamedTuple):
    """What is shown of a count: how, the number, and the least and greatest that it stands for.

    `least` and `greatest` are None where nothing is told; `greatest` alone where there is no end.
    """

    shown_as: Shown
    value: int | None = None
    least: int | None = None
    greatest: int | None = None

    @property
    def bounds(self) -> tuple[float, float]:
        """What it tells of the count as it is now: a number of an earlier edition tells nothing."""
        if self.shown_as is Shown.EARLIER:
            return 0, inf
        return self.least or 0, inf if self.greatest is None else self.greatest


@dataclass(frozen=True)
class Protection:
    """The parameters of protection.yml."""

    threshold: int
    bases: Mapping[Shown, int]
    fewest_counties: int
    small_correction: int
    small_rest: int
    may_stay_within: int
    costs: Mapping[str, float]
    nation_costs: float
    dimensions: Mapping[str, tuple[str, ...]]
    #: Of a dimension that refines others: theirs, each with its categories and the finer ones.
    refinements: Mapping[str, Mapping[str, Mapping[str, tuple[str, ...]]]]
    #: The dimensions of each subject that has any.
    breakdowns: Mapping[str, tuple[str, ...]]
    parts: tuple[tuple[str, str], ...]
    same_persons: tuple[tuple[str, ...], ...]

    def sign(self, value: int, shown_as: Shown) -> Sign:
        """Return the sign of a count on a step of the ladder; a small one is suppressed on each.

        A count is rounded to the nearest multiple of the base; the first range begins at the
        threshold.
        """
        if shown_as is Shown.WITHHELD:
            return Sign(Shown.WITHHELD)
        if value < self.threshold:
            return Sign(Shown.SUPPRESSED, None, 0, self.threshold - 1)
        if shown_as is Shown.AT_LEAST:
            return Sign(Shown.AT_LEAST, None, self.threshold)
        base = self.bases[shown_as]
        first = -(-self.threshold // base) * base
        number = max(first, (value + base // 2) // base * base)
        least = self.threshold if number == first else number - base // 2
        return Sign(shown_as, number, least, number + base // 2)

    def cost(self, count: CountKey, shown_as: Shown) -> float:
        """Return what it costs a reader that a count is shown so."""
        return self.costs[shown_as] * (self.nation_costs if count.is_national else 1)


@cache
def load_protection(populations: frozenset[tuple[str, ...]] = frozenset()) -> Protection:
    """Return the parameters; `populations` are sets of indicators that count the same persons."""
    content = read_yaml(PARAMETERS)
    dimensions = content["dimensions"]
    return Protection(
        threshold=content["threshold"]["value"],
        bases={
            Shown.ROUNDED: content["base"]["value"],
            Shown.COARSE: content["coarse_base"]["value"],
        },
        fewest_counties=content["fewest_counties"]["value"],
        small_correction=content["small_correction"]["value"],
        small_rest=content["small_rest"]["value"],
        may_stay_within=content["may_stay_within"]["value"],
        costs=content["costs"],
        nation_costs=content["nation_costs"],
        dimensions={name: tuple(entry["categories"]) for name, entry in dimensions.items()},
        refinements={
            name: {
                coarse: {category: tuple(fine) for category, fine in categories.items()}
                for coarse, categories in entry["refines"].items()
            }
            for name, entry in dimensions.items()
            if "refines" in entry
        },
        breakdowns={name: tuple(names) for name, names in content["breakdowns"].items()},
        parts=tuple((entry["whole"], entry["part"]) for entry in content["parts"]),
        same_persons=(
            *sorted(populations),
            *(tuple(entry["counts"]) for entry in content["same_persons"]),
        ),
    )


def linked(subjects: Iterable[str], rules: Protection) -> list[tuple[str, ...]]:
    """Return the subjects in groups: what is said of one group says nothing of another."""
    groups = [{subject} for subject in sorted(set(subjects))]
    for tied in (*rules.parts, *rules.same_persons):
        touched = [group for group in groups if group & set(tied)]
        if touched:
            groups = [group for group in groups if group not in touched]
            groups.append(set().union(*touched))
    return sorted(tuple(sorted(group)) for group in groups)
