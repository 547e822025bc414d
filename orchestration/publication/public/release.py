"""The road to a public release: a month goes out only when all that is published is safe.

Belongs here: what a run publishes, refuses and keeps of it. Not here: the shapes (shape), masking
(mask), reading back and the verdict (orchestration.gate), or writing (writing.release).
"""

import hashlib
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import duckdb
import pandas as pd

from expectations.gate import GateRefused, content_hash, read_record, require_pass
from expectations.protection import MASKED, PARAMETERS, WITHHELD, CountKey, Protection
from expectations.suites import suite_hash
from orchestration.gate.disclosure import DisclosureRefused, explain, judge_disclosure
from orchestration.gate.judge import Scope
from orchestration.gate.reading import (
    DatedRelease,
    DisclosureContext,
    PublishedNumbers,
    published_parameters,
    read_release,
    read_releases,
)
from orchestration.gate.records import (
    DisclosureRecord,
    PublicReleaseRecord,
    keep_public_releases,
    keep_record,
    list_public_releases,
    newest_record,
    read_public_releases,
)
from orchestration.products.codes import count_names
from orchestration.products.declaration import PERSON_COUNTS, Tier
from orchestration.products.tables import is_made_up, month_frames, register_tables
from orchestration.products.tree import MANIFEST, ReleaseFolder, facts_of, sweep
from orchestration.publication.changes import (
    UNEXPLAINED,
    Before,
    WhyChanged,
    joined,
    reasons_since,
    unexplained,
)
from orchestration.publication.finality import (
    MonthIsFinal,
    calendar_final_on,
    finality,
    settled_on,
)
from orchestration.publication.observations import observations
from orchestration.publication.public.mask import mask_rows
from orchestration.publication.public.shape import (
    TrueRows,
    disclosure_context,
    name_counts,
    public_tables,
    restricted_row,
    true_rows,
)
from orchestration.publication.restricted import as_of, completeness, hashes, sources_of
from orchestration.publication.writing.package import sha256
from orchestration.publication.writing.release import (
    Release,
    ReleaseContent,
    changed_hashes,
    drafting,
    require_open,
    unchanged_release,
)
from orchestration.runtime.clock import today
from sources.custody.decisions import standing_waivers
from sources.custody.home import Home


@dataclass(frozen=True)
class PublicOutcome:
    """What a run did for the public tier."""

    #: The newest release of each scope.
    releases: tuple[Release, ...]
    #: Why nothing new was published, if so.
    refusal: DisclosureRefused | None = None
    #: Of each final month whose numbers would have changed, why it stays as it was.
    closed: dict[Scope, str] = field(default_factory=dict)


def release_public(home: Home, passed: list[Scope]) -> PublicOutcome:
    """Publish scopes to the public tier, all of them together or none.

    `passed` are scopes that the gate has let through to the restricted tier, under the same hold of
    the data folder (see `passes`). Everything new is written as drafts, read back with all that is
    published of the same years, and judged: a refusal leaves every earlier release as it was.
    """
    if not passed:
        return PublicOutcome(())
    years = {f"{scope.month:%Y}" for scope in passed}
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        context = disclosure_context(connection, passed)
        day = as_of(connection)
        rows = true_rows(connection, passed, context.rules, day)
        published = list_public_releases(home, years)
        statuses = [
            finality(
                _folder(home, scope),
                _final_on(connection, scope, context.rules),
                day,
                is_made_up(rows.frames[scope].values()),
            ).status
            for scope in passed
        ]
        inputs = _inputs(rows, context, statuses, published)
        last = newest_record(home)
        if last is not None and (last.inputs, last.verdict) == (inputs, "pass"):
            return PublicOutcome(tuple(_newest(home, scope) for scope in passed))
        numbers = read_releases(published, context)
        shown = name_counts(connection, *mask_rows(rows.counts, context.rules, numbers))
        contents = [
            _content(home, connection, scope, shown, rows.frames[scope], context, day)
            for scope in passed
        ]
        found = [(one, unchanged_release(home, one)) for one in contents]
        kept = tuple(release for _, release in found if release is not None)
        fresh = [one for one, release in found if release is None]
        closed = _closed(home, fresh)
        if not closed:
            verdict, reasons = "pass", tuple[str, ...]()
            _keep_judged_again(home, kept)
            try:
                made = _publish(home, fresh, published, numbers, context)
                outcome = PublicOutcome(kept + tuple(made))
            except DisclosureRefused as refusal:
                for one in fresh:
                    sweep(one.folder(home).folder)
                verdict, reasons = "refused", refusal.reasons
                outcome = PublicOutcome(kept, refusal)
    if closed:
        # What they show stays, so the others are masked beside that.
        others = release_public(home, [scope for scope in passed if scope not in closed])
        return replace(others, closed={**closed, **others.closed})
    keep_record(
        home,
        DisclosureRecord(
            judged_on=day.isoformat(),
            inputs=_inputs(rows, context, statuses, list_public_releases(home, years)),
            verdict=verdict,
            masked_cells=int(shown["value_state"].isin(MASKED).sum()),
            reasons=list(reasons),
        ),
    )
    return outcome


