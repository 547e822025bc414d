"""What commands share: months and days as parameters, progress, and what must be there first.

Belongs here: words and guards that more than one command needs. Not here: any command.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestration.runtime.settings import WAIT_SECONDS
from sources.custody.home import Home
from sources.custody.permissions import OTHERS
from sources.texts import LANGUAGES, both

if TYPE_CHECKING:
    from orchestration.registers.rows import RegisterProblem
    from orchestration.runtime.settings_files import WrongSetting


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
            report: Callable[[str], None] = lambda step: spinner.update(f"{step} …")  # noqa: E731
            yield report

    return steps()


#: Where the context of a command keeps what --wait says, and the umask with which it was called.
_WAIT = "krat.wait_seconds"
_UMASK = "krat.umask"

#: Option of every command that writes the data folder: `held` heeds it.
wait_option = click.option(
    "--wait",
    type=click.IntRange(min=0),
    default=WAIT_SECONDS,
    show_default=True,
    metavar="SECONDS",
    expose_value=False,
    callback=lambda context, _, seconds: context.meta.update({_WAIT: seconds}),
    help="How long to wait while another process writes the data folder.",
)


def wait_seconds() -> int:
    """Return how long the command that runs now waits for another writer, in seconds."""
    seconds: int = click.get_current_context().meta[_WAIT]
    return seconds


@contextmanager
def held(home: Home) -> Iterator[None]:
    """Hold the data folder as its only writer, for the command that runs now.

    While another process writes it, a line on stderr says who and since when; one that was waited
    for in vain ends the command.
    """
    from orchestration.runtime.writer_lock import AnotherWriter, one_writer

    name = click.get_current_context().command_path
    try:
        with one_writer(
            home,
            wait_seconds(),
            name=name,
            on_wait=lambda text: click.echo(f"krat: {text} …", err=True),
        ):
            yield
    except AnotherWriter as busy:
        raise click.ClickException(f"{busy}.") from busy


def keep_umask(context: click.Context, umask: int) -> None:
    """Keep the user's own umask for what a command writes to be handed out."""
    context.meta[_UMASK] = umask


@contextmanager
def handing_out(home: Home, path: Path) -> Iterator[None]:
    """Make files with the user's umask within the block, unless `path` is in the data folder."""
    inside = path.resolve().is_relative_to(home.root)
    before = os.umask(OTHERS if inside else click.get_current_context().meta[_UMASK])
    try:
        yield
    finally:
        os.umask(before)


def months_between(first: date, last: date) -> list[date]:
    if first > last:
        raise click.BadParameter(f"--since {first:%Y-%m} lies after --month {last:%Y-%m}.")
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [
        date(first.year + (first.month - 1 + step) // 12, (first.month - 1 + step) % 12 + 1, 1)
        for step in range(count)
    ]


def registers_of(home: Home) -> Path:
    """Return the folder of the newest registers; of those in use where the office's are broken.

    Then a line on stderr says so.
    """
    from orchestration.registers.in_use import newest_registers, registers_in_use
    from orchestration.registers.rows import BrokenRegisters

    try:
        return newest_registers(home)
    except BrokenRegisters as broken:
        click.echo(f"krat: {broken}", err=True)
        return registers_in_use(home)


def require_county(county: str | None) -> None:
    from sources.registers import register_rows

    if county is None:
        return
    home = click.get_current_context().obj
    if county not in {row["county_code"] for row in register_rows(registers_of(home), "counties")}:
        raise click.BadParameter(f"{county!r} is no county: AL-01 to AL-12, or AL for the nation.")


def require_reading_copy(home: Home) -> None:
    if not home.marts.exists():
        raise click.ClickException(
            "nothing is published yet: run krat refresh --month YYYY-MM first."
        )


def tell_wrong(wrong: "WrongSetting | None") -> None:
    """Print the mistake in a settings file, if there is one, on stderr in both languages."""
    if wrong is None:
        return
    for language in LANGUAGES:
        click.echo(f"krat: {wrong.sentence(language)}", err=True)


def tell_lost_originals(lost: Sequence[str]) -> None:
    """Print, where any are, of how many deliveries the originals are lost, on stderr."""
    if lost:
        click.echo(
            both("rebuilding.originals_lost", "\n", count=len(lost), first=lost[0]), err=True
        )


def send_to(home: Home, county: str) -> str | None:
    """Return where the institutions of a county send reports, by office.yml; None if it isn't set.

    A mistake in the file is told, and the last good one is used.
    """
    from orchestration.runtime.office import read_office

    office, wrong = read_office(home)
    tell_wrong(wrong)
    return office.send_to.get(county)


def tell_problems(problems: "list[RegisterProblem]") -> None:
    """Print each problem of the office's registers on stderr, in both languages."""
    for found in problems:
        for language in LANGUAGES:
            click.echo(found.sentence(language), err=True)
