"""A release: one county's month, written once, whole, and never changed.

Belongs here: what a release holds, and writing it for any tier. Not here: the verdict that allows
it (expectations.gate), where releases lie (tree), or the looks of a file in it.
"""

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from expectations.gate import content_hash, read_record, require_pass
from expectations.suites import suite_hash
from orchestration.products.codes import codes_table
from orchestration.products.marts import (
    Mart,
    Table,
    column,
    month_frames,
    published_marts,
    warehouse_table,
)
from orchestration.products.tree import MANIFEST, SIGNATURE, Place, facts_of
from orchestration.publication.changes import (
    WhyChanged,
    describe_changes,
    reasons_since,
    restatements,
    unexplained,
)
from orchestration.publication.finality import (
    MonthIsFinal,
    calendar_final_on,
    finality,
    reopening,
    reopening_text,
)
from orchestration.publication.observations import as_provisional, observations
from orchestration.publication.writing.files import write_tables
from orchestration.publication.writing.package import data_package
from orchestration.publication.writing.signing import fingerprint, publish_key, signing_key
from orchestration.publication.writing.workbook import write_workbook
from orchestration.runtime.clock import today
from orchestration.runtime.settings import DBT_PROJECT
from sources.custody.decisions import standing_waivers
from sources.custody.home import Home
from sources.texts import both

#: Exact aggregates for ZKKA and the county's own committee.
TIER = "restricted"

EXAMPLE = "EXAMPLE. "


SOURCE_COLUMNS = (
    "delivery_id",
    "source",
    "content_hash",
    "institution_code",
    "version",
    "status",
    "is_made_up",
)


@dataclass(frozen=True)
class Release:
    """A release's folder, its number, and whether this call wrote it."""

    path: Path
    number: int
    is_new: bool


@dataclass(frozen=True)
class Contents:
    """What one release of any tier holds, before it has a number.

    `tables` are the marts, in the order of the sheets, and `registers` the tables that they point
    into. `content_hash` identifies the marts' rows: the same are not released twice. `gate` is
    published as gate.json, `sources` (in SOURCE_COLUMNS) as sources.csv, and `facts` joins what the
    manifest tells of the release. `released_on` is the day as of which it was judged, `final_on`
    the calendar's day for the month; without one the tier's months are neither provisional nor
    final. `apart` are the marts' numbers one by one: a tier that has them has restatements too.
    `hashes` are those of definitions and linkage, by which the next release tells what changed, and
    `reasons` gives, for the release before, why a row of a mart changed since.
    """

    tier: str
    county_code: str
    month: date
    released_on: date
    tables: tuple[Table, ...]
    registers: tuple[Table, ...]
    content_hash: str
    gate: dict[str, Any]
    sources: Sequence[tuple[Any, ...]]
    facts: dict[str, Any]
    is_made_up: bool
    final_on: date | None = None
    apart: Table | None = None
    hashes: dict[str, str] = field(default_factory=dict)
    reasons: Callable[[Path, list[str]], WhyChanged] | None = None


def release(home: Home, county_code: str, month: date) -> Release:
    """Publish a county's month to the restricted tier; return the newest release.

    The gate must have passed exactly what would be published: raises expectations.gate.GateRefused
    without a matching record. Raises finality.MonthIsFinal when the numbers of a final month would
    change. The same content is not released twice.
    """
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        frames = month_frames(connection, county_code, month)
        digest = content_hash(frames)
        record = require_pass(
            read_record(home, county_code, month),
            digest,
            suite_hash(),
            standing_waivers(home, today()),
        )
        place = Place(home.releases, TIER, county_code, f"{month:%Y-%m}")
        day, final_on = as_of(connection), calendar_final_on(connection, month)
        standing = _standing(place, digest, finality(place, final_on, day).status)
        if standing is not None:
            return standing
        tables = tuple(
            warehouse_table(connection, mart, frames[mart.name]) for mart in published_marts()
        )
        sources = sources_of(connection, county_code, month)
        contents = Contents(
            tier=TIER,
            county_code=county_code,
            month=month,
            released_on=day,
            final_on=final_on,
            tables=tables,
            registers=registers(connection),
            apart=observations(connection, county_code, month, tables),
            content_hash=digest,
            gate=record.as_dict(),
            sources=sources,
            facts=completeness(connection, county_code, month),
            is_made_up=record.is_made_up,
            hashes=hashes(connection, county_code, month),
            reasons=lambda previous, changed: reasons_since(
                connection, previous, sources, county_code, changed
            ),
        )
        return write_release(home, contents)


