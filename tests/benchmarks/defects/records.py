"""Contradictions in logs and records, as they are written: each spoils a contact or a case.

Belongs here: what can't be true, in the words of who sees it, where it is planted, and what was
found of it. Not here: any rule (claims.csv has which one ought to find a kind). A year takes one
plant of each kind and more; contacts and cases that were not spoiled show what is found in vain.
"""

import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from pathlib import Path
from random import Random

from deliveries import delivery_of

from defects.forms import Form, Spot, Value
from defects.kinds import Report, Spoiled
from defects.planting import COUNTY, Planted, Tally, build_from_inbox, tells
from orchestration.runtime.database import read_warehouse
from orchestration.runtime.settings import SEEDS, prepare_process
from sources.custody.home import Home
from sources.example.generate import write_example

IDLE = ("prank", "silent", "wrong_number", "test")
DECISIONS = ("initially_identified", "formally_identified")


@dataclass(frozen=True)
class Line:
    """A row of a log or of records."""

    form: Form
    row: int

    def __getitem__(self, heading: str) -> Value:
        return self.form.value(self.row, heading)

    def has(self, heading: str) -> bool:
        return heading in self.form.rows[self.form.top]

    def put(self, heading: str, value: Value) -> Spot:
        return self.form.put(self.row, heading, value)

    @property
    def day(self) -> date:
        """The day of a step."""
        written = self["Data"]
        if isinstance(written, datetime):
            return written.date()
        return written if isinstance(written, date) else date.fromisoformat(str(written))

    @property
    def moment(self) -> datetime:
        """When a contact was received."""
        return datetime.fromisoformat(str(self["Marrë më"]))


#: Spoils one of the rows of a case, or the one row of a contact; None where it gives no chance.
Kind = Callable[[list[Line], Random], Spot | None]
Where = Callable[[Line], object]

CONTACTS: dict[str, Kind] = {}
CASES: dict[str, Kind] = {}


def _is(heading: str, *values: str) -> Where:
    return lambda line: line[heading] in values


def _blank(heading: str) -> Where:
    return lambda line: line.has(heading) and not line[heading]


def _filled(heading: str) -> Where:
    return lambda line: line.has(heading) and line[heading]


def _at_least(heading: str, least: int) -> Where:
    return lambda line: int(str(line[heading] or 0)) >= least if _digits(line[heading]) else False


def _digits(value: Value) -> bool:
    return str(value or 0).isdigit()


def _put(heading: str, values: tuple[Value, ...], *where: Where, **also: Value) -> Kind:
    """Return a kind that writes one of `values` into a row that has what `where` asks.

    `also` are cells of the row that change with it.
    """

    def spoil(lines: list[Line], rng: Random) -> Spot | None:
        fit = [line for line in lines if line.has(heading) and all(each(line) for each in where)]
        if not fit:
            return None
        line = rng.choice(fit)
        for other, value in also.items():
            line.put(other.replace("_", " "), value)
        return line.put(heading, rng.choice([each for each in values if each != line[heading]]))

    return spoil


def _step(*events: str) -> Where:
    return _is("Ngjarja", *events)


