"""DuckDB files that krat makes."""

from pathlib import Path

import duckdb

from orchestration.runtime.settings import memory_limit

#: In bytes. Each column of a table takes a block of its own, and most tables are small: with
#: DuckDB's own 262,144 the warehouse of the example has three times the size.
_BLOCK_SIZE = "65536"


def open_to_write(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file, which is made with small blocks where there is none."""
    block_size = {} if path.exists() else {"default_block_size": _BLOCK_SIZE}
    return duckdb.connect(str(path), config={"memory_limit": memory_limit(), **block_size})


def open_in_memory(scratch: Path) -> duckdb.DuckDBPyConnection:
    """Open a database in memory; what that does not hold lies in a folder meanwhile."""
    return duckdb.connect(config={"memory_limit": memory_limit(), "temp_directory": str(scratch)})
