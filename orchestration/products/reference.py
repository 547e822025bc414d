"""Tables of core that a restricted release holds as they are: registers whole, facts of its month.

Belongs here: which these are (reference.yml), and reading them with their comments. Not here: the
marts and what they point into (declaration, tables), or writing (publication.writing).
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.products.declaration import published_marts
from sources.datafiles import read_yaml

#: The schema of all of them.
SCHEMA = "core"


@dataclass(frozen=True)
class ReferenceTable:
    """A table with its rows, its comment, and each column's name, type and comment."""

    name: str
    comment: str
    columns: tuple[tuple[str, str, str], ...]
    rows: pa.Table


def reference_registers() -> tuple[str, ...]:
    """Return the names of the tables that a release holds whole."""
    return tuple(_declared()["registers"])


def reference_months() -> tuple[str, ...]:
    """Return the names of the tables of which a release holds the rows of its county and month."""
    return tuple(_declared()["months"])


def month_models() -> dict[str, str]:
    """Return all tables of which a release holds the rows of its county and month, with models."""
    marts = {mart.name: mart.model for mart in published_marts()}
    return marts | {name: f"{SCHEMA}.{name}" for name in reference_months()}


def reference_tables(
    connection: duckdb.DuckDBPyConnection, county_code: str, month: date
) -> tuple[ReferenceTable, ...]:
    """Return the tables as the warehouse holds them; types are the warehouse's own."""
    tables = []
    for name in (*reference_registers(), *reference_months()):
        is_whole = name in reference_registers()
        where = "" if is_whole else "where county_code = $county and reporting_month = $month"
        rows = connection.sql(
            f"select * from {SCHEMA}.{name} {where} order by all",
            params=None if is_whole else {"county": county_code, "month": month},
        ).to_arrow_table()
        [(comment,)] = connection.execute(
            "select comment from duckdb_tables() where schema_name = ? and table_name = ?",
            [SCHEMA, name],
        ).fetchall()
        columns = connection.execute(
            "select column_name, data_type, comment from duckdb_columns() "
            "where schema_name = ? and table_name = ? order by column_index",
            [SCHEMA, name],
        ).fetchall()
        tables.append(ReferenceTable(name, comment, tuple(columns), rows))
    return tuple(tables)


@cache
def _declared() -> dict[str, list[str]]:
    declared: dict[str, list[str]] = read_yaml(Path(__file__).with_name("reference.yml"))
    return declared
