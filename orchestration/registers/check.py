"""What is wrong with the registers, row by row, before any refresh uses them.

Belongs here: holding rows against their declaration and against each other. Not here: reading them
(rows), what is special to the rows of a plan (plan_rules).
"""

import re
from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path

from orchestration.registers.declaration import Register, declared
from orchestration.registers.plan_rules import plan_rules
from orchestration.registers.rows import (
    RegisterLine,
    RegisterProblem,
    Rows,
    office_files,
    register_problem,
    unite,
)
from sources.codes import codes_of
from sources.registers import NATION
from sources.texts import text
from sources.values import code_key

#: An address of e-mail, a personal number, a telephone.
_OF_A_PERSON = re.compile(r"@|\b[A-Z][0-9]{8}[A-Z]\b|(?:\+355|\b06)[0-9 ./-]{7,}", re.IGNORECASE)

#: How what a column of each type holds is read, and the rule that it breaks where it can't be.
_TYPES: dict[str, tuple[Callable[[str], object], str]] = {
    "integer": (int, "not_integer"),
    "double": (float, "not_double"),
    "date": (date.fromisoformat, "not_date"),
    "boolean": (["true", "false"].index, "not_boolean"),
}

#: Under which name an international collection breaks down by a list.
_BREAKDOWNS = {"deciding_organisations": "registering_organisation"}

#: Stands for the end of what has none.
_LAST_DAY = "9999-12-31"


def check_registers(shipped: Path, office: Path) -> tuple[Rows, list[RegisterProblem]]:
    """Return krat's rows with the office's over them, and every problem in the office's files.

    Problems are in the order of files and lines. Rows that only krat has are taken as right, but
    for what the office's rows make of them.
    """
    rows = unite(shipped, office)
    found = list(rows.problems)
    for name, register in declared().items():
        found += _of_cells(rows, register)
        found += _of_references(rows, register)
        found += _of_spans(rows, register, name)
    # A row that is wrong in itself is not compared with others.
    wrong = {(each.register, each.line) for each in found}
    right = Rows(
        {
            name: {key: line for key, line in lines.items() if (name, line.number) not in wrong}
            for name, lines in rows.of.items()
        }
    )
    for rule in (
        _overlaps, _outside_plan, _aliases, _added_codes, _institutions, _calendar, _editions,
        _signed,
    ):  # fmt: skip
        found += rule(right)
    found += plan_rules(rows, wrong)
    order = {path.stem: place for place, path in enumerate(office_files(office))}
    found = list(dict.fromkeys(found))
    found.sort(key=lambda each: (order.get(each.register, len(order)), each.line or 0))
    return rows, found


def _of_cells(rows: Rows, register: Register) -> Iterator[RegisterProblem]:
    """Yield what is wrong with single cells of the office's rows."""
    for line in rows.of[register.name].values():
        if not line.number:
            continue
        for column, value in line.values.items():
            place = (register.name, line.number, column)
            if not value:
                if column not in register.optional:
                    yield register_problem("blank", *place)
                continue
            read, rule = _TYPES.get(register.types[column], (str, ""))
            try:
                read(value)
            except ValueError:
                yield register_problem(rule, *place)
                continue
            codes = register.codes.get(column)
            pattern = register.patterns.get(column)
            if codes and value not in codes:
                yield register_problem("unknown_code", *place, codes=", ".join(codes))
            elif pattern and not re.fullmatch(pattern, value):
                yield register_problem("pattern", *place, pattern=pattern)
            elif value.startswith(text("office_registers.to_fill_in", "sq")):
                yield register_problem("to_fill_in", *place)
            elif read is str and _OF_A_PERSON.search(value):
                yield register_problem("of_a_person", *place)


def _of_references(rows: Rows, register: Register) -> Iterator[RegisterProblem]:
    """Yield the rows that name what is in no other register."""
    for reference in register.references:
        known = rows.of[reference.register]
        withdrawn = rows.withdrawn[reference.register]
        for line in rows.of[register.name].values():
            named = tuple(line.values[column] for column in reference.columns)
            if not all(named) or named in known:
                continue
            if line.number:
                yield register_problem(
                    "not_in_register", register.name, line.number, reference.columns[-1],
                    register=reference.register,
                )  # fmt: skip
            else:
                yield register_problem(
                    "still_named", reference.register, withdrawn.get(named), register=register.name
                )


