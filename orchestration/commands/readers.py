"""Looking: SQL on the reading copy, and Dagster's pages.

Belongs here: commands that only read. Not here: how a question is fenced in (publication.ask).
"""

import sys
from pathlib import Path

import click

from orchestration.commands.common import require_reading_copy
from orchestration.settings import LOOPBACK, PROJECT
from sources.home import Home


@click.command()
@click.argument("query")
@click.pass_obj
def sql(home: Home, query: str) -> None:
    """Ask the reading copy in SQL; read-only, with no way to other files."""
    import duckdb

    from orchestration.publication.ask import ask

    require_reading_copy(home)
    try:
        click.echo(ask(home, query, []) or "No rows.")
    except duckdb.Error as error:
        raise click.ClickException(str(error).splitlines()[0]) from error


@click.command()
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
