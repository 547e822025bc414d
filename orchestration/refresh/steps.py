"""The steps of a refresh, in one list: take in, load, link, build, judge, publish, swap the copy.

The command line runs them all at once, Dagster one asset after the other. A county-month that is
refused is a result, not an error: all others go on, and the reading copy is swapped.

Belongs here: each step as a function, and their order. Not here: what is published (plan), or how
a caller reports it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from expectations.gate import GateRecord, GateRefused, read_judged
from orchestration.gate.judge import Scope, judge
from orchestration.ingestion.door import Intake, take_in
from orchestration.linkage.link import link_persons
from orchestration.products.declaration import Tier
from orchestration.products.tree import DamagedRelease
from orchestration.publication.editions.edition import Edition, publish_editions
from orchestration.publication.finality import MonthIsFinal
from orchestration.publication.public import NotPublic, release_public
from orchestration.publication.restricted import release, standing_release
from orchestration.publication.writing.release import Release, newest_as_it_is
from orchestration.reading_copy.copy import write_reading_copy
from orchestration.refresh.plan import (
    Plan,
    Refusal,
    describe_scopes,
    note_held,
    note_released,
    plan,
    refuse_blocked,
    refuse_damaged,
    refuse_final,
    release_folder,
    require_plan,
)
from orchestration.registers.in_use import newest_registers, registers_in_use, take_registers
from orchestration.runtime.clock import today
from orchestration.runtime.memory import too_little_memory
from orchestration.runtime.office import serve_settings
from orchestration.runtime.writer_lock import one_writer
from orchestration.warehouse.build import Build, Engine, build_warehouse
from orchestration.warehouse.load import load_raw
from orchestration.warehouse.spark import require_spark
from sources.custody import audit
from sources.custody.home import Home
from sources.registers import NATION, load_registers


class Step(StrEnum):
    """What is done, as progress and failures tell it."""

    PLANNING = "planning the refresh"
    READING = "reading the inbox"
    LOADING = "loading what was taken in"
    LINKING = "linking persons"
    BUILDING = "building the warehouse"
    JUDGING = "judging what may be published"
    PUBLISHING = "publishing what anyone may see"
    SWAPPING = "swapping the reading copy"
    SITES = "making the sites"


@dataclass(frozen=True)
class Restricted:
    """What the restricted tier shows after a refresh."""

    #: The newest release of each county-month that was let through, whether new or unchanged.
    released: dict[Scope, Release] = field(default_factory=dict)
    #: What was not, in the order of the plan.
    refused: tuple[Refusal, ...] = ()
    #: What of `released` stands as it was in both tiers.
    standing: frozenset[Scope] = frozenset()


@dataclass(frozen=True)
class Public:
    """What the public tier shows after a refresh."""

    #: The newest release of each county-month that was let through, whether new or unchanged.
    releases: tuple[Release, ...] = ()
    #: What was not.
    refused: tuple[Refusal, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What a refresh did: files, dbt nodes, verdicts, and the releases of both tiers."""

    plan: Plan
    intake: Intake
    build: Build
    records: list[GateRecord]
    restricted: Restricted
    public: Public
    #: The editions of counts of persons that were made, none on most days.
    editions: tuple[Edition, ...] = ()

    @property
    def releases(self) -> list[Release]:
        """The newest releases of what was asked for, whether new or unchanged."""
        return [release for scope, release in self._released(self.plan.asked)]

    @property
    def restated(self) -> list[Release]:
        """New releases of months that nobody asked for, whose tables changed since."""
        return [release for _, release in self._released(self.plan.restated) if release.is_new]

    @property
    def due(self) -> list[Release]:
        """New releases that the day alone made, of both tiers."""
        coming = {(scope.county_code, f"{scope.month:%Y-%m}") for scope in self.plan.due}
        return [
            *(release for _, release in self._released(self.plan.due) if release.is_new),
            *(
                release
                for release in self.public.releases
                if release.is_new and release.path.parts[-3:-1] in coming
            ),
        ]

    @property
    def members(self) -> list[str]:
        """Which counties joined or left the nation's months that have a new release."""
        return self.plan.member_texts(
            scope.month
            for scope, release in self.restricted.released.items()
            if scope.county_code == NATION and release.is_new
        )

    @property
    def blocked(self) -> list[GateRecord]:
        """The records that the gate did not let through."""
        return [record for record in self.records if record.verdict != "pass"]

    @property
    def refused(self) -> tuple[Refusal, ...]:
        """Every county-month that was not published in the restricted tier, with the reason."""
        return self.restricted.refused

    @property
    def is_done(self) -> bool:
        """Whether all that was asked for was published, in both tiers."""
        refused = {refusal.scope for refusal in (*self.refused, *self.public.refused)}
        return not (self.blocked or refused - {*self.plan.restated, *self.plan.due})

    def _released(self, scopes: Iterable[Scope]) -> list[tuple[Scope, Release]]:
        released = self.restricted.released
        return [(scope, released[scope]) for scope in scopes if scope in released]


