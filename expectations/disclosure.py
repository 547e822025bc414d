"""The gate of disclosure: what an attacker can derive from everything that was published.

Belongs here: the least and greatest whole number that each protected cell can have, given all
published statements, and the verdict on them. Not here: reading statements out of releases
(orchestration.gate.reading) or what a published sign means (protection).

An unknown count is a whole number of 0 or more. A statement bounds one cell; a relation ties cells
to each other. HiGHS finds both ends of each cell's range: by a linear program where its vertex is
whole, as it nearly always is with sums, and by an integer program where it isn't.

A cell published twice is taken to be the same count for as long as the statements can both be
true: a release that corrects one number says nothing of the others. What the attacker supposes so
is given up only where it contradicts what was published.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from math import ceil, floor, inf
from typing import Any

import numpy as np
import pandas as pd

#: More than any likely count: a cell that can reach it is unbounded. Where larger ones are shown
#: it is so many times the largest: more than a total has parts.
UNBOUNDED = 1_000_000
_MORE_THAN_PARTS = 100

#: Slack for sums of floating-point coefficients; counts are whole, so far below one half.
EPSILON = 1e-6

STATEMENT_COLUMNS = ("cell", "table", "moment", "least", "greatest", "is_masked", "is_protected")

#: The threshold that a statement was made with, where it isn't the one that is judged with.
THRESHOLD_COLUMN = "threshold"


@dataclass(frozen=True)
class Relation:
    """What holds among cells: `least` <= sum of coefficient x cell <= `greatest`.

    A total has a positive coefficient, its parts have negative ones. An assumed relation is what an
    attacker supposes without having been told; it is dropped where the statements contradict it.
    `table` is where it was published, empty for what needs no telling. It holds from the moment
    `since` on and before `until`: a total that adds up other parts from then on is another count.
    """

    terms: tuple[tuple[str, float], ...]
    least: float
    greatest: float
    is_assumed: bool = False
    table: str = ""
    since: int = 0
    until: float = inf

    def holds(self, moment: int) -> bool:
        """Tell whether it holds at a moment."""
        return self.since <= moment < self.until


def total_of(
    total: str,
    parts: Iterable[str],
    *,
    is_assumed: bool = False,
    since: int = 0,
    until: float = inf,
) -> Relation:
    """Return that the parts add up to the total."""
    terms = ((total, 1.0), *((part, -1.0) for part in parts))
    return Relation(terms, 0, 0, is_assumed, since=since, until=until)


def parts_within(total: str, parts: Iterable[str]) -> Relation:
    """Return that the parts together are at most the total."""
    return Relation(((total, 1.0), *((part, -1.0) for part in parts)), 0, inf)


def same_count(one: str, other: str, *, since: int = 0, until: float = inf) -> Relation:
    """Return what an attacker assumes of two cells that count the same persons."""
    terms = ((one, 1.0), (other, -1.0))
    return Relation(terms, 0, 0, is_assumed=True, since=since, until=until)


def share_of(
    part: str, whole: str, per_cent: float, *, decimals: int = 1, table: str = ""
) -> list[Relation]:
    """Return what a percentage, rounded to so many decimals, says of its part and its base."""
    half = 0.5 * 10**-decimals
    return [
        Relation(((part, 100.0), (whole, -(per_cent - half))), 0, inf, table=table),
        Relation(((part, 100.0), (whole, -(per_cent + half))), -inf, 0, table=table),
    ]


@dataclass(frozen=True)
class Leak:
    """A cell that is known too well: its range, and a smallest set of tables that gives it."""

    cell: str
    least: int
    greatest: int
    tables: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """What an attacker knows of the protected cells.

    `ranges` has the columns cell, least, greatest and is_masked, a row a cell and count;
    `contradictions` are tables whose statements can't all be true.
    """

    ranges: pd.DataFrame
    leaks: tuple[Leak, ...]
    contradictions: tuple[str, ...]

    @property
    def is_safe(self) -> bool:
        """Whether nothing small is known better than that it is small."""
        return not self.leaks and not self.contradictions


def audit(
    statements: pd.DataFrame,
    relations: Sequence[Relation],
    threshold: int,
    *,
    in_full: bool = True,
) -> Verdict:
    """Return the range of every protected cell, and which are known too well.

    `statements` has a row a published statement: `cell` (whose count), `table` (where), `moment` (a
    whole number that grows from publication to publication), `least` and `greatest` (null: no
    bound), `is_masked` and `is_protected`. A masked cell's range must cover 0 to `threshold` - 1.
    So must that of a protected cell that is shown and can be below the threshold, and of one that
    was never published and is known to be below it. A statement may have a lower threshold of its
    own (THRESHOLD_COLUMN): what was published by it is held against that.
    Cells that stand in relations only are protected. Not `in_full` a range that covers the small is
    not followed to its ends, and leaks name no tables.
    """
    missing = set(STATEMENT_COLUMNS) - set(statements.columns)
    if missing:
        raise ValueError(f"statements lack {', '.join(sorted(missing))}")
    ranges: list[dict[str, Any]] = []
    leaks: list[Leak] = []
    contradictions: set[str] = set()
    for part, ties in _connected(statements, relations):
        world = _possible_world(part, ties)
        if world is None:
            contradictions |= {statement.table for statement in part}
            continue
        enough = None if in_full else threshold - 1
        for name, (least, greatest) in sorted(world.ranges(enough).items()):
            count = world.counts[name]
            if not count.is_protected:
                continue
            ranges.append(
                {
                    "cell": count.cell,
                    "least": least,
                    "greatest": greatest,
                    "is_masked": count.is_masked,
                }
            )
            if _is_leak(count, least, greatest, threshold):
                tables = _reasons(world, name, threshold) if in_full else ()
                leaks.append(Leak(count.cell, least, greatest, tables))
    return Verdict(
        ranges=pd.DataFrame(ranges, columns=["cell", "least", "greatest", "is_masked"]),
        leaks=tuple(leaks),
        contradictions=tuple(sorted(contradictions)),
    )


@dataclass(frozen=True)
class _Statement:
    cell: str
    table: str
    moment: int
    least: int
    greatest: float
    is_masked: bool
    is_protected: bool
    threshold: float = inf


@dataclass
class _UnknownCount:
    """One unknown number: a cell from one moment on, until a release says that it changed."""

    cell: str
    most: int
    statements: list[_Statement] = field(default_factory=list)
    is_masked: bool = False
    is_protected: bool = True

    def bounds(self, without: frozenset[str] = frozenset()) -> tuple[int, int]:
        heard = [statement for statement in self.statements if statement.table not in without]
        return (
            max((statement.least for statement in heard), default=0),
            int(min([self.most, *(statement.greatest for statement in heard)])),
        )

    def hear(self, statement: _Statement) -> None:
        """Add what is said next. What was shown first is no secret that a later mask could keep."""
        shown_before = any(
            not earlier.is_masked and earlier.moment < statement.moment
            for earlier in self.statements
        )
        self.statements.append(statement)
        self.is_masked |= statement.is_masked and not shown_before
        self.is_protected = statement.is_protected


@dataclass(frozen=True)
class _Row:
    """A relation at a moment, over names of counts."""

    terms: tuple[tuple[str, float], ...]
    least: float
    greatest: float
    is_assumed: bool
    table: str


def _is_leak(count: _UnknownCount, least: int, greatest: int, threshold: int) -> bool:
    """Tell whether a count is known too well: masked, shown, or only to be derived."""
    threshold = int(min([threshold, *(statement.threshold for statement in count.statements)]))
    if least <= 0 and greatest >= threshold - 1:
        return False
    if count.is_masked:
        return True
    return least < threshold if count.statements else greatest < threshold


def _connected(
    statements: pd.DataFrame, relations: Sequence[Relation]
) -> Iterator[tuple[list[_Statement], list[Relation]]]:
    """Yield the statements and relations of cells that are tied to each other, part by part."""
    parent: dict[str, str] = {}

    def root(cell: str) -> str:
        parent.setdefault(cell, cell)
        while parent[cell] != cell:
            parent[cell] = parent[parent[cell]]
            cell = parent[cell]
        return cell

    for relation in relations:
        first = root(relation.terms[0][0])
        for cell, _ in relation.terms[1:]:
            parent[root(cell)] = first
    statements_of: dict[str, list[_Statement]] = defaultdict(list)
    ties: dict[str, list[Relation]] = defaultdict(list)
    columns = [statements[name].tolist() for name in STATEMENT_COLUMNS]
    columns.append(
        statements[THRESHOLD_COLUMN].tolist()
        if THRESHOLD_COLUMN in statements
        else [None] * len(statements)
    )
    for cell, table, moment, least, greatest, is_masked, is_protected, threshold in zip(
        *columns, strict=True
    ):
        statements_of[root(cell)].append(
            _Statement(
                cell,
                table,
                int(moment),
                0 if pd.isna(least) else max(0, ceil(least - EPSILON)),
                inf if pd.isna(greatest) else floor(greatest + EPSILON),
                bool(is_masked),
                bool(is_protected),
                inf if pd.isna(threshold) else threshold,
            )
        )
    for relation in relations:
        ties[root(relation.terms[0][0])].append(relation)
    for part in statements_of:
        yield sorted(statements_of[part], key=lambda statement: statement.moment), ties[part]


def _possible_world(statements: list[_Statement], ties: list[Relation]) -> "_World | None":
    """Return the tightest world that the statements allow, or None where they allow none.

    First every unchanged number is taken for an unchanged count. Where that can't be, each moment
    is taken by itself, except for what a cell's own statements say of it.
    """
    for build in (_lasting_world, _momentary_world):
        counts, rows = build(statements, ties)
        world = _World(counts, rows)
        if world.is_possible:
            return world
    return None


def _unbounded(statements: list[_Statement]) -> int:
    numbers = [n for one in statements for n in (one.least, one.greatest) if n < inf]
    return max(UNBOUNDED, _MORE_THAN_PARTS * int(max(numbers, default=0)))


def _lasting_world(
    statements: list[_Statement], ties: list[Relation]
) -> tuple[dict[str, _UnknownCount], list[_Row]]:
    counts: dict[str, _UnknownCount] = {}
    most = _unbounded(statements)
    current: dict[str, str] = {}
    rows: dict[tuple[Any, ...], _Row] = {}
    before: dict[int, tuple[str, ...]] = {}
    redefined = {(tie.terms[0][0], tie.since) for tie in ties if tie.since}

    def begin(cell: str, moment: int) -> None:
        """Start a new count of a cell, of which the latest statements still hold."""
        name = f"{cell} #{moment}"
        fresh = _UnknownCount(cell, most)
        old = counts.get(current.get(cell, ""))
        if old is not None:
            for statement in old.statements:
                if statement.moment == old.statements[-1].moment:
                    fresh.hear(statement)
        counts[name] = fresh
        current[cell] = name

    for moment in sorted({statement.moment for statement in statements}):
        for statement in (one for one in statements if one.moment == moment):
            if statement.cell not in current:
                begin(statement.cell, moment)
            count = counts[current[statement.cell]]
            is_later = bool(count.statements) and count.statements[-1].moment < moment
            is_another = (statement.cell, moment) in redefined or _has_changed(count, statement)
            if is_later and is_another:
                name = f"{statement.cell} #{moment}"
                counts[name] = _UnknownCount(statement.cell, most)
                current[statement.cell] = name
                count = counts[name]
            count.hear(statement)
        before = {place: names for place, names in before.items() if ties[place].holds(moment)}
        _spread_changes(ties, before, current, counts, lambda cell, now=moment: begin(cell, now))
        for position, relation in enumerate(ties):
            if not relation.holds(moment):
                continue
            for cell, _ in relation.terms:
                if cell not in current:
                    begin(cell, moment)
            names = tuple(current[cell] for cell, _ in relation.terms)
            before[position] = names
            rows.setdefault((position, names), _row(relation, names))
    return counts, list(rows.values())


def _has_changed(count: _UnknownCount, statement: _Statement) -> bool:
    """Tell whether a later statement can't be about the count that the earlier ones are about."""
    least, greatest = count.bounds()
    return statement.greatest < least or statement.least > greatest


