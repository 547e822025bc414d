"""The next national plan as a folder of register files: what is wrong in them, and adding them.

Belongs here: what is special to a plan's rows, and how its indicators follow those of the plan
before. Not here: what holds for the rows of any register (check), or the lint of what a plan prints
(dbt_project).
"""

from collections import Counter, defaultdict
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.registers.check import check_registers
from orchestration.registers.county import write_drafts
from orchestration.registers.declaration import declared
from orchestration.registers.rows import (
    RegisterLine,
    RegisterProblem,
    Rows,
    office_files,
    unite,
    write_rows,
)
from orchestration.runtime.settings import SEEDS
from sources.custody import journal
from sources.custody.home import Home
from sources.registers import NATION
from sources.texts import LANGUAGES, Language, text

#: A register without plan_code that a plan's folder may have: its months need deadlines.
CALENDAR = "reporting_calendar"

SUCCESSIONS = "indicator_successions"

#: Targets read by one of these are about the end of a period; the others about what was counted in
#: it. Numbers of the two kinds can't be compared.
_OF_A_MOMENT = {"level", "milestone"}

#: Kinds of succession that are alone, and those that `+` joins.
_ALONE = ("ends", "begins", "continues")
_JOINED = ("splits", "merges", "unit_changed", "basis_changed")


class OtherRows(ValueError):
    """The registers hold a row of the same key as one of the plan's files that differs from it."""


def plan_problems(folder: Path, registers_dir: Path) -> list[RegisterProblem]:
    """Return what is wrong in a new plan's files, beside the registers that it is added to.

    The registers may have the plan's own rows already. Raises FileNotFoundError when there is no
    such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder")
    rows, general = check_registers(registers_dir, folder)
    check = _Check(folder, rows)
    check.files()
    # Rows that are wrong in themselves are not held against the plan before.
    if not general and not check.problems:
        check.plan()
    found = [*check.problems, *general]
    return sorted(found, key=lambda each: (each.register, each.line or 0))


def sentence(problem: RegisterProblem, language: Language) -> str:
    """Return the place of a problem, as file:line and column, and its message."""
    place = f"{problem.register}.csv"
    place += "" if problem.line is None else f":{problem.line}"
    place += "" if problem.column is None else f" {problem.column}"
    return f"{place}: {problem.message_sq if language == 'sq' else problem.message_en}"


def count_rows(folder: Path, registers_dir: Path) -> dict[str, int]:
    """Return how many rows each file of a plan's folder has."""
    return {name: len(lines) for name, lines in _lines(unite(registers_dir, folder)).items()}


def plans_of(folder: Path, registers_dir: Path) -> list[str]:
    """Return the codes of the plans of a folder."""
    return sorted(key[0] for key in _lines(unite(registers_dir, folder))["plans"])


def merged(registers_dir: Path, folder: Path, out: Path) -> Path:
    """Write to `out` the registers of a folder with the rows of another over them; return `out`."""
    out.mkdir(parents=True, exist_ok=True)
    write_rows(unite(registers_dir, folder), out)
    return out


def add_plan(home: Home, folder: Path, registers_dir: Path) -> dict[str, int]:
    """Write a plan's rows into the office's registers; return how many are new in each.

    For the one writer of the data folder, after `plan_problems` found nothing. Rows that are there
    already stay. Raises OtherRows, and writes nothing, when one of the same key is there that
    differs.
    """
    there = unite(SEEDS, home.registers)
    fresh: dict[str, list[dict[str, str]]] = defaultdict(list)
    for name, lines in _lines(unite(registers_dir, folder)).items():
        for key, line in lines.items():
            known = there.of[name].get(key)
            if known is None:
                fresh[name].append(line.values)
            elif known.values != line.values:
                raise OtherRows(f"registers/{name}.csv:{known.number}")
    counts = {name: len(rows) for name, rows in fresh.items()}
    if counts:
        write_drafts(home.registers, fresh)
        journal.append(
            home.decisions / "registers.jsonl",
            decision="plan_added",
            plans=plans_of(folder, registers_dir),
            rows=counts,
        )
    return counts


def _lines(rows: Rows) -> dict[str, dict[tuple[str, ...], RegisterLine]]:
    """Return the rows that are from a plan's folder, by register and key."""
    found = {
        name: {key: line for key, line in lines.items() if line.number}
        for name, lines in rows.of.items()
    }
    return {name: lines for name, lines in found.items() if lines}


