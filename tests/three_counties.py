"""Three counties that report for a year, with everything delivered or a part left out at random.

Belongs here: the registers of the two further counties, drawing what all three deliver, leaving
some of it out, and refreshing with the rest. Not here: what the marts should then hold
(recomputed.py).

    python tests/three_counties.py SEED...

runs in a copy of the project, to whose registers it adds the two counties, and prints as JSON what
differs from the recomputation.
"""

import csv
import io
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pandas as pd
from recomputed import KEYS, Delivered, Difference, beyond_the_truth, differences

from orchestration.ingestion.door import take_in
from orchestration.linkage.link import link_persons
from orchestration.runtime.clock import today
from orchestration.runtime.database import read_warehouse
from orchestration.runtime.settings import SEEDS, prepare_process
from orchestration.warehouse.build import build_warehouse
from orchestration.warehouse.load import load_raw
from sources.custody.home import Home
from sources.registers import load_registers

PLAN = "PKV-2021-2023"
MADE_UP = "SHEMBULL - TË TRILLUARA"
COUNTIES = ("AL-04", "AL-05", "AL-12")

#: Institutions of the further counties, each like one of Fier; a bashki is of its county.
INSTITUTIONS = {
    "AL-05-POLICIA": "AL-04-POLICIA",
    "AL-05-SHSSH": "AL-04-SHSSH",
    "AL-05-B-GJIROKASTER": "AL-04-B-FIER",
    "AL-05-PREFEKTI": "AL-04-PREFEKTI",
    "AL-05-PUNESIMI": "AL-04-PUNESIMI",
    "AL-12-POLICIA": "AL-04-POLICIA",
    "AL-12-ARSIMI": "AL-04-ARSIMI",
}

#: What they owe: institution, indicator, how often, from and to. Some obligations begin or end
#: within the year, some are as old as the plan; a level, milestones and parts are among them.
OBLIGATIONS = [
    ("AL-05-POLICIA", "2.1.9.1", "monthly", "2023-01-01", "2023-12-31"),
    ("AL-05-POLICIA", "3.1.2.1", "monthly", "2023-04-01", "2023-12-31"),
    ("AL-05-SHSSH", "2.1.9.1", "monthly", "2023-01-01", "2023-12-31"),
    ("AL-05-SHSSH", "2.1.18.1", "monthly", "2023-01-01", "2023-12-31"),
    ("AL-05-SHSSH", "2.1.19.1", "quarterly", "2023-01-01", "2023-12-31"),
    ("AL-05-SHSSH", "3.1.1.2", "monthly", "2023-01-01", "2023-06-30"),
    ("AL-05-B-GJIROKASTER", "3.1.1.2", "monthly", "2023-01-01", "2023-06-30"),
    ("AL-05-B-GJIROKASTER", "2.2.2.1", "monthly", "2023-01-01", "2023-12-31"),
    ("AL-05-B-GJIROKASTER", "3.1.6.1", "yearly", "2023-01-01", "2023-12-31"),
    ("AL-05-PREFEKTI", "2.1.7.1", "quarterly", "2023-01-01", "2023-12-31"),
    ("AL-05-PREFEKTI", "3.1.1.1", "quarterly", "2023-01-01", "2023-12-31"),
    ("AL-05-PREFEKTI", "1.1.6.1", "monthly", "2023-01-01", "2023-12-31"),
    ("AL-05-PREFEKTI", "3.1.8.1", "monthly", "2023-01-01", "2023-12-31"),
    ("AL-05-PUNESIMI", "2.1.16.2", "monthly", "2023-01-01", "2023-12-31"),
    ("AL-12-POLICIA", "2.1.9.1", "monthly", "2021-01-01", "2023-12-31"),
    ("AL-12-POLICIA", "3.1.2.1", "monthly", "2021-01-01", "2023-12-31"),
    ("AL-12-ARSIMI", "3.1.12.1", "monthly", "2022-01-01", "2023-12-31"),
    ("AL-12-ARSIMI", "3.1.13.1", "quarterly", "2021-01-01", "2023-12-31"),
    ("AL-12-ARSIMI", "2.2.2.1", "quarterly", "2021-01-01", "2023-12-31"),
]