def _spread_changes(
    ties: list[Relation],
    before: dict[int, tuple[str, ...]],
    current: dict[str, str],
    counts: dict[str, _UnknownCount],
    begin: Any,
) -> None:
    """Where a part changed its total did, and where only a total changed any part may have."""
    spread = True
    while spread:
        spread = False
        for position, old in before.items():
            terms = ties[position].terms
            changed = [current[cell] != name for (cell, _), name in zip(terms, old, strict=True)]
            if not any(changed):
                continue
            totals = [index for index, (_, factor) in enumerate(terms) if factor > 0]
            parts = [index for index, (_, factor) in enumerate(terms) if factor < 0]
            silent = [
                index
                for index in range(len(terms))
                if not counts[current[terms[index][0]]].statements
            ]
            stale = [index for index in silent if not changed[index]]
            if not any(changed[index] for index in totals):
                stale += totals
            elif not any(changed[index] for index in parts):
                stale += parts
            for index in set(stale):
                begin(terms[index][0])
                spread = True


def _momentary_world(
    statements: list[_Statement], ties: list[Relation]
) -> tuple[dict[str, _UnknownCount], list[_Row]]:
    """Take each moment by itself: what stands published then, and its relations."""
    counts: dict[str, _UnknownCount] = {}
    most = _unbounded(statements)
    rows: list[_Row] = []
    current: dict[str, list[_Statement]] = {}
    masked_since: dict[str, bool] = defaultdict(bool)
    for moment in sorted({statement.moment for statement in statements}):
        fresh: dict[str, list[_Statement]] = defaultdict(list)
        for statement in (one for one in statements if one.moment == moment):
            fresh[statement.cell].append(statement)
        current |= fresh
        cells = set(current) | {cell for relation in ties for cell, _ in relation.terms}
        for cell in cells:
            count = _UnknownCount(cell, most)
            for statement in current.get(cell, ()):
                count.hear(statement)
            # What was masked and is shown later, unchanged as far as anyone can tell, is known.
            if any(statement.is_masked for statement in current.get(cell, ())):
                masked_since[cell] = True
            elif cell in fresh and masked_since[cell]:
                count.is_masked = True
            counts[f"{cell} #{moment}"] = count
        rows += [
            _row(relation, tuple(f"{cell} #{moment}" for cell, _ in relation.terms))
            for relation in ties
            if relation.holds(moment)
        ]
    return counts, rows


