"""Planting defects into clean made-up years, and reading what krat found of them.

Belongs here: choosing places, running the road from the inbox to the findings, and comparing. Not
here: what a defect is (kinds) or which rule claims it (claims.csv).
"""

import csv
import os
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from random import Random

from deliveries import delivery_of

from defects.forms import HEADING, Form
from defects.kinds import KINDS, LOG_KINDS, Report, Spoiled
from orchestration.ingestion.door import take_in
from orchestration.linkage.link import link_persons
from orchestration.runtime.clock import today
from orchestration.runtime.database import read_warehouse
from orchestration.runtime.settings import SEEDS, prepare_process
from orchestration.warehouse.build import build_warehouse
from orchestration.warehouse.load import load_raw
from sources.custody.home import Home
from sources.example.generate import write_example
from sources.registers import load_registers, register_rows

COUNTY = "AL-04"
_NAME = re.compile(r"(AL-04-[A-Z-]+)_(\d{4}-\d{2})\.(?:csv|xlsx)")

#: Months between two plants of one institution: some rules look at the month before.
MONTHS_APART = 3


@dataclass(frozen=True)
class Claim:
    """The rules of which one must find a kind, and how near: cell, row, indicator or report."""

    rules: tuple[str, ...]
    place: str


@dataclass(frozen=True)
class Planted:
    """A defect in its place. `delivery_id` is that of the spoiled file, where it comes at all."""

    kind: str
    report: Report
    spoiled: Spoiled
    delivery_ids: frozenset[str]


@dataclass
class Tally:
    """What was planted and found, by kind, and what was told of clean reports."""

    planted: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    clean_reports: int = 0
    false_warnings: list[str] = field(default_factory=list)
    refused_clean: list[str] = field(default_factory=list)


@cache
def claims() -> dict[str, Claim]:
    """Return the claim on each kind of claims.csv."""
    with (Path(__file__).parent / "claims.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["kind"]: Claim(tuple(row["rule"].split("|")), row["place"])
            for row in csv.DictReader(file)
        }


def plant_year(seed: str, wanted: Counter[str], tally: Tally, *, logs: bool = False) -> None:
    """Plant what is `wanted` (how many of each kind, counted down) into a year, run, and tally.

    A year takes some fifty plants in reports, or with `logs` a handful in logs and records.
    """
    with tempfile.TemporaryDirectory() as folder:
        home = Home(root=Path(folder) / "home", keys=Path(folder) / "keys")
        prepare_process(home)
        write_example(home.inbox, SEEDS, mistakes=(), variant=f"{seed} ")
        reports = _logs(home) if logs else _reports(home)
        plants = list(_planted(home, reports, Random(seed), wanted, logs))
        build_from_inbox(home)
        with read_warehouse(home) as connection:
            findings = connection.execute(
                "select rule, severity, county_code, institution_code, "
                "strftime(reporting_month, '%Y-%m'), indicator_code, delivery_id, sheet, cell, "
                "row_number, message_en from quality.findings"
            ).fetchall()
    # A log that is refused takes its records from many reports, which then differ from them.
    clean = set() if logs else {(report.institution, f"{report.month:%Y-%m}") for report in reports}
    _compare(seed, plants, findings, tally, clean)


def spoil_reports(home: Home, seed: str, *, logs: bool = False) -> None:
    """Plant one of each kind, as far as they find a place, into the reports or logs of an inbox."""
    kinds = LOG_KINDS if logs else KINDS
    reports = _logs(home) if logs else _reports(home)
    list(_planted(home, reports, Random(seed), Counter(dict.fromkeys(kinds, 1)), logs))


def build_from_inbox(home: Home) -> None:
    """Do the steps of a refresh that come before anything is judged or published."""
    take_in(home, load_registers(SEEDS))
    load_raw(home, today())
    link_persons(home)
    build_warehouse(home)


def _planted(
    home: Home, reports: list[Report], rng: Random, wanted: Counter[str], logs: bool
) -> Iterator[Planted]:
    rng.shuffle(reports)
    taken: dict[str, list[date]] = defaultdict(list)
    touched: set[tuple[str | None, date]] = set()
    kept: set[tuple[str, date]] = set()
    kinds = LOG_KINDS if logs else KINDS

    def is_near(institution: str, month: date) -> bool:
        apart = (abs((month - other).days) for other in taken[institution])
        held = touched | kept
        return (institution, month) in held or min(apart, default=999) < MONTHS_APART * 30

    for drawn in reports:
        if is_near(drawn.institution, drawn.month):
            continue
        untouched = [path for path in drawn.others if not is_near(_sender(path), drawn.month)]
        report = replace(drawn, others=tuple(untouched))
        for name in sorted(kinds, key=lambda name: (-wanted[name], rng.random())):
            if wanted[name] <= 0:
                break
            spoiled = kinds[name](report, rng)
            if spoiled is None or (spoiled.partner, report.month) in touched:
                continue
            if spoiled.rests_on:
                if (report.institution, spoiled.rests_on) in touched:
                    continue
                kept.add((report.institution, spoiled.rests_on))
            wanted[name] -= 1
            taken[report.institution].append(report.month)
            touched.add((report.institution, report.month))
            if spoiled.partner:
                taken[spoiled.partner].append(report.month)
                touched.add((spoiled.partner, report.month))
            yield Planted(name, report, spoiled, _write(home, report, spoiled))
            break


