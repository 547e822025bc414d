"""The sweep: every file of the data folder is searched for pseudonyms that should be gone.

Belongs here: opening formats and searching. Not here: what is searched for
(orchestration.erasure.forget).
"""

import gzip
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import duckdb

from orchestration.runtime.database import attach_warehouse, has_warehouse, open_in_memory
from orchestration.runtime.extensions import quoted
from sources.custody.erasure import FORGOTTEN
from sources.custody.home import Home
from sources.custody.vault import CHUNK_BYTES

#: A pseudonym as it is written everywhere, also where more such digits are around it.
_PSEUDONYM = re.compile(rb"(?=([0-9a-f]{64}))")


def sweep(home: Home, pseudonyms: frozenset[str]) -> list[str]:
    """Return the files of the data folder that hold any of the pseudonyms, by their paths in it.

    Parquet and DuckDB are read value by value, zip archives (workbooks, documents) and gzip are
    opened, all else is read as bytes. A lake is asked as a whole, and found as `warehouse`. The
    list of the forgotten is left out. Raises OSError for a file that can't be read, duckdb.Error
    for one that is damaged, NoWarehouseKey, NoLake.
    """
    found = []
    with TemporaryDirectory() as scratch, open_in_memory(Path(scratch)) as connection:
        connection.execute("create table sought as select unnest($1) as pseudonym", [
            sorted(pseudonyms)
        ])  # fmt: skip
        if has_warehouse(home):
            attach_warehouse(connection, home, "swept")
            if _database_has(connection):
                found.append(home.warehouse.stem if home.lake else home.warehouse.name)
        for path in sorted(home.root.rglob("*")):
            if path.is_symlink() or not path.is_file() or path.parent == home.raw / FORGOTTEN:
                continue
            if path == home.warehouse or (home.lake and path.is_relative_to(home.lake.data)):
                continue
            if _has(connection, path, {each.encode() for each in pseudonyms}):
                found.append(path.relative_to(home.root).as_posix())
    return found


def _has(connection: duckdb.DuckDBPyConnection, path: Path, sought: set[bytes]) -> bool:
    if path.suffix == ".parquet":
        return _table_has(connection, f"read_parquet({quoted(str(path))})")
    if path.suffix == ".duckdb":
        connection.execute(f"attach {quoted(str(path))} as swept (read_only)")
        return _database_has(connection)
    return any(not sought.isdisjoint(_PSEUDONYM.findall(text)) for text in _texts(path))


def _database_has(connection: duckdb.DuckDBPyConnection) -> bool:
    """Tell whether the database attached as `swept` holds one, and detach it."""
    try:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'swept'"
        ).fetchall()
        return any(
            _table_has(connection, f'swept."{schema}"."{table}"') for schema, table in tables
        )
    finally:
        connection.execute("detach swept")


def _table_has(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Tell whether a text of a table, or one within a list or structure, holds one."""
    columns = connection.execute(f"describe from {table}").fetchall()
    for name, kind, *_ in columns:
        if "VARCHAR" not in kind and kind not in ("BLOB", "JSON"):
            continue
        column = '"{}"'.format(name.replace('"', '""'))
        [[is_there]] = connection.execute(
            f"""
            with texts as (
                select distinct cast({column} as varchar) as written from {table}
                where length(cast({column} as varchar)) >= 64
            ),
            found as (
                select unnest(regexp_extract_all(written, '[0-9a-f]{{64}}')) as pseudonym
                from texts
            )
            select exists (from found semi join sought using (pseudonym))
            """
        ).fetchall()
        if is_there:
            return True
    return False


def _texts(path: Path) -> Iterator[bytes]:
    """Yield what a file says, in pieces: a vault or a log can be larger than the memory."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                yield member.encode()
                with archive.open(member) as packed:
                    yield from _pieces(packed)
        return
    with path.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        yield from _pieces(file)
    if is_packed:
        with gzip.open(path) as packed:
            yield from _pieces(packed)


def _pieces(file: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    """Yield a file in pieces, each beginning with the end of the one before."""
    end = b""
    while piece := file.read(CHUNK_BYTES):
        yield end + piece
        end = (end + piece)[-63:]
