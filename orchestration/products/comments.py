"""Tables in DuckDB with comments, which `create table as` does not carry over.

Belongs here: writing a comment, and a declared table without rows. Not here: any comment's words
(dbt_project, tables.yml, columns.csv).
"""

from collections.abc import Sequence

import duckdb

from orchestration.products.declaration import Product, ProductColumn


def comment_on(connection: duckdb.DuckDBPyConnection, what: str, text: str | None) -> None:
    """Set the comment of `what`, as "table core.dim_counties" or "column marts.t.value".

    COMMENT ON takes no parameters, so the text is quoted here.
    """
    literal = "null" if text is None else "'" + text.replace("'", "''") + "'"
    connection.execute(f"comment on {what} is {literal}")


def describe_table(product: Product) -> str:
    """Return the comment of a table that no model describes."""
    return f"{product.title_en}. One row is {product.row_en}."


def create_table(
    connection: duckdb.DuckDBPyConnection,
    product: Product,
    name: str,
    columns: Sequence[ProductColumn] = (),
) -> None:
    """Create a table without rows under a name, as it is declared, with its key and comments.

    `columns` are those of the product where they have other descriptions.
    """
    columns = columns or product.columns
    fields = ", ".join(f"{column.name} {column.type}" for column in columns)
    connection.execute(f"create table {name} ({fields}, primary key ({', '.join(product.key)}))")
    comment_on(connection, f"table {name}", describe_table(product))
    for column in columns:
        comment_on(connection, f"column {name}.{column.name}", column.description or column.title)
