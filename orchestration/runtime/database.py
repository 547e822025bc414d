"""DuckDB files that krat makes."""

from pathlib import Path

import duckdb

from orchestration.runtime.settings import memory_limit
from sources.custody.home import Home

#: In bytes. Each column of a table takes a block of its own, and most tables are small: with
#: DuckDB's own 262,144 the warehouse of the example has three times the size.
_BLOCK_SIZE = "65536"


def open_to_write(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file, which is made with small blocks where there is none."""
    block_size = {} if path.exists() else {"default_block_size": _BLOCK_SIZE}
    return duckdb.connect(str(path), config={"memory_limit": memory_limit(), **block_size})


def read_warehouse(home: Home) -> duckdb.DuckDBPyConnection:
    """Open the warehouse of a home for reading. Raises duckdb.IOException while it is written."""
    return duckdb.connect(str(home.warehouse), read_only=True)


def write_warehouse(home: Home) -> duckdb.DuckDBPyConnection:
    """Open the warehouse of a home for writing, which is made where there is none."""
    return open_to_write(home.warehouse)


def attach_warehouse(connection: duckdb.DuckDBPyConnection, home: Home, name: str) -> None:
    """Let a connection read the warehouse of a home under a name."""
    path = str(home.warehouse).replace("'", "''")
    connection.execute(f"attach '{path}' as {name} (read_only)")


def has_warehouse(home: Home) -> bool:
    """Tell whether a home has a warehouse."""
    return home.warehouse.exists()


def open_in_memory(scratch: Path) -> duckdb.DuckDBPyConnection:
    """Open a database in memory; what that does not hold lies in a folder meanwhile."""
    return duckdb.connect(config={"memory_limit": memory_limit(), "temp_directory": str(scratch)})
