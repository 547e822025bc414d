"""What one report leaves open: values that it owes, and parts that contradict their whole.

Belongs here: what can be asked of a file by itself, before it is sent. Not here: the conditions
that a row must satisfy to be taken in (suites), or what only the warehouse sees, which asks these
questions too, of every file together (dbt_project/models/intermediate, `int_value_rules__*`).
"""

from collections import defaultdict
from pathlib import Path
from typing import Any

from sources.problems import Problem, problem
from sources.reading import Reading
from sources.registers import Registers, is_due, obligations_in, plan_in, plan_rows

_KNOWN = ("number", "zero")
_ANSWERS = (*_KNOWN, "not_applicable")

Row = dict[str, Any]


def open_questions(reading: Reading, registers: Registers, seeds_dir: Path) -> list[Problem]:
    """Return what the warehouse would ask of a monthly report once it is in.

    The rules are value_not_reported, indicator_not_owed, breakdown_does_not_add_up and
    part_exceeds_whole. A value that is said to be unknown or refused stays owed, but its officer
    need not be asked again. A refused file has no values to ask about.
    """
    if reading.table != "submission_values":
        return []
    rows = [row for row in reading.rows if row.get("frequency") == "month"]
    if not rows:
        return []
    # A partition's categories add up to the total; overlapping ones need not.
    partitions: dict[str, set[str]] = defaultdict(set)
    plan_code = plan_in(registers.plans, rows[0]["reporting_month"])
    for row in plan_rows(seeds_dir, "breakdown_categories", plan_code):
        if row["breakdown_kind"] == "partition":
            partitions[row["indicator_code"]].add(row["category"])
    by_indicator: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in rows:
        by_indicator[row["indicator_code"]][row["category"]] = row
    return [
        *_of_obligations(rows[0], by_indicator, partitions, registers, seeds_dir),
        *_of_breakdowns(by_indicator, partitions),
    ]


def _of_obligations(
    head: Row,
    by_indicator: dict[str, dict[str, Row]],
    partitions: dict[str, set[str]],
    registers: Registers,
    seeds_dir: Path,
) -> list[Problem]:
    month, institution = head["reporting_month"], head["institution_code"]
    owed, ever, county_owes = set(), set(), False
    for obligation in obligations_in(seeds_dir, month):
        due = is_due(obligation, month)
        county = registers.institutions[obligation["institution_code"]]
        county_owes |= due and county == head["county_code"]
        if obligation["institution_code"] == institution:
            owed |= {obligation["indicator_code"]} if due else set()
            ever.add(obligation["indicator_code"])
    found = []
    for code in sorted(owed):
        reported = by_indicator.get(code, {})
        states = {name: row["value_state"] for name, row in reported.items()}
        # Parts answer for a total where all of them do.
        parts = partitions[code]
        by_parts = bool(parts) and all(states.get(part) in _ANSWERS for part in parts)
        if states.get("total", "not_reported") == "not_reported" and not by_parts:
            sentence = None if "total" in reported else "indicator_left_out"
            found.append(_problem("value_not_reported", code, reported.get("total"), sentence))
    found += [
        _problem("indicator_not_owed", code, reported["total"])
        for code, reported in by_indicator.items()
        if county_owes
        and code not in ever
        and "total" in reported
        and reported["total"]["value_state"] in _KNOWN
    ]
    return found


def _of_breakdowns(
    by_indicator: dict[str, dict[str, Row]], partitions: dict[str, set[str]]
) -> list[Problem]:
    found = []
    for code, reported in by_indicator.items():
        known = {name: row for name, row in reported.items() if row["value_state"] in _KNOWN}
        total = known.pop("total", None)
        if total is None:
            continue
        parts = [row["value"] for name, row in known.items() if name in partitions[code]]
        is_complete = parts and len(parts) == len(partitions[code])
        if sum(parts) > total["value"] or (is_complete and sum(parts) < total["value"]):
            found.append(_problem("breakdown_does_not_add_up", code, total))
        found += [
            _problem("part_exceeds_whole", code, row)
            for row in known.values()
            if row["value"] > total["value"]
        ]
    return found


def _problem(rule: str, code: str, row: Row | None, sentence: str | None = None) -> Problem:
    place = row or {"sheet": None, "cell": None, "row_number": None}
    return problem(
        rule,
        sheet=place["sheet"],
        cell=place["cell"],
        row_number=place["row_number"],
        headings=(code,),
        sentence=sentence,
    )
