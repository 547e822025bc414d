"""What institutions get: the example to train on, forms to fill, and a check before sending.

Belongs here: these commands and their words. Not here: how a form is written or read (sources).
"""

import sys
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
    send_to,
    tell_problems,
    wait_option,
)
from sources.custody.home import Home
from sources.texts import Language, both, text

if TYPE_CHECKING:
    from orchestration.feedback.checking import Answer
    from sources.example.counties import ExampleCounty

_ANY_FILE = click.Path(exists=True, path_type=Path)


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
            stored = stored_contents(home).places if out is None else frozenset()
            key = Pseudonyms(home.keys).key if stored else None
            fresh = [
                path
                for path in written
                if not key or (path.parent.name, hash_content(path.read_bytes(), key)) not in stored
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
    """Write the form of each institution of a county for a month, from its obligations.

    Where filled forms go is printed on them: `send_to` of office.yml in the data folder.
    """
    from orchestration.feedback.last_values import last_values
    from sources.forms import write_forms, write_record_forms

    require_county(county)
    last = last_values(home, county, month)
    place = send_to(home, county)
    with handing_out(home, out):
        written = write_forms(county, month, out, registers_of(home), last, place)
        records = write_record_forms(county, month, out, registers_of(home), place)
    if not written:
        raise click.ClickException(
            f"no institution of {county} owes a report for {month:%Y-%m}: "
            "see the register reporting_obligations."
        )
    click.echo(f"Wrote {len(written)} forms in {out}.")
    if records:
        click.echo(
            f"Wrote {len(records)} forms for the hotline's log and records of cases beside them."
        )


#: What a check ends with, the worst first.
_STATUS = {"refused": 1, "flagged": 3, "clean": 0}

#: The end of the name of a marked copy.
_COPY = "-kontrolluar.xlsx"


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_ANY_FILE)
@click.option("--county", help="The county that it is meant for. Default: what the file states.")
@click.option("--english", is_flag=True, help="Tell the problems in English.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, and mark nothing.")
@click.option(
    "--marked",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the marked copy goes. Default: beside the file.",
)
@click.pass_obj
def check(
    home: Home,
    files: tuple[Path, ...],
    county: str | None,
    english: bool,
    as_json: bool,
    marked: Path | None,
) -> None:
    """Tell what the refresh would say of each FILE if it came now, and how each value is read.

    A folder is all files in it; several files are taken as if they came together. Where KRAT_HOME
    was refreshed, a report is held against what is known there too. Nothing is kept or sent. A copy
    with the problem cells marked is written when there are any. Exit status: 0 nothing is wrong, 1
    one would be refused, 3 one would be taken in with questions.
    """
    import json

    from orchestration.feedback.answers import as_document, as_lines
    from orchestration.feedback.checking import Checker
    from sources.registers import load_registers

    require_county(county)
    registers = registers_of(home)
    paths = [path for given in files for path in _files_in(given)]
    if not paths:
        raise click.ClickException("there is no file in it to check.")
    if marked and len(paths) > 1:
        raise click.BadParameter("--marked is for one file: several are marked beside themselves.")
    targets = {path: marked or path.with_name(f"{path.stem}{_COPY}") for path in paths}
    if any(path.resolve() == target.resolve() for path, target in targets.items()):
        raise click.BadParameter("the marked copy would replace the file itself.")
    language: Language = "en" if english else "sq"
    documents, verdicts = [], set()
    with Checker(load_registers(registers), registers, home, county) as checker:
        try:
            checked = checker.check_all(paths)
        except OSError as mistake:
            raise click.ClickException(
                f"{mistake.filename}: the file can't be opened: {mistake.strerror}."
            ) from mistake
    for path, answers in zip(paths, checked, strict=True):
        for number, answer in enumerate(answers, start=1):
            one = f"{path} ({number})" if len(answers) > 1 else f"{path}"
            verdicts.add(answer.verdict)
            if as_json:
                documents.append(as_document(answer, one))
                continue
            if len(paths) + len(answers) > 2:
                click.echo(f"\n{one}")
            for line in as_lines(answer, language):
                click.echo(line)
            if len(answers) == 1:
                _mark(home, answer, targets[path], language)
            click.echo(text(f"check.verdicts.{answer.verdict}", language))
    if as_json:
        click.echo(json.dumps(documents, ensure_ascii=False, indent=2))
    sys.exit(next(status for verdict, status in _STATUS.items() if verdict in verdicts))


def _files_in(given: Path) -> list[Path]:
    """Return a file, or the files of a folder, but for marked copies and what is hidden."""
    if not given.is_dir():
        return [given]
    return [
        path
        for path in sorted(given.rglob("*"))
        if not (path.is_dir() or path.name.startswith((".", "~$")) or path.name.endswith(_COPY))
    ]


def _mark(home: Home, answer: "Answer", target: Path, language: Language) -> None:
    from orchestration.feedback.checking import write_marked_copy
    from sources.reading.features import UnreadableFile

    if any(problem.cell or problem.row_number for _, problem in answer.problems):
        try:
            with handing_out(home, target):
                write_marked_copy(answer, target, language)
        except (OSError, UnreadableFile) as mistake:
            failed = text("check.no_copy", language)
            why = getattr(mistake, "strerror", None) or "-"
            click.echo(f"{failed}: {target} ({why})", err=True)
        else:
            # A pipe that was closed is no fault of the copy.
            click.echo(f"{text('check.copy', language)}: {target}")
