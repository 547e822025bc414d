"""How each count of an edition is shown: as exactly as is safe beside all earlier editions.

Belongs here: going up the ladder where an attacker would know too much. Not here: what he can
derive (disclosure), the ladder's steps (protection), or which counts an edition has
(orchestration.publication.editions).
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from typing import Any

import numpy as np
import pandas as pd

from expectations.disclosure import EPSILON, Attacker, End, Published, Target, is_whole
from expectations.protection import CountKey, Protection, Shown, Sign

#: Solutions at random settle many targets at once; so many in vain end the search.
_VAIN_TRIES = 3

#: How often a solution with broken numbers is looked for again with fewer counties.
_REPAIRS = 4

#: What all other targets weigh where a solution is looked for that is far off for one.
_OTHERS_WEIGH = 0.05


@dataclass(frozen=True)
class Earlier:
    """What an earlier edition shows of a count."""

    published: Published
    sign: Sign


@dataclass
class _Step:
    """A count of the edition on the ladder: its present sign, and what it may become."""

    published: Published
    signs: list[Sign]
    costs: list[float]
    level: int = 0
    #: Why it was raised: insiders, and the unknowns of a target that each knew too well.
    reasons: set[tuple[int, tuple[int, ...]]] = field(default_factory=set)

    @property
    def sign(self) -> Sign:
        return self.signs[self.level]

    @property
    def cost(self) -> float:
        return self.costs[self.level]

    @property
    def is_last(self) -> bool:
        return self.level == len(self.signs) - 1


@dataclass(frozen=True)
class Choice:
    """How the counts of an edition are shown, and what stays known all the same."""

    signs: dict[CountKey, Sign]
    #: Counts of which others' figures tell too much, whatever is shown here.
    known_elsewhere: tuple[str, ...]


def choose(
    units: pd.DataFrame,
    counts: Mapping[Published, int],
    earlier: Iterable[Earlier],
    rules: Protection,
    exact: Iterable[str] = (),
) -> Choice:
    """Return the sign of each count of the newest edition of one year and group of subjects.

    `units` are what every edition counted (disclosure.UNIT_COLUMNS), `counts` the true counts of
    the newest edition, `earlier` what the editions before it show, and `exact` the subjects of
    which others publish exact figures of the nation. A count that adds up what it did before keeps
    its sign.
    """
    before = list(earlier)
    attacker = Attacker(units, [*(one.published for one in before), *counts], rules, exact)
    last = {one.published.key: one for one in before}
    known: dict[int, Sign] = {}
    for one in before:
        row = attacker.row_of.get(one.published)
        if row is not None and one.sign.shown_as is not Shown.EARLIER:
            attacker.state(one.published, one.sign)
            known[row] = one.sign
    signs: dict[CountKey, Sign] = {}
    steps: dict[int, _Step] = {}
    for published, value in counts.items():
        count = published.key
        row = attacker.row_of.get(published)
        if row is None:
            raise ValueError(f"no unit is counted in {count}")
        if count in last and attacker.row_of.get(last[count].published) == row:
            signs[count] = last[count].sign
        elif row in known:
            # The very same units were published under another name: their sign is this one's.
            signs[count] = known[row]
        elif row not in steps:
            steps[row] = _Step(published, *_ladder(count, value, last.get(count), rules))
            attacker.state(published, steps[row].sign)
    left = _settle(attacker, steps, rules)
    for published in counts:
        if published.key not in signs:
            signs[published.key] = steps[attacker.row_of[published]].sign
    return Choice(signs, left)


def _ladder(
    count: CountKey, value: int, last: Earlier | None, rules: Protection
) -> tuple[list[Sign], list[float]]:
    """Return the signs that a count may have, the most exact first, and what each costs.

    What was published before can stay, as the last resort; a number that is near enough stays
    before a coarser one is made.
    """
    steps = [Shown.ROUNDED]
    if value >= rules.threshold:
        steps += [Shown.COARSE, Shown.AT_LEAST]
    if last is None:
        signs = [rules.sign(value, step) for step in [*steps, Shown.WITHHELD]]
    else:
        least, greatest = last.sign.least, last.sign.greatest
        if (
            last.sign.value is not None
            and least is not None
            and greatest is not None
            and least - rules.may_stay_within <= value <= greatest + rules.may_stay_within
        ):
            steps = steps[:1]
        stays = last.sign._replace(shown_as=Shown.EARLIER)
        signs = [*(rules.sign(value, step) for step in steps), stays]
    return signs, [0.0, *(rules.cost(count, sign.shown_as) for sign in signs[1:])]


def _settle(attacker: Attacker, steps: dict[int, _Step], rules: Protection) -> tuple[str, ...]:
    """Raise signs until no insider knows too much; return what raising can't help.

    Whether each raise is needed shows when all are made, so they are looked at once more.
    """
    solutions: list[Any] = []
    left = _raise_all(attacker, steps, rules, solutions)
    if _Audit(attacker, attacker.targets(), rules, solutions).lower(steps, left):
        left = _raise_all(attacker, steps, rules, solutions)
    return tuple(sorted(left))


def _raise_all(
    attacker: Attacker, steps: dict[int, _Step], rules: Protection, solutions: list[Any]
) -> set[str]:
    left: set[str] = set()
    done: set[tuple[int, ...]] = set()
    while steps and (fresh := [one for one in attacker.targets() if one.columns not in done]):
        # What is shown no more becomes a target itself, so there may be another round.
        done |= {one.columns for one in fresh}
        left |= _Audit(attacker, fresh, rules, solutions).settle(steps)
    return left


class _Audit:
    """What insiders can derive of targets: a row an insider, a column a target.

    Each solution that fulfils all that an insider knows shows him one more sum that a target can
    have. A solution in which only some counties differ from the truth is one for all others.
    """

    def __init__(
        self,
        attacker: Attacker,
        targets: list[Target],
        rules: Protection,
        solutions: list[Any],
    ) -> None:
        """`solutions` are all whole ones found so far; what is found now joins them."""
        self._solutions = solutions
        self._attacker = attacker
        self._targets = targets
        self._small = rules.threshold - 1
        # The last one is an insider of none.
        self._own = [*map(attacker.of_county, attacker.counties), []]
        from scipy.sparse import csr_array

        columns = [column for target in targets for column in target.columns]
        starts = np.cumsum([0, *(len(target.columns) for target in targets)])
        shape = (len(targets), len(attacker.truth))
        self._sums = csr_array((np.ones(len(columns)), columns, starts), shape=shape)
        shape = (len(self._own), len(targets))
        self._least = np.empty(shape)
        self._greatest = np.empty(shape)
        self._look_again(solutions)
        self._is_told = np.array([attacker.is_told(one) for one in targets], dtype=bool)
        self._is_asked = np.array(
            [[_is_asked(one, county) for one in targets] for county in [*attacker.counties, None]],
            dtype=bool,
        )
        name = targets[0].name if targets else ""
        self._random = np.random.default_rng(zlib.crc32(name.encode()))

    def settle(self, steps: dict[int, _Step]) -> set[str]:
        """Raise signs until all targets are safe; return those that stay known all the same."""
        self._search_all()
        left: set[str] = set()
        levels: list[int] | None = None
        # What is known to be 11 or more beside one sign may be less beside a coarser one.
        while levels != (levels := [step.level for step in steps.values()]):
            for insider, number in np.argwhere(self._more() | self._less()):
                name = self._targets[number].name
                if name not in left and not self._make_safe(insider, number, steps):
                    left.add(name)
        return left

    def _search_all(self) -> None:
        everybody = set(range(len(self._own)))
        for one in sorted(everybody)[:-1]:
            self._search(partial(everybody.difference, {one}))
        self._search(self._most_ignorant)

    def _search(self, choose_known: Callable[[], set[int]]) -> None:
        """Look for solutions that are far off for many targets, as long as some are found."""
        vain = 0
        while vain < _VAIN_TRIES and self._is_open().any():
            open_before = int(self._is_open().sum())
            self._try(choose_known())
            vain = 0 if int(self._is_open().sum()) < open_before else vain + 1

    def _most_ignorant(self) -> set[int]:
        """Return half of the insiders, those first of whom most is open."""
        insiders = len(self._own)
        open_ = self._is_open().sum(axis=1) + self._random.random(insiders)
        return set(np.argsort(-open_)[: max(1, insiders // 2)].tolist())

    def _try(self, known: set[int]) -> None:
        """Look for a solution that is far off for many targets, beside what these insiders know."""
        costs = self._wanted(known)
        if costs.any():
            self._look(known, partial(self._attacker.program.best, costs))

    def _wanted(self, known: set[int]) -> Any:
        """Return costs at random that lead far off for targets that are open to these insiders."""
        own = sorted(known)
        more, less = (wanted[own].any(axis=0) for wanted in (self._more(), self._less()))
        signs = np.where(
            more & less, self._random.choice([-1, 1], len(more)), less.astype(int) - more
        )
        # Few weigh much, so that they are far off instead of all being a little.
        return (signs * self._random.random(len(signs)) ** 4) @ self._sums

    def _look(self, known: set[int], solve: Callable[[], End]) -> None:
        """See a whole solution: counties whose numbers come out broken are taken for known, too."""
        for _ in range(_REPAIRS):
            self._fix(known)
            solution = solve().solution
            self._see(solution)
            broken = {one for one, own in enumerate(self._own) if not is_whole(solution[own])}
            known = known | broken
            if not broken or known.issuperset(range(len(self._own) - 1)):
                break

    def _fix(self, known: Iterable[int]) -> None:
        self._attacker.program.fix([column for one in known for column in self._own[one]])

    def lower(self, steps: dict[int, _Step], left: set[str]) -> bool:
        """Show as exactly as before what need not be raised any more for what it was raised for.

        It may be too exact for something else: all is to be settled again if this returns True.
        """
        is_lower = False
        raised = [(row, step) for row, step in steps.items() if step.level]
        for row, step in sorted(raised, key=lambda one: (-one[1].cost, str(one[1].published))):
            before = step.level
            for level in dict.fromkeys((0, before - 1)):
                self._move(step, level)
                kept = self._solutions.copy()
                self._solutions[:] = self._beside(row)
                self._look_again(self._solutions)
                if self._are_safe(step.reasons, left):
                    is_lower = True
                    break
                # What was found beside this sign is found beside a coarser one, too.
                self._move(step, before)
                self._solutions[:] = kept
        return is_lower

    def _are_safe(self, pairs: set[tuple[int, tuple[int, ...]]], left: set[str]) -> bool:
        return all(
            self._make_safe(insider, number, {})
            for insider, number in np.argwhere(self._more() | self._less()).tolist()
            if (insider, self._targets[number].columns) in pairs
            and self._targets[number].name not in left
        )

    def _beside(self, row: int) -> list[Any]:
        """Return the solutions that what a row tells now allows."""
        bounds = self._attacker.rows[row]
        columns = list(bounds.terms)
        return [
            solution
            for solution in self._solutions
            if bounds.least <= solution[columns].sum() <= bounds.greatest
        ]

    def _make_safe(self, insider: int, number: int, steps: dict[int, _Step]) -> bool:
        """Raise signs until a target is safe; return whether it is."""
        if self._is_told[number]:
            ends = (False, True)
            is_safe = all(self._reach(insider, number, steps, is_greatest=end) for end in ends)
            if self._is_told[number]:
                return is_safe
        # If it can be 0, it need not be above the small ones; nothing is raised for that.
        self._reach(insider, number, {}, is_greatest=False)
        if self._reach(insider, number, steps, is_greatest=True):
            return True
        # Other figures tell that it is a small one, so it has to be any of them.
        ends = (False, True)
        return all(self._reach(insider, number, steps, is_greatest=end) for end in ends)

    def _look_again(self, solutions: Sequence[Any]) -> None:
        """Take what these solutions show, and nothing else, for what is possible."""
        self._least[:] = self._greatest[:] = self._sums @ self._attacker.truth
        if not solutions:
            return
        stacked = np.array(solutions)
        sums = (self._sums @ stacked.T).T
        differs = stacked != self._attacker.truth
        for insider, own in enumerate(self._own):
            known = sums[~differs[:, own].any(axis=1)]
            if len(known):
                self._least[insider] = np.minimum(self._least[insider], known.min(axis=0))
                self._greatest[insider] = np.maximum(self._greatest[insider], known.max(axis=0))

    def _is_open(self) -> Any:
        covers = (self._least <= 0) & (self._greatest >= self._small)
        is_safe = covers | (~self._is_told & (self._greatest > self._small))
        return self._is_asked & ~is_safe

    def _lacks(self, *, is_greatest: bool) -> Any:
        return self._more() if is_greatest else self._less()

    def _more(self) -> Any:
        return self._is_open() & (self._greatest < self._small + ~self._is_told)

    def _less(self) -> Any:
        return self._is_open() & (self._least > 0)

    def _see(self, solution: Any) -> None:
        if not is_whole(solution):
            return
        whole = np.rint(solution)
        self._solutions.append(whole)
        differs = whole != self._attacker.truth
        knows = np.array([not differs[own].any() for own in self._own], dtype=bool)
        sums = self._sums @ whole
        self._least[knows] = np.minimum(self._least[knows], sums)
        self._greatest[knows] = np.maximum(self._greatest[knows], sums)

    def _reach(
        self, insider: int, number: int, steps: dict[int, _Step], *, is_greatest: bool
    ) -> bool:
        """Raise signs until this end of a range says too little; return whether it does."""
        if not self._lacks(is_greatest=is_greatest)[insider, number]:
            return True
        target = self._targets[number]
        is_told = self._is_told[number]
        # What is told nowhere needs no other end where it may be above the small ones.
        covers = is_told or self._least[insider, number] <= 0
        enough = self._small + (not covers) if is_greatest else 0
        end = partial(self._attacker.program.end, target.columns, enough, is_greatest=is_greatest)
        for counties in self._some_and_all(insider, target):
            # What is possible though all others' counts are known is so for each of them.
            known = set(range(len(self._own))) - counties
            # Of the solutions that are far enough, one that is far for other targets as well.
            others = self._wanted(known)
            others *= _OTHERS_WEIGH / max(np.abs(others).max(), 1)
            self._look(known, partial(end, others=others, is_quick=True))
            if not self._lacks(is_greatest=is_greatest)[insider, number]:
                return True
        self._fix({insider})
        before, solved = {row: step.level for row, step in steps.items()}, len(self._solutions)
        while self._lacks(is_greatest=is_greatest)[insider, number]:
            found = end()
            self._see(found.solution)
            if found.value >= enough if is_greatest else found.value <= 0:
                return True
            if not is_greatest and is_told and found.value > self._small:
                return True
            row = _best_raise(target, found.prices, steps, self._attacker)
            if row is None:
                # Nothing helps, so nothing need be shown less exactly for it.
                raised = [row for row, level in before.items() if steps[row].level != level]
                for row in raised:
                    self._move(steps[row], before[row])
                if raised:
                    del self._solutions[solved:]
                    self._look_again(self._solutions)
                return False
            steps[row].reasons.add((insider, target.columns))
            self._move(steps[row], steps[row].level + 1)
            if is_told and not self._is_told[number]:
                return False
        return True

    def _some_and_all(self, insider: int, target: Target) -> Iterator[set[int]]:
        """Yield counties to take for unknown: two thirds, the target's among them, and all."""
        counties = set(range(len(self._own) - 1)) - {insider}
        own = {one for one in counties if set(self._own[one]).intersection(target.columns)}
        mixed = self._random.permutation(sorted(counties)).tolist()
        ordered = sorted(mixed, key=lambda one: one not in own)
        yield set(ordered[: ceil(len(ordered) * 2 / 3)])
        yield counties

    def _move(self, step: _Step, level: int) -> None:
        """Show a count at another level."""
        step.level = level
        self._attacker.state(step.published, step.sign)
        self._is_told[:] = [self._attacker.is_told(one) for one in self._targets]


def _is_asked(target: Target, insider: str | None) -> bool:
    """Tell whether an insider may learn too much: of his own nothing, and he subtracts it."""
    if target.insiders is not None:
        return insider in target.insiders
    return insider not in target.counties


def _best_raise(
    target: Target, prices: Any, steps: dict[int, _Step], attacker: Attacker
) -> int | None:
    """Return the row to show less exactly: the most range for its cost, None where none helps.

    It goes by what is published alone; ties go by name.
    """
    gains = []
    for row, step in steps.items():
        if step.is_last:
            continue
        now, then = step.sign.bounds, step.signs[step.level + 1].bounds
        wider = min(now[0] - then[0], 50) + min(then[1] - now[1], 50)
        cost = step.costs[step.level + 1] - step.cost
        price = abs(float(prices[row]))
        shares = not attacker.rows[row].terms.keys().isdisjoint(target.columns)
        if price > EPSILON or shares:
            gains.append((-(price + EPSILON) * wider / cost, str(step.published.key), row))
    return min(gains)[2] if gains else None