def _row(relation: Relation, names: tuple[str, ...]) -> _Row:
    terms = tuple((name, factor) for name, (_, factor) in zip(names, relation.terms, strict=True))
    return _Row(terms, relation.least, relation.greatest, relation.is_assumed, relation.table)


class _World:
    """Counts, their bounds and the rows that tie them; `without` leaves out tables."""

    def __init__(
        self,
        counts: Mapping[str, _UnknownCount],
        rows: Sequence[_Row],
        without: frozenset[str] = frozenset(),
    ) -> None:
        self.counts = counts
        self._rows = rows
        told = [row for row in rows if row.table not in without]
        narrowing = _Narrowing({name: count.bounds(without) for name, count in counts.items()})
        self.is_possible = narrowing.accepts([row for row in told if not row.is_assumed])
        if not self.is_possible:
            return
        firm = dict(narrowing.bounds), list(narrowing.rows)
        for row in told:
            if row.is_assumed:
                narrowing.accepts([row])
        # With whole numbers an assumption may fail that bounds allowed: then none is made.
        self.is_possible = self._solves(narrowing.bounds, narrowing.rows) or self._solves(*firm)

    def _solves(self, bounds: Mapping[str, tuple[int, int]], rows: Sequence[_Row]) -> bool:
        self._programs, self._fixed = _programs(bounds, rows)
        return all(program.is_possible for program in self._programs)

    def ranges(self, enough: int | None = None) -> dict[str, tuple[int, int]]:
        """Return the least and greatest value of every count, or what covers 0 to `enough`."""
        found = dict(self._fixed)
        for program in self._programs:
            found |= {name: program.range(name, enough) for name in program.names}
        return found

    def range(self, name: str) -> tuple[int, int]:
        """Return the least and greatest value of one count."""
        if name in self._fixed:
            return self._fixed[name]
        return next(program.range(name) for program in self._programs if name in program.position)

    @property
    def tables(self) -> set[str]:
        """The tables that say something of this world."""
        tables = {
            statement.table for count in self.counts.values() for statement in count.statements
        }
        return tables | {row.table for row in self._rows if row.table}

    def relaxed(self, without: frozenset[str]) -> "_World":
        """Return the world as it would be known without some tables."""
        return _World(self.counts, self._rows, without)


