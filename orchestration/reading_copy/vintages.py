"""What was published, and what was known, on a day.

Belongs here: the releases' marts side by side, as the reading copy and national.duckdb have them,
and the whole reading copy computed again from what had come in by a day. Not here: how a report
supersedes (dbt_project), or the releases themselves.

Two questions, two answers. What we had *published* on a day is in the releases. What we *knew*
on a day is computed from the data, whether or not anybody refreshed that day.
"""

import shutil
from datetime import date
from itertools import pairwise
from pathlib import Path

import duckdb

from orchestration.as_known import known_on
from orchestration.products.comments import comment_on, create_table
from orchestration.products.declaration import (
    Product,
    Tier,
    declared_columns,
    product,
    published_marts,
)
from orchestration.products.tree import ListedRelease, releases_in
from orchestration.reading_copy.editions import write_editions
from orchestration.reading_copy.tables import (
    COPIED_SCHEMAS,
    copy_tables,
    write_areas,
    write_codes,
)
from orchestration.runtime.database import attach_warehouse, open_to_write
from orchestration.runtime.settings import prepare_process
from orchestration.warehouse.build import build_warehouse
from sources.atomic import replace_file
from sources.custody.home import Home

#: The schema of the reading copy with the releases' marts.
SCHEMA = "vintages"


def write_vintages(
    connection: duckdb.DuckDBPyConnection,
    tree: Path,
    before: Path | None,
    *,
    tier: Tier = Tier.RESTRICTED,
    marts: str = COPIED_SCHEMAS["marts"],
) -> int:
    """Add the schema `vintages` to a file that is being written; return its tables.

    It has each mart with the rows of every release of the tier, and a macro
    `<mart>_as_published(day)` gives the rows that were the newest on a day. What changed from one
    release to the next is a mart itself, in the schema `marts`. Releases never change, so what the
    file `before` had of them is copied if it is there, and only new ones are read.
    """
    connection.execute(f"create schema {SCHEMA}")
    listed = [one for one in releases_in(tree) if one.tier == tier]
    _write_releases(connection, listed)
    known = _releases_before(connection, before)
    fresh = [one for one in listed if _identity(one) not in known]
    tables = [*published_marts(tier), product("changes", tier)]
    for mart in tables:
        schema = marts if mart.united_as else SCHEMA
        _write_mart(connection, mart, schema, fresh, bool(known))
    return len(tables) + 1


def write_marts_as_known(home: Home, day: date, folder: Path) -> Path:
    """Write a reading copy as it would have been at the end of `day`; return its path.

    It is called marts.duckdb like the one of today, so that the same questions run on it.
    Only deliveries and decisions of that day or before count, and deadlines are judged as of it.
    Registers and definitions are today's. The gate is not asked: this is for looking, not for
    publishing.
    """
    target = folder / home.marts.name
    with known_on(home, day) as known:
        prepare_process(known)
        try:
            build_warehouse(known, with_registers=True)
            with open_to_write(known.marts) as connection:
                attach_warehouse(connection, known, "warehouse")
                connection.begin()
                copy_tables(connection)
                write_editions(connection, home.releases, day)
                write_codes(connection)
                write_areas(connection)
                connection.commit()
            with replace_file(target) as fresh:
                shutil.copyfile(known.marts, fresh)
        finally:
            prepare_process(home)
    return target


def _identity(one: ListedRelease) -> tuple[str, str, int]:
    return (one.county_code, one.month, one.number)


def _write_releases(connection: duckdb.DuckDBPyConnection, listed: list[ListedRelease]) -> None:
    table = product("releases", tier=None)
    create_table(connection, table, table.model)
    rows = []
    for one, later in pairwise([*listed, None]):
        assert one is not None
        is_followed = later is not None and later.path.parent == one.path.parent
        rows.append(
            (
                one.county_code,
                f"{one.month}-01",
                one.number,
                one.facts.get("status"),
                one.facts["released_on"],
                later.facts["released_on"] if later is not None and is_followed else None,
                one.facts.get("final_on"),
                one.facts.get("reopened", {}).get("reason"),
                one.facts["is_made_up"],
            )
        )
    if rows:
        connection.executemany(
            f"insert into {table.model} values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
        )


def _releases_before(
    connection: duckdb.DuckDBPyConnection, before: Path | None
) -> set[tuple[str, str, int]]:
    """Return the releases that the file before holds, which is attached if it has any."""
    if before is None or not before.exists():
        return set()
    connection.execute(f"attach if not exists '{before}' as before (read_only)")
    if not connection.execute(
        "select 1 from duckdb_tables() where database_name = 'before' "
        "and schema_name = ? and table_name = 'releases'",
        [SCHEMA],
    ).fetchone():
        return set()
    rows = connection.execute(
        "select county_code, strftime(reporting_month, '%Y-%m'), release_number "
        f"from before.{SCHEMA}.releases"
    ).fetchall()
    return set(rows)


def _write_mart(
    connection: duckdb.DuckDBPyConnection,
    mart: Product,
    schema: str,
    fresh: list[ListedRelease],
    has_before: bool,
) -> None:
    name = f"{schema}.{mart.name}"
    parts = []
    if has_before and _exists(connection, schema, mart):
        # A release that can't be read any more is in neither, until it is brought back.
        parts.append(
            f"select kept.* from before.{name} as kept semi join before.{SCHEMA}.releases "
            f"using (county_code, reporting_month, release_number) semi join {SCHEMA}.releases "
            "using (county_code, reporting_month, release_number)"
        )
    files = {
        str(one.path / f"{mart.name}.parquet"): one.number
        for one in fresh
        if (one.path / f"{mart.name}.parquet").exists()
    }
    if files:
        parts.append(
            "select * exclude (filename), "
            "cast(regexp_extract(filename, '/r([0-9]+)/[^/]+$', 1) as integer) as release_number "
            f"from read_parquet({list(files)}, union_by_name = true, filename = true)"
        )
    if not parts:
        return
    connection.execute(f"create table {name} as {' union all by name '.join(parts)}")
    described = dict(
        connection.execute(
            "select column_name, comment from duckdb_columns() "
            "where database_name = current_database() and table_name = ? "
            "and schema_name in ('main', 'marts', 'quality')",
            [mart.name],
        ).fetchall()
    )
    texts: dict[str, str | None] = {}
    for (written,) in connection.execute(
        "select column_name from duckdb_columns() where database_name = current_database() "
        "and schema_name = ? and table_name = ?",
        [schema, mart.name],
    ).fetchall():
        text = described.get(written)
        if not text and (column := declared_columns().get(written)):
            text = column.description or column.title_en
        texts[written] = text
    comment_on(
        connection,
        name,
        f"{mart.title_en}, of every release. One row is {mart.row_en}, in a release of it.",
        texts,
    )
    connection.execute(
        f"create macro {SCHEMA}.{mart.name}_as_published(day) as table "
        f"select mart.* from {name} as mart inner join {SCHEMA}.releases as releases "
        "using (county_code, reporting_month, release_number) "
        "where releases.released_on <= cast(day as date) "
        "and coalesce(releases.superseded_on > cast(day as date), true)"
    )


def _exists(connection: duckdb.DuckDBPyConnection, schema: str, mart: Product) -> bool:
    row = connection.execute(
        "select count(*) > 0 from duckdb_tables() where database_name = 'before' "
        "and schema_name = ? and table_name = ?",
        [schema, mart.name],
    ).fetchone()
    return bool(row and row[0])
