"""What an analyst decides on: findings, waivers of them, corrections of reported values, verdicts.

Belongs here: these commands and their words. Not here: how a decision is kept
(sources.custody.decisions) or what follows from it (dbt_project, expectations.gate).
"""

import calendar
from datetime import date
from typing import Any

import click

from orchestration.commands.common import (
    Month,
    held,
    require_county,
    require_reading_copy,
    wait_option,
)
from sources.custody.home import Home

STATES = ("unsettled", "open", "sent", "answered", "waived", "mended", "all")
VALUE_STATES = ("not_reported", "not_applicable", "refused", "unknown")

_by = click.option("--by", required=True, help="Who decides, for example KRAT Fier. Published.")
_reason = click.option("--reason", required=True, help="Why, naming no person. Published.")


@click.command()
@click.argument("delivery_id")
@_by
@wait_option
@click.pass_obj
def confirm(home: Home, delivery_id: str, by: str) -> None:
    """Enter that a file is meant, though it answers for no value of the report before it.

    It was refused as earlier_values_lost; sent again, it is taken in and replaces the report.
    """
    from orchestration.ingestion.emptied_reports import NotConfirmed, confirm_delivery

    with held(home):
        try:
            confirm_delivery(home, delivery_id, by)
        except NotConfirmed as mistake:
            raise click.ClickException(f"{mistake}") from mistake
    click.echo(
        f"Confirmed {delivery_id}: put the file into the inbox again, then run krat refresh."
    )


@click.group()
def findings() -> None:
    """What was found missing, late or inconsistent, and what was decided on it."""


@findings.command("list")
@click.option("--county", help="One county. Default: all.")
@click.option("--month", type=Month(), help="One month. Default: all.")
@click.option("--institution", help="One institution, for example AL-04-SHSSH.")
@click.option("--rule", help="One rule, for example value_not_reported.")
@click.option("--state", type=click.Choice(STATES), default="unsettled", show_default=True)
@click.option("--english", is_flag=True, help="Tell them in English.")
@click.pass_obj
def list_findings(
    home: Home,
    county: str | None,
    month: date | None,
    institution: str | None,
    rule: str | None,
    state: str,
    english: bool,
) -> None:
    """List findings, worst first: id, who, month, rule, state, who can mend it, place, words."""
    from orchestration.gate.lookup import UNSETTLED
    from orchestration.gate.lookup import findings as look

    require_county(county)
    require_reading_copy(home)
    states = {"unsettled": UNSETTLED, "all": STATES}.get(state, (state,))
    found = look(
        home,
        county_code=county,
        month=month,
        institution_code=institution,
        rule=rule,
        states=states,
    )
    for one in found:
        who = one.institution_code or one.county_code or "-"
        until = f" until {one.waived_until}" if one.waived_until else ""
        click.echo(
            f"{one.finding_id[:8]}  {who}  {f'{one.month:%Y-%m}' if one.month else '-'}  "
            f"{one.severity}  {one.rule}  {one.state}{until}  (mended by {one.mended_by})"
        )
        words = one.message_en if english else one.message_sq
        click.echo(f"          {one.place}: {words}" if one.place else f"          {words}")
    click.echo(f"{len(found)} findings.")


@findings.command("answer")
@click.argument("finding")
@_by
@_reason
@wait_option
@click.pass_obj
def answer_finding(home: Home, finding: str, by: str, reason: str) -> None:
    """Record what an institution or committee answered to FINDING (the start of its id)."""
    from orchestration.gate.lookup import one_finding
    from sources.custody.decisions import answer

    require_reading_copy(home)
    with held(home):
        found = one_finding(home, finding)
        answer(home, found.finding_id, by, reason)
    click.echo(f"Recorded the answer to {found.finding_id[:8]}; the next refresh shows it.")


