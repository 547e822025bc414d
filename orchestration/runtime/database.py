"""DuckDB files that krat makes, and the warehouse, be it a file or a lake."""

from functools import cache
from pathlib import Path

import duckdb

from orchestration.runtime.lake import attach_lake, remove_old_snapshots
from orchestration.runtime.settings import memory_limit
from sources.custody.home import Home, Lake

#: In bytes. Each column of a table takes a block of its own, and most tables are small: with
#: DuckDB's own 262,144 the warehouse of the example has three times the size.
_BLOCK_SIZE = "65536"

#: What the warehouse's database is called in SQL: a file's name says it, a lake is given it.
WAREHOUSE = "warehouse"


def open_to_write(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file, which is made with small blocks where there is none."""
    block_size = {} if path.exists() else {"default_block_size": _BLOCK_SIZE}
    return duckdb.connect(str(path), config={"memory_limit": memory_limit(), **block_size})


def read_warehouse(home: Home) -> duckdb.DuckDBPyConnection:
    """Open the warehouse of a home for reading.

    Raises duckdb.IOException where there is none, and for a file while it is written; NoLake.
    """
    if home.lake:
        return _open_lake(home, home.lake, read_only=True)
    return duckdb.connect(str(home.warehouse), read_only=True)


def write_warehouse(home: Home) -> duckdb.DuckDBPyConnection:
    """Open the warehouse of a home for writing, which is made where there is none.

    Raises duckdb.IOException for a file that another process has open; NoLake.
    """
    if home.lake:
        return _open_lake(home, home.lake, read_only=False)
    return open_to_write(home.warehouse)


def attach_warehouse(connection: duckdb.DuckDBPyConnection, home: Home, name: str) -> None:
    """Let a connection read the warehouse of a home under a name."""
    if home.lake:
        attach_lake(connection, home.lake, name, read_only=True)
        return
    path = str(home.warehouse).replace("'", "''")
    connection.execute(f"attach '{path}' as {name} (read_only)")


def has_warehouse(home: Home) -> bool:
    """Tell whether a home has a warehouse. Raises NoLake."""
    if not home.lake:
        return home.warehouse.exists()
    try:
        read_warehouse(home).close()
    except duckdb.IOException:
        return False
    return True


def tidy_warehouse(home: Home) -> None:
    """Delete what a lake keeps of earlier builds; a file uses its room again by itself."""
    if home.lake:
        with write_warehouse(home) as connection:
            remove_old_snapshots(connection, WAREHOUSE)


def open_in_memory(scratch: Path) -> duckdb.DuckDBPyConnection:
    """Open a database in memory; what that does not hold lies in a folder meanwhile."""
    return duckdb.connect(config={"memory_limit": memory_limit(), "temp_directory": str(scratch)})


def _open_lake(home: Home, lake: Lake, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    connection = _database_with(lake, f"{home.warehouse}.tmp", read_only).cursor()
    connection.execute(f"use {WAREHOUSE}")
    return connection


@cache
def _database_with(lake: Lake, scratch: str, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Return a database in memory that uses a lake: to open one takes a second, so it is kept."""
    connection = duckdb.connect(
        config={
            "memory_limit": memory_limit(),
            "temp_directory": scratch,
            "temp_file_encryption": "true",
        }
    )
    if not attach_lake(connection, lake, WAREHOUSE, read_only=read_only):
        raise duckdb.IOException("There is no warehouse yet.")
    return connection
