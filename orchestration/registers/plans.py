"""The next national plan as a folder of register files: what is wrong in them, and adding them.

Belongs here: what is special to a plan's rows, and how its indicators follow those of the plan
before. Not here: what holds for the rows of any register (check), or the lint of what a plan prints
(dbt_project).
"""

import csv
import io
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from orchestration.runtime.settings import SEEDS
from sources.atomic import write_text
from sources.custody import journal
from sources.custody.home import Home
from sources.registers import NATION, register_rows
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

#: How the cells of a file may be parted: Excel in Albanian writes semicolons.
_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class PlanProblem:
    """What is wrong with a plan's files, and where; lines count from 1, the headings.

    `line` and `column` are None where all of the file is meant.
    """

    file: str
    line: int | None
    column: str | None
    message_sq: str
    message_en: str

    def sentence(self, language: Language) -> str:
        """Return the place, as file:line, and the message."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        column = "" if self.column is None else f" {self.column}"
        return f"{place}{column}: {self.message_sq if language == 'sq' else self.message_en}"


@dataclass(frozen=True)
class _Line:
    """A row of a file, by its first line."""

    number: int
    values: dict[str, str]


class OtherRows(ValueError):
    """The office's registers hold other rows of the plan than its files do."""


def plan_problems(folder: Path, registers_dir: Path) -> list[PlanProblem]:
    """Return what is wrong in a new plan's files, beside the registers that it is added to.

    Rows of the plan that the registers have already are left out of account. Raises
    FileNotFoundError when there is no such folder.
    """
    return _Check(folder, registers_dir).run()


def plan_rows_of(folder: Path) -> dict[str, int]:
    """Return how many rows each file of a plan's folder has."""
    return {path.stem: len(_read(path)[1]) for path in _files(folder)}


def merged(shipped_dir: Path, office_dir: Path, out: Path) -> Path:
    """Write to `out` the registers of a folder with the rows of another added; return `out`."""
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(shipped_dir.glob("*.csv")):
        own = office_dir / path.name
        if not own.exists():
            shutil.copy(path, out)
            continue
        columns = _columns(path)
        rows = list(register_rows(shipped_dir, path.stem))
        rows += [line.values for line in _read(own)[1] if line.values not in rows]
        _write(out / path.name, columns, rows)
    return out


def add_plan(home: Home, folder: Path, registers_dir: Path) -> dict[str, int]:
    """Write a plan's rows into the office's registers; return how many are new in each.

    For the one writer of the data folder, after `plan_problems` found nothing. Rows that are there
    already stay. Raises OtherRows, and writes nothing, when rows of the plan are there that differ.
    """
    office = home.root / "registers"
    of_plan = {row["plan_code"] for row in _values(folder, "plans")}
    fresh: dict[str, tuple[list[str], list[dict[str, str]], int]] = {}
    for path in _files(folder):
        columns = _columns(registers_dir / path.name)
        rows = list(_values(folder, path.stem))
        kept = list(_values(office, path.stem))
        for line in _read(office / path.name)[1] if (office / path.name).exists() else ():
            if _is_of(line.values, of_plan, rows) and _cells(line.values, columns) not in [
                _cells(row, columns) for row in rows
            ]:
                raise OtherRows(f"registers/{path.name}:{line.number}")
        there = [_cells(row, columns) for row in kept]
        new = [row for row in rows if _cells(row, columns) not in there]
        extra = [column for row in kept[:1] for column in row if column not in columns]
        fresh[path.stem] = ([*columns, *extra], [*kept, *new], len(new))
    counts = {name: added for name, (_, _, added) in fresh.items() if added}
    for name in counts:
        columns, rows, _ = fresh[name]
        _write(office / f"{name}.csv", columns, rows)
    if counts:
        journal.append(
            home.decisions / "registers.jsonl",
            decision="plan_added",
            plans=sorted(of_plan),
            rows=counts,
        )
    return counts


def registers_of(home: Home, out: Path) -> Path:
    """Return the folder of krat's registers with the office's, which is written to `out`."""
    return merged(SEEDS, home.root / "registers", out)