def _reasons(world: _World, name: str, threshold: int) -> tuple[str, ...]:
    """Return a smallest set of tables that still gives the leak: none of them can be spared."""
    count = world.counts[name]
    tables = sorted(world.tables)
    spared: frozenset[str] = frozenset()
    for table in tables:
        tried = spared | {table}
        relaxed = world.relaxed(tried)
        if relaxed.is_possible and _is_leak(count, *relaxed.range(name), threshold):
            spared = tried
    return tuple(table for table in tables if table not in spared)


class _Narrowing:
    """Bounds as rows narrow them, one row at a time, until none narrows them any more."""

    def __init__(self, bounds: Mapping[str, tuple[int, int]]) -> None:
        self.bounds = dict(bounds)
        self.rows: list[_Row] = []
        self._touching: dict[str, list[_Row]] = defaultdict(list)

    def accepts(self, rows: Sequence[_Row]) -> bool:
        """Take the rows in, or leave everything as it was where they contradict it."""
        before = dict(self.bounds)
        if any(least > greatest for least, greatest in before.values()):
            return False
        for row in rows:
            for name, _ in row.terms:
                self._touching[name].append(row)
        if self._settle(rows):
            self.rows += rows
            return True
        self.bounds = before
        for row in rows:
            for name, _ in row.terms:
                self._touching[name].remove(row)
        return False

    def _settle(self, rows: Sequence[_Row]) -> bool:
        waiting = dict.fromkeys(rows)
        # Bounds that chase each other upwards end at the solver, which needs no such patience.
        patience = 20 * (len(self.rows) + len(rows)) + 20
        while waiting and patience:
            patience -= 1
            row = next(iter(waiting))
            del waiting[row]
            moved = self._moved(row)
            if moved is None:
                return False
            for name in moved:
                waiting |= dict.fromkeys(self._touching[name])
        return True

    def _moved(self, row: _Row) -> list[str] | None:
        """Narrow by one row; return whose bounds moved, or None where nothing is left."""
        moved = []
        lows = [f * self.bounds[name][0 if f > 0 else 1] for name, f in row.terms]
        highs = [f * self.bounds[name][1 if f > 0 else 0] for name, f in row.terms]
        low, high = sum(lows), sum(highs)
        if low > row.greatest + EPSILON or high < row.least - EPSILON:
            return None
        for (name, factor), own_low, own_high in zip(row.terms, lows, highs, strict=True):
            least, greatest = self.bounds[name]
            up, down = row.greatest - (low - own_low), row.least - (high - own_high)
            if factor < 0:
                up, down = down, up
            if abs(down) < inf:
                least = max(least, ceil(down / factor - EPSILON))
            if abs(up) < inf:
                greatest = min(greatest, floor(up / factor + EPSILON))
            if least > greatest:
                return None
            if (least, greatest) != self.bounds[name]:
                self.bounds[name] = (least, greatest)
                moved.append(name)
        return moved