def passes(home: Home, scope: Scope) -> bool:
    """Return whether the gate lets through what the restricted tier shows of a scope."""
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        digest = content_hash(month_frames(connection, scope.county_code, scope.month))
    try:
        require_pass(
            read_record(home, scope.county_code, scope.month),
            digest,
            suite_hash(),
            standing_waivers(home, today()),
        )
    except GateRefused:
        return False
    return True


def _closed(home: Home, fresh: list[ReleaseContent]) -> dict[Scope, str]:
    """Return why each final month that would change, and that nobody reopened, stays."""
    closed = {}
    for one in fresh:
        try:
            require_open(home, one)
        except MonthIsFinal as refusal:
            closed[Scope(one.county_code, one.month)] = str(refusal)
    return closed


def _publish(
    home: Home,
    fresh: list[ReleaseContent],
    published: list[DatedRelease],
    numbers: PublishedNumbers,
    context: DisclosureContext,
) -> list[Release]:
    """Publish drafts that pass together with what was read of all that is published."""
    if not fresh:
        return []
    moment = 1 + max((one.moment for one in published), default=0)
    with ExitStack() as drafts:
        written = [drafts.enter_context(drafting(home, one)) for one in fresh]
        for draft, release in written:
            read_release(
                DatedRelease(draft, _name(release), moment, is_draft=True), context, numbers
            )
        verdict = judge_disclosure(numbers, context)
        if numbers.oddities or not verdict.is_safe:
            raise DisclosureRefused(explain(numbers, context))
        _keep_made(home, [release for _, release in written])
    return [release for _, release in written]


def _keep_made(home: Home, made: list[Release]) -> None:
    """Keep, before they appear, which run releases come from, and what was judged in it."""
    moment = 1 + max((one.moment for one in read_public_releases(home).values()), default=0)
    kept = {}
    for release in made:
        county_code, month, _ = release.path.parts[-3:]
        record = read_record(home, county_code, _month(month))
        kept[_name(release)] = PublicReleaseRecord(moment, record.content_hash if record else None)
    keep_public_releases(home, kept)


def _keep_judged_again(home: Home, unchanged: Iterable[Release]) -> None:
    """Keep of releases that stay as they are that they show what was judged now, too."""
    known = read_public_releases(home)
    kept = {}
    for release in unchanged:
        county_code, month, _ = release.path.parts[-3:]
        before = known.get(_name(release))
        record = read_record(home, county_code, _month(month))
        if before and record and before.content_hash != record.content_hash:
            kept[_name(release)] = replace(before, content_hash=record.content_hash)
    if kept:
        keep_public_releases(home, kept)


def _name(release: Release) -> str:
    """Return the name of a release as the tree has it: AL-04/2023-12/r1."""
    return "/".join(release.path.parts[-3:])


def _month(text: str) -> date:
    return datetime.strptime(text, "%Y-%m").date()


def _inputs(
    rows: TrueRows,
    context: DisclosureContext,
    statuses: list[str | None],
    published: list[DatedRelease],
) -> str:
    """Return what identifies all that a verdict rests on."""
    digest = hashlib.sha256(PARAMETERS.read_bytes())
    conditions = (
        sorted(context.protected),
        sorted(context.free),
        sorted(context.texts),
        published_parameters(context.rules),
        count_names(),
        statuses,
    )
    digest.update(repr(conditions).encode())
    digest.update(content_hash({"": rows.counts}).encode())
    for scope, frames in rows.frames.items():
        digest.update(f"{scope}{content_hash(frames)}".encode())
    for one in published:
        digest.update(f"{one.name}{sha256(one.path / MANIFEST)}".encode())
    return digest.hexdigest()


