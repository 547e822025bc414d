"""What is published, as tables.yml and columns.csv declare it, in typed form.

Belongs here: reading the declaration. Not here: rows of the tables (tables), codes (codes), or
descriptions of columns of the warehouse, which are in dbt_project.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from sources.datafiles import read_yaml

_FOLDER = Path(__file__).parent


class Tier(StrEnum):
    """Exact aggregates for ZKKA and the county's committee, or what anyone may see."""

    RESTRICTED = "restricted"
    PUBLIC = "public"


@dataclass(frozen=True)
class ProductColumn:
    """A column of a published table."""

    name: str
    #: DuckDB's type.
    type: str
    title_sq: str
    title_en: str
    #: For a column of the warehouse: what is used where dbt does not describe it.
    description: str = ""
    #: The unit of a number, as_indicator (its indicator's) or as_subject (its row's); else empty.
    unit: str = ""
    #: What an empty number means: not_owed (nobody owed it, or it can't be), not_reported (it was
    #: owed), as_reported (what the reports say), as_official (not owed without such a source), or
    #: as_state (what the row's value_state says).
    when_empty: str = ""

    @property
    def title(self) -> str:
        """The title in both languages."""
        return f"{self.title_sq} / {self.title_en}"


@dataclass(frozen=True)
class Product:
    """A published table, as one tier has it."""

    name: str
    title_sq: str
    title_en: str
    #: The end of the sentence "one row is ...".
    row_sq: str
    row_en: str
    #: The columns that identify a row.
    key: tuple[str, ...]
    columns: tuple[ProductColumn, ...]
    tiers: tuple[Tier, ...] = ()
    #: The table of the warehouse with its rows, as marts.indicator_progress; empty for none.
    model: str = ""
    #: The table in which the rows of all releases can be asked for, where it has no model.
    united_as: str = ""
    #: Another table of the release, and the columns that are its key.
    references: Mapping[str, list[str]] = field(default_factory=dict)
    #: The sources of the records that it is counted from.
    records: tuple[str, ...] = ()
    #: Whether its numbers are about persons: yes, no or as_indicator.
    is_sensitive: str = "no"
    #: Whether it goes out in editions instead of monthly releases.
    editions: bool = False

    @property
    def schema(self) -> str:
        """The schema of its model, empty where it has none."""
        return self.model.partition(".")[0]

    @property
    def sql_name(self) -> str:
        """Where its rows can be asked for in SQL."""
        return self.model or self.united_as or f"main.{self.name}"

    @property
    def title(self) -> str:
        """The title in both languages."""
        return f"{self.title_sq} / {self.title_en}"

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of its columns, in their order."""
        return tuple(column.name for column in self.columns)

    @property
    def numbers(self) -> dict[str, ProductColumn]:
        """The columns with a unit, by name: each of their values is an observation."""
        return {column.name: column for column in self.columns if column.unit}

    def describe_columns(self, by_model: Mapping[str, str | None]) -> tuple[ProductColumn, ...]:
        """Return its columns with the descriptions of its model, by column.

        What the table describes differently from columns.csv goes before its model; columns.csv
        has what no model describes.
        """
        columns = []
        for column in self.columns:
            general = declared_columns()[column.name].description
            if column.description == general:
                text = by_model.get(column.name) or general
                column = replace(column, description=" ".join(text.split()))
            columns.append(column)
        return tuple(columns)

    def row_name(self, row: Mapping[Any, Any]) -> str:
        """Return a row's key beside county and month, joined by /; `all` where nothing is left."""
        rest = [name for name in self.key if name not in ("county_code", "reporting_month")]
        return "/".join(str(row[name]) for name in rest) or "all"


@cache
def products(tier: Tier | None) -> tuple[Product, ...]:
    """Return the tables of a tier, in the order of its sheets; None: those of no tier."""
    return tuple(
        _product(entry, tier)
        for entry in read_yaml(_FOLDER / "tables.yml")
        if (tier in entry["tiers"] if tier else not entry["tiers"])
    )


def published_marts(tier: Tier = Tier.RESTRICTED) -> tuple[Product, ...]:
    """Return the tables of a tier's monthly releases with rows from the warehouse."""
    return tuple(one for one in _modelled(tier) if not one.editions)


def judged_marts() -> tuple[Product, ...]:
    """Return the restricted marts, whose rows the gate judges; findings are shown as they are."""
    return tuple(one for one in published_marts() if one.schema == "marts")


def published_registers(tier: Tier = Tier.RESTRICTED) -> tuple[Product, ...]:
    """Return the registers of a tier, into which its other tables point."""
    return tuple(one for one in products(tier) if one.schema == "core")


def judged_models() -> tuple[str, ...]:
    """Return the models of marts and findings that go out or are asked for in SQL, by name."""
    models = [one.model for tier in Tier for one in _modelled(tier)]
    models += [one.model for one in products(None) if one.schema == "marts"]
    return tuple(model.partition(".")[2] for model in dict.fromkeys(models))


def product(name: str, tier: Tier | None = Tier.RESTRICTED) -> Product:
    """Return a table of a tier by its name. Raises KeyError for one that isn't declared."""
    return {one.name: one for one in products(tier)}[name]


@cache
def declared_columns() -> dict[str, ProductColumn]:
    """Return every column of columns.csv by its name."""
    with (_FOLDER / "columns.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["column"]: ProductColumn(row.pop("column"), **row) for row in csv.DictReader(file)
        }


def _modelled(tier: Tier) -> tuple[Product, ...]:
    return tuple(one for one in products(tier) if one.schema in ("marts", "quality"))


def _product(entry: dict[str, Any], tier: Tier | None) -> Product:
    values = {name: value for name, value in entry.items() if name != "in_public"}
    if tier is Tier.PUBLIC:
        values |= entry.get("in_public", {})
    differs = values.pop("differs", {})
    known = declared_columns()
    return Product(
        **values
        | {
            "tiers": tuple(Tier(name) for name in entry["tiers"]),
            "key": tuple(entry["key"]),
            "records": tuple(entry.get("records", ())),
            "columns": tuple(
                replace(known[name], **differs.get(name, {})) for name in entry["columns"]
            ),
        }
    )