def write_release(home: Home, contents: Contents) -> Release:
    """Write a release of any tier, whole or not at all, and point `latest` to it.

    The newest release is returned as it stands when its content is the same. Raises what
    `drafting` raises.
    """
    standing = standing_release(home, contents)
    if standing is not None:
        return standing
    with drafting(home, contents) as (_, release):
        return release


def standing_release(home: Home, contents: Contents) -> Release | None:
    """Return the newest release if it holds this very content, or is final with these numbers."""
    place = _place(home, contents)
    status = finality(place, contents.final_on, contents.released_on).status
    newest = place.newest()
    numbers_hash = None
    if newest is not None and facts_of(newest).get("status") == "final":
        numbers_hash = _numbers_of(contents)
    return _standing(place, contents.content_hash, status, numbers_hash)


def _standing(
    place: Place, content_hash: str, status: str | None, numbers_hash: str | None = None
) -> Release | None:
    """Return the newest release if it holds this content, or is final with these numbers."""
    newest = place.newest()
    if newest is None:
        return None
    facts = facts_of(newest)
    if facts.get("status") == "final":
        is_same = content_hash == facts["content_hash"] or numbers_hash == facts["numbers_hash"]
    else:
        is_same = (facts["content_hash"], facts.get("status")) == (content_hash, status)
    if not is_same:
        return None
    place.point_latest()
    return Release(path=newest, number=place.numbers()[-1], is_new=False)


@contextmanager
def drafting(home: Home, contents: Contents) -> Iterator[tuple[Path, Release]]:
    """Give the draft of a new release, whole and signed, and the release that it becomes.

    It appears at the end of the block; an error in the block leaves every release as it was.
    Raises finality.MonthIsFinal for a final month that nobody reopened.
    """
    key = signing_key(home.keys)
    publish_key(key.public_key(), home.releases)
    place = _place(home, contents)
    previous = place.newest()
    facts = _facts(home, place, contents, previous)
    with place.appearing() as (draft, target):
        number = int(target.name[1:])
        facts |= {"number": number, "signed_by": fingerprint(key.public_key())}
        tables = _write(draft, contents, facts, previous)
        package = data_package(
            draft,
            title=f"{EXAMPLE if contents.is_made_up else ''}KRAT {contents.county_code} "
            f"{place.month}",
            created=contents.released_on,
            made_up=both("release.made_up", " ") if contents.is_made_up else "",
            release=facts,
            tables=tables,
        )
        manifest = (json.dumps(package, indent=2, ensure_ascii=False) + "\n").encode()
        (draft / MANIFEST).write_bytes(manifest)
        (draft / SIGNATURE).write_bytes(key.sign(manifest))
        yield draft, Release(path=target, number=number, is_new=True)


@cache
def definition_hash() -> str:
    """Return the SHA-256 of registers and models: what a number means hangs on them."""
    digest = hashlib.sha256()
    for pattern in ("seeds/*.csv", "models/**/*.sql", "macros/*.sql"):
        for path in sorted(DBT_PROJECT.glob(pattern)):
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def hashes(connection: duckdb.DuckDBPyConnection, county_code: str, month: date) -> dict[str, str]:
    """Return what identifies the definitions and the linkage behind a month's numbers."""
    return {
        "definition": definition_hash(),
        "linked": _linkage_hash(connection, county_code, month),
    }


def changed_hashes(release: Path, now: dict[str, str]) -> list[str]:
    """Return which hashes differ from those of a release."""
    before = facts_of(release).get("hashes", {})
    return [name for name, value in now.items() if before.get(name) != value]