#: Who owes the log and the cases; in the third county nobody does, and they come all the same.
RECORD_OBLIGATIONS = [
    ("hotline", "AL-05-POLICIA", "monthly", "2023-01-01", "2023-12-31"),
    ("referral", "AL-05-POLICIA", "quarterly", "2023-01-01", "2023-12-31"),
    ("referral", "AL-05-SHSSH", "monthly", "2023-01-01", "2023-12-31"),
]

#: Targets of one of the counties, so that each status of its own can be asked for.
TARGETS = [
    ("2.1.9.1", 2023, 120), ("2.1.18.1", 2023, 30), ("3.1.1.1", 2023, 9), ("2.2.2.1", 2023, 4),
    ("2.1.7.1", 2023, 1), ("1.1.6.1", 2023, 0), ("2.1.16.2", 2023, 40), ("3.1.6.1", 2023, 2),
]  # fmt: skip

#: Who keeps cases, and how many months its files are apart.
KEEPERS = {
    "AL-04-POLICIA": 3, "AL-04-SHSSH": 3, "AL-04-DVKM": 3, "AL-04-B-FIER": 3,
    "AL-05-POLICIA": 3, "AL-05-SHSSH": 1, "AL-12-POLICIA": 3,
}  # fmt: skip

SIVET_INDICATORS = ("2.1.9.1", "2.1.18.1")

REPORT_HEADINGS = (
    "Formulari", "Qarku", "Institucioni", "Muaji", "Të dhënat", "Kodi i treguesit", "Ndarja",
    "Vlera", "Gjendja",
)  # fmt: skip
LOG_HEADINGS = (
    "Formulari", "Qarku", "Të dhënat", "Nr. kontaktit", "Kanali", "Marrë më", "Telefonuesi",
    "Qëllimi", "Elemente dyshimi", "Shfrytëzimi", "Referuar te", "Pranuar më", "Rezultati",
    "Nr. rastit", "Përsëritje e", "Dyfishim i",
)  # fmt: skip
CASE_HEADINGS = (
    "Formulari", "Qarku", "Institucioni", "Të dhënat", "Nr. rastit", "Kodi i personit", "Ngjarja",
    "Data", "Gjinia", "Grupmosha", "Organizata vendimmarrëse", "Kanali i identifikimit",
    "Lloji i mbështetjes", "Hollësi", "Emri", "Mbiemri", "Numri personal", "Datëlindja",
    "Shfrytëzimi", "Pika kufitare", "Organizata referuese", "Organizata pritëse",
    "Statusi i rastit",
)  # fmt: skip
SIVET_HEADINGS = ("Formulari", "Qarku", "Muaji", "Të dhënat", "Kodi i treguesit", "Vlera")


@dataclass(frozen=True)
class DrawnFile:
    """A file: where it goes, what it is (report, log, cases, sivet, figures), and its lines.

    `of` names what is left out as a whole: an institution's month, a county's log, a sender's file.
    """

    county_code: str
    kind: str
    of: tuple[str, ...]
    headings: tuple[str, ...]
    lines: list[tuple[Any, ...]] = field(hash=False)
    received_at: datetime

    def content(self) -> bytes:
        """Return the file as CSV."""
        text = io.StringIO()
        writer = csv.writer(text, delimiter=";", lineterminator="\n")
        writer.writerow(self.headings)
        writer.writerows(self.lines)
        return text.getvalue().encode()


# --- registers ---------------------------------------------------------------------------------


def add_counties(seeds: Path) -> None:
    """Add the two further counties, and what they owe, to the registers in a folder."""
    like = {row["institution_code"]: row for row in _rows(seeds, "institutions")}
    _append(
        seeds,
        "institutions",
        [
            like[other]
            | {
                "institution_code": code,
                "county_code": code[:5],
                "seat_county_code": code[:5],
                "name_sq": f"{like[other]['name_sq']} ({code[:5]})",
                "name_en": f"{like[other]['name_en']} ({code[:5]})",
                "municipality_name": "Gjirokastër" if "-B-" in code else "",
                "abbreviation": "",
            }
            for code, other in INSTITUTIONS.items()
        ],
    )
    _append(
        seeds,
        "reporting_obligations",
        [
            {
                "institution_code": institution,
                "plan_code": PLAN,
                "indicator_code": indicator,
                "frequency": frequency,
                "valid_from": valid_from,
                "valid_to": valid_to,
                "recorded_from": valid_from,
                "basis": "proposed: made up",
            }
            for institution, indicator, frequency, valid_from, valid_to in OBLIGATIONS
        ],
    )
    columns = ("source", "institution_code", "frequency", "valid_from", "valid_to", "basis")
    _append(
        seeds,
        "record_obligations",
        [
            dict(zip(columns, (*row, "proposed: made up"), strict=True))
            for row in RECORD_OBLIGATIONS
        ],
    )
    _append(
        seeds,
        "targets",
        [
            {
                "plan_code": PLAN,
                "indicator_code": indicator,
                "county_code": "AL-05",
                "year": year,
                "target_kind": "target",
                "value": value,
                "value_state": "number",
                "source_text": value,
                "reading_certainty": "certain",
                "source_place": "made up",
            }
            for indicator, year, value in TARGETS
        ],
    )


