"""An attacker on the editions of counts of persons: an integer program that shares no code
with the product.

He knows which units each edition counted and which of them changed, what is always true of them,
and the range of every published number. Solved by HiGHS. `units` and `cells` hold one year.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import highspy
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

SMALL = 10
#: So many objectives at random in vain end the search for solutions that settle many sets.
VAIN_ROUNDS = 4
PLACE = ["subject", "county_code", "month", "dimension", "category"]
#: A dimension whose categories are "<sex> <age group>".
CROSSED = "sex_and_age_group"
Row = dict[int, float]
#: A whole with its parts, each a subject, dimension and category.
Tie = tuple[tuple[str, str, str], list[tuple[str, str, str]]]


class Model:
    """The integer program of one component: a variable is a version of what goes together.

    Months of a county's quarter go together where the same editions counted the same versions of
    all their units, and the same is true of them: he only ever learns of their sum.
    """

    def __init__(
        self,
        units: pd.DataFrame,
        same_persons: Sequence[Sequence[str]],
        parts: Sequence[tuple[str, str]],
        small_correction: int | None,
    ) -> None:
        self.truth: list[int] = []
        self.at: dict[tuple[Any, ...], int] = {}
        self.fixed: set[int] = set()
        self.rows: dict[tuple[Any, ...], tuple[Row, float, float]] = {}
        months: dict[tuple[str, int], dict[tuple[str, str, str], dict[int, int]]] = {}
        names = ["county_code", "month", "subject", "dimension", "category", "edition", "value"]
        ordered = units.sort_values(["edition", *PLACE])[names]
        for county, month, *unit, edition, value in ordered.itertuples(index=False):
            place = months.setdefault((county, int(month)), {})
            place.setdefault(tuple(unit), {})[int(edition)] = int(value)  # type: ignore[arg-type]
        together: dict[Any, list[int]] = defaultdict(list)
        for (county, month), place in months.items():
            ties = _true_ties(place, same_persons, parts)
            key = (
                county,
                (month + 2) // 3,
                tuple((unit, _versions(of, small_correction)) for unit, of in place.items()),
                tuple((edition, str(tie), is_equal) for edition, tie, is_equal in ties),
            )
            together[key].append(month)
        for (county, *_), those in together.items():
            self._add(county, those, months, same_persons, parts, small_correction)

    def _add(
        self,
        county: str,
        together: list[int],
        months: dict[tuple[str, int], dict[tuple[str, str, str], dict[int, int]]],
        same_persons: Sequence[Sequence[str]],
        parts: Sequence[tuple[str, str]],
        small_correction: int | None,
    ) -> None:
        first = months[county, together[0]]
        at: dict[tuple[int, tuple[str, str, str]], int] = {}
        for unit, of in first.items():
            old: tuple[int, int] | None = None
            for edition, value in of.items():
                if old is None or old[1] != value:
                    column = len(self.truth)
                    self.truth.append(sum(months[county, m][unit][edition] for m in together))
                    if small_correction is not None and old is not None:
                        far = small_correction * len(together)
                        if abs(value - old[1]) <= small_correction:
                            self.add({column: 1.0, old[0]: -1.0}, -far, far)
                    old = column, value
                at[edition, unit] = old[0]
                for month in together:
                    self.at[edition, unit[0], county, month, unit[1], unit[2]] = old[0]
        for edition, (whole, those), is_equal in _true_ties(first, same_persons, parts):
            row = {at[edition, whole]: 1.0} | {at[edition, one]: -1.0 for one in those}
            self.add(row, 0, 0 if is_equal else np.inf)

    def add(self, row: Row, low: float, high: float) -> None:
        if row:
            self.rows[tuple(sorted(row.items())), low, high] = (row, low, high)

    def close(self) -> None:
        """Build the programs. AssertionError: the truth breaks a row, so a range is wrong."""
        self.point = np.array(self.truth, dtype=float)
        for row, low, high in self.rows.values():
            value = sum(factor * self.truth[column] for column, factor in row.items())
            assert low <= value <= high, f"the truth breaks a row: {value} in {low} to {high}"
        self._linear, self._whole = self._program(whole=False), self._program(whole=True)

    def _program(self, *, whole: bool) -> Any:
        program = highspy.Highs()
        program.silent()
        program.setOptionValue("threads", 1)
        program.setOptionValue("simplex_strategy", 4)
        count = len(self.truth)
        least, most = np.zeros(count), np.full(count, self.point.max(initial=0) + 1000)
        for column in self.fixed:
            least[column] = most[column] = self.point[column]
        program.addVars(count, least, most)
        if whole:
            kinds = np.full(count, int(highspy.HighsVarType.kInteger), dtype=np.uint8)
            program.changeColsIntegrality(count, np.arange(count, dtype=np.int32), kinds)
        for row, low, high in self.rows.values():
            columns = np.array(list(row), dtype=np.int32)
            program.addRow(low, high, len(row), columns, np.array(list(row.values())))
        return program

    def solve(self, weights: np.ndarray, gap: float = 0.0) -> tuple[float, np.ndarray]:
        """The lowest value of the objective (its proven bound) and a whole point near it."""
        bound, point = self._run(self._linear, weights)
        if np.abs(point - np.rint(point)).max(initial=0) > 1e-6:
            self._whole.setOptionValue("mip_rel_gap", gap)
            bound, point = self._run(self._whole, weights)
        return bound, np.rint(point)

    def relax(self, weights: np.ndarray) -> float:
        """A value that no point is below."""
        return self._run(self._linear, weights)[0]

    def _run(self, program: Any, weights: np.ndarray) -> tuple[float, np.ndarray]:
        program.changeColsCost(len(weights), np.arange(len(weights), dtype=np.int32), weights)
        program.run()
        status = program.getModelStatus()
        assert status == highspy.HighsModelStatus.kOptimal, f"the program of the attacker: {status}"
        info = program.getInfo()
        bound = info.mip_dual_bound if program is self._whole else info.objective_function_value
        return float(bound), np.array(program.getSolution().col_value)


def _versions(of: dict[int, int], small_correction: int | None) -> tuple[Any, ...]:
    """The editions that counted a unit: whether each has a new version, and how far it moved."""
    values = list(of.values())
    moves = [0, *(abs(new - old) for old, new in pairwise(values))]
    return tuple(
        (edition, move > 0, move > 0 and small_correction is not None and move <= small_correction)
        for edition, move in zip(of, moves, strict=True)
    )


def _true_ties(
    place: dict[tuple[str, str, str], dict[int, int]],
    same_persons: Sequence[Sequence[str]],
    parts: Sequence[tuple[str, str]],
) -> list[tuple[int, Tie, bool]]:
    """Wholes and parts of a county and month by edition, where true; and whether parts make it."""
    found = []
    for tie in _ties(list(place), same_persons, parts):
        whole, those = tie
        is_same = whole[0] != those[0][0] and (whole[0], those[0][0]) not in parts
        for edition, value in place[whole].items():
            if not all(edition in place[one] for one in those):
                continue
            left = value - sum(place[one][edition] for one in those)
            assert left >= 0 or is_same, f"parts of {whole} are above it"
            if left == 0 or not is_same:
                found.append((edition, tie, left == 0))
    return found


def _ties(
    units: Sequence[tuple[str, str, str]],
    same_persons: Sequence[Sequence[str]],
    parts: Sequence[tuple[str, str]],
) -> Iterator[Tie]:
    known = set(units)
    dimensions: dict[tuple[str, str], list[tuple[str, str, str]]] = defaultdict(list)
    margins: dict[tuple[str, str, str], list[tuple[str, str, str]]] = defaultdict(list)
    for subject, dimension, category in units:
        unit = (subject, dimension, category)
        if dimension != "total":
            dimensions[subject, dimension].append(unit)
        if dimension == CROSSED:
            sex, _, age = category.partition(" ")
            margins[subject, "sex", sex].append(unit)
            margins[subject, "age_group", age].append(unit)
    for (subject, _), those in dimensions.items():
        if (subject, "total", "total") in known:
            yield (subject, "total", "total"), those
    yield from ((whole, those) for whole, those in margins.items() if whole in known)
    for subject, dimension, category in units:
        others = [other for group in same_persons if subject == group[0] for other in group[1:]]
        others += [part for whole, part in parts if whole == subject]
        for other in others:
            if (other, dimension, category) in known:
                yield (subject, dimension, category), [(other, dimension, category)]


def _months(period: str) -> range:
    quarter = period.partition("-Q")[2]
    return range(int(quarter) * 3 - 2, int(quarter) * 3 + 1) if quarter else range(1, 13)


def _columns(model: Model, cell: Any) -> frozenset[int]:
    counties = str(cell.counties).split() if cell.county_code == "AL" else [cell.county_code]
    keys = (
        (cell.edition, cell.subject, county, month, cell.dimension, cell.category)
        for county in counties
        for month in _months(cell.period)
    )
    return frozenset(model.at[key] for key in keys if key in model.at)


def _components(
    subjects: Iterable[str], same_persons: Sequence[Sequence[str]], parts: Sequence[tuple[str, str]]
) -> list[set[str]]:
    found = [{subject} for subject in subjects]
    for link in [*same_persons, *parts]:
        joined = [group for group in found if group & set(link)]
        found = [group for group in found if not group & set(link)]
        if joined:
            found.append(set().union(*joined))
    return found


def _unpublished(
    model: Model, units: pd.DataFrame
) -> Iterable[tuple[frozenset[int], tuple[Any, ...], str]]:
    """Each county's quarter; its months that only one of two editions counted."""
    columns = ["subject", "county_code", "dimension", "category"]
    spans = {
        key: set(rows["month"]) for key, rows in units.groupby(["edition", "subject", "dimension"])
    }
    for (subject, county, dimension, category), rows in units.groupby(columns):
        counted = {edition: set(group["month"]) for edition, group in rows.groupby("edition")}

        def pick(edition: int, months: set[int], key: tuple[Any, ...]) -> frozenset[int]:
            return frozenset(model.at[(edition, key[0], key[1], m, *key[2:])] for m in months)

        key = (subject, county, dimension, category)
        for edition, months in counted.items():
            for quarter in range(1, 5):
                within = months & set(_months(f"-Q{quarter}"))
                name = (edition, subject, county, f"Q{quarter}", dimension, category)
                yield pick(edition, within, key), name, "quarter of a county"
            for other in sorted(
                {e for e, s, d in spans if s == subject and d == dimension} - {edition}
            ):
                span = spans[(other, subject, dimension)]
                rest = (months & span) - counted.get(other, set())
                why = "late months" if other < edition else "months that left"
                name = (edition, subject, county, f"not in edition {other}", dimension, category)
                yield pick(edition, rest, key), name, why


