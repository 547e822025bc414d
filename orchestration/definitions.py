"""What Dagster loads: the assets of the four concepts, a check a rule, job, schedule, sensor."""

import dagster as dg

from orchestration.ingestion.assets import deliveries, inbox_sensor
from orchestration.publication.assets import public_releases, reading_copy, releases
from orchestration.quality.assets import gate
from orchestration.quality.checks import rule_checks
from orchestration.schedules import monthly_refresh, monthly_refresh_schedule
from orchestration.warehouse.assets import raw_tables, warehouse_models

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