CONTACTS |= {
    "prank_with_suspicion": _put("Elemente dyshimi", (1, 2, 4), _is("Qëllimi", *IDLE)),
    "prank_with_exploitation": _put("Shfrytëzimi", ("ForcedLabour",), _is("Qëllimi", *IDLE)),
    "prank_with_a_place": _put("Qarku i ngjarjes", ("AL-04", "AL-01"), _is("Qëllimi", *IDLE)),
    "prank_referred": _put("Referuar te", ("AL-04-POLICIA", "NGO"), _is("Qëllimi", *IDLE)),
    "prank_under_review": _put("Rezultati", ("pending",), _is("Qëllimi", *IDLE)),
    "test_in_a_case": _put("Nr. rastit", ("R-1",), _is("Qëllimi", "prank", "wrong_number", "test")),
    "case_turned_into_a_prank": _put(
        "Qëllimi",
        ("prank", "test"),
        _is("Qëllimi", "case_report"),
        _blank("Përsëritje e"),
        lambda line: not line.has("Dyfishim i") or not line["Dyfishim i"],
    ),
    "silent_call_in_person": _put("Kanali", ("web", "in_person"), _is("Qëllimi", "silent")),
    "strong_suspicion_left_alone": _put(
        "Rezultati",
        ("no_action",),
        _is("Rezultati", "referred"),
        _at_least("Elemente dyshimi", 3),
        Referuar_te="",
        Pranuar_më="",
    ),
    "exploitation_without_an_element": _put(
        "Elemente dyshimi", (0,), _is("Qëllimi", "case_report"), _filled("Shfrytëzimi")
    ),
    "information_on_a_grave_suspicion": _put(
        "Elemente dyshimi", (3, 5), _is("Qëllimi", "information")
    ),
    "referred_case_without_number": _put("Nr. rastit", ("",), _is("Rezultati", "referred")),
    "accepted_by_nobody": _put("Referuar te", ("",), _filled("Pranuar më")),
    "referred_without_action": _put(
        "Rezultati", ("no_action",), _filled("Referuar te"), _is("Rezultati", "referred")
    ),
    "accepted_while_under_review": _put(
        "Rezultati", ("pending",), _filled("Pranuar më"), _is("Rezultati", "referred")
    ),
    "duplicate_with_its_own_outcome": _put("Rezultati", ("no_action",), _filled("Dyfishim i")),
    "line_refers_to_itself": _put(
        "Referuar te", ("hotline",), _filled("Referuar te"), _is("Kanali", "phone_116006")
    ),
    "repeat_came_before_the_first": _put(
        "Marrë më", ("2022-12-29 10:00",), _filled("Përsëritje e")
    ),
    "repeat_of_nobody": _put("Përsëritje e", ("T-99999",), _filled("Përsëritje e")),
    "duplicate_of_nothing": _put("Dyfishim i", ("",), _filled("Dyfishim i")),
    "repeat_in_another_case": _put("Nr. rastit", ("R-99",), _filled("Përsëritje e")),
    "accepted_before_it_came": _put("Pranuar më", ("2022-12-30 09:00",), _filled("Pranuar më")),
    "duplicate_without_the_suspicion": _put(
        "Elemente dyshimi", (0,), _filled("Dyfishim i"), _at_least("Elemente dyshimi", 3)
    ),
    "town_of_another_county": _put(
        "Bashkia", ("Berat", "Tiranë"), _is("Qarku i ngjarjes", "AL-04")
    ),
}


def _contact(spoil: Kind) -> Kind:
    CONTACTS[spoil.__name__] = spoil
    return spoil


def _case(spoil: Kind) -> Kind:
    CASES[spoil.__name__] = spoil
    return spoil


@_contact
def contact_repeats_itself(lines: list[Line], rng: Random) -> Spot | None:
    line = lines[0]
    return line.put("Përsëritje e", line["Nr. kontaktit"]) if line["Përsëritje e"] else None


@_contact
def repeat_and_duplicate_at_once(lines: list[Line], rng: Random) -> Spot | None:
    line = lines[0]
    if not _filled("Dyfishim i")(line):
        return None
    return line.put("Përsëritje e", line["Dyfishim i"])


@_contact
def duplicate_of_a_case_said_to_be_a_prank(lines: list[Line], rng: Random) -> Spot | None:
    line = lines[0]
    return line.put("Qëllimi", "prank") if _filled("Dyfishim i")(line) else None


@_contact
def year_of_a_call_slips(lines: list[Line], rng: Random) -> Spot | None:
    line = lines[0]
    if not line["Pranuar më"]:
        return None
    line.put(
        "Marrë më", f"{line.moment.replace(year=2021, day=min(line.moment.day, 28)):%Y-%m-%d %H:%M}"
    )
    return line.form.place(line.row, line.form.column("Pranuar më"))