def leaks(
    units: pd.DataFrame,
    cells: pd.DataFrame,
    same_persons: Sequence[Sequence[str]],
    parts: Sequence[tuple[str, str]],
    insider: str | None = None,
    small_correction: int | None = None,
    exact_nation: Sequence[str] = (),
) -> pd.DataFrame:
    """What an attacker learns of small counts: a row per leak (low and high: the range he finds).

    insider: a county code whose units are known exactly. small_correction: |new - old| of a
    changed unit is at most this, where true. exact_nation: subjects whose national year (total
    and sex, newest edition) is known exactly.
    What he was given exactly is no leak; of a sum that holds it the rest is judged. A published
    number may not meet 0 to 10 unless it covers them; whatever is published nowhere (the rest, a
    count whose earlier number stays, a county's quarter) may not lie within 0 to 10 unless it
    covers them. Raises AssertionError if the truth isn't possible.
    """
    found: list[tuple[Any, ...]] = []
    for group in _components(sorted(units["subject"].unique()), same_persons, parts):
        own = units[units["subject"].isin(group)]
        shown = cells[cells["subject"].isin(group) & (cells["shown_as"] != "not_counted")]
        found += _attack(own, shown, same_persons, parts, insider, small_correction, exact_nation)
    names = [
        "edition",
        "subject",
        "county_code",
        "period",
        "dimension",
        "category",
        "low",
        "high",
        "why",
    ]
    return pd.DataFrame(found, columns=names)


