"""Writes a made-up 2023 of counties into an inbox: reports, hotline log, referral records, SIVET.

Belongs here: how the example's files are made. Not here: which counties it has and what goes wrong
in them (counties), reading files, or who owes which indicator (the registers).

The same seeds give the same bytes. Every record is drawn from `random.Random`, with a stream of
its own for each report, so that a changed obligation changes only the reports it concerns.
Nothing describes a real person or event: every file says so, and the columns that identify, which
the door drops or keys, hold fillers such as "EMËR I TRILLUAR DYMBËDHJETË".
"""

import csv
import io
import os
from calendar import monthrange
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import xlsxwriter

from sources.example.counties import FIER, YEAR, ExampleCounty, PlannedMistake
from sources.registers import PERIODS_IN_MONTHS, is_due, national_plans, plan_in, plan_rows

MADE_UP = "SHEMBULL - TË TRILLUARA"
PUBLISHED_FIGURES = (
    Path(__file__).parent.parent / "published_figures" / "published_national_figures.csv"
)


# A usual month's count, by unit; counts of people who were trained or informed are larger than
# counts of people in need.
USUAL_COUNT = {
    "persons": 14,
    "cases": 1,
    "returns": 0.4,
    "monitorings": 2,
    "trainings": 1,
    "campaigns": 1,
    "meetings": 1,
    "reports": 1,
    "materials": 60,
    "businesses": 3,
    "operations": 1,
    "issues": 2,
    "enterprises_and_partnerships": 0.4,
}
USUAL_COUNT_OF_VICTIMS = 1.2
USUAL_COUNT_OF_INDICATOR = {"2.1.3.1": 0.1, "3.1.1.2": 80, "3.1.12.1": 90, "3.1.6.1": 4}
QUARTER_ENDS = (3, 6, 9, 12)

REPORT_HEADINGS = (
    "Kodi i treguesit",
    "Treguesi",
    "Njësia",
    "Ndarja",
    "Vlera",
    "Gjendja",
)
#: What the records count; an indicator of which a year records nothing is 0 all year.
RECORDED_INDICATORS = (
    "2.1.1.1",
    "2.1.2.1",
    "2.1.3.1",
    "2.1.6.1",
    "2.1.9.1",
    "2.1.11.1",
    "2.1.13.2",
    "2.1.15.1",
    "2.1.16.1",
    "2.1.16.2",
    "2.1.18.1",
    "2.1.19.1",
    "3.1.2.1",
)
#: Who keeps SIVET, and what the example takes out of it.
SIVET_KEEPER = "AL-AP"
SIVET_INDICATORS = ("2.1.6.1", "2.1.9.1", "2.1.18.1")
SIVET_HEADINGS = ("Formulari", "Qarku", "Muaji", "Të dhënat", "Kodi i treguesit", "Vlera")
HOTLINE_HEADINGS = (
    "Formulari",
    "Qarku",
    "Të dhënat",
    "Nr. kontaktit",
    "Kanali",
    "Marrë më",
    "Telefonuesi",
    "Qëllimi",
    "Elemente dyshimi",
    "Shfrytëzimi",
    "Referuar te",
    "Pranuar më",
    "Rezultati",
    "Nr. rastit",
    "Përsëritje e",
    "Numri i telefonit",
    "Shënime",
)
REFERRAL_HEADINGS = (
    "Formulari",
    "Qarku",
    "Të dhënat",
    "Nr. rastit",
    "Kodi i personit",
    "Ngjarja",
    "Data",
    "Gjinia",
    "Grupmosha",
    "Organizata vendimmarrëse",
    "Kanali i identifikimit",
    "Shfrytëzimi",
    "Pika kufitare",
    "Organizata referuese",
    "Organizata pritëse",
    "Lloji i mbështetjes",
    "Hollësi",
    "Statusi i rastit",
    "Emri",
    "Datëlindja",
    "Shënime",
)

# From this month on the log and the records come in their second layouts; before it, in the first.
NEW_LAYOUTS_FROM = 4
NEW_HOTLINE_HEADINGS = (
    *HOTLINE_HEADINGS[:10],
    "Qarku i ngjarjes",
    "Bashkia",
    *HOTLINE_HEADINGS[10:15],
    "Dyfishim i",
    "Emri",
    "Numri i telefonit",
    "E-mail",
    "Adresa",
    "Shënime",
)
NEW_REFERRAL_HEADINGS = (
    *REFERRAL_HEADINGS[:2],
    "Institucioni",
    *REFERRAL_HEADINGS[2:4],
    "Nr. i mëparshëm i rastit",
    "Nr. i rastit në linjë",
    *REFERRAL_HEADINGS[4:12],
    "Bashkia",
    *REFERRAL_HEADINGS[12:18],
    "Arsyeja e mbylljes",
    "Emri",
    "Atësia",
    "Mbiemri",
    "Numri personal",
    "Datëlindja",
    "Numri i telefonit",
    "Adresa",
    "E-mail",
    "Shënime",
)
# From this month on the records come in their third layout, which asks more of who is identified.
THIRD_LAYOUT_FROM = 10
THIRD_REFERRAL_HEADINGS = (
    *NEW_REFERRAL_HEADINGS,
    "Shtetësia",
    "I brendshëm apo ndërkufitar",
    "Qarku i vendbanimit",
)
ASKED_AT = ("flagged", "initially_identified", "formally_identified")
# Albanians in their own words, others by code or name.
CITIZENSHIPS = {"shqiptare": 52, "AL": 30, "Kosovë": 5, "RS": 3, "Siri": 4, "UA": 2, "refuzon": 4}
# Most live in the county; the others here.
LIVES_THERE = 60
OTHER_RESIDENCES = {"Vlorë": 14, "AL-11": 12, "Berat": 8, "nuk dihet": 6}
CLOSING_REASONS = {"Closed": "reintegrated", "ClosedReferred": "transferred"}