def _rows(seeds: Path, name: str) -> list[dict[str, str]]:
    with (seeds / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _append(seeds: Path, name: str, rows: Sequence[dict[str, Any]]) -> None:
    path = seeds / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        columns = next(csv.reader(file))
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, columns, restval="", lineterminator="\n").writerows(rows)


# --- what is delivered -------------------------------------------------------------------------


def draw(seed: int, seeds: Path) -> list[DrawnFile]:
    """Return all that the three counties, and the nation, deliver; the same for a seed."""
    rng = Random(f"three counties {seed}")
    reports = list(_reports(rng, seeds))
    return [
        *reports,
        *(file for county in COUNTIES for file in _logs(rng, county)),
        *_cases(rng),
        *_sivet(rng, reports),
        _figures(rng),
    ]


def leave_out(
    sent: Sequence[DrawnFile], seed: int, counties: Sequence[str] = ()
) -> list[DrawnFile]:
    """Return the files without 30 % of the reports, one log and one file of cases.

    Of `counties` nothing is left at all. In whatever file, others may know the same persons: then
    their step is the first, in another month or county.
    """
    rng = Random(f"left out {seed}")
    units = {
        kind: sorted({file.of for file in sent if file.kind == kind})
        for kind in ("report", "log", "cases")
    }
    gone = set(rng.sample(units["report"], round(0.3 * len(units["report"]))))
    gone |= {rng.choice(units["log"])}
    gone |= {rng.choice(units["cases"])}
    return [file for file in sent if file.of not in gone and file.county_code not in counties]


def _months(first: str = "2021-01-01", last: str = "2023-12-31") -> list[date]:
    months = [date(year, month, 1) for year in (2021, 2022, 2023) for month in range(1, 13)]
    return [month for month in months if first <= month.isoformat() <= last]


def _next(month: date, months: int = 1) -> date:
    return date(
        month.year + (month.month - 1 + months) // 12, (month.month - 1 + months) % 12 + 1, 1
    )


def _arrival(month: date, days: float) -> datetime:
    return datetime.combine(_next(month), datetime.min.time(), UTC) + timedelta(days=days)


def _reports(rng: Random, seeds: Path) -> Iterator[DrawnFile]:
    indicators = {row["indicator_code"]: row for row in _rows(seeds, "indicators")}
    parts: dict[str, list[str]] = {}
    for row in _rows(seeds, "breakdown_categories"):
        if row["breakdown_kind"] == "partition":
            parts.setdefault(row["indicator_code"], []).append(row["category"])
    due: dict[tuple[str, date], list[str]] = {}
    for row in _rows(seeds, "reporting_obligations"):
        for month in _months(row["valid_from"], row["valid_to"] or "2023-12-31"):
            every = {"monthly": 1, "quarterly": 3, "yearly": 12}[row["frequency"]]
            if month.month % every == 0:
                due.setdefault((row["institution_code"], month), []).append(row["indicator_code"])
    reached: dict[tuple[str, str], int] = {}
    for (institution, month), owed in sorted(due.items()):
        codes = [code for code in owed if rng.random() > 0.04]
        # What somebody else owes, or nobody at all.
        if rng.random() < 0.05:
            codes.append(rng.choice(["3.1.12.1", "2.1.18.1", "3.1.10.1", "2.1.11.1"]))
        versions = [rng.choice([-4.0, 3.0, 6.0, 8.5, 15.0])]
        if rng.random() < 0.1:
            versions.append(versions[0] + rng.choice([1, 7, 40]))
        for version, days in enumerate(versions):
            # A correction may leave something out. A file that repeats another is none.
            codes = codes[version:] or codes
            lines: list[tuple[str, str, Any, str]] = []
            lines += [("3.1.9.1", "", 7, "")] * version
            for code in sorted({*codes}):
                basis = indicators[code]["target_basis"]
                before = reached.get((institution, code), 0)
                value = rng.choice([0, 0, 1, 1, 2, 3, 5, 9])
                if basis == "milestone":
                    value = max(before, int(rng.random() < 0.2))
                    reached[institution, code] = value
                lines += _said(rng, code, value, parts.get(code, []))
            if not lines:
                lines.append((owed[0], "", "", ""))
            head = ("krat-raport-1", institution[:5], institution, f"{month:%Y-%m}", MADE_UP)
            yield DrawnFile(
                institution[:5],
                "report",
                ("report", institution, f"{month:%Y-%m}"),
                REPORT_HEADINGS,
                [(*head, *line) for line in lines],
                _arrival(month, days),
            )


