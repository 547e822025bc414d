"""The tables of a warehouse that anyone who asks in SQL may see, copied with their comments.

Belongs here: which tables and views, and under which names. Not here: what the gate keeps out of
the reading copy (reading_copy), or whose warehouse it is (vintages).
"""

import duckdb

from orchestration.products.comments import comment_on, create_table
from sources.registers import NATION

#: The schemas copied, and where each goes. DuckDB names an opened file's catalog after the file, so
#: in marts.duckdb a schema `marts` would make `marts.indicator_progress` ambiguous, an error; as a
#: table of the main schema it goes by exactly that name.
COPIED_SCHEMAS = {"core": "core", "marts": "main", "quality": "quality", "register": "register"}


#: The schemas of views, each with the condition on county_code and what a view's comment says.
AREAS = {
    "counties": (f"<> '{NATION}'", "the rows of counties, which may be added up"),
    "nation": (f"= '{NATION}'", "the rows of the nation, which is no sum of counties"),
}


def tables_to_copy(
    connection: duckdb.DuckDBPyConnection,
) -> list[tuple[str, str, str | None]]:
    """Return schema, name and comment of each aggregate table of `warehouse`, in order."""
    return connection.execute(
        "select t.schema_name, t.table_name, t.comment from duckdb_tables() as t "
        "left join warehouse.ops.dbt_results as r "
        "on t.table_name = r.table_name and t.schema_name = r.schema_name "
        "where t.database_name = 'warehouse' and list_contains(?, t.schema_name) "
        "and (r.is_person_level = false or t.schema_name = 'register') order by all",
        [list(COPIED_SCHEMAS)],
    ).fetchall()


def copy_tables(connection: duckdb.DuckDBPyConnection) -> int:
    """Copy every aggregate table of the attached `warehouse` with its comments; return how many."""
    tables = tables_to_copy(connection)
    for target in COPIED_SCHEMAS.values():
        connection.execute(f"create schema if not exists {target}")
    described: dict[tuple[str, str], dict[str, str | None]] = {}
    for schema, table, column, text in connection.execute(
        "select schema_name, table_name, column_name, comment from duckdb_columns() "
        "where database_name = 'warehouse' and comment is not null order by all"
    ).fetchall():
        described.setdefault((schema, table), {})[column] = text
    for schema, table, comment in tables:
        name = f"{COPIED_SCHEMAS[schema]}.{table}"
        connection.execute(f"create table {name} as from warehouse.{schema}.{table}")
        comment_on(connection, name, comment, described.get((schema, table)))
    # What was known of the reported values on a day.
    connection.execute(
        "create macro core.actuals_as_known(day) as table select * from core.fct_actuals "
        "where known_from <= cast(day as date) and coalesce(known_to > cast(day as date), true)"
    )
    return len(tables)


def write_codes(connection: duckdb.DuckDBPyConnection) -> None:
    """Write the names of codes, by the column that holds them."""
    # Imported here: it needs pandas, without which a question is answered at once.
    from orchestration.products.codes import codes_table

    codes = codes_table(connection)
    create_table(connection, codes.product, codes.product.sql_name, codes.columns)
    connection.register("codes_written", codes.frame)
    connection.execute(f"insert into {codes.product.sql_name} by name from codes_written")
    connection.unregister("codes_written")


def area_words(table: str) -> str:
    """Return how the comment of a mart with counties and the nation begins."""
    return f"Add up counties.{table} only; nation.{table} is no sum of it. "


def write_areas(
    connection: duckdb.DuckDBPyConnection, marts: str = COPIED_SCHEMAS["marts"]
) -> None:
    """Add the views `counties.<mart>` and `nation.<mart>`, each with its part of a mart's rows.

    The nation is no sum of counties, so nobody should add it to them: a view has either, and the
    comment of the mart begins with both names.
    """
    for schema in AREAS:
        connection.execute(f"create schema {schema}")
    described = connection.execute(
        "select table_name, column_name, comment from duckdb_columns() "
        "where database_name = current_database() and schema_name = ? order by all",
        [marts],
    ).fetchall()
    comments: dict[str, dict[str, str | None]] = {}
    for table, column, comment in described:
        comments.setdefault(table, {})[column] = comment
    for table, columns in comments.items():
        if "county_code" not in columns:
            continue
        for schema, (condition, rows) in AREAS.items():
            view = f"{schema}.{table}"
            connection.execute(
                f"create view {view} as from {marts}.{table} where county_code {condition}"
            )
            comment_on(connection, view, f"marts.{table}: {rows}.", columns, "view")
        own = connection.execute(
            "select comment from duckdb_tables() where database_name = current_database() "
            "and schema_name = ? and table_name = ?",
            [marts, table],
        ).fetchone()
        comment_on(connection, f"{marts}.{table}", area_words(table) + (own or [""])[0])
