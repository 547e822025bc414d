"""Alerts: who hears of what, trying the channels, and sending what is due.

Belongs here: these commands and their words. Not here: events and channels (orchestration.alerts).
"""

import sys
from collections import Counter
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import click

from orchestration.commands.common import tell_wrong
from sources.custody.home import Home
from sources.texts import both

if TYPE_CHECKING:
    from orchestration.alerts.channels import Alerts
    from orchestration.alerts.outbox import Delivery


@click.group()
def alerts() -> None:
    """Alerts by e-mail or webhook, as alerts.yml in the data folder has it."""


@alerts.command()
@click.pass_obj
def test(home: Home) -> None:
    """Send a test to each channel. Exit status: 0 all worked, 1 else."""
    from orchestration.alerts.outbox import send_tests

    _require_channels(home)
    _tell(send_tests(home, datetime.now(UTC)))


@alerts.command()
@click.pass_obj
def send(home: Home) -> None:
    """Send what is due now, each thing once to a channel. Exit status: 1 where one failed."""
    from orchestration.alerts.outbox import send_due

    _require_channels(home)
    _tell(send_due(home, datetime.now(UTC), _token_days(home)))


@alerts.command("list")
@click.pass_obj
def list_alerts(home: Home) -> None:
    """List the channels, what each heard last and whether it fails, and what holds now."""
    from orchestration.alerts.outbox import deliveries, due, failing_channels

    settings = _settings(home)
    if not settings.channels:
        click.echo(_no_channel(home))
    sent = deliveries(home)
    failing = {each.name: each for each in failing_channels(home)}
    for channel in settings.channels:
        click.echo(
            f"{channel.name}: {', '.join(channel.events) or 'all events'}; "
            f"{', '.join(channel.counties) or 'all counties'}"
        )
        arrived = [each for each in sent if each.channel == channel.name and not each.failure]
        if arrived:
            last = arrived[-1]
            click.echo(
                f"  last {last.at:%Y-%m-%d %H:%M} {last.event} ({last.count}); "
                f"{len(arrived)} messages in all"
            )
        if fails := failing.get(channel.name):
            click.echo(
                f"  fails since {fails.since:%Y-%m-%d %H:%M}, {fails.attempts} attempts: "
                + both(f"alerts.failure.{fails.reason}")
            )
    counts = Counter[str]()
    for each in due(home, settings, datetime.now(UTC), _token_days(home)):
        counts[each.event] += each.count
    for event, count in sorted(counts.items()):
        click.echo(f"now  {event}: {count}")


def _settings(home: Home) -> "Alerts":
    """Return the settings in use; tell a slip in the file."""
    from orchestration.alerts.channels import read_alerts

    settings, wrong = read_alerts(home)
    tell_wrong(wrong)
    return settings


def _no_channel(home: Home) -> str:
    from orchestration.alerts.channels import OWN

    return both("alerts.none", "\n", own=OWN, file=home.root / OWN.name)


def _require_channels(home: Home) -> None:
    """End where no channel is set: nothing could be sent."""
    if not _settings(home).channels:
        raise click.ClickException(_no_channel(home))


def _token_days(home: Home) -> list[date]:
    from orchestration.runtime.clock import today
    from orchestration.serving.tokens import last_days

    return last_days(home, today())


def _tell(tried: "list[Delivery]") -> None:
    for each in tried:
        key = f"alerts.failure.{each.failure}" if each.failure else "alerts.test.worked"
        click.echo(
            f"{each.channel}: {each.event} ({each.count}) {both(key)}", err=bool(each.failure)
        )
    if any(each.failure for each in tried):
        sys.exit(1)