CASES |= {
    "sex_of_a_person_changes": lambda lines, rng: _changed(
        lines, rng, "Gjinia", ("female", "male")
    ),
    "citizenship_of_a_person_changes": lambda lines, rng: _changed_last(
        lines, rng, "Shtetësia", ("IT", "GR")
    ),
    "internal_of_a_person_from_abroad": _put(
        "I brendshëm apo ndërkufitar", ("internal",), _is("Qarku i vendbanimit", "jashtë vendit")
    ),
    "channel_of_a_case_changes": lambda lines, rng: _changed(
        lines, rng, "Kanali i identifikimit", ("police", "self", "mobile_unit")
    ),
    "birth_of_a_person_changes": lambda lines, rng: _changed(
        lines, rng, "Datëlindja", ("1969-02-03", "1971-05-06")
    ),
    "number_of_a_person_changes": lambda lines, rng: _changed(
        lines, rng, "Numri personal", ("Z00000901Z", "Z00000902Z")
    ),
    "border_without_a_point": _put("Pika kufitare", ("",), _is("Kanali i identifikimit", "border")),
    "point_without_a_border": _put(
        "Pika kufitare",
        ("kakavije", "rinas_airport"),
        lambda line: line["Kanali i identifikimit"] not in ("border", "", None),
    ),
    "status_by_nobody": _put("Organizata vendimmarrëse", ("",), _step(*DECISIONS)),
    "decider_of_a_step_that_decides_nothing": _put(
        "Organizata vendimmarrëse", ("Police", "NGO"), _step("assisted", "informed", "monitored")
    ),
    "prosecuted_by_an_association": _put(
        "Organizata vendimmarrëse", ("NGO",), _step("prosecuted", "special_protection")
    ),
    "formally_identified_by_an_association": _put(
        "Organizata vendimmarrëse", ("NGO",), _step("formally_identified")
    ),
    "adult_at_the_childrens_unit": _put(
        "Kanali i identifikimit",
        ("child_protection_unit",),
        _step("flagged"),
        _is("Grupmosha", "18+"),
    ),
    "child_labour_of_a_grown_up": _put(
        "Shfrytëzimi", ("ChildLabour",), _step("flagged"), _is("Grupmosha", "18+")
    ),
    "man_exploited_as_surrogate": _put("Shfrytëzimi", ("Surrogacy",), _is("Gjinia", "male")),
    "referred_to_nobody": _put("Organizata pritëse", ("",), _step("referred", "referral_accepted")),
    "support_at_a_step_without_help": _put(
        "Lloji i mbështetjes", ("Health", "Legal"), _step("flagged", "informed", "monitored")
    ),
    "schooling_with_medicine": _put(
        "Lloji i mbështetjes", ("Health", "Accommodation"), _step("education", "employed")
    ),
    "job_at_school": _put("Hollësi", ("self_employed", "private_sector"), _step("education")),
    "employed_at_a_centre": _put("Hollësi", ("in_centre", "school"), _step("employed")),
    "job_of_who_is_only_flagged": _put(
        "Hollësi", ("private_sector",), _step("flagged", "initially_identified")
    ),
    "rehabilitated_from_something_else": _put(
        "Lloji i mbështetjes",
        ("SexualExploitationRehabilitation",),
        _step("assisted"),
        _is("Shfrytëzimi", "ForcedLabour", "ChildLabour"),
    ),
    "recipient_of_what_is_no_referral": _put(
        "Organizata pritëse", ("shelter", "AL-04-SHSSH"), _step("informed", "monitored")
    ),
    "schooling_at_a_doctor": _put(
        "Hollësi",
        ("school", "self_employed"),
        _step("assisted"),
        _is("Lloji i mbështetjes", "Health", "Legal"),
    ),
    "closed_yet_active": _put("Statusi i rastit", ("Active", "FollowUp"), _step("closed")),
    "reason_for_closing_what_stays_open": _put(
        "Arsyeja e mbylljes", ("deceased", "contact_lost"), _step("assisted", "monitored")
    ),
    "referred_on_though_dead": _put(
        "Arsyeja e mbylljes",
        ("deceased", "contact_lost"),
        _step("closed"),
        _is("Statusi i rastit", "ClosedReferred"),
    ),
    "closed_as_no_victim_though_identified": _put(
        "Arsyeja e mbylljes",
        ("not_a_victim",),
        _step("closed"),
        _is("Arsyeja e mbylljes", "reintegrated", "transferred"),
    ),
    "number_of_no_hotline_case": _put(
        "Nr. i rastit në linjë",
        ("R-77777",),
        lambda line: line.day.month > 3,
    ),
    "child_at_work": _put("Ngjarja", ("employed",), _step("education"), _is("Grupmosha", "0-17")),
}


