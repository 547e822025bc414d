"""DuckDB's extensions, each a wheel of its own, so that nothing is ever downloaded by a refresh."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb


def load_extension(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Let a database use an extension. Raises ModuleNotFoundError where it isn't installed."""
    folder: Any = files(f"duckdb_extension_{name}")
    [path] = Path(folder).rglob(f"{name}.duckdb_extension")
    connection.execute(f"load {quoted(str(path))}")


def quoted(text: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
