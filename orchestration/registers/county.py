"""The rows of the registers that a county needs before it can report.

Belongs here: drafting them from those of a county that reports. Not here: whether they are right
(check); what they draft is for people to correct.
"""

import csv
import re
import unicodedata
from datetime import date
from pathlib import Path

from orchestration.registers.declaration import declared
from orchestration.registers.rows import read_office_file
from sources.atomic import replace_file
from sources.registers import NATION, national_plans, register_rows
from sources.texts import both, text

Row = dict[str, str]
Drafts = dict[str, list[Row]]


class NoCounty(ValueError):
    """Rows for a county can't be drafted."""


def draft_county(registers: Path, county: str, like: str, first: date, today: date) -> Drafts:
    """Return the rows of each register that `county` needs, made from those of the county `like`.

    It gets an institution of each type that `like` has, and one for each of its municipalities.
    Each owes, from the month `first` on, what its like owes, as recorded from the day `today`. A
    name that can't be known is marked. Raises NoCounty when a county is not in the
    registers, `county` has institutions there already or `like` has none, or when no plan covers
    the month.
    """
    names = {row["county_code"]: row["name_sq"] for row in register_rows(registers, "counties")}
    institutions = list(register_rows(registers, "institutions"))
    models = [row for row in institutions if row["county_code"] == like]
    for unknown in {county, like} - names.keys():
        raise NoCounty(both("office_registers.county.unknown", county=unknown))
    if any(row["county_code"] == county for row in institutions):
        raise NoCounty(both("office_registers.county.there_already", county=county))
    if not models:
        raise NoCounty(both("office_registers.county.nothing_like", county=like))
    to_fill_in = text("office_registers.to_fill_in", "sq")
    drafts: Drafts = {"institutions": [], "institution_aliases": []}
    # The new institutions that are like one of the county `like`.
    made: dict[str, list[str]] = {}
    old_seat = _seat([row for row in models if _is_municipality(row)], names[like])
    for model in models:
        if not _is_municipality(model):
            code = model["institution_code"].replace(like, county, 1)
            made[model["institution_code"]] = [code]
            drafts["institutions"].append(
                {
                    **model,
                    "institution_code": code,
                    **{
                        column: _renamed(model[column], names[like], names[county])
                        or f"{to_fill_in}: {model[column]}"
                        for column in ("name_sq", "name_en")
                    },
                    "county_code": county,
                    "seat_county_code": county if model["seat_county_code"] == like else "",
                }
            )
    municipalities = [
        {
            **old_seat,
            "institution_code": f"{county}-B-{_code_of(row['name_sq'])}",
            "name_sq": f"Bashkia {row['name_sq']}",
            "name_en": f"Municipality of {row['name_en']}",
            "county_code": county,
            "seat_county_code": county,
            "municipality_name": row["name_sq"],
        }
        for row in register_rows(registers, "municipalities")
        if old_seat and row["county_code"] == county
    ]
    drafts["institutions"] += municipalities
    others = [_code_of(name) for code, name in names.items() if code not in (county, NATION)]
    for row in register_rows(registers, "institution_aliases"):
        alias = _renamed(row["alias"], names[like], names[county]) or row["alias"]
        if any(re.search(rf"\b{name}\b", _code_of(alias)) for name in others):
            continue
        for code in made.get(row["institution_code"], ()):
            drafts["institution_aliases"].append({"alias": alias, "institution_code": code})
    made[old_seat["institution_code"]] = [row["institution_code"] for row in municipalities]
    plan = next((plan for plan in national_plans(registers) if plan.covers(first)), None)
    if plan is None:
        raise NoCounty(both("office_registers.county.no_plan", month=f"{first:%Y-%m}"))
    from_then = {"valid_from": first.isoformat(), "valid_to": plan.valid_to.isoformat()}
    drafts["reporting_obligations"] = [
        {**row, **from_then, "institution_code": code, "recorded_from": today.isoformat()}
        for row in register_rows(registers, "reporting_obligations")
        if row["plan_code"] == plan.plan_code and not row["recorded_to"]
        for code in made.get(row["institution_code"], ())
    ]
    # Records are kept at the seat, whatever else the municipalities owe.
    made[old_seat["institution_code"]] = [_seat(municipalities, names[county])["institution_code"]]
    drafts["record_obligations"] = [
        {**row, **from_then, "institution_code": code}
        for row in register_rows(registers, "record_obligations")
        for code in made.get(row["institution_code"], ())
    ]
    return drafts


def write_drafts(folder: Path, drafts: Drafts) -> dict[Path, int]:
    """Add rows to the office's files in `folder`; return how many each was given.

    A file that is not there is made with all columns; one that is keeps its own. Institutions come
    last, so that what was broken off is written again, and a row that is there is not. Raises
    ValueError when a file that is there can't be read, NoCounty when an institution is there
    already: rows that wait to be filled in are in no register yet.
    """
    last_of_all = sorted(drafts, key=lambda name: name == "institutions")
    files = {folder / f"{name}.csv": name for name in last_of_all}
    there = {path: read_office_file(path) for path in files if path.exists()}
    drafted = {row["institution_code"]: row["county_code"] for row in drafts["institutions"]}
    for _, cells in there.get(folder / "institutions.csv", ([], []))[1]:
        for code in drafted.keys() & set(cells):
            raise NoCounty(both("office_registers.county.there_already", county=drafted[code]))
    for path, name in files.items():
        headings, lines = there.get(path, (list(declared()[name].types), []))
        with replace_file(path) as target, target.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(headings)
            there_already = [cells for _, cells in lines]
            drafted_rows = [[row.get(column, "") for column in headings] for row in drafts[name]]
            writer.writerows(there_already)
            writer.writerows(row for row in drafted_rows if row not in there_already)
    return {path: len(drafts[name]) for path, name in files.items()}


def _is_municipality(row: Row) -> bool:
    return row["institution_type"] == "municipality"


def _seat(municipalities: list[Row], county_name: str) -> Row:
    """Return the municipality with the county's name, else the first; a blank row if none."""
    named = [row for row in municipalities if row["municipality_name"] == county_name]
    return next(iter(named or municipalities), {"institution_code": ""})


def _renamed(name: str, old: str, new: str) -> str | None:
    """Return a name with the new county's name for the old one's; None where it isn't in there."""
    renamed, times = re.subn(rf"\b{re.escape(old)}\b", new, name)
    return renamed if times else None


def _code_of(name: str) -> str:
    """Return a name in the letters of a code: Kuçovë is KUCOVE, Vau i Dejës is VAU-I-DEJES."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Z0-9]+", "-", plain.upper()).strip("-")