def _place(home: Home, contents: Contents) -> Place:
    return Place(home.releases, contents.tier, contents.county_code, f"{contents.month:%Y-%m}")


def _facts(home: Home, place: Place, contents: Contents, previous: Path | None) -> dict[str, Any]:
    """Return what the manifest tells of the release as a whole, its number and signer excepted."""
    facts: dict[str, Any] = {
        "tier": contents.tier,
        "county_code": contents.county_code,
        "reporting_month": place.month,
        "number": 0,
        "released_on": contents.released_on.isoformat(),
    }
    stands = finality(place, contents.final_on, contents.released_on)
    if stands.final_on is not None:
        facts |= {"status": stands.status, "final_on": stands.final_on.isoformat()}
    reopened = _reopened(home, place, previous)
    if reopened is not None:
        if contents.tier != TIER:
            reopened = {name: reopened[name] for name in ("entry", "county_code", "at")}
        facts |= {"status": "final", "reopened": reopened}
    return facts | {
        "is_made_up": contents.is_made_up,
        "content_hash": contents.content_hash,
        "numbers_hash": _numbers_of(contents),
        "hashes": contents.hashes,
        **contents.facts,
    }


def final_month_refusal(home: Home, county_code: str, month: date) -> str | None:
    """Return why a final month keeps its release though its numbers changed, else None."""
    place = Place(home.releases, TIER, county_code, f"{month:%Y-%m}")
    newest = place.newest()
    if newest is None or facts_of(newest).get("status") != "final":
        return None
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        frames = month_frames(connection, county_code, month)
    numbers = _numbers_hash((mart, frames[mart.name]) for mart in published_marts())
    if numbers == facts_of(newest)["numbers_hash"]:
        return None
    try:
        _reopened(home, place, newest)
    except MonthIsFinal as refusal:
        return str(refusal)
    return None


def require_open(home: Home, contents: Contents) -> None:
    """Raise finality.MonthIsFinal where a new release would change a final month."""
    place = _place(home, contents)
    _reopened(home, place, place.newest())


def _reopened(home: Home, place: Place, previous: Path | None) -> dict[str, Any] | None:
    """Return what reopened a month that is final, None for one that isn't."""
    before = facts_of(previous) if previous else {}
    if before.get("status") != "final":
        return None
    reopened = reopening(home, place)
    if reopened is None:
        raise MonthIsFinal(
            f"{place.county_code} {place.month} is final since {before['final_on']}: krat "
            f"reopen --county {place.county_code} --month {place.month} lets it change."
        )
    return reopened


def _numbers_hash(tables: Iterable[tuple[Mart, pd.DataFrame]]) -> str:
    """Return the hash of the marts' numbers alone, which is what a final month keeps."""
    return content_hash(
        {mart.name: frame[[*mart.key, *mart.values]] for mart, frame in tables if mart.values}
    )


def _numbers_of(contents: Contents) -> str:
    return _numbers_hash((table.mart, table.frame) for table in contents.tables)


#: The registers that the marts of the restricted tier point into, each with the columns published.
REGISTERS = (
    (
        Mart(
            name="counties",
            schema="core",
            title_sq="Qarqet",
            title_en="Counties",
            row_sq="një qark, ose vendi",
            row_en="a county, or the nation",
            key=["county_code"],
        ),
        "select county_code, name_sq, name_en, is_nation from core.dim_counties",
    ),
    (
        Mart(
            name="indicators",
            schema="core",
            title_sq="Treguesit",
            title_en="Indicators",
            row_sq="një tregues i planit kombëtar",
            row_en="an indicator of the national plan",
            key=["indicator_code"],
        ),
        "select indicator_code, measure_code, name_sq, name_en, unit, target_basis, direction, "
        "is_person_sensitive from core.dim_indicators",
    ),
    (
        Mart(
            name="institutions",
            schema="core",
            title_sq="Institucionet",
            title_en="Institutions",
            row_sq="një institucion",
            row_en="an institution",
            key=["institution_code"],
        ),
        "select institution_code, name_sq, name_en from core.dim_institutions",
    ),
)


