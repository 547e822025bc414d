"""What a refresh will publish, decided in one place for the command line, Dagster and the tests.

A late or corrected report of March changes March, and every later month that adds it up. A day that
comes makes a month final. A month that no plan covers, and a final one that nobody reopened, are
refused.

Belongs here: which county-months a refresh publishes, and why. Not here: doing it (steps).
"""

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from orchestration.gate.fingerprints import Fingerprints, fingerprints
from orchestration.gate.judge import Scope, counties_with_reports
from orchestration.products.declaration import Tier
from orchestration.products.tree import DamagedRelease, ReleaseFolder, facts_of
from orchestration.publication.changes import Members, changed_members
from orchestration.publication.restricted import as_of, final_month_refusal, sources_of
from orchestration.runtime.clock import today
from orchestration.runtime.database import has_warehouse, read_warehouse
from sources.atomic import read_json, write_json
from sources.custody.home import Home
from sources.registers import NATION, national_plans


class NoPlan(ValueError):
    """No action plan in the registers covers any of the months that were asked for."""


@dataclass(frozen=True, order=True)
class Refusal:
    """A county-month that is not published: the reason, and the command to run next."""

    scope: Scope
    reason: str
    next_command: str

    def __str__(self) -> str:
        county, month = self.scope.county_code, f"{self.scope.month:%Y-%m}"
        return f"{county} {month}: {self.reason.rstrip('.')}. Next: {self.next_command}"


@dataclass(frozen=True)
class Plan:
    """The county-months of a refresh, each in one list: the first of these that fits."""

    #: What was asked for, and an action plan covers.
    asked: tuple[Scope, ...]
    #: Released before, with tables that changed since.
    restated: tuple[Scope, ...]
    #: Released before; the day alone gives them a new release: they are final by now.
    due: tuple[Scope, ...]
    #: Final months whose numbers would change, and months that no action plan covers.
    refused: tuple[Refusal, ...]
    #: The nation's months that counties joined or left since their release; they are restated.
    members: tuple[tuple[date, Members], ...] = ()
    #: What of `asked` is released in both tiers as the tables are now.
    standing: frozenset[Scope] = frozenset()

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """What is judged, and published month by month."""
        return (*self.asked, *self.restated, *self.due)

    def describe(self) -> str:
        """Return the plan as lines of text: one a list, then one a refusal."""
        lines = [
            f"{name:<9} {describe_scopes(scopes)}"
            for name, scopes in (
                ("Asked", self.asked),
                ("Restated", self.restated),
                ("Due", self.due),
            )
        ]
        lines += [
            f"Nation    {text}" for text in self.member_texts(month for month, _ in self.members)
        ]
        return "\n".join([*lines, *(f"Refused   {refusal}" for refusal in self.refused)])

    def member_texts(self, among: Iterable[date]) -> list[str]:
        """Return who joined or left the nation in some months, a text each."""
        shown, months = set(among), dict[str, list[Scope]]()
        for month, members in self.members:
            if month not in shown:
                continue
            for change, codes in (("joined", members.joined), ("left", members.left)):
                for code in codes:
                    months.setdefault(f"{code} {change}", []).append(Scope(NATION, month))
        return [f"{text}: {describe_scopes(scopes)}" for text, scopes in months.items()]


def plan(
    home: Home, registers: Path, months: Iterable[date], county_codes: Collection[str] = ()
) -> Plan:
    """Return what a refresh of these months publishes, of some counties or of all that report.

    Of all, each has the months from its first one on. It reads the warehouse as it is now and
    changes nothing; `registers` is their folder. Without a warehouse the counties are those that
    the registers expect reports from. Raises NoPlan when no
    action plan covers any of the months.
    """
    covered, uncovered = _split_by_plan(registers, months)
    counties = dict.fromkeys(county_codes, date.min) or counties_with_reports(home, registers)
    asked = [
        Scope(county, month)
        for county, first in counties.items()
        for month in sorted(covered)
        if month >= first
    ]
    known = _known(home)
    changed = _changed(home, county_codes, known)
    members = _members(home)
    # A county that joins or leaves changes the nation, whoever's months were asked for.
    if members and county_codes and NATION not in county_codes:
        changed += _changed(home, [NATION], known)
    restated = [scope for scope in changed if scope not in asked]
    final_by_now = due(home, county_codes)
    due_today = [scope for scope in final_by_now if scope not in [*asked, *restated]]
    planned = [*asked, *restated, *due_today]
    damaged = _damaged(home, county_codes)
    readable = {*changed} - {refusal.scope for refusal in damaged}
    final = ((scope, final_month_refusal(home, *scope)) for scope in planned if scope in readable)
    return Plan(
        asked=tuple(asked),
        restated=tuple(restated),
        due=tuple(due_today),
        refused=(
            *(
                refuse_uncovered(registers, Scope(county, month))
                for month in uncovered
                for county in counties
            ),
            *(refuse_final(scope, reason) for scope, reason in final if reason),
            *damaged,
        ),
        members=tuple(members.items()),
        standing=_standing(home, asked, known) - {*final_by_now},
    )


