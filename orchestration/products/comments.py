"""Tables in DuckDB with comments, which `create table as` does not carry over.

Belongs here: writing a comment, and a declared table without rows. Not here: any comment's words
(dbt_project, tables.yml, columns.csv).
"""

from collections.abc import Mapping, Sequence

import duckdb

from orchestration.products.declaration import Product, ProductColumn


def comment_on(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    text: str | None,
    columns: Mapping[str, str | None] | None = None,
    kind: str = "table",
) -> None:
    """Set the comments of a table, or a view by its `kind`, and of its columns.

    All are one request: a thousand of them take part of a second each time. COMMENT ON takes no
    parameters, so texts are quoted here.
    """
    connection.execute(
        ";".join(
            [
                f"comment on {kind} {name} is {_literal(text)}",
                *(
                    f'comment on column {name}."{column}" is {_literal(of)}'
                    for column, of in (columns or {}).items()
                ),
            ]
        )
    )


def _literal(text: str | None) -> str:
    return "null" if text is None else "'" + text.replace("'", "''") + "'"


def describe_table(product: Product) -> str:
    """Return the comment of a table that no model describes."""
    return f"{product.title_en}. One row is {product.row_en}."


def create_table(
    connection: duckdb.DuckDBPyConnection,
    product: Product,
    name: str,
    columns: Sequence[ProductColumn] = (),
) -> None:
    """Create a table without rows under a name, as it is declared, with comments.

    `columns` are those of the product where they have other descriptions. The key is in the
    manifest of a release: as an index it takes as much room as all of the data.
    """
    columns = columns or product.columns
    fields = ", ".join(f"{column.name} {column.type}" for column in columns)
    connection.execute(f"create table {name} ({fields})")
    described = {column.name: column.description or column.title for column in columns}
    comment_on(connection, name, describe_table(product), described)
