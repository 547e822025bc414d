"""The road of a refresh, in one process: take in, load, build, judge, publish.

Belongs here: the order of the steps and what is told of them. Not here: any step itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import duckdb

from expectations.gate import GateRecord, GateRefused
from orchestration.gate.judge import Scope, counties_with_reports, judge
from orchestration.ingestion.door import Intake, take_in
from orchestration.linkage.link import link_persons
from orchestration.publication.finality import MonthIsFinal
from orchestration.publication.public import PublicOutcome, release_public
from orchestration.publication.restricted import release
from orchestration.publication.writing.release import Release
from orchestration.reading_copy.copy import write_reading_copy
from orchestration.refresh.due import changed_since_release, due, note_released
from orchestration.runtime.clock import today
from orchestration.runtime.settings import SEEDS
from orchestration.runtime.writer_lock import one_writer
from orchestration.warehouse.build import Build, build_warehouse
from orchestration.warehouse.load import load_raw
from sources.custody.home import Home
from sources.registers import load_registers


@dataclass(frozen=True)
class Outcome:
    """What a refresh did: files, dbt nodes, verdicts, and the releases of both tiers.

    `restated` are new releases of months that were not asked for, but released before, and whose
    numbers or findings changed since; `due` are new ones that the day alone made: months that
    became final, or whose counts of persons have settled.
    `closed` says of each final month whose numbers would have changed that it stands as it was.
    """

    intake: Intake
    build: Build
    records: list[GateRecord]
    releases: list[Release]
    restated: list[Release]
    due: list[Release]
    public: PublicOutcome
    closed: dict[Scope, str]

    @property
    def blocked(self) -> list[GateRecord]:
        """The records that the gate did not let through."""
        return [record for record in self.records if record.verdict != "pass"]


class NoPlan(ValueError):
    """No plan in the registers covers a month that was asked for."""


def refresh(
    home: Home,
    months: list[date],
    county_code: str | None = None,
    tell: Callable[[str], None] = lambda _: None,
    as_of: date | None = None,
) -> Outcome:
    """Refresh the warehouse and publish the months of one county, or of all that report.

    A month released before whose tables changed, as by a late report, gets a new release too, and
    so does one that became final or whose counts of persons settled. A county that the gate blocks
    keeps its last release, and its rows of the reading copy; the others are published, a final
    month that nobody reopened excepted. The public tier follows as a whole, or stays as it was;
    whatever its own gate says changes nothing of the restricted one.
    Deadlines are judged `as_of` a day, today by default. Raises NoPlan for a month outside the
    plans, AnotherWriter when another process writes this home.
    """
    with one_writer(home):
        registers = load_registers(SEEDS)
        tell("reading the inbox")
        intake = take_in(home, registers)
        tell("loading what was taken in")
        load_raw(home, as_of or today())
        tell("linking persons")
        link_persons(home)
        tell("building the warehouse")
        build = build_warehouse(home)
        _require_plan(home, months)
        tell("judging what may be published")
        counties = [county_code] if county_code else counties_with_reports(home)
        asked = [Scope(county, month) for county in counties for month in months]
        restated = [
            scope for scope in changed_since_release(home, county_code) if scope not in asked
        ]
        coming = [scope for scope in due(home, county_code) if scope not in [*asked, *restated]]
        scopes = [*asked, *restated, *coming]
        records = judge(home, scopes, registers)
        released: dict[Scope, Release] = {}
        closed: dict[Scope, str] = {}
        for position, scope in enumerate(scopes, start=1):
            tell(
                f"publishing {scope.county_code} {scope.month:%Y-%m} ({position} of {len(scopes)})"
            )
            try:
                released[scope] = release(home, scope.county_code, scope.month)
            except GateRefused:
                continue
            except MonthIsFinal as refusal:
                closed[scope] = str(refusal)
        note_released(home, list(released))
        tell("publishing what anyone may see")
        public = release_public(home, [scope for scope in released if scope not in coming])
        # By themselves: what is refused of them must not stop the months that were asked for.
        public_due = release_public(home, [scope for scope in released if scope in coming])
        tell("swapping the reading copy")
        write_reading_copy(home)
    return Outcome(
        intake=intake,
        build=build,
        records=records,
        releases=[released[scope] for scope in asked if scope in released],
        restated=[
            released[scope] for scope in restated if scope in released and released[scope].is_new
        ],
        due=[
            *(released[scope] for scope in coming if scope in released and released[scope].is_new),
            *(made for made in public_due.releases if made.is_new),
        ],
        public=PublicOutcome(
            public.releases,
            public.refusal or public_due.refusal,
            {**public_due.closed, **public.closed},
        ),
        closed=closed,
    )


def _require_plan(home: Home, months: list[date]) -> None:
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        rows = connection.execute(
            "select distinct reporting_month from marts.indicator_progress order by all"
        ).fetchall()
    covered = [row[0] for row in rows]
    missing = [month for month in months if month not in covered]
    if missing:
        raise NoPlan(
            f"no plan covers {missing[0]:%Y-%m}: the registers hold "
            f"{covered[0]:%Y-%m} to {covered[-1]:%Y-%m}"
        )