def registers(connection: duckdb.DuckDBPyConnection) -> tuple[Table, ...]:
    """Return the registers that a release's marts point into, each ordered by its key."""
    tables = []
    for mart, query in REGISTERS:
        relation = connection.sql(f"{query} order by {', '.join(mart.key)}")
        described = dict(
            connection.execute(
                "select column_name, comment from duckdb_columns() "
                "where schema_name = 'core' and table_name = ?",
                [f"dim_{mart.name}"],
            ).fetchall()
        )
        columns = tuple(
            column(name, str(kind), described.get(name) or "")
            for name, kind in zip(relation.columns, relation.types, strict=True)
        )
        tables.append(Table(mart=mart, columns=columns, frame=relation.df()))
    return tuple(tables)


def as_of(connection: duckdb.DuckDBPyConnection) -> date:
    """Return the day as of which the warehouse was built."""
    row = connection.execute("select as_of from raw.refresh_context").fetchone()
    return row[0] if row else date.min


def _linkage_hash(connection: duckdb.DuckDBPyConnection, county_code: str, month: date) -> str:
    """Return the SHA-256 of the decisions on linkage that touch a county up to a month."""
    rows = connection.execute(
        "select reporting_month, changed_on, linked_pairs, apart_pairs, decided_pairs "
        "from core.fct_link_changes "
        "where county_code = ? and reporting_month <= ? and decided_pairs > 0 order by all",
        [county_code, month],
    ).fetchall()
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def completeness(
    connection: duckdb.DuckDBPyConnection, county_code: str, month: date
) -> dict[str, Any]:
    """Return how many reports were due and came, and when the last delivery came."""
    [(expected, received, on_time, known_until)] = connection.execute(
        "select expected, received, on_time, known_until from publication.area_completeness "
        "where county_code = ? and reporting_month = ?",
        [county_code, month],
    ).fetchall()
    return {
        "completeness": {"expected": expected, "received": received, "on_time": on_time},
        "known_until": None if known_until is None else f"{known_until:%Y-%m-%dT%H:%M:%SZ}",
    }


def _write(
    draft: Path, contents: Contents, facts: dict[str, Any], previous: Path | None
) -> list[Table]:
    """Write all files but the manifest and its signature; return the tables written."""
    why = None
    if previous and contents.reasons is not None:
        why = contents.reasons(previous, changed_hashes(previous, contents.hashes))
    tables = contents.tables
    written = [*tables, *contents.registers]
    apart = restated = None
    if contents.apart is not None:
        apart = contents.apart if facts["status"] == "final" else as_provisional(contents.apart)
        restated = restatements(
            previous, tables, why or unexplained, contents.county_code, contents.month
        )
        written += [restated, apart, codes_table()]
    write_tables(draft, written)
    with (draft / "sources.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(SOURCE_COLUMNS)
        writer.writerows(contents.sources)
    (draft / "gate.json").write_text(
        json.dumps(contents.gate, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    head = [both("release.made_up", " ")] if contents.is_made_up else []
    if reopened := facts.get("reopened"):
        head.append(f"{both('release.reopened')}: {reopening_text(reopened)}.")
    (draft / "CHANGES.md").write_text(
        describe_changes(previous, tables, why, head), encoding="utf-8"
    )
    write_workbook(
        draft / "marts.xlsx",
        facts=facts,
        tables=tables,
        restated=restated,
        observations=apart,
        registers=contents.registers,
        gate=contents.gate,
    )
    return written


def sources_of(
    connection: duckdb.DuckDBPyConnection, county_code: str, month: date
) -> list[tuple[Any, ...]]:
    """Return the deliveries that a month rests on, in SOURCE_COLUMNS."""
    return connection.execute(
        "select delivery_id, source_kind, content_hash, institution_code, version, status, "
        "is_made_up from publication.release_sources where (county_code = ? or ? = 'AL') "
        "and (reporting_month is null or reporting_month <= ?) order by all",
        [county_code, county_code, month],
    ).fetchall()
