"""What of the data folder is damaged, looked for when a refresh failed for no other reason.

Belongs here: finding a file that can't be read, and what brings it back. Not here: releases, of
which a damaged one stops no other (plan), or notes that are made again where they can't be read.
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.runtime.database import read_warehouse
from sources.custody.home import Home

#: What DuckDB says of a file that is not what it wrote.
_CORRUPT = ("Corrupt database file", "Could not read enough bytes", "not a valid DuckDB")


def damage(home: Home, again: str) -> tuple[str, str] | None:
    """Return what of the data folder can't be read and what to do, None where all of it can.

    `again` is the command that failed. Names of these files are krat's own, and tell nothing.
    """
    for path in _parquet(home):
        try:
            pq.read_table(path)
        except pa.ArrowMemoryError:
            return None
        except (OSError, pa.ArrowException):
            return (
                f"{path.relative_to(home.root)} is damaged",
                "krat restore brings it back from a backup, raw/ also krat vault rebuild",
            )
    if not home.lake and home.warehouse.exists() and not _can_be_read(home):
        return (
            f"{home.warehouse.name} is damaged",
            f"remove it, then {again}, which builds it again from raw/",
        )
    return None


def _parquet(home: Home) -> Iterator[Path]:
    for pattern in ("*.parquet", "raw/*/*.parquet", "gate/editions/*/*.parquet"):
        yield from sorted(home.root.glob(pattern))


def _can_be_read(home: Home) -> bool:
    """Tell whether every block of the warehouse is what was written."""
    try:
        with read_warehouse(home) as connection:
            for schema, table in connection.execute(
                "select schema_name, table_name from duckdb_tables() where not internal"
            ).fetchall():
                connection.execute(f'select max(hash(rows)) from {schema}."{table}" as rows')
    except duckdb.IOException as error:
        return not any(words in str(error) for words in _CORRUPT)
    except duckdb.Error:
        pass
    return True