def _attack(
    units: pd.DataFrame,
    cells: pd.DataFrame,
    same_persons: Sequence[Sequence[str]],
    parts: Sequence[tuple[str, str]],
    insider: str | None,
    small_correction: int | None,
    exact_nation: Sequence[str],
) -> list[tuple[Any, ...]]:
    model = Model(units, same_persons, parts, small_correction)
    if insider:
        model.fixed = {column for key, column in model.at.items() if key[2] == insider}
    given: set[frozenset[int]] = set()
    sets: dict[frozenset[int], tuple[tuple[Any, ...], str, bool]] = {}
    tall: set[frozenset[int]] = set()
    years = cells[(cells["county_code"] == "AL") & ~cells["period"].str.contains("Q")]
    for cell in cells.itertuples(index=False):
        columns = _columns(model, cell)
        row = dict.fromkeys(columns, 1.0)
        told = cell.shown_as not in ("earlier", "withheld")
        low = float(cell.least) if told and pd.notna(cell.least) else 0.0
        high = float(cell.greatest) if told and pd.notna(cell.greatest) else np.inf
        if low > 0 or high < np.inf:
            assert columns, f"a number is published of nothing: {cell}"
            model.add(row, low, high)
        known = (
            cell.subject in exact_nation
            and cell.dimension in ("total", "sex")
            and cell.county_code == "AL"
        )
        if known and "Q" not in cell.period and cell.edition == years["edition"].max():
            value = sum(model.truth[column] for column in columns)
            model.add(row, value, value)
            given.add(columns - model.fixed)
        rest = columns - model.fixed
        if rest == columns and low > SMALL:
            tall.add(rest)
        name = (
            cell.edition,
            cell.subject,
            cell.county_code,
            cell.period,
            cell.dimension,
            cell.category,
        )
        # What an insider leaves of a number, and what is shown no more, is published nowhere.
        is_published = rest == columns and cell.shown_as != "earlier"
        if rest and (is_published or rest not in sets):
            sets[rest] = (name, str(cell.shown_as), is_published)
    for columns, name, why in _unpublished(model, units):
        rest = columns - model.fixed
        if rest:
            sets.setdefault(rest, (name, why, False))
    model.close()
    return list(_judge(model, {k: v for k, v in sets.items() if k not in given | tall}))