def _of_spans(rows: Rows, register: Register, name: str) -> Iterator[RegisterProblem]:
    if not {"valid_from", "valid_to"} <= register.types.keys():
        return
    for line in rows.of[name].values():
        if line.number and line.values["valid_from"] > (line.values["valid_to"] or _LAST_DAY):
            yield register_problem("ends_before_it_begins", name, line.number, "valid_to")


def _overlaps(rows: Rows) -> Iterator[RegisterProblem]:
    """Yield rows that say two things of one day: of a duty, or of which plan is in force."""
    for name, columns in (
        ("reporting_obligations", ("institution_code", "plan_code", "indicator_code")),
        ("record_obligations", ("source", "institution_code")),
        ("plans", ("level", "county_code")),
    ):
        same: dict[tuple[str, ...], list[RegisterLine]] = defaultdict(list)
        for line in rows.of[name].values():
            if not line.values.get("recorded_to"):
                same[tuple(line.values[column] for column in columns)].append(line)
        for lines in same.values():
            lines.sort(key=lambda line: line.values["valid_from"])
            for one, other in pairwise(lines):
                if other.values["valid_from"] <= (one.values["valid_to"] or _LAST_DAY):
                    blamed = other if other.number else one
                    yield register_problem(
                        "overlap", name, blamed.number or None, "valid_from",
                        columns=", ".join(columns),
                    )  # fmt: skip


def _outside_plan(rows: Rows) -> Iterator[RegisterProblem]:
    """Yield duties to report an indicator on days on which its plan is not in force."""
    plans = {key[0]: line.values for key, line in rows.of["plans"].items()}
    for line in rows.of["reporting_obligations"].values():
        plan = plans.get(line.values["plan_code"])
        if not line.number or plan is None:
            continue
        if not plan["valid_from"] <= line.values["valid_from"] <= plan["valid_to"]:
            column = "valid_from"
        elif line.values["valid_to"] > plan["valid_to"]:
            column = "valid_to"
        else:
            continue
        yield register_problem(
            "outside_plan", "reporting_obligations", line.number, column,
            first=plan["valid_from"], last=plan["valid_to"],
        )  # fmt: skip


def _aliases(rows: Rows) -> Iterator[RegisterProblem]:
    """Yield names by which the door couldn't tell two institutions of a county, or two places."""
    counties = {key[0]: line.values["county_code"] for key, line in rows.of["institutions"].items()}
    places: dict[tuple[str, str], set[str]] = defaultdict(set)
    for line in rows.of["institutions"].values():
        for column in ("institution_code", "name_sq"):
            name = code_key(line.values[column])
            places[line.values["county_code"], name].add(line.values["institution_code"])
    for line in rows.of["institution_aliases"].values():
        code = line.values["institution_code"]
        places[counties.get(code, ""), code_key(line.values["alias"])].add(code)
    for line in rows.of["institution_aliases"].values():
        code = line.values["institution_code"]
        # A name of a national institution is known in every county.
        named = {
            other
            for county in (counties.get(code, ""), NATION)
            for other in places.get((county, code_key(line.values["alias"])), ())
        }
        if line.number and named - {code}:
            yield register_problem("ambiguous", "institution_aliases", line.number, "alias")
    municipalities: dict[str, set[str]] = defaultdict(set)
    for line in rows.of["municipality_aliases"].values():
        municipalities[code_key(line.values["alias"])].add(line.values["municipality_code"])
    for line in rows.of["municipalities"].values():
        municipalities[code_key(line.values["name_sq"])].add(line.values["municipality_code"])
    for line in rows.of["municipality_aliases"].values():
        if line.number and len(municipalities[code_key(line.values["alias"])]) > 1:
            yield register_problem("ambiguous", "municipality_aliases", line.number, "alias")


