"""A month's work of an analyst: refresh, status, and the slips that go back.

Belongs here: these commands and their words. Not here: the steps (orchestration.refresh.steps).
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestration.commands.common import (
    Day,
    Month,
    ended_when_busy,
    handing_out,
    held,
    months_between,
    progress,
    require_county,
    require_reading_copy,
    tell_problems,
    wait_option,
    wait_seconds,
)
from sources.custody.home import Home

if TYPE_CHECKING:
    from orchestration.feedback.status import ReportStatus
    from orchestration.refresh.steps import Outcome


@click.command()
@click.option("--month", type=Month(), required=True, help="The month to publish.")
@click.option("--since", type=Month(), help="Publish every month from this one to --month.")
@click.option("--county", help="One county, for example AL-04. Default: all that report.")
@click.option("--dry-run", is_flag=True, help="Print what would be published; change nothing.")
@wait_option
@click.pass_obj
def refresh(home: Home, month: date, since: date | None, county: str | None, dry_run: bool) -> None:
    """Take in the inbox, rebuild the warehouse, and publish what the gate lets through."""
    import time

    from orchestration.refresh.plan import NoPlan
    from orchestration.refresh.steps import refresh as run
    from orchestration.registers.rows import BrokenRegisters
    from orchestration.warehouse.build import BuildFailed

    require_county(county)
    months = months_between(since or month, month)
    started = time.monotonic()
    try:
        if dry_run:
            _print_plan(home, months, county)
            return
        with ended_when_busy(), progress() as report:
            outcome = run(home, months, county, report, wait_seconds=wait_seconds())
    except BuildFailed as failure:
        raise click.ClickException(
            f"{failure}. Nothing was published; the last releases stand."
        ) from failure
    except BrokenRegisters as broken:
        tell_problems(broken.problems)
        raise click.ClickException(f"{broken} Nothing was published.") from broken
    except NoPlan as mistake:
        raise click.ClickException(f"{mistake}. Nothing was published.") from mistake
    span = f"{month:%Y-%m}" if len(months) == 1 else f"{months[0]:%Y-%m} to {month:%Y-%m}"
    _report(home, outcome, span, time.monotonic() - started)
    if not outcome.is_done:
        sys.exit(1)


def _print_plan(home: Home, months: list[date], county: str | None) -> None:
    from orchestration.refresh.plan import plan
    from orchestration.registers.in_use import newest_registers
    from sources.custody.arrivals import waiting

    click.echo(plan(home, newest_registers(home), months, county).describe())
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
    for text in outcome.members:
        click.echo(f"Nation    {text}")
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
@click.option("--month", type=Month(), required=True)
@click.option("--county", default=None, help="One county. Default: all that report.")
@click.option("--as-of", type=Day(), help="What could be said on this day, as 2023-06-20.")
@click.pass_obj
def status(home: Home, month: date, county: str | None, as_of: date | None) -> None:
    """Tell what each county's institutions sent for a month, and what was found."""
    from orchestration.feedback.status import (
        list_lacking_records,
        list_statuses,
        list_statuses_as_of,
    )
    from orchestration.publication.editions.edition import describe_newest
    from orchestration.reading_copy.ask import ask

    require_county(county)
    require_reading_copy(home)
    if as_of:
        click.echo(_status_table(list_statuses_as_of(home, month, as_of, county), month))
        return
    click.echo(_status_table(list_statuses(home, month, county), month))
    for area, lacking in list_lacking_records(home, [month], county).items():
        click.echo(f"{area}: {', '.join(lacking)}.")
    for line in describe_newest(home):
        click.echo(f"Edition {line}.")
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
    """Write what each institution is told of its report: a workbook and a text, in Albanian.

    The findings in them are kept as sent.
    """
    from orchestration.feedback.slips import write_slips
    from orchestration.runtime.clock import today
    from sources.custody.decisions import tell_sent

    require_county(county)
    require_reading_copy(home)
    folder = out or home.slips / county / f"{month:%Y-%m}"
    with held(home):
        with handing_out(home, folder):
            written = write_slips(home, county, month, as_of or today(), folder)
        tell_sent(home, [finding for slip in written for finding in slip.finding_ids])
    if not written:
        raise click.ClickException(f"no report of {county} is expected for {month:%Y-%m}.")
    click.echo(f"Wrote {len(written)} slips, each as .xlsx and .txt, in {folder}.")


@click.command()
@click.option("--month", type=Month(), required=True)
@click.option("--county", required=True, help="For example AL-04.")
@click.option("--as-of", type=Day(), help="The day that dates are reckoned from. Default: today.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Default: slips/ in KRAT_HOME."
)
@click.pass_obj
def reminders(home: Home, month: date, county: str, as_of: date | None, out: Path | None) -> None:
    """Write a reminder to each institution whose report of a month is due and did not come yet."""
    from orchestration.feedback.slips import write_slips
    from orchestration.runtime.clock import today

    require_county(county)
    require_reading_copy(home)
    folder = out or home.slips / county / f"{month:%Y-%m}" / "reminders"
    with handing_out(home, folder):
        written = write_slips(home, county, month, as_of or today(), folder, reminders_only=True)
    click.echo(
        f"Wrote {len(written)} reminders, each as .xlsx and .txt, in {folder}."
        if written
        else f"Every report of {county} that is due for {month:%Y-%m} has come."
    )


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
            text.ljust(width) if column in (0, 1, 9) else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


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
            "from marts.reporting_completeness where reporting_month in (select unnest(?)) "
            "group by all having sum(expected) > 0",
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