def _folder(home: Home, scope: Scope, tier: Tier = Tier.PUBLIC) -> ReleaseFolder:
    return ReleaseFolder(home.releases, tier, scope.county_code, f"{scope.month:%Y-%m}")


def _newest(home: Home, scope: Scope) -> Release:
    folder = _folder(home, scope)
    number = folder.numbers()[-1]
    return Release(path=folder.folder / f"r{number}", number=number, is_new=False)


def _content(
    home: Home,
    connection: duckdb.DuckDBPyConnection,
    scope: Scope,
    shown: pd.DataFrame,
    unprotected: dict[str, pd.DataFrame],
    context: DisclosureContext,
    day: date,
) -> ReleaseContent:
    own = shown[
        (shown["county_code"] == scope.county_code)
        & (shown["reporting_month"].dt.date == scope.month)
    ]
    tables = tuple(public_tables(connection, {**unprotected, PERSON_COUNTS: own}))
    frames = {table.product.name: table.frame for table in tables}
    rules = context.rules
    came = completeness(connection, scope.county_code, scope.month)
    return ReleaseContent(
        tier=Tier.PUBLIC,
        county_code=scope.county_code,
        month=scope.month,
        released_on=day,
        final_on=_final_on(connection, scope, rules),
        tables=tables,
        registers=register_tables(connection, scope.month),
        observations=observations(connection, scope.county_code, scope.month, tables),
        content_hash=content_hash(frames),
        gate={
            "county_code": scope.county_code,
            "reporting_month": scope.month.isoformat(),
            "tier": Tier.PUBLIC.value,
            "verdict": "pass",
            "disclosure": {
                **published_parameters(rules),
                "masked_cells": int(own["value_state"].isin(MASKED).sum()),
                "every_masked_cell_covers": [0, rules.threshold - 1],
            },
        },
        sources=[
            ("", source, "", *rest)
            for _, source, _, *rest in sources_of(connection, scope.county_code, scope.month)
        ],
        facts=came | {"known_until": (came["known_until"] or "")[:10] or None},
        is_made_up=is_made_up(frames.values()),
        hashes={"protection": sha256(PARAMETERS)},
        reasons=lambda before, changed: _reasons(
            home, connection, scope, before.path.name, bool(changed), own
        ),
    )


def _final_on(connection: duckdb.DuckDBPyConnection, scope: Scope, rules: Protection) -> date:
    """Return the day from which the month is final: its counts of persons are out by then."""
    return max(calendar_final_on(connection, scope.month), settled_on(scope.month, rules))


def _reasons(
    home: Home,
    connection: duckdb.DuckDBPyConnection,
    scope: Scope,
    previous: str,
    has_other_parameters: bool,
    shown: pd.DataFrame,
) -> WhyChanged:
    """Return why rows of the public marts changed since a public release (r1).

    What is new is what came since the restricted release that it showed. A number that is withheld
    now, and of which nothing is new, is withheld for what it would give away of another.
    """
    kept = read_public_releases(home).get(f"{scope.county_code}/{scope.month:%Y-%m}/{previous}")
    folder = _folder(home, scope, Tier.RESTRICTED)
    shown_then = [
        path
        for number in folder.numbers()
        if kept is not None
        and facts_of(path := folder.folder / f"r{number}")["content_hash"] == kept.content_hash
    ]
    why: WhyChanged = unexplained
    if shown_then:
        origin = shown_then[-1]
        changed = changed_hashes(origin, hashes(connection, scope.county_code, scope.month))
        sources = sources_of(connection, scope.county_code, scope.month)
        before = Before(origin, scope.month)
        why = reasons_since(connection, before, sources, scope.county_code, scope.month, changed)
    withheld = {
        CountKey(*(str(part) for part in row))
        for row in shown[shown["value_state"] == WITHHELD][list(CountKey._fields)].itertuples(
            index=False
        )
    }

    def reason(mart: str, key: dict[str, str], measure: str) -> str:
        reasons = set(why(*restricted_row(mart, key), measure).split("+")) - {UNEXPLAINED}
        if mart == PERSON_COUNTS:
            if has_other_parameters:
                reasons.add("definition")
            if not reasons and CountKey(**key) in withheld:
                reasons.add("protected")
        return joined(reasons)

    return reason
