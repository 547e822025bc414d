"""The reading copy: a second DuckDB file for ad-hoc SQL, replaced whole.

Belongs here: what of the warehouse is copied, and how readers are never disturbed. Not here:
releases, which never change.
"""

import duckdb

from orchestration.publication.comments import comment_on
from sources.home import Home

#: The schemas copied, and where each goes. DuckDB names an opened file's catalog after the file, so
#: in marts.duckdb a schema `marts` would make `marts.indicator_progress` ambiguous, an error; as a
#: table of the main schema it goes by exactly that name.
COPIED_SCHEMAS = {"core": "core", "marts": "main", "quality": "quality", "register": "register"}


def write_reading_copy(home: Home) -> int:
    """Copy every aggregate table with its comments to `marts.duckdb`; return the tables copied.

    A table of persons, cases or calls stays behind. Who has the old file open reads on in it.
    """
    fresh = home.marts.with_suffix(".duckdb.new")
    fresh.unlink(missing_ok=True)
    with duckdb.connect(str(fresh)) as connection:
        connection.execute(f"attach '{home.warehouse}' as warehouse (read_only)")
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
        connection.execute("detach warehouse")
    fresh.replace(home.marts)
    return len(tables)
