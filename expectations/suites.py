"""Suites as data: which conditions hold for each table, read from `suites/<table>.yml`.

Belongs here: reading the suites and telling one version of them from another. Not here: running
them (validate).
"""

import hashlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from sources.datafiles import read_yaml

FOLDER = Path(__file__).parent / "suites"


@dataclass(frozen=True)
class Condition:
    """One condition of a suite: a Great Expectations type, its arguments, and the rule it serves.

    `value_set_from` names the field of the registers whose codes are the permitted values,
    `code_list` the code list, of which every version's codes are.
    `rows_where` narrows it to some rows: a column, and is_in, is_not_in, is_null, is_true or
    at_most.
    """

    rule: str
    expectation: str
    why: str
    kwargs: dict[str, Any] = field(default_factory=dict)
    value_set_from: str | None = None
    code_list: str | None = None
    rows_where: dict[str, Any] | None = None

    @property
    def column(self) -> str | None:
        """The column that the condition is about, if it is about one."""
        return self.kwargs.get("column")


@cache
def load_suite(name: str) -> tuple[Condition, ...]:
    """Return the conditions of a table. Raises FileNotFoundError for a table without a suite."""
    entries = read_yaml(FOLDER / f"{name}.yml")
    return tuple(Condition(**entry) for entry in entries)


@cache
def suite_hash() -> str:
    """Return the SHA-256 of all suites: a verdict given under other conditions does not count."""
    digest = hashlib.sha256()
    for path in sorted(FOLDER.glob("*.yml")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