_UNITS = ("", "NJË", "DY", "TRE", "KATËR", "PESË", "GJASHTË", "SHTATË", "TETË", "NËNTË")
_TENS = ("", "DHJETË", "NJËZET", "TRIDHJETË", "DYZET", *(f"{n}DHJETË" for n in _UNITS[5:]))
_PLAIN = str.maketrans("ËÇ", "EC")

HOTLINE_CASES_A_MONTH = 7
OTHER_CONTACTS_A_MONTH = 39
OTHER_PURPOSES = {
    "information": 30,
    "silent": 22,
    "counselling": 18,
    "prank": 16,
    "wrong_number": 12,
    "test": 2,
}
CALLERS = {"public": 35, "self": 20, "family": 18, "unknown": 15, "ngo": 6, "public_body": 6}
EXPLOITATIONS = {
    "SexualExploitation": 36,
    "ForcedLabour": 24,
    "ForcedBegging": 18,
    "ChildLabour": 12,
    "ForcedMarriage": 6,
    "Servitude": 4,
}
DECIDED_BY = {
    "mobile_unit": "NGO",
    "child_protection_unit": "NonPoliceGovernmentalOrganization",
    "labour_inspection": "NonPoliceGovernmentalOrganization",
    "self": "NonPoliceGovernmentalOrganization",
}
SUPPORT_TYPES = ("SocialCare", "Health", "Legal", "Financial")
REHABILITATION = {
    "SexualExploitation": "SexualExploitationRehabilitation",
    "ForcedLabour": "LabourExploitationRehabilitation",
    "ChildLabour": "LabourExploitationRehabilitation",
}


@dataclass(frozen=True)
class Contact:
    """One contact of the hotline.

    `case`, `repeat_of` (the case's first contact) and `previous` (the one before) are numbers, None
    where there is none.
    """

    received_at: datetime
    channel: str
    caller: str
    purpose: str
    suspicion_elements: int | None
    exploitation: str
    referred_to: str
    accepted_at: datetime | None
    outcome: str
    case: int | None = None
    repeat_of: int | None = None
    number: int = 0
    previous: int | None = None


@dataclass(frozen=True)
class Event:
    """One dated event in the history of one referral case.

    `case_number` and `person` count over the county, as the older layout does; `own_case` and
    `own_person` over `keeper`, the institution that keeps the case.
    """

    case_number: str
    person: int
    event: str
    day: date
    sex: str
    age_group: str
    channel: str
    exploitation: str
    border_point: str
    deciding_organisation: str = ""
    referring_organisation: str = ""
    referred_organisation: str = ""
    support_type: str = ""
    detail: str = ""
    case_status: str = "Active"
    closing_reason: str = ""
    municipality: str = ""
    keeper: str = ""
    own_case: str = ""
    own_person: str = ""


@dataclass(frozen=True)
class Identity:
    """What identifies a made-up person, as one institution wrote it down."""

    given_name: str
    family_name: str
    personal_number: str
    birth_date: str


@dataclass(frozen=True)
class ReportRow:
    """One row of a report. `category` is "" for the total; `value` None where no number stands."""

    indicator_code: str
    name: str
    unit: str
    category: str
    value: int | None
    state: str = ""


def write_example(
    inbox: Path,
    seeds_dir: Path,
    mistakes: Sequence[PlannedMistake] | None = None,
    variant: str = "",
    counties: Sequence[ExampleCounty] = (FIER,),
) -> list[Path]:
    """Write the made-up year of counties, and the published national figures, under `inbox`.

    The figures are as published, and are marked as made up like all else: a nation is made up as a
    whole or real as a whole. `mistakes` are those planned for each county unless others are given;
    with none nothing is wrong with the year. Each `variant` draws figures of its own.

    Files go to a folder a county, `<inbox>/AL-04/`, and to `<inbox>/AL/`; files of the same name
    are replaced. Each file's modification time (UTC) is the moment at which it "arrived", in 2023
    or January 2024. Who owes what is read from `reporting_obligations.csv`, names and units from
    `indicators.csv`, breakdowns from `breakdown_categories.csv` in `seeds_dir`.

    Returns the files written, in the order of their names. Raises FileNotFoundError where one of
    the first two registers is missing, ValueError where a planned mistake names a row or a
    report that the obligations do not give.
    """
    written = [_mark_published(inbox / "AL")]
    for county in counties:
        written += _write_county(inbox / county.code, seeds_dir, county, mistakes, variant)
    return sorted(written)


def _write_county(
    folder: Path,
    seeds_dir: Path,
    county: ExampleCounty,
    mistakes: Sequence[PlannedMistake] | None,
    variant: str,
) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    contacts = _contacts(county, _stream(county, "contacts", variant))
    events = _histories(county, _stream(county, "cases", variant), contacts)
    counted = _counted(contacts, events)
    planned = county.mistakes if mistakes is None else mistakes
    of_county = {each.month: each for each in planned if each.institution_code == county.code}
    others = [each for each in planned if each.institution_code != county.code]
    return [
        *_write_hotline(folder, county, contacts, of_county),
        *_write_referrals(folder, county, events),
        *_write_police_records(folder, county, events),
        *_write_sivet(folder, county, counted, others),
        *_write_reports(folder, seeds_dir, county, counted, others, of_county, variant),
    ]


def _stream(county: ExampleCounty, drawn: str, variant: str = "") -> Random:
    """Return a county's own stream for what is drawn; Fier, the first, has them without a code."""
    of_county = "" if county == FIER else f"{county.code} "
    return Random(f"{variant}{YEAR} {of_county}{drawn}")


# --- what was recorded -------------------------------------------------------------------------