def _changed(lines: list[Line], rng: Random, heading: str, values: tuple[str, ...]) -> Spot | None:
    """Write another value in one row of a person whose other rows, three or more, agree."""
    fit = [
        line
        for line in lines
        if line.has(heading) and line[heading] in (*values, lines[0][heading])
    ]
    fit = [line for line in fit if line[heading] not in ("", None, "refuzon", "unknown")]
    if len(fit) < 4 or len({line[heading] for line in fit}) > 1:
        return None
    line = rng.choice(fit)
    if heading == "Kanali i identifikimit" and line[heading] == "border":
        line.put("Pika kufitare", "")
    return line.put(heading, rng.choice([each for each in values if each != line[heading]]))


def _changed_last(
    lines: list[Line], rng: Random, heading: str, values: tuple[str, ...]
) -> Spot | None:
    """Write another value in the last row of a case that has one, after a row that has one."""
    fit = [line for line in lines if line.has(heading) and line[heading] not in ("", None)]
    if len(fit) < 2 or "refuzon" in {line[heading] for line in fit}:
        return None
    return fit[-1].put(heading, rng.choice(values))


def _first(lines: list[Line], *events: str) -> Line | None:
    return next((line for line in lines if line["Ngjarja"] in events), None)


def _moved(lines: list[Line], event: str, days: int, *before: str) -> Spot | None:
    """Move the first step of a kind to so many days before the first of `before`."""
    line, other = _first(lines, event), _first(lines, *before)
    if line is None or other is None:
        return None
    return line.put("Data", (other.day - timedelta(days=days)).isoformat())


@_case
def grown_up_becomes_a_child(lines: list[Line], rng: Random) -> Spot | None:
    if any(line["Grupmosha"] != "18+" for line in lines) or len(lines) < 5:
        return None
    return rng.choice(lines[3:]).put("Grupmosha", "0-17")


@_case
def grown_up_born_as_a_child(lines: list[Line], rng: Random) -> Spot | None:
    if any(line["Grupmosha"] != "18+" for line in lines):
        return None
    places = [line.put("Datëlindja", "2012-03-04") for line in lines]
    return rng.choice(places)


@_case
def accepted_before_the_case_was_flagged(lines: list[Line], rng: Random) -> Spot | None:
    return _moved(lines, "referral_accepted", rng.randint(1, 9), "flagged")


@_case
def monitored_before_the_case_was_flagged(lines: list[Line], rng: Random) -> Spot | None:
    return _moved(lines, "monitored", rng.randint(1, 9), "flagged")


@_case
def identified_before_the_case_was_flagged(lines: list[Line], rng: Random) -> Spot | None:
    return _moved(lines, "initially_identified", rng.randint(1, 9), "flagged")


@_case
def assisted_before_the_person_was_identified(lines: list[Line], rng: Random) -> Spot | None:
    flagged, known = _first(lines, "flagged"), _first(lines, *DECISIONS)
    if flagged is None or known is None or flagged.day == known.day:
        return None
    line = _first(lines, "assisted")
    return line.put("Data", flagged.day.isoformat()) if line else None


