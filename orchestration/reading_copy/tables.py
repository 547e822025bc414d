"""The tables of a warehouse that anyone who asks in SQL may see, copied with their comments.

Belongs here: which tables, and under which names. Not here: what the gate keeps out of the reading
copy (reading_copy), or whose warehouse it is (vintages).
"""

import duckdb

from orchestration.products.comments import comment_on

#: The schemas copied, and where each goes. DuckDB names an opened file's catalog after the file, so
#: in marts.duckdb a schema `marts` would make `marts.indicator_progress` ambiguous, an error; as a
#: table of the main schema it goes by exactly that name.
COPIED_SCHEMAS = {"core": "core", "marts": "main", "quality": "quality", "register": "register"}


def copy_tables(connection: duckdb.DuckDBPyConnection) -> int:
    """Copy every aggregate table of the attached `warehouse` with its comments; return how many."""
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
    # What was known of the reported values on a day.
    connection.execute(
        "create macro core.actuals_as_known(day) as table select * from core.fct_actuals "
        "where known_from <= cast(day as date) and coalesce(known_to > cast(day as date), true)"
    )
    return len(tables)