def _contacts(county: ExampleCounty, rng: Random) -> list[Contact]:
    drafts: list[Contact] = []
    for month in county.months:
        for _ in range(round(OTHER_CONTACTS_A_MONTH * county.size) + rng.randint(-5, 5)):
            drafts.append(_other_contact(rng, month))
        for _ in range(round(HOTLINE_CASES_A_MONTH * county.size) + rng.randint(-2, 2)):
            drafts.extend(_contacts_of_case(county, rng, month, case=len(drafts) + 1))
    drafts.sort(key=lambda contact: contact.received_at)

    # Numbers are given as the contacts come in: a repeat points at the case's first contact.
    first_of: dict[int, int] = {}
    last_of: dict[int, int] = {}
    case_number: dict[int, int] = {}
    numbered = []
    for number, draft in enumerate(drafts, start=1):
        if draft.case is None:
            numbered.append(replace(draft, number=number))
            continue
        first = first_of.setdefault(draft.case, number)
        case = case_number.setdefault(draft.case, len(case_number) + 1)
        repeat_of = first if first != number else None
        previous = last_of.get(draft.case)
        last_of[draft.case] = number
        numbered.append(
            replace(draft, number=number, case=case, repeat_of=repeat_of, previous=previous)
        )
    return numbered


def _other_contact(rng: Random, month: int) -> Contact:
    purpose = _pick(rng, OTHER_PURPOSES)
    speaks = purpose in ("information", "counselling")
    return Contact(
        received_at=_moment(rng, month),
        channel="phone_116006" if purpose == "silent" or rng.random() < 0.72 else "app",
        caller=_pick(rng, CALLERS) if speaks else "unknown",
        purpose=purpose,
        # Who says nothing gives no elements to count: that is not the same as none.
        suspicion_elements=0 if speaks else None,
        exploitation="",
        referred_to="",
        accepted_at=None,
        outcome="no_action",
    )


def _contacts_of_case(county: ExampleCounty, rng: Random, month: int, case: int) -> list[Contact]:
    received_at = _moment(rng, month)
    elements = rng.choices((1, 2, 3, 4, 5, 6), (10, 15, 35, 22, 12, 6))[0]
    referred = elements >= 3 or rng.random() < 0.2
    first = Contact(
        received_at=received_at,
        channel="phone_116006" if rng.random() < 0.65 else "app",
        caller=_pick(rng, CALLERS),
        purpose="case_report",
        suspicion_elements=elements,
        exploitation=_pick(rng, EXPLOITATIONS),
        referred_to=_pick(rng, county.referred_to) if referred else "",
        accepted_at=(
            received_at + timedelta(minutes=rng.randint(15, 2_000))
            if referred and rng.random() < 0.9
            else None
        ),
        outcome="referred" if referred else rng.choice(("no_action", "pending")),
        case=case,
    )
    contacts = [first]
    for _ in range(rng.choices((0, 1, 2, 3), (58, 25, 12, 5))[0]):
        again_at = contacts[-1].received_at + timedelta(minutes=rng.randint(60, 20_000))
        if again_at.year > YEAR:
            break
        counselling = rng.random() < 0.25
        contacts.append(
            replace(
                first,
                received_at=again_at,
                channel=first.channel if rng.random() < 0.8 else "phone_116006",
                caller=_pick(rng, CALLERS),
                purpose="counselling" if counselling else "case_report",
                referred_to="",
                accepted_at=None,
                outcome="no_action" if counselling else "duplicate_of",
            )
        )
    return contacts


def _histories(county: ExampleCounty, rng: Random, contacts: Sequence[Contact]) -> list[Event]:
    openings: list[
        tuple[date, str, str, str]
    ] = []  # flagged on, channel, case number, exploitation
    for channel, contact_channel in (("hotline", "phone_116006"), ("app", "app")):
        from_hotline = [
            contact
            for contact in contacts
            if contact.case is not None
            and contact.repeat_of is None
            and contact.channel == contact_channel
            and contact.outcome == "referred"
            and contact.received_at.date() < date(YEAR, 12, 20)
        ]
        for contact in rng.sample(from_hotline, county.cases_of_channel[channel]):
            number = _hotline_case_number(contact.case)
            openings.append((contact.received_at.date(), channel, number, contact.exploitation))

    channels = [
        channel
        for channel, cases in county.cases_of_channel.items()
        if channel not in ("hotline", "app")
        for _ in range(cases)
    ]
    rng.shuffle(channels)
    for position, channel in enumerate(channels):
        month = county.joins + position * len(county.months) // len(channels)
        flagged_on = date(YEAR, month, rng.randint(2, 24))
        number = f"RR-{YEAR}-{position + 1:03d}"
        openings.append((flagged_on, channel, number, _pick(rng, EXPLOITATIONS)))

    events: list[Event] = []
    kept: Counter[str] = Counter()
    for person, (flagged_on, channel, number, exploitation) in enumerate(
        sorted(openings), start=county.persons_after + 1
    ):
        keeper = county.keepers.get(channel, county.police)
        kept[keeper] += 1
        municipality = _pick(Random(f"{YEAR} municipality {person}"), county.municipalities)
        events += [
            replace(
                event,
                municipality=municipality,
                keeper=keeper,
                own_case=f"RR-{YEAR}-{kept[keeper]:03d}",
                own_person=f"P-{YEAR}-{kept[keeper]:03d}",
            )
            for event in _history(county, rng, person, flagged_on, channel, number, exploitation)
        ]
    return events


