"""The published tables with their rows, as the warehouse holds them.

Belongs here: reading rows and descriptions. Not here: what is published (declaration), or how it is
written (orchestration.publication.writing).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import duckdb
import pandas as pd

from orchestration.products.declaration import (
    Product,
    ProductColumn,
    published_marts,
    published_registers,
)
from orchestration.products.reference import SCHEMA, reference_months


@dataclass(frozen=True)
class ProductTable:
    """A published table with its rows."""

    product: Product
    #: The columns with the descriptions that are published.
    columns: tuple[ProductColumn, ...]
    #: The rows, in the order of the key.
    frame: pd.DataFrame
    #: What the warehouse has of it as a whole, empty for what it doesn't hold.
    comment: str = ""


def table_of(product: Product, frame: pd.DataFrame | None = None) -> ProductTable:
    """Return a table as it is declared, with rows that were made on writing, or with none."""
    rows = pd.DataFrame(columns=list(product.column_names)) if frame is None else frame
    return ProductTable(product, product.columns, rows)


def warehouse_table(
    connection: duckdb.DuckDBPyConnection, product: Product, frame: pd.DataFrame
) -> ProductTable:
    """Return a table with the descriptions that its model has in the warehouse."""
    described = dict(
        connection.execute(
            "select column_name, comment from duckdb_columns() "
            "where concat_ws('.', schema_name, table_name) = ?",
            [product.model],
        ).fetchall()
    )
    [(comment,)] = connection.execute(
        "select comment from duckdb_tables() where concat_ws('.', schema_name, table_name) = ?",
        [product.model],
    ).fetchall()
    return ProductTable(product, product.describe_columns(described), frame, comment or "")


def month_frames(
    connection: duckdb.DuckDBPyConnection, county_code: str, month: date
) -> dict[str, pd.DataFrame]:
    """Return the rows of one county and month of all that the restricted tier has of it, in order.

    These are the marts, the findings, and the facts that go out as they are.
    """
    marts = {
        mart.name: month_frame(connection, mart, county_code, month) for mart in published_marts()
    }
    facts = {
        name: connection.execute(
            f"select * from {SCHEMA}.{name} where county_code = ? and reporting_month = ? "
            "order by all",
            [county_code, month],
        ).df()
        for name in reference_months()
    }
    return marts | facts


def month_frame(
    connection: duckdb.DuckDBPyConnection,
    mart: Product,
    county_code: str,
    month: date,
    condition: str = "true",
) -> pd.DataFrame:
    """Return a mart's rows of one county and month for which a condition holds, by its key."""
    return connection.execute(
        f"select {', '.join(mart.column_names)} from {mart.model} "
        f"where county_code = ? and reporting_month = ? and {condition} "
        f"order by {', '.join(mart.key)}",
        [county_code, month],
    ).df()


def is_made_up(frames: Iterable[pd.DataFrame]) -> bool:
    """Return whether a row of the marts rests on made-up data."""
    return any(bool(frame["is_made_up"].any()) for frame in frames if "is_made_up" in frame)


def register_tables(
    connection: duckdb.DuckDBPyConnection, month: date | None = None
) -> tuple[ProductTable, ...]:
    """Return the registers that a release's marts point into, each ordered by its key.

    Of what belongs to a plan, the rows of the month's; all without a month.
    """
    of_plan = "where plan_code = (select plan_code from core.dim_months where month = $month)"
    tables = []
    for register in published_registers():
        is_of_month = month is not None and "plan_code" in register.key
        frame = connection.sql(
            f"select {', '.join(register.column_names)} from {register.model} "
            f"{of_plan if is_of_month else ''} order by {', '.join(register.key)}",
            params={"month": month} if is_of_month else None,
        ).df()
        tables.append(warehouse_table(connection, register, frame))
    return tuple(tables)
