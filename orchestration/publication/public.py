"""The public tier: what anyone may see of a county's month, published only when all of it is safe.

Belongs here: the true counts in their public shapes, the tables that show them masked, and the
road to a public release. Not here: masking (masking), the reading back and the verdict
(orchestration.gate.disclosure), or how a release is written (release).
"""

import csv
import hashlib
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache
from pathlib import Path

import duckdb
import pandas as pd

from expectations.gate import GateRefused, content_hash, read_record, require_pass
from expectations.protection import (
    MASKED,
    PARAMETERS,
    SUPPRESSED,
    WITHHELD,
    Additive,
    Cell,
    Protection,
    load_protection,
)
from expectations.suites import suite_hash
from orchestration import products
from orchestration.gate.disclosure import (
    COUNTS,
    TIER,
    DisclosureRecord,
    DisclosureRefused,
    Folder,
    Known,
    Publication,
    Reading,
    explain,
    judge_disclosure,
    keep_record,
    newest_record,
    note_publications,
    parameters_told,
    publications,
    read_folder,
    read_releases,
    standing,
)
from orchestration.gate.judge import Scope
from orchestration.products.codes import codes_table
from orchestration.products.derived import OBSERVED_TABLE, RESTATED_TABLE
from orchestration.products.marts import (
    Table,
    column,
    month_frames,
    public_marts,
    warehouse_table,
)
from orchestration.products.tree import MANIFEST, Place, facts_of, sweep
from orchestration.publication.changes import (
    UNEXPLAINED,
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
from orchestration.publication.masking import Sign, mask
from orchestration.publication.observations import observations
from orchestration.publication.restricted import TIER as RESTRICTED
from orchestration.publication.restricted import (
    Contents,
    Release,
    as_of,
    changed_hashes,
    completeness,
    drafting,
    hashes,
    registers,
    require_open,
    sources_of,
    standing_release,
)
from orchestration.publication.writing.package import sha256
from orchestration.runtime.clock import today
from sources.custody.decisions import standing_waivers
from sources.custody.home import Home

#: Names of subjects and categories of person_counts.
LABELS = Path(products.__file__).with_name("public_labels.csv")

CONFIDENTIALITY = {SUPPRESSED: "C", WITHHELD: "D"}

#: The columns that make up a cell's identity, in its order.
CELL_COLUMNS = ("subject", "county_code", "period", "dimension", "category")

#: The columns of person_counts with their types in DuckDB.
COLUMNS = {
    "county_code": "VARCHAR",
    "reporting_month": "DATE",
    "period": "VARCHAR",
    "subject": "VARCHAR",
    "subject_sq": "VARCHAR",
    "subject_en": "VARCHAR",
    "dimension": "VARCHAR",
    "category": "VARCHAR",
    "category_sq": "VARCHAR",
    "category_en": "VARCHAR",
    "unit": "VARCHAR",
    "value": "INTEGER",
    "value_state": "VARCHAR",
    "conf_status": "VARCHAR",
    "counties": "VARCHAR",
    "counted_from": "VARCHAR",
    "target_value": "DOUBLE",
    "progress": "DOUBLE",
    "is_made_up": "BOOLEAN",
}


@dataclass(frozen=True)
class PublicOutcome:
    """The public releases that stand after a run, and why nothing new was published, if so.

    `closed` says of each final month whose numbers would have changed that it stands as it was.
    """

    releases: tuple[Release, ...]
    refusal: DisclosureRefused | None = None
    closed: dict[Scope, str] = field(default_factory=dict)


def release_public(home: Home, passed: list[Scope]) -> PublicOutcome:
    """Publish scopes to the public tier, all of them together or none.

    `passed` are scopes that the gate has let through to the restricted tier, under the same hold of
    the home (see `passes`). Everything new is written as drafts, read back with all that stands of
    the same years, and judged: a refusal leaves every earlier release as it was.
    """
    if not passed:
        return PublicOutcome(())
    years = {f"{scope.month:%Y}" for scope in passed}
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        known = _known(connection, passed)
        day = as_of(connection)
        drafted = _Drafted(
            rows=_true_counts(connection, passed, known, day),
            frames={scope: _unprotected(connection, scope) for scope in passed},
        )
        folders = standing(home, years)
        stands = [
            finality(_place(home, scope), _final_on(connection, scope, known.rules), day).status
            for scope in passed
        ]
        inputs = _inputs(drafted, known, stands, folders)
        last = newest_record(home)
        if last is not None and (last.inputs, last.verdict) == (inputs, "pass"):
            return PublicOutcome(tuple(_newest(home, scope) for scope in passed))
        reading = read_releases(folders, known)
        shown = _masked(connection, drafted.rows, known, reading)
        contents = [
            _content(home, connection, scope, shown, drafted.frames[scope], known, day)
            for scope in passed
        ]
        found = [(one, standing_release(home, one)) for one in contents]
        kept = tuple(release for _, release in found if release is not None)
        fresh = [one for one, release in found if release is None]
        closed = _closed(home, fresh)
        if not closed:
            verdict, reasons = "pass", tuple[str, ...]()
            _note_again(home, kept)
            try:
                outcome = PublicOutcome(
                    kept + tuple(_publish(home, fresh, folders, reading, known))
                )
            except DisclosureRefused as refusal:
                for one in fresh:
                    sweep(home.releases / TIER / one.county_code / f"{one.month:%Y-%m}")
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
            inputs=_inputs(drafted, known, stands, standing(home, years)),
            verdict=verdict,
            masked_cells=int(shown["value_state"].isin(MASKED).sum()),
            reasons=list(reasons),
        ),
    )
    return outcome


