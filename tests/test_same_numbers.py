"""The same data give the same tables, whatever the order of rows and the number of threads."""

from typing import Any

import duckdb

from orchestration.runtime.database import write_warehouse
from orchestration.warehouse.build import run_dbt
from sources.custody.home import Home

#: Schemas of which everything is compared: what is published, and what it is made of.
COMPARED = ["core", "intermediate", "marts", "quality", "publication"]


def test_neither_threads_nor_the_order_of_rows_change_a_table(own_home: Home) -> None:
    # As dbt runs them, each after those that it reads.
    nodes = [result.node for result in run_dbt("compile").result.results]
    compiled = [node for node in nodes if node.resource_type == "model"]
    with write_warehouse(own_home) as connection:
        _report_for_every_county(connection)
        connection.execute("set threads = 1")
        _build(connection, compiled, "")
        before = _hashes(connection)
        connection.execute("set threads = 8; select setseed(0.5)")
        for (table,) in connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() "
            "where schema_name in ('raw', 'register')"
        ).fetchall():
            connection.execute(f"create or replace table {table} as from {table} order by random()")
        _build(connection, compiled, "order by random()")
        after = _hashes(connection)
    assert len(before) > 40
    assert before["marts.indicator_progress"][0] > 30_000
    assert [table for table in before if before[table] != after[table]] == []


def _report_for_every_county(connection: duckdb.DuckDBPyConnection) -> None:
    """Let each county owe and report what Fier does, some of it: shares that don't end."""
    copied = {
        "register.institutions": ("institution_code", "true"),
        "raw.noted_obligations": ("institution_code", "true"),
        "raw.deliveries": ("delivery_id", "source = 'submission'"),
        "raw.submission_values": ("delivery_id", "hash(row_number, delivery_id, county) % 5 < 3"),
    }
    for table, (key, condition) in copied.items():
        columns = [row[0] for row in connection.execute(f"describe {table}").fetchall()]
        own = [
            f"replace({name}, 'AL-04', county) as {name}"
            for name in ("county_code", "institution_code")
            if name in columns
        ]
        own += [f"{key} || county as {key}"] if key == "delivery_id" else []
        connection.execute(
            f"insert into {table} by name select copied.* replace ({', '.join(own)}) "
            f"from {table} as copied cross join (select county_code as county "
            "from register.counties where county_code not in ('AL', 'AL-04')) as counties "
            f"where institution_code like 'AL-04-%' and {condition}"
        )


def _build(connection: duckdb.DuckDBPyConnection, models: list[Any], order: str) -> None:
    """Build every model, the rows of each table in an order."""
    for model in models:
        name = f"{model.schema}.{model.alias}"
        connection.execute(
            f"create or replace view {name} as {model.compiled_code}"
            if model.config.materialized == "view"
            else f"create or replace table {name} as from ({model.compiled_code}) {order}"
        )


def _hashes(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, str]]:
    """Return the number of rows of each table, and a hash of their text, sorted."""
    tables = connection.execute(
        "select schema_name || '.' || name from (from duckdb_tables() select schema_name, "
        "table_name as name union all from duckdb_views() select schema_name, view_name) "
        "where list_contains(?, schema_name) order by all",
        [COMPARED],
    ).fetchall()
    return {
        table: connection.execute(
            "select count(*), md5(string_agg(line, chr(10) order by line)) "
            f"from (select cast(t as varchar) as line from {table} as t)"
        ).fetchone()  # type: ignore[misc]
        for (table,) in tables
    }