@_case
def accepted_before_it_was_referred(lines: list[Line], rng: Random) -> Spot | None:
    flagged, asked = _first(lines, "flagged"), _first(lines, "referred")
    line = _first(lines, "referral_accepted")
    if flagged is None or asked is None or line is None or flagged.day == asked.day:
        return None
    return line.put("Data", flagged.day.isoformat())


@_case
def accepted_though_never_referred(lines: list[Line], rng: Random) -> Spot | None:
    asked, line = _first(lines, "referred"), _first(lines, "referral_accepted")
    if asked is None or line is None or line["Organizata referuese"] != line["Institucioni"]:
        return None
    # Written as informed, it could be the row before it once more, and the file refused.
    asked.put("Ngjarja", "monitored")
    for heading in ("Organizata referuese", "Organizata pritëse"):
        asked.put(heading, "")
    return line.form.place(line.row, line.form.column("Ngjarja"))


@_case
def accepted_by_who_was_not_asked(lines: list[Line], rng: Random) -> Spot | None:
    asked, line = _first(lines, "referred"), _first(lines, "referral_accepted")
    if asked is None or line is None or line["Organizata referuese"] != line["Institucioni"]:
        return None
    asked.put("Organizata pritëse", "AL-04-POLICIA")
    return line.put("Organizata pritëse", rng.choice(("shelter", "AL-04-SHENDETI")))


@_case
def accepted_and_declined(lines: list[Line], rng: Random) -> Spot | None:
    answer, other = _first(lines, "referral_accepted"), _first(lines, "monitored")
    if answer is None or other is None:
        return None
    for heading in ("Organizata referuese", "Organizata pritëse"):
        other.put(heading, answer[heading])
    return other.put("Ngjarja", "referral_declined")


@_case
def referred_to_itself(lines: list[Line], rng: Random) -> Spot | None:
    line = _first(lines, "referred")
    return line.put("Organizata pritëse", line["Organizata referuese"]) if line else None


@_case
def helped_after_found_to_be_no_victim(lines: list[Line], rng: Random) -> Spot | None:
    known, helped = _first(lines, "initially_identified"), _first(lines, "assisted")
    formal = _first(lines, "formally_identified")
    if known is None or helped is None or formal or known.day >= helped.day:
        return None
    known.put("Ngjarja", "not_a_victim")
    return helped.form.place(helped.row, helped.form.column("Data"))


@_case
def identified_and_cleared_on_one_day(lines: list[Line], rng: Random) -> Spot | None:
    known, other = _first(lines, "initially_identified"), _first(lines, "informed")
    if known is None or other is None:
        return None
    other.put("Data", known["Data"])
    other.put("Organizata vendimmarrëse", known["Organizata vendimmarrëse"])
    return other.put("Ngjarja", "not_a_victim")


@_case
def closed_by_its_status_alone(lines: list[Line], rng: Random) -> Spot | None:
    return None if _first(lines, "closed") else rng.choice(lines).put("Statusi i rastit", "Closed")


@_case
def closed_long_before_it_was(lines: list[Line], rng: Random) -> Spot | None:
    """The step before must be of an earlier day than the last that is open."""
    closed, line = _first(lines, "closed"), _first(lines, "flagged", "initially_identified")
    last = _first(lines, "monitored")
    if closed is None or line is None or last is None or line.day >= last.day:
        return None
    return line.put("Statusi i rastit", "Closed")


@_case
def formally_identified_at_once(lines: list[Line], rng: Random) -> Spot | None:
    line = _first(lines, "initially_identified")
    if line is None or _first(lines, "formally_identified"):
        return None
    return line.put("Ngjarja", "formally_identified")


@_case
def reopened_though_open(lines: list[Line], rng: Random) -> Spot | None:
    line = None if _first(lines, "closed") else _first(lines, "monitored")
    return line.put("Ngjarja", "reopened") if line else None


