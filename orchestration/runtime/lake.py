"""A warehouse past one file: DuckLake, with its catalogue in PostgreSQL and its rows as Parquet.

Belongs here: how a connection of DuckDB gets to use it, and what of it is removed. Not here: which
home has one (settings), or who opens a warehouse (database).

The Parquet files hold cases under pseudonyms: they are encrypted, each with a key of its own that
lies in the catalogue.
"""

import duckdb

from orchestration.runtime.extensions import load_extension, quoted
from sources.custody.home import Lake

#: DuckDB's extensions, each a wheel of its own: to ask PostgreSQL, to keep tables in Parquet, and
#: to encrypt them and reach S3.
_EXTENSIONS = ("postgres_scanner", "ducklake", "httpfs")

#: What readers that began before a refresh may still read is kept for so long.
KEPT = "interval 1 day"


class NoLake(ValueError):
    """The lake can't be used: what is missing, without its address, which may hold a password."""


_UNREACHABLE = (
    "the catalogue of the warehouse that KRAT_WAREHOUSE names can't be reached. Is PostgreSQL "
    "running, are host, dbname and user right, and is the password in PGPASSWORD or ~/.pgpass?"
)
_UNUSABLE = (
    "the warehouse that KRAT_WAREHOUSE names can't be used: its tables lie elsewhere than in "
    "KRAT_LAKE, or another version of DuckLake made it."
)
_NOT_INSTALLED = "KRAT_WAREHOUSE needs parts that are not installed: run pip install krat[lake]."


def attach_lake(
    connection: duckdb.DuckDBPyConnection, lake: Lake, name: str, *, read_only: bool
) -> bool:
    """Let a connection use the lake under a name; tell whether there is one.

    Only a writer makes a lake where there is none. Raises NoLake.
    """
    try:
        for extension in _EXTENSIONS:
            load_extension(connection, extension)
    except ModuleNotFoundError:
        raise NoLake(_NOT_INSTALLED) from None
    if lake.s3:
        # Settings would hold for this connection alone, and not for those that dbt makes of it.
        parts = ", ".join(f"{part} {quoted(value)}" for part, value in lake.s3.items())
        connection.execute(f"create or replace secret lake (type s3, {parts})")
    # Few rows would otherwise lie in the catalogue, in the clear.
    options = f"data_path {quoted(lake.data)}, encrypted true, data_inlining_row_limit 0"
    options += ", read_only" * read_only
    try:
        connection.execute(f"attach {quoted(f'ducklake:{lake.catalog}')} as {name} ({options})")
    except duckdb.IOException:
        raise NoLake(_UNREACHABLE) from None
    except duckdb.Error as error:
        if read_only and "does not exist" in str(error):
            return False
        raise NoLake(_UNUSABLE) from None
    return True


def remove_old_snapshots(connection: duckdb.DuckDBPyConnection, name: str, kept: str) -> None:
    """Forget what a lake held longer ago than `kept`, an interval in SQL, and delete its files."""
    for function in ("ducklake_expire_snapshots", "ducklake_cleanup_old_files"):
        connection.execute(f"call {function}('{name}', older_than => now() - {kept})")