def refresh(
    home: Home,
    months: list[date],
    county_code: str | None = None,
    report: Callable[[str], None] = lambda _: None,
    as_of: date | None = None,
    wait_seconds: float = 0,
    name: str = "krat refresh",
    engine: Engine = Engine.DUCKDB,
) -> Outcome:
    """Refresh the warehouse and publish the months of one county, or of all that report.

    `plan.plan` decides what is published. A county that the gate blocks keeps its last release, and
    its rows of the reading copy; the others are published. The lock is held from the first step to
    the last, as `name`. Deadlines are judged `as_of` a day, today by default. `engine` computes the
    models.
    Raises, before anything is done, BrokenRegisters when the office's registers can't be used,
    NoPlan when no action plan covers any of the months, and NoSpark when Spark is asked for and is
    not there;
    AnotherWriter when another process writes this data folder for more than `wait_seconds`, and
    BuildFailed when dbt can't build the warehouse.
    """
    require_plan(newest_registers(home), months)
    if engine is Engine.SPARK:
        require_spark()
    with one_writer(home, wait_seconds, name=name, on_wait=report):
        if warning := too_little_memory():
            report(warning)
        registers = take_registers(home)
        report(Step.READING)
        intake = take_in(home, load_registers(registers))
        report(Step.LOADING)
        load_raw(home, as_of or today())
        report(Step.LINKING)
        link_persons(home)
        report(Step.BUILDING)
        build = build_warehouse(home, engine=engine, report=report)
        planned = plan(home, registers, months, [county_code] if county_code else [])
        report(Step.JUDGING)
        records = judge_planned(home, planned)
        restricted = publish_restricted(home, planned, report)
        report(Step.PUBLISHING)
        public = publish_public(home, restricted)
        editions = publish_editions(home, report)
        report(Step.SWAPPING)
        write_reading_copy(home)
        make_sites(home, report)
    return Outcome(planned, intake, build, records, restricted, public, editions)


def make_sites(home: Home, report: Callable[[str], None] = lambda _: None) -> list[str]:
    """Make the sites anew that serve.yml names, where something was released; return their tiers.

    Usually it names none, and nothing is done.
    """
    from orchestration.site.build import refresh_sites

    settings, _ = serve_settings(home)
    if not settings.sites:
        return []
    report(Step.SITES)
    return [made.folder.name for made in refresh_sites(home, settings.sites)]


def judge_planned(home: Home, planned: Plan) -> list[GateRecord]:
    """Judge every county-month of the plan; return their gate records, which are kept.

    The audit log has who asked for which, where any is judged anew.
    """
    before = read_judged(home)
    records = judge(home, list(planned.scopes), load_registers(registers_in_use(home)))
    if read_judged(home) != before:
        blocked = sum(record.verdict != "pass" for record in records)
        outcome = f"{len(records)} judged, {blocked} blocked"
        audit.append(home, "refresh", "judged", describe_scopes(planned.asked), outcome=outcome)
    return records


def publish_restricted(
    home: Home, planned: Plan, report: Callable[[str], None] = lambda _: None
) -> Restricted:
    """Release what the gate let through to the restricted tier; the rest is refused one by one.

    What is released already is returned as it is, and read again only where something changed.
    """
    released: dict[Scope, Release] = {}
    standing = set[Scope]()
    refused = list(planned.refused)
    closed = {refusal.scope for refusal in refused}
    # A month is compared with the month before, so that one goes first.
    in_order = sorted(planned.scopes, key=lambda scope: scope.month)
    for position, scope in enumerate(in_order, start=1):
        if scope in closed:
            continue
        report(f"publishing {scope} ({position} of {len(in_order)})")
        try:
            unchanged = standing_release(home, *scope) if scope in planned.standing else None
            if unchanged is not None:
                standing.add(scope)
            released[scope] = unchanged or release(home, *scope)
        except GateRefused as refusal:
            refused.append(refuse_blocked(scope, str(refusal)))
        except MonthIsFinal as refusal:
            refused.append(refuse_final(scope, str(refusal)))
        except DamagedRelease as damaged:
            refused.append(refuse_damaged(home, scope, str(damaged)))
    return Restricted(released, tuple(refused), frozenset(standing))


def publish_public(home: Home, restricted: Restricted) -> Public:
    """Release to the public tier what the restricted one shows; note what is released in both.

    What is not in both, because a run was killed, is planned again by the next refresh.
    """
    released: dict[Scope, Release] = {}
    refused: list[Refusal] = []
    for scope in restricted.released:
        folder = release_folder(home, Tier.PUBLIC, scope)
        unchanged = newest_as_it_is(folder) if scope in restricted.standing else None
        try:
            released[scope] = unchanged or release_public(home, *scope)
        except MonthIsFinal as refusal:
            refused.append(refuse_final(scope, str(refusal)))
        except DamagedRelease as damaged:
            refused.append(refuse_damaged(home, scope, str(damaged)))
        except NotPublic as refusal:
            refused.append(refuse_blocked(scope, str(refusal)))
    note_released(home, released)
    note_held(home, released, [refusal.scope for refusal in refused])
    return Public(tuple(released.values()), tuple(refused))