def _history(
    county: ExampleCounty,
    rng: Random,
    person: int,
    flagged_on: date,
    channel: str,
    number: str,
    exploitation: str,
) -> list[Event]:
    child = (
        channel == "child_protection_unit"
        or exploitation in ("ChildLabour", "ForcedBegging")
        or rng.random() < (0.6 if channel == "border" else 0.25)
    )
    border_point = rng.choice(county.border_points) if channel == "border" else ""
    flagged = Event(
        case_number=number,
        person=person,
        event="flagged",
        day=flagged_on,
        sex=_pick(rng, {"female": 68, "male": 30, "unknown": 2}),
        age_group="0-17" if child else "18+",
        channel=channel,
        exploitation=exploitation,
        border_point=border_point,
    )
    decided_by = DECIDED_BY.get(channel, "Police")
    referring = county.keepers.get(channel, county.police)
    receiving = rng.choice(county.receivers)
    if receiving == referring:
        receiving = county.receiver_instead
    history = [flagged]

    def then(event: str, least: int, most: int, **changed: str) -> None:
        day = history[-1].day + timedelta(days=rng.randint(least, most))
        # Every field that a caller changes is text; the checker cannot see which fields those are.
        step = replace(flagged, event=event, day=day, case_status=history[-1].case_status)
        history.append(replace(step, **changed))  # type: ignore[arg-type]

    prosecuted_first = not child and exploitation == "ForcedLabour" and rng.random() < 0.35
    if prosecuted_first:
        then("prosecuted", 0, 2, deciding_organisation="CourtOrProsecution")
    if rng.random() < 0.1:
        then("not_a_victim", 3, 12, deciding_organisation=decided_by)
        then("closed", 1, 5, case_status="Closed", closing_reason="not_a_victim")
        return _in_year(history)
    then("initially_identified", 0, 4, deciding_organisation=decided_by)
    then("informed", 0, 1)
    between = {"referring_organisation": referring, "referred_organisation": receiving}
    then("referred", 0, 3, **between)
    then("referral_accepted", 0, 4, **between)
    place = rng.choice(("in_centre", "in_community"))
    supports = rng.sample(SUPPORT_TYPES, rng.randint(1, 3))
    if exploitation in REHABILITATION and rng.random() < 0.25:
        supports.append(REHABILITATION[exploitation])
    for support in supports:
        then("assisted", 1, 14, support_type=support, detail=place)
    if rng.random() < 0.1:
        then("special_protection", 1, 10, deciding_organisation="CourtOrProsecution")
    if rng.random() < 0.3:
        formally_by = "CourtOrProsecution" if rng.random() < 0.25 else "Police"
        then("formally_identified", 10, 50, deciding_organisation=formally_by)
    if channel == "border" and rng.random() < 0.4:
        then("assisted_return", 5, 20)
    if child and rng.random() < 0.6:
        then("education", 5, 30, support_type="Education")
    elif not child and rng.random() < 0.35:
        then("employed", 20, 60, detail=rng.choice(("self_employed", "private_sector")))
    then("monitored", 20, 40, case_status="FollowUp")
    if rng.random() < 0.4:
        then("closed", 10, 60, case_status=rng.choice(("Closed", "ClosedReferred")))
    return _in_year(_told_later(history, person))


def _told_later(history: list[Event], person: int) -> list[Event]:
    """Return a history with what only the second layout can say, from its first quarter on.

    The person is drawn for, not the event: what is drawn of others stays as it is.
    """
    rng = Random(f"{YEAR} second layout {person}")
    told = []
    for event in history:
        if event.event == "closed":
            event = replace(event, closing_reason=CLOSING_REASONS[event.case_status])
        elif event.day.month < NEW_LAYOUTS_FROM:
            pass
        elif event.event == "assisted" and event.support_type == "Health" and rng.random() < 0.5:
            event = replace(event, support_type="Psychological")
        elif event.event == "education":
            event = replace(event, detail=rng.choice(("school", "vocational_training")))
        told.append(event)
    last = told[-1]
    # A court may find later that a person who was formally identified is no victim.
    formal = any(event.event == "formally_identified" for event in told)
    if formal and last.event != "closed" and rng.random() < 0.3:
        day = last.day + timedelta(days=rng.randint(5, 20))
        court = "CourtOrProsecution"
        told.append(replace(last, event="not_a_victim", day=day, deciding_organisation=court))
        told.append(
            replace(
                last,
                event="closed",
                day=day + timedelta(days=3),
                case_status="Closed",
                closing_reason="not_a_victim",
            )
        )
    return told


def _in_year(history: Iterable[Event]) -> list[Event]:
    return [event for event in history if event.day.year == YEAR]


def _indicators_of(event: Event, events: Sequence[Event]) -> list[tuple[str, str]]:
    """Return the indicators that an event counts for, each with its category ("" if none)."""
    before = {
        other.event for other in events if other.person == event.person and other.day <= event.day
    }
    found = []
    match event.event:
        case "initially_identified":
            found = [("2.1.9.1", "")]
            if event.channel == "mobile_unit":
                found.append(("2.1.18.1", ""))
            if event.channel == "border" and event.age_group == "0-17":
                found.append(("2.1.6.1", ""))
            if "prosecuted" in before:
                found.append(("2.1.3.1", ""))
        case "assisted":
            found = [("2.1.11.1", ""), ("2.1.13.2", "")]
            if event.support_type in ("Legal", "Psychological"):
                found.append(("2.1.1.1", ""))
            if event.support_type in ("Education", "Livelihood"):
                found.append(("2.1.16.1", ""))
        case "special_protection":
            found = [("2.1.2.1", "")]
        case "assisted_return":
            found = [("2.1.15.1", "")]
        case "education":
            found = [("2.1.16.1", "")]
        case "employed":
            found = [("2.1.16.2", event.detail)]
        case "monitored" if event.age_group == "0-17":
            found = [("2.1.19.1", "")]
    return found


def _counted(
    contacts: Sequence[Contact], events: Sequence[Event]
) -> dict[str, dict[int, Counter[str]]]:
    """What the records say: indicator, month number, category ("" is the total), count."""
    counted: dict[str, dict[int, Counter[str]]] = {
        code: defaultdict(Counter) for code in RECORDED_INDICATORS
    }
    seen: set[tuple[str, int]] = set()
    for event in sorted(events, key=lambda event: event.day):
        for code, category in _indicators_of(event, events):
            counts_each_time = code in ("2.1.15.1", "2.1.19.1")
            if counts_each_time or (code, event.person) not in seen:
                seen.add((code, event.person))
                counted[code][event.day.month].update(("", category) if category else ("",))
    for contact in contacts:
        if contact.case is not None and contact.repeat_of is None:
            category = "hotline" if contact.channel == "phone_116006" else "app"
            counted["3.1.2.1"][contact.received_at.month].update(("", category))
    return counted


# --- the files of records ----------------------------------------------------------------------


