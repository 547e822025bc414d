"""The next national plan: its files, checked and added to the office's registers.

Belongs here: these commands and their words. Not here: what is wrong in a plan's files
(orchestration.registers.plans), or odd in its text (dbt_project).
"""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestration.commands.common import held, progress, registers_of, wait_option
from sources.custody.home import Home
from sources.texts import Language, text

if TYPE_CHECKING:
    from orchestration.registers.rows import RegisterProblem

_folder = click.argument(
    "folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
_english = click.option("--english", is_flag=True, help="Write in English.")


@click.group()
def plan() -> None:
    """The next national plan, as a folder of register files (docs/next-plan.md)."""


@plan.command("check")
@_folder
@_english
@click.pass_obj
def check_plan(home: Home, folder: Path, english: bool) -> None:
    """Show what is wrong in a plan's files, by file and line; else what is odd in its text."""
    from orchestration.registers.plans import count_rows, merged, plan_problems, plans_of
    from orchestration.warehouse.plan_lint import lint_plans

    language: Language = "en" if english else "sq"
    known = registers_of(home)
    _refuse(plan_problems(folder, known), language)
    click.echo(text("plans.good", language, rows=_counts(count_rows(folder, known))))
    with tempfile.TemporaryDirectory() as name, progress() as report:
        report("linting the plan")
        both = merged(known, folder, Path(name))
        found = lint_plans(home, both, plans_of(folder, known))
    number = sum(each.number for each in found)
    click.echo(text("plans.oddities", language, number=number))
    for each in found:
        explanation = each.explanation_sq if language == "sq" else each.explanation_en
        click.echo(f"  {each.rule} ({each.number}): {explanation}")
        if each.codes:
            click.echo(f"    {' '.join(each.codes)}")


@plan.command("add")
@_folder
@_english
@wait_option
@click.pass_obj
def add_plan(home: Home, folder: Path, english: bool) -> None:
    """Check a plan's files and add their rows to the registers of the office, once."""
    from orchestration.registers.in_use import newest_registers
    from orchestration.registers.plans import OtherRows, plan_problems
    from orchestration.registers.plans import add_plan as add

    language: Language = "en" if english else "sq"
    with held(home):
        # Rows are added to what is good: the office mends the rest first.
        known = newest_registers(home)
        _refuse(plan_problems(folder, known), language)
        try:
            counts = add(home, folder, known)
        except OtherRows as other:
            raise click.ClickException(
                text("plans.other_rows", language, place=str(other))
            ) from other
    if counts:
        click.echo(text("plans.added", language, rows=_counts(counts)))
    else:
        click.echo(text("plans.there_already", language))


def _refuse(problems: "list[RegisterProblem]", language: Language) -> None:
    """End the command where there are problems, each in a line."""
    for each in problems:
        click.echo(each.sentence(language), err=True)
    if problems:
        raise click.ClickException(text("plans.broken", language, number=len(problems)))


def _counts(rows: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(rows.items()))