class _Check:
    """Holds the rows of a plan's folder against each other, and against the plan before."""

    def __init__(self, folder: Path, rows: Rows) -> None:
        self.problems: list[RegisterProblem] = []
        self._folder = folder
        self._lines: dict[str, list[RegisterLine]] = defaultdict(list)
        for name, lines in _lines(rows).items():
            self._lines[name] = list(lines.values())
        self._codes = {line.values["plan_code"] for line in self._lines["plans"]}
        self._known = {
            name: [
                line.values
                for line in lines.values()
                if not line.number and line.values.get("plan_code") not in self._codes
            ]
            for name, lines in rows.of.items()
        }

    def files(self) -> None:
        """Report files of no plan, and rows of another one."""
        for path in office_files(self._folder):
            register = declared().get(path.stem)
            if register and "plan_code" not in register.types and path.stem != CALENDAR:
                self._report("not_of_a_plan", path.stem, None, None)
        national = [
            line.values["plan_code"]
            for line in self._lines["plans"]
            if line.values["level"] == "national"
        ]
        if len(national) != 1:
            self._report("one_plan", "plans", None, None, number=len(national))
            return
        for register_name, lines in self._lines.items():
            for line in lines:
                code = line.values.get("plan_code", national[0])
                of_the_plan = set(national) if register_name == SUCCESSIONS else self._codes
                if code not in of_the_plan:
                    self._report("other_plan", register_name, line, "plan_code", plan=national[0])

    def plan(self) -> None:
        """Report what is wrong in the rows of the national plan."""
        [line] = [line for line in self._lines["plans"] if line.values["level"] == "national"]
        self._plan_code = line.values["plan_code"]
        days = [date.fromisoformat(line.values[column]) for column in ("valid_from", "valid_to")]
        self._first, self._last = days
        for column, day, edge in zip(
            ("valid_from", "valid_to"), days, ((1, 1), (12, 31)), strict=True
        ):
            if (day.month, day.day) != edge:
                self._report("whole_years", "plans", line, column)
        plans = [row for row in self._known["plans"] if row["level"] == "national"]
        self._before = max(plans, key=lambda row: row["valid_to"], default=None)
        if self._before and line.values["valid_from"] <= self._before["valid_to"]:
            self._report(
                "not_after", "plans", line, "valid_from",
                plan=self._before["plan_code"], day=self._before["valid_to"],
            )  # fmt: skip
        self._indicators = self._of_plan("indicators", "indicator_code")
        self._codes_of_indicators()
        self._successions()
        self._targets()
        self._years_of_measures()

    def _report(
        self,
        rule: str,
        register: str,
        line: RegisterLine | None,
        column: str | None,
        **values: object,
    ) -> None:
        """Add a problem in the words of its rule."""
        sq, en = (text(f"plans.problems.{rule}", language, **values) for language in LANGUAGES)
        number = None if line is None else line.number
        self.problems.append(RegisterProblem(register, number, column, sq, en))

    def _of_plan(self, register: str, code: str) -> dict[str, RegisterLine]:
        """Return the new plan's rows of a register by their code."""
        return {
            line.values[code]: line
            for line in self._lines[register]
            if line.values["plan_code"] == self._plan_code
        }

    def _codes_of_indicators(self) -> None:
        for code, line in self._indicators.items():
            place = line.values["indicator_position"]
            if code != f"{line.values['measure_code']}.{place}":
                self._report("code", "indicators", line, "indicator_code")

    def _successions(self) -> None:
        """Report indicators without a succession, and successions that the two rows contradict."""
        before = self._before
        earlier = {
            row["indicator_code"]: row
            for row in self._known["indicators"]
            if before and row["plan_code"] == before["plan_code"]
        }
        lines = self._lines[SUCCESSIONS]
        for line in lines:
            if before is None or line.values["earlier_plan_code"] != before["plan_code"]:
                plan = before["plan_code"] if before else "-"
                self._report("earlier_plan", SUCCESSIONS, line, "earlier_plan_code", plan=plan)
        pairs = [
            (line.values["earlier_indicator_code"], line.values["indicator_code"]) for line in lines
        ]
        for code in earlier.keys() - {of for of, _ in pairs}:
            self._report("not_followed", SUCCESSIONS, None, "earlier_indicator_code", code=code)
        if before:
            for code in self._indicators.keys() - {to for _, to in pairs}:
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
                later = self._indicators[new].values if new else None
                self._kind(line, earlier.get(old), later, followed[old], following[new])

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
            for line in self._lines[register]:
                row = line.values
                place = (row["target_kind"], row["year"])
                if row["target_kind"] == "baseline":
                    place = ("baseline", "")
                    if int(row["year"]) >= years[0]:
                        self._report("baseline_year", register, line, "year", year=years[0])
                elif int(row["year"]) not in years:
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
        for line in self._of_plan("measures", "measure_code").values():
            first, last = (line.values[column] for column in ("start_year", "end_year"))
            if not str(self._first.year) <= first <= last <= str(self._last.year):
                self._report("measure_years", "measures", line, "start_year")
