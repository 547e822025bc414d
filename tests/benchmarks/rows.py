"""What a benchmark measured: one figure beside its floor, for people to read.

Belongs here: a figure, and the page of all of them. Not here: measuring.
"""

import importlib.metadata
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

PACKAGES = (
    "duckdb", "dbt-core", "dbt-duckdb", "dagster", "great-expectations", "pandas",
    "python-calamine",
)  # fmt: skip

HEAD = """# How fast krat is

`make bench` measures this and writes the page; each figure and its floor are of one run. Figures of
another machine differ, ratios hardly. What each stands for is said in
`tests/benchmarks/`. Whole processes are timed, imports included, unless a row says otherwise.
"""


@dataclass(frozen=True)
class Row:
    """A figure; `floor` names what it is held against, `at_most` is the goal of their ratio.

    Without a floor the goal is one of the figure itself.
    """

    what: str
    value: float
    unit: str = "s"
    floor: str = ""
    floor_value: float | None = None
    at_most: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times the floor it is."""
        return self.value / self.floor_value if self.floor_value else None

    def cells(self) -> tuple[str, ...]:
        """Return its cells in the page's table."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        floor = "" if self.floor_value is None else f"{self.floor}: {_told(self.floor_value)}"
        goal = "" if self.at_most is None else f"{self.at_most:g}"
        return self.what, f"{_told(self.value)} {self.unit}", floor, ratio, goal


def show(row: Row) -> Row:
    """Print a row as it is measured, and return it."""
    print(" | ".join(cell for cell in row.cells() if cell), flush=True)
    return row


def page(parts: Iterable[tuple[str, Iterable[Row]]]) -> str:
    """Return the page: the machine and its versions, and a table for each part."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    lines = [
        HEAD,
        f"{date.today()}: {os.cpu_count()} processors ({platform.machine()}), {memory:.0f} GiB of "
        f"memory; Python {platform.python_version()}, {versions}.",
    ]
    for title, rows in parts:
        lines += ["", f"## {title}", "", "| what | measured | floor | ratio | at most |"]
        lines += ["| --- | --- | --- | --- | --- |"]
        lines += [f"| {' | '.join(row.cells())} |" for row in rows]
    return "\n".join(lines) + "\n"


def _told(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:,.0f}"
