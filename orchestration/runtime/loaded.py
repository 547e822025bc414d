"""What the raw tables of the warehouse were loaded from, and of which of it the rest was built.

A refresh loads what came or changed, and builds what rests on that. A state is a hash of what a
table is loaded from; the warehouse keeps it beside the table.

Belongs here: keeping states and comparing them. Not here: what a table is loaded from (warehouse,
linkage), or building (warehouse.build).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.runtime.database import has_warehouse, read_warehouse, write_warehouse
from sources.custody.home import Home
from sources.texts import both


class RawLost(ValueError):
    """Files of the raw tables are gone that the warehouse was loaded from."""


def require_raw(home: Home) -> None:
    """Raise RawLost where a file of the raw tables is gone that the warehouse was loaded from.

    No file of them is ever removed. Without it reports would count as never sent.
    """
    if not has_warehouse(home):
        return
    with read_warehouse(home) as connection:
        noted = connection.execute(
            "select table_name || '/' || file_name from ops.loaded_files order by all"
            if _has(connection, "loaded_files")
            else "select '' where false"
        ).fetchall()
    lost = [name for (name,) in noted if not (home.raw / name).exists()]
    if lost:
        raise RawLost(both("rebuilding.lost", count=len(lost), folder=home.raw, first=lost[0]))


def note_files(connection: duckdb.DuckDBPyConnection, files: Mapping[str, Sequence[Path]]) -> None:
    """Keep by raw table the files from which it was loaded."""
    names = [(table, path.name) for table, paths in files.items() for path in paths]
    connection.execute("create schema if not exists ops")
    connection.execute(
        "create or replace table ops.loaded_files as "
        "select unnest($1::varchar[]) as table_name, unnest($2::varchar[]) as file_name",
        [[table for table, _ in names], [name for _, name in names]],
    )


def forget_files(home: Home) -> None:
    """Keep no longer from which files the raw tables were loaded: they are made again."""
    if has_warehouse(home):
        with write_warehouse(home) as connection:
            note_files(connection, {})


def state_of_rows(table: pa.Table) -> str:
    """Return the state of a table that is loaded from rows in memory."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return hashlib.sha256(sink.getvalue()).hexdigest()


def state_of_files(files: Iterable[Path], *more: str) -> str:
    """Return the state of a table that is loaded from files, which are written once each."""
    digest = hashlib.sha256(repr(more).encode())
    for path in sorted(files):
        found = path.stat()
        digest.update(f"{path.name} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def note_loaded(connection: duckdb.DuckDBPyConnection, states: Mapping[str, str]) -> None:
    """Keep by raw table the state from which it was loaded just now."""
    _note(connection, "loaded", {**loaded_states(connection), **states})


def note_built(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep that all was built of the raw tables as they are loaded."""
    _note(connection, "built", loaded_states(connection))


def loaded_states(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return by raw table the state from which it was loaded; empty for a new warehouse."""
    return _states(connection, "loaded")


def built_states(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return by raw table the state of which all that rests on it was built last."""
    return _states(connection, "built")


def changed_since_build(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the raw tables that were loaded from something else since the last build."""
    loaded, built = loaded_states(connection), built_states(connection)
    return sorted(table for table, state in loaded.items() if built.get(table) != state)


def _note(connection: duckdb.DuckDBPyConnection, name: str, states: Mapping[str, str]) -> None:
    connection.execute("create schema if not exists ops")
    connection.execute(
        f"create or replace table ops.{name} as "
        "select unnest($1::varchar[]) as table_name, unnest($2::varchar[]) as state",
        [list(states), list(states.values())],
    )


def _states(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, str]:
    if not _has(connection, name):
        return {}
    return dict(connection.execute(f"select table_name, state from ops.{name}").fetchall())


def _has(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    return bool(
        connection.execute(
            "select 1 from duckdb_tables() where schema_name = 'ops' and table_name = ?", [name]
        ).fetchall()
    )
