"""Looking: one figure explained, SQL on the reading copy, and Dagster's pages.

Belongs here: commands that only read. Not here: how a question is fenced in (reading_copy.ask).
"""

import json
import sys
from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import click

from orchestration.commands.common import Month, handing_out, require_reading_copy
from orchestration.runtime.settings import LOOPBACK, UI_PORT
from sources.custody.home import Home
from sources.texts import Language


@click.command()
@click.argument("county")
@click.argument("month", type=Month(), required=False)
@click.argument("indicator", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON document in both languages.")
@click.option("--english", is_flag=True, help="Write the page in English.")
@click.pass_obj
def explain(
    home: Home,
    county: str,
    month: date | None,
    indicator: str | None,
    as_json: bool,
    english: bool,
) -> None:
    """Explain a figure, as krat explain AL-04 2023-12 2.1.9.1.

    The page has its value and what that is made of, what is missing, what other sources give,
    findings, the target, and what changed and why. It names no person and no file name.

    Any number of a release goes by its reference, which a report prints beside it, as
    krat explain AL-04/2023-06/r1/period_figures/2023-Q2/PKV-2021-2023/3.1.1.1/value
    """
    from orchestration.feedback.explain import NoSuchFigure
    from orchestration.feedback.explain import explain as collect
    from orchestration.feedback.explanation_page import page
    from orchestration.feedback.references import explain_reference, reference_page

    require_reading_copy(home)
    language: Language = "en" if english else "sq"
    explanation: Any
    try:
        if "/" in county and month is None:
            explanation = explain_reference(home, county)
            written = reference_page(explanation, language)
        elif month is None or indicator is None:
            raise click.UsageError(
                "give a county, a month and an indicator, or the reference of a number."
            )
        else:
            explanation = collect(home, county, month, indicator)
            written = page(explanation, language)
    except NoSuchFigure as mistake:
        raise click.BadParameter(str(mistake)) from mistake
    if as_json:
        click.echo(json.dumps(asdict(explanation), default=str, ensure_ascii=False, indent=2))
    else:
        click.echo(written)


@click.command()
@click.argument("query", required=False)
@click.option("--tables", "list_tables", is_flag=True, help="List what there is.")
@click.option("--describe", metavar="TABLE", help="Tell what a table and its columns mean.")
@click.option(
    "--export",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the answer to a new .csv, .xlsx or .parquet file.",
)
@click.pass_obj
def sql(
    home: Home, query: str | None, list_tables: bool, describe: str | None, target: Path | None
) -> None:
    """Ask the reading copy in SQL; read-only, with no way to other files.

    Without QUERY a prompt opens, or questions are read from standard input.
    """
    import duckdb

    from orchestration.reading_copy import ask

    require_reading_copy(home)
    if target is not None and query is None:
        raise click.UsageError("--export needs a QUERY.")
    try:
        with ask.reading(home) as connection:
            if describe is not None:
                click.echo(ask.describe(connection, describe))
            elif list_tables:
                click.echo(ask.listing(connection))
            elif query is None:
                from orchestration.reading_copy import shell

                with handing_out(home, Path.cwd()):
                    sys.exit(shell.run(home, connection, click.echo))
            elif target is None:
                click.echo(ask.ask(home, query, []) or "No rows.")
            else:
                # Imported here: it needs pandas, without which an answer is there at once.
                from orchestration.reading_copy import export

                with handing_out(home, target):
                    rows = export.export(ask.relation(connection, query), target)
                click.echo(f"Wrote {rows} rows to {target}.")
    except duckdb.Error as error:
        raise click.ClickException(str(error).splitlines()[0]) from error
    except ValueError as mistake:
        raise click.ClickException(str(mistake)) from mistake


@click.command()
@click.option("--port", default=UI_PORT, show_default=True, type=click.IntRange(1, 65535))
@click.pass_obj
def ui(home: Home, port: int) -> None:
    """Run Dagster on this machine alone: its page, schedules and sensors, until Ctrl-C."""
    from orchestration.service import dagster_processes as dagster

    tell = partial(click.echo, err=True)
    dagster.require_free(port)
    with dagster.only_dagster(home):
        dagster.prepare_dagster(home, tell)
        dagster.tidy(home, stopped=True)
        command = [
            dagster.program("dagster"), "dev", "--module-name", dagster.MODULE,
            "--host", LOOPBACK, "--port", str(port),
        ]  # fmt: skip
        click.echo(f"Dagster opens on http://{LOOPBACK}:{port} (stop it with Ctrl-C).")
        status = dagster.supervise(command, home, tell)
    sys.exit(status)
