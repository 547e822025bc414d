"""The command line: what an analyst asks krat to do, told back in a few plain lines.

Belongs here: commands, their options, and their words. Not here: any work, which stands in the
modules that the commands call and import when asked.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import click

from orchestration.settings import LOOPBACK, PROJECT, SEEDS, home_from_environment, prepare_process
from sources.home import Home

_CHECK_WORDS = {
    "sq": {
        "read_as": "U lexua si",
        "nothing": "asnjë formular i njohur",
        "blocks": "PENGON   ",
        "warns": "PYETJE   ",
        "informs": "SHËNIM   ",
        "copy": "Kopja me qelizat e shënuara",
        "clean": "Skedari është në rregull: dërgojeni.",
        "flagged": "Skedari do të pranohej. Shihni pyetjet më sipër para se ta dërgoni.",
        "refused": "Skedari do të refuzohej. Ndreqni sa më sipër dhe kontrollojeni përsëri.",
    },
    "en": {
        "read_as": "Read as",
        "nothing": "no known form",
        "blocks": "BLOCKS   ",
        "warns": "QUESTION ",
        "informs": "NOTE     ",
        "copy": "Copy with the cells marked",
        "clean": "The file is in order: send it.",
        "flagged": "The file would be taken in. See the questions above before you send it.",
        "refused": "The file would be refused. Mend what stands above and check it again.",
    },
}


class Month(click.ParamType[date]):
    """A month written as 2023-05; its value is the first day of it."""

    name = "YYYY-MM"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the first day of the month."""
        try:
            return datetime.strptime(value, "%Y-%m").date()
        except ValueError:
            self.fail(f"{value!r} is no month: write it as 2023-05.", param, ctx)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="krat")
@click.pass_context
def cli(context: click.Context) -> None:
    """Show whether the regional plans against human trafficking are carried out."""
    home = home_from_environment()
    prepare_process(home)
    context.obj = home


@cli.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Default: the inbox.")
@click.pass_obj
def example(home: Home, out: Path | None) -> None:
    """Write the made-up year of Fier 2023, marked as made up."""
    from sources.example.generate import write_example

    folder = out or home.inbox
    written = write_example(folder, SEEDS)
    click.echo(f"Wrote {len(written)} made-up files under {folder}.")


