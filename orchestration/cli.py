"""The command line: what krat can be asked, told back in a few plain lines.

Belongs here: the list of commands, and how a mistake ends. Not here: a command
(orchestration.commands), or any work, which stands in the modules that commands import when asked.
"""

import atexit
import gc
import sys

import click

from orchestration.commands import (
    alerts,
    audit,
    backup,
    data_officer,
    decisions,
    institution,
    linking,
    month,
    plans,
    readers,
    registers,
    releases,
    reports,
    service,
    sharing,
    site,
)
from orchestration.commands.common import keep_umask
from orchestration.runtime.settings import home_from_environment, prepare_process
from sources.custody.permissions import close_folders, close_process

COMMANDS = (
    institution.example,
    institution.forms,
    institution.check,
    month.refresh,
    month.status,
    month.slips,
    month.reminders,
    decisions.gate,
    decisions.findings,
    decisions.confirm,
    decisions.correct,
    decisions.corrections,
    releases.verify,
    releases.marts,
    releases.reopen,
    releases.calendar,
    reports.report,
    readers.explain,
    readers.sql,
    readers.ui,
    linking.links,
    alerts.alerts,
    sharing.serve,
    sharing.token,
    sharing.pull,
    site.site,
    registers.registers,
    registers.county,
    plans.plan,
    data_officer.vault,
    data_officer.keys,
    audit.audit,
    backup.backup,
    backup.restore,
    data_officer.forget,
    data_officer.retention,
    service.init,
    service.service,
)


HELP = ["-h", "--help"]


class Krat(click.Group):
    """The commands, each with the data folder, which is opened unless only help is asked for."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        if not set(HELP) & set(ctx.args):
            keep_umask(ctx, close_process())
            ctx.obj = home_from_environment()
            prepare_process(ctx.obj)
            if closed := close_folders(ctx.obj):
                click.echo(
                    f"krat: other users could open {closed} files or folders of the data folder or "
                    "the keys; now their owner alone can.",
                    err=True,
                )
        return super().invoke(ctx)


@click.group(cls=Krat, context_settings={"help_option_names": HELP})
@click.version_option(package_name="krat")
def cli() -> None:
    """Show whether the regional plans against human trafficking are carried out."""


for command in COMMANDS:
    cli.add_command(command)


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr, never a traceback."""
    # Python searches all that dbt and Great Expectations made once more as it ends, for 1.3 s.
    atexit.register(gc.freeze)
    try:
        cli(prog_name="krat")
    except ValueError as mistake:
        click.echo(f"krat: {mistake}", err=True)
        sys.exit(2)