def _judge(
    model: Model, sets: dict[frozenset[int], tuple[tuple[Any, ...], str, bool]]
) -> Iterable[tuple[Any, ...]]:
    if not sets:
        return
    keys = list(sets)
    entries = [(i, j) for i, key in enumerate(keys) for j in key]
    i, j = zip(*entries, strict=True)
    sums = csr_matrix((np.ones(len(i)), (i, j)), shape=(len(keys), len(model.truth)))
    published = np.array([sets[key][2] for key in keys])
    seen_low = sums @ model.point
    seen_high = seen_low.copy()

    def is_open() -> np.ndarray:
        covered = (seen_low <= 0) & (seen_high >= SMALL)
        above = ~published & (seen_high > SMALL)
        return ~covered & ~above

    def see(point: np.ndarray) -> None:
        np.minimum(seen_low, sums @ point, out=seen_low)
        np.maximum(seen_high, sums @ point, out=seen_high)

    # One whole solution settles many sets at once.
    chance = np.random.default_rng(0)
    vain = 0
    while vain < VAIN_ROUNDS and is_open().any():
        before = int(is_open().sum())
        for sign in (1, -1):
            wanted = is_open() & ((seen_low > 0) if sign > 0 else (seen_high < SMALL + ~published))
            if wanted.any():
                weights = wanted * chance.random(len(keys)) ** 3
                see(model.solve(sign * (sums.T @ weights), gap=0.3)[1])
        vain = 0 if int(is_open().sum()) < before else vain + 1
    for index in np.flatnonzero(is_open()):
        weights = np.asarray(sums[[index]].todense()).ravel()
        if not is_open()[index]:
            continue
        # The relaxation is enough where it is clear: no whole point is below it.
        if published[index] and model.relax(weights) > SMALL:
            continue
        high, point = model.solve(-weights)
        see(point)
        if not is_open()[index]:
            continue
        low, point = model.solve(weights)
        see(point)
        if is_open()[index] and not (published[index] and low > SMALL + 0.5):
            name, why, _ = sets[keys[index]]
            yield (*name, round(low), round(-high), why)