@_case
def reopened_after_a_death(lines: list[Line], rng: Random) -> Spot | None:
    closed, line = _first(lines, "closed"), _first(lines, "monitored")
    if closed is None or line is None or closed["Statusi i rastit"] != "Closed":
        return None
    closed.put("Arsyeja e mbylljes", "deceased")
    line.put("Data", (closed.day + timedelta(days=1)).isoformat())
    line.put("Statusi i rastit", "Active")
    return line.put("Ngjarja", "reopened")


@_case
def closed_twice(lines: list[Line], rng: Random) -> Spot | None:
    closed, line = _first(lines, "closed"), _first(lines, "monitored")
    if closed is None or line is None:
        return None
    for heading in ("Statusi i rastit", "Arsyeja e mbylljes"):
        line.put(heading, closed[heading])
    line.put("Ngjarja", "closed")
    return closed.form.place(closed.row, closed.form.column("Ngjarja"))


@_case
def assisted_after_closing(lines: list[Line], rng: Random) -> Spot | None:
    closed, line = _first(lines, "closed"), _first(lines, "monitored")
    if closed is None or line is None or closed["Arsyeja e mbylljes"] == "not_a_victim":
        return None
    line.put("Statusi i rastit", "Active")
    return line.put("Data", (closed.day + timedelta(days=1)).isoformat())


@_case
def formally_before_initially(lines: list[Line], rng: Random) -> Spot | None:
    flagged, known = _first(lines, "flagged"), _first(lines, "initially_identified")
    line = _first(lines, "formally_identified")
    if flagged is None or known is None or line is None or flagged.day == known.day:
        return None
    return line.put("Data", flagged.day.isoformat())


@_case
def flagged_by_a_call_that_came_later(lines: list[Line], rng: Random) -> Spot | None:
    line = _first(lines, "flagged")
    if (
        line is None
        or line["Kanali i identifikimit"] not in ("hotline", "app")
        or line.day.month < 4
    ):
        return None
    return line.put("Data", (line.day - timedelta(days=3)).isoformat())


RECORD_KINDS = CONTACTS | CASES


@dataclass(frozen=True)
class SpoiledYear:
    """Logs and records of an inbox by their paths, and what was spoiled of them.

    `numbers` are those of the cases of contacts, before they were spoiled.
    """

    forms: dict[Path, Form]
    contacts: list[list[Line]]
    cases: list[list[Line]]
    numbers: dict[int, Value]
    spoiled: list[tuple[str, list[Line], Spot]]


def spoil_records(home: Home, seed: str, wanted: Counter[str]) -> SpoiledYear:
    """Plant what is `wanted` into the contacts and cases of an inbox."""
    rng = Random(seed)
    logs = _forms(home, "linja", "Nr. kontaktit")
    records = _forms(home, "referime", "Ngjarja") | _forms(home, "policia", "Ngjarja")
    contacts = [[Line(form, row)] for form in logs.values() for row in form.lines]
    cases = _last_of_cases(records)
    numbers = {id(lines): lines[0]["Nr. rastit"] for lines in contacts}
    spoiled = [
        *_spoiled(CONTACTS, contacts, wanted, rng),
        *_spoiled(CASES, cases, wanted, rng),
    ]
    for path, form in (logs | records).items():
        came = path.stat().st_mtime
        path.write_bytes(form.content())
        os.utime(path, (came, came))
    return SpoiledYear(logs | records, contacts, cases, numbers, spoiled)