def _write_hotline(
    folder: Path,
    county: ExampleCounty,
    contacts: Sequence[Contact],
    mistakes: Mapping[str, PlannedMistake],
) -> list[Path]:
    written = []
    for month in county.months:
        name = f"{YEAR}-{month:02d}"
        mistake = mistakes.get(name)
        if mistake and mistake.kind == "missing":
            continue
        is_new = month >= NEW_LAYOUTS_FROM
        as_row = _new_hotline_row if is_new else _hotline_row
        rows = [
            as_row(county, contact) for contact in contacts if contact.received_at.month == month
        ]
        path = folder / f"linja_{name}.csv"
        headings = NEW_HOTLINE_HEADINGS if is_new else HOTLINE_HEADINGS
        path.write_bytes(_csv_bytes(headings, rows))
        arrived_at = _next_month(month) + timedelta(days=4, hours=9)
        written.append(_arrived(path, _late(month, mistake) if mistake else arrived_at))
    return written


def _hotline_row(county: ExampleCounty, contact: Contact) -> tuple[str | int, ...]:
    return (
        "krat-linja-1",
        county.code,
        MADE_UP,
        _contact_number(contact.number),
        contact.channel,
        f"{contact.received_at:%Y-%m-%d %H:%M}",
        contact.caller,
        contact.purpose,
        "" if contact.suspicion_elements is None else contact.suspicion_elements,
        contact.exploitation,
        contact.referred_to,
        f"{contact.accepted_at:%Y-%m-%d %H:%M}" if contact.accepted_at else "",
        contact.outcome,
        _hotline_case_number(contact.case),
        _contact_number(contact.repeat_of),
        f"NUMËR I TRILLUAR {contact.number}",
        f"SHËNIM I TRILLUAR {contact.number}",
    )


def _new_hotline_row(county: ExampleCounty, contact: Contact) -> tuple[str | int, ...]:
    """A row of the second layout: a duplicate names the record before it, a repeat the first one.

    Some callers decline to say who they are, and some don't know what they saw.
    """
    rng = _stream(county, f"contact {contact.number}")
    old = _hotline_row(county, contact)
    speaks = contact.purpose in ("case_report", "counselling", "information")
    caller = "refuzon" if speaks and rng.random() < 0.08 else contact.caller
    elements = old[8]
    if contact.purpose == "information" and rng.random() < 0.1:
        elements = "nuk dihet"
    reports = contact.purpose == "case_report"
    where = _pick(rng, county.event_counties) if reports else ""
    municipality = _pick(rng, county.municipalities) if where == county.code else ""
    if reports and where != county.code:
        municipality = "nuk dihet"
    is_duplicate = contact.outcome == "duplicate_of"
    return (
        "krat-linja-2",
        *old[1:6],
        caller,
        contact.purpose,
        elements,
        contact.exploitation,
        where,
        municipality,
        *old[10:14],
        "" if is_duplicate else _contact_number(contact.repeat_of),
        _contact_number(contact.previous) if is_duplicate else "",
        f"EMËR I TRILLUAR {contact.number}",
        f"NUMËR I TRILLUAR {contact.number}",
        f"POSTË E TRILLUAR {contact.number}",
        f"ADRESË E TRILLUAR {contact.number}",
        f"SHËNIM I TRILLUAR {contact.number}",
    )


def _write_referrals(folder: Path, county: ExampleCounty, events: Sequence[Event]) -> list[Path]:
    written = []
    for quarter, last_month in enumerate(QUARTER_ENDS, start=1):
        # A case is sent whole whenever something new happened in it, and once more with the first
        # form that says whose it is.
        since = 0 if last_month - 3 < NEW_LAYOUTS_FROM <= last_month else last_month - 3
        stirred = {event.case_number for event in events if since < event.day.month <= last_month}
        sent = [
            event
            for event in events
            if event.case_number in stirred and event.day.month <= last_month
        ]
        if not sent:
            continue
        arrived_at = _next_month(last_month) + timedelta(days=7, hours=10)
        name = f"referime_{YEAR}-T{quarter}"
        if last_month < NEW_LAYOUTS_FROM:
            path = folder / f"{name}.csv"
            path.write_bytes(
                _csv_bytes(REFERRAL_HEADINGS, [_referral_row(county, each) for each in sent])
            )
            written.append(_arrived(path, arrived_at))
            continue
        as_row, headings = _newer_layout(last_month)
        for keeper in sorted({event.keeper for event in sent}):
            rows = [
                as_row(county, event, identity_of(event.person, event.age_group))
                for event in sent
                if event.keeper == keeper
            ]
            if quarter % 2:
                path = folder / f"{name}_{keeper}.csv"
                path.write_bytes(_csv_bytes(headings, rows))
            else:
                path = folder / f"{name}_{keeper}.xlsx"
                path.write_bytes(_xlsx_bytes("Referime", [headings, *rows]))
            written.append(_arrived(path, arrived_at))
    return written


def _newer_layout(
    month: int,
) -> tuple[Callable[[ExampleCounty, Event, Identity], tuple[str | date, ...]], tuple[str, ...]]:
    """Return how a row of records sent after a month is written, and its headings."""
    if month < THIRD_LAYOUT_FROM:
        return _new_referral_row, NEW_REFERRAL_HEADINGS
    return _third_referral_row, THIRD_REFERRAL_HEADINGS


def _referral_row(county: ExampleCounty, event: Event) -> tuple[str | date, ...]:
    return (
        "krat-referim-1",
        county.code,
        MADE_UP,
        event.case_number,
        f"P-{YEAR}-{event.person:03d}",
        event.event,
        event.day,
        event.sex,
        event.age_group,
        event.deciding_organisation,
        event.channel,
        event.exploitation,
        event.border_point,
        event.referring_organisation,
        event.referred_organisation,
        event.support_type,
        event.detail,
        event.case_status,
        f"EMËR I TRILLUAR {event.person}",
        f"DATË E TRILLUAR {event.person}",
        f"SHËNIM I TRILLUAR {event.person}",
    )


