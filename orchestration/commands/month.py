"""A month's work of an analyst: refresh, status, and the slips that go back.

Belongs here: these commands and their words. Not here: the steps (orchestration.refresh).
"""

import sys
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import click

from orchestration.commands.common import (
    Month,
    months_between,
    progress,
    require_county,
    require_reading_copy,
)
from sources.home import Home


@click.command()
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

    require_county(county)
    months = months_between(since or month, month)
    with progress() as tell:
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
            f"{record.told()}; its last release stands.",
            err=True,
        )
    if outcome.blocked:
        sys.exit(1)


@click.command()
@click.option("--month", type=Month(), required=True)
@click.option("--county", default=None, help="One county. Default: all that report.")
@click.pass_obj
def status(home: Home, month: date, county: str | None) -> None:
    """Tell what each county's institutions sent for a month, and what was found."""
    from orchestration.publication.ask import ask

    require_county(county)
    require_reading_copy(home)
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


@click.command()
@click.option("--month", type=Month(), required=True)
@click.option("--county", required=True, help="For example AL-04.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Default: slips/ in KRAT_HOME."
)
@click.pass_obj
def slips(home: Home, month: date, county: str, out: Path | None) -> None:
    """Write what each institution is told of its report: a workbook and a text, in Albanian."""
    from orchestration.clock import today
    from orchestration.publication.slips import write_slips

    require_county(county)
    require_reading_copy(home)
    folder = out or home.slips / county / f"{month:%Y-%m}"
    written = write_slips(home, county, month, today(), folder)
    if not written:
        raise click.ClickException(f"no report of {county} is expected for {month:%Y-%m}.")
    click.echo(f"Wrote {len(written) // 2} slips, each as .xlsx and .txt, in {folder}.")


def _flagged(records: list[Any]) -> str:
    total = Counter({record.county_code: 0 for record in records})
    for record in records:
        total[record.county_code] += record.flagged_count
    return ", ".join(f"{county}: {count} findings" for county, count in sorted(total.items()))
