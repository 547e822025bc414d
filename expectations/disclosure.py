"""What an attacker can derive from every edition of counts of persons, by integer programs.

Belongs here: what he knows, and the least and greatest sum of any set of counts. Not here: what a
sign stands for (protection), or what to show less exactly where he would know too much (choice).

He knows which units (a subject's count of a county, month and category) each edition counted and
which of them changed, not their size; that parts are within their total, and leave no more of it
than they do where that is little; which counts are of the same persons; how far small corrections
went; national figures that others publish; and, as an insider, all units of one county. All of it
is true of the data, so the true counts always fulfil the program, and who knows less finds wider
ranges.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import combinations, pairwise
from math import inf, isfinite
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from expectations.protection import TOTAL, CountKey, Protection, Shown, Sign

#: Slack for sums of floating-point coefficients; counts are whole, so far below one half.
EPSILON = 1e-6

#: No count is so large; a count that can reach it has no end.
NO_END = 1e6

#: So many programs are kept, each for what an insider or several of them know.
_MODELS_KEPT = 64

#: So many more vertices are looked at for whole numbers beside them, before all are looked for.
_VERTICES = 3

#: How much the costs of another vertex may differ, of 1.
_ASIDE = 0.01

#: The columns of the units of one subject group and year, a row a unit and edition that counted it.
UNIT_COLUMNS = (
    "edition",
    "subject",
    "county_code",
    "month",
    "dimension",
    "category",
    "value",
)


class Published(NamedTuple):
    """A count of an edition: the counties that it adds up, one for a county's own."""

    edition: int
    key: CountKey
    counties: tuple[str, ...]


class _Unit(NamedTuple):
    """A subject's count by one category, in a county and month."""

    subject: str
    dimension: str
    category: str
    county_code: str
    month: int


class _Column(NamedTuple):
    """An unknown: units that are in the same published counts, in one of their versions."""

    subject: str
    dimension: str
    category: str
    together: tuple[Any, ...]
    version: int


@dataclass
class _Row:
    """A sum of unknowns with its bounds: least <= sum of factor x unknown <= greatest."""

    terms: dict[int, float]
    least: float
    greatest: float


class _Tie(NamedTuple):
    """What is true of the units of a county and month in an edition: parts are within a whole."""

    edition: int
    whole: _Unit
    parts: tuple[_Unit, ...]
    #: So many of the whole are in no part, at most, for all that he knows. What counts the same
    #: persons is a part that leaves none.
    rest: float

    @property
    def name(self) -> tuple[Any, ...]:
        """What is the same for another month of another county."""
        parts = tuple(part[:3] for part in self.parts)
        return self.edition, self.whole[:3], parts, isfinite(self.rest)


@dataclass(frozen=True)
class Target:
    """A set of units of which too much could be known: a published count, or one that never is.

    The range of what is told must cover 0 to 10 if it meets it; of anything else no more is asked
    than that it isn't known to be small, or covers 0 to 10.
    """

    name: str
    columns: tuple[int, ...]
    counties: frozenset[str]
    #: The row of the count that it is, None for a set that is never published.
    row: int | None = None
    #: The insiders who subtract their own to get here; None for a set that anyone may ask about.
    insiders: frozenset[str] | None = None


