"""What each register is, as dbt_project/seeds/_seeds.yml declares it.

Belongs here: reading the declaration. Not here: holding rows against it (check).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from orchestration.runtime.settings import SEEDS
from sources.datafiles import read_yaml
from sources.layouts import SOURCES
from sources.registers import register_rows


@dataclass(frozen=True)
class Reference:
    """Columns that must stand together in the key of another register, unless all are blank."""

    columns: tuple[str, ...]
    register: str


@dataclass(frozen=True)
class Register:
    """A register: its columns with their types, and what its rows are held against.

    `kept` is whole where the register belongs to krat's rules and takes no rows of the office,
    rows where the office may only change rows that are there, else blank.
    """

    name: str
    types: Mapping[str, str]
    key: tuple[str, ...]
    optional: frozenset[str]
    references: tuple[Reference, ...]
    codes: Mapping[str, tuple[str, ...]]
    patterns: Mapping[str, str]
    kept: str


@cache
def declared() -> dict[str, Register]:
    """Return every register by its name."""
    return {entry["name"]: _register(entry) for entry in read_yaml(SEEDS / "_seeds.yml")["seeds"]}


def _register(entry: dict[str, object]) -> Register:
    config = entry["config"]
    assert isinstance(config, dict)
    meta = config["meta"]
    return Register(
        name=str(entry["name"]),
        types=config["column_types"],
        key=tuple(meta["key"]),
        optional=frozenset(meta.get("optional", ())),
        references=tuple(
            Reference(tuple(columns.split(", ")), register)
            for columns, register in meta.get("references", {}).items()
        ),
        codes={
            column: _units() if codes == "units" else tuple(codes)
            for column, codes in meta.get("codes", {}).items()
        },
        patterns=meta.get("patterns", {}),
        kept=meta.get("kept", ""),
    )


def _units() -> tuple[str, ...]:
    """Return the units that forms, reports and releases can name (sources/submissions)."""
    return tuple(row["unit"] for row in register_rows(SOURCES / "submissions", "units"))