@findings.command("waive")
@click.argument("finding")
@_by
@_reason
@click.option("--until", type=Month(), required=True, help="The last month in which it holds.")
@wait_option
@click.pass_obj
def waive_finding(home: Home, finding: str, by: str, reason: str, until: date) -> None:
    """Let FINDING pass for a time: the waiver stands beside the numbers in every release."""
    from orchestration.gate.lookup import one_finding
    from orchestration.runtime.clock import today
    from sources.custody.decisions import NotDecided, waive

    require_reading_copy(home)
    last = until.replace(day=calendar.monthrange(until.year, until.month)[1])
    with held(home):
        found = one_finding(home, finding)
        if found.state == "mended":
            raise NotDecided(f"{found.finding_id[:8]} is mended: there is nothing to waive.")
        waive(home, found.finding_id, by, reason, last, today())
    click.echo(f"Waived {found.finding_id[:8]} until {last}; the next refresh shows it.")


@findings.command("withdraw")
@click.argument("finding")
@_by
@_reason
@wait_option
@click.pass_obj
def withdraw_waiver(home: Home, finding: str, by: str, reason: str) -> None:
    """Withdraw the waiver of FINDING."""
    from orchestration.gate.lookup import one_finding
    from orchestration.runtime.clock import today
    from sources.custody.decisions import withdraw_waiver as withdraw

    require_reading_copy(home)
    with held(home):
        found = one_finding(home, finding)
        withdraw(home, found.finding_id, by, reason, today())
    click.echo(f"Withdrew the waiver of {found.finding_id[:8]}; the next refresh shows it.")


@findings.command("log")
@click.pass_obj
def decisions_log(home: Home) -> None:
    """Show every decision on findings, and whether the journal is whole."""
    from sources.custody.decisions import finding_decisions

    for row in finding_decisions(home).to_pylist():
        click.echo(
            "  ".join(
                str(value)
                for value in (
                    row["decided_at"], row["decision"], row["finding_id"][:8],
                    row["decided_by"], row["holds_until"], row["reason"],
                )
                if value is not None
            )
        )  # fmt: skip
    click.echo("The journal is whole.")


@click.command()
@click.option("--month", type=Month(), required=True)
@click.option("--county", required=True, help="For example AL-04, or AL for the nation.")
@click.pass_obj
def gate(home: Home, month: date, county: str) -> None:
    """Tell the gate's verdict on a county and month, and whether it follows from its record.

    Exit status: 0 it passes, 1 it is blocked or the record doesn't bear its verdict out.
    """
    from expectations.gate import follows, read_record

    require_county(county)
    record = read_record(home, county, month)
    if record is None:
        raise click.ClickException(
            f"the gate has not judged {county} {month:%Y-%m}: refresh this month first."
        )
    click.echo(f"{county} {month:%Y-%m}: {record.verdict}, judged as of {record.as_of}")
    for entry in record.blocking:
        click.echo(
            f"Blocked   {entry['rule']}: {entry['count']}, to be mended by {entry['mended_by']}"
        )
    for waiver in record.waivers:
        click.echo(
            f"Waived    {waiver['finding_id'][:8]} {waiver['rule']} until {waiver['waived_until']} "
            f"by {waiver['waived_by']}: {waiver['waiver_reason']}"
        )
    passed = sum(check["success"] for check in record.checks)
    click.echo(
        f"Judged on {passed} of {len(record.checks)} conditions met, "
        f"{len(record.failed_tests)} tests failed, {record.flagged_count} findings flagged"
    )
    if not follows(record):
        raise click.ClickException("the verdict does not follow from the record: run krat refresh.")
    click.echo("The verdict follows from its record.")
    if record.verdict != "pass":
        raise click.exceptions.Exit(1)