def _closed(home: Home, fresh: list[Contents]) -> dict[Scope, str]:
    """Return what is said of each final month that would change and that nobody reopened."""
    closed = {}
    for one in fresh:
        try:
            require_open(home, one)
        except MonthIsFinal as refusal:
            closed[Scope(one.county_code, one.month)] = str(refusal)
    return closed


def _place(home: Home, scope: Scope, tier: str = TIER) -> Place:
    return Place(home.releases, tier, scope.county_code, f"{scope.month:%Y-%m}")


def passes(home: Home, scope: Scope) -> bool:
    """Tell whether the gate lets through what the restricted tier shows of a scope."""
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


def _publish(
    home: Home,
    fresh: list[Contents],
    folders: list[Folder],
    reading: Reading,
    known: Known,
) -> list[Release]:
    """Publish drafts that pass together with what was read of all that stands."""
    if not fresh:
        return []
    moment = 1 + max((folder.moment for folder in folders), default=0)
    with ExitStack() as drafts:
        written = [drafts.enter_context(drafting(home, one)) for one in fresh]
        for one, (draft, release) in zip(fresh, written, strict=True):
            name = f"{one.county_code}/{one.month:%Y-%m}/r{release.number}"
            read_folder(Folder(draft, name, moment, is_draft=True), known, reading)
        verdict = judge_disclosure(reading, known)
        if reading.oddities or not verdict.is_safe:
            raise DisclosureRefused(explain(reading, known))
        _note(home, [release for _, release in written])
    return [release for _, release in written]


def _note(home: Home, made: list[Release]) -> None:
    """Keep, before they appear, which run releases come from, and what was judged in it."""
    moment = 1 + max((one.moment for one in publications(home).values()), default=0)
    notes = {}
    for release in made:
        county_code, month, _ = name = release.path.parts[-3:]
        record = read_record(home, county_code, _month(month))
        notes["/".join(name)] = Publication(moment, record.content_hash if record else None)
    note_publications(home, notes)


def _note_again(home: Home, kept: Iterable[Release]) -> None:
    """Keep of releases that stand unchanged that they show what was judged now, too."""
    known = publications(home)
    notes = {}
    for release in kept:
        county_code, month, _ = name = release.path.parts[-3:]
        told = known.get("/".join(name))
        record = read_record(home, county_code, _month(month))
        if told and record and told.content_hash != record.content_hash:
            notes["/".join(name)] = replace(told, content_hash=record.content_hash)
    if notes:
        note_publications(home, notes)


