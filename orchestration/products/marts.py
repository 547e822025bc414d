"""The tables that a release holds, as described in marts.yml and columns.csv, and their frames.

Belongs here: which tables go out, with their keys, titles, units and columns. Not here: how they
are written (files, workbook, package) or what is in them (dbt_project).
"""

import csv
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from sources.datafiles import read_yaml


@dataclass(frozen=True)
class Mart:
    """A published table: its schema, titles, the end of "one row is ..." and its primary key.

    `references` maps a table of the same release to the columns that are its key, `values` the
    columns that hold numbers to their unit and to what an empty one means; `is_sensitive` says
    whether these are about persons: yes, no or as_indicator. `missing_signs` are texts that stand
    for a missing value in CSV, beside the empty one, each with its label in both languages.
    """

    name: str
    schema: str
    title_sq: str
    title_en: str
    row_sq: str
    row_en: str
    key: list[str]
    references: dict[str, list[str]] = field(default_factory=dict)
    is_sensitive: str = "no"
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    missing_signs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """A column of a published table: DuckDB's type, titles in both languages, a description."""

    name: str
    type: str
    title_sq: str
    title_en: str
    description: str


@dataclass(frozen=True)
class Table:
    """A table as it goes out: what it is, its columns, and its rows in the order of its key."""

    mart: Mart
    columns: tuple[Column, ...]
    frame: pd.DataFrame


@cache
def published_marts() -> tuple[Mart, ...]:
    """Return the marts of a release of the restricted tier, in the order of its sheets."""
    return _read_marts("marts.yml")


@cache
def public_marts() -> tuple[Mart, ...]:
    """Return the marts of a release of the public tier, in the order of its sheets."""
    return _read_marts("public_marts.yml")


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


def warehouse_table(
    connection: duckdb.DuckDBPyConnection, mart: Mart, frame: pd.DataFrame
) -> Table:
    """Return a table typed and described as the warehouse's table of the mart's name is."""
    rows = connection.execute(
        "select column_name, data_type, comment from duckdb_columns() "
        "where schema_name = ? and table_name = ? order by column_index",
        [mart.schema, mart.name],
    ).fetchall()
    columns = tuple(column(name, kind, text or "") for name, kind, text in rows)
    return Table(mart=mart, columns=columns, frame=frame)


def column(name: str, kind: str, description: str = "") -> Column:
    """Return a column with its titles from columns.csv, or its name where it has none there.

    Without a `description` it has the one in columns.csv.
    """
    titles = _titles().get(name, {})
    return Column(
        name=name,
        type=kind,
        title_sq=titles.get("title_sq") or name,
        title_en=titles.get("title_en") or name,
        description=" ".join((description or titles.get("description", "")).split()),
    )


@cache
def column_titled(text: str) -> str | None:
    """Return the column that a heading names, by its own name or its titles, if any does."""
    for name, titles in _titles().items():
        known = (name, titles["title_sq"], titles["title_en"])
        if text in known or text == f"{titles['title_sq']} / {titles['title_en']}":
            return name
    return None


def _read_marts(name: str) -> tuple[Mart, ...]:
    return tuple(Mart(**entry) for entry in read_yaml(Path(__file__).with_name(name)))


@cache
def _titles() -> dict[str, dict[str, Any]]:
    with (Path(__file__).parent / "columns.csv").open(encoding="utf-8", newline="") as file:
        return {row["column"]: row for row in csv.DictReader(file)}
