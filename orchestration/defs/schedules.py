"""The monthly job and its schedule."""

from datetime import timedelta

import dagster as dg

from orchestration.defs.gate import months
from orchestration.runtime.settings import home_from_environment, refresh_schedule

monthly_refresh = dg.define_asset_job(
    "monthly_refresh",
    selection=dg.AssetSelection.all(),
    partitions_def=months,
    executor_def=dg.in_process_executor,
    description="From the inbox to the releases of one month.",
)

_when = refresh_schedule(home_from_environment())


@dg.schedule(job=monthly_refresh, cron_schedule=_when.cron, execution_timezone=_when.timezone)
def monthly_refresh_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Ask for the last month that has ended."""
    first_of_month = context.scheduled_execution_time.date().replace(day=1)
    key = (first_of_month - timedelta(days=1)).strftime("%Y-%m")
    return dg.RunRequest(partition_key=key, run_key=key)
