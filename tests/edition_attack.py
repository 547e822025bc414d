"""An attacker on the editions of counts of persons: an integer program that shares no code
with the product.

He knows which units each edition counted and which of them changed, what is always true of
them, and the range of
every published number. Solved by HiGHS (scipy.optimize.milp). `units` and `cells` hold one year.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix

SMALL = 10
ROUNDS = 6
PLACE = ["subject", "county_code", "month", "dimension", "category"]
Row = dict[int, float]


class Model:
    """The integer program of one component: a variable is a version of a unit."""

    def __init__(self, units: pd.DataFrame) -> None:
        self.truth: list[int] = []
        self.at: dict[tuple[Any, ...], int] = {}
        self.changes: list[tuple[int, int]] = []
        self.fixed: set[int] = set()
        self.rows: list[tuple[Row, float, float]] = []
        last: dict[tuple[Any, ...], int] = {}
        columns = ["edition", *PLACE, "value"]
        for edition, *place, value in units.sort_values("edition")[columns].itertuples(index=False):
            unit = tuple(place)
            old = last.get(unit)
            if old is None or self.truth[old] != value:
                last[unit] = len(self.truth)
                self.truth.append(int(value))
                if old is not None:
                    self.changes.append((old, last[unit]))
            self.at[(edition, *unit)] = last[unit]
        self.totals = {key[:4]: column for key, column in self.at.items() if key[4] == "total"}
        self.point = np.array(self.truth, dtype=float)

    def add(self, row: Row, low: float, high: float) -> None:
        if row:
            self.rows.append((row, low, high))

    def difference(self, plus: Iterable[int], minus: Iterable[int]) -> Row:
        row = dict.fromkeys(plus, 1.0)
        for column in minus:
            row[column] = row.get(column, 0.0) - 1.0
        return row

    def close(self) -> None:
        """Build the matrix. AssertionError: the truth breaks a row, so a range is wrong."""
        self.rows = list(
            {(tuple(sorted(r.items())), lo, hi): (r, lo, hi) for r, lo, hi in self.rows}.values()
        )
        entries = [(i, j, v) for i, (row, _, _) in enumerate(self.rows) for j, v in row.items()]
        i, j, v = zip(*entries, strict=True) if entries else ((), (), ())
        self.matrix = csr_matrix((v, (i, j)), shape=(len(self.rows), len(self.truth)))
        self.low = np.array([r[1] for r in self.rows])
        self.high = np.array([r[2] for r in self.rows])
        sums = self.matrix @ self.point
        wrong = np.flatnonzero((sums < self.low) | (sums > self.high))
        assert not len(wrong), f"the truth breaks {len(wrong)} rows, first: {self.rows[wrong[0]]}"
        least, most = (
            np.zeros(len(self.point)),
            np.full(len(self.point), self.point.max(initial=0) + 1000),
        )
        for column in self.fixed:
            least[column] = most[column] = self.point[column]
        self.bounds = Bounds(least, most)

    def solve(self, weights: np.ndarray, whole: bool = True) -> tuple[float, np.ndarray]:
        """The lowest value of the objective (its proven bound) and a point that reaches it."""
        constraints = [LinearConstraint(self.matrix, self.low, self.high)] if self.rows else []
        found = milp(
            weights,
            integrality=np.full(len(weights), int(whole)),
            bounds=self.bounds,
            constraints=constraints,
        )
        assert found.status == 0, f"the program of the attacker: {found.message}"
        return float(found.fun), np.round(found.x) if whole else found.x


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


def _add_relations(
    model: Model, same_persons: Sequence[Sequence[str]], parts: Sequence[tuple[str, str]]
) -> None:
    """Rows that hold unit by unit, each equality only where it is true in the data."""
    truth, at = model.truth, model.at
    dimensions: dict[tuple[Any, ...], list[int]] = {}
    for (edition, subject, county, month, dimension, _), column in at.items():
        if dimension == "total":
            continue
        dimensions.setdefault((edition, subject, county, month, dimension), []).append(column)
        total = model.totals.get((edition, subject, county, month))
        if total is not None:
            assert truth[column] <= truth[total], f"a category of {subject} is above its total"
            model.add(model.difference([total], [column]), 0, np.inf)
    for (edition, subject, county, month, _), columns in dimensions.items():
        total = model.totals.get((edition, subject, county, month))
        if total is not None and truth[total] == sum(truth[column] for column in columns):
            model.add(model.difference([total], columns), 0, 0)
    for key, column in at.items():
        edition, subject, *rest = key
        for group in same_persons:
            if subject == group[0]:
                for other in group[1:]:
                    twin = at.get((edition, other, *rest))
                    if twin is not None and truth[twin] == truth[column]:
                        model.add(model.difference([column], [twin]), 0, 0)
        for whole, part in parts:
            smaller = at.get((edition, part, *rest)) if subject == whole else None
            if smaller is not None:
                model.add(model.difference([column], [smaller]), 0, np.inf)


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
    changed unit is at most
    this, where true. exact_nation: subjects whose national year (total and sex, newest
    edition) is known exactly.
    What he was given exactly is no leak; of a sum that holds it the rest is judged. Raises
    AssertionError if the
    truth isn't possible.
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
    model = Model(units)
    _add_relations(model, same_persons, parts)
    if insider:
        model.fixed = {column for key, column in model.at.items() if key[2] == insider}
    for old, new in model.changes:
        if (
            small_correction is not None
            and abs(model.truth[new] - model.truth[old]) <= small_correction
        ):
            model.add(model.difference([new], [old]), -small_correction, small_correction)
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
        if rest:
            sets.setdefault(rest, (name, str(cell.shown_as), True))
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

    # One solution that is integral settles many sets at once.
    chance = np.random.default_rng(0)
    for turn in range(ROUNDS):
        for sign in (1, -1):
            wanted = is_open() & ((seen_low > 0) if sign > 0 else (seen_high < SMALL))
            if wanted.any():
                weights = wanted * (1.0 if turn == 0 else chance.random(len(keys)))
                see(model.solve(sign * (sums.T @ weights))[1])
    for index in np.flatnonzero(is_open()):
        if not is_open()[index]:
            continue
        weights = np.asarray(sums[[index]].todense()).ravel()
        # The relaxation is enough where it is clear: no integral point is below it.
        low = model.solve(weights, whole=False)[0]
        if low > SMALL:
            continue
        low, point = model.solve(weights)
        see(point)
        if low > SMALL + 0.5:
            continue
        high, point = model.solve(-weights)
        see(point)
        if is_open()[index]:
            name, why, _ = sets[keys[index]]
            yield (*name, round(low), round(-high), why)