def _month(text: str) -> date:
    return datetime.strptime(text, "%Y-%m").date()


@dataclass(frozen=True)
class _Drafted:
    """What a run would publish, before masking: true counts, and the marts that need none."""

    rows: pd.DataFrame
    frames: dict[Scope, dict[str, pd.DataFrame]]


def _inputs(
    drafted: _Drafted, known: Known, stands: list[str | None], folders: list[Folder]
) -> str:
    """Return what identifies all that a verdict rests on."""
    digest = hashlib.sha256(PARAMETERS.read_bytes())
    told = parameters_told(known.rules)
    said = (sorted(known.protected), sorted(known.texts), told, _labels(), stands)
    digest.update(repr(said).encode())
    digest.update(content_hash({"": drafted.rows}).encode())
    for scope, frames in drafted.frames.items():
        digest.update(f"{scope}{content_hash(frames)}".encode())
    for folder in folders:
        digest.update(f"{folder.name}{sha256(folder.path / MANIFEST)}".encode())
    return digest.hexdigest()


def _newest(home: Home, scope: Scope) -> Release:
    place = _place(home, scope)
    number = place.numbers()[-1]
    return Release(path=place.folder / f"r{number}", number=number, is_new=False)


def _known(connection: duckdb.DuckDBPyConnection, scopes: list[Scope]) -> Known:
    protected = connection.execute(
        "select plan_code, indicator_code, population_id from core.dim_indicators "
        "where is_protected "
        "order by all"
    ).fetchall()
    populations: dict[tuple[str, str], list[str]] = {}
    for plan_code, code, population in protected:
        if population is not None:
            populations.setdefault((plan_code, population), []).append(code)
    empty = {mart.name: pd.DataFrame() for mart in public_marts()}
    repeating = (RESTATED_TABLE, OBSERVED_TABLE, codes_table())
    tables = [*_tables(connection, empty), *registers(connection), *repeating]
    texts = [
        text
        for described in tables
        for one in described.columns
        for text in (one.description, one.name, f"{one.title_sq} / {one.title_en}")
    ]
    texts += [
        name
        for described in tables
        if "name_sq" in described.frame
        for name in [*described.frame["name_sq"], *described.frame["name_en"]]
    ]
    texts += [text for label in _labels().values() for text in (label.name_sq, label.name_en)]
    return Known(
        rules=load_protection(tuple(codes) for codes in populations.values()),
        protected=frozenset(code for _, code, _ in protected),
        texts=frozenset(texts),
        columns={table.mart.name: tuple(one.name for one in table.columns) for table in tables},
        completeness={
            (scope.county_code, f"{scope.month:%Y-%m}"): completeness(
                connection, scope.county_code, scope.month
            )["completeness"]
            for scope in scopes
        },
    )


def _true_counts(
    connection: duckdb.DuckDBPyConnection, scopes: list[Scope], known: Known, day: date
) -> pd.DataFrame:
    """Return the rows of what is protected that have a public shape and have settled."""
    months = {scope.month for scope in scopes}
    settled = sorted(month for month in months if settled_on(month, known.rules) <= day)
    rows = connection.execute(
        "select * from publication.public_counts "
        "where list_contains(cast(? as date[]), reporting_month) order by all",
        [settled],
    ).df()
    chosen = pd.MultiIndex.from_tuples(
        [(scope.county_code, pd.Timestamp(scope.month)) for scope in scopes]
    )
    mine = pd.MultiIndex.from_frame(rows[["county_code", "reporting_month"]]).isin(chosen)
    return rows[mine]