def _new_referral_row(
    county: ExampleCounty, event: Event, identity: Identity
) -> tuple[str | date, ...]:
    """A row of the second layout, under the numbers of the institution that keeps the case."""
    rng = Random(f"{YEAR} person {event.person}")
    old = _referral_row(county, event)
    sex = "refuzon" if rng.random() < 0.1 else event.sex
    exploitation = "nuk dihet" if rng.random() < 0.08 else event.exploitation
    # Who was flagged by whom is said from the second layout on.
    decided_by = event.deciding_organisation
    if event.event == "flagged":
        decided_by = DECIDED_BY.get(event.channel, "Police")
    from_hotline = event.channel in ("hotline", "app")
    return (
        "krat-referim-2",
        county.code,
        event.keeper,
        MADE_UP,
        event.own_case,
        event.case_number,
        event.case_number if from_hotline else "",
        event.own_person,
        event.event,
        event.day,
        sex,
        event.age_group,
        decided_by,
        event.channel,
        exploitation,
        event.municipality,
        *old[12:18],
        event.closing_reason,
        identity.given_name,
        f"EMËR I TRILLUAR {event.person}",
        identity.family_name,
        identity.personal_number,
        identity.birth_date,
        f"NUMËR I TRILLUAR {event.person}",
        f"ADRESË E TRILLUAR {event.person}",
        f"POSTË E TRILLUAR {event.person}",
        f"SHËNIM I TRILLUAR {event.person}",
    )


def _third_referral_row(
    county: ExampleCounty, event: Event, identity: Identity
) -> tuple[str | date, ...]:
    """A row of the third layout: what is asked of a person only where the person is identified."""
    rng = Random(f"{YEAR} asked of {event.person}")
    citizenship = _pick(rng, CITIZENSHIPS)
    is_foreign = citizenship not in ("shqiptare", "AL", "refuzon")
    crossed = is_foreign or event.channel == "border" or rng.random() < 0.2
    lives = {county.code: LIVES_THERE} | {
        place: weight for place, weight in OTHER_RESIDENCES.items() if place != county.code
    }
    residence = "jashtë vendit" if is_foreign else _pick(rng, lives)
    asked = (citizenship, "ndërkufitar" if crossed else "i brendshëm", residence)
    old = _new_referral_row(county, event, identity)
    return ("krat-referim-3", *old[1:], *(asked if event.event in ASKED_AT else ("", "", "")))


def _write_police_records(
    folder: Path, county: ExampleCounty, events: Sequence[Event]
) -> list[Path]:
    """Write what the police hold of the persons whom they know too, in cases of their own.

    Of whom the police keep the case anyway they have no other.
    """
    known = {entry.person: entry for entry in county.known_to_police}
    written = []
    for quarter, last_month in enumerate(QUARTER_ENDS, start=1):
        if last_month < NEW_LAYOUTS_FROM:
            continue
        since = 0 if last_month - 3 < NEW_LAYOUTS_FROM else last_month - 3
        as_row, headings = _newer_layout(last_month)
        rows = []
        for event in events:
            if (
                event.person in known
                and event.keeper != county.police
                and event.event in ("flagged", "prosecuted", "initially_identified")
                and since < event.day.month <= last_month
            ):
                own = replace(
                    event,
                    keeper=county.police,
                    case_number="",
                    own_case=f"PO-{YEAR}-{event.person:03d}",
                    own_person=f"P-{YEAR}-PO-{event.person:03d}",
                )
                identity = identity_of(event.person, event.age_group)
                rows.append(as_row(county, own, _by_police(identity, known[event.person].written)))
        if not rows:
            continue
        path = folder / f"policia_{YEAR}-T{quarter}.csv"
        path.write_bytes(_csv_bytes(headings, rows))
        written.append(_arrived(path, _next_month(last_month) + timedelta(days=8, hours=9)))
    return written


def identity_of(person: int, age_group: str) -> Identity:
    """Return what identifies a made-up person: nobody is called or numbered so."""
    rng = Random(f"{YEAR} birth of {person}")
    first, last = (2007, 2015) if age_group == "0-17" else (1975, 2003)
    born = date(rng.randint(first, last), rng.randint(1, 12), rng.randint(1, 28))
    return Identity(
        given_name=f"EMËR I TRILLUAR {_numeral(person)}",
        family_name=f"MBIEMËR I TRILLUAR {_numeral(person)}",
        personal_number=f"Z{person:08}Z",
        birth_date=born.isoformat(),
    )


def _by_police(identity: Identity, written: str) -> Identity:
    born = date.fromisoformat(identity.birth_date)
    changed = {
        "same": {},
        "accents": {
            "given_name": identity.given_name.translate(_PLAIN).title(),
            "family_name": identity.family_name.translate(_PLAIN).title(),
            "personal_number": "",
            "birth_date": f"{born:%d.%m.%Y}",
        },
        "sound": {
            "given_name": identity.given_name.replace("GJ", "XH"),
            "personal_number": "",
        },
        "swapped": {
            "given_name": identity.family_name,
            "family_name": identity.given_name,
            "personal_number": "",
        },
        "number_only": {"given_name": "", "family_name": "", "birth_date": ""},
        "no_birth_date": {"personal_number": "", "birth_date": ""},
        "year_only": {"personal_number": "", "birth_date": f"{born:%Y}"},
        "other_day": {
            "personal_number": "",
            "birth_date": born.replace(day=born.day % 28 + 1).isoformat(),
        },
        "other_family_name": {
            "family_name": "MBIEMËR TJETËR I TRILLUAR",
            "personal_number": "",
        },
    }[written]
    return replace(identity, **changed)


def _numeral(number: int) -> str:
    """Return a number below 1000 in Albanian words: a name with digits is none to the door."""
    hundreds, rest = divmod(number, 100)
    tens, units = divmod(rest, 10)
    if tens == 1:
        below = [f"{_UNITS[units]}MBËDHJETË" if units else "DHJETË"]
    else:
        below = [_TENS[tens], _UNITS[units]]
    parts = [f"{_UNITS[hundreds]}QIND" if hundreds else "", *below]
    return " E ".join(part for part in parts if part)