def refuse_final(scope: Scope, reason: str) -> Refusal:
    """Return the refusal of a final month whose numbers would change."""
    return Refusal(
        scope, reason, f"krat reopen --county {scope.county_code} --month {scope.month:%Y-%m}"
    )


def refuse_blocked(scope: Scope, reason: str) -> Refusal:
    """Return the refusal of a county-month that the gate does not let through."""
    return Refusal(
        scope, reason, f"krat gate --county {scope.county_code} --month {scope.month:%Y-%m}"
    )


def refuse_damaged(home: Home, scope: Scope, reason: str) -> Refusal:
    """Return the refusal of a county-month of which a release is damaged."""
    return Refusal(scope, reason, f"krat verify {home.releases}")


def refuse_uncovered(registers: Path, scope: Scope) -> Refusal:
    """Return the refusal of a month that no action plan covers."""
    last = national_plans(registers)[-1].valid_to
    return Refusal(scope, _no_plan(registers, scope.month), f"krat refresh --month {last:%Y-%m}")


def require_plan(registers: Path, months: Iterable[date]) -> None:
    """Raise NoPlan when no action plan in the registers covers any of the months."""
    _split_by_plan(registers, months)


def _split_by_plan(registers: Path, months: Iterable[date]) -> tuple[list[date], list[date]]:
    """Return the months that a national action plan covers, and the others."""
    plans = national_plans(registers)
    covered: list[date] = []
    uncovered: list[date] = []
    for month in dict.fromkeys(months):
        (covered if any(each.covers(month) for each in plans) else uncovered).append(month)
    if uncovered and not covered:
        raise NoPlan(_no_plan(registers, uncovered[0]))
    return covered, uncovered


def _no_plan(registers: Path, month: date) -> str:
    spans = ", ".join(
        f"{each.valid_from:%Y-%m} to {each.valid_to:%Y-%m} ({each.plan_code})"
        for each in national_plans(registers)
    )
    return f"no plan covers {month:%Y-%m}: the registers hold {spans}"


def changed_since_release(home: Home, county_codes: Collection[str] = ()) -> list[Scope]:
    """Return the released counties and months, of some counties or of all, whose tables changed.

    A fingerprint of each is kept when it is released, so that nothing is compared in full. What was
    refused since its tables changed is returned again.
    """
    return _changed(home, county_codes, _known(home))


def _changed(home: Home, county_codes: Collection[str], known: Fingerprints) -> list[Scope]:
    noted = _noted(home)
    return [
        scope
        for scope in _released(home)
        if not county_codes or scope.county_code in county_codes
        if noted.get(str(scope), {}).get("rows") != known.rows.get(scope)
    ]


def due(home: Home, county_codes: Collection[str] = ()) -> list[Scope]:
    """Return the released counties and months that are final by now, and not released as such.

    A damaged release is left out: `_damaged` finds it.
    """
    if not has_warehouse(home):
        return []
    with read_warehouse(home) as connection:
        day = as_of(connection)
    scopes = []
    for scope in _released(home):
        if county_codes and scope.county_code not in county_codes:
            continue
        with suppress(DamagedRelease):
            if any(
                facts.get("status") == "provisional"
                and date.fromisoformat(facts["final_on"]) <= day
                for facts in _newest_facts(home, scope)
            ):
                scopes.append(scope)
    return scopes


