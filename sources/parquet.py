"""Parquet files of krat's own tables, each on the disk whole or not at all.

Belongs here: how they are written. Not here: their schemas.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sources.atomic import replace_file


def write_parquet(path: Path, table: pa.Table) -> None:
    """Replace a file by this table, as `atomic.replace_file`; zstd takes two thirds of snappy."""
    with replace_file(path) as fresh:
        pq.write_table(table, fresh, compression="zstd")
