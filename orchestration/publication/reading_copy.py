"""The reading copy: a second DuckDB file for ad-hoc SQL, replaced whole.

Belongs here: what of the warehouse is copied, what the gate keeps out of it, and how readers are
never disturbed. Not here: releases, which never change, or a verdict (orchestration.quality).
"""

import duckdb

from expectations.gate import Judged, require_judged
from expectations.suites import suite_hash
from orchestration.publication.comments import comment_on
from orchestration.publication.marts import published_marts
from orchestration.quality.judge import mart_hashes
from sources.home import Home

#: The schemas copied, and where each goes. DuckDB names an opened file's catalog after the file, so
#: in marts.duckdb a schema `marts` would make `marts.indicator_progress` ambiguous, an error; as a
#: table of the main schema it goes by exactly that name.
COPIED_SCHEMAS = {"core": "core", "marts": "main", "quality": "quality", "register": "register"}

BLOCKED_MONTHS = {
    "county_code": "County by ISO 3166-2:AL; `AL` is the nation.",
    "reporting_month": "First day of the month.",
    "rule": "Rule that blocks it.",
    "mended_by": "Who can mend it: institution, committee, zkka or krat.",
}


def write_reading_copy(home: Home) -> int:
    """Copy every aggregate table with its comments to `marts.duckdb`; return the tables copied.

    A table of persons, cases or calls stays behind. Of a county and month that the gate blocks the
    marts keep the rows of the copy before, or have none; facts and findings are as they are known.
    Who has the old file open reads on in it. Raises expectations.gate.GateRefused when the marts
    are not those that were judged.
    """
    fresh = home.marts.with_suffix(".duckdb.new")
    fresh.unlink(missing_ok=True)
    with duckdb.connect(str(fresh)) as connection:
        connection.execute(f"attach '{home.warehouse}' as warehouse (read_only)")
        judged = require_judged(home, mart_hashes(connection, "warehouse"), suite_hash())
        tables = connection.execute(
            "select t.schema_name, t.table_name, t.comment from duckdb_tables() as t "
            "left join warehouse.ops.dbt_results as r "
            "on t.table_name = r.table_name and t.schema_name = r.schema_name "
            "where t.database_name = 'warehouse' and list_contains(?, t.schema_name) "
            "and (r.is_person_level = false or t.schema_name = 'register') order by all",
            [list(COPIED_SCHEMAS)],
        ).fetchall()
        for target in COPIED_SCHEMAS.values():
            connection.execute(f"create schema if not exists {target}")
        for schema, table, comment in tables:
            name = f"{COPIED_SCHEMAS[schema]}.{table}"
            connection.execute(f"create table {name} as from warehouse.{schema}.{table}")
            comment_on(connection, f"table {name}", comment)
            for column, text in connection.execute(
                "select column_name, comment from duckdb_columns() where database_name = "
                "'warehouse' and schema_name = ? and table_name = ? and comment is not null",
                [schema, table],
            ).fetchall():
                comment_on(connection, f"column {name}.{column}", text)
        _keep_the_last_good(connection, home, judged)
        _tell_blocked(connection, judged)
        connection.execute("detach warehouse")
    fresh.replace(home.marts)
    return len(tables) + 1


def _keep_the_last_good(connection: duckdb.DuckDBPyConnection, home: Home, judged: Judged) -> None:
    """Replace the rows of what is blocked by those of the copy before."""
    if not judged.blocked:
        return
    connection.execute("create temp table blocked (county_code varchar, reporting_month date)")
    connection.executemany("insert into blocked values (?, ?)", list(judged.blocked))
    before = home.marts.exists()
    if before:
        connection.execute(f"attach '{home.marts}' as before (read_only)")
    for mart in published_marts():
        if mart.schema != "marts":
            continue
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
    if before:
        connection.execute("detach before")


def _shared_columns(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    rows = connection.execute(
        "select column_name from duckdb_columns() where table_name = ? and schema_name = 'main' "
        "and database_name in ('before', current_database()) "
        "group by column_name having count(*) = 2 order by all",
        [table],
    ).fetchall()
    return ", ".join(row[0] for row in rows)


def _tell_blocked(connection: duckdb.DuckDBPyConnection, judged: Judged) -> None:
    connection.execute(
        "create table quality.blocked_months (county_code varchar, reporting_month date, "
        "rule varchar, mended_by varchar)"
    )
    rows = [
        (county, month, rule, mended_by)
        for (county, month), rules in judged.blocked.items()
        for rule, mended_by in rules.items()
    ]
    if rows:
        connection.executemany("insert into quality.blocked_months values (?, ?, ?, ?)", rows)
    comment_on(
        connection,
        "table quality.blocked_months",
        "One row is a rule that blocks a county and month: the marts keep its last good rows.",
    )
    for column, text in BLOCKED_MONTHS.items():
        comment_on(connection, f"column quality.blocked_months.{column}", text)