def _said(
    rng: Random, code: str, value: int, parts: Sequence[str]
) -> list[tuple[str, str, Any, str]]:
    """Return the lines in which an institution says a value, or that there is none."""
    way = rng.random()
    if way < 0.03:
        return [(code, "", "", "")]
    if way < 0.05:
        return [(code, "", "", rng.choice(["nuk dihet", "refuzuar"]))]
    if way < 0.07:
        return [(code, "", "", "nuk zbatohet")]
    if not parts:
        return [(code, "", value, "zero" if value == 0 and rng.random() < 0.5 else "")]
    given = [rng.randint(0, 4) for _ in parts]
    lines: list[tuple[str, str, Any, str]] = [
        (code, part, number, "") for part, number in zip(parts, given, strict=True)
    ]
    if way < 0.2:  # The parts alone.
        return lines
    if way < 0.26:  # One part is a blank, or is not there, and so is the total.
        lines[0] = (code, parts[0], "", "")
        return [(code, "", "", ""), *(lines if rng.random() < 0.5 else lines[1:])]
    return [(code, "", sum(given), ""), *(lines if rng.random() < 0.7 else [])]


def _logs(rng: Random, county: str) -> Iterator[DrawnFile]:
    number = cases = 0
    earlier: list[tuple[int, int | None, str, datetime]] = []  # number, case, channel, at
    for month in _months("2023-01-01"):
        begins = datetime.combine(month, datetime.min.time())
        days = (_next(month) - month).days
        lines = []
        for minute in sorted(rng.sample(range(days * 1440), rng.randint(6, 16))):
            number += 1
            at = begins + timedelta(minutes=minute)
            purpose = rng.choice(["case_report"] * 5 + ["information", "silent", "prank"])
            channel = rng.choice(["phone_116006", "phone_116006", "app", "web"])
            case: int | None = None
            repeat: int | str = ""
            duplicate: int | str = ""
            known = [each for each in earlier[-8:] if each[1] is not None]
            if purpose == "case_report" and known and rng.random() < 0.4:
                linked, case, _, _ = rng.choice(known)
                if rng.random() < 0.35:
                    duplicate = linked
                else:
                    repeat = linked
            elif purpose == "case_report":
                cases += 1
                case = cases
            states_case = case is not None and not ((repeat or duplicate) and rng.random() < 0.3)
            referred = purpose == "case_report" and rng.random() < 0.5
            accepted = referred and rng.random() < 0.7
            outcome = (
                "duplicate_of" if duplicate and not referred
                else "referred" if referred
                else rng.choice(["no_action", "pending"])
            )  # fmt: skip
            lines.append(
                (
                    "krat-linja-2", county, MADE_UP, number, channel, f"{at:%Y-%m-%d %H:%M}",
                    rng.choice(["self", "family", "unknown", ""]), purpose,
                    rng.choice(["", 0, 1, 2, 3, 4]) if purpose == "case_report" else "",
                    rng.choice(["", "ForcedLabour"]) if purpose == "case_report" else "",
                    "police" if referred else "",
                    f"{at + timedelta(minutes=rng.randint(1, 900)):%Y-%m-%d %H:%M}"
                    if accepted else "",
                    outcome, case if states_case else "", repeat, duplicate,
                )
            )  # fmt: skip
            earlier.append((number, case, channel, at))
        yield DrawnFile(
            county,
            "log",
            ("log", county, f"{month:%Y-%m}"),
            LOG_HEADINGS,
            lines,
            _arrival(month, 5),
        )