def _masked(
    connection: duckdb.DuckDBPyConnection,
    rows: pd.DataFrame,
    known: Known,
    before: Reading,
) -> pd.DataFrame:
    """Return the rows of person_counts with a sign or a rounded number in place of each count."""
    cells = [Cell(*key) for key in rows[list(CELL_COLUMNS)].itertuples(index=False)]
    origins = {
        cell: Additive(
            () if pd.isna(counties) else tuple(counties.split()), source != "published_figure"
        )
        for cell, counties, source in zip(
            cells, rows["counties"], rows["counted_from"], strict=True
        )
    }
    is_shown = [known.rules.may_be_shown(cell, origins[cell].counties) for cell in cells]
    rows = rows[pd.Series(is_shown, index=rows.index, dtype=bool)]
    cells = [cell for cell, shown in zip(cells, is_shown, strict=True) if shown]
    counts = {
        cell: None if pd.isna(value) else int(value)
        for cell, value in zip(cells, rows["value"], strict=True)
    }
    signs = mask(
        counts,
        {cell: origins[cell] for cell in cells},
        known.rules,
        published=before.frame(),
        published_origins=before.origins,
    )
    return _in_words(connection, rows, [signs[cell] for cell in cells])


def _in_words(
    connection: duckdb.DuckDBPyConnection, rows: pd.DataFrame, signs: list[Sign]
) -> pd.DataFrame:
    indicators = {
        (month, code): _Label(name_sq, name_en, "", unit)
        for month, code, name_sq, name_en, unit in connection.execute(
            "select months.month, indicator_code, indicators.name_sq, indicators.name_en, unit "
            "from core.dim_indicators as indicators "
            "inner join core.dim_months as months using (plan_code) "
            "where list_contains(?, months.month)",
            [[month.date() for month in pd.to_datetime(rows["reporting_month"]).unique()]],
        ).fetchall()
    }
    months = pd.to_datetime(rows["reporting_month"]).dt.date
    shown = rows.copy()
    for kind in ("subject", "category"):
        names = [
            _labels().get(code) or indicators[month, code]
            for month, code in zip(months, rows[kind], strict=True)
        ]
        shown[f"{kind}_sq"] = [label.name_sq for label in names]
        shown[f"{kind}_en"] = [label.name_en for label in names]
        if kind == "subject":
            shown["unit"] = [label.unit for label in names]
    shown["value"] = pd.array([sign.value for sign in signs], dtype="Int64")
    shown["value_state"] = [sign.state for sign in signs]
    shown["conf_status"] = [CONFIDENTIALITY.get(sign.state, "F") for sign in signs]
    shown["progress"] = [
        round(100 * sign.value / target, 1) if sign.value is not None and target > 0 else None
        for sign, target in zip(signs, rows["target_value"], strict=True)
    ]
    shown["progress"] = shown["progress"].astype(float)
    return shown[list(COLUMNS)]


@dataclass(frozen=True)
class _Label:
    """What a subject or category is called; of a subject, the records and the unit it counts."""

    name_sq: str
    name_en: str
    source: str
    unit: str


@cache
def _labels() -> dict[str, _Label]:
    with LABELS.open(encoding="utf-8", newline="") as file:
        return {row.pop("code"): _Label(**row) for row in csv.DictReader(file)}


def _content(
    home: Home,
    connection: duckdb.DuckDBPyConnection,
    scope: Scope,
    shown: pd.DataFrame,
    unprotected: dict[str, pd.DataFrame],
    known: Known,
    day: date,
) -> Contents:
    mine = shown[
        (shown["county_code"] == scope.county_code)
        & (shown["reporting_month"].dt.date == scope.month)
    ]
    tables = tuple(_tables(connection, {**unprotected, COUNTS: mine}))
    frames = {table.mart.name: table.frame for table in tables}
    rules = known.rules
    came = completeness(connection, scope.county_code, scope.month)
    return Contents(
        tier=TIER,
        county_code=scope.county_code,
        month=scope.month,
        released_on=day,
        final_on=_final_on(connection, scope, rules),
        tables=tables,
        registers=registers(connection, scope.month),
        apart=observations(connection, scope.county_code, scope.month, tables),
        content_hash=content_hash(frames),
        gate={
            "county_code": scope.county_code,
            "reporting_month": scope.month.isoformat(),
            "tier": TIER,
            "verdict": "pass",
            "disclosure": {
                **parameters_told(rules),
                "masked_cells": int(mine["value_state"].isin(MASKED).sum()),
                "every_masked_cell_covers": [0, rules.threshold - 1],
            },
        },
        sources=[
            ("", source, "", *rest)
            for _, source, _, *rest in sources_of(connection, scope.county_code, scope.month)
        ],
        facts=came | {"known_until": (came["known_until"] or "")[:10] or None},
        is_made_up=any(bool(frame["is_made_up"].any()) for frame in frames.values()),
        hashes={"protection": sha256(PARAMETERS)},
        reasons=lambda previous, changed: _reasons(
            home, connection, scope, previous, bool(changed), mine
        ),
    )