def _write_sivet(
    folder: Path,
    county: ExampleCounty,
    counted: dict[str, dict[int, Counter[str]]],
    mistakes: Sequence[PlannedMistake],
) -> list[Path]:
    entered = {
        (code, month): counted[code][month][""]
        for code in SIVET_INDICATORS
        for month in county.months
    }
    for mistake in mistakes:
        if mistake.kind == "late_entry" and mistake.indicator_code:
            month = int(mistake.month[-2:])
            entered[mistake.indicator_code, month] -= 1
            entered[mistake.indicator_code, month + 1] += 1
    written = []
    for month in county.months:
        rows = [
            (
                "krat-sivet-1",
                county.code,
                f"{YEAR}-{month:02d}",
                MADE_UP,
                code,
                entered[code, month],
            )
            for code in SIVET_INDICATORS
        ]
        path = folder / f"sivet_{YEAR}-{month:02d}.csv"
        path.write_bytes(_csv_bytes(SIVET_HEADINGS, rows))
        written.append(_arrived(path, _next_month(month) + timedelta(days=8, hours=10)))
    return written


def _mark_published(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / PUBLISHED_FIGURES.name
    headings, *rows = PUBLISHED_FIGURES.read_text(encoding="utf-8").splitlines()
    marked = [f"{headings},data", *(f"{row},{MADE_UP}" for row in rows)]
    path.write_text("\n".join(marked) + "\n", encoding="utf-8")
    return _arrived(path, datetime(YEAR, 7, 1, tzinfo=UTC))


# --- the institutions' reports -----------------------------------------------------------------


def _write_reports(
    folder: Path,
    seeds_dir: Path,
    county: ExampleCounty,
    counted: dict[str, dict[int, Counter[str]]],
    mistakes: Sequence[PlannedMistake],
    of_county: Mapping[str, PlannedMistake],
    variant: str,
) -> list[Path]:
    plan_code = plan_in(national_plans(seeds_dir), date(YEAR, 1, 1))
    obligations = [
        row
        for row in plan_rows(seeds_dir, "reporting_obligations", plan_code)
        if row["institution_code"].startswith(f"{county.code}-")
    ]
    indicators = {
        row["indicator_code"]: row for row in plan_rows(seeds_dir, "indicators", plan_code)
    }
    breakdowns: dict[str, list[dict[str, str]]] = defaultdict(list)
    if (seeds_dir / "breakdown_categories.csv").exists():
        for row in plan_rows(seeds_dir, "breakdown_categories", plan_code):
            breakdowns[row["indicator_code"]].append(row)

    plan = {
        (mistake.institution_code, mistake.month): mistake
        for mistake in mistakes
        if mistake.institution_code != SIVET_KEEPER
    }
    written: list[Path] = []
    for institution in sorted({row["institution_code"] for row in obligations}):
        for month in range(1, 13):
            rows: list[ReportRow] = []
            for owed in obligations:
                code = owed["indicator_code"]
                if owed["institution_code"] == institution and is_due(owed, date(YEAR, month, 1)):
                    known = None
                    if code in counted:
                        first = month - PERIODS_IN_MONTHS[owed["frequency"]] + 1
                        known = sum(
                            (counted[code][each] for each in range(first, month + 1)), Counter()
                        )
                    rng = Random(f"{variant}{YEAR} {institution} {month} {code}")
                    rows += _rows_of(
                        county.size,
                        rng,
                        indicators[code],
                        owed["frequency"],
                        month,
                        breakdowns[code],
                        known,
                    )
            if not rows:
                continue
            name = f"{YEAR}-{month:02d}"
            mistake = plan.pop((institution, name), None) or of_county.get(name)
            written += _write_report(folder, county, institution, month, rows, mistake)
    if plan:
        raise ValueError(
            "No obligation gives a report for the planned mistakes of "
            + ", ".join(f"{institution} {month}" for institution, month in sorted(plan))
        )
    return written


def _rows_of(
    size: float,
    rng: Random,
    indicator: dict[str, str],
    frequency: str,
    month: int,
    breakdown: Sequence[dict[str, str]],
    known: Counter[str] | None,
) -> list[ReportRow]:
    total = _draw(size, rng, indicator, frequency, month) if known is None else known[""]
    row = ReportRow(indicator["indicator_code"], indicator["name_sq"], indicator["unit"], "", total)
    names = [category["category"] for category in breakdown]
    if known is not None and names and sum(known[name] for name in names) == total:
        parts = [known[name] for name in names]
    elif any(category["breakdown_kind"] == "partition" for category in breakdown):
        parts = _split(rng, total, len(names))
    else:
        parts = [rng.randint(0, total) for _ in names]
    rows = [row, *(replace(row, category=n, value=p) for n, p in zip(names, parts, strict=True))]
    return [_with_state(row) for row in rows]


def _draw(size: float, rng: Random, indicator: dict[str, str], frequency: str, month: int) -> int:
    """A plausible count for the period: whole, not negative."""
    code, basis = indicator["indicator_code"], indicator["target_basis"]
    if basis == "milestone":
        return int(month == 12)
    if basis == "level":
        return round(size * (8 + Random(f"{YEAR} level {code}").randint(0, 6)))
    usual = USUAL_COUNT_OF_INDICATOR.get(code)
    if usual is None:
        of_victims = indicator["is_person_sensitive"] == "true"
        usual = USUAL_COUNT.get(indicator["unit"], 1)
        usual = min(usual, USUAL_COUNT_OF_VICTIMS) if of_victims else usual
    usual *= size * {"monthly": 1, "quarterly": 2, "yearly": 5}[frequency]
    return max(0, round(usual * rng.uniform(0.3, 1.5) + rng.uniform(-0.5, 0.5)))


def _split(rng: Random, total: int, parts: int) -> list[int]:
    drawn = Counter(rng.randrange(parts) for _ in range(total))
    return [drawn[part] for part in range(parts)]


def _with_state(row: ReportRow) -> ReportRow:
    return replace(row, state="zero" if row.value == 0 else "")


def _write_report(
    folder: Path,
    county: ExampleCounty,
    institution: str,
    month: int,
    rows: Sequence[ReportRow],
    mistake: PlannedMistake | None,
) -> list[Path]:
    rng = Random(f"{YEAR} {institution} {month} arrival")
    arrived_at = _next_month(month) + timedelta(
        days=rng.randint(1, 8), hours=rng.randint(7, 14), minutes=rng.randint(0, 59)
    )
    suffix = "csv" if institution in county.csv_institutions else "xlsx"
    path = folder / f"{institution}_{YEAR}-{month:02d}.{suffix}"
    content = _report_bytes(county.code, institution, f"{YEAR}-{month:02d}", rows, suffix)
    if mistake is None:
        path.write_bytes(content)
        return [_arrived(path, arrived_at)]

    match mistake.kind:
        case "missing":
            return []
        case "late":
            arrived_at = _late(month, mistake)
        case "early":
            arrived_at = datetime(YEAR, month, 28, 9, tzinfo=UTC)
        case "wrong_month":
            content = _report_bytes(
                county.code, institution, f"{YEAR + 1}-{month:02d}", rows, suffix
            )
        case "unreadable":
            content = f"{MADE_UP}\nKy skedar është tekst, jo fletë pune.\n".encode()
        case "duplicate" | "corrected":
            pass
        case _:
            content = _report_bytes(
                county.code, institution, f"{YEAR}-{month:02d}", _spoiled(rows, mistake), suffix
            )

    again_at = arrived_at + timedelta(days=mistake.days)
    if mistake.kind == "duplicate":
        path.write_bytes(content)
        copy = path.with_stem(f"{path.stem}_kopje")
        copy.write_bytes(content)
        return [_arrived(path, arrived_at), _arrived(copy, again_at)]
    if mistake.kind == "corrected":
        mended = path.with_stem(f"{path.stem}_v2")
        mended.write_bytes(content)
        first_try = _spoiled(rows, mistake)
        path.write_bytes(
            _report_bytes(county.code, institution, f"{YEAR}-{month:02d}", first_try, suffix)
        )
        return [_arrived(path, arrived_at), _arrived(mended, again_at)]
    path.write_bytes(content)
    return [_arrived(path, arrived_at)]


def _spoiled(rows: Sequence[ReportRow], mistake: PlannedMistake) -> list[ReportRow]:
    """The rows as the mistake leaves them. Raises ValueError if they lack the row it strikes."""
    struck = mistake.indicator_code or rows[0].indicator_code
    if struck not in {row.indicator_code for row in rows}:
        raise ValueError(f"{mistake.institution_code} does not owe {struck} for {mistake.month}.")
    last = [row for row in rows if row.indicator_code == struck][-1]

    def change(row: ReportRow) -> ReportRow:
        match mistake.kind:
            case "zero":
                return replace(row, value=0, state="zero")
            case _ if row.indicator_code != struck:
                return row
            case "wrong_code":
                return replace(row, indicator_code="9.9.9.9")
            case "blank":
                return replace(row, value=None, state="")
            case "unknown":
                return replace(row, value=None, state="nuk dihet")
            case "not_applicable":
                return replace(row, value=None, state="nuk zbatohet")
            case "refused":
                return replace(row, value=None, state="refuzuar")
            # A wrong total takes its last part along, so that it still adds up.
            case "disagrees" | "corrected" if row.category == "" or row is last:
                return _with_state(replace(row, value=(row.value or 0) + 2))
            case "breakdown" if row is last and row.category:
                return _with_state(replace(row, value=(row.value or 0) + 1))
        return row

    return [change(row) for row in rows]


def _report_bytes(
    county_code: str, institution: str, month: str, rows: Sequence[ReportRow], suffix: str
) -> bytes:
    cells = [
        (row.indicator_code, row.name, row.unit, row.category, row.value, row.state) for row in rows
    ]
    head = (
        ("Formulari", "krat-raport-1"),
        ("Qarku", county_code),
        ("Institucioni", institution),
        ("Muaji", month),
        ("Të dhënat", MADE_UP),
    )
    if suffix == "csv":
        headings = (*(label for label, _ in head), *REPORT_HEADINGS)
        return _csv_bytes(headings, [(*(value for _, value in head), *row) for row in cells])
    return _xlsx_bytes("Raporti", [*head, REPORT_HEADINGS, *cells])


# --- bytes and times ---------------------------------------------------------------------------


def _csv_bytes(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(headings)
    writer.writerows(rows)
    return text.getvalue().encode()


def _xlsx_bytes(sheet_name: str, rows: Iterable[Sequence[object]]) -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as workbook:
        # xlsxwriter would put the present moment in: the same seeds must give the same bytes.
        workbook.set_properties({"created": datetime(YEAR, 1, 1), "comments": MADE_UP})
        day_format = workbook.add_format({"num_format": "yyyy-mm-dd"})
        sheet = workbook.add_worksheet(sheet_name)
        for row_number, row in enumerate(rows):
            for column, value in enumerate(row):
                if isinstance(value, date):
                    sheet.write_datetime(row_number, column, value, day_format)
                elif isinstance(value, int):
                    sheet.write_number(row_number, column, value)
                elif value:
                    sheet.write_string(row_number, column, str(value))
    return target.getvalue()


def _arrived(path: Path, moment: datetime) -> Path:
    os.utime(path, (moment.timestamp(), moment.timestamp()))
    return path


def _late(month: int, mistake: PlannedMistake) -> datetime:
    """Return when a late file comes: the deadline is the 10th."""
    return _next_month(month) + timedelta(days=9 + mistake.days, hours=11)


def _next_month(month: int) -> datetime:
    return datetime(YEAR + month // 12, month % 12 + 1, 1, tzinfo=UTC)


def _moment(rng: Random, month: int) -> datetime:
    day = rng.randint(1, monthrange(YEAR, month)[1])
    return datetime(YEAR, month, day, rng.randint(0, 23), rng.randint(0, 59))


def _pick(rng: Random, weights: Mapping[str, int]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


def _contact_number(number: int | None) -> str:
    return "" if number is None else f"K-{YEAR}-{number:04d}"


def _hotline_case_number(case: int | None) -> str:
    return "" if case is None else f"RL-{YEAR}-{case:03d}"
