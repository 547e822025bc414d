"""The marts that a release holds, as described in marts.yml, and their frames.

Belongs here: which tables go out, with their keys and titles. Not here: how they are written
(release) or what is in them (dbt_project).
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import duckdb
import pandas as pd
import yaml


@dataclass(frozen=True)
class Mart:
    """A published table: its schema, titles, the end of "one row is ..." and its primary key."""

    name: str
    schema: str
    title_sq: str
    title_en: str
    row_sq: str
    row_en: str
    key: list[str]


@cache
def published_marts() -> tuple[Mart, ...]:
    """Return the marts of a release, in the order of its sheets."""
    text = (Path(__file__).parent / "marts.yml").read_text(encoding="utf-8")
    return tuple(Mart(**entry) for entry in yaml.safe_load(text))


def month_frames(
    connection: duckdb.DuckDBPyConnection, county_code: str, month: date
) -> dict[str, pd.DataFrame]:
    """Return each mart's rows of one county and month, ordered by its key."""
    return {
        mart.name: connection.execute(
            f"select * from {mart.schema}.{mart.name} "
            "where county_code = ? and reporting_month = ? "
            f"order by {', '.join(mart.key)}",
            [county_code, month],
        ).df()
        for mart in published_marts()
    }
