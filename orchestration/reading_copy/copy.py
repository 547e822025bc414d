"""The reading copy: a second DuckDB file for ad-hoc SQL, replaced whole.

Belongs here: what of the warehouse is copied, what the gate keeps out of it, and how readers are
never disturbed. Not here: releases, which never change, or a verdict (orchestration.gate).
"""

import hashlib
from pathlib import Path

import duckdb

from expectations.gate import Judged, require_judged
from expectations.suites import suite_hash
from orchestration.gate.judge import mart_hashes
from orchestration.products import declaration
from orchestration.products.comments import create_table
from orchestration.products.declaration import judged_marts, product
from orchestration.products.tree import MANIFEST
from orchestration.reading_copy.editions import write_editions
from orchestration.reading_copy.tables import (
    copy_tables,
    tables_to_copy,
    write_areas,
    write_codes,
)
from orchestration.reading_copy.vintages import write_vintages
from orchestration.runtime.database import attach_warehouse, open_to_write, read_warehouse
from sources.atomic import read_json, replace_file, write_json
from sources.custody.home import Home

#: What says how the copy is made.
_MAKERS = (Path(__file__).parent, Path(declaration.__file__).parent)


def write_reading_copy(home: Home) -> int:
    """Copy every aggregate table with its comments to `marts.duckdb`; return the tables copied.

    A table of persons, cases or calls stays behind. Of a county and month that the gate blocks the
    marts keep the rows of the copy before, or have none; facts and findings are as they are known.
    Who has the old file open reads on in it; one that would be the same is left as it is. Raises
    expectations.gate.GateRefused when the marts are not those that were judged.
    """
    with read_warehouse(home) as connection:
        judged = require_judged(home, mart_hashes(connection), suite_hash())
        origin = _origin(connection, home, judged)
    noted = home.gate / "copied.json"
    before = _before(home)
    told = read_json(noted)
    if before and told and told["origin"] == origin:
        return int(told["tables"])
    try:
        tables = _write(home, judged, before)
    except duckdb.IOException:
        # A copy that was spoiled opens, and breaks off where it is read.
        tables = _write(home, judged, None)
    write_json(noted, {"origin": origin, "tables": tables})
    return tables


def _origin(connection: duckdb.DuckDBPyConnection, home: Home, judged: Judged) -> str:
    """Return a hash of all that the copy is made of: tables, what is blocked, releases."""
    digest = hashlib.sha256(repr(sorted(judged.blocked.items())).encode())
    for schema, table, comment in tables_to_copy(connection):
        [row] = connection.execute(
            f"select count(*), sum(hash(copied)::hugeint) from {schema}.{table} as copied"
        ).fetchall()
        digest.update(repr((schema, table, comment, row)).encode())
    for path in sorted(home.releases.glob("*/*/*/*")):
        digest.update(f"{path.relative_to(home.releases)}\n".encode())
        # One that was damaged, and brought back.
        if (path / MANIFEST).is_file():
            digest.update(f"{(path / MANIFEST).stat().st_mtime_ns}\n".encode())
    for path in sorted(file for folder in _MAKERS for file in folder.glob("*.*")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _before(home: Home) -> Path | None:
    """Return the copy before, None where there is none that can be opened."""
    try:
        duckdb.connect(str(home.marts), read_only=True).close()
    except duckdb.Error:
        return None
    return home.marts


def _write(home: Home, judged: Judged, before: Path | None) -> int:
    with replace_file(home.marts) as fresh, open_to_write(fresh) as connection:
        attach_warehouse(connection, home, "warehouse")
        # One transaction: each commit would wait for the disk, once a comment.
        connection.begin()
        copied = copy_tables(connection)
        _keep_the_last_good(connection, before, judged)
        _write_blocked_months(connection, judged)
        vintages = write_vintages(connection, home.releases, before)
        editions = write_editions(connection, home.releases)
        write_codes(connection)
        write_areas(connection)
        connection.commit()
    return copied + vintages + editions + 2


def _keep_the_last_good(
    connection: duckdb.DuckDBPyConnection, before: Path | None, judged: Judged
) -> None:
    """Replace the rows of what is blocked by those of the copy before."""
    if not judged.blocked:
        return
    connection.execute("create temp table blocked (county_code varchar, reporting_month date)")
    connection.executemany("insert into blocked values (?, ?)", list(judged.blocked))
    if before:
        connection.execute(f"attach if not exists '{before}' as before (read_only)")
    for mart in judged_marts():
        connection.execute(
            f"delete from main.{mart.name} as mart using blocked "
            "where mart.county_code = blocked.county_code "
            "and mart.reporting_month = blocked.reporting_month"
        )
        if before and (shared := _shared_columns(connection, mart.name)):
            connection.execute(
                f"insert into main.{mart.name} by name select {shared} from before.{mart.name} "
                "semi join blocked using (county_code, reporting_month)"
            )


def _shared_columns(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    rows = connection.execute(
        "select column_name from duckdb_columns() where table_name = ? and schema_name = 'main' "
        "and database_name in ('before', current_database()) "
        "group by column_name having count(*) = 2 order by all",
        [table],
    ).fetchall()
    return ", ".join(row[0] for row in rows)


def _write_blocked_months(connection: duckdb.DuckDBPyConnection, judged: Judged) -> None:
    table = product("blocked_months", tier=None)
    create_table(connection, table, table.model)
    rows = [
        (county, month, rule, mended_by)
        for (county, month), rules in judged.blocked.items()
        for rule, mended_by in rules.items()
    ]
    if rows:
        connection.executemany(f"insert into {table.model} values (?, ?, ?, ?)", rows)