def _write(home: Home, report: Report, spoiled: Spoiled) -> frozenset[str]:
    """Put the spoiled files into the inbox; return the deliveries that they will be."""
    came = report.path.stat().st_mtime
    written = []
    if spoiled.content is None:
        report.path.unlink()
    else:
        at = spoiled.arrives_at.timestamp() if spoiled.arrives_at else came
        report.path.write_bytes(spoiled.content)
        os.utime(report.path, (at, at))
        written.append((report.path, spoiled.content))
    for path, content in spoiled.more.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        at = spoiled.more_arrive_at.timestamp() if spoiled.more_arrive_at else came
        os.utime(path, (at, at))
        written.append((path, content))
    return frozenset(delivery_of(home, content, path.parent.name) for path, content in written)


def _reports(home: Home) -> list[Report]:
    deadlines = {
        row["month"]: date.fromisoformat(row["reporting_deadline"])
        for row in register_rows(SEEDS, "reporting_calendar")
    }
    recorded = frozenset(row["indicator_code"] for row in register_rows(SEEDS, "record_indicators"))
    files: dict[tuple[str, date], Path] = {}
    for path in sorted((home.inbox / COUNTY).iterdir()):
        if named := _NAME.fullmatch(path.name):
            files[named[1], datetime.strptime(named[2], "%Y-%m").date()] = path
    told: dict[str, dict[str, dict[date, int]]] = defaultdict(lambda: defaultdict(dict))
    pasts = {}
    for (institution, month), path in sorted(files.items()):
        pasts[institution, month] = {code: {**past} for code, past in told[institution].items()}
        form = Form(path)
        for row in form.totals():
            number = form.number(row)
            if number is not None:
                told[institution][str(form.value(row, HEADING))][month] = number
    return [
        Report(
            path=path,
            institution=institution,
            month=month,
            deadline=deadlines[f"{month:%Y-%m}-01"],
            before=files.get((institution, _month_before(month))),
            others=tuple(
                other for (who, when), other in files.items() if when == month and who < institution
            ),
            recorded=recorded,
            past=pasts[institution, month],
        )
        for (institution, month), path in files.items()
    ]


def _logs(home: Home) -> list[Report]:
    return [
        Report(path, path.stem, datetime.fromtimestamp(path.stat().st_mtime, UTC).date(), date.max,
               None)
        for path in sorted((home.inbox / COUNTY).iterdir())
        if path.name.startswith(("linja", "referime"))
    ]  # fmt: skip


def _sender(path: Path) -> str:
    return path.stem.rpartition("_")[0]


def _month_before(month: date) -> date:
    return date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)


def _compare(
    seed: str,
    plants: list[Planted],
    findings: list[tuple[object, ...]],
    tally: Tally,
    reports: set[tuple[str, str]],
) -> None:
    """Tally what was found of the plants, and what was told where none of `reports` was spoiled."""
    planted_reports = {
        (who, f"{plant.report.month:%Y-%m}")
        for plant in plants
        for who in (plant.report.institution, plant.spoiled.partner)
        if who
    }
    planted_files = {name for plant in plants for name in plant.delivery_ids}
    for plant in plants:
        tally.planted[plant.kind] += 1
        if any(tells(finding, plant) for finding in findings):
            tally.found[plant.kind] += 1
        else:
            told = [
                (f[0], f[8])
                for f in findings
                if f[6] in plant.delivery_ids
                or (f[3], f[4]) == (plant.report.institution, f"{plant.report.month:%Y-%m}")
            ]
            place = plant.spoiled.place.cell
            tally.missed.append(
                f"{seed}: {plant.kind} at {place} in {plant.report.path.name}: {told}"
            )
    if not reports:
        return
    tally.clean_reports += len(reports - planted_reports)
    false: dict[tuple[object, object], str] = {}
    for finding in findings:
        rule, severity, county, who, month, _, delivery, *_ = finding
        if (who, month) in planted_reports or delivery in planted_files or county != COUNTY:
            continue
        if severity == "blocks":
            tally.refused_clean.append(f"{seed}: {who} {month}: {rule}")
        if severity in ("blocks", "warns"):
            false[who, month] = f"{seed}: {who} {month}: {rule}, {finding[-1]}"
    tally.false_warnings += false.values()


def tells(finding: tuple[object, ...], plant: Planted) -> bool:
    rule, _, _, who, month, indicator, delivery, sheet, cell, row, _ = finding
    claim, spoiled = claims()[plant.kind], plant.spoiled
    of_report = who in (plant.report.institution, spoiled.partner) and month == (
        f"{plant.report.month:%Y-%m}"
    )
    if rule not in claim.rules or not (delivery in plant.delivery_ids or of_report):
        return False
    place = spoiled.place
    same_sheet = place.sheet is None or sheet is None or str(sheet).startswith(("#", place.sheet))
    return {
        "report": True,
        "indicator": indicator == spoiled.indicator,
        "row": row == place.row and same_sheet,
        "cell": cell == place.cell and same_sheet,
    }[claim.place]
