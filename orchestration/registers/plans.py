"""The next national plan as a folder of register files: what is wrong in them, and adding them.

Belongs here: what only a folder can get wrong, and how its rows come to the office's. Not here:
what holds for the rows of a plan wherever they lie (plan_rules), or the lint of what a plan prints
(dbt_project).
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from orchestration.registers.check import check_registers
from orchestration.registers.county import write_drafts
from orchestration.registers.declaration import declared
from orchestration.registers.in_use import JOURNAL
from orchestration.registers.plan_rules import SUCCESSIONS, plan_problem
from orchestration.registers.rows import (
    RegisterLine,
    RegisterProblem,
    Rows,
    office_files,
    unite,
    write_rows,
)
from orchestration.runtime.settings import SEEDS
from sources.custody import audit
from sources.custody.home import Home

#: A register without plan_code that a plan's folder may have: its months need deadlines.
CALENDAR = "reporting_calendar"


class OtherRows(ValueError):
    """The registers hold a row of the same key as one of the plan's files that differs from it."""


def plan_problems(folder: Path, registers_dir: Path) -> list[RegisterProblem]:
    """Return what is wrong in a new plan's files, beside the registers that it is added to.

    The registers may have the plan's own rows already. Raises FileNotFoundError when there is no
    such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder")
    rows, found = check_registers(registers_dir, folder)
    found += _of_folder(folder, rows)
    return sorted(found, key=lambda each: (each.register, each.line or 0))


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
        audit.enter(
            home,
            JOURNAL,
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


def _of_folder(folder: Path, rows: Rows) -> Iterator[RegisterProblem]:
    """Yield files of no plan, rows of another one, and a plan that isn't the next."""
    for path in office_files(folder):
        register = declared().get(path.stem)
        if register and "plan_code" not in register.types and path.stem != CALENDAR:
            yield plan_problem("not_of_a_plan", path.stem, None, None)
    own = _lines(rows)
    plans = own.get("plans", {})
    national = [line for line in plans.values() if line.values["level"] == "national"]
    if len(national) != 1:
        yield plan_problem("one_plan", "plans", None, None, number=len(national))
        return
    [plan] = national
    code = plan.values["plan_code"]
    before = max(
        (
            line.values["valid_to"], line.values["plan_code"],
        )
        for line in rows.of["plans"].values()
        if line.values["level"] == "national" and (not line.number or line is plan)
    )  # fmt: skip
    if plan.values["valid_from"] <= before[0] and before[1] != code:
        yield plan_problem("not_after", "plans", plan, "valid_from", plan=before[1], day=before[0])
    codes = {line.values["plan_code"] for line in plans.values()}
    for name, lines in own.items():
        for line in lines.values():
            of_the_plan = {code} if name == SUCCESSIONS else codes
            if line.values.get("plan_code", code) not in of_the_plan:
                yield plan_problem("other_plan", name, line, "plan_code", plan=code)
