"""The registers as the door needs them: which codes exist, and how grave each rule is.

Belongs here: reading the register seeds. Not here: the registers themselves (dbt_project/seeds)
or anything computed from them (dbt_project/models).
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path


@dataclass(frozen=True)
class Registers:
    """What the registers allow in a file.

    `institutions` maps a code to the county it reports for, `indicators` a code to its unit,
    `categories` an indicator's code to the categories of its breakdowns, `rules` a rule to its
    severity (blocks, warns, informs). `months` are first days of months.
    """

    counties: set[str]
    institutions: dict[str, str]
    institution_aliases: dict[str, str]
    indicators: dict[str, str]
    categories: dict[str, set[str]]
    months: set[date]
    rules: dict[str, str]


def load_registers(seeds_dir: Path) -> Registers:
    """Return the registers in `seeds_dir` (one UTF-8 CSV a register).

    Raises FileNotFoundError when a register's file is missing, KeyError when one of the columns
    used here is, ValueError when a month of the reporting calendar is no date.
    """
    categories: dict[str, set[str]] = {}
    for row in _rows(seeds_dir, "breakdown_categories"):
        categories.setdefault(row["indicator_code"], set()).add(row["category"])
    return Registers(
        counties={row["county_code"] for row in _rows(seeds_dir, "counties")},
        institutions={
            row["institution_code"]: row["county_code"] for row in _rows(seeds_dir, "institutions")
        },
        institution_aliases={
            row["alias"]: row["institution_code"] for row in _rows(seeds_dir, "institution_aliases")
        },
        indicators={row["indicator_code"]: row["unit"] for row in _rows(seeds_dir, "indicators")},
        categories=categories,
        months={date.fromisoformat(row["month"]) for row in _rows(seeds_dir, "reporting_calendar")},
        rules={row["rule"]: row["severity"] for row in _rows(seeds_dir, "quality_rules")},
    )


def _rows(seeds_dir: Path, name: str) -> Iterator[dict[str, str]]:
    with (seeds_dir / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)