@click.command()
@click.option("--institution", required=True, help="Whose report, for example AL-04-SHSSH.")
@click.option("--month", type=Month(), required=True, help="The month of the report.")
@click.option("--indicator", required=True, help="For example 2.1.18.1.")
@click.option("--category", default="total", show_default=True)
@click.option("--was", required=True, help="What the report says now: a number or a state.")
@click.option("--is", "corrected", required=True, help="What it should say: a number or a state.")
@_by
@_reason
@wait_option
@click.pass_obj
def correct(
    home: Home,
    institution: str,
    month: date,
    indicator: str,
    category: str,
    was: str,
    corrected: str,
    by: str,
    reason: str,
) -> None:
    """Correct a reported value as data: the report stays, the correction is a version of its own.

    It holds only while the report says what --was says; once the source is repaired or changed, a
    blocking finding asks to withdraw it. States: not_reported, not_applicable, refused, unknown.
    """
    from orchestration.gate.lookup import reported_value
    from sources.custody.decisions import NotDecided
    from sources.custody.decisions import correct as enter

    require_reading_copy(home)
    expected, wanted = _value(was, "--was"), _value(corrected, "--is")
    with held(home):
        county, *reported = reported_value(home, institution, indicator, month, category)
        if tuple(reported) != expected:
            value, state = reported
            says = f"{value:g}" if value is not None else state
            raise NotDecided(f"the report says {says}, not {was}: nothing was corrected.")
        correction_id = enter(
            home,
            county_code=county,
            institution_code=institution,
            indicator_code=indicator,
            reporting_month=month,
            category=category,
            expected=expected,
            corrected=wanted,
            by=by,
            reason=reason,
        )
    click.echo(f"Made correction {correction_id}; the next refresh applies it.")


@click.group()
def corrections() -> None:
    """Corrections of reported values: what stands, and whether it still has ground."""


@corrections.command("list")
@click.pass_obj
def list_corrections(home: Home) -> None:
    """List every correction, withdrawn ones too."""
    from sources.custody.decisions import corrections as register

    for row in register(home).to_pylist():
        withdrawn = f"  withdrawn {row['withdrawn_at']}" if row["withdrawn_at"] else ""
        click.echo(f"{_correction_text(row)}{withdrawn}  {row['corrected_by']}: {row['reason']}")
    click.echo("The journal is whole.")


@corrections.command("check")
@click.pass_obj
def check_corrections(home: Home) -> None:
    """Tell which corrections the reports no longer bear out; exit status 1 when there are any."""
    from orchestration.gate.lookup import findings as look

    require_reading_copy(home)
    found = look(home, rule="correction_without_ground")
    for one in found:
        click.echo(one.message_sq)
        click.echo(one.message_en)
    if found:
        raise click.ClickException(
            f"{len(found)} corrections have no ground any more: krat corrections withdraw ID."
        )
    click.echo("Every correction that stands was made against what its report says.")


@corrections.command("withdraw")
@click.argument("correction_id")
@_by
@_reason
@wait_option
@click.pass_obj
def withdraw_correction(home: Home, correction_id: str, by: str, reason: str) -> None:
    """Withdraw a correction: what was reported holds again."""
    from sources.custody.decisions import withdraw_correction as withdraw

    with held(home):
        withdraw(home, correction_id, by, reason)
    click.echo(f"Withdrew correction {correction_id}; the next refresh shows it.")


def _value(text: str, option: str) -> tuple[float | None, str]:
    """Return a number or a state as a value and its state."""
    if text in VALUE_STATES:
        return None, text
    if not text.isdecimal():
        raise click.BadParameter(
            f"{text!r} is neither a whole number nor one of {', '.join(VALUE_STATES)}.",
            param_hint=option,
        )
    number = float(text)
    return number, "number" if number else "zero"


def _correction_text(row: dict[str, Any]) -> str:
    def says(kind: str) -> str:
        value = row[f"{kind}_value"]
        return str(row[f"{kind}_state"]) if value is None else f"{value:g}"

    return (
        f"{row['correction_id']}  {row['institution_code']}  {row['reporting_month']:%Y-%m}  "
        f"{row['indicator_code']} {row['category']}: {says('expected')} -> {says('corrected')}"
    )
