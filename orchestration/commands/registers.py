"""The registers of the office: their check, and rows for a county that joins.

Belongs here: these commands and their words. Not here: what is checked (orchestration.registers).
"""

import json
import sys
from dataclasses import asdict
from datetime import date

import click

from orchestration.commands.common import Month, held, registers_of, tell_problems, wait_option
from sources.custody.home import Home
from sources.texts import both


@click.group()
def registers() -> None:
    """Check the office's registers, which lie under registers/ in the data folder."""


@registers.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def check_registers(home: Home, as_json: bool) -> None:
    """Tell everything that is wrong with the office's registers, by file and line.

    Nothing is taken into use: the next refresh does that. Exit status: 0 nothing is wrong, 1 else.
    """
    from collections import Counter

    from orchestration.registers.in_use import differences, newest_registers, registers_in_use
    from orchestration.registers.rows import BrokenRegisters

    try:
        newest = newest_registers(home)
    except BrokenRegisters as broken:
        if as_json:
            click.echo(json.dumps([asdict(each) for each in broken.problems], ensure_ascii=False))
        else:
            tell_problems(broken.problems)
            click.echo(f"krat: {broken}", err=True)
        sys.exit(1)
    if as_json:
        click.echo("[]")
        return
    changes = Counter(each["change"] for each in differences(registers_in_use(home), newest))
    if not changes:
        click.echo(both("office_registers.good_as_they_are", "\n"))
        return
    counts = {name: changes[name] for name in ("added", "changed", "gone")}
    click.echo(both("office_registers.good", "\n", **counts))


@click.group()
def county() -> None:
    """Prepare a county that joins."""


@county.command("add")
@click.argument("code")
@click.option("--like", required=True, help="The county whose institutions it resembles: AL-04.")
@click.option("--from", "first", type=Month(), help="Its first month. Default: the plan's first.")
@wait_option
@click.pass_obj
def add_county(home: Home, code: str, like: str, first: date | None) -> None:
    """Write the rows that county CODE needs under registers/, for you to correct."""
    from orchestration.registers.county import NoCounty, draft_county, write_drafts
    from orchestration.runtime.clock import today
    from sources.registers import national_plans

    folder = registers_of(home)
    start = first or national_plans(folder)[-1].valid_from
    with held(home):
        try:
            drafts = draft_county(folder, code, like, start, today())
            written = write_drafts(home.registers, drafts)
        except NoCounty as mistake:
            raise click.ClickException(str(mistake)) from mistake
        except ValueError as mistake:
            raise click.ClickException(both("office_registers.county.mend_first")) from mistake
    for path, number in written.items():
        click.echo(both("office_registers.county.written", "\n", number=number, file=path))
    click.echo(both("office_registers.county.next", "\n"))