def _newest_facts(home: Home, scope: Scope) -> list[dict[str, Any]]:
    folders = [release_folder(home, tier, scope) for tier in Tier]
    return [facts_of(path) for folder in folders if (path := folder.newest())]


def _damaged(home: Home, county_codes: Collection[str]) -> list[Refusal]:
    """Return the refusals of released months whose newest release can't be read any more."""
    found = []
    for scope in _released(home):
        if not county_codes or scope.county_code in county_codes:
            try:
                _newest_facts(home, scope)
            except DamagedRelease as damaged:
                found.append(refuse_damaged(home, scope, str(damaged)))
    return found


def _members(home: Home) -> dict[date, Members]:
    """Return the nation's released months that counties joined or left since, with these."""
    if not has_warehouse(home):
        return {}
    found = {}
    with read_warehouse(home) as connection:
        for scope in _released(home):
            newest = release_folder(home, Tier.RESTRICTED, scope).newest()
            if scope.county_code == NATION and newest is not None:
                with suppress(DamagedRelease):
                    found[scope.month] = changed_members(newest, sources_of(connection, *scope))
    return {month: members for month, members in found.items() if members}


def _standing(home: Home, scopes: Iterable[Scope], known: Fingerprints) -> frozenset[Scope]:
    """Return which of these are released in both tiers as the tables and their columns now are."""
    noted = _noted(home)
    return frozenset(
        scope for scope in scopes if noted.get(str(scope)) == _note(home, scope, known)
    )


def note_released(home: Home, scopes: Iterable[Scope]) -> None:
    """Keep of what was released the fingerprint of the tables as they now are."""
    known = _known(home)
    notes = _noted(home) | {str(scope): _note(home, scope, known) for scope in scopes}
    write_json(home.gate / "released.json", dict(sorted(notes.items())))


def _note(home: Home, scope: Scope, known: Fingerprints) -> dict[str, Any]:
    """Return what is kept of a released scope: the state of its tables, the newest releases."""
    return {"rows": known.rows.get(scope), "basis": known.basis} | {
        tier.value: max(release_folder(home, tier, scope).numbers(), default=None) for tier in Tier
    }


def note_held(home: Home, released: Iterable[Scope], held: Iterable[Scope]) -> None:
    """Keep what is released in the restricted tier and was refused in public, and since when."""
    path = home.gate / "held.json"
    before: dict[str, str] = read_json(path) or {}
    gone, day = {str(scope) for scope in released}, today().isoformat()
    now = {place: since for place, since in before.items() if place not in gone}
    now |= {str(scope): before.get(str(scope), day) for scope in held}
    if now != before:
        write_json(path, dict(sorted(now.items())))


def release_folder(home: Home, tier: Tier, scope: Scope) -> ReleaseFolder:
    """Return where the releases of a county-month lie in a tier."""
    return ReleaseFolder(home.releases, tier, scope.county_code, f"{scope.month:%Y-%m}")


def _released(home: Home) -> list[Scope]:
    folders = (home.releases / Tier.RESTRICTED).glob("*/*")
    return sorted(
        Scope(folder.parent.name, datetime.strptime(folder.name, "%Y-%m").date())
        for folder in folders
        if any(folder.glob("r*"))
    )


def _noted(home: Home) -> dict[str, dict[str, Any]]:
    return read_json(home.gate / "released.json") or {}


def _known(home: Home) -> Fingerprints:
    if not has_warehouse(home):
        return Fingerprints(basis="", rows={}, whole="")
    with read_warehouse(home) as connection:
        return fingerprints(connection)


def describe_scopes(scopes: Iterable[Scope]) -> str:
    """Return the months, each with its counties; months in a row with the same ones as a span."""
    counties: dict[date, list[str]] = {}
    for scope in sorted(scopes, key=lambda scope: (scope.month, scope.county_code)):
        counties.setdefault(scope.month, []).append(scope.county_code)
    spans: list[list[date]] = []
    for month in counties:
        last = spans[-1][-1] if spans else None
        if last and (month - last).days <= 31 and counties[month] == counties[last]:
            spans[-1].append(month)
        else:
            spans.append([month])
    return (
        ", ".join(
            f"{span[0]:%Y-%m}{f' to {span[-1]:%Y-%m}' if len(span) > 1 else ''} "
            f"({' '.join(counties[span[0]])})"
            for span in spans
        )
        or "none"
    )
