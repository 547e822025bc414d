"""What is special to the rows of a national plan that the office's registers hold.

Belongs here: its days, its targets, and how its indicators follow those of the plan before. Not
here: what holds for the rows of any register (check), or what only a folder of a new plan can get
wrong (plans).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from datetime import date
from typing import Any

from orchestration.registers.rows import RegisterLine, RegisterProblem, Rows
from sources.registers import NATION
from sources.texts import LANGUAGES, text

SUCCESSIONS = "indicator_successions"

#: Targets read by one of these are about the end of a period; the others about what was counted in
#: it. Numbers of the two kinds can't be compared.
_OF_A_MOMENT = {"level", "milestone"}

#: Kinds of succession that are alone, and those that `+` joins.
_ALONE = ("ends", "begins", "continues")
_JOINED = ("splits", "merges", "unit_changed", "basis_changed")


def plan_problem(
    rule: str, register: str, line: RegisterLine | None, column: str | None, **values: object
) -> RegisterProblem:
    """Return a problem in the words of its rule (sources/texts/plans.yml)."""
    sq, en = (text(f"plans.problems.{rule}", language, **values) for language in LANGUAGES)
    number = line.number or None if line else None
    return RegisterProblem(register, number, column, sq, en)


def plan_rules(rows: Rows, wrong: Collection[tuple[str, int | None]]) -> Iterator[RegisterProblem]:
    """Yield what is wrong with the office's national plans, each beside the plan before it.

    `wrong` are rows (register, line) that are wrong in themselves: they count as being there, and
    nothing more is asked of them.
    """
    plans = [
        line for line in rows.of["plans"].values()
        if line.values["level"] == "national" and ("plans", line.number) not in wrong
    ]  # fmt: skip
    plans.sort(key=lambda line: line.values["valid_from"])
    for place, line in enumerate(plans):
        if line.number:
            check = _Check(rows, wrong, line, plans[place - 1] if place else None)
            yield from check.run()


class _Check:
    """Holds the rows of a national plan against each other, and against the plan before."""

    def __init__(
        self,
        rows: Rows,
        wrong: Collection[tuple[str, int | None]],
        plan: RegisterLine,
        before: RegisterLine | None,
    ) -> None:
        self._problems: list[RegisterProblem] = []
        self._rows = rows
        self._wrong = wrong
        self._plan = plan
        self._before = before.values["plan_code"] if before else None
        self._first, self._last = (
            date.fromisoformat(plan.values[column]) for column in ("valid_from", "valid_to")
        )
        self._indicators = self._by_code("indicators", plan.values["plan_code"])

    def run(self) -> list[RegisterProblem]:
        """Return what is wrong."""
        for column, day, edge in (
            ("valid_from", self._first, (1, 1)), ("valid_to", self._last, (12, 31)),
        ):  # fmt: skip
            if (day.month, day.day) != edge:
                self._report("whole_years", "plans", self._plan, column)
        self._codes_of_indicators()
        self._successions()
        self._targets()
        self._years_of_measures()
        return self._problems

    def _report(
        self,
        rule: str,
        register: str,
        line: RegisterLine | None,
        column: str | None,
        **values: object,
    ) -> None:
        """Add a problem, unless its row is wrong in itself."""
        if line is None or (register, line.number) not in self._wrong:
            self._problems.append(plan_problem(rule, register, line, column, **values))

    def _lines(self, register: str) -> list[RegisterLine]:
        """Return the plan's rows of a register."""
        code = self._plan.values["plan_code"]
        lines = self._rows.of[register].values()
        return [line for line in lines if line.values["plan_code"] == code]

    def _by_code(self, register: str, plan_code: str | None) -> dict[str, RegisterLine]:
        """Return a plan's rows of the register of indicators by their code."""
        return {
            line.values["indicator_code"]: line
            for line in self._rows.of[register].values()
            if line.values["plan_code"] == plan_code
        }

    def _codes_of_indicators(self) -> None:
        for code, line in self._indicators.items():
            place = line.values["indicator_position"]
            if code != f"{line.values['measure_code']}.{place}":
                self._report("code", "indicators", line, "indicator_code")

    def _successions(self) -> None:
        """Report indicators without a succession, and successions that the two rows contradict."""
        before = self._before
        earlier = self._by_code("indicators", before)
        lines = self._lines(SUCCESSIONS)
        for line in lines:
            if line.values["earlier_plan_code"] != before:
                self._report(
                    "earlier_plan", SUCCESSIONS, line, "earlier_plan_code", plan=before or "-"
                )
        pairs = [
            (line.values["earlier_indicator_code"], line.values["indicator_code"]) for line in lines
        ]
        for code in sorted(earlier.keys() - {of for of, _ in pairs}):
            self._report("not_followed", SUCCESSIONS, None, "earlier_indicator_code", code=code)
        if before:
            for code in sorted(self._indicators.keys() - {to for _, to in pairs}):
                line = self._indicators[code]
                self._report("not_following", "indicators", line, "indicator_code")
        followed, following = (Counter(pair[side] for pair in pairs) for side in (0, 1))
        for line, (old, new) in zip(lines, pairs, strict=True):
            if (old and old not in earlier) or (new and new not in self._indicators):
                continue
            if not old and not new:
                self._report("no_indicator", SUCCESSIONS, line, "indicator_code")
            elif not new and followed[old] > 1:
                self._report("ends_and_goes_on", SUCCESSIONS, line, "earlier_indicator_code")
            elif not old and following[new] > 1:
                self._report("begins_and_follows", SUCCESSIONS, line, "indicator_code")
            else:
                pair = (
                    earlier[old].values if old else None,
                    self._indicators[new].values if new else None,
                )
                self._kind(line, *pair, followed[old], following[new])

    def _kind(
        self,
        line: RegisterLine,
        old: dict[str, str] | None,
        new: dict[str, str] | None,
        parts: int,
        sources: int,
    ) -> None:
        """Report a kind that isn't what the two rows are, and values that can't be compared."""
        claimed = line.values["kind"].split("+")
        if unknown := [word for word in claimed if word not in (*_ALONE, *_JOINED)]:
            self._report("unknown_kind", SUCCESSIONS, line, "kind", word=unknown[0])
            return
        if old is None or new is None:
            if old is None and claimed != ["begins"]:
                self._report("begins_alone", SUCCESSIONS, line, "kind")
            if new is None and claimed != ["ends"]:
                self._report("ends_alone", SUCCESSIONS, line, "kind")
            if line.values["is_comparable"]:
                self._report("nothing_to_compare", SUCCESSIONS, line, "is_comparable")
            return
        is_so = {
            "splits": parts > 1,
            "merges": sources > 1,
            "unit_changed": old["unit"] != new["unit"],
            "basis_changed": old["target_basis"] != new["target_basis"],
        }
        facts: dict[str, dict[str, Any]] = {
            "splits": {"number": parts},
            "merges": {"number": sources},
            "unit_changed": {"before": old["unit"], "now": new["unit"]},
            "basis_changed": {"before": old["target_basis"], "now": new["target_basis"]},
        }
        wrong = [word for word in _JOINED if is_so[word] != (word in claimed)]
        for word in wrong:
            rule = "missing" if is_so[word] else "claimed"
            self._report(f"{rule}.{word}", SUCCESSIONS, line, "kind", **facts[word])
        differs = any(is_so.values())
        if not wrong and set(claimed) & set(_ALONE) != (set() if differs else {"continues"}):
            self._report("continues_alone", SUCCESSIONS, line, "kind")
        self._comparable(line, old, new, is_so)

    def _comparable(
        self, line: RegisterLine, old: dict[str, str], new: dict[str, str], is_so: dict[str, bool]
    ) -> None:
        """Report values that are called comparable and can't be, and a break without its reason."""
        answer = line.values["is_comparable"]
        bases = [row["target_basis"] for row in (old, new)]
        other_basis = is_so["basis_changed"] and bool(_OF_A_MOMENT & set(bases))
        if answer not in ("true", "false"):
            self._report("comparable_or_not", SUCCESSIONS, line, "is_comparable")
        elif answer == "true" and (
            other_basis or is_so["splits"] or is_so["merges"] or is_so["unit_changed"]
        ):
            self._report("never_comparable", SUCCESSIONS, line, "is_comparable")
        elif answer == "false":
            for column in ("note_sq", "note_en"):
                if not line.values[column]:
                    self._report("no_reason", SUCCESSIONS, line, column)

    def _targets(self) -> None:
        """Report years outside the plan, and baselines and years that are missing or repeated."""
        years = range(self._first.year, self._last.year + 1)
        found: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        for register in ("targets", "regional_targets"):
            for line in self._lines(register):
                row = line.values
                place = (row["target_kind"], row["year"])
                if row["target_kind"] == "baseline":
                    place = ("baseline", "")
                    if row["year"] >= str(years[0]):
                        self._report("baseline_year", register, line, "year", year=years[0])
                elif row["year"] not in map(str, years):
                    self._report(
                        "target_year", register, line, "year", first=years[0], last=years[-1]
                    )
                of = found[row["county_code"] + row["indicator_code"]]
                of[place] += 1
                if of["baseline", ""] > 1 and place == ("baseline", ""):
                    self._report("baselines", register, line, "year")
                if (row["value_state"] == "number") != (row["value"] != ""):
                    self._report("value_state", register, line, "value_state")
        for code, line in self._indicators.items():
            of = found[NATION + code]
            missing = [str(year) for year in years if not of["target", str(year)]]
            if not of["baseline", ""]:
                self._report("no_baseline", "indicators", line, "indicator_code")
            if missing:
                self._report(
                    "no_target", "indicators", line, "indicator_code", years=", ".join(missing)
                )

    def _years_of_measures(self) -> None:
        for line in self._lines("measures"):
            first, last = (line.values[column] for column in ("start_year", "end_year"))
            if not str(self._first.year) <= first <= last <= str(self._last.year):
                self._report("measure_years", "measures", line, "start_year")
