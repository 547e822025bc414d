"""Tables that are built in several steps, from rows of their own to the last step.

dbt's unit tests stop at one model, where a step's input would have to be written by hand.
"""

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from conftest import Refreshed
from dbt_sql import model_sql, render

FOLDER = Path(__file__).parent / "chains"
CONTENTS = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.yml")]
CASES = {case["name"]: (content, case) for content in CONTENTS for case in content["cases"]}


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_last_step_holds_what_the_first_rows_mean(name: str, refreshed: Refreshed) -> None:
    content, case = CASES[name]
    given = {_table(each): each for each in [*content["given"], *case["given"]]}
    with duckdb.connect() as connection:
        connection.execute(f"attach '{refreshed.home.warehouse}' as warehouse (read_only)")
        for table, rows in given.items():
            _give(connection, table, rows, content["common"])
        build(connection, case["model"])
        expected = case["expect"]["rows"]
        columns = list(dict.fromkeys(column for row in expected for column in row))
        connection.execute(f"create table wanted as from {case['model']} limit 0")
        for row in expected:
            _insert(connection, "wanted", row)
        told = ", ".join(columns)
        for found, lacking in (("wanted", case["model"]), (case["model"], "wanted")):
            rows = connection.sql(
                f"select {told} from {found} except all select {told} from {lacking}"
            )
            assert not rows.fetchall(), f"in {found} and not in {lacking}:\n{rows}"


def build(connection: duckdb.DuckDBPyConnection, model: str) -> None:
    """Create a model's table and, before it, those of the steps that it reads."""
    read: list[str] = []
    sql = model_sql(model, ref=lambda name: read.append(name) or name)
    for step in dict.fromkeys(read):
        known = connection.execute(
            "select 1 from duckdb_tables() where table_name = ? and database_name = 'memory'",
            [step],
        )
        if step.startswith("int_") and known.fetchone() is None:
            build(connection, step)
    connection.execute(f"create table {model} as {sql}")


def _table(given: dict[str, Any]) -> str:
    return re.fullmatch(r"ref\('(\w+)'\)", given["input"])[1]  # type: ignore[index]


def _give(
    connection: duckdb.DuckDBPyConnection, table: str, given: dict[str, Any], common: dict[str, Any]
) -> None:
    """Create a table typed as the warehouse's, with rows of a case."""
    [(schema,)] = connection.execute(
        "select schema_name from (from duckdb_tables() select schema_name, table_name, "
        "database_name union all from duckdb_views() select schema_name, view_name, database_name) "
        "where table_name = ? and database_name = 'warehouse'",
        [table],
    ).fetchall()
    connection.execute(f"create table {table} as from warehouse.{schema}.{table} limit 0")
    if given.get("format") == "sql":
        connection.execute(f"insert into {table} by name {render(given['rows'])}")
    else:
        for row in given["rows"]:
            _insert(connection, table, row)
    columns = {row[0] for row in connection.execute(f"describe {table}").fetchall()}
    for column, value in common.items():
        if column in columns:
            connection.execute(f"update {table} set {column} = ? where {column} is null", [value])


def _insert(connection: duckdb.DuckDBPyConnection, table: str, row: dict[str, Any]) -> None:
    connection.execute(
        f"insert into {table} ({', '.join(row)}) values ({', '.join('?' * len(row))})",
        list(row.values()),
    )
