"""What one file leaves open: values that it owes, and parts or records that contradict themselves.

Belongs here: what can be asked of a file by itself, before it is sent. Not here: the conditions
that a row must satisfy to be taken in (suites), or what only the warehouse sees, which asks these
questions too, of every file together (dbt_project/models/intermediate, `int_value_rules__*`).
"""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sources.problems import Problem, problem
from sources.reading import Reading
from sources.registers import Registers, is_due, obligations_in, plan_in, plan_rows

_KNOWN = ("number", "zero")
_ANSWERS = (*_KNOWN, "not_applicable")
_LEFT_OUT = ("not_reported", "not_applicable")
_STATUSES = ("initially_identified", "formally_identified", "not_a_victim")

Row = dict[str, Any]


def open_questions(reading: Reading, registers: Registers, seeds_dir: Path) -> list[Problem]:
    """Return what the warehouse would ask of a monthly report, or of records, once it is in.

    Of a report the rules are value_not_reported, indicator_not_owed, breakdown_does_not_add_up and
    part_exceeds_whole; of records those of which one row says all. A value that is said to be
    unknown or refused stays owed, but its officer need not be asked again. A refused file has no
    values to ask about.
    """
    if reading.table != "submission_values":
        return [
            problem(rule, row_number=row["row_number"])
            for row in reading.rows
            for rule, contradicts in _OF_RECORDS.get(reading.table or "", {}).items()
            if contradicts(row, registers)
        ]
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


def _accepted_before_contact(row: Row, _: Registers) -> bool:
    return row["accepted_at"] is not None and row["accepted_at"] < row["received_at"]


def _in_another_county(row: Row, registers: Registers) -> bool:
    county = registers.municipalities.get(row.get("municipality_code") or "")
    stated = row.get("event_county_code")
    return county is not None and stated is not None and county != stated


def _duplicate_without_original(row: Row, _: Registers) -> bool:
    is_linked = row.get("duplicate_of_key") or row["repeat_of_key"]
    return row["outcome"] == "duplicate_of" and not is_linked


def _without_deciding_body(row: Row, _: Registers) -> bool:
    return row["event"] in _STATUSES and row["deciding_organisation_state"] == "not_reported"


def _referred_without_recipient(row: Row, _: Registers) -> bool:
    return row["outcome"] == "referred" and row["referred_to_state"] in _LEFT_OUT


#: Rules of records by the raw table, and what in a row breaks each.
_OF_RECORDS: dict[str, dict[str, Callable[[Row, Registers], bool]]] = {
    "hotline_contacts": {
        "accepted_before_contact": _accepted_before_contact,
        "municipality_in_another_county": _in_another_county,
        "duplicate_without_original": _duplicate_without_original,
        "referred_without_recipient": _referred_without_recipient,
    },
    "referral_events": {"status_without_deciding_body": _without_deciding_body},
}


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