def plant_records(seed: str, wanted: Counter[str], tally: Tally) -> None:
    """Plant what is `wanted` into the contacts and cases of a year, run, and tally.

    `tally.clean_reports` counts contacts and cases that were not touched, nor linked with one.
    """
    with tempfile.TemporaryDirectory() as folder:
        home = Home(root=Path(folder) / "home", keys=Path(folder) / "keys")
        prepare_process(home)
        write_example(home.inbox, SEEDS, mistakes=(), variant=f"{seed} ")
        year = spoil_records(home, seed, wanted)
        contacts, cases, spoiled = year.contacts, year.cases, year.spoiled
        paths = {id(form): path for path, form in year.forms.items()}
        # A form that is made once more may have another time in it.
        names = {
            id(form): delivery_of(home, path.read_bytes(), path.parent.name)
            for path, form in year.forms.items()
        }
        numbers = year.numbers
        build_from_inbox(home)
        with read_warehouse(home) as connection:
            found = connection.execute(
                "select rule, severity, county_code, institution_code, "
                "strftime(reporting_month, '%Y-%m'), indicator_code, delivery_id, sheet, cell, "
                "row_number, message_en from quality.findings where list_contains(?, delivery_id)",
                [list(names.values())],
            ).fetchall()
    plants = [
        Planted(
            kind,
            Report(paths[id(lines[0].form)], "", date.max, date.max, None),
            Spoiled(None, place),
            frozenset({names[id(lines[0].form)]}),
        )
        for kind, lines, place in spoiled
    ]
    _tally(seed, plants, found, tally)
    touched = {
        (names[id(line.form)], line.row + 1)
        for line in _touched(spoiled, contacts + cases, numbers)
    }
    tally.clean_reports += len(contacts) + len(cases) - len(spoiled)
    tally.false_warnings += [
        f"{seed}: {each[0]} at {each[8]}, row {each[9]}: {each[10]}"
        for each in found
        if (each[6], each[9]) not in touched
    ]


def _forms(home: Home, begins: str, key: str) -> dict[Path, Form]:
    paths = sorted((home.inbox / COUNTY).glob(f"{begins}*"), key=lambda path: path.stat().st_mtime)
    return {path: Form(path, key=key) for path in paths}


def _last_of_cases(records: dict[Path, Form]) -> list[list[Line]]:
    """Return each case's rows in the last file that holds it, where it is the county's no more."""
    cases: dict[tuple[Value, Value], list[Line]] = {}
    for form in records.values():
        of_file: dict[tuple[Value, Value], list[Line]] = defaultdict(list)
        for row in form.lines:
            line = Line(form, row)
            if line.has("Institucioni"):
                of_file[line["Institucioni"], line["Nr. rastit"]].append(line)
        cases |= of_file
    return list(cases.values())


def _spoiled(
    kinds: dict[str, Kind], places: list[list[Line]], wanted: Counter[str], rng: Random
) -> Iterator[tuple[str, list[Line], Spot]]:
    free = rng.sample(places, len(places))
    for name in kinds:
        for lines in [*free] if wanted[name] > 0 else []:
            place = kinds[name](lines, rng)
            if place is not None:
                wanted[name] -= 1
                free.remove(lines)
                yield name, lines, place
            if wanted[name] <= 0:
                break


def _tally(seed: str, plants: list[Planted], found: list[tuple[object, ...]], tally: Tally) -> None:
    for plant in plants:
        tally.planted[plant.kind] += 1
        if any(tells(finding, plant) for finding in found):
            tally.found[plant.kind] += 1
        else:
            place = plant.spoiled.place
            near = [(each[0], each[8]) for each in found if each[9] == place.row]
            tally.missed.append(
                f"{seed}: {plant.kind} at {place.cell} in {plant.report.path.name}: {near}"
            )


def _touched(
    spoiled: list[tuple[str, list[Line], Spot]],
    places: list[list[Line]],
    numbers: dict[int, Value],
) -> Iterator[Line]:
    """Return the rows of what was spoiled, and those that are linked with it, before or since."""
    calls, matters = set(), set()
    for _, lines, _ in spoiled:
        yield from lines
        if lines[0].has("Nr. kontaktit"):
            calls.add(lines[0]["Nr. kontaktit"])
            matters |= {numbers[id(lines)], lines[0]["Nr. rastit"]} - {"", None}
    for line in chain.from_iterable(places):
        named = {line[each] for each in ("Përsëritje e", "Dyfishim i") if line.has(each)}
        cases = {line[each] for each in ("Nr. rastit", "Nr. i rastit në linjë") if line.has(each)}
        if named & calls or cases & matters:
            yield line
