"""A month's work of an analyst: refresh, status, and the slips that go back.

Belongs here: these commands and their words. Not here: the steps (orchestration.refresh.steps).
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestration.commands.common import (
    Day,
    Month,
    handing_out,
    held,
    months_between,
    progress,
    require_county,
    require_reading_copy,
    send_to,
    tell_lost_originals,
    tell_wrong,
    wait_option,
    wait_seconds,
)
from sources.custody.home import Home
from sources.texts import text

if TYPE_CHECKING:
    from orchestration.feedback.slips import Slip
    from orchestration.feedback.status import ReportStatus
    from orchestration.refresh.steps import Outcome


@click.command()
@click.option("--month", type=Month(), required=True, help="The month to publish.")
@click.option("--since", type=Month(), help="Publish every month from this one to --month.")
@click.option("--county", help="One county, for example AL-04. Default: all that report.")
@click.option("--dry-run", is_flag=True, help="Print what would be published; change nothing.")
@click.option(
    "--engine",
    type=click.Choice(["duckdb", "spark"]),
    default="duckdb",
    help="What computes the models: DuckDB, or Apache Spark (docs/spark.md).",
)
@wait_option
@click.pass_obj
def refresh(
    home: Home,
    month: date,
    since: date | None,
    county: str | None,
    dry_run: bool,
    engine: str,
) -> None:
    """Take in the inbox, rebuild the warehouse, and publish what the gate lets through."""
    import time

    from orchestration.ingestion.originals import lost_originals
    from orchestration.refresh.failures import refresh_command, told_in_words
    from orchestration.refresh.steps import Step
    from orchestration.refresh.steps import refresh as run
    from orchestration.runtime.office import serve_settings
    from orchestration.warehouse.build import Engine

    require_county(county)
    # The sites that it names are made last.
    tell_wrong(serve_settings(home)[1])
    months = months_between(since or month, month)
    started = time.monotonic()
    span = f"{month:%Y-%m}" if len(months) == 1 else f"{months[0]:%Y-%m} to {month:%Y-%m}"
    again = refresh_command(month, county, since, Engine(engine))
    words = partial(told_in_words, home, Step.PLANNING, again, click.ClickException)
    if dry_run:
        with words():
            _print_plan(home, months, county)
        return
    with progress() as show, words(show) as report:
        outcome = run(
            home, months, county, report, wait_seconds=wait_seconds(), engine=Engine(engine)
        )
    _report(home, outcome, span, time.monotonic() - started)
    tell_lost_originals(lost_originals(home))
    if not outcome.is_done:
        sys.exit(1)


def _print_plan(home: Home, months: list[date], county: str | None) -> None:
    from orchestration.refresh.plan import plan
    from orchestration.registers.in_use import newest_registers
    from sources.custody.arrivals import waiting

    click.echo(plan(home, newest_registers(home), months, [county] if county else []).describe())
    files = len(waiting(home))
    click.echo(f"Inbox     {files} files wait; what they change is known once they are taken in")


def _report(home: Home, outcome: "Outcome", span: str, seconds: float) -> None:
    """Print what a refresh did: on stdout what was done, on stderr what was refused."""
    new = sum(release.is_new for release in outcome.releases)
    click.echo(
        f"Inbox     {outcome.intake.accepted} files taken in, {outcome.intake.refused} refused, "
        f"{outcome.intake.known} known already"
    )
    click.echo(f"Warehouse {outcome.build.nodes} nodes built and tested in {seconds:.1f} s in all")
    click.echo(f"Published {span}: {new} new releases, {len(outcome.releases) - new} unchanged")
    for line in describe_areas(home, outcome):
        click.echo(f"  {line}")
    if outcome.restated:
        names = ", ".join("/".join(made.path.parts[-3:]) for made in outcome.restated)
        click.echo(f"Restated  {names}: their numbers or findings changed since")
    for member in outcome.members:
        click.echo(f"Nation    {member}")
    if outcome.due:
        names = ", ".join("/".join(made.path.parts[-4:]) for made in outcome.due)
        click.echo(f"Due       {names}: final by now")
    public = outcome.public
    made = sum(release.is_new for release in public.releases)
    click.echo(f"Public    {made} new releases, {len(public.releases) - made} unchanged")
    for edition in outcome.editions:
        click.echo(f"Edition   {edition.describe()}")
    if outcome.intake.refused:
        click.echo(f"Refused   reasons in {home.quarantine}")
    click.echo(f"Look next krat status --month {span[-7:]}; releases in {home.releases}")
    for refusal in outcome.refused:
        click.echo(f"Refused   {refusal}", err=True)
    for refusal in public.refused:
        click.echo(f"Refused   in the public tier: {refusal}", err=True)


@click.command()
@click.option("--month", type=Month(), help="What each institution sent for a month.")
@click.option(
    "--year", type=click.IntRange(2000, 2100), help="A year at a glance, month by county."
)
@click.option("--json", "as_json", is_flag=True, help="With --year: print JSON.")
@click.option(
    "--xlsx",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --year: write it to a new workbook.",
)
@click.option("--county", default=None, help="One county. Default: all that report.")
@click.option("--as-of", type=Day(), help="What could be said on this day, as 2023-06-20.")
@click.option(
    "--figures",
    is_flag=True,
    help="List all counts of persons that are not shown or as before.",
)
@click.pass_obj
def status(
    home: Home,
    month: date | None,
    year: int | None,
    county: str | None,
    as_of: date | None,
    *,
    figures: bool,
    as_json: bool,
    target: Path | None,
) -> None:
    """Tell what each county's institutions sent for a month, what was found, what isn't public."""
    from orchestration.feedback.status import (
        list_lacking_records,
        list_statuses,
        list_statuses_as_of,
    )
    from orchestration.reading_copy.ask import ask

    if (month is None) == (year is None):
        raise click.UsageError("give either --month or --year.")
    if ((as_json or target) and year is None) or (year is not None and (as_of or figures)):
        raise click.UsageError(
            "--json and --xlsx go with --year; --as-of and --figures go with --month."
        )
    if as_json and target:
        raise click.UsageError("give either --json or --xlsx.")
    if target and (target.suffix.casefold() != ".xlsx" or target.exists()):
        raise click.BadParameter(f"{target} must be a new file that ends in .xlsx.")
    require_county(county)
    require_reading_copy(home)
    if month is None:
        assert year is not None
        _tell_board(home, year, county, as_json=as_json, target=target)
        return
    if as_of:
        click.echo(_status_table(list_statuses_as_of(home, month, as_of, county), month))
        return
    click.echo(_status_table(list_statuses(home, month, county), month))
    for area, lacking in list_lacking_records(home, [month], county).items():
        click.echo(f"{area}: {', '.join(lacking)}.")
    _tell_editions(home, month.year, county, whole=figures)
    blocked = ask(
        home,
        "select county_code, rule, mended_by from quality.blocked_months "
        "where county_code = coalesce(?, county_code) and reporting_month = ? order by all",
        [county, month],
    )
    found = ask(
        home,
        "select county_code, severity, rule, state, mended_by, count(*) as findings "
        "from quality.findings where county_code = coalesce(?, county_code) "
        "and reporting_month = ? and state <> 'mended' group by all order by all",
        [county, month],
    )
    unplaced = ask(
        home,
        "select county_code, delivery_id, rule, count(*) as findings from quality.findings "
        "where not is_settled and reporting_month is null "
        "and county_code = coalesce(?, county_code) group by all order by all",
        [county],
    )
    if blocked:
        click.echo(f"\nBlocked by the gate; the marts keep the last good rows:\n{blocked}")
    click.echo(f"\n{found}" if found else "\nNo open findings.")
    if unplaced:
        click.echo(f"\nRefused, of a month that could not be read:\n{unplaced}")
    if found or unplaced:
        click.echo(f"\nEach with its cell: krat findings list --month {month:%Y-%m}")


def _tell_board(
    home: Home, year: int, county: str | None, *, as_json: bool, target: Path | None
) -> None:
    """Print the board of a year, of one county or of all, or write it to a workbook."""
    import json
    from dataclasses import asdict
    from datetime import UTC, datetime

    from orchestration.board.collect import collect_board, collect_now, county_names
    from orchestration.board.workbook import write_board
    from orchestration.runtime.clock import today

    board = collect_board(home, year, today())
    cells = [cell for cell in board.cells if county in (None, cell.county_code)]
    if target:
        with handing_out(home, target):
            write_board(target, board, cells, county_names(home))
        click.echo(f"Wrote {len(cells)} county-months to {target}.")
        return
    unplaced = {
        code: count for code, count in board.refused_without_month.items() if county in (None, code)
    }
    now = collect_now(home, datetime.now(UTC))
    if as_json:
        shown = [
            {**asdict(cell), "month": f"{cell.month:%Y-%m}", "state": cell.state} for cell in cells
        ]
        content = {
            "year": year,
            "as_of": board.as_of,
            "cells": shown,
            "refused_without_month": unplaced,
            "now": asdict(now),
        }
        click.echo(json.dumps(content, indent=1, default=str))
        return
    if not cells:
        click.echo(f"Nothing is known of {year}.")
    for cell in cells:
        parts = [
            f"{cell.counties_reporting} of {cell.counties_expected} counties"
            if cell.counties_expected
            else "",
            f"{cell.received} of {cell.expected} received" if cell.expected else "no report owed",
            f"{cell.on_time} of {cell.expected} on time" if cell.expected else "",
            f"{cell.awaited} still have time" if cell.awaited else "",
            *(text(key, "en") for key in cell.lacking),
            f"{cell.refused} refused",
            f"{cell.open_findings} findings open",
            f"blocked by {', '.join(cell.blocked_by)}" if cell.blocked_by else "",
            *(f"{tier} {name or '–'}" for tier, name in cell.released.items()),
        ]
        state = text(f"board.states.{cell.state}", "en")
        # The word has the same meaning; click leaves the colour out of what is no terminal.
        shown_state = click.style(f"{state:12}", fg=_COLOURS.get(cell.state), bold=True)
        click.echo(
            f"{cell.county_code:6} {cell.month:%Y-%m}  {shown_state}  "
            f"{'; '.join(filter(None, parts))}"
        )
    for code, count in unplaced.items():
        click.echo(f"{code:6} {count} refused of which the month could not be read, of any year")
    click.echo(f"Now     {f'{now.writer} writes' if now.writer else 'nothing writes'} the data")
    for event in now.coming:
        of = ", ".join(event.counties) or "all counties"
        without = f" without {', '.join(event.without)}" if event.without else ""
        what = text(f"board.kinds.{event.kind}", "en")
        click.echo(f"Next    {event.at:%Y-%m-%d %H:%M}  {event.month:%Y-%m} {what}, {of}{without}")
    if now.uncovered:
        month, last = f"{now.uncovered.month:%Y-%m}", f"{now.uncovered.last:%Y-%m}"
        click.echo(f"Next    {text('board.next.uncovered', 'en', month=month, last=last)}")
    for channel in now.failing:
        reason = text(f"alerts.failure.{channel.reason}", "en")
        click.echo(
            click.style("Alerts  ", fg="red")
            + f"{channel.name} fails since {channel.since:%Y-%m-%d %H:%M}: {reason}. "
            "Try it: krat alerts test"
        )


def _tell_editions(home: Home, year: int, county: str | None, *, whole: bool) -> None:
    """Print the newest editions, those that are due, and what a year's newest doesn't show."""
    import duckdb

    from orchestration.publication.editions.edition import describe_newest, due_editions
    from orchestration.reading_copy.ask import reading

    for line in describe_newest(home):
        click.echo(f"Edition {line}.")
    try:
        for day, reason in due_editions(home):
            click.echo(f"Due     persons/{day.name}, as known on {day.cut_off_on}: {reason}.")
    except duckdb.IOException:
        click.echo("Due     not known while a refresh runs: ask again when it has ended.")
    with reading(home) as connection:
        untold = connection.execute(
            "select county_code, period, subject, "
            "if(dimension = 'total', '–', dimension || ': ' || category) as broken_down, "
            "if(shown_as = 'earlier', 'number of e' || number_from, shown_as) as shown_as "
            "from editions.newest_counts where shown_as in ('withheld', 'earlier') "
            "and counted_year = ? and county_code = coalesce(?, county_code) order by all",
            [year, county],
        ).df()
    if untold.empty:
        return
    shown = untold if whole else untold.head(_FIGURES_NAMED)
    click.echo(f"\nNot shown to the public, or as it was before:\n{shown.to_string(index=False)}")
    if len(shown) < len(untold):
        click.echo(f"… and {len(untold) - len(shown)} more: add --figures.")


@click.command()
@click.option("--month", type=Month(), required=True)
@click.option("--county", required=True, help="For example AL-04.")
@click.option("--as-of", type=Day(), help="The day that dates are reckoned from. Default: today.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Default: slips/ in KRAT_HOME."
)
@wait_option
@click.pass_obj
def slips(home: Home, month: date, county: str, as_of: date | None, out: Path | None) -> None:
    """Write a letter to each institution on its report: a document and a text, in Albanian.

    The findings that it asks about are kept as sent, and asked about again only when a week
    passed without an answer.
    """
    folder = out or home.slips / county / f"{month:%Y-%m}"
    written = _write_letters(home, county, month, as_of, folder)
    if not written:
        raise click.ClickException(f"no report of {county} is expected for {month:%Y-%m}.")
    click.echo(f"Wrote {len(written)} slips, each as .docx and .txt, in {folder}.")


@click.command()
@click.option("--month", type=Month(), required=True)
@click.option("--county", required=True, help="For example AL-04.")
@click.option("--as-of", type=Day(), help="The day that dates are reckoned from. Default: today.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Default: slips/ in KRAT_HOME."
)
@wait_option
@click.pass_obj
def reminders(home: Home, month: date, county: str, as_of: date | None, out: Path | None) -> None:
    """Write a reminder to each institution whose report of a month is due and did not come yet.

    What is asked in them is kept as sent, as by krat slips.
    """
    folder = out or home.slips / county / f"{month:%Y-%m}" / "reminders"
    written = _write_letters(home, county, month, as_of, folder, reminders_only=True)
    click.echo(
        f"Wrote {len(written)} reminders, each as .docx and .txt, in {folder}."
        if written
        else f"Every report of {county} that is due for {month:%Y-%m} has come."
    )


def _write_letters(
    home: Home,
    county: str,
    month: date,
    as_of: date | None,
    folder: Path,
    *,
    reminders_only: bool = False,
) -> "list[Slip]":
    """Write letters, and enter what they ask about as sent."""
    from orchestration.feedback.slips import write_slips
    from orchestration.runtime.clock import today
    from sources.custody.decisions import tell_sent

    require_county(county)
    require_reading_copy(home)
    place = send_to(home, county)
    with held(home):
        with handing_out(home, folder):
            written = write_slips(
                home,
                county,
                month,
                as_of or today(),
                folder,
                send_to=place,
                reminders_only=reminders_only,
            )
        tell_sent(home, [finding for slip in written for finding in slip.finding_ids])
    return written


def _status_table(rows: "list[ReportStatus]", month: date) -> str:
    """Return statuses as a table: each county's sum, then its institutions."""
    if not rows:
        return f"No report is expected for {month:%Y-%m}."
    heads = (
        "county", "institution", "expected", "received", "on time", "refused", "open findings",
        "waived", "days late", "trend",
    )  # fmt: skip
    lines: list[tuple[str, ...]] = [heads]
    for county in sorted({row.county_code for row in rows}):
        own = [row for row in rows if row.county_code == county]
        late = [row.days_late for row in own if row.days_late is not None]
        trends = Counter(row.trend for row in own)
        lines.append(
            (
                county,
                "all",
                str(sum(row.expected for row in own)),
                str(sum(row.received for row in own)),
                str(sum(row.on_time for row in own)),
                str(sum(row.refused for row in own)),
                str(sum(row.open_findings for row in own)),
                str(sum(row.waived_findings for row in own)),
                str(max(late)) if late else "–",
                " ".join(
                    f"{trends[word]} {word}" for word in ("improving", "worsening") if trends[word]
                )
                or "–",
            )
        )
        lines += [
            (
                "",
                row.institution_code,
                str(row.expected),
                str(row.received),
                str(row.on_time),
                str(row.refused),
                str(row.open_findings),
                str(row.waived_findings),
                "–" if row.days_late is None else str(row.days_late),
                (row.trend or "–").replace("_", " "),
            )
            for row in own
        ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join(
        "  ".join(
            word.ljust(width) if column in (0, 1, 9) else word.rjust(width)
            for column, (word, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


#: Colours of the states of the board.
_COLOURS = {"blocked": "red", "missing": "yellow", "open": "cyan", "whole": "green"}

#: How many counts of persons that are not shown a status names.
_FIGURES_NAMED = 5

#: How many rules the line of a county names.
_RULES_NAMED = 3


def describe_areas(home: Home, outcome: "Outcome") -> Iterator[str]:
    """Yield a line for each county of a refresh: its releases, reports and findings."""
    from orchestration.feedback.status import list_lacking_records
    from orchestration.reading_copy.ask import reading

    months = list({scope.month for scope in outcome.plan.asked})
    with reading(home) as connection:
        sent = connection.execute(
            "select county_code, sum(received)::int || ' of ' || sum(expected)::int || "
            "' reports came, ' || sum(received - on_time)::int || ' late' "
            "from marts.reporting_rates where reporting_month in (select unnest(?)) group by all",
            [months],
        ).fetchall()
    reports = dict(sent)
    lacking = list_lacking_records(home, months)
    releases = Counter(release.path.parts[-3] for release in outcome.releases)
    rules: dict[str, Counter[str]] = defaultdict(Counter)
    for record in outcome.records:
        rules[record.county_code].update(record.findings_by_rule)
    for county in sorted({scope.county_code for scope in outcome.plan.asked}):
        found = rules[county]
        named = [f"{rule} {count}" for rule, count in found.most_common(_RULES_NAMED)]
        named += ["…"] if len(found) > _RULES_NAMED else []
        findings = f"findings {found.total()}" + (f": {', '.join(named)}" if found else "")
        came = [reports.get(county), *lacking.get(county, [])]
        parts = (f"releases {releases[county]}", ", ".join(filter(None, came)), findings)
        yield f"{county:6} {'; '.join(filter(None, parts))}"