SYLLABLES = ("ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "zo")


SUPPORTS = ("Legal", "Health", "SocialCare", "Education", "Psychological")


def _cases(rng: Random) -> Iterator[DrawnFile]:
    """Yield the files of cases: one tells whole histories of those with something new."""
    histories: dict[str, list[list[tuple[date, tuple[Any, ...]]]]] = {code: [] for code in KEEPERS}
    for person in range(60):
        age = rng.choice(["0-17", "18+", "18+", ""])
        identity = (
            f"Shem{SYLLABLES[person % 14]}{SYLLABLES[person // 14]}",
            f"Trill{SYLLABLES[person // 14]}{SYLLABLES[(3 * person) % 14]}{SYLLABLES[person % 14]}",
            f"Z{person:08}Z",
            date(2008 if age == "0-17" else 1980, 1 + person % 12, 1 + person // 3).isoformat(),
        )
        about = (
            rng.choice(["female", "male", "other", ""]),
            age,
            rng.choice(["mobile_unit", "hotline", "app", "police", "border", "self", ""]),
        )
        for keeper in rng.sample(sorted(KEEPERS), 2 if rng.random() < 0.2 else 1):
            number = len(histories[keeper]) + 1
            head = (
                "krat-referim-2", keeper[:5], keeper, MADE_UP,
                f"RR-{number:03d}", f"P-{number:03d}",
            )  # fmt: skip
            histories[keeper].append(
                [
                    (day, (*head, event, day, *about[:2], "Police" if decides else "", about[2],
                           support, detail, *identity, *[""] * 5))
                    for day, event, decides, support, detail in _history(rng)
                ]
            )  # fmt: skip
    for keeper, every in KEEPERS.items():
        for month in _months("2023-01-01"):
            if month.month % every:
                continue
            begins, ends = _next(month, 1 - every), _next(month)
            lines = [
                line
                for history in histories[keeper]
                if any(begins <= day < ends for day, _ in history)
                for day, line in history
                if day < ends
            ]
            if lines:
                yield DrawnFile(
                    keeper[:5],
                    "cases",
                    ("cases", keeper, f"{month:%Y-%m}"),
                    CASE_HEADINGS,
                    lines,
                    _arrival(month, 7),
                )


def _history(rng: Random) -> Iterator[tuple[date, str, bool, str, str]]:
    day = date(2023, 1, 1) + timedelta(days=rng.randrange(350))
    steps: list[tuple[str, bool, str, str]] = [("flagged", True, "", "")]
    if rng.random() < 0.1:
        steps.append(("not_a_victim", True, "", ""))
    else:
        if rng.random() < 0.15:
            steps.append(("prosecuted", False, "", ""))
        steps += [("initially_identified", True, "", ""), ("informed", False, "", "")]
        steps += [("referred", False, "", "")] * (rng.random() < 0.8)
        steps += [(rng.choice(["referral_accepted", "referral_declined"]), False, "", "")] * (
            len(steps) > 3
        )
        # The same help twice on one day would be one line written twice.
        for support in rng.sample(SUPPORTS, rng.randint(0, 3)):
            steps.append(("assisted", False, support, rng.choice(["in_centre", "in_community"])))
        for event, chance in (("formally_identified", 0.3), ("special_protection", 0.2),
                              ("assisted_return", 0.15), ("education", 0.2), ("employed", 0.3),
                              ("monitored", 0.5), ("closed", 0.3)):  # fmt: skip
            if rng.random() < chance:
                detail = rng.choice(["self_employed", "private_sector", "public_sector", ""])
                steps.append((event, event == "formally_identified", "",
                              detail if event == "employed" else ""))  # fmt: skip
    for step in steps:
        if day.year == 2023:
            yield (day, *step)
        day += timedelta(days=rng.choice([0, 1, 3, 10, 30]))


def _sivet(rng: Random, reports: Sequence[DrawnFile]) -> Iterator[DrawnFile]:
    """Yield SIVET's figures beside the reports'; in one county a month of them never existed."""
    for county in COUNTIES:
        for month in _months("2023-01-01"):
            if county == "AL-05" and month.month == 9:
                continue
            lines = []
            for code in SIVET_INDICATORS:
                said = [
                    int(line[7])
                    for file in reports
                    if file.county_code == county
                    for line in file.lines
                    if line[3] == f"{month:%Y-%m}" and line[5:7] == (code, "") and line[7] != ""
                ]
                value = max(0, sum(said) + rng.choice([0, 0, 0, 0, 1, -1]))
                lines.append(("krat-sivet-1", county, f"{month:%Y-%m}", MADE_UP, code, value))
            yield DrawnFile(
                county,
                "sivet",
                ("sivet", county, f"{month:%Y-%m}"),
                SIVET_HEADINGS,
                lines,
                _arrival(month, 12),
            )


def _figures(rng: Random) -> DrawnFile:
    """Return national figures of 2021 and 2022, as one publication has them."""
    lines = [
        (year, "victims identified (VT and VMT)", "2.1.9.1", rng.randint(80, 160), "persons",
         "published", "US State Department TIP Report 2022 - Albania", MADE_UP)
        for year in (2021, 2022)
    ]  # fmt: skip
    headings = ("year", "figure", "indicator_code", "value", "unit", "status", "source", "data")
    received = datetime(2023, 2, 1, tzinfo=UTC)
    return DrawnFile("AL", "figures", ("figures",), headings, lines, received)


# --- refreshing and comparing ------------------------------------------------------------------


def refreshed_with(sent: Sequence[DrawnFile], folder: Path) -> Path:
    """Take files in, build the warehouse and return its path; raise where a file or test fails."""
    home = Home(root=folder / "home", keys=folder / "keys")
    prepare_process(home)
    for number, file in enumerate(sent):
        path = home.inbox / file.county_code / f"{number:04d}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content())
        at = file.received_at.timestamp()
        os.utime(path, (at, at))
    take_in(home, load_registers(SEEDS))
    load_raw(home, today())
    link_persons(home)
    build = build_warehouse(home)
    with read_warehouse(home) as connection:
        refused = connection.execute(
            "select deliveries.delivery_id from raw.deliveries as deliveries "
            "anti join (select * from raw.door_findings where rule = 'earlier_values_lost') "
            "as lost using (delivery_id) where status <> 'accepted'"
        ).fetchall()
    assert not refused
    assert build.failed_tests == (), build.failed_tests
    return home.warehouse


def delivered(sent: Sequence[DrawnFile]) -> Delivered:
    """Return the files as whoever recomputes reads them: their bytes and when they came."""
    return Delivered([(file.kind, file.content(), file.received_at) for file in sent], SEEDS)


def compare(seed: int, left_out: Sequence[str]) -> tuple[Counter[str], list[Difference]]:
    """Return how many rows were compared for a seed, and what differs."""
    sent = draw(seed, SEEDS)
    marts: dict[str, dict[str, pd.DataFrame]] = {}
    compared: Counter[str] = Counter()
    found: list[Difference] = []
    for name, files in (("all", sent), ("fewer", leave_out(sent, seed, left_out))):
        with tempfile.TemporaryDirectory() as folder:
            warehouse = refreshed_with(files, Path(folder))
            with duckdb.connect(str(warehouse), read_only=True) as connection:
                marts[name] = {mart: connection.table(f"marts.{mart}").df() for mart in KEYS}
        rows, different = differences(marts[name], delivered(files), f"{seed}, {name}")
        compared.update(rows)
        found += different
    rows, different = beyond_the_truth(marts["all"], marts["fewer"], f"{seed}, {left_out}")
    compared.update(rows)
    return compared, found + different


def main() -> None:
    """Compare for each seed; one may name counties of which nothing is left: `7:AL-05,AL-12`."""
    add_counties(SEEDS)
    compared: Counter[str] = Counter()
    found: list[Difference] = []
    for text in sys.argv[1:]:
        seed, _, counties = text.partition(":")
        rows, different = compare(int(seed), counties.split(",") if counties else [])
        compared.update(rows)
        found += different
    print(json.dumps({"compared": compared, "differences": found}, default=str))


if __name__ == "__main__":
    main()
