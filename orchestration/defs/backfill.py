"""One county's months in Dagster: a job whose backfill leaves every other county as it is.

All counties' months are backfilled by the assets themselves.

Belongs here: the job. Not here: what a refresh does (orchestration.refresh.steps).
"""

from pathlib import Path

import dagster as dg

from orchestration.defs.failures import in_words
from orchestration.defs.partitions import MONTH, month_of
from orchestration.defs.resources import HomeResource, writer_name
from orchestration.gate.judge import counties_that_owe
from orchestration.refresh.failures import refresh_command
from orchestration.refresh.steps import Step, refresh
from orchestration.registers.in_use import registers_in_use
from orchestration.runtime.dagster_home import WRITER_POOL
from orchestration.runtime.settings import WAIT_SECONDS

COUNTY = "county"

#: The name of its one step.
REFRESH = "refresh_county"


# The data folder is held within the refresh, so that between two months others can write.
@dg.op(name=REFRESH, pool=WRITER_POOL)
def refresh_county(context: dg.OpExecutionContext, home: HomeResource) -> None:
    """Take in the inbox, build, judge and publish a month of a county, and swap the copy."""
    key = context.partition_key
    assert isinstance(key, dg.MultiPartitionKey)
    county, month = key.keys_by_dimension[COUNTY], month_of(key.keys_by_dimension[MONTH])
    folder = home.folder
    first = counties_that_owe(registers_in_use(folder)).get(county)
    if first is None or month < first:
        context.log.info(f"{county} owes no report for {month:%Y-%m}: nothing is published.")
        return
    with in_words(folder, Step.PLANNING, refresh_command(month, county)) as report:
        outcome = refresh(
            folder,
            [month],
            county,
            report,
            wait_seconds=WAIT_SECONDS,
            name=writer_name(context.run),
        )
    if not outcome.is_done:
        lines = (*outcome.refused, *outcome.public.refused)
        raise dg.Failure("\n".join(map(str, lines)), allow_retries=False)
    made = [release.path for release in (*outcome.releases, *outcome.restated) if release.is_new]
    context.log.info(f"{len(made)} new releases: {', '.join('/'.join(p.parts[-3:]) for p in made)}")


def county_refresh(registers: Path, months: dg.MonthlyPartitionsDefinition) -> dg.JobDefinition:
    """Return the job of a county's month; `registers` is the folder that names the counties."""
    counties = dg.StaticPartitionsDefinition(list(counties_that_owe(registers)))

    @dg.job(
        name="county_refresh",
        partitions_def=dg.MultiPartitionsDefinition({COUNTY: counties, MONTH: months}),
        description="From the inbox to the releases of a month of one county, and of its other "
        "months that changed. Nothing of another county changes. "
        "For a year, filter partitions by AL-04|2023 and tick Select all.",
    )
    def county_refresh() -> None:
        refresh_county()

    return county_refresh
