"""The marts, computed a second time: from delivered files and registers alone, in Python.

Belongs here: what a mart should hold by its description, and comparing it cell by cell; and what
must hold between the marts of all files and those of fewer. Not here: files (three_counties.py).
It knows of what three_counties.py delivers, not of all that the door accepts.
"""

import csv
import io
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd

PLAN = "PKV-2021-2023"
MONTHS = [date(year, month, 1) for year in (2021, 2022, 2023) for month in range(1, 13)]
OVER = ("level", "milestone")
Difference = dict[str, Any]
Key = tuple[Any, ...]
#: An institution and a month.
Place = tuple[str, date]

#: What recorded_counts counts, by which dimensions, and the categories that it shows.
OF_PERSONS = ("total", "sex", "age_group", "sex_and_age_group")
ASKED: dict[str, dict[str, tuple[str, ...]]] = {
    "referral": {
        "flagged": OF_PERSONS,
        "initially_identified": (*OF_PERSONS, "identification_channel"),
        "formally_identified": OF_PERSONS,
        "not_a_victim": OF_PERSONS,
        "referred": OF_PERSONS,
        "referral_accepted": OF_PERSONS,
        "assisted": OF_PERSONS,
    },
    "hotline": {
        "hotline_contacts": ("total", "channel", "purpose"),
        "hotline_cases": ("total",),
        "hotline_referrals": ("total",),
        "hotline_referrals_accepted": ("total",),
    },
}
CHANNELS = ("phone_116006", "app", "web", "sms", "in_person")
PURPOSES = (
    "case_report", "counselling", "information", "silent", "prank", "wrong_number", "test",
)  # fmt: skip
CATEGORIES = {
    "total": ("total",),
    "sex": ("female", "male"),
    "age_group": ("0-17", "18+"),
    "sex_and_age_group": ("female 0-17", "female 18+", "male 0-17", "male 18+"),
    "identification_channel": (
        "mobile_unit", "hotline", "app", "police", "border", "self", "labour_inspection",
        "child_protection_unit",
    ),
    "channel": CHANNELS,
    "purpose": PURPOSES,
}  # fmt: skip