class _Check:
    """Holds the files of a plan against each other, and against the registers that are there."""

    def __init__(self, folder: Path, registers_dir: Path) -> None:
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder} is no folder")
        self._registers_dir = registers_dir
        self._problems: list[PlanProblem] = []
        self._lines: dict[str, list[_Line]] = defaultdict(list)
        for path in _files(folder):
            self._read_file(path)
        self._codes = {line.values["plan_code"] for line in self._lines["plans"]}

    def run(self) -> list[PlanProblem]:
        """Return all problems in the order of files and lines."""
        plan = self._plan()
        if plan is not None:
            self._plan_code, self._first, self._last = plan
            self._indicators = self._of_plan("indicators")
            for find in (
                self._rows_of_other_plans, self._unknown_indicators, self._successions,
                self._targets, self._years_of_measures, self._days_of_obligations, self._months,
            ):  # fmt: skip
                find()
        return sorted(self._problems, key=lambda each: (each.file, each.line or 0))

    def _report(
        self, rule: str, register: str, line: _Line | None, column: str | None, **values: object
    ) -> None:
        """Add a problem in the words of its rule."""
        sq, en = (text(f"plans.problems.{rule}", language, **values) for language in LANGUAGES)
        number = None if line is None else line.number
        self._problems.append(PlanProblem(f"{register}.csv", number, column, sq, en))

    def _read_file(self, path: Path) -> None:
        """Read a file of the folder; what is no file of a plan is a problem."""
        name, template = path.stem, self._registers_dir / path.name
        columns = _columns(template) if template.exists() else []
        if "plan_code" not in columns and name != CALENDAR:
            # The name of a file that is no register may be anybody's.
            self._report("not_of_a_plan", name if columns else "…", None, None)
            return
        try:
            headings, lines = _read(path)
        except (ValueError, csv.Error):
            self._report("unreadable", name, None, None)
            return
        if sorted(headings) != sorted(columns):
            self._report("headings", name, _Line(1, {}), None, columns=", ".join(columns))
            return
        self._lines[name] = lines

    def _known(self, register: str) -> list[dict[str, str]]:
        """Return the rows that the registers have, but for those of the plan's folder."""
        return [
            row
            for row in register_rows(self._registers_dir, register)
            if row.get("plan_code") not in self._codes
        ]

    def _of_plan(self, register: str) -> dict[str, _Line]:
        """Return the new plan's rows of a register by their code."""
        code = {"measures": "measure_code"}.get(register, "indicator_code")
        return {
            line.values[code]: line
            for line in self._lines[register]
            if line.values["plan_code"] == self._plan_code
        }

    def _plan(self) -> tuple[str, date, date] | None:
        """Return the code and days of the one national plan of the folder."""
        lines = [line for line in self._lines["plans"] if line.values["level"] == "national"]
        if len(lines) != 1:
            self._report("one_plan", "plans", None, None, number=len(lines))
            return None
        [line] = lines
        days = [_day(line.values[column]) for column in ("valid_from", "valid_to")]
        before = self._plan_before()
        for column, day, begins in zip(
            ("valid_from", "valid_to"), days, ((1, 1), (12, 31)), strict=True
        ):
            if day is None or (day.month, day.day) != begins:
                self._report("whole_years", "plans", line, column)
        first, last = days
        if first is None or last is None:
            return None
        if first > last:
            self._report("ends_first", "plans", line, "valid_to")
            return None
        if before and first <= (ended := date.fromisoformat(before["valid_to"])):
            self._report(
                "overlap", "plans", line, "valid_from", plan=before["plan_code"], day=ended
            )
        return line.values["plan_code"], first, last

    def _plan_before(self) -> dict[str, str] | None:
        """Return the last national plan that the registers have."""
        plans = [row for row in self._known("plans") if row["level"] == "national"]
        return max(plans, key=lambda row: row["valid_to"], default=None)

    def _rows_of_other_plans(self) -> None:
        for register, lines in self._lines.items():
            for line in lines:
                code = line.values.get("plan_code")
                of_the_plan = {self._plan_code} if register == SUCCESSIONS else self._codes
                if register != CALENDAR and code not in of_the_plan:
                    self._report("other_plan", register, line, "plan_code", plan=self._plan_code)

    def _unknown_indicators(self) -> None:
        """Report rows about an indicator that the plan doesn't have, and codes of no measure."""
        measures = self._of_plan("measures")
        for code, line in self._indicators.items():
            measure = line.values["measure_code"]
            if measure not in measures:
                self._report("unknown_measure", "indicators", line, "measure_code")
            if code != f"{measure}.{line.values['indicator_position']}":
                self._report("code", "indicators", line, "indicator_code")
        for register, lines in self._lines.items():
            for line in lines:
                if line.values.get("plan_code") != self._plan_code:
                    continue
                for column in ("indicator_code", "part_indicator_code", "whole_indicator_code"):
                    named = line.values.get(column)
                    if named and named not in self._indicators:
                        self._report(
                            "unknown_indicator", register, line, column, plan=self._plan_code
                        )

    def _successions(self) -> None:
        """Report indicators without a succession, and successions that the two rows contradict."""
        before = self._plan_before()
        earlier = {
            row["indicator_code"]: row
            for row in self._known("indicators")
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
            if pairs.count((old, new)) > 1:
                self._report("twice", SUCCESSIONS, line, "indicator_code")
            if old and old not in earlier:
                self._report("unknown_earlier", SUCCESSIONS, line, "earlier_indicator_code")
            elif not old and not new:
                self._report("no_indicator", SUCCESSIONS, line, "indicator_code")
            elif not new and followed[old] > 1:
                self._report("ends_and_goes_on", SUCCESSIONS, line, "earlier_indicator_code")
            elif not old and following[new] > 1:
                self._report("begins_and_follows", SUCCESSIONS, line, "indicator_code")
            elif not new or new in self._indicators:
                later = self._indicators[new].values if new else None
                self._kind(line, earlier.get(old), later, followed[old], following[new])

    def _kind(
        self,
        line: _Line,
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
        self, line: _Line, old: dict[str, str], new: dict[str, str], is_so: dict[str, bool]
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
                    if not row["year"].isdigit() or int(row["year"]) >= years[0]:
                        self._report("baseline_year", register, line, "year", year=years[0])
                elif not row["year"].isdigit() or int(row["year"]) not in years:
                    self._report(
                        "target_year", register, line, "year", first=years[0], last=years[-1]
                    )
                of = found[row["county_code"] + row["indicator_code"]]
                of[place] += 1
                if of[place] > 1:
                    rule = "baselines" if place[0] == "baseline" else "targets"
                    self._report(rule, register, line, "year")
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
        for line in self._of_plan("measures").values():
            first, last = (line.values[column] for column in ("start_year", "end_year"))
            if not str(self._first.year) <= first <= last <= str(self._last.year):
                self._report("measure_years", "measures", line, "start_year")

    def _days_of_obligations(self) -> None:
        """Report obligations whose days aren't all within the plan."""
        for line in self._lines["reporting_obligations"]:
            begins, ends = (line.values[column] for column in ("valid_from", "valid_to"))
            first = _day(begins)
            if first is None or not self._first <= first <= self._last:
                self._report("obligation_days", "reporting_obligations", line, "valid_from")
            last = _day(ends) if ends else self._last
            if last is None or not (first or self._first) <= last <= self._last:
                self._report("obligation_days", "reporting_obligations", line, "valid_to")

    def _months(self) -> None:
        """Report months of the plan for which no deadline is known."""
        months = {row["month"] for row in self._known(CALENDAR)}
        months |= {line.values["month"] for line in self._lines[CALENDAR]}
        missing = sorted({f"{day:%Y-%m-01}" for day in _days(self._first, self._last)} - months)
        if missing:
            self._report(
                "no_deadline", "plans", self._lines["plans"][0], "valid_to",
                number=len(missing), month=missing[0][:7],
            )  # fmt: skip


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.csv"))


def _columns(path: Path) -> list[str]:
    return _read(path)[0]


def _values(folder: Path, register: str) -> list[dict[str, str]]:
    path = folder / f"{register}.csv"
    return [line.values for line in _read(path)[1]] if path.exists() else []


def _cells(row: dict[str, str], columns: Iterable[str]) -> tuple[str, ...]:
    return tuple(row.get(column, "") for column in columns)


def _is_of(row: dict[str, str], plan_codes: set[str], rows: list[dict[str, str]]) -> bool:
    """Return whether a row of the office is of the plan; a month is if the plan's files have it."""
    if "plan_code" in row:
        return row["plan_code"] in plan_codes
    return row["month"] in {each["month"] for each in rows}


def _read(path: Path) -> tuple[list[str], list[_Line]]:
    """Return the headings and rows of a file. Raises ValueError if it is no text in UTF-8."""
    content = path.read_bytes().decode("utf-8-sig")
    delimiter = max(_DELIMITERS, key=content.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    headings = next(reader, [])
    lines, number = [], reader.line_num + 1
    for cells in reader:
        if any(cells):
            padded = [*cells, *[""] * (len(headings) - len(cells))]
            row = dict(zip(headings, (cell.strip() for cell in padded), strict=False))
            lines.append(_Line(number, row))
        number = reader.line_num + 1
    return headings, lines


def _write(path: Path, columns: list[str], rows: list[dict[str, str]]) -> None:
    content = io.StringIO()
    writer = csv.DictWriter(
        content, columns, restval="", extrasaction="ignore", lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, content.getvalue())