@cli.command()
@click.option("--county", required=True, help="For example AL-04.")
@click.option("--month", type=Month(), required=True, help="The month to be reported.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.pass_obj
def forms(home: Home, county: str, month: date, out: Path) -> None:
    """Write the form of each institution of a county for a month, from its obligations."""
    from orchestration.publication.last_values import last_values
    from sources.forms import write_forms

    _known_county(county)
    written = write_forms(county, month, out, SEEDS, last_values(home, county, month))
    if not written:
        raise click.ClickException(
            f"no institution of {county} owes a report for {month:%Y-%m}: "
            "see reporting_obligations.csv."
        )
    click.echo(f"Wrote {len(written)} forms in {out}.")


@cli.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--county", help="The county that it is meant for. Default: what the file states.")
@click.option("--english", is_flag=True, help="Tell the problems in English.")
@click.option(
    "--marked",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the marked copy goes. Default: beside the file.",
)
def check(file: Path, county: str | None, english: bool, marked: Path | None) -> None:
    """Tell what the door would say of FILE before it is sent; nothing is kept or sent.

    A copy with the problem cells marked is written when there are any. Exit status: 0 nothing is
    wrong, 1 it would be refused, 3 it would be taken in with questions.
    """
    from orchestration.ingestion.checking import check_file, write_marked_copy
    from sources.registers import load_registers

    _known_county(county)
    target = marked or file.with_name(f"{file.stem}-kontrolluar.xlsx")
    if target.resolve() == file.resolve():
        raise click.BadParameter("the marked copy would replace the file itself.")
    try:
        answer = check_file(file, load_registers(SEEDS), county)
    except OSError as mistake:
        raise click.ClickException(f"the file can't be opened: {mistake.strerror}.") from mistake
    delivery = answer.reading.delivery
    language: Literal["sq", "en"] = "en" if english else "sq"
    words = _CHECK_WORDS[language]
    month = delivery["reporting_month"]
    understood = [delivery["layout_id"], delivery["county_code"], delivery["institution_code"]]
    form = ", ".join(filter(None, [*understood, f"{month:%Y-%m}" if month else None]))
    click.echo(f"{words['read_as']}: {form if delivery['layout_id'] else words['nothing']}")
    for severity, problem in answer.problems:
        click.echo(f"{words[severity]}  {problem.told(language)}")
    if any(problem.cell or problem.row_number for _, problem in answer.problems):
        write_marked_copy(answer, target, language)
        click.echo(f"{words['copy']}: {target}")
    click.echo(words[answer.verdict])
    sys.exit({"clean": 0, "refused": 1, "flagged": 3}[answer.verdict])


@cli.command()
@click.option("--month", type=Month(), required=True, help="The month to publish.")
@click.option("--since", type=Month(), help="Publish every month from this one to --month.")
@click.option("--county", help="One county, for example AL-04. Default: all that report.")
@click.pass_obj
def refresh(home: Home, month: date, since: date | None, county: str | None) -> None:
    """Take in the inbox, rebuild the warehouse, and publish what the gate lets through."""
    import time

    from orchestration.refresh import NoPlan
    from orchestration.refresh import refresh as run
    from orchestration.warehouse.build import BuildFailed
    from orchestration.writer import AnotherWriter

    _known_county(county)
    months = _months(since or month, month)
    with _progress() as tell:
        started = time.monotonic()
        try:
            outcome = run(home, months, county, tell)
        except BuildFailed as failure:
            raise click.ClickException(
                f"{failure}. Nothing was published; the last releases stand."
            ) from failure
        except NoPlan as mistake:
            raise click.ClickException(f"{mistake}. Nothing was published.") from mistake
        except AnotherWriter as busy:
            raise click.ClickException(f"{busy}: wait until it has ended.") from busy
        elapsed = time.monotonic() - started
    new = [release for release in outcome.releases if release.is_new]
    span = f"{month:%Y-%m}" if len(months) == 1 else f"{months[0]:%Y-%m} to {month:%Y-%m}"
    click.echo(
        f"Inbox     {outcome.intake.accepted} files taken in, {outcome.intake.refused} refused, "
        f"{outcome.intake.known} known already"
    )
    click.echo(f"Warehouse {outcome.build.nodes} nodes built and tested in {elapsed:.1f} s in all")
    unchanged = len(outcome.releases) - len(new)
    click.echo(f"Published {span}: {len(new)} new releases, {unchanged} unchanged")
    click.echo(f"Flagged   {_flagged(outcome.records)}")
    if outcome.intake.refused:
        click.echo(f"Refused   reasons in {home.quarantine}")
    click.echo(f"Look next krat status --month {month:%Y-%m}; releases in {home.releases}")
    for record in outcome.blocked:
        click.echo(
            f"Blocked   {record.county_code} {record.reporting_month:%Y-%m}: "
            f"{', '.join(record.blocking_rules)}; its last release stands.",
            err=True,
        )
    if outcome.blocked:
        sys.exit(1)


@cli.command()
@click.option("--month", type=Month(), required=True)
@click.option("--county", default=None, help="One county. Default: all that report.")
@click.pass_obj
def status(home: Home, month: date, county: str | None) -> None:
    """Tell what each county's institutions sent for a month, and what was found."""
    from orchestration.publication.ask import ask

    _known_county(county)
    _needs_reading_copy(home)
    chosen = "county_code = coalesce(?, county_code) and reporting_month = ?"
    reports = ask(
        home,
        "select county_code, institution_code, expected, received, on_time, days_late "
        f"from marts.reporting_completeness where {chosen} order by all",
        [county, month],
    )
    found = ask(
        home,
        "select county_code, severity, rule, count(*) as findings "
        f"from quality.findings where {chosen} and state = 'open' group by all order by all",
        [county, month],
    )
    unplaced = ask(
        home,
        "select county_code, delivery_id, rule from quality.findings where state = 'open' "
        "and reporting_month is null and county_code = coalesce(?, county_code) order by all",
        [county],
    )
    click.echo(reports if reports else f"No report is expected for {month:%Y-%m}.")
    click.echo(f"\n{found}" if found else "\nNo open findings.")
    if unplaced:
        click.echo(f"\nRefused, of a month that could not be read:\n{unplaced}")


@cli.command()
@click.option("--month", type=Month(), required=True)
@click.option("--county", required=True, help="For example AL-04.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Default: slips/ in KRAT_HOME."
)
@click.pass_obj
def slips(home: Home, month: date, county: str, out: Path | None) -> None:
    """Write what each institution is told of its report: a workbook and a text, in Albanian."""
    from orchestration.publication.slips import write_slips
    from orchestration.refresh import today

    _known_county(county)
    _needs_reading_copy(home)
    folder = out or home.slips / county / f"{month:%Y-%m}"
    written = write_slips(home, county, month, today(), folder)
    if not written:
        raise click.ClickException(f"no report of {county} is expected for {month:%Y-%m}.")
    click.echo(f"Wrote {len(written) // 2} slips, each as .xlsx and .txt, in {folder}.")


@cli.command()
@click.argument("query")
@click.pass_obj
def sql(home: Home, query: str) -> None:
    """Ask the reading copy in SQL; read-only, with no way to other files."""
    import duckdb

    from orchestration.publication.ask import ask

    _needs_reading_copy(home)
    try:
        click.echo(ask(home, query, []) or "No rows.")
    except duckdb.Error as error:
        raise click.ClickException(str(error).splitlines()[0]) from error


@cli.group()
def vault() -> None:
    """Sealed originals, for the data officer who holds the private key."""


@vault.command("open")
@click.argument("delivery_id")
@click.option("--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option("--reason", required=True, help="Kept in the audit log.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.pass_obj
def open_one(home: Home, delivery_id: str, key: Path, reason: str, out: Path) -> None:
    """Write the original of a delivery to a new file; the audit log keeps who and why."""
    from sources.vault import open_original

    with _held(home):
        open_original(home, delivery_id, key, reason, out)
    click.echo(f"Opened {delivery_id} into {out}; the audit log has the entry.")


@vault.command()
@click.pass_obj
def log(home: Home) -> None:
    """Show the audit log, and whether it is whole."""
    from sources.audit import read

    for entry in read(home):
        click.echo(
            "  ".join(entry[name] for name in ("at", "user", "action", "subject", "outcome"))
        )
    click.echo("The log is whole.")


@cli.group()
def keys() -> None:
    """Keys of pseudonyms, for the data officer."""


@keys.command("list")
@click.pass_obj
def list_keys(home: Home) -> None:
    """Show for which purposes there are keys, and how often each was rotated."""
    from sources.pseudonyms import purposes, read_keys

    for purpose in purposes(home.keys):
        click.echo(f"{purpose}: rotated {len(read_keys(home.keys, purpose) or []) - 1} times")


@keys.command()
@click.argument("purpose")
@click.option("--reason", required=True, help="Kept in the audit log.")
@click.pass_obj
def rotate(home: Home, purpose: str, reason: str) -> None:
    """Give PURPOSE a new key, and every stored pseudonym of it."""
    from sources.rekeying import rotate as give_new_key

    with _held(home):
        count = give_new_key(home, purpose, reason)
    click.echo(f"Rotated the key of {purpose}; {count} stored pseudonyms follow it.")


@keys.command()
@click.argument("purpose")
@click.option("--reason", required=True, help="Kept in the audit log.")
@click.confirmation_option(prompt="Nothing that arrives later can be linked with it. Go on?")
@click.pass_obj
def destroy(home: Home, purpose: str, reason: str) -> None:
    """Destroy the key of PURPOSE: what is stored can't be linked with a code any more."""
    from sources.rekeying import destroy as destroy_key

    with _held(home):
        destroy_key(home, purpose, reason)
    click.echo(f"Destroyed the key of {purpose}. Destroy its copies too.")


@cli.command()
@click.option("--port", default=3000, show_default=True)
@click.pass_obj
def ui(home: Home, port: int) -> None:
    """Open Dagster on this machine alone, with its schedule and sensor running."""
    import subprocess

    from orchestration.dagster_home import write_dagster_home
    from orchestration.warehouse.build import write_manifest

    write_manifest()
    write_dagster_home(home)
    command = [
        str(Path(sys.executable).with_name("dagster")), "dev",
        "--module-name", "orchestration.definitions",
        "--host", LOOPBACK, "--port", str(port),
    ]  # fmt: skip
    click.echo(f"Dagster opens on http://{LOOPBACK}:{port} (stop it with Ctrl-C).")
    sys.exit(subprocess.call(command, cwd=PROJECT))


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr, never a traceback."""
    try:
        cli(prog_name="krat")
    except ValueError as mistake:
        click.echo(f"krat: {mistake}", err=True)
        sys.exit(2)


def _progress() -> Any:
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
def _held(home: Home) -> Iterator[None]:
    """Hold the home as its only writer; a busy one is told in a line."""
    from orchestration.writer import AnotherWriter, one_writer

    try:
        with one_writer(home):
            yield
    except AnotherWriter as busy:
        raise click.ClickException(f"{busy}: wait until it has ended.") from busy


def _months(first: date, last: date) -> list[date]:
    if first > last:
        raise click.BadParameter(f"--since {first:%Y-%m} lies after --month {last:%Y-%m}.")
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [
        date(first.year + (first.month - 1 + step) // 12, (first.month - 1 + step) % 12 + 1, 1)
        for step in range(count)
    ]


def _known_county(county: str | None) -> None:
    from sources.registers import load_registers

    if county is not None and county not in load_registers(SEEDS).counties:
        raise click.BadParameter(f"{county!r} is no county: AL-01 to AL-12, or AL for the nation.")


def _needs_reading_copy(home: Home) -> None:
    if not home.marts.exists():
        raise click.ClickException(
            "nothing is published yet: run krat refresh --month YYYY-MM first."
        )


def _flagged(records: list[Any]) -> str:
    total = Counter({record.county_code: 0 for record in records})
    for record in records:
        total[record.county_code] += record.flagged_count
    return ", ".join(f"{county}: {count} findings" for county, count in sorted(total.items()))
