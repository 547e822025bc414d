"""DuckDB files that krat makes, and the warehouse, be it a file or a lake.

A warehouse with a key is encrypted, and what its databases can't hold in memory too. Without a key
it holds made-up reports alone: the first real one gives it a key.
"""

from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import duckdb

from orchestration.runtime.extensions import load_extension, quoted
from orchestration.runtime.lake import KEPT, attach_lake, remove_old_snapshots
from orchestration.runtime.settings import memory_limit, warehouse_key
from sources.custody.home import Home, Lake
from sources.custody.warehouse_key import make_key, remove_warehouse

#: In bytes. Each column of a table takes a block of its own, and most tables are small: with
#: DuckDB's own 262,144 the warehouse of the example has three times the size.
_BLOCK_SIZE = "65536"

#: Of threads that open one file, the first attaches it for all.
_ATTACHING = Lock()

#: What the warehouse's database is called in SQL: a file's name says it, a lake is given it.
WAREHOUSE = "warehouse"


class NoWarehouseKey(ValueError):
    """The warehouse is encrypted, and not with the key that is there, if there is one."""

    def __init__(self, home: Home) -> None:
        super().__init__(
            f"{home.warehouse.name} is encrypted, and the key in {home.keys} or KRAT_WAREHOUSE_KEY "
            "isn't its own: put the key back. If it is lost, remove the file: the next refresh "
            "builds it again from what was taken in."
        )


def open_to_write(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file, which is made with small blocks where there is none."""
    block_size = {} if path.exists() else {"default_block_size": _BLOCK_SIZE}
    return duckdb.connect(str(path), config={"memory_limit": memory_limit(), **block_size})


def read_warehouse(home: Home) -> duckdb.DuckDBPyConnection:
    """Open the warehouse of a home for reading.

    Raises duckdb.IOException where there is none or another process writes it, NoWarehouseKey,
    NoLake.
    """
    return _open(home, read_only=True)


def write_warehouse(home: Home) -> duckdb.DuckDBPyConnection:
    """Open the warehouse of a home for writing, which is made where there is none.

    Raises duckdb.IOException for a file that another process has open, NoWarehouseKey, NoLake.
    """
    return _open(home, read_only=False)


def attach_warehouse(
    connection: duckdb.DuckDBPyConnection, home: Home, name: str, *, read_only: bool = True
) -> None:
    """Let a connection use the warehouse of a home under a name. Raises NoWarehouseKey, NoLake."""
    if home.lake:
        attach_lake(connection, home.lake, name, read_only=read_only)
        return
    options = "read_only" if read_only else f"block_size {_BLOCK_SIZE}"
    if key := warehouse_key(home):
        # Without it DuckDB can read what is encrypted, and write nothing.
        load_extension(connection, "httpfs")
        options += f", encryption_key {quoted(key)}"
    try:
        connection.execute(f"attach {quoted(str(home.warehouse))} as {name} ({options})")
    except (duckdb.CatalogException, duckdb.InvalidInputException):
        raise NoWarehouseKey(home) from None


def is_in_the_clear(home: Home) -> bool:
    """Tell whether the warehouse is a file without a key, or is going to be."""
    return not home.lake and warehouse_key(home) is None


def encrypt_warehouse(home: Home) -> None:
    """Give a warehouse in the clear its key; what was built without one is removed.

    Raises NoWarehouseKey.
    """
    if home.warehouse.exists():
        # One that is encrypted has lost its key: no new one takes its place silently.
        read_warehouse(home).close()
    make_key(home.keys)
    remove_warehouse(home)


def has_warehouse(home: Home) -> bool:
    """Tell whether a home has a warehouse. Raises NoLake."""
    if not home.lake:
        return home.warehouse.exists()
    try:
        read_warehouse(home).close()
    except duckdb.IOException:
        return False
    return True


def tidy_warehouse(home: Home, *, at_once: bool = False) -> None:
    """Delete what a lake keeps of earlier builds; a file uses its room again by itself.

    What somebody may still read stays for a day, unless it is to go `at_once`.
    """
    if home.lake:
        with write_warehouse(home) as connection:
            remove_old_snapshots(connection, WAREHOUSE, KEPT if not at_once else "interval 0 days")


def open_in_memory(scratch: Path) -> duckdb.DuckDBPyConnection:
    """Open a database in memory; what that does not hold lies in a folder meanwhile, encrypted."""
    connection = duckdb.connect(config=_in_memory(scratch))
    load_extension(connection, "httpfs")
    return connection


def _open(home: Home, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    if home.lake:
        connection = _database_with(home, home.lake, read_only).cursor()
        connection.execute(f"use {WAREHOUSE}")
        return connection
    if warehouse_key(home):
        return _open_encrypted(home, read_only=read_only)
    try:
        if not read_only:
            return open_to_write(home.warehouse)
        return duckdb.connect(str(home.warehouse), read_only=True)
    except duckdb.CatalogException:
        raise NoWarehouseKey(home) from None


def _open_encrypted(home: Home, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Open a file that only an attached database can be: connections of a process share one."""
    connection = duckdb.connect(f":memory:{home.warehouse}", config=_in_memory(_scratch(home)))
    try:
        attached = "select 1 from duckdb_databases() where database_name = ?"
        with _ATTACHING:
            if not connection.execute(attached, [WAREHOUSE]).fetchone():
                attach_warehouse(connection, home, WAREHOUSE, read_only=read_only)
        connection.execute(f"use {WAREHOUSE}")
    except BaseException:
        connection.close()
        raise
    return connection


@cache
def _database_with(home: Home, lake: Lake, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Return a database in memory that uses a lake: to open one takes a second, so it is kept."""
    connection = duckdb.connect(config=_in_memory(_scratch(home)))
    if not attach_lake(connection, lake, WAREHOUSE, read_only=read_only):
        raise duckdb.IOException("There is no warehouse yet.")
    return connection


def _in_memory(scratch: Path) -> dict[str, Any]:
    return {
        "memory_limit": memory_limit(),
        "temp_directory": str(scratch),
        "temp_file_encryption": "true",
    }


def _scratch(home: Home) -> Path:
    return home.warehouse.with_name(f"{home.warehouse.name}.tmp")
