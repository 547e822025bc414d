"""DuckDB files that krat makes."""

from pathlib import Path

import duckdb

#: In bytes. Each column of a table takes a block of its own, and most tables are small: with
#: DuckDB's own 262,144 the warehouse of the example has three times the size.
_BLOCK_SIZE = "65536"


def open_to_write(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file, which is made with small blocks where there is none."""
    if path.exists():
        return duckdb.connect(str(path))
    return duckdb.connect(str(path), config={"default_block_size": _BLOCK_SIZE})
