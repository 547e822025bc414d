"""The codes in published columns, each with its name in both languages.

A list has the name of its column. Most are in codes.csv, where a row may be of several columns;
units and what records hold have lists of the sources.

Belongs here: reading them. Not here: the code lists of the sources themselves (sources.codes).
"""

import csv
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import duckdb
import pandas as pd

from orchestration.products.declaration import product
from orchestration.products.tables import ProductTable, table_of
from orchestration.runtime.settings import SEEDS
from sources.codes import codes_of
from sources.layouts import SOURCES
from sources.registers import register_rows

_FOLDER = Path(__file__).parent

#: The observation status of a number that is not all there, and of one that bounds nothing: persons
#: in it may have come first in a file that is missing.
LOW_RELIABILITY, ESTIMATED = "U", "E"

#: Columns of published tables with codes of a list of the sources.
_OF_SOURCES = {
    "channel": "contact_channels",
    "purpose": "contact_purposes",
    "sex": "sexes",
    "age_group": "age_groups",
    "exploitation": "exploitation",
    "citizenship": "citizenships",
    "trafficking_scope": "trafficking_scopes",
    "residence_county": "residences",
    "registering_organisation": "organisations",
    "assistance": "support_types",
}

#: Who decides is one of the organisations; codes are added to a list of its own.
_DECIDING = ("registering_organisation", "deciding_organisations")


@dataclass(frozen=True)
class ProductCode:
    """A code of a list, with its names and where it comes from."""

    code_list: str
    code: str
    name_sq: str
    name_en: str
    source: str
    #: What a sheet shows before a number with this status, or in its place: never a 0; else empty.
    sign: str

    @property
    def label(self) -> str:
        """The name in both languages."""
        return f"{self.name_sq} / {self.name_en}"


@dataclass(frozen=True)
class CountName:
    """The names of a subject or category of person_counts (person_counts.csv)."""

    name_sq: str
    name_en: str
    #: The mart that a subject is counted in; empty for a category.
    mart: str
    #: The unit of a subject; empty for a category.
    unit: str


@cache
def published_codes() -> tuple[ProductCode, ...]:
    """Return every code, by its column, those of codes.csv first and in its order."""
    with (_FOLDER / "codes.csv").open(encoding="utf-8", newline="") as file:
        own = [
            ProductCode(column, **rest)
            for row in csv.DictReader(file)
            for columns, rest in [(row.pop("code_list").split(), row)]
            for column in columns
        ]
    units = [
        ProductCode("unit", row["unit"], row["name_sq"], row["name_en"], "krat", "")
        for row in register_rows(SOURCES / "submissions", "units")
    ]
    # The same code in two versions of a list keeps its meaning: the newest name counts.
    of_sources = {
        (column, code.code): ProductCode(
            column, code.code, code.name_sq, code.name_en, f"{list_id}-{code.version}", ""
        )
        for column, list_id in _OF_SOURCES.items()
        for code in codes_of(list_id)
    }
    stated = {(code.code_list, code.code) for code in own}
    collected = {
        (column, row["category"]): ProductCode(
            column, row["category"], row["name_sq"], row["name_en"], row["collection"], ""
        )
        for row in register_rows(SEEDS, "collection_categories")
        for column in [f"{row['collection']}_category"]
    }
    others = {**of_sources, **collected}
    return (*own, *units, *(code for key, code in others.items() if key not in stated))


@cache
def labels(code_list: str) -> Mapping[str, str]:
    """Return the codes of a list with their names in both languages."""
    return {code.code: code.label for code in published_codes() if code.code_list == code_list}


@cache
def signs() -> dict[str, str]:
    """Return what a sheet shows before or in place of a number, by observation status."""
    return {code.code: code.sign for code in published_codes() if code.sign}


@cache
def count_names() -> dict[str, CountName]:
    """Return the names of subjects and categories of person_counts; indicators have their own."""
    with (_FOLDER / "person_counts.csv").open(encoding="utf-8", newline="") as file:
        return {row.pop("code"): CountName(**row) for row in csv.DictReader(file)}


def category_names(dimension: str, category: str) -> tuple[str, str]:
    """Return the Albanian and the English name of a category of person_counts.

    Raises ValueError for one without a name.
    """
    name = count_names().get(category)
    if name is not None:
        return name.name_sq, name.name_en
    code_list = "eurostat_category" if dimension == "citizenship" else dimension
    [code] = [
        code for code in published_codes() if (code.code_list, code.code) == (code_list, category)
    ]
    return code.name_sq, code.name_en


def codes_table(connection: duckdb.DuckDBPyConnection | None = None) -> ProductTable:
    """Return all of them as a table, with the subjects and categories of counts of persons.

    With a connection also the codes that the office added, as `core.dim_codes` has them.
    """
    declared = product("codes")
    of_counts = [
        ProductCode(column, code, name.name_sq, name.name_en, "krat", "")
        for code, name in count_names().items()
        for column in [("subject" if name.mart else "category")]
    ]
    added = [] if connection is None else _added_codes(connection)
    frame = pd.DataFrame([asdict(code) for code in (*published_codes(), *added, *of_counts)])
    return table_of(declared, frame[list(declared.column_names)])


def _added_codes(connection: duckdb.DuckDBPyConnection) -> list[ProductCode]:
    """Return the codes of the sources' lists that krat doesn't ship, by their columns."""
    return [
        ProductCode(column, code, name_sq, name_en, source, "")
        for column, list_id in (*_OF_SOURCES.items(), _DECIDING)
        for code, name_sq, name_en, source in connection.execute(
            "select code, name_sq, name_en, code_list || '-' || version from core.dim_codes "
            "where code_list = ? order by version, code",
            [list_id],
        ).fetchall()
        if code not in labels(column)
    ]