class Attacker:
    """All editions of one year, of subjects that are linked, as one program."""

    def __init__(
        self,
        units: pd.DataFrame,
        published: Iterable[Published],
        rules: Protection,
        exact: Iterable[str] = (),
    ) -> None:
        """Take in what was counted (UNIT_COLUMNS) and published, without any number yet.

        `exact` are the subjects of which others publish the nation's year.
        """
        self._rules = rules
        self._editions = sorted(int(edition) for edition in units["edition"].unique())
        self._versions, self._values = _versions(units, self._editions)
        self._columns: dict[_Column, int] = {}
        self._truth: list[int] = []
        self._members: dict[int, frozenset[str]] = {}
        self._place()
        self.rows: list[_Row] = []
        #: The row of each published count; those that add up the same units share one.
        self.row_of: dict[Published, int] = {}
        #: The counts of a row, by its number.
        self.counts_of: dict[int, list[Published]] = defaultdict(list)
        by_columns: dict[tuple[int, ...], int] = {}
        for one in published:
            columns = self._counted(one)
            if not columns:
                continue
            if columns not in by_columns:
                by_columns[columns] = len(self.rows)
                self.rows.append(_Row(dict.fromkeys(columns, 1.0), 0, inf))
            self.row_of[one] = by_columns[columns]
            self.counts_of[by_columns[columns]].append(one)
        #: The rows of which others publish the exact count.
        self._given: set[int] = set()
        #: The rows of which something is told of the count as it is now.
        self._told: set[int] = set()
        self._add_ties(frozenset(exact))
        self.truth = np.array(self._truth, dtype=float)
        self.counties = sorted({unit.county_code for unit in self._versions})
        self._program: _Program | None = None

    @property
    def program(self) -> "_Program":
        """The program, made when it is first asked for."""
        if self._program is None:
            self._program = _Program(self.truth, self.rows)
        return self._program

    def state(self, one: Published, sign: Sign) -> None:
        """Take in what an edition says of a count as it is now, in place of what it said."""
        number = self.row_of[one]
        row = self.rows[number]
        row.least, row.greatest = sign.bounds
        if sign.shown_as is Shown.EARLIER:
            self._told.discard(number)
        else:
            self._told.add(number)
        if self._program is not None:
            self._program.bound(number, row.least, row.greatest)

    def is_told(self, target: Target) -> bool:
        """Tell whether something is published of a target as it is now."""
        return target.row in self._told

    def of_county(self, county_code: str) -> list[int]:
        """Return the unknowns that are a county's own."""
        return [column for column, counties in self._members.items() if counties == {county_code}]

    def targets(self) -> list[Target]:
        """Return every set of units of which an attacker may not know too much.

        A published count of 11 and more that is stated so needs no second look, but for what
        is left of it without a county's own; that is for an insider what the count is for others.
        """
        found: dict[tuple[int, ...], Target] = {}
        for number, counts in self.counts_of.items():
            if self.rows[number].least >= self._rules.threshold:
                continue
            columns = tuple(sorted(self.rows[number].terms))
            counties = frozenset[str]().union(*(self._members[column] for column in columns))
            found[columns] = Target(str(counts[-1].key), columns, counties, number)
        rests: dict[tuple[int, ...], Target] = {}
        for name, columns, insider in self._rests():
            rest = rests.get(columns)
            counties = frozenset[str]().union(*(self._members[column] for column in columns))
            insiders = (rest.insiders or frozenset() if rest else frozenset()) | {insider}
            rests[columns] = Target(name, columns, counties, None, insiders)
        for name, columns in self._unpublished():
            if columns not in found and self.truth[list(columns)].sum() < self._rules.threshold:
                found[columns] = Target(name, columns, self._members[columns[0]])
        found = rests | found
        for number in self._given:
            found.pop(tuple(sorted(self.rows[number].terms)), None)
        return sorted(found.values(), key=lambda target: (target.name, target.columns))

    def _rests(self) -> Iterator[tuple[str, tuple[int, ...], str]]:
        """Yield what is left of each small or national count without one of its counties."""
        for number, counts in self.counts_of.items():
            if number in self._given:
                continue
            by_county: dict[str, set[int]] = defaultdict(set)
            for column in self.rows[number].terms:
                (county,) = self._members[column]
                by_county[county].add(column)
            total = self.truth[list(self.rows[number].terms)].sum()
            for county, own in sorted(by_county.items()):
                left = total - self.truth[list(own)].sum()
                columns = tuple(sorted(self.rows[number].terms.keys() - own))
                if columns and left < self._rules.threshold:
                    yield f"{counts[-1].key} without {county}", columns, county

    def _place(self) -> None:
        """Give the units their unknowns: months of a county that always go together share them.

        What is true of one of them is true of all, so that later months don't tell of earlier ones.
        """
        by_month: dict[tuple[str, int], dict[str, list[_Unit]]]
        by_month = defaultdict(lambda: defaultdict(list))
        for unit in sorted(self._versions):
            by_month[unit.county_code, unit.month][unit.subject].append(unit)
        # Categories are published of the year alone, so their months go together over the year.
        # What a quarter's total says of its categories in a county isn't used.
        self._detailed = sorted(
            {
                edition
                for unit, versions in self._versions.items()
                if unit.dimension != TOTAL
                for edition, version in zip(self._editions, versions, strict=True)
                if version >= 0
            }
        )
        late = [self._editions.index(edition) for edition in self._detailed]
        self._together: dict[_Unit, tuple[Any, ...]] = {}
        self._ties: list[_Tie] = []
        for (county, month), subjects in by_month.items():
            ties = list(self._true_ties(sorted(subjects), county, month))
            self._ties += ties
            within: dict[str, list[_Tie]] = defaultdict(list)
            for tie in ties:
                subject = tie.whole.subject if tie.parts[0].subject == tie.whole.subject else ""
                within[subject].append(tie)
            detail = {
                subject: (
                    county,
                    tuple(
                        (
                            unit[1:3],
                            tuple(self._versions[unit][index] for index in late),
                            unit.dimension != TOTAL and tuple(map(isfinite, self._moves(unit))),
                        )
                        for unit in units
                    ),
                    tuple(tie.name for tie in within[subject]),
                )
                for subject, units in subjects.items()
            }
            totals = (
                (unit.subject, self._versions[unit], tuple(map(isfinite, self._moves(unit))))
                for units in subjects.values()
                for unit in units
                if unit.dimension == TOTAL
            )
            whole = (
                county,
                (month + 2) // 3,
                tuple(totals),
                tuple(detail.items()),
                tuple(tie.name for tie in within[""]),
            )
            for subject, units in subjects.items():
                for unit in units:
                    self._together[unit] = whole if unit.dimension == TOTAL else detail[subject]
        for unit in sorted(self._together, key=str):
            together = self._together[unit]
            for version, value in enumerate(self._values[unit]):
                name = _Column(*unit[:3], together, version)
                column = self._columns.setdefault(name, len(self._truth))
                if column == len(self._truth):
                    self._truth.append(0)
                    self._members[column] = frozenset([unit.county_code])
                self._truth[column] += value

    def _moves(self, unit: _Unit) -> tuple[float, ...]:
        """Return how far each version of a unit is known to be from the one before it."""
        small = self._rules.small_correction
        moves = (abs(new - old) for old, new in pairwise(self._values[unit]))
        return tuple(moved if moved <= small else inf for moved in moves)

    def _column(self, unit: _Unit, edition: int) -> int | None:
        """Return the unknown that an edition counts for a unit, None where it counts none."""
        version = self._version(unit, edition)
        return None if version is None else self._column_of(unit, version)

    def _column_of(self, unit: _Unit, version: int) -> int:
        return self._columns[_Column(*unit[:3], self._together[unit], version)]

    def _version(self, unit: _Unit, edition: int) -> int | None:
        versions = self._versions.get(unit)
        if versions is None or edition not in self._editions:
            return None
        version = versions[self._editions.index(edition)]
        return None if version < 0 else version

    def _counted(self, one: Published) -> tuple[int, ...]:
        count = one.key
        found = {
            column
            for county in one.counties
            for month in count.months
            for unit in [_Unit(count.subject, count.dimension, count.category, county, month)]
            if (column := self._column(unit, one.edition)) is not None
        }
        return tuple(sorted(found))

    def _add_ties(self, exact: frozenset[str]) -> None:
        """Add what he knows without any number: parts and totals, same persons, corrections."""
        seen: set[tuple[Any, ...]] = set()

        def add(terms: Mapping[int, float], least: float, greatest: float) -> None:
            name = (tuple(sorted(terms.items())), least, greatest)
            if terms and name not in seen:
                seen.add(name)
                self.rows.append(_Row(dict(terms), least, greatest))

        # Months that go together are known by their sum alone.
        rows: dict[tuple[Any, ...], dict[int, float]] = defaultdict(dict)
        rests: dict[tuple[Any, ...], float] = defaultdict(float)
        for tie in self._ties:
            edition = self._editions.index(tie.edition)
            total, *parts = (
                self._column_of(unit, self._versions[unit][edition])
                for unit in (tie.whole, *tie.parts)
            )
            name = (tie.edition, tie.whole[:3], tuple(parts))
            rows[name] |= {total: 1.0} | dict.fromkeys(parts, -1.0)
            rests[name] += tie.rest
        for name, terms in rows.items():
            add(terms, 0, rests[name])
        for terms, far in self._corrections():
            add(terms, -far, far)
        for one, number in self.row_of.items():
            count = one.key
            if (
                count.is_national
                and count.subject in exact
                and len(count.period) == 4
                and one.edition == self._editions[-1]
            ):
                terms = self.rows[number].terms
                value = sum(self._truth[column] for column in terms)
                self._given.add(number)
                add(terms, value, value)

    def _value(self, unit: _Unit, edition: int) -> int:
        version = self._version(unit, edition)
        return 0 if version is None else self._values[unit][version]

    def _true_ties(self, subjects: Sequence[str], county: str, month: int) -> Iterator[_Tie]:
        """Yield what is true of a county and month: parts within a whole, and the same persons."""
        for edition in self._editions:
            for whole, parts in self._parts(subjects, county, month):
                known = tuple(part for part in parts if self._version(part, edition) is not None)
                if known and self._version(whole, edition) is not None:
                    left = self._value(whole, edition)
                    left -= sum(self._value(part, edition) for part in known)
                    if left >= 0:
                        is_known = left <= self._rules.small_rest
                        yield _Tie(edition, whole, known, left if is_known else inf)
            for pair in self._same_persons(subjects):
                one, other = (_Unit(subject, TOTAL, TOTAL, county, month) for subject in pair)
                versions = [self._version(unit, edition) for unit in (one, other)]
                if None not in versions and self._value(one, edition) == self._value(
                    other, edition
                ):
                    yield _Tie(edition, one, (other,), 0)

    def _same_persons(self, subjects: Sequence[str]) -> list[tuple[str, str]]:
        """Return the pairs of subjects that count the same persons."""
        groups = self._rules.same_persons
        return sorted(
            {pair for group in groups for pair in combinations(sorted({*group} & {*subjects}), 2)}
        )

    def _parts(
        self, subjects: Sequence[str], county: str, month: int
    ) -> Iterator[tuple[_Unit, list[_Unit]]]:
        """Yield each whole in a county and month with the parts that are within it."""
        rules = self._rules
        for subject in subjects:
            whole = _Unit(subject, TOTAL, TOTAL, county, month)
            for dimension, categories in rules.dimensions.items():
                yield whole, [whole._replace(dimension=dimension, category=c) for c in categories]
                for coarse, of in rules.refinements.get(dimension, {}).items():
                    for category, fine in of.items():
                        yield (
                            whole._replace(dimension=coarse, category=category),
                            [whole._replace(dimension=dimension, category=one) for one in fine],
                        )
        for first, second in rules.parts:
            if first in subjects and second in subjects:
                whole = _Unit(first, TOTAL, TOTAL, county, month)
                yield whole, [whole._replace(subject=second)]

    def _corrections(self) -> Iterator[tuple[dict[int, float], float]]:
        """Yield the versions before and after a small correction, with how far they are apart."""
        far: dict[tuple[int, int], float] = defaultdict(float)
        for unit in self._values:
            for version, moved in enumerate(self._moves(unit)):
                far[self._column_of(unit, version), self._column_of(unit, version + 1)] += moved
        for (one, other), moved in far.items():
            if moved < inf:
                yield {one: 1.0, other: -1.0}, moved

    def _unpublished(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield sets of a county's units that are never published.

        They are its quarters, its year of what the nation alone has, and what one of two editions
        counted and the other did not.
        """
        spans: dict[tuple[int, str, str], set[int]] = defaultdict(set)
        for unit in self._versions:
            for edition in self._editions:
                if self._version(unit, edition) is not None:
                    spans[edition, unit.subject, unit.dimension].add(unit.month)
        sets: dict[str, set[int]] = defaultdict(set)
        for unit in self._versions:
            columns = {edition: self._column(unit, edition) for edition in self._editions}
            name = " | ".join(unit[:4])
            for edition, column in columns.items():
                if column is None:
                    continue
                part = f"Q{(unit.month + 2) // 3}" if unit.dimension == TOTAL else "year"
                sets[f"{name} | {part} | e{edition}"].add(column)
                for other, its in columns.items():
                    if its is None and unit.month in spans[other, unit.subject, unit.dimension]:
                        sets[f"{name} | e{edition} without e{other}"].add(column)
        yield from ((name, tuple(sorted(columns))) for name, columns in sorted(sets.items()))


def _versions(
    units: pd.DataFrame, editions: Sequence[int]
) -> tuple[dict[_Unit, tuple[int, ...]], dict[_Unit, list[int]]]:
    """Return the version of each unit in each edition (-1 for none), and the versions' values.

    A unit has another version where it has a value that it never had: of one that comes back he is
    taken to know that it does.
    """
    by_edition: dict[_Unit, dict[int, int]] = defaultdict(dict)
    columns = ("subject", "dimension", "category", "county_code", "month", "edition", "value")
    for *unit, edition, value in units[list(columns)].itertuples(index=False):
        by_edition[_Unit(*unit)][int(edition)] = int(value)
    versions: dict[_Unit, tuple[int, ...]] = {}
    values: dict[_Unit, list[int]] = {}
    for key, of in by_edition.items():
        own: list[int] = []
        numbers: list[int] = []
        for edition in editions:
            if edition not in of:
                numbers.append(-1)
                continue
            if of[edition] not in own:
                own.append(of[edition])
            numbers.append(own.index(of[edition]))
        versions[key], values[key] = tuple(numbers), own
    return versions, values


@cache
def _quiet_solver() -> Any:
    """Return HiGHS without its greeting, which would stand among krat's own words."""
    import highspy

    class QuietHighs(highspy.Highs):
        def enableCallbacks(self) -> None:
            self.silent()
            super().enableCallbacks()  # type: ignore[no-untyped-call]

    return QuietHighs


@dataclass
class End:
    """The least or greatest sum of a target, with the solution and the price of each row."""

    value: float
    solution: Any
    prices: Any = field(repr=False)


class _Program:
    """The program of HiGHS, of which only what is unknown is solved.

    It is linear where its vertex is whole, as it nearly always is with sums.
    """

    def __init__(self, truth: Any, rows: Sequence[_Row]) -> None:
        from scipy.sparse import csr_array

        self._truth = truth
        starts, columns, factors = [0], list[int](), list[float]()
        for row in rows:
            columns += row.terms
            factors += row.terms.values()
            starts.append(len(columns))
        self._matrix = csr_array((factors, columns, starts), shape=(len(rows), len(truth)))
        bounds = [(row.least, row.greatest) for row in rows]
        self._bounds = np.array(bounds, dtype=float).reshape(-1, 2)
        self._models: dict[bytes, _Model] = {}
        self._random = np.random.default_rng(len(truth))
        self.fix([])

    def bound(self, row: int, least: float, greatest: float) -> None:
        """Change the bounds of a row."""
        self._bounds[row] = least, greatest

    def fix(self, columns: Sequence[int]) -> None:
        """Take these unknowns for known, and all others for unknown."""
        is_free = np.ones(len(self._truth), dtype=bool)
        is_free[list(columns)] = False
        key = np.packbits(is_free).tobytes()
        # What was asked for last is asked for next: the oldest gives way.
        model = self._models.pop(key, None) or _Model(self._matrix, self._truth, is_free)
        self._models[key] = self._model = model
        if len(self._models) > _MODELS_KEPT:
            del self._models[next(iter(self._models))]

    def best(self, costs: Any) -> End:
        """Return a solution with the least costs, not always a whole one."""
        return self._model.solve(costs, self._bounds)

    def end(
        self,
        columns: Sequence[int],
        enough: int,
        *,
        is_greatest: bool,
        others: Any = 0,
        is_quick: bool = False,
    ) -> End:
        """Return an end of the range of a sum of unknowns, or any sum that is far enough.

        `others` are costs so small that they matter among such ends alone. A quick one need not be
        whole.
        """
        costs = np.zeros(len(self._truth))
        costs[list(columns)] = -1 if is_greatest else 1
        found = self._model.solve(costs + others, self._bounds)
        found.value = float(found.solution[list(columns)].sum())
        # Whole numbers reach no further than others: they are looked for where that can help.
        is_far = (
            found.value > enough - 1 - EPSILON if is_greatest else found.value < enough + EPSILON
        )
        if is_whole(found.solution):
            found.value = round(found.value)
        elif is_far:
            target = float(-enough if is_greatest else enough)
            whole = self._near(costs, target, found.solution)
            for _ in range(0 if is_quick else _VERTICES):
                if whole is None:
                    aside = self._random.random(len(costs)) * _ASIDE
                    vertex = self._model.solve(costs + aside, self._bounds).solution
                    whole = self._near(costs, target, vertex)
            if whole is None and not is_quick:
                whole = self._model.solve(costs, self._bounds, target)
            if whole is not None:
                whole.value = round(float(whole.solution[list(columns)].sum()))
                found = replace(whole, prices=found.prices)
        return found

    def _near(self, costs: Any, target: float, solution: Any) -> End | None:
        """Return a whole solution of at most these costs with all whole numbers of another."""
        found = self._model.find(costs, self._bounds, target, near=solution)
        is_enough = found is not None and costs @ found.solution <= target + EPSILON
        return found if is_enough else None


class _Model:
    """What is left of the program where some unknowns are known: a linear one and a whole one."""

    def __init__(self, matrix: Any, known: Any, is_free: Any) -> None:
        """`known` are the values of those that aren't free."""
        self.is_free = is_free
        self._values = known
        self._free = np.flatnonzero(is_free)
        left = matrix[:, self._free]
        self._rows = np.flatnonzero(np.diff(left.indptr))
        self._matrix = left[self._rows]
        #: What the known ones add to each row that is left.
        self._known = (matrix @ np.where(is_free, 0, known))[self._rows]
        self._count_of_rows = matrix.shape[0]
        self._solvers: dict[bool, tuple[Any, Any]] = {}

    def solve(self, costs: Any, bounds: Any, target: float | None = None) -> End:
        """Return the solution of least costs, or a whole one of at most `target`, if any.

        RuntimeError: there is no solution at all.
        """
        found = self.find(costs, bounds, target)
        if found is None:
            raise RuntimeError("HiGHS found no solution, though the true counts are one")
        return found

    def find(
        self, costs: Any, bounds: Any, target: float | None = None, near: Any = None
    ) -> End | None:
        """Return what `solve` does, None where there is no solution.

        One `near` another solution has all its whole numbers.
        """
        import highspy

        solver = self._solver(bounds, is_whole=target is not None)
        own = costs[self._free]
        if target is not None:
            known = float(costs @ self._values - own @ self._values[self._free])
            solver.setOptionValue("objective_target", target - known)
        all_ = np.arange(len(own), dtype=np.int32)
        solver.changeColsCost(len(own), all_, own)
        if target is not None:
            least, greatest = np.zeros(len(own)), np.full(len(own), NO_END)
            if near is not None:
                kept = near[self._free]
                is_kept = np.abs(kept - np.rint(kept)) <= EPSILON
                least[is_kept] = greatest[is_kept] = np.rint(kept[is_kept])
            solver.changeColsBounds(len(own), all_, least, greatest)
        solver.run()
        ended = (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kObjectiveTarget)
        if solver.getModelStatus() not in ended and near is None:
            # The simplex can lose its way from a vertex far off: begin anew without one.
            solver.clearSolver()
            solver.run()
        if solver.getModelStatus() not in ended:
            return None
        found = solver.getSolution()
        solution, prices = self._values.copy(), np.zeros(self._count_of_rows)
        solution[self._free] = found.col_value
        prices[self._rows] = found.row_dual
        return End(0, solution, prices)

    def _solver(self, bounds: Any, *, is_whole: bool) -> Any:
        """Return the solver with these bounds of all rows."""
        own = bounds[self._rows] - self._known[:, None]
        if is_whole not in self._solvers:
            solver = _new_solver(self._matrix, own, is_whole=is_whole)
            self._solvers[is_whole] = solver, own
        solver, before = self._solvers[is_whole]
        for row in np.flatnonzero((own != before).any(axis=1)):
            solver.changeRowBounds(int(row), *own[row])
        self._solvers[is_whole] = solver, own
        return solver


def is_whole(solution: Any) -> bool:
    """Tell whether all numbers of a solution are whole."""
    return bool(np.abs(solution - np.rint(solution)).max(initial=0) <= EPSILON)


def _new_solver(matrix: Any, bounds: Any, *, is_whole: bool) -> Any:
    import highspy

    rows, count = matrix.shape
    solver = _quiet_solver()()
    solver.setOptionValue("threads", 1)
    # Measured: the dual simplex ends in whole vertices seven times as often as the primal one, and
    # presolving a linear program takes longer than it saves, of a whole one a fifth as long.
    solver.setOptionValue("simplex_strategy", 1)
    solver.setOptionValue("presolve", "on" if is_whole else "off")
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.addVars(count, np.zeros(count), np.full(count, NO_END))
    if is_whole:
        kinds = np.full(count, int(highspy.HighsVarType.kInteger), dtype=np.uint8)
        solver.changeColsIntegrality(count, np.arange(count, dtype=np.int32), kinds)
    solver.addRows(
        rows,
        np.ascontiguousarray(bounds[:, 0]),
        np.ascontiguousarray(bounds[:, 1]),
        matrix.nnz,
        matrix.indptr[:-1].astype(np.int32),
        matrix.indices.astype(np.int32),
        matrix.data.astype(float),
    )
    return solver
