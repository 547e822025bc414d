"""Reminders in Dagster: letters to institutions whose report of a month is awaited.

Belongs here: the job. Not here: the letters (orchestration.feedback.slips).
"""

import dagster as dg

from orchestration.defs.counties import SomeCounties
from orchestration.defs.failures import in_words
from orchestration.defs.partitions import month_of
from orchestration.defs.resources import WriterResource
from orchestration.feedback.slips import write_slips
from orchestration.runtime.clock import today
from orchestration.runtime.dagster_home import WRITER_POOL
from orchestration.runtime.office import read_office

#: The name of its one step.
REMIND = "remind"


@dg.op(name=REMIND, pool=WRITER_POOL)
def remind(context: dg.OpExecutionContext, config: SomeCounties, writer: WriterResource) -> None:
    """Write a letter to each institution whose report did not come yet, a folder a county."""
    home, month = writer.folder, month_of(context.partition_key)
    if not home.marts.exists():
        raise dg.Failure(
            f"There is no reading copy yet: run `krat refresh --month {month:%Y-%m}` first.",
            allow_retries=False,
        )
    again = f"krat reminders --county AL-NN --month {month:%Y-%m}"
    with in_words(home, "writing reminders", again):
        office, wrong = read_office(home)
        if wrong:
            context.log.warning(str(wrong))
        for county in config.with_institutions(home):
            folder = home.slips / county / f"{month:%Y-%m}" / "reminders"
            written = write_slips(
                home,
                county,
                month,
                today(),
                folder,
                send_to=office.send_to.get(county),
                reminders_only=True,
            )
            context.log.info(f"{county}: {len(written)} letters")


def reminders(months: dg.MonthlyPartitionsDefinition) -> dg.JobDefinition:
    """Return the job that writes the letters of a month."""

    @dg.job(
        name="reminders",
        partitions_def=months,
        description="Letters to institutions whose report of a month is awaited.",
    )
    def write() -> None:
        remind()

    return write