def _final_on(connection: duckdb.DuckDBPyConnection, scope: Scope, rules: Protection) -> date:
    """Return the day from which the month is final: its counts of persons are out by then."""
    return max(calendar_final_on(connection, scope.month), settled_on(scope.month, rules))


def _reasons(
    home: Home,
    connection: duckdb.DuckDBPyConnection,
    scope: Scope,
    previous: Path,
    has_other_parameters: bool,
    shown: pd.DataFrame,
) -> WhyChanged:
    """Return why rows of the public marts changed since a public release.

    What is new is what came since the restricted release that it showed. A number that is withheld
    now, and of which nothing is new, is withheld for what it would tell of another.
    """
    told = publications(home).get(f"{scope.county_code}/{scope.month:%Y-%m}/{previous.name}")
    place = _place(home, scope, RESTRICTED)
    shown_then = [
        path
        for number in place.numbers()
        if told is not None
        and facts_of(path := place.folder / f"r{number}")["content_hash"] == told.content_hash
    ]
    why: WhyChanged = unexplained
    if shown_then:
        origin = shown_then[-1]
        changed = changed_hashes(origin, hashes(connection, scope.county_code, scope.month))
        sources = sources_of(connection, scope.county_code, scope.month)
        why = reasons_since(connection, origin, sources, scope.county_code, changed)
    withheld = {
        tuple(str(part) for part in row)
        for row in shown[shown["value_state"] == WITHHELD][list(CELL_COLUMNS)].itertuples(
            index=False
        )
    }

    def reason(mart: str, key: dict[str, str]) -> str:
        found = set(why(*_counted_in(mart, key)).split("+")) - {UNEXPLAINED}
        if has_other_parameters and mart == COUNTS:
            found.add("definition")
        is_withheld = mart == COUNTS and tuple(key[name] for name in CELL_COLUMNS) in withheld
        if is_withheld and not found:
            found.add("protected")
        return joined(found)

    return reason


def _counted_in(mart: str, key: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Return the restricted mart and row that a public row is counted from."""
    if mart != COUNTS:
        return mart, key
    source = _labels()[key["subject"]].source if key["subject"] in _labels() else ""
    if source:
        return {"hotline": "hotline_activity", "referral": "referral_flow"}[source], {}
    return "indicator_progress", {"indicator_code": key["subject"]}


def _tables(connection: duckdb.DuckDBPyConnection, frames: dict[str, pd.DataFrame]) -> list[Table]:
    """Return the public tables of a scope, in the order of the sheets."""
    tables = []
    for mart in public_marts():
        frame = frames[mart.name]
        if mart.name == COUNTS:
            columns = tuple(column(name, kind) for name, kind in COLUMNS.items())
            tables.append(
                Table(mart, columns, frame.sort_values(mart.key) if len(frame) else frame)
            )
        else:
            tables.append(warehouse_table(connection, mart, frame))
    return tables


def _unprotected(connection: duckdb.DuckDBPyConnection, scope: Scope) -> dict[str, pd.DataFrame]:
    """Return the rows of the marts that go out in full, without what is protected."""
    only = (
        "and (plan_code, indicator_code) not in "
        "(select (plan_code, indicator_code) from core.dim_indicators where is_protected)"
    )
    return {
        mart.name: connection.execute(
            f"select * from {mart.schema}.{mart.name} "
            "where county_code = ? and reporting_month = ? "
            f"{only if 'indicator_code' in mart.key else ''} order by {', '.join(mart.key)}",
            [scope.county_code, scope.month],
        ).df()
        for mart in public_marts()
        if mart.name != COUNTS
    }
