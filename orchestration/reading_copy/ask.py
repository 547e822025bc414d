"""Ad-hoc SQL on the reading copy, fenced in.

Belongs here: read-only questions, the tables' own descriptions, and answers as text. Not here:
any writing, answers as files (export), or the dialogue with a person (shell).
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from difflib import get_close_matches
from types import NoneType
from typing import Any

import duckdb

from orchestration.reading_copy.tables import area_words
from sources.custody.home import Home

#: What keeps a question from reaching any other file, or from lifting its own fence.
FENCE = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "lock_configuration": "true",
}


class UnknownTable(ValueError):
    """No table of the reading copy has that name."""


@contextmanager
def reading(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the reading copy read-only, external access off, the configuration locked.

    Who has it open reads on in it when a refresh swaps the file. Raises duckdb.IOException where
    there is none.
    """
    with duckdb.connect(str(home.marts), read_only=True, config=dict(FENCE)) as connection:
        yield connection


def ask(home: Home, query: str, parameters: list[Any]) -> str:
    """Return the answer as a text table, or an empty text when there are no rows.

    Raises duckdb.Error for a query that does not run.
    """
    with reading(home) as connection:
        answer = connection.execute(query, parameters)
        names, rows = [column[0] for column in answer.description or []], answer.fetchall()
    return _as_text(names, rows) if rows else ""


def relation(connection: duckdb.DuckDBPyConnection, query: str) -> duckdb.DuckDBPyRelation | None:
    """Return the answer unfetched, or None for a statement that gives none.

    Raises duckdb.Error for a query that does not run.
    """
    return connection.sql(query)


def tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, int | None, str]]:
    """Return (name as it is asked for, rows, comment) of each table, the marts first, then views.

    A view's rows are not counted: None.
    """
    rows = connection.execute(
        "select schema_name, name, size, coalesce(comment, '') from ("
        "select schema_name, table_name as name, estimated_size as size, comment, database_name "
        "from duckdb_tables() union all select schema_name, view_name, null, comment, "
        "database_name from duckdb_views() where not internal) "
        "where database_name = current_database() "
        "order by size is null, schema_name <> 'main', schema_name, name"
    ).fetchall()
    # The marts are in the file's main schema: see docs/decisions.md.
    return [
        (f"{'marts' if schema == 'main' else schema}.{table}", size, comment)
        for schema, table, size, comment in rows
    ]


def listing(connection: duckdb.DuckDBPyConnection) -> str:
    """Return a line a table: its name, its rows, and how its comment begins."""
    listed = tables(connection)
    wide = max(len(full) for full, _, _ in listed)
    return "\n".join(
        f"{full:<{wide}}  {'view' if size is None else size:>8}  "
        f"{_line(comment.removeprefix(area_words(full.partition('.')[2])))[:90]}"
        for full, size, comment in listed
    )


def describe(connection: duckdb.DuckDBPyConnection, name: str) -> str:
    """Return what a table holds, in its comments' words: the table, then each column.

    `name` is as in SQL, its schema optional. Raises UnknownTable, with names that are like it.
    """
    listed = tables(connection)
    wanted = name.strip().strip('";').casefold()
    found = [entry for entry in listed if wanted in (entry[0], entry[0].partition(".")[2])]
    if not found:
        known = [full for full, _, _ in listed]
        like = get_close_matches(wanted, known + [full.partition(".")[2] for full in known], n=3)
        raise UnknownTable(
            f"no table is called {name!r}"
            + (f": did you mean {', '.join(like)}?" if like else ": krat sql --tables lists them.")
        )
    full, size, comment = found[0]
    schema, _, table = full.partition(".")
    columns = connection.execute(
        "select column_name, data_type, coalesce(comment, '') from duckdb_columns() "
        "where database_name = current_database() and schema_name = ? and table_name = ? "
        "order by column_index",
        ["main" if schema == "marts" else schema, table],
    ).fetchall()
    wide = max(len(column) for column, _, _ in columns)
    return "\n".join(
        [
            f"{full} ({'view' if size is None else f'{size} rows'})",
            *([_line(comment)] if comment else []),
            "",
            *(f"{column:<{wide}}  {kind:<9}  {_line(text)}" for column, kind, text in columns),
        ]
    )


def _as_text(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> str:
    """Return a line of names and a line a row, numbers to the right."""
    lines = [""] * (len(rows) + 1)
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        cells = [name, *map(_cell, values)]
        width = max(map(len, cells))
        is_number = all(isinstance(value, (int, float, Decimal, NoneType)) for value in values)
        for place, cell in enumerate(cells):
            lines[place] += "  " + (cell.rjust(width) if is_number else cell.ljust(width))
    return "\n".join(line[2:].rstrip() for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return str(value).replace("\n", "\\n")


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
