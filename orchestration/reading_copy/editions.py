"""Counts of persons as the public has them: all editions side by side, and what each shows last.

Belongs here: uniting the editions of a tree, as the reading copy and national.duckdb have them.
Not here: making an edition (orchestration.publication.editions).
"""

from datetime import date
from pathlib import Path

import duckdb

from orchestration.products.comments import comment_on, create_table
from orchestration.products.declaration import Tier, product, products
from orchestration.products.tree import editions_in

#: The schema of the reading copy with the editions.
SCHEMA = "editions"

#: The view with the counts to quote.
NEWEST = f"{SCHEMA}.newest_counts"


def write_editions(
    connection: duckdb.DuckDBPyConnection, tree: Path, by: date | None = None
) -> int:
    """Add the schema `editions` to a file that is being written; return its tables.

    It has the editions, their tables with the rows of each, and a view of the counts that the
    newest edition of a period shows. With a day only the editions that could be made on it.
    """
    listed = [
        one
        for one in editions_in(tree)
        if by is None or date.fromisoformat(one.facts["released_on"]) < by
    ]
    connection.execute(f"create schema {SCHEMA}")
    editions = product("editions", tier=None)
    create_table(connection, editions, editions.sql_name)
    for one in listed:
        connection.execute(
            f"insert into {editions.sql_name} values (?, ?, ?, ?, ?)",
            [
                int(one.month),
                one.number,
                one.facts["released_on"],
                one.facts["quarter"],
                one.facts["is_made_up"],
            ],
        )
    tables = [one for one in products(Tier.PUBLIC) if one.editions]
    for table in tables:
        create_table(connection, table, table.sql_name)
        if listed:
            connection.execute(
                f"insert into {table.sql_name} by name from read_parquet(?)",
                [[str(one.path / f"{table.name}.parquet") for one in listed]],
            )
    counts = product("person_counts", Tier.PUBLIC)
    connection.execute(
        f"create view {NEWEST} as from {counts.sql_name} "
        "qualify edition = max(edition) over (partition by counted_year, period)"
    )
    comment_on(
        connection,
        NEWEST,
        f"{counts.sql_name}: what the newest edition of each period shows, which is what to quote. "
        "Each number is rounded by itself: don't add them up.",
        {column.name: column.description or column.title for column in counts.columns},
        "view",
    )
    return len(tables) + 1