def _programs(
    bounds: Mapping[str, tuple[int, int]], rows: Sequence[_Row]
) -> tuple[list["_Program"], dict[str, tuple[int, int]]]:
    """Split into programs that share no open count; counts that no row ties are done."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    opened: list[_Row] = []
    for row in rows:
        settled = sum(f * bounds[n][0] for n, f in row.terms if bounds[n][0] == bounds[n][1])
        terms = tuple((n, f) for n, f in row.terms if bounds[n][0] != bounds[n][1])
        if not terms:
            continue
        opened.append(
            replace(row, terms=terms, least=row.least - settled, greatest=row.greatest - settled)
        )
        for name, _ in terms[1:]:
            parent[root(name)] = root(terms[0][0])
    groups: dict[str, list[_Row]] = defaultdict(list)
    for row in opened:
        groups[root(row.terms[0][0])].append(row)
    programs = [_Program(bounds, group) for group in groups.values()]
    tied = {name for program in programs for name in program.names}
    return programs, {name: pair for name, pair in bounds.items() if name not in tied}


@cache
def _quiet_solver() -> Any:
    """Return HiGHS without its greeting, which would stand among krat's own words."""
    import highspy

    class QuietHighs(highspy.Highs):
        def enableCallbacks(self) -> None:
            self.silent()
            super().enableCallbacks()  # type: ignore[no-untyped-call]

    return QuietHighs


