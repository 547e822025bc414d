"""Publication in Dagster: releases a month, and the reading copy."""

from datetime import datetime

import dagster as dg

from expectations.gate import GateRefused
from orchestration.dagster_home import PATIENCE_SECONDS, WRITER_POOL
from orchestration.publication.reading_copy import write_reading_copy
from orchestration.publication.release import release
from orchestration.quality.assets import gate, months
from orchestration.quality.judge import counties_with_reports
from orchestration.settings import home_from_environment
from orchestration.writer import one_writer


@dg.asset(group_name="publication", partitions_def=months, deps=[gate], pool=WRITER_POOL)
def releases(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """The month's release of each county whose gate record matches what would go out.

    Fails, after publishing the others, when the gate refuses a county.
    """
    home = home_from_environment()
    month = datetime.strptime(context.partition_key, "%Y-%m").date()
    published, refusals = [], []
    with one_writer(home, PATIENCE_SECONDS):
        for county_code in counties_with_reports(home):
            try:
                published.append(release(home, county_code, month))
            except GateRefused as refusal:
                refusals.append(f"{county_code}: {refusal}")
    if refusals:
        raise dg.Failure(
            description="; ".join(refusals),
            metadata={"published": len(published), "refused": len(refusals)},
            allow_retries=False,
        )
    return dg.MaterializeResult(
        metadata={
            "published": len(published),
            "new": sum(release.is_new for release in published),
        }
    )


@dg.asset(group_name="publication", deps=[releases], pool=WRITER_POOL)
def reading_copy() -> dg.MaterializeResult[None]:
    """The second DuckDB file, for ad-hoc SQL, swapped in whole after a release."""
    home = home_from_environment()
    with one_writer(home, PATIENCE_SECONDS):
        return dg.MaterializeResult(metadata={"tables": write_reading_copy(home)})
