"""The jobs of a month and their schedules, one a kind of day in the calendar.

Belongs here: when something is asked for. Not here: the days (orchestration.registers.calendar), or
what a refresh does.
"""

from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from orchestration.defs.attempts import MOST, TAG, has_given_up, next_attempt
from orchestration.defs.failures import in_words
from orchestration.defs.partitions import FORMAT
from orchestration.defs.publication import PUBLISH
from orchestration.defs.reminders import REMIND
from orchestration.defs.resources import HomeResource
from orchestration.defs.shown import PUBLIC_RELEASES, RELEASES
from orchestration.registers.calendar import (
    LOOKED_BACK,
    Calendar,
    CalendarEvent,
    Kind,
    events,
    uncovered,
)
from orchestration.runtime.settings import board_address
from orchestration.runtime.settings_files import WrongSetting
from sources.custody.home import Home

monthly_refresh = dg.define_asset_job(
    "monthly_refresh",
    selection=dg.AssetSelection.all(),
    description="From the inbox to the releases of one month. The year at a glance, while "
    f"`krat serve` runs: {board_address()}",
)

monthly_judgement = dg.define_asset_job(
    "monthly_judgement",
    selection=dg.AssetSelection.all() - dg.AssetSelection.assets(RELEASES, PUBLIC_RELEASES),
    description="From the inbox to the verdicts of one month; nothing is published.",
)


@dataclass(frozen=True)
class Work:
    """What a kind of day asks for."""

    job: str
    description: str
    #: The step of the job that is done for some counties alone where their days differ.
    step: str | None


WORK = {
    Kind.REMINDER: Work(
        "reminders", "Letters to institutions whose report of the month is awaited.", REMIND
    ),
    Kind.REFRESH: Work("monthly_judgement", "The month is taken in, checked and judged.", None),
    Kind.RELEASE: Work("monthly_refresh", "The month is published.", PUBLISH),
    Kind.LATE_REFRESH: Work(
        "monthly_refresh", "The month is published again, with what came late.", PUBLISH
    ),
}


def schedules(calendar: Calendar, wrong: WrongSetting | None) -> list[dg.ScheduleDefinition]:
    """Return the schedules of a calendar; `wrong` is the mistake in the office's own file."""
    return [_schedule(kind, calendar, wrong) for kind in Kind]


def _schedule(kind: Kind, calendar: Calendar, wrong: WrongSetting | None) -> dg.ScheduleDefinition:
    work, at = WORK[kind], calendar.time_of(kind)

    @dg.schedule(
        name=f"{kind}_schedule",
        job_name=work.job,
        cron_schedule=f"{at.minute} {at.hour} * * *",
        execution_timezone=calendar.timezone,
        description=_sentences(wrong, work.description, "Its days are those of calendar.yml."),
        default_status=(
            dg.DefaultScheduleStatus.RUNNING if calendar.is_on else dg.DefaultScheduleStatus.STOPPED
        ),
    )
    def ask(
        context: dg.ScheduleEvaluationContext, home: HomeResource
    ) -> list[dg.RunRequest] | dg.SkipReason:
        """Ask for what the calendar has today, and for what a machine that was off has missed."""
        with in_words(home.folder, "looking into the calendar"):
            now = context.scheduled_execution_time
            past = [
                event
                for event in events(home.folder, calendar, now - LOOKED_BACK, now)
                if event.kind == kind
            ]
            requests = [
                _request(event, work.step, attempt)
                for event in past
                if (attempt := next_attempt(context.instance, event.key))
            ]
            if requests:
                return requests
            given_up = [event.key for event in past if has_given_up(context.instance, event.key)]
            coming = [
                event
                for event in events(home.folder, calendar, now, now + LOOKED_BACK)
                if event.kind == kind
            ]
            return dg.SkipReason(
                _sentences(
                    wrong,
                    f"Failed {MOST} times, see its runs: {', '.join(given_up)}."
                    if given_up
                    else "",
                    _next(coming) or _without_plan(home.folder, now),
                )
            )

    return ask


def _request(event: CalendarEvent, step: str | None, attempt: int) -> dg.RunRequest:
    config = {"counties": list(event.counties), "without": list(event.without)}
    some = bool(event.counties or event.without)
    return dg.RunRequest(
        run_key=f"{event.key}:{attempt}",
        partition_key=event.month.strftime(FORMAT),
        tags={TAG: event.key},
        run_config={"ops": {step: {"config": config}}} if step and some else {},
    )


def _next(coming: list[CalendarEvent]) -> str:
    if not coming:
        return ""
    first = coming[0]
    return f"Next: {first.month:%Y-%m} on {first.at:%Y-%m-%d at %H:%M}."


def _without_plan(home: Home, now: datetime) -> str:
    found = uncovered(home, now)
    if found is None:
        return "Nothing comes."
    return (
        f"No action plan covers {found.month:{FORMAT}}: the registers end in {found.last:{FORMAT}}."
    )


def _sentences(wrong: WrongSetting | None, *sentences: str) -> str:
    return " ".join([*([str(wrong)] if wrong else []), *filter(None, sentences)])
