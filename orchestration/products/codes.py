"""The code lists that a release uses, each code with its name in both languages (codes.csv).

Belongs here: reading them. Not here: code lists of the sources (sources.codes).
"""

import csv
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from orchestration.products.marts import Mart, Table, column

CODES = Mart(
    name="codes",
    schema="register",
    title_sq="Kodet",
    title_en="Codes",
    row_sq="një kod i një liste",
    row_en="a code of a list",
    key=["code_list", "code"],
)


@dataclass(frozen=True)
class Code:
    """A code of a list, with its names and where it comes from."""

    code_list: str
    code: str
    name_sq: str
    name_en: str
    source: str

    @property
    def label(self) -> str:
        """The name in both languages."""
        return f"{self.name_sq} / {self.name_en}"


@cache
def release_codes() -> tuple[Code, ...]:
    """Return every code, in the order of codes.csv."""
    with Path(__file__).with_name("codes.csv").open(encoding="utf-8", newline="") as file:
        return tuple(Code(**row) for row in csv.DictReader(file))


def labels(code_list: str) -> dict[str, str]:
    """Return the codes of a list with their names in both languages."""
    return {code.code: code.label for code in release_codes() if code.code_list == code_list}


def codes_table() -> Table:
    """Return the code lists as a table of a release."""
    frame = pd.DataFrame([asdict(code) for code in release_codes()])
    return Table(CODES, tuple(column(str(name), "VARCHAR") for name in frame.columns), frame)
