"""What commands share: months and days as parameters, progress, and what must be there first.

Belongs here: words and guards that more than one command needs. Not here: any command.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import click

from orchestration.runtime.settings import SEEDS
from sources.custody.home import Home


class Month(click.ParamType[date]):
    """A month written as 2023-05; its value is the first day of it."""

    name = "YYYY-MM"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the first day of the month."""
        try:
            return datetime.strptime(value, "%Y-%m").date()
        except ValueError:
            self.fail(f"{value!r} is no month: write it as 2023-05.", param, ctx)


class Day(click.ParamType[date]):
    """A day written as 2023-06-20."""

    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day."""
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no day: write it as 2023-06-20.", param, ctx)


def progress() -> Any:
    """Return a context whose value tells each step: a spinner on a terminal, lines elsewhere."""
    from rich.console import Console

    console = Console(stderr=True)

    @contextmanager
    def steps() -> Any:
        if not console.is_terminal:
            yield lambda step: console.print(f"… {step}", highlight=False)
            return
        with console.status("starting") as spinner:
            tell: Callable[[str], None] = lambda step: spinner.update(f"{step} …")  # noqa: E731
            yield tell

    return steps()


@contextmanager
def held(home: Home) -> Iterator[None]:
    """Hold the home as its only writer; a busy one is told in a line."""
    from orchestration.runtime.writer_lock import AnotherWriter, one_writer

    try:
        with one_writer(home):
            yield
    except AnotherWriter as busy:
        raise click.ClickException(f"{busy}: wait until it has ended.") from busy


def months_between(first: date, last: date) -> list[date]:
    if first > last:
        raise click.BadParameter(f"--since {first:%Y-%m} lies after --month {last:%Y-%m}.")
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [
        date(first.year + (first.month - 1 + step) // 12, (first.month - 1 + step) % 12 + 1, 1)
        for step in range(count)
    ]


def require_county(county: str | None) -> None:
    from sources.registers import load_registers

    if county is not None and county not in load_registers(SEEDS).counties:
        raise click.BadParameter(f"{county!r} is no county: AL-01 to AL-12, or AL for the nation.")


def require_reading_copy(home: Home) -> None:
    if not home.marts.exists():
        raise click.ClickException(
            "nothing is published yet: run krat refresh --month YYYY-MM first."
        )
