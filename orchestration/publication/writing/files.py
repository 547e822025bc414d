"""The tables of a release as DuckDB, Parquet and CSV.

Belongs here: these three formats, the same bytes for the same rows. Not here: the workbook
(workbook) or the description of the files (package).
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from orchestration.products.comments import create_table
from orchestration.products.reference import ReferenceTable
from orchestration.products.tables import ProductTable
from orchestration.products.tree import DATABASE

#: How a text begins that a spreadsheet takes for a formula.
_FORMULA = re.compile(r"[=+\-@\t\n＝＋－＠]")

#: DuckDB's compressed text segments carry leftovers of its memory into the file, so that no two are
#: the same (1.5.5, measured); uncompressed ones don't. Small blocks keep the small tables small. So
#: does the format of 1.2, which any DuckDB since then reads: a third less than the default's.
_ATTACHED = "(block_size 16384, storage_version 'v1.2.0')"
_UNCOMPRESSED = "set force_compression = 'uncompressed'"


def write_tables(draft: Path, tables: Sequence[ProductTable]) -> None:
    """Write `mart.duckdb` with every table, and each as `<name>.parquet` and `<name>.csv`."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(f"attach {_quoted(draft / DATABASE)} as mart {_ATTACHED}")
        connection.execute("use mart")
        connection.execute(_UNCOMPRESSED)
        # One transaction: each commit would wait for the disk, once a comment.
        connection.execute("begin")
        for table in tables:
            create_table(connection, table.product, table.product.name, table.columns)
            connection.register("frame", table.frame)
            connection.execute(f"insert into {table.product.name} by name from frame")
            connection.unregister("frame")
        connection.execute("commit")
        for table in tables:
            name = table.product.name
            connection.execute(
                f"copy (from {name}) to {_quoted(draft / f'{name}.parquet')} "
                "(format parquet, compression zstd)"
            )
            safe_text(table.frame).to_csv(
                draft / f"{name}.csv", index=False, lineterminator="\n", encoding="utf-8"
            )
        connection.execute("checkpoint mart")
        connection.execute("use memory")
        connection.execute("detach mart")


def write_reference(draft: Path, tables: Sequence[ReferenceTable]) -> None:
    """Write each table as `<name>.parquet`, its types as they are."""
    with duckdb.connect(config={"threads": 1}) as connection:
        for table in tables:
            connection.register("held", table.rows)
            connection.execute(
                f"copy (from held) to {_quoted(draft / f'{table.name}.parquet')} "
                "(format parquet, compression zstd)"
            )
            connection.unregister("held")


def safe_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy in which no text, and no heading, starts a formula in a spreadsheet."""
    safe = frame.rename(columns=safe_cell)
    for name in safe.columns:
        if pd.api.types.is_string_dtype(safe[name]) or safe[name].dtype == object:
            safe[name] = safe[name].map(safe_cell)
    return safe


def safe_cell(value: Any) -> Any:
    """Return a value; a text that would start a formula has an apostrophe before it."""
    if not isinstance(value, str):
        return value
    # A bare carriage return is not quoted in csv, and would end the row.
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if _FORMULA.match(text) else text


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