class _Program:
    """One integer program, asked for the ends of one count after the other."""

    def __init__(self, bounds: Mapping[str, tuple[int, int]], rows: Sequence[_Row]) -> None:
        self.names = list(dict.fromkeys(name for row in rows for name, _ in row.terms))
        self.position = {name: index for index, name in enumerate(self.names)}
        self._bounds = [bounds[name] for name in self.names]
        self._rows = rows
        self._linear = self._model()
        self._whole: Any = None
        self._seen = np.full(len(self.names), inf), np.full(len(self.names), -inf)
        self.is_possible = self._end(0, 1) is not None

    def range(self, name: str, enough: int | None = None) -> tuple[int, int]:
        """Return both ends of a count's range, or any part of it that covers 0 to `enough`."""
        column = self.position[name]
        if enough is not None and self._seen[0][column] <= 0 and self._seen[1][column] >= enough:
            return int(self._seen[0][column]), int(self._seen[1][column])
        least, greatest = self._end(column, 1), self._end(column, -1)
        assert least is not None
        assert greatest is not None
        return least, greatest

    def _end(self, column: int, direction: int) -> int | None:
        """Return the least (1) or greatest (-1) value, or None where there is no solution."""
        values = self._solved(self._linear, column, direction)
        if values is None:
            return None
        if np.abs(values - np.rint(values)).max() <= EPSILON:
            return self._witnessed(values, column)
        if self._whole is None:
            import highspy

            self._whole = self._model()
            integer = np.full(len(self.names), int(highspy.HighsVarType.kInteger), dtype=np.uint8)
            columns = np.arange(len(self.names), dtype=np.int32)
            self._whole.changeColsIntegrality(len(self.names), columns, integer)
        values = self._solved(self._whole, column, direction)
        return None if values is None else self._witnessed(values, column)

    def _witnessed(self, values: Any, column: int) -> int:
        """Keep what a solution shows of all counts, not only of the one that was asked for."""
        whole = np.rint(values)
        self._seen = np.minimum(self._seen[0], whole), np.maximum(self._seen[1], whole)
        return int(whole[column])

    def _solved(self, model: Any, column: int, direction: int) -> Any:
        import highspy

        model.changeColsCost(
            len(self.names),
            np.arange(len(self.names), dtype=np.int32),
            direction * np.eye(1, len(self.names), column).ravel(),
        )
        model.run()
        status = model.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return None
        if status != highspy.HighsModelStatus.kOptimal:
            raise RuntimeError(f"HiGHS could not solve: {model.modelStatusToString(status)}")
        return np.asarray(model.getSolution().col_value)

    def _model(self) -> Any:
        model = _quiet_solver()()
        model.setOptionValue("threads", 1)
        # A changed objective leaves the last vertex feasible: the primal simplex goes on from it.
        model.setOptionValue("simplex_strategy", 4)
        model.setOptionValue("mip_rel_gap", 0.0)
        lows = np.array([low for low, _ in self._bounds], dtype=float)
        highs = np.array([high for _, high in self._bounds], dtype=float)
        model.addVars(len(self.names), lows, highs)
        starts, indices, factors = [0], [], []
        for row in self._rows:
            indices += [self.position[name] for name, _ in row.terms]
            factors += [factor for _, factor in row.terms]
            starts.append(len(indices))
        model.addRows(
            len(self._rows),
            np.array([row.least for row in self._rows]),
            np.array([row.greatest for row in self._rows]),
            len(indices),
            np.array(starts[:-1], dtype=np.int32),
            np.array(indices, dtype=np.int32),
            np.array(factors),
        )
        return model
