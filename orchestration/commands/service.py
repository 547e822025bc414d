"""krat as a service: a new data folder, units of systemd, and what they run.

Belongs here: these commands and their words. Not here: the folder, units and processes
(orchestration.service).
"""

import os
import shlex
import sys
from functools import partial
from pathlib import Path

import click

from orchestration.commands.common import held, wait_option
from orchestration.runtime.settings import LOOPBACK, UI_PORT, environment_of, home_at
from sources.custody.home import Home

_NEXT = """
Next:
  1. export KRAT_HOME={quoted}
     and keep a copy of {keys} in another place: without the keys nothing can be opened again.
  2. In {root}: to change a setting, take the suffix .example off its file and edit it.
  3. krat example      fills the inbox with a made-up year, to look around
     krat refresh --month YYYY-MM
     krat ui           opens Dagster, with its schedules and sensors
  4. krat service install    lets systemd run it all: see --print first
"""

_EXPLAINED = """
krat-daemon   schedules, sensors and runs; starts again by itself; a killed run is failed
krat-page     Dagster's page, on this machine alone: it has no login
krat-serve    releases for readers; it can't open the keys or records of persons
krat-health   every five minutes: what doesn't answer is started again (krat service status)
krat-tidy     once a day: removes runs and their output that were kept long enough

Next:
  systemctl {user}daemon-reload
  systemctl {user}enable --now {enabled}
Secrets, like KRAT_DAGSTER_STORAGE=postgresql://..., go to {secrets}, readable by its
owner alone. Change a unit by `systemctl {user}edit krat-serve`: krat leaves that alone.
"""


@click.command()
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.pass_obj
def init(home: Home, folder: Path | None) -> None:
    """Make a data folder, with its keys beside it, and tell what to do next.

    FOLDER must be new or empty; in a data folder of krat what is missing is added. Without it the
    folder of KRAT_HOME is made.
    """
    from orchestration.service.folder import make_folder

    made = home_at(folder) if folder else home
    is_new = not made.version.exists()
    written = make_folder(made)
    click.echo(
        f"{'Made' if is_new else 'Looked at'} the data folder {made.root}, keys {made.keys}."
    )
    for copy in written:
        click.echo(f"Wrote {copy.name}")
    if is_new:
        click.echo(_NEXT.format(quoted=shlex.quote(str(made.root)), root=made.root, keys=made.keys))


@click.group()
def service() -> None:
    """Let systemd run Dagster and serve."""


@service.command()
@click.option("--user", "own", is_flag=True, help="Units of your own systemd, not the system's.")
@click.option("--as", "user", help="The user who runs them. Default: the data folder's owner.")
@click.option("--print", "only_print", is_flag=True, help="Print the units and write nothing.")
@click.option("--to", type=click.Path(file_okay=False, path_type=Path), help="Another folder.")
@click.pass_obj
def install(home: Home, own: bool, user: str | None, only_print: bool, to: Path | None) -> None:
    """Write units of systemd for Dagster's daemon, its page and serve, and explain them."""
    from orchestration.service.dagster_processes import program
    from orchestration.service.units import ForWhom, enabled, secrets, units

    if own and user:
        raise click.UsageError("--user and --as exclude each other.")
    if not home.version.exists():
        raise click.ClickException(f"{home.root} is no data folder yet: run krat init first.")
    who = None if own else user or home.root.owner()
    if who == "root":
        raise click.UsageError(
            "the data folder belongs to root: give it to a user with no rights and name it by --as."
        )
    made = units(ForWhom(home, Path(program("krat")), who))
    if only_print:
        for name, content in made.items():
            click.echo(f"# {name}\n{content}")
        return
    place = to or Path("~/.config/systemd/user" if own else "/etc/systemd/system").expanduser()
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name, content in made.items():
            (place / name).write_text(content, encoding="utf-8")
            # systemd's own files can be read by all; a unit holds no secret.
            (place / name).chmod(0o644)
    except OSError as error:
        raise click.ClickException(
            f"{place} can't be written ({error.strerror}): use sudo, or see --user and --print."
        ) from None
    click.echo(f"Wrote {len(made)} units to {place}:")
    flag = "--user " if own else ""
    click.echo(_EXPLAINED.format(user=flag, enabled=" ".join(enabled()), secrets=secrets(own)))


@service.command()
@click.option("--quiet", is_flag=True, help="Print only what doesn't answer.")
@click.pass_obj
def status(home: Home, quiet: bool) -> None:
    """Tell whether the daemon, its page and serve answer; exit with 1 where one doesn't."""
    from orchestration.service.health import health

    found = health(home)
    for name, answers in found.items():
        if not (answers and quiet):
            click.echo(f"{name:8}{'answers' if answers else 'does not answer'}")
    sys.exit(0 if all(found.values()) else 1)


@service.command()
@wait_option
@click.pass_obj
def tidy(home: Home) -> None:
    """Remove what was kept long enough: Dagster's runs (dagster.yml) and what is due of persons."""
    from orchestration.erasure.retention import delete_due
    from orchestration.runtime.clock import today
    from orchestration.service.dagster_processes import prepare_dagster
    from orchestration.service.dagster_processes import tidy as remove

    prepare_dagster(home, partial(click.echo, err=True))
    remove(home, stopped=False)
    with held(home):
        delete_due(home, today())


@service.command()
@click.argument("which", type=click.Choice(["daemon", "page"]))
@click.option("--port", default=UI_PORT, show_default=True, type=click.IntRange(1, 65535))
@click.pass_obj
def run(home: Home, which: str, port: int) -> None:
    """Run one of Dagster's two processes until a signal comes: what the units call."""
    from orchestration.service import dagster_processes as dagster

    tell = partial(click.echo, err=True)
    dagster.prepare_dagster(home, tell)
    if which == "daemon":
        with dagster.only_dagster(home):
            dagster.tidy(home, stopped=True)
            command = [dagster.program("dagster-daemon"), "run", "--module-name", dagster.MODULE]
            sys.exit(dagster.supervise(command, home, tell))
    dagster.require_free(port)
    os.chdir(home.dagster)
    page = dagster.program("dagster-webserver")
    where = ["--module-name", dagster.MODULE, "--host", LOOPBACK, "--port", str(port)]
    os.execve(page, [page, *where], environment_of(home))
