"""Comments on DuckDB's tables and columns, which `create table as` does not carry over.

Belongs here: writing a comment. Not here: any comment's words (dbt_project, marts.yml).
"""

import duckdb


def comment_on(connection: duckdb.DuckDBPyConnection, what: str, text: str | None) -> None:
    """Set the comment of `what`, as "table core.dim_counties" or "column marts.t.value".

    COMMENT ON takes no parameters, so the text is quoted here.
    """
    literal = "null" if text is None else "'" + text.replace("'", "''") + "'"
    connection.execute(f"comment on {what} is {literal}")
