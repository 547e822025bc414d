"""The road of a refresh, in one process: take in, load, build, judge, publish.

Belongs here: the order of the steps and what is told of them. Not here: any step itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from expectations.gate import GateRecord, GateRefused
from orchestration.ingestion.door import Intake, take_in
from orchestration.publication.reading_copy import write_reading_copy
from orchestration.publication.release import Release, release
from orchestration.quality.judge import Scope, counties_with_reports, judge
from orchestration.settings import SEEDS
from orchestration.warehouse.build import Build, build_warehouse
from orchestration.warehouse.load import load_raw
from sources.home import Home
from sources.registers import load_registers


@dataclass(frozen=True)
class Outcome:
    """What a refresh did: files, dbt nodes, verdicts, and the releases by county and month."""

    intake: Intake
    build: Build
    records: list[GateRecord]
    releases: list[Release]

    @property
    def blocked(self) -> list[GateRecord]:
        """The records that the gate did not let through."""
        return [record for record in self.records if record.verdict != "pass"]


def today() -> date:
    """Return the day on which deadlines are judged, in UTC."""
    return datetime.now(UTC).date()


def refresh(
    home: Home,
    months: list[date],
    county_code: str | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Refresh the warehouse and publish the months of one county, or of all that report.

    A county that the gate blocks keeps its last release; the others are published. The reading
    copy is swapped unless what is judged is blocked for all.
    """
    registers = load_registers(SEEDS)
    tell("reading the inbox")
    intake = take_in(home, registers)
    tell("loading what was taken in")
    load_raw(home, today())
    tell("building the warehouse")
    build = build_warehouse(home)
    tell("judging what may be published")
    counties = [county_code] if county_code else counties_with_reports(home)
    scopes = [Scope(county, month) for county in counties for month in months]
    records = judge(home, scopes, registers)
    releases = []
    for position, scope in enumerate(scopes, start=1):
        tell(f"publishing {scope.county_code} {scope.month:%Y-%m} ({position} of {len(scopes)})")
        try:
            releases.append(release(home, scope.county_code, scope.month))
        except GateRefused:
            continue
    if releases:
        tell("swapping the reading copy")
        write_reading_copy(home)
    return Outcome(intake=intake, build=build, records=records, releases=releases)
