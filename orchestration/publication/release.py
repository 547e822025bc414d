"""A release: one county's month, written once, whole, and never changed.

Belongs here: what a release holds, and writing it for any tier. Not here: the verdict that allows
it (expectations.gate), where releases lie (tree), or the looks of a file in it.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from expectations.gate import content_hash, read_record, require_pass
from expectations.suites import suite_hash
from orchestration.clock import today
from orchestration.publication.changes import describe_changes
from orchestration.publication.files import safe_text, write_tables
from orchestration.publication.marts import (
    Mart,
    Table,
    column,
    month_frames,
    published_marts,
    warehouse_table,
)
from orchestration.publication.package import data_package
from orchestration.publication.signing import fingerprint, publish_key, signing_key
from orchestration.publication.tree import MANIFEST, SIGNATURE, Place
from orchestration.publication.workbook import write_workbook
from sources.decisions import standing_waivers
from sources.home import Home

#: Exact aggregates for ZKKA and the county's own committee.
TIER = "restricted"

EXAMPLE = "EXAMPLE. "
MADE_UP = "SHEMBULL: të dhëna të trilluara. EXAMPLE: made-up data."


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
    manifest tells of the release. `released_on` is the day as of which it was judged.
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


def release(home: Home, county_code: str, month: date) -> Release:
    """Publish a county's month to the restricted tier; return the newest release.

    The gate must have passed exactly what would be published: raises expectations.gate.GateRefused
    without a matching record. The same content is not released twice.
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
        contents = Contents(
            tier=TIER,
            county_code=county_code,
            month=month,
            released_on=as_of(connection),
            tables=tuple(
                warehouse_table(connection, mart, frames[mart.name]) for mart in published_marts()
            ),
            registers=registers(connection),
            content_hash=digest,
            gate=record.as_dict(),
            sources=sources_of(connection, county_code, month),
            facts={},
            is_made_up=record.is_made_up,
        )
    return write_release(home, contents)


def write_release(home: Home, contents: Contents) -> Release:
    """Write a release of any tier, whole or not at all, and point `latest` to it.

    The newest release is returned as it stands when its content is the same.
    """
    standing = standing_release(home, contents)
    if standing is not None:
        return standing
    with drafting(home, contents) as (_, release):
        return release


def standing_release(home: Home, contents: Contents) -> Release | None:
    """Return the newest release if it holds this very content."""
    place = _place(home, contents)
    newest = place.newest()
    if newest is None or _published_hash(newest) != contents.content_hash:
        return None
    place.point_latest()
    return Release(path=newest, number=place.numbers()[-1], is_new=False)


@contextmanager
def drafting(home: Home, contents: Contents) -> Iterator[tuple[Path, Release]]:
    """Give the draft of a new release, whole and signed, and the release that it becomes.

    It appears at the end of the block; an error in the block leaves every release as it was.
    """
    key = signing_key(home.keys)
    publish_key(key.verify_key, home.releases)
    place = _place(home, contents)
    previous = place.newest()
    with place.appearing() as (draft, target):
        number = int(target.name[1:])
        _write(draft, contents, previous)
        package = data_package(
            draft,
            title=f"{EXAMPLE if contents.is_made_up else ''}KRAT {contents.county_code} "
            f"{place.month}",
            created=contents.released_on,
            made_up=MADE_UP if contents.is_made_up else "",
            release={
                "tier": contents.tier,
                "county_code": contents.county_code,
                "reporting_month": place.month,
                "number": number,
                "released_on": contents.released_on.isoformat(),
                "is_made_up": contents.is_made_up,
                "content_hash": contents.content_hash,
                **contents.facts,
                "signed_by": fingerprint(key.verify_key),
            },
            tables=[*contents.tables, *contents.registers],
        )
        manifest = (json.dumps(package, indent=2, ensure_ascii=False) + "\n").encode()
        (draft / MANIFEST).write_bytes(manifest)
        (draft / SIGNATURE).write_bytes(key.sign(manifest).signature)
        yield draft, Release(path=target, number=number, is_new=True)


def _place(home: Home, contents: Contents) -> Place:
    return Place(home.releases, contents.tier, contents.county_code, f"{contents.month:%Y-%m}")


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


def _published_hash(path: Path) -> str:
    manifest = json.loads((path / MANIFEST).read_bytes())
    return str(manifest["release"]["content_hash"])


def as_of(connection: duckdb.DuckDBPyConnection) -> date:
    """Return the day as of which the warehouse was built."""
    row = connection.execute("select as_of from raw.refresh_context").fetchone()
    return row[0] if row else date.min


def _write(draft: Path, contents: Contents, previous: Path | None) -> None:
    tables = contents.tables
    write_tables(draft, [*tables, *contents.registers])
    with (draft / "sources.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(SOURCE_COLUMNS)
        writer.writerows(contents.sources)
    (draft / "gate.json").write_text(
        json.dumps(contents.gate, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    (draft / "CHANGES.md").write_text(
        describe_changes(
            previous,
            {table.mart.name: table.frame for table in tables},
            {table.mart.name: table.mart.key for table in tables},
            MADE_UP if contents.is_made_up else "",
        ),
        encoding="utf-8",
    )
    write_workbook(
        draft / "marts.xlsx",
        county_code=contents.county_code,
        month=contents.month,
        is_made_up=contents.is_made_up,
        marts=tuple(table.mart for table in tables),
        frames={table.mart.name: safe_text(table.frame) for table in tables},
        descriptions={
            table.mart.name: {column.name: column.description for column in table.columns}
            for table in tables
        },
    )


def sources_of(
    connection: duckdb.DuckDBPyConnection, county_code: str, month: date
) -> list[tuple[Any, ...]]:
    """Return the deliveries that a month rests on, in SOURCE_COLUMNS."""
    return connection.execute(
        "select distinct d.delivery_id, d.source, d.content_hash, d.institution_code, s.version, "
        "coalesce(s.status, d.status), d.is_made_up from raw.deliveries as d "
        "left join core.fct_submissions as s using (delivery_id) "
        "where (d.county_code = ? or ? = 'AL') "
        "and (d.reporting_month is null or d.reporting_month <= ?) order by all",
        [county_code, county_code, month],
    ).fetchall()
