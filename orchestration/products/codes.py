"""The code lists that a release uses, each code with its name in both languages (codes.csv).

Belongs here: reading them. Not here: code lists of the sources (sources.codes).
"""

import csv
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from orchestration.products.declaration import product
from orchestration.products.tables import ProductTable, table_of

_FOLDER = Path(__file__).parent

#: The observation status of a number that is not all there.
LOW_RELIABILITY = "U"


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
    """Return every code, in the order of codes.csv."""
    with (_FOLDER / "codes.csv").open(encoding="utf-8", newline="") as file:
        return tuple(ProductCode(**row) for row in csv.DictReader(file))


def labels(code_list: str) -> dict[str, str]:
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


def codes_table() -> ProductTable:
    """Return the code lists as a table of a release."""
    declared = product("codes")
    frame = pd.DataFrame([asdict(code) for code in published_codes()])
    return table_of(declared, frame[list(declared.column_names)])
