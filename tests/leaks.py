"""Everything that a file says, compressed and binary formats opened, to be searched for leaks.

Belongs here: opening formats. Not here: what is searched for (test_privacy, test_canary).
"""

import gzip
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import duckdb
import pandas as pd

from orchestration.runtime.database import read_warehouse
from sources.custody.home import Home
from sources.custody.warehouse_key import read_key


def texts(path: Path) -> Iterator[str]:
    """Yield the texts of a file: its bytes as they are, and what its format packs."""
    content = path.read_bytes()
    yield from _plain(content)
    if path.suffix == ".parquet":
        yield pd.read_parquet(path).to_csv()
    elif path.suffix == ".duckdb":
        yield from _duckdb(path)
    elif content.startswith(b"SQLite format 3"):
        yield from _sqlite(path)
    elif content.startswith(b"\x1f\x8b"):
        yield from _plain(gzip.decompress(content))
    elif zipfile.is_zipfile(BytesIO(content)):
        with zipfile.ZipFile(BytesIO(content)) as archive:
            for member in archive.namelist():
                yield member
                yield from _plain(archive.read(member))


def _plain(content: bytes) -> Iterator[str]:
    yield content.decode("utf-8", errors="replace")
    if b"\x00" in content:
        yield content.decode("utf-16-le", errors="replace")


def _duckdb(path: Path) -> Iterator[str]:
    with _open(path) as connection:
        catalog = connection.execute("select current_database()").fetchall()[0][0]
        for schema, table in connection.execute(
            "select schema_name, table_name from duckdb_tables() "
            "where database_name = current_database()"
        ).fetchall():
            yield connection.execute(f'from "{catalog}".{schema}.{table}').df().to_csv()


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a file, an encrypted warehouse with the key that lies beside its home."""
    for keys in (path.parent.with_name("keys"), path.parent.with_name(f"{path.parent.name}-keys")):
        home = Home(root=path.parent, keys=keys)
        if path == home.warehouse and read_key(keys):
            return read_warehouse(home)
    return duckdb.connect(str(path), read_only=True)


def _sqlite(path: Path) -> Iterator[str]:
    """Yield the rows of a SQLite file; Dagster packs its snapshots of runs with zlib."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        for (table,) in connection.execute(
            "select name from sqlite_master where type = 'table'"
        ).fetchall():
            for row in connection.execute(f'select * from "{table}"'):
                for value in row:
                    if isinstance(value, bytes):
                        yield value.decode("utf-8", errors="replace")
                        try:
                            yield zlib.decompress(value).decode("utf-8", errors="replace")
                        except zlib.error:
                            continue
                    elif isinstance(value, str):
                        yield value
    finally:
        connection.close()
