"""The months of the action plans as Dagster's partitions.

Belongs here: which months there are, and which of them a run is of. Not here: plans, which are
registers.
"""

from datetime import date, datetime, timedelta
from pathlib import Path

import dagster as dg

from sources.registers import national_plans

#: Months are written as 2023-05.
FORMAT = "%Y-%m"


def month_partitions(registers: Path, timezone: str) -> dg.MonthlyPartitionsDefinition:
    """Return the months from the first plan's first to the last plan's last.

    `registers` is the folder of the registers. A month is there once it has ended in the time zone
    of the schedule, which asks for it then.
    """
    plans = national_plans(registers)
    last = max(plan.valid_to for plan in plans)
    return dg.MonthlyPartitionsDefinition(
        start_date=plans[0].valid_from.strftime(FORMAT),
        end_date=(last + timedelta(days=1)).strftime(FORMAT),
        fmt=FORMAT,
        timezone=timezone,
    )


def month_of(partition_key: str) -> date:
    """Return the first day of a partition's month."""
    return datetime.strptime(partition_key, FORMAT).date()
