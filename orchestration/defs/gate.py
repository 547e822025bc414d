"""The gate in Dagster: a verdict a month for every county that reports."""

from datetime import datetime

import dagster as dg
from dagster_dbt import get_asset_key_for_model

from orchestration.defs.warehouse import warehouse_models
from orchestration.gate.judge import Scope, counties_with_reports, judge
from orchestration.products.declaration import judged_models
from orchestration.refresh.due import changed_since_release, due
from orchestration.runtime.dagster_home import PATIENCE_SECONDS, WRITER_POOL
from orchestration.runtime.settings import SEEDS, home_from_environment
from orchestration.runtime.writer_lock import one_writer
from sources.registers import load_registers

months = dg.MonthlyPartitionsDefinition(start_date="2021-01", fmt="%Y-%m")

#: What the gate judges: the models of every published mart, and the findings.
PUBLISHED = [get_asset_key_for_model([warehouse_models], name) for name in judged_models()]


@dg.asset(group_name="quality", partitions_def=months, deps=PUBLISHED, pool=WRITER_POOL)
def gate(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """The verdict of each county for the month, kept as a record that the release verifies.

    Months released before whose tables changed, or for which a day has come, are judged too.
    """
    home = home_from_environment()
    month = datetime.strptime(context.partition_key, "%Y-%m").date()
    with one_writer(home, PATIENCE_SECONDS):
        asked = [Scope(county, month) for county in counties_with_reports(home)]
        others = dict.fromkeys([*changed_since_release(home), *due(home)])
        scopes = [*asked, *(scope for scope in others if scope not in asked)]
        records = judge(home, scopes, load_registers(SEEDS))
    blocked = [record for record in records if record.verdict != "pass"]
    return dg.MaterializeResult(
        metadata={
            "judged": len(records),
            "blocked": len(blocked),
            "blocked_by": "; ".join(
                f"{record.county_code} {record.reporting_month:%Y-%m}: {record.told()}"
                for record in blocked
            )
            or "none",
            "findings": sum(record.flagged_count for record in records),
        }
    )