def _added_codes(rows: Rows) -> Iterator[RegisterProblem]:
    """Yield added codes that are written like another of their list, or that no collection counts.

    A code without a category of a collection would be missing in its tables.
    """
    collected: dict[str, set[str]] = defaultdict(set)
    for collection, breakdown, _ in rows.of["collection_codes"]:
        collected[breakdown].add(collection)
    ways: dict[str, set[str]] = defaultdict(set)
    for line in rows.of["added_codes"].values():
        aliases = line.values["aliases"].split("|")
        written = {code_key(line.values[name]) for name in ("code", "name_sq", "name_en")}
        written |= {code_key(alias) for alias in aliases if alias.strip()}
        there = ways[line.values["code_list"]]
        shipped = codes_of(line.values["code_list"])
        there |= {code_key(way) for code in shipped for way in code.written}
        if written & there:
            yield register_problem("ambiguous", "added_codes", line.number, "code")
        there |= written
        breakdown = _BREAKDOWNS.get(line.values["code_list"].rpartition("-")[0], "")
        for collection in sorted(collected[breakdown]):
            if (collection, breakdown, line.values["code"]) not in rows.of["collection_codes"]:
                row = f"{collection},{breakdown},{line.values['code']}"
                yield register_problem("not_collected", "added_codes", line.number, "code", row=row)


def _institutions(rows: Rows) -> Iterator[RegisterProblem]:
    """Yield institutions whose code or municipality is of another county."""
    names: dict[str, set[str]] = defaultdict(set)
    for line in rows.of["municipalities"].values():
        names[line.values["county_code"]].add(line.values["name_sq"])
    for line in rows.of["institutions"].values():
        county, place = line.values["county_code"], ("institutions", line.number)
        if not line.number:
            continue
        if not line.values["institution_code"].startswith(f"{county}-"):
            yield register_problem("code_of_county", *place, "institution_code", county=county)
        municipality = line.values["municipality_name"]
        if municipality and municipality not in names[county]:
            yield register_problem("no_municipality", *place, "municipality_name", county=county)


def _calendar(rows: Rows) -> Iterator[RegisterProblem]:
    """Yield months of the calendar that can't be right, and months of a plan that it lacks."""
    months = set()
    for key, line in rows.of["reporting_calendar"].items():
        months.add(key[0])
        place = ("reporting_calendar", line.number)
        if not line.number:
            continue
        month = date.fromisoformat(line.values["month"])
        last = month.replace(day=monthrange(month.year, month.month)[1])
        if month.day != 1:
            yield register_problem("first_day", *place, "month")
        elif line.values["reporting_deadline"] <= last.isoformat():
            yield register_problem("deadline_in_month", *place, "reporting_deadline")
        elif line.values["final_on"] <= line.values["reporting_deadline"]:
            yield register_problem("final_before_deadline", *place, "final_on")
    for line in rows.of["plans"].values():
        missing = sorted(set(_months(line)) - months) if line.number else []
        if missing:
            yield register_problem(
                "no_calendar", "plans", line.number, "valid_to",
                first=missing[0], number=len(missing),
            )  # fmt: skip


def _months(plan: RegisterLine) -> Iterator[str]:
    first, last = (date.fromisoformat(plan.values[name]) for name in ("valid_from", "valid_to"))
    for month in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
        yield f"{month // 12}-{month % 12 + 1:02}-01"


def _editions(rows: Rows) -> Iterator[RegisterProblem]:
    """Yield editions of a year that are cut off no later than the one before, or lack a quarter.

    Each edition is made beside those before it, so that their days are in the order of numbers.
    """
    of_year: dict[str, list[RegisterLine]] = defaultdict(list)
    for line in rows.of["edition_calendar"].values():
        of_year[line.values["counted_year"]].append(line)
        if line.number and (line.values["kind"] == "quarter") != bool(line.values["quarter"]):
            yield register_problem("quarter_of_edition", "edition_calendar", line.number, "quarter")
    for lines in of_year.values():
        lines.sort(key=lambda line: int(line.values["edition"]))
        for one, other in pairwise(lines):
            if other.values["cut_off_on"] <= one.values["cut_off_on"]:
                yield register_problem(
                    "edition_too_early", "edition_calendar", other.number or one.number,
                    "cut_off_on", before=one.values["edition"], day=one.values["cut_off_on"],
                )  # fmt: skip


def _signed(rows: Rows) -> Iterator[RegisterProblem]:
    """Yield signatures under counts of persons at risk, which are never public in full."""
    for key, line in rows.of["public_counts"].items():
        indicator = rows.of["indicators"].get(key)
        if indicator is not None and indicator.values["is_person_sensitive"] == "true":
            yield register_problem("at_risk", "public_counts", line.number, "indicator_code")
