"""Tables of core that a release holds as they are: registers whole, facts of its month.

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
from sources.registers import NATION

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


def public_registers() -> tuple[str, ...]:
    """Return the names of those that the public tier has too: what the plan itself says."""
    return tuple(_declared()["public"])


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
    """Return those of the restricted tier as the warehouse holds them, in the warehouse's types."""
    place = {"county": county_code, "month": month}
    only = "county_code = $county and reporting_month = $month"
    return (
        *(_table(connection, name) for name in reference_registers()),
        *(_table(connection, name, only, place) for name in reference_months()),
    )


def public_reference_tables(connection: duckdb.DuckDBPyConnection) -> tuple[ReferenceTable, ...]:
    """Return those of the public tier; of one with areas the nation's rows alone.

    A county's own baseline may be a number of persons.
    """
    national = {"fct_targets": f"county_code = '{NATION}'"}
    return tuple(
        _table(connection, name, national.get(name, "true")) for name in public_registers()
    )


def _table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    only: str = "true",
    values: dict[str, object] | None = None,
) -> ReferenceTable:
    rows = connection.sql(
        f"select * from {SCHEMA}.{name} where {only} order by all", params=values
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
    return ReferenceTable(name, comment, tuple(columns), rows)


@cache
def _declared() -> dict[str, list[str]]:
    declared: dict[str, list[str]] = read_yaml(Path(__file__).with_name("reference.yml"))
    return declared
