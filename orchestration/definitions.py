"""What Dagster loads: the assets of the four concepts, a check a rule, job, schedule, sensor."""

import dagster as dg

from orchestration.defs.gate import gate
from orchestration.defs.ingestion import deliveries, inbox_sensor
from orchestration.defs.publication import public_releases, reading_copy, releases
from orchestration.defs.rule_checks import rule_checks
from orchestration.defs.schedules import monthly_refresh, monthly_refresh_schedule
from orchestration.defs.warehouse import raw_tables, warehouse_models

defs = dg.Definitions(
    assets=[
        deliveries,
        raw_tables,
        warehouse_models,
        gate,
        releases,
        public_releases,
        reading_copy,
    ],
    asset_checks=[rule_checks],
    jobs=[monthly_refresh],
    schedules=[monthly_refresh_schedule],
    sensors=[inbox_sensor],
)