@dataclass(frozen=True)
class Delivered:
    """Files as (kind, content, received at), and the folder of the registers."""

    files: list[tuple[str, bytes, datetime]]
    seeds: Path

    def register(self, name: str) -> list[dict[str, str]]:
        """Return the rows of a register; those about a plan, of the national plan alone."""
        with (self.seeds / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return [row for row in rows if row.get("plan_code", PLAN) == PLAN]

    def lines(self, kind: str) -> list[tuple[datetime, int, list[dict[str, str]]]]:
        """Return the files of a kind in the order in which they came, with their lines."""
        found = [
            (
                received_at,
                number,
                list(csv.DictReader(io.StringIO(content.decode()), delimiter=";")),
            )
            for number, (of, content, received_at) in enumerate(self.files)
            if of == kind
        ]
        return sorted(found, key=lambda each: each[:2])


def _day(text: str) -> date:
    return date.fromisoformat(text[:10] if len(text) > 7 else f"{text}-01")


def _month(day: date) -> date:
    return date(day.year, day.month, 1)


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _round(value: float, digits: int) -> float:
    """Round as one does by hand: a half goes up."""
    return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def _least(*values: float | None) -> float | None:
    return min((value for value in values if value is not None), default=None)


def _most(*values: float | None) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _is_number(line: dict[str, str]) -> bool:
    """Tell whether a line of a report gives a number."""
    return line["Vlera"] != "" or line["Gjendja"] == "zero"


def _is_answer(line: dict[str, str]) -> bool:
    """Tell whether a line of a report says anything, if only that it is not known."""
    return _is_number(line) or line["Gjendja"] != ""


@dataclass
class OwedAnswer:
    """What an institution said of an indicator for a month."""

    value: float | None
    in_full: bool
    is_due: bool


@dataclass
class BoundedNumber:
    """An area's number of an indicator at a month, and what bounds it."""

    month: float | None = None
    ytd: float | None = None
    ytd_least: float | None = None
    ytd_most: float | None = None
    cum: float | None = None
    cum_least: float | None = None
    cum_most: float | None = None
    is_whole: bool = False
    is_month_whole: bool = False
    completeness: float | None = None
    reporting: int | None = None
    missing: str | None = None


@dataclass
class PlanRegisters:
    """The registers that the marts rest on."""

    given: Delivered
    counties: list[str] = field(init=False)
    indicators: dict[str, dict[str, str]] = field(init=False)
    parts: dict[str, set[str]] = field(init=False)
    county_of: dict[str, str] = field(init=False)
    deadlines: dict[date, date] = field(init=False)

    def __post_init__(self) -> None:
        register = self.given.register
        self.counties = [
            row["county_code"] for row in register("counties") if row["county_code"] != "AL"
        ]
        self.indicators = {row["indicator_code"]: row for row in register("indicators")}
        self.parts = defaultdict(set)
        for row in register("breakdown_categories"):
            if row["breakdown_kind"] == "partition":
                self.parts[row["indicator_code"]].add(row["category"])
        self.county_of = {
            row["institution_code"]: row["county_code"] for row in register("institutions")
        }
        self.deadlines = {
            _day(row["month"]): _day(row["reporting_deadline"])
            for row in register("reporting_calendar")
        }

    def may_overlap(self, code: str) -> bool:
        row = self.indicators[code]
        return row["is_person_sensitive"] == "true" or row["unit"] == "persons"

    def basis(self, code: str) -> str:
        return self.indicators[code]["target_basis"]

    def missing(self, there: Iterable[str]) -> str | None:
        return " ".join(sorted({*self.counties} - {*there})) or None


# --- reports -----------------------------------------------------------------------------------


class Reports:
    """What was owed and what was said: the newest report of an institution and month holds."""

    def __init__(self, registers: PlanRegisters) -> None:
        self.registers = registers
        #: (institution, month) -> moments at which a report came
        self.arrivals: dict[tuple[str, date], list[datetime]] = defaultdict(list)
        #: (institution, month) -> how many files were refused, as they left a report no value
        self.refused: dict[tuple[str, date], int] = defaultdict(int)
        #: every version: (institution, month) -> [(came at, lines)]
        self.versions: dict[tuple[str, date], list[tuple[datetime, dict[str, Any]]]] = defaultdict(
            list
        )
        held: dict[tuple[str, date], list[dict[str, str]]] = {}
        for received_at, _, lines in registers.given.lines("report"):
            place = (lines[0]["Institucioni"], _day(lines[0]["Muaji"]))
            before = {line["Kodi i treguesit"] for line in held.get(place, []) if _is_number(line)}
            answered = {line["Kodi i treguesit"] for line in lines if _is_answer(line)}
            if before and not before & answered:
                self.refused[place] += 1
                continue
            held[place] = lines
            self.arrivals[place].append(received_at)
            self.versions[place].append((received_at, self._said(lines)))
        self.owed: dict[tuple[str, str], set[date]] = defaultdict(set)
        #: (county, indicator) -> months of which somebody owes to tell
        self.told: dict[tuple[str, str], set[date]] = defaultdict(set)
        #: (institution, indicator, month) -> how many months the value owed then is about
        self.spans: dict[tuple[str, str, date], int] = {}
        for row in registers.given.register("reporting_obligations"):
            institution, code = row["institution_code"], row["indicator_code"]
            every = {"monthly": 1, "quarterly": 3, "yearly": 12}[row["frequency"]]
            for month in MONTHS:
                ends = row["valid_to"] or "9999"
                if row["valid_from"] <= month.isoformat() <= ends and month.month % every == 0:
                    self.owed[institution, code].add(month)
                    span = self.spans.get((institution, code, month), every)
                    self.spans[institution, code, month] = min(span, every)
                    place = MONTHS.index(month)
                    self.told[registers.county_of[institution], code] |= {
                        *MONTHS[place - every + 1 : place + 1]
                    }
        # Who owes it is asked; what others say counts only where nobody owes it.
        self.answers: dict[tuple[str, str], dict[tuple[str, date], OwedAnswer]] = defaultdict(dict)
        owing = defaultdict(set)
        for (institution, code), months in self.owed.items():
            for month in months:
                owing[registers.county_of[institution], code, month].add(institution)
                self.answers[registers.county_of[institution], code][institution, month] = (
                    OwedAnswer(None, False, True)
                )
        for (institution, month), versions in self.versions.items():
            county = registers.county_of[institution]
            for code, (value, in_full) in versions[-1][1].items():
                owed_by = owing.get((county, code, month), set())
                if not owed_by or institution in owed_by:
                    self.answers[county, code][institution, month] = OwedAnswer(
                        value, in_full, institution in owed_by
                    )
        self.owing = owing

        #: (county, indicator) -> first and last month, by number, of what is owed for several
        self.longer: dict[tuple[str, str], set[tuple[int, int]]] = defaultdict(set)
        for (institution, code, month), span in self.spans.items():
            if span > 1:
                at = MONTHS.index(month)
                county = registers.county_of[institution]
                self.longer[county, code].add((at - span + 1, at))

    def _said(self, lines: Sequence[dict[str, str]]) -> dict[str, tuple[float | None, bool]]:
        cells: dict[str, dict[str, tuple[float | None, bool]]] = defaultdict(dict)
        for line in lines:
            number = float(line["Vlera"]) if line["Vlera"] else None
            answered = number is not None or line["Gjendja"] == "nuk zbatohet"
            cells[line["Kodi i treguesit"]][line["Ndarja"]] = (number, answered)
        said = {}
        for code, of in cells.items():
            parts = self.registers.parts.get(code, set())
            total, is_answered = of.get("", (None, False))
            given = [of[part] for part in parts if part in of]
            all_parts = bool(parts) and len(given) == len(parts) and all(ok for _, ok in given)
            value = total if total is not None else _sum(number for number, _ in given)
            if value is None:
                # Parts that overlap: the whole is at least the largest.
                others = [number for part, (number, _) in of.items() if part and part not in parts]
                value = _most(*others)
            said[code] = (value, is_answered or all_parts)
        return said

    def has_answer(self, county: str, code: str, month: date) -> bool:
        """Return whether anybody answered for the year up to a month."""
        return any(
            answer.in_full and at.year == month.year and at <= month
            for (_, at), answer in self.answers.get((county, code), {}).items()
        )

    def county(self, county: str, code: str, month: date) -> BoundedNumber:
        """Return a county's number as its reports alone give it."""
        basis, answers = self.registers.basis(code), self.answers.get((county, code), {})
        of: dict[str, dict[date, float]] = defaultdict(dict)
        for (institution, at), answer in answers.items():
            if answer.value is not None and at <= month:
                of[institution][at] = answer.value
        in_year = {
            institution: {at: value for at, value in said.items() if at.year == month.year}
            for institution, said in of.items()
        }
        latest = {institution: said[max(said)] for institution, said in of.items()}
        if basis == "level":
            ytd = {name: said[max(said)] for name, said in in_year.items() if said}
        elif basis == "milestone":
            ytd = latest
        else:
            ytd = {name: sum(said.values()) for name, said in in_year.items() if said}
        cum = latest if basis in OVER else {name: sum(said.values()) for name, said in of.items()}
        stale: set[str] = set()
        together: Callable[[Iterable[float]], float] = (
            max if self.registers.may_overlap(code) else sum
        )
        if basis == "level":
            # Who owes a later answer may have less by now.
            for institution in cum:
                said = max(of[institution])
                if any(
                    name == institution and said < at <= month
                    and answer.value is None and not answer.in_full
                    for (name, at), answer in answers.items()
                ):  # fmt: skip
                    stale.add(institution)
        due = [
            answer for (_, at), answer in answers.items() if at.year == month.year and at <= month
        ]
        due_month = [answer for (_, at), answer in answers.items() if at == month]
        told = self.told.get((county, code), set()) | {at for _, at in answers}
        begun = [at for at in MONTHS if at.year == month.year and at <= month]
        owed = [answer for answer in due if answer.is_due]
        return BoundedNumber(
            month=_sum(said.get(month) for said in of.values()),
            ytd=sum(ytd.values()) if ytd else None,
            cum=sum(cum.values()) if cum else None,
            ytd_least=_certain(together, ytd, stale),
            cum_least=_certain(together, cum, stale),
            is_whole=all(at in told for at in begun) and all(answer.in_full for answer in due),
            is_month_whole=month in told and all(answer.in_full for answer in due_month),
            completeness=_round(sum(answer.in_full for answer in owed) / len(owed), 6)
            if owed
            else None,
        )


def _certain(
    together: Callable[[Iterable[float]], float], numbers: dict[str, float], stale: set[str]
) -> float | None:
    if not numbers:
        return None
    return together(0.0 if name in stale else value for name, value in numbers.items())


# --- records -----------------------------------------------------------------------------------


@dataclass
class LoggedContact:
    """A contact of a log."""

    county: str
    number: str
    at: datetime
    channel: str
    purpose: str
    caller: str
    elements: str
    exploitation: str
    referred_to: str
    accepted_at: str
    outcome: str
    stated_case: str
    repeat_of: str
    duplicate_of: str
    case: str = ""
    opens_case: bool = False
    is_referral: bool = False
    is_accepted: bool = False
    hours: float | None = None
    is_open_end: bool = False
    is_late_beginning: bool = False

    @property
    def is_duplicate(self) -> bool:
        return bool(self.duplicate_of) or self.outcome == "duplicate_of"

    @property
    def linked(self) -> str:
        return self.duplicate_of or self.repeat_of


class Logs:
    """The contacts of a county's log, each in its case."""

    def __init__(self, given: Delivered) -> None:
        self.files: dict[str, list[set[date]]] = defaultdict(list)
        self.contacts: dict[str, list[LoggedContact]] = defaultdict(list)
        for _, _, lines in given.lines("log"):
            county = lines[0]["Qarku"]
            contacts = [self._contact(line) for line in lines]
            self.files[county].append({_month(contact.at.date()) for contact in contacts})
            self.contacts[county] += contacts
        for contacts in self.contacts.values():
            contacts.sort(key=lambda contact: contact.at)
            self._follow(contacts)

    @staticmethod
    def _contact(line: dict[str, str]) -> LoggedContact:
        return LoggedContact(
            line["Qarku"], line["Nr. kontaktit"],
            datetime.strptime(line["Marrë më"], "%Y-%m-%d %H:%M"), line["Kanali"], line["Qëllimi"],
            line["Telefonuesi"], line["Elemente dyshimi"], line["Shfrytëzimi"],
            line["Referuar te"], line["Pranuar më"], line["Rezultati"], line["Nr. rastit"],
            line["Përsëritje e"], line["Dyfishim i"],
        )  # fmt: skip

    @staticmethod
    def _follow(contacts: list[LoggedContact]) -> None:
        """Find each contact's case and which of several records counts as its referral."""
        known = {contact.number: contact for contact in contacts}

        def end(contact: LoggedContact, link: Callable[[LoggedContact], str]) -> str:
            number = contact.number
            while number in known and link(known[number]):
                number = link(known[number])
            return number

        chains: dict[str, list[LoggedContact]] = defaultdict(list)
        records: dict[str, list[LoggedContact]] = defaultdict(list)
        for contact in contacts:
            chains[end(contact, lambda each: each.linked)].append(contact)
            records[end(contact, lambda each: each.duplicate_of)].append(contact)
            contact.is_open_end = end(contact, lambda each: each.linked) not in known
        for chain in chains.values():
            named = next((each.stated_case for each in chain if each.stated_case), "")
            for contact in chain:
                contact.case = contact.stated_case or named
        opened: set[str] = set()
        begun: set[str] = set()
        for contact in contacts:
            if contact.case and contact.case not in begun:
                begun.add(contact.case)
                if contact.is_open_end:
                    opened.add(contact.case)  # Before, by a contact that is not here.
                    contact.is_late_beginning = True
            if contact.purpose == "case_report" and contact.case and contact.case not in opened:
                opened.add(contact.case)
                contact.opens_case = True
        for first, same in records.items():
            if first not in known:
                continue
            referred = [each for each in same if each.referred_to or each.outcome == "referred"]
            if not referred:
                continue
            referred[0].is_referral = True
            accepted = [
                datetime.strptime(each.accepted_at, "%Y-%m-%d %H:%M")
                for each in same
                if each.accepted_at
            ]
            if accepted:
                referred[0].is_accepted = True
                if min(accepted) >= same[0].at:
                    hours = (min(accepted) - same[0].at).total_seconds() / 60 // 1 / 60
                    referred[0].hours = hours


@dataclass
class CaseStep:
    """A step in the history of a case, as the newest file that holds the case says it."""

    county: str
    sender: str
    person: str
    case: str
    event: str
    day: date
    sex: str | None
    age: str | None
    channel: str | None
    support: str
    detail: str | None


class Cases:
    """The steps of persons, each person one whoever knows it."""

    def __init__(self, given: Delivered) -> None:
        self.files: dict[str, list[tuple[str, list[date]]]] = defaultdict(list)
        newest: dict[tuple[str, str], list[CaseStep]] = {}
        for _, _, lines in given.lines("cases"):
            cases: dict[tuple[str, str], list[CaseStep]] = defaultdict(list)
            for line in lines:
                sender = line["Institucioni"]
                cases[sender, line["Nr. rastit"]].append(
                    CaseStep(
                        line["Qarku"], sender, line["Numri personal"], line["Numri personal"],
                        line["Ngjarja"], _day(line["Data"]), line["Gjinia"] or None,
                        line["Grupmosha"] or None, line["Kanali i identifikimit"] or None,
                        line["Lloji i mbështetjes"], line["Hollësi"] or None,
                    )
                )  # fmt: skip
            days = [_day(line["Data"]) for line in lines]
            self.files[lines[0]["Qarku"]].append((lines[0]["Institucioni"], days))
            newest.update(cases)
        self.events = [event for case in newest.values() for event in case]


def _periods(
    registers: PlanRegisters, source: str, county: str, senders: dict[str, list[date]]
) -> list[tuple[str, list[date]]]:
    """Return the periods of which records are owed: who owes them, and their months."""
    rows = [
        (row["institution_code"], row["frequency"], _day(row["valid_from"]), _day(row["valid_to"]))
        for row in registers.given.register("record_obligations")
        if row["source"] == source and registers.county_of[row["institution_code"]] == county
    ]
    owing = {institution for institution, *_ in rows}
    for sender, lasts in senders.items():
        if not (rows if source == "hotline" else sender in owing):
            every = "monthly" if source == "hotline" else "quarterly"
            rows.append((sender, every, min(lasts), max(lasts)))
    calendar = sorted(registers.deadlines)
    found = []
    for institution, frequency, first, last in rows:
        length = {"monthly": 1, "quarterly": 3, "yearly": 12}[frequency]
        for place, month in enumerate(calendar):
            if month.month % length == 0:
                months = calendar[max(0, place - length + 1) : place + 1]
                if first <= month and months[0] <= last:
                    found.append((institution, months))
    return found


def coverage(registers: PlanRegisters, logs: Logs, cases: Cases) -> dict[Key, str]:
    """Return (source, county, month) -> whole, part or none."""
    found: dict[Key, str] = {}
    calendar = sorted(registers.deadlines)
    for source in ("hotline", "referral"):
        for county in registers.counties:
            if source == "hotline":
                files = [("", min(months), max(months)) for months in logs.files.get(county, [])]
            else:
                files = [
                    (sender, _month(min(days)), _month(max(days)))
                    for sender, days in cases.files.get(county, [])
                ]
            senders: dict[str, list[date]] = defaultdict(list)
            for sender, _, last in files:
                senders[sender].append(last)
            periods = []
            for institution, months in _periods(registers, source, county, senders):
                came = any(
                    (first <= months[-1] and last >= months[0])
                    if source == "hotline"
                    else (sender == institution and months[0] <= last <= months[-1])
                    for sender, first, last in files
                )
                periods.append((months, came))
            if not files and not periods:
                continue
            first = min([first for _, first, _ in files] + [months[0] for months, _ in periods])
            last = max([last for _, _, last in files] + [months[-1] for months, _ in periods])
            for month in calendar:
                if not first <= month <= last:
                    continue
                has_file = any(one <= month <= other for _, one, other in files)
                owed = [came for months, came in periods if month in months]
                is_whole = all(owed) if owed else has_file
                found[source, county, month] = (
                    "whole" if is_whole else "part" if has_file else "none"
                )
    return found


@dataclass
class RecordCount:
    """What records count of an indicator in an area and month."""

    value: int | None
    least: int | None
    most: int | None
    occurrences: int | None
    may_fall: bool = False


class Recomputed:
    """Everything that is needed to state the marts, from delivered files."""

    def __init__(self, given: Delivered) -> None:
        self.registers = PlanRegisters(given)
        self.reports = Reports(self.registers)
        self.logs = Logs(given)
        self.cases = Cases(given)
        self.covered = coverage(self.registers, self.logs, self.cases)
        self.sivet: dict[Key, float] = {}
        for _, _, lines in given.lines("sivet"):
            for line in lines:
                at = (line["Qarku"], line["Kodi i treguesit"], _day(line["Muaji"]))
                self.sivet[at] = float(line["Vlera"])
        self.figures: dict[Key, float] = {}
        for _, _, lines in given.lines("figures"):
            for line in lines:
                at = (line["indicator_code"], date(int(line["year"]), 12, 1))
                self.figures[at] = float(line["value"])
        self.counts = self._counts()
        self.official = {
            row["indicator_code"]: row["source"] for row in given.register("official_sources")
        }
        self.areas = [*self.registers.counties, "AL"]
        self.readings = self._readings()

    # -- records ---------------------------------------------------------------------------

    def area_coverage(self, source: str, area: str, month: date) -> str | None:
        """Return whole, part or none; None where nobody is known to keep such records."""
        if area != "AL":
            return self.covered.get((source, area, month))
        of = self.counties_covered(source, month)
        if not of:
            return None
        some = {county for county, said in of.items() if said != "none"}
        if {*some} == {*self.registers.counties} and {*of.values()} == {"whole"}:
            return "whole"
        return "part" if some else "none"

    def counties_covered(self, source: str, month: date) -> dict[str, str]:
        return {
            county: self.covered[source, county, month]
            for county in self.registers.counties
            if (source, county, month) in self.covered
        }

    def last_gap(self, source: str, area: str, month: date) -> date | None:
        """Return the last earlier month of which a file is missing."""
        if area == "AL":
            known = sorted({at for of, _, at in self.covered if of == source and at < month})
            if {*self.counties_covered(source, month)} != {*self.registers.counties}:
                return known[-1] if known else None
        gaps = [
            at
            for (of, county, at), said in self.covered.items()
            if of == source and at < month and said != "whole"
            and (county == area or (area == "AL" and (source, county, month) in self.covered))
        ]  # fmt: skip
        return max(gaps, default=None)

    def may_fall(self, pattern: dict[str, str], area: str, month: date, since: date) -> bool:
        """Return whether persons of a month may have come first in a file missing since a day."""
        gap = self.last_gap("referral", area, month)
        counts_once = pattern["source"] == "referral" and pattern["once_a"] != "event"
        return counts_once and gap is not None and gap >= since

    def _counts(self) -> dict[Key, RecordCount]:
        """Return (area, indicator, month) -> what the records count of it."""
        patterns = self.registers.given.register("record_indicators")
        firsts: dict[Key, tuple[Any, bool]] = {}
        occurrences: dict[Key, int] = defaultdict(int)
        for pattern in patterns:
            code = pattern["indicator_code"]
            for area in [*self.registers.counties, "AL"]:
                for key, at, is_known in self._matching(pattern, area):
                    occurrences[area, code, _month(at)] += 1
                    counted = (area, code, key)
                    before = firsts.get(counted)
                    if before is None:
                        firsts[counted] = (at, is_known)
                    else:
                        firsts[counted] = (min(at, before[0]), is_known and before[1])
        counts: dict[Key, RecordCount] = {}
        sources = {row["indicator_code"]: row["source"] for row in patterns}
        for code, source in sources.items():
            for area in [*self.registers.counties, "AL"]:
                for month in MONTHS:
                    said = self.area_coverage(source, area, month)
                    if said is None:
                        continue
                    counts[area, code, month] = RecordCount(
                        *((None,) * 4 if said == "none" else (0, 0, None, 0))
                    )
                    if said == "whole":
                        counts[area, code, month].most = 0
        for (area, code, _), (at, is_known) in firsts.items():
            count = counts[area, code, _month(at)]
            if count.value is not None and is_known:
                count.value += 1
            count.least = count.value
            if count.most is not None:
                count.most += 1
        for (area, code, month), times in occurrences.items():
            counts[area, code, month].occurrences = times
        once = {row["indicator_code"]: row for row in patterns}
        for (area, code, month), count in counts.items():
            year = once[code]["once_a"] == "year"
            since = date(month.year if year else MONTHS[0].year, 1, 1)
            if count.value is not None and self.may_fall(once[code], area, month, since):
                count.least, count.may_fall = 0, True
        return counts

    def _matching(self, pattern: dict[str, str], area: str) -> Iterable[tuple[Key, date, bool]]:
        """Yield (what is counted, when, whether its beginning is known) of an area."""
        if pattern["source"] == "hotline":
            for county, contacts in self.logs.contacts.items():
                if area not in (county, "AL"):
                    continue
                late = {contact.case for contact in contacts if contact.is_late_beginning}
                for contact in contacts:
                    if contact.case and contact.purpose == pattern["event"]:
                        at, is_known = contact.at.date(), contact.case not in late
                        yield (county, contact.case), at, is_known
            return
        nth: dict[Key, int] = defaultdict(int)
        earlier: dict[tuple[str, str], date] = {}
        events = [event for event in self.cases.events if area in (event.county, "AL")]
        for event in events:
            at = (event.person, event.event)
            earlier[at] = min(event.day, earlier.get(at, event.day))
        for event in events:
            step = (event.person, event.sender, event.event, event.day)
            nth[step] += 1
            before = earlier.get((event.person, pattern["earlier_event"]))
            if (
                event.event == pattern["event"]
                and pattern["age_group"] in ("", event.age)
                and pattern["identification_channel"] in ("", event.channel)
                and pattern["support_type"] in ("", event.support)
                and pattern["detail"] in ("", event.detail)
                and (not pattern["earlier_event"] or (before and before <= event.day))
            ):
                key: Key = (event.person,)
                if pattern["counted"] == "event":
                    key = (event.person, event.event, event.day, nth[step])
                elif pattern["once_a"] == "year":
                    key = (event.person, event.day.year)
                yield key, event.day, True

    # -- indicator_progress ------------------------------------------------------------------

    def stated(self, area: str, code: str, month: date) -> dict[str, tuple[float, float, float]]:
        """Return what each source other than reports states of the year so far, with its ends."""
        year = [at for at in MONTHS if at.year == month.year and at <= month]
        of: dict[str, list[tuple[float, float, float] | None]] = {}
        if area != "AL":
            counts = [self.counts.get((area, code, at)) for at in year]
            source = "hotline_log" if code == "3.1.2.1" else "referral_records"
            of[source] = [
                None
                if count is None or count.value is None
                else (
                    count.value,
                    # Of the year as a whole, in which a person counts once.
                    count.value,
                    count.value if count.most is None else count.most,
                )
                for count in counts
            ]
        values = [self.sivet.get((area, code, at)) for at in year]
        of["sivet"] = [None if value is None else (value,) * 3 for value in values]
        stated = {}
        for source, known in of.items():
            ends = [each for each in known if each is not None]
            if len(ends) == len(year):
                one, least, most = (sum(each) for each in zip(*ends, strict=True))
                stated[source] = (float(one), float(least), float(most))
        return stated

    def _readings(self) -> dict[Key, BoundedNumber]:
        found: dict[Key, BoundedNumber] = {}
        registers = self.registers
        starts = {
            row["measure_code"]: int(row["start_year"] or 0)
            for row in registers.given.register("measures")
        }
        for code, row in registers.indicators.items():
            basis = registers.basis(code)
            begins = max(2021, starts.get(row["measure_code"], 0))
            for county in registers.counties:
                all_less = all_more = 0.0
                for month in MONTHS:
                    reading = self.reports.county(county, code, month)
                    stated = self.stated(county, code, month)
                    if reading.ytd is not None and reading.ytd_least is not None:
                        low = _least(*(ends[1] for ends in stated.values()))
                        high = _most(*(ends[2] for ends in stated.values()))
                        less = max(0.0, reading.ytd_least - low) if low is not None else 0.0
                        more = max(0.0, high - reading.ytd) if high is not None else 0.0
                    else:
                        less = more = 0.0
                    if reading.ytd is not None and reading.ytd_least is not None:
                        reading.ytd_least -= less
                        reading.ytd_most = reading.ytd + more
                    if reading.cum is not None and reading.cum_least is not None:
                        reading.cum_least = max(0.0, reading.cum_least - less - all_less)
                        reading.cum_most = reading.cum + more + all_more
                    if month.month == 12 and basis not in OVER:
                        all_less, all_more = all_less + less, all_more + more
                    found[county, code, month] = reading
            for month in MONTHS:
                found["AL", code, month] = self._nation(found, code, month)
            self._cumulate(found, code)
            for area in self.areas:
                for month in MONTHS:
                    reading = found[area, code, month]
                    decembers = [
                        ended.is_whole
                        for year in range(2021, month.year)
                        for ended in [found[area, code, date(year, 12, 1)]]
                        if year >= begins
                        or ended.ytd is not None
                        or (area != "AL" and ended.completeness is not None)
                    ]
                    if not reading.is_whole:
                        reading.ytd_most = None
                    if not (reading.is_whole and (basis in OVER or all(decembers))):
                        reading.cum_most = None
        return found

    def _nation(self, found: dict[Key, BoundedNumber], code: str, month: date) -> BoundedNumber:
        of = {county: found[county, code, month] for county in self.registers.counties}
        together = max if self.registers.may_overlap(code) else sum
        leasts = [each.ytd_least for each in of.values() if each.ytd_least is not None]
        there = [
            county
            for county, each in of.items()
            if each.ytd is not None
            or (each.is_whole and self.reports.has_answer(county, code, month))
        ]
        figure = self.figures.get((code, month))
        stated = self.stated("AL", code, month)
        reading = BoundedNumber(
            month=_sum(each.month for each in of.values()),
            ytd=_sum(each.ytd for each in of.values()),
            ytd_least=float(together(leasts)) if leasts else None,
            ytd_most=_sum(each.ytd_most for each in of.values()),
            is_whole=all(each.is_whole for each in of.values()),
            is_month_whole=all(each.is_month_whole for each in of.values()),
            completeness=_round(
                round(sum(each.completeness or 0 for each in of.values()), 6) / len(of), 6
            ),
            reporting=len(there),
            missing=self.registers.missing(there),
        )
        if figure is not None:
            # Counties that say otherwise are in the interval: all of them, or a part of the whole.
            counties = reading.ytd
            reading.ytd = figure
            reading.ytd_least = _least(figure, counties if reading.is_whole else None)
            reading.ytd_most = _most(figure, counties)
            reading.is_whole, reading.completeness = True, 1.0
            reading.reporting, reading.missing = len(of), None
        if reading.ytd is not None:
            reading.ytd_least = _least(reading.ytd_least, *(ends[1] for ends in stated.values()))
            reading.ytd_most = _most(reading.ytd_most, *(ends[2] for ends in stated.values()))
        return reading

    def _cumulate(self, found: dict[Key, BoundedNumber], code: str) -> None:
        basis = self.registers.basis(code)
        years = {month: found["AL", code, month] for month in MONTHS}
        ends = ("", "_least", "_most")
        plain = {
            month: {end: getattr(reading, f"ytd{end}") for end in ends}
            for month, reading in years.items()
        }
        for month, reading in years.items():
            until = [
                plain[at] for at in MONTHS
                if at == month or (at.month == 12 and at.year < month.year)
            ]  # fmt: skip
            for end in ends:
                known = [each[end] for each in until if each[end] is not None]
                last = known[-1] if known else None
                setattr(reading, f"cum{end}", last if basis in OVER else _sum(known))
                is_due_missing = any(
                    (found[county, code, month].completeness or 1) < 1
                    or found[county, code, month].completeness == 0
                    for county in self.registers.counties
                )
                is_old = end == "_least" and bool(known) and plain[month][""] is None
                if basis == "level" and is_old and is_due_missing:
                    reading.cum_least = 0.0
                if basis == "milestone":
                    setattr(reading, f"ytd{end}", last)

    def indicator_progress(self) -> dict[Key, dict[str, Any]]:
        """Return marts.indicator_progress by its key."""
        registers = self.registers
        targets = self._targets()
        starts = {
            row["measure_code"]: int(row["start_year"]) if row["start_year"] else None
            for row in registers.given.register("measures")
        }
        activity = self._activity()
        rows: dict[Key, dict[str, Any]] = {}
        for (area, code, month), reading in self.readings.items():
            basis, row = registers.basis(code), registers.indicators[code]
            target, previous, has_later = targets.get((area, code, month.year), (None, None, False))
            stated = self.stated(area, code, month)
            official = self.official.get(code)
            reads_year, reads_sum = basis != "cumulative", basis in ("cumulative", "unstated")
            start = starts.get(row["measure_code"])
            status, since = activity[area, code, month]
            change, compared = self._last_year(area, code, month)
            rows[area, month, PLAN, code] = {
                "actual_month": reading.month,
                "actual_year_to_date": reading.ytd,
                "actual_year_to_date_least": reading.ytd_least,
                "actual_year_to_date_most": reading.ytd_most,
                "actual_cumulative": reading.cum,
                "actual_cumulative_least": reading.cum_least,
                "actual_cumulative_most": reading.cum_most,
                "official_value": stated[official][0] if official in stated else None,
                "official_source": official,
                "target_value": target,
                "target_scope": "none"
                if target is None
                else "nation"
                if area == "AL"
                else "county",
                "progress_annual": _percent(reading.ytd_least, target, reads_year, row),
                "progress_cumulative": _percent(reading.cum_least, target, reads_sum, row),
                "status": "not_due"
                if (start is not None and month.year < start)
                or (basis == "milestone" and not target and has_later)
                else _status(
                    reading, month, target, previous, row["direction"], reads_year, reads_sum
                ),
                "activity_status": status or "not_due",
                "activity_since": since if status not in (None, "not_due") else None,
                "change_on_last_year": change,
                "values_compared": compared,
                "completeness": reading.completeness,
                "is_month_lower_bound": reading.month is not None and not reading.is_month_whole,
                "is_lower_bound": (
                    reads_year and reading.ytd is not None and reading.ytd_most is None
                )
                or (reads_sum and reading.cum is not None and reading.cum_most is None)
                or (reading.reporting is not None and reading.reporting < len(registers.counties)),
                "counties_reporting": reading.reporting,
                "counties_expected": None if area != "AL" else len(registers.counties),
                "counties_missing": reading.missing,
                "waivers": 0,
                "corrections": 0,
            }
        return rows

    def _targets(self) -> dict[Key, tuple[float | None, float | None, bool]]:
        of: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
        for row in self.registers.given.register("targets"):
            if row["target_kind"] == "target" and row["value"]:
                of[row["county_code"], row["indicator_code"]][int(row["year"])] = float(
                    row["value"]
                )
        found: dict[Key, tuple[float | None, float | None, bool]] = {}
        for (area, code), years in of.items():
            for year in (2021, 2022, 2023):
                earlier = [at for at in years if at <= year]
                own = years.get(year)
                if own is None and self.registers.basis(code) == "milestone" and earlier:
                    own = years[max(earlier)]
                later = any(at > year and value > 0 for at, value in years.items())
                found[area, code, year] = (own, years.get(year - 1), later)
        return found

    def _activity(self) -> dict[Key, tuple[str | None, date]]:
        found: dict[Key, tuple[str | None, date]] = {}
        for code in self.registers.indicators:
            states: dict[str, dict[date, str | None]] = {area: {} for area in self.areas}
            for county in self.registers.counties:
                state = None
                answers = self.reports.answers.get((county, code), {})
                for month in MONTHS:
                    of = [answer for (_, at), answer in answers.items() if at == month]
                    if of:
                        total = sum(answer.value or 0 for answer in of)
                        state = (
                            "active" if total > 0
                            else "not_reported" if not all(answer.in_full for answer in of)
                            else "not_due" if all(answer.value is None for answer in of)
                            else "no_activity"
                        )  # fmt: skip
                    states[county][month] = state
            for month in MONTHS:
                figure = self.figures.get((code, month))
                all_states = {states[county][month] for county in self.registers.counties}
                states["AL"][month] = (
                    ("active" if figure else "no_activity") if figure is not None
                    else "active" if "active" in all_states
                    else None if all_states <= {None, "not_due"}
                    else "no_activity" if all_states == {"no_activity"}
                    else "not_reported"
                )  # fmt: skip
            for area, by_month in states.items():
                since = MONTHS[0]
                for place, month in enumerate(MONTHS):
                    if place and by_month[month] != by_month[MONTHS[place - 1]]:
                        since = month
                    found[area, code, month] = (by_month[month], since)
        return found

    def _last_year(self, area: str, code: str, month: date) -> tuple[float | None, int]:
        changes = []
        for county in self.registers.counties if area == "AL" else [area]:
            answers = self.reports.answers.get((county, code), {})
            for (institution, at), answer in answers.items():
                before = answers.get((institution, at.replace(year=at.year - 1)))
                in_time = at == month if self.registers.basis(code) in OVER else at <= month
                if (
                    at.year == month.year and in_time and before is not None
                    and answer.in_full and before.in_full
                    and answer.value is not None and before.value is not None
                ):  # fmt: skip
                    changes.append(answer.value - before.value)
        return (sum(changes) if changes else None, len(changes))

    # -- the other marts ---------------------------------------------------------------------

    def period_figures(self) -> dict[Key, dict[str, Any]]:
        """Return marts.period_figures by its key."""
        found: dict[Key, dict[str, Any]] = {}
        kinds = {"month": 1, "quarter": 3, "four_months": 4, "half": 6, "year": 12}
        for code in self.registers.indicators:
            for kind, length in kinds.items():
                for start in range(0, len(MONTHS), length):
                    counties = {
                        county: self._in_period(county, code, start, length)
                        for county in self.registers.counties
                    }
                    for area in self.areas:
                        of = counties if area == "AL" else {area: counties[area]}
                        row = self._period_row(of, area, code, start, length)
                        period = _period_code(kind, MONTHS[start], length)
                        key = (area, MONTHS[start + length - 1], period, PLAN, code)
                        found[key] = row
        return found

    def _period_row(
        self, of: dict[str, dict[Place, OwedAnswer]], area: str, code: str, start: int, length: int
    ) -> dict[str, Any]:
        basis, last = self.registers.basis(code), MONTHS[start + length - 1]
        due: dict[str, list[OwedAnswer]] = defaultdict(list)
        values: dict[str, dict[date, float]] = defaultdict(dict)
        for answers in of.values():
            for (institution, at), answer in answers.items():
                if answer.is_due:
                    due[institution].append(answer)
                if answer.value is not None:
                    values[institution][at] = answer.value
        value = _sum(
            said[max(said)] if basis in OVER else sum(said.values()) for said in values.values()
        )
        reading = self.readings[area, code, last]
        row: dict[str, Any] = {
            "values_due": sum(map(len, due.values())),
            "values_received": sum(one.in_full for each in due.values() for one in each),
            "institutions_due": len(due),
            "institutions_reporting": sum(
                all(one.in_full for one in each) for each in due.values()
            ),
        }
        if length == 12 or (basis == "milestone" and length > 1):
            value = reading.ytd
            row |= {"value_least": reading.ytd_least, "value_most": reading.ytd_most}
        elif value is not None and area != "AL":
            row["is_lower_bound"] = not self._is_period_whole(area, code, start, length)
        row["value"] = value
        for name, months in (("before", length), ("last_year", 12)):
            change, compared = 0.0, 0
            for county in of:
                if start < months:
                    continue
                earlier = self._in_period(county, code, start - months, length)
                for (institution, at), answer in of[county].items():
                    then = earlier.get((institution, MONTHS[MONTHS.index(at) - months]))
                    is_last = basis not in OVER or at == last
                    if (
                        then and is_last and answer.in_full and then.in_full
                        and answer.value is not None and then.value is not None
                    ):  # fmt: skip
                        change, compared = change + answer.value - then.value, compared + 1
            row[f"change_on_{name}"] = change if compared else None
            row[f"values_compared_{name}"] = compared
        return row

    def _in_period(
        self, county: str, code: str, start: int, length: int
    ) -> dict[Place, OwedAnswer]:
        """Return the answers whose whole span lies within a period; of a level, its day."""
        over = self.registers.basis(code) in OVER
        return {
            (institution, at): answer
            for (institution, at), answer in self.reports.answers.get((county, code), {}).items()
            if start <= MONTHS.index(at) < start + length
            and (
                over
                or MONTHS.index(at) - self.reports.spans.get((institution, code, at), 1) + 1
                >= start
            )
        }

    def _is_period_whole(self, county: str, code: str, start: int, length: int) -> bool:
        months = MONTHS[start : start + length]
        answers = self.reports.answers.get((county, code), {})
        told = self.reports.told.get((county, code), set()) | {at for _, at in answers}
        is_cut = self.registers.basis(code) not in OVER and any(
            (first < start <= at) or (first < start + length <= at)
            for first, at in self.reports.longer.get((county, code), ())
        )
        return (
            all(at in told for at in months)
            and not is_cut
            and all(
                answer.in_full for answer in self._in_period(county, code, start, length).values()
            )
        )

    def reporting_completeness(self) -> dict[Key, dict[str, Any]]:
        """Return marts.reporting_completeness by its key."""
        owed: dict[tuple[str, date], set[str]] = defaultdict(set)
        for (institution, code), months in self.reports.owed.items():
            for month in months:
                owed[institution, month].add(code)
        rows = {}
        for (institution, month), codes in owed.items():
            county = self.registers.county_of[institution]
            came = self.reports.arrivals.get((institution, month))
            late = (min(came).date() - self.registers.deadlines[month]).days if came else None
            rows[county, institution, month] = {
                "expected": 1,
                "received": int(bool(came)),
                "on_time": int(late is not None and late <= 0),
                "days_late": None if late is None else max(0, late),
                "values_expected": len(codes),
                "values_received": sum(
                    self.reports.answers[county, code][institution, month].in_full for code in codes
                ),
            }
        return rows

    def reporting_status(self) -> dict[Key, dict[str, Any]]:
        """Return marts.reporting_status by its key, but for what findings say."""
        rows = {}
        owed = self.reporting_completeness()
        places = {(county, institution, month) for county, institution, month in owed}
        for institution, month in self.reports.arrivals:
            places.add((self.registers.county_of[institution], institution, month))
        for county, institution, month in places:
            of = owed.get((county, institution, month))
            came = self.reports.arrivals.get((institution, month))
            series = sorted(at for one, name, at in owed if name == institution and at <= month)
            times = [owed[county, institution, at]["on_time"] for at in series]
            share = sum(times[-3:]) / len(times[-3:]) if of else None
            before = sum(times[-6:-3]) / len(times[-6:-3]) if of and times[-6:-3] else None
            rows[county, institution, month] = {
                "reporting_deadline": self.registers.deadlines[month] if of else None,
                "expected": int(of is not None),
                "received": int(bool(came)),
                "on_time": of["on_time"] if of else 0,
                "days_late": of["days_late"] if of else (0 if came else None),
                "refused": self.reports.refused.get((institution, month), 0),
                "share_on_time": share,
                "share_on_time_before": before,
                "trend": "too_early"
                if before is None or share is None
                else "improving"
                if share > before
                else "worsening"
                if share < before
                else "steady",
            }
        return rows

    def _covered(self, source: str, area: str, month: date) -> dict[str, Any]:
        said = self.area_coverage(source, area, month)
        row: dict[str, Any] = {
            "coverage": said,
            "is_lower_bound": said == "part" or (area == "AL" and said != "whole"),
            "counties_reporting": None,
            "counties_expected": None,
            "counties_missing": None,
        }
        if area == "AL":
            of = self.counties_covered(source, month)
            there = [county for county, each in of.items() if each != "none"]
            row |= {
                "counties_reporting": len(there),
                "counties_expected": len(self.registers.counties),
                "counties_missing": self.registers.missing(there),
            }
        return row

    def hotline_activity(self) -> dict[Key, dict[str, Any]]:
        """Return marts.hotline_activity by its key."""
        rows: dict[Key, dict[str, Any]] = {}
        for area in self.areas:
            contacts = [
                contact
                for county, of in self.logs.contacts.items()
                if area in (county, "AL")
                for contact in of
            ]
            of_cell: dict[Key, list[LoggedContact]] = defaultdict(list)
            for contact in contacts:
                of_cell[_month(contact.at.date()), contact.channel, contact.purpose].append(contact)
            for month in sorted(self.registers.deadlines):
                said = self.area_coverage("hotline", area, month)
                if said is None:
                    continue
                for channel in CHANNELS:
                    for purpose in PURPOSES:
                        cell = of_cell.get((month, channel, purpose), [])
                        row = self._cell(cell, said == "none")
                        row |= self._covered("hotline", area, month)
                        row["is_lower_bound"] |= any(each.is_open_end for each in cell)
                        rows[area, month, channel, purpose] = row
        return rows

    @staticmethod
    def _cell(cell: Sequence[LoggedContact], is_unknown: bool) -> dict[str, Any]:
        own = [each for each in cell if not each.is_duplicate]
        asks = [
            each for each in own if each.purpose in ("case_report", "counselling", "information")
        ]
        hours = [each.hours for each in cell if each.hours is not None]
        counts: dict[str, Any] = {
            "contacts": len(cell),
            "distinct_contacts": len(own),
            "duplicates": len(cell) - len(own),
            "repeats": sum(bool(each.linked) and not each.is_duplicate for each in cell),
            "cases": len({(each.county, each.case) for each in cell if each.case}),
            "cases_opened": sum(each.opens_case for each in cell),
            "three_elements_or_more": sum(int(each.elements or 0) >= 3 for each in own),
            "suspicion_elements_not_known": sum(not each.elements for each in asks),
            "caller_not_known": sum(each.caller in ("", "unknown") for each in own),
            "exploitation_not_known": sum(
                not each.exploitation for each in asks if each.purpose == "case_report"
            ),
            "referrals": sum(each.is_referral for each in cell),
            "referrals_accepted": sum(each.is_accepted for each in cell),
        }
        if is_unknown:
            counts = dict.fromkeys(counts)
        return counts | {"median_hours_to_acceptance": median(hours) if hours else None}

    def referral_flow(self) -> dict[Key, dict[str, Any]]:
        """Return marts.referral_flow by its key."""
        rows: dict[Key, dict[str, Any]] = {}
        for area in self.areas:
            events = [each for each in self.cases.events if area in (each.county, "AL")]
            firsts: dict[tuple[str, str], list[CaseStep]] = defaultdict(list)
            for event in events:
                firsts[event.person, event.event].append(event)
            for month in sorted(self.registers.deadlines):
                said = self.area_coverage("referral", area, month)
                if said is None:
                    continue
                row = _flow(firsts, month) | {"identified_least": 0}
                row["may_fall"] = self.last_gap("referral", area, month) is not None
                row["identified_least"] = 0 if row["may_fall"] else row["identified"]
                row["identified_most"] = row["identified"] if said == "whole" else None
                if said == "none":
                    row |= {name: None for name in row if not name.startswith("median")}
                    row["may_fall"] = False
                row["is_standing_known"] = self._is_history_whole(area, month)
                if not row["is_standing_known"]:
                    row |= {name: None for name in row if name.startswith("standing")}
                rows[area, month] = row | self._covered("referral", area, month)
        return rows

    def _is_history_whole(self, area: str, month: date) -> bool:
        """Return whether all cases up to a month came, of each county that keeps some in it."""
        return all(
            said == "whole"
            for (source, county, at), said in self.covered.items()
            if source == "referral"
            and at <= month
            and (county == area or (area == "AL" and (source, county, month) in self.covered))
        )

    def recorded_counts(self) -> dict[Key, dict[str, Any]]:
        """Return marts.recorded_counts by its key."""
        subjects = list(self._subjects())
        months = sorted(self.registers.deadlines)
        periods = []
        for year in sorted({month.year for month in months}):
            of_year = [month for month in months if month.year == year]
            periods.append((str(year), of_year))
            periods += [(f"{year}-Q{one + 1}", of_year[3 * one : 3 * one + 3]) for one in range(4)]
        rows: dict[Key, dict[str, Any]] = {}
        for source in ("referral", "hotline"):
            homes = {home for of, home, *_ in subjects if of == source}
            for area in [*sorted(homes), "AL"] if homes else []:
                theirs = [
                    each for each in subjects if each[0] == source and area in (each[1], "AL")
                ]
                for period, within in periods:
                    is_quarter = "Q" in period
                    if is_quarter and area != "AL":
                        continue
                    about = self._period(source, area, within, sorted(homes))
                    may_fall = self._may_period_fall(area, within)
                    for subject, dimensions in ASKED[source].items():
                        for dimension in dimensions:
                            if is_quarter and dimension != "total":
                                continue
                            if dimension == "sex_and_age_group" and area != "AL":
                                continue
                            counted: dict[str, int] = defaultdict(int)
                            for _, _, of, day, values in theirs:
                                if of == subject and _month(day) in within:
                                    counted[values.get(dimension) or ""] += 1
                            falls = (
                                about["value"]
                                and source == "referral"
                                and (may_fall or (about["is_part"] and dimension != "total"))
                            )
                            for category in CATEGORIES[dimension]:
                                rows[area, period, subject, dimension, category] = {
                                    name: about[name] for name in about if name != "is_part"
                                } | {
                                    "reporting_month": within[-1],
                                    "may_fall": falls,
                                    "value": counted[category] if about["value"] else None,
                                }
        return rows

    def _may_period_fall(self, area: str, months: Sequence[date]) -> bool:
        """Return whether persons of a period may have come first in a file that is missing."""
        others = {*self.registers.counties} - {area} if area != "AL" else set()
        return any(
            not self._is_history_whole(other, months[-1])
            or self.area_coverage("referral", other, months[-1]) is None
            for other in others
        ) or any(
            self.last_gap("referral", area, month) is not None
            for month in [month for month in months if self.area_coverage("referral", area, month)][
                :1
            ]
        )

    def _period(
        self, source: str, area: str, months: Sequence[date], homes: Sequence[str]
    ) -> dict[str, Any]:
        said = [self.area_coverage(source, area, month) for month in months]
        is_any = any(each in ("whole", "part") for each in said)
        row: dict[str, Any] = {
            "value": is_any,
            "is_part": is_any and said.count("whole") < len(months),
            "is_lower_bound": said.count("whole") < len(months) and (is_any or area == "AL"),
            "counties_reporting": None,
            "counties_expected": None,
            "counties_missing": None,
            "counties": None,
        }
        if area == "AL":
            there = {
                county
                for month in months
                for county, each in self.counties_covered(source, month).items()
                if each != "none"
            }
            row |= {
                "counties_reporting": len(there),
                "counties_expected": len(self.registers.counties),
                "counties_missing": self.registers.missing(there),
                "counties": " ".join(homes),
            }
        return row

    def _subjects(self) -> Iterable[tuple[str, str, str, date, dict[str, str | None]]]:
        """Yield what is counted once: source, county, subject, day, and what it is counted by."""
        steps: dict[tuple[str, str], list[CaseStep]] = defaultdict(list)
        for event in self.cases.events:
            steps[event.person, event.event].append(event)
        for (_, event), same in steps.items():
            day, county = min((each.day, each.county) for each in same)
            first = {
                column: min(
                    ((each.day, getattr(each, column)) for each in same if getattr(each, column)),
                    default=(day, None),
                )[1]
                for column in ("sex", "age", "channel")
            }
            both = f"{first['sex']} {first['age']}"
            yield "referral", county, event, day, {
                "total": "total", "sex": first["sex"], "age_group": first["age"],
                "sex_and_age_group": both, "identification_channel": first["channel"],
            }  # fmt: skip
        for county, contacts in self.logs.contacts.items():
            begun: set[str] = set()
            for contact in contacts:
                by: dict[str, str | None] = {
                    "total": "total", "channel": contact.channel, "purpose": contact.purpose,
                }  # fmt: skip
                subjects = ["hotline_contacts"]
                subjects += ["hotline_referrals"] * contact.is_referral
                subjects += ["hotline_referrals_accepted"] * contact.is_accepted
                if contact.case and contact.case not in begun:
                    begun.add(contact.case)
                    subjects += ["hotline_cases"] * (not contact.is_late_beginning)
                for subject in subjects:
                    yield "hotline", county, subject, contact.at.date(), by

    def revisions(self) -> dict[Key, dict[str, Any]]:
        """Return marts.revisions by its key."""
        of: dict[Key, dict[str, list[tuple[datetime, float | None, bool]]]] = defaultdict(dict)
        for (institution, month), versions in self.reports.versions.items():
            county = self.registers.county_of[institution]
            codes = {code for _, said in versions for code in said}
            for code in codes:
                owed_by = self.reports.owing.get((county, code, month), set())
                if owed_by and institution not in owed_by:
                    continue
                history = [
                    (at, said.get(code, (None, False))[0], code in said) for at, said in versions
                ]
                for area in (county, "AL"):
                    of[area, month, PLAN, code][institution] = history
        rows = {}
        for (area, month, plan, code), histories in of.items():
            rows[area, month, plan, code] = self._revised(histories, month) | self._behind(
                area, code, month
            )
        return rows

    def _behind(self, area: str, code: str, month: date) -> dict[str, Any]:
        reading = self.readings[area, code, month]
        row: dict[str, Any] = {
            "is_lower_bound": not reading.is_month_whole,
            "counties_reporting": None,
            "counties_expected": None,
            "counties_missing": None,
        }
        if area == "AL":
            there = [
                county
                for county in self.registers.counties
                if self.readings[county, code, month].month is not None
            ]
            row |= {
                "counties_reporting": len(there),
                "counties_expected": len(self.registers.counties),
                "counties_missing": self.registers.missing(there),
            }
        return row

    def _revised(
        self, histories: dict[str, list[tuple[datetime, float | None, bool]]], month: date
    ) -> dict[str, Any]:
        """Return how a number moved after what was known at its deadline."""
        moments: dict[datetime, list[bool]] = {}
        for history in histories.values():
            is_there = False
            for at, _, holds in history:
                if holds or is_there:
                    first = next(came for came, _, said in history if said)
                    moments.setdefault(at, []).append(at == first)
                is_there = holds
        known = []
        for at in sorted(moments):
            now = [
                [value for came, value, _ in history if came <= at][-1:]
                for history in histories.values()
            ]
            known.append((at, _sum(value for values in now for value in values)))
        due = [
            place
            for place, (at, _) in enumerate(known)
            if at.date() <= self.registers.deadlines[month]
        ]
        start = due[-1] if due else 0
        later = [
            known[place][0]
            for place in range(start + 1, len(known))
            if known[place][1] != known[place - 1][1]
        ]
        numbers = [value for _, value in known if value is not None]
        last = numbers[-1] if numbers and known[-1][1] is not None else None
        first = known[start][1]
        change = None if last is None or first is None else last - first
        return {
            "first_value": first,
            "first_known_at": known[start][0].replace(tzinfo=None),
            "latest_value": last,
            "latest_known_at": known[-1][0].replace(tzinfo=None),
            "revisions": len(later),
            "late_revisions": sum(any(moments[at]) for at in later),
            "corrected_revisions": sum(not all(moments[at]) for at in later),
            "revision": change,
            "relative_revision": None if change is None or not first else _round(change / first, 4),
        }

    def source_comparison(self) -> dict[Key, dict[str, Any]]:
        """Return marts.source_comparison by its key, but for which of the reasons is likely."""
        rows: dict[Key, dict[str, Any]] = {}
        lengths = {
            (row["institution_code"], row["indicator_code"]): row["frequency"]
            for row in self.registers.given.register("reporting_obligations")
        }
        sources = {
            row["indicator_code"]: row["source"]
            for row in self.registers.given.register("record_indicators")
        }
        named = {"hotline": "hotline_log", "referral": "referral_records"}
        for (county, code, month), owing in self.reports.owing.items():
            answers = [self.reports.answers[county, code][name, month] for name in sorted(owing)]
            frequency = lengths[min(owing), code]
            every = {"monthly": 1, "quarterly": 3, "yearly": 12}[frequency]
            months = MONTHS[MONTHS.index(month) - every + 1 : MONTHS.index(month) + 1]
            said = {"sivet": [self.sivet.get((county, code, at)) for at in months]}
            ends: dict[str, list[Any]] = {"sivet": said["sivet"]}
            leasts: dict[str, list[Any]] = {"sivet": said["sivet"]}
            if code in sources:
                counts = [self.counts.get((county, code, at)) for at in months]
                said[named[sources[code]]] = [count and count.value for count in counts]
                ends[named[sources[code]]] = [count and count.most for count in counts]
                leasts[named[sources[code]]] = [count and count.least for count in counts]
            for source, values in said.items():
                is_there = [
                    (county, code, at) in (self.sivet if source == "sivet" else self.counts)
                    for at in months
                ]
                if not all(is_there):
                    continue
                second = None if None in values else float(sum(values))  # type: ignore[arg-type]
                most = None if None in ends[source] else float(sum(ends[source]))
                least = None if None in leasts[source] else float(sum(leasts[source]))
                first = _sum(answer.value for answer in answers)
                is_whole = all(answer.in_full for answer in answers)
                rows[county, month, PLAN, code, frequency, "submission", source] = self._pair(
                    first, is_whole, second, least, None if second is None else most, False
                )
        for (county, code, month), count in self.counts.items():
            source = named[sources[code]]
            if (county, code, month) in self.sivet:
                other = self.sivet[county, code, month]
                row = self._pair(count.value, count.most is not None, other, other, other, False)
                # The interval is that of the records.
                if count.value is not None and count.least is not None:
                    most = row["second_value_most"] = other + count.value - count.least
                    least = None if count.most is None else other + count.value - count.most
                    row["second_value_least"] = least
                    row["is_lower_bound"] = count.most is None
                    row["difference"] = count.value - min(
                        max(count.value, -math.inf if least is None else least), most
                    )
                    row["is_contradiction"] = row["difference"] != 0
                rows[county, month, PLAN, code, "monthly", source, "sivet"] = row
        for county in self.registers.counties:
            days: dict[str, date] = {}
            for event in self.cases.events:
                if event.county == county and event.channel in ("hotline", "app"):
                    days[event.case] = min(event.day, days.get(event.case, event.day))
            for month in MONTHS:
                came = float(sum(_month(day) == month for day in days.values()))
                count_of = self.counts.get((county, "3.1.2.1", month))
                if not came or count_of is None:
                    continue
                is_all = self.area_coverage("referral", county, month) == "whole"
                is_first = self.last_gap("referral", county, month) is None
                row = self._pair(
                    count_of.value,
                    count_of.most is not None,
                    came,
                    came if is_first else 0.0,
                    came if is_all else None,
                    True,
                )
                key = (county, month, PLAN, "3.1.2.1", "monthly", "hotline_log", "referral_records")
                rows[key] = row
        return rows

    def _pair(
        self,
        first: float | None,
        is_first_whole: bool,
        second: float | None,
        least: float | None,
        most: float | None,
        is_part: bool,
    ) -> dict[str, Any]:
        """Return two values beside each other: a bound contradicts only what lies beyond it."""
        difference = None
        if first is not None and second is not None and least is not None:
            difference = first - min(max(first, least), math.inf if most is None else most)
        is_less = difference is not None and difference < 0 and is_first_whole
        is_more = difference is not None and difference > 0 and not is_part
        return {
            "first_value": first,
            "second_value": second,
            "second_value_least": None if second is None else least,
            "second_value_most": most,
            "difference": difference,
            "is_part": is_part,
            "is_contradiction": is_less or is_more,
            "is_lower_bound": (first is not None and not is_first_whole)
            or (second is not None and most is None),
            "counties_reporting": None,
            "counties_expected": None,
            "counties_missing": None,
        }


def _flow(firsts: dict[tuple[str, str], list[CaseStep]], month: date) -> dict[str, Any]:
    days = {at: min(each.day for each in events) for at, events in firsts.items()}
    came: dict[str, list[str]] = defaultdict(list)
    for (person, event), day in days.items():
        if _month(day) == month:
            came[event].append(person)

    def about(person: str, event: str, column: str) -> Any:
        known = sorted(
            (each.day, getattr(each, column))
            for each in firsts[person, event]
            if getattr(each, column) is not None
        )
        return known[0][1] if known else None

    def lasted(event: str, before: str) -> float | None:
        found = [
            (days[person, event] - days[person, before]).days
            for person in came[event]
            if (person, before) in days and days[person, event] >= days[person, before]
        ]
        return float(median(found)) if found else None

    identified = came["initially_identified"]
    of = {
        column: [about(person, "initially_identified", column) for person in identified]
        for column in ("sex", "age", "channel")
    }
    jobs = [about(person, "employed", "detail") for person in came["employed"]]
    statuses = ("flagged", "initially_identified", "formally_identified", "not_a_victim")
    ends = (month + timedelta(days=32)).replace(day=1)
    standing: dict[str, tuple[date, int]] = {}
    for (person, event), events in firsts.items():
        for each in events:
            if event in statuses and each.day < ends:
                known = (each.day, statuses.index(event))
                standing[person] = max(known, standing.get(person, known))
    places = [reach for _, reach in standing.values()]
    return {
        "flagged": len(came["flagged"]),
        "identified": len(identified),
        **{
            event: len(came[event])
            for event in ("formally_identified", "not_a_victim", "referred", "referral_accepted",
                          "assisted", "referral_declined", "special_protection",
                          "assisted_return", "closed")
        },
        "in_education": len(came["education"]),
        "identified_children": of["age"].count("0-17"),
        "identified_adults": of["age"].count("18+"),
        "identified_age_not_known": of["age"].count(None),
        "identified_female": of["sex"].count("female"),
        "identified_male": of["sex"].count("male"),
        "identified_other_sex": of["sex"].count("other"),
        "identified_sex_not_known": of["sex"].count(None),
        "identified_by_mobile_unit": of["channel"].count("mobile_unit"),
        "identified_by_border": of["channel"].count("border"),
        "identified_by_police": of["channel"].count("police"),
        "identified_by_hotline_or_app": of["channel"].count("hotline") + of["channel"].count("app"),
        "identified_by_others": of["channel"].count("self"),
        "identified_channel_not_known": of["channel"].count(None),
        "employed_self": jobs.count("self_employed"),
        "employed_private": jobs.count("private_sector"),
        "employed_public": jobs.count("public_sector"),
        "employed_not_known": jobs.count(None),
        "median_days_identified_to_referred": lasted("referred", "initially_identified"),
        "median_days_referred_to_assisted": lasted("assisted", "referred"),
        **{f"standing_{status}": places.count(reach) for reach, status in enumerate(statuses)},
    }  # fmt: skip


def _period_code(kind: str, first: date, length: int) -> str:
    number = (first.month - 1) // length + 1
    return {
        "month": f"{first:%Y-%m}",
        "year": f"{first:%Y}",
        "quarter": f"{first:%Y}-Q{number}",
        "four_months": f"{first:%Y}-T{number}",
        "half": f"{first:%Y}-H{number}",
    }[kind]


def _percent(
    actual: float | None, target: float | None, is_read: bool, row: dict[str, str]
) -> float | None:
    if not is_read or row["direction"] != "increase" or not target or actual is None:
        return None
    return _round(100 * actual / target, 1)


def _status(
    reading: BoundedNumber,
    month: date,
    target: float | None,
    previous: float | None,
    direction: str,
    reads_year: bool,
    reads_sum: bool,
) -> str:
    """Return what is certain of a number beside its target."""
    if target is None:
        return "no_target"
    share = month.month / 12
    cases = []
    if reads_year:
        cases.append((reading.ytd, reading.ytd_least, reading.ytd_most, target * share))
    if reads_sum:
        begun = previous or 0
        expected = begun + (target - begun) * share
        cases.append((reading.cum, reading.cum_least, reading.cum_most, expected))
    found = set()
    for actual, least, most, expected in cases:
        if actual is None:
            found.add("no_data")
            continue
        for end in (least, math.inf if most is None else most):
            assert end is not None
            if direction != "increase":
                found.add(
                    "off_track" if end > target else "achieved" if month.month == 12 else "on_track"
                )
            else:
                found.add(
                    "achieved" if end >= target
                    else "on_track" if end >= expected
                    else "at_risk" if end >= 0.75 * expected
                    else "off_track"
                )  # fmt: skip
    return found.pop() if len(found) == 1 else "ambiguous"


# --- comparing -----------------------------------------------------------------------------------

#: A mart's key; its other columns are compared, but for those that the recomputation leaves out.
KEYS = {
    "indicator_progress": ["county_code", "reporting_month", "plan_code", "indicator_code"],
    "period_figures": [
        "county_code", "reporting_month", "period", "plan_code", "indicator_code",
    ],
    "reporting_completeness": ["county_code", "institution_code", "reporting_month"],
    "reporting_status": ["county_code", "institution_code", "reporting_month"],
    "hotline_activity": ["county_code", "reporting_month", "channel", "purpose"],
    "referral_flow": ["county_code", "reporting_month"],
    "recorded_counts": ["county_code", "period", "subject", "dimension", "category"],
    "revisions": ["county_code", "reporting_month", "plan_code", "indicator_code"],
    "source_comparison": [
        "county_code", "reporting_month", "plan_code", "indicator_code", "frequency",
        "first_source", "second_source",
    ],
}  # fmt: skip


#: Columns of referral_flow that count a category: a missing file may have another.
BREAKDOWNS = ("identified_", "employed_")


def differences(
    marts: dict[str, pd.DataFrame], given: Delivered, where: str
) -> tuple[dict[str, int], list[Difference]]:
    """Return how many rows of each mart were compared, and each cell that differs."""
    recomputed = Recomputed(given)
    compared: dict[str, int] = {}
    found: list[Difference] = []
    for table, keys in KEYS.items():
        expected: dict[Key, dict[str, Any]] = getattr(recomputed, table)()
        actual = dict(_keyed(marts[table], keys))
        compared[table] = len(actual)
        for key in expected.keys() ^ actual.keys():
            if table == "reporting_status" and not actual.get(key, {"received": 1})["received"]:
                continue  # A finding alone.
            found.append({"where": where, "table": table, "key": key, "column": "row",
                          "is": key in actual, "should": key in expected})  # fmt: skip
        for key in expected.keys() & actual.keys():
            for column, should in expected[key].items():
                if not _same(actual[key][column], should):
                    found.append({"where": where, "table": table, "key": key, "column": column,
                                  "is": _plain(actual[key][column]), "should": should})  # fmt: skip
    return compared, found


def _keyed(frame: pd.DataFrame, keys: Sequence[str]) -> Iterable[tuple[Key, dict[str, Any]]]:
    for row in frame.to_dict("records"):
        yield tuple(_plain(row[name]) for name in keys), row


def _plain(value: Any) -> Any:
    if value is None or value is pd.NaT or (not isinstance(value, str) and pd.isna(value)):
        return None
    return value.date() if isinstance(value, (pd.Timestamp, datetime)) else value


def _same(actual: Any, should: Any) -> bool:
    if isinstance(should, datetime):
        return bool(actual == should)
    actual = _plain(actual)
    if actual is None or should is None:
        return actual is None and should is None
    if isinstance(should, (int, float)) and not isinstance(should, bool):
        return bool(abs(float(actual) - should) < 1e-6)
    return bool(actual == should)


def beyond_the_truth(
    whole: dict[str, pd.DataFrame], fewer: dict[str, pd.DataFrame], where: str
) -> tuple[dict[str, int], list[Difference]]:
    """Return how many numbers of fewer files were held against those of all, and which are false.

    A number that is no bound must be the one of all files, a bound no more than it, and one that
    may fall no less; what all files give must lie between the ends of an interval.
    """
    found: list[Difference] = []
    held: dict[str, int] = defaultdict(int)

    def hold(table: str, key: Key, column: str, is_held: bool, less: Any, true: Any) -> None:
        held[f"{table}, held against the truth"] += 1
        if not is_held:
            found.append({"where": where, "table": table, "key": key, "column": column,
                          "is": _plain(less), "truth": _plain(true)})  # fmt: skip

    truth = dict(_keyed(whole["indicator_progress"], KEYS["indicator_progress"]))
    for key, row in _keyed(fewer["indicator_progress"], KEYS["indicator_progress"]):
        true = truth[key]
        for column, least, most, is_bound in (
            ("actual_month", "actual_month", "actual_month", row["is_month_lower_bound"]),
            *(
                (name, f"{name}_least", f"{name}_most", pd.isna(row[f"{name}_most"]))
                for name in ("actual_year_to_date", "actual_cumulative")
            ),
        ):
            # Nobody knows of what nobody owes.
            if pd.isna(row[column]) or pd.isna(row["completeness"]):
                continue
            value = true[column]
            low = row[least] <= value + 1e-9
            high = is_bound or value <= row[most] + 1e-9
            same = is_bound or abs(row[column] - value) < 1e-9
            hold("indicator_progress", key, column, low and high and same,
                 (row[least], row[column], row[most], is_bound), value)  # fmt: skip
        if key[0] == "AL" and row["counties_reporting"] < row["counties_expected"]:
            hold("indicator_progress", key, "is_lower_bound", row["is_lower_bound"], 0, 0)
        certain = {row["status"], true["status"]} - {"ambiguous", "no_data"}
        hold("indicator_progress", key, "status",
             row["status"] in ("ambiguous", "no_data") or len(certain) == 1
             or true["status"] == "ambiguous", row["status"], true["status"])  # fmt: skip
    truth = dict(_keyed(whole["source_comparison"], KEYS["source_comparison"]))
    for key, row in _keyed(fewer["source_comparison"], KEYS["source_comparison"]):
        if key not in truth:
            continue
        for column in ("first_value", "second_value"):
            value, true_value = row[column], truth[key][column]
            if not pd.isna(value):
                # Records that may be fewer are in the interval of the value beside them.
                may_fall = (
                    row["second_value_least"] < value
                    if column == "second_value"
                    else row["first_source"] == "referral_records"
                    and row["second_value_most"] > row["second_value"]
                )
                is_held = (may_fall or value <= true_value) and (
                    row["is_lower_bound"] or value >= true_value
                )
                hold("source_comparison", key, column, is_held, value, true_value)
        hold("source_comparison", key, "is_contradiction",
             truth[key]["is_contradiction"] or not row["is_contradiction"],
             row["is_contradiction"], truth[key]["is_contradiction"])  # fmt: skip
    for table in ("hotline_activity", "referral_flow", "recorded_counts"):
        truth = dict(_keyed(whole[table], KEYS[table]))
        skipped = {
            *KEYS[table], "coverage", "is_lower_bound", "is_made_up", "identified_most",
            "counties_reporting", "counties_expected", "counties_missing", "counties",
            "is_standing_known", "may_fall",
        }  # fmt: skip
        for key, row in _keyed(fewer[table], KEYS[table]):
            for column, value in row.items():
                if column in skipped or column.startswith("median"):
                    continue
                if pd.isna(value):
                    continue
                if column == "identified_least":
                    true_value = truth[key]["identified"]
                    hold(table, key, column, value <= true_value, value, true_value)
                    continue
                true_value = truth[key][column]
                may_fall = row.get("may_fall", False) or (
                    row.get("coverage") == "part" and column.startswith(BREAKDOWNS)
                )
                is_held = (may_fall or value <= true_value) and (
                    row["is_lower_bound"] or value >= true_value
                )
                hold(table, key, column, is_held, (value, row["is_lower_bound"]), true_value)
    return dict(held), found
