"""What institutions get: the example to train on, forms to fill, and a check before sending.

Belongs here: these commands and their words. Not here: how a form is written or read (sources).
"""

import sys
from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestration.commands.common import (
    Month,
    handing_out,
    held,
    registers_of,
    require_county,
    tell_problems,
    wait_option,
)
from sources.custody.home import Home
from sources.problems import MAX_PLACES
from sources.texts import Language, both, text

if TYPE_CHECKING:
    from sources.example.counties import ExampleCounty


@click.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Default: the inbox.")
@wait_option
@click.pass_obj
def example(home: Home, out: Path | None) -> None:
    """Write the made-up year 2023 of three counties, marked as made up.

    Two of them are not in krat's registers: their rows go to the office's, under registers/.
    """
    import tempfile

    from orchestration.registers.example import add_example
    from orchestration.registers.rows import BrokenRegisters, write_rows
    from orchestration.runtime.settings import SEEDS
    from sources.custody.pseudonyms import Pseudonyms
    from sources.custody.repeats import stored_contents
    from sources.example.generate import write_example
    from sources.reading import hash_content

    inbox = out or home.inbox
    office = (out or home.root) / home.registers.name
    with held(home) if out is None else handing_out(home, out):
        try:
            registers = add_example(SEEDS, office)
        except BrokenRegisters as broken:
            tell_problems(broken.problems)
            raise click.ClickException(f"{broken}") from broken
        office.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".example-", dir=office.parent) as name:
            rows, files = Path(name) / "registers", Path(name) / "inbox"
            rows.mkdir()
            write_rows(registers.rows, rows)
            written = write_example(files, rows, counties=registers.counties)
            stored = stored_contents(home).hashes if out is None else frozenset()
            key = Pseudonyms(home.keys).key if stored else None
            fresh = [
                p for p in written if not key or hash_content(p.read_bytes(), key) not in stored
            ]
            for path in fresh:
                target = inbox / path.relative_to(files)
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)
    click.echo(
        f"Wrote {len(fresh)} made-up files under {inbox}"
        + (f"; {len(written) - len(fresh)} were taken in before." if stored else ".")
    )
    if registers.added:
        added = {"number": sum(registers.written.values()), "folder": office}
        click.echo(both("example.added", "\n", counties=_codes(registers.added), **added))
    if registers.left_out:
        click.echo(both("example.left_out", "\n", counties=_codes(registers.left_out)))
    if out is not None:
        click.echo(both("example.how_to_use", "\n"))


def _codes(counties: "Iterable[ExampleCounty]") -> str:
    return ", ".join(county.code for county in counties)


@click.command()
@click.option("--county", required=True, help="For example AL-04.")
@click.option("--month", type=Month(), required=True, help="The month to be reported.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.pass_obj
def forms(home: Home, county: str, month: date, out: Path) -> None:
    """Write the form of each institution of a county for a month, from its obligations."""
    from orchestration.feedback.last_values import last_values
    from sources.forms import write_forms

    require_county(county)
    last = last_values(home, county, month)
    with handing_out(home, out):
        written = write_forms(county, month, out, registers_of(home), last)
    if not written:
        raise click.ClickException(
            f"no institution of {county} owes a report for {month:%Y-%m}: "
            "see the register reporting_obligations."
        )
    click.echo(f"Wrote {len(written)} forms in {out}.")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--county", help="The county that it is meant for. Default: what the file states.")
@click.option("--english", is_flag=True, help="Tell the problems in English.")
@click.option(
    "--marked",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the marked copy goes. Default: beside the file.",
)
@click.pass_obj
def check(home: Home, file: Path, county: str | None, english: bool, marked: Path | None) -> None:
    """Tell what the door would say of FILE before it is sent, and what its report leaves open.

    Nothing is kept or sent. A copy with the problem cells marked is written when there are any.
    Exit status: 0 nothing is wrong, 1 it would be refused, 3 it would be taken in with questions.
    """
    from orchestration.feedback.checking import check_file, write_marked_copy
    from sources.registers import load_registers

    require_county(county)
    registers = registers_of(home)
    target = marked or file.with_name(f"{file.stem}-kontrolluar.xlsx")
    if target.resolve() == file.resolve():
        raise click.BadParameter("the marked copy would replace the file itself.")
    try:
        answer = check_file(file, load_registers(registers), registers, county)
    except OSError as mistake:
        raise click.ClickException(f"the file can't be opened: {mistake.strerror}.") from mistake
    delivery = answer.reading.delivery
    language: Language = "en" if english else "sq"
    month = delivery["reporting_month"]
    understood = [delivery["layout_id"], delivery["county_code"], delivery["institution_code"]]
    form = ", ".join(filter(None, [*understood, f"{month:%Y-%m}" if month else None]))
    known = form if delivery["layout_id"] else text("check.nothing", language)
    click.echo(f"{text('check.read_as', language)}: {known}")
    if delivery["is_made_up"]:
        click.echo(text("check.made_up", language))
    for severity, problem in answer.problems:
        grade = text(f"check.severities.{severity}", language)
        click.echo(f"{grade:9}  {problem.sentence(language)}")
    places = Counter(problem.rule for _, problem in answer.problems)
    if max(places.values(), default=0) >= MAX_PLACES:
        click.echo(text("check.more", language, most=MAX_PLACES))
    if any(problem.cell or problem.row_number for _, problem in answer.problems):
        try:
            with handing_out(home, target):
                write_marked_copy(answer, target, language)
            click.echo(f"{text('check.copy', language)}: {target}")
        except OSError as mistake:
            failed = text("check.no_copy", language)
            click.echo(f"{failed}: {target} ({mistake.strerror})", err=True)
    click.echo(text(f"check.verdicts.{answer.verdict}", language))
    sys.exit({"clean": 0, "refused": 1, "flagged": 3}[answer.verdict])
