"""The months of the action plans as Dagster's partitions.

Belongs here: which months there are, and which of them a run is of. Not here: plans, which are
registers.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pandas as pd

from sources.registers import national_plans

#: Months are written as 2023-05.
FORMAT = "%Y-%m"

#: What the months are called where a run has a county, too.
MONTH = "month"


def month_partitions(registers: Path, timezone: str) -> dg.MonthlyPartitionsDefinition:
    """Return the months in which an action plan is in force; `registers` is their folder.

    A month is there once it has ended in the time zone of the calendar, which asks for it then.
    """
    plans = national_plans(registers)
    last = max(plan.valid_to for plan in plans)
    between = [
        month
        for month in pd.date_range(plans[0].valid_from, last, freq="MS").date
        if not any(plan.covers(month) for plan in plans)
    ]
    return dg.MonthlyPartitionsDefinition(
        start_date=plans[0].valid_from.strftime(FORMAT),
        end_date=(last + timedelta(days=1)).strftime(FORMAT),
        fmt=FORMAT,
        timezone=timezone,
        exclusions=[month.strftime(FORMAT) for month in between] or None,
    )


def month_of(partition_key: str) -> date:
    """Return the first day of a partition's month."""
    return datetime.strptime(partition_key, FORMAT).date()


def month_of_run(tags: Mapping[str, str]) -> date | None:
    """Return the month that a run is of, by its tags; None where it is of none."""
    key = tags.get(f"dagster/partition/{MONTH}") or tags.get("dagster/partition")
    return month_of(key) if key else None
