"""The monthly job and its schedule.

Belongs here: when a month is asked for. Not here: what a refresh of it does.
"""

from datetime import timedelta

import dagster as dg

from orchestration.defs.partitions import FORMAT
from orchestration.runtime.settings import RefreshSchedule

monthly_refresh = dg.define_asset_job(
    "monthly_refresh",
    selection=dg.AssetSelection.all(),
    description="From the inbox to the releases of one month.",
)


def monthly_refresh_schedule(
    when: RefreshSchedule, months: dg.MonthlyPartitionsDefinition
) -> dg.ScheduleDefinition:
    """Return the schedule that asks for the month before, where an action plan covers it."""

    @dg.schedule(
        name="monthly_refresh_schedule",
        target=monthly_refresh,
        cron_schedule=when.cron,
        execution_timezone=when.timezone,
    )
    def ask(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        """Ask for the last month that has ended."""
        tick = context.scheduled_execution_time
        key = (tick.date().replace(day=1) - timedelta(days=1)).strftime(FORMAT)
        covered = months.get_partition_keys(current_time=tick)
        if key not in covered:
            return dg.SkipReason(
                f"No action plan covers {key}: the registers end in {covered[-1]}."
            )
        return dg.RunRequest(partition_key=key, run_key=key)

    return ask
