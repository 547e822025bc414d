"""What Dagster loads: `defs`, made when it is first asked for, so that an import reads nothing."""

from functools import cache
from typing import Any


@cache
def _definitions() -> Any:
    """Merge assets, checks, jobs, schedules and sensors for the data folder of the environment."""
    import dagster as dg

    from orchestration.defs.alerts import alert_sensors
    from orchestration.defs.backfill import county_refresh
    from orchestration.defs.backups import backup_job, backup_schedule
    from orchestration.defs.county_intake import county_intake
    from orchestration.defs.failures import leave_stacks_out
    from orchestration.defs.ingestion import deliveries, inbox_sensor
    from orchestration.defs.partitions import month_partitions
    from orchestration.defs.publication import publication
    from orchestration.defs.reminders import reminders
    from orchestration.defs.resources import HomeResource, WriterResource
    from orchestration.defs.rule_checks import rule_checks
    from orchestration.defs.schedules import monthly_judgement, monthly_refresh, schedules
    from orchestration.defs.shown import published_elsewhere_sensor
    from orchestration.defs.warehouse import raw_tables, warehouse_models
    from orchestration.registers.calendar import read_calendar
    from orchestration.registers.in_use import registers_in_use
    from orchestration.runtime.dagster_home import dagster_settings
    from orchestration.runtime.office import backup_settings
    from orchestration.runtime.settings import home_from_environment, manifest_path
    from sources.custody.permissions import close_process

    close_process()
    leave_stacks_out()
    folder = home_from_environment()
    calendar, wrong = read_calendar(folder)
    backups, wrong_backups = backup_settings(folder)
    _, wrong_settings = dagster_settings(folder)
    for mistake in filter(None, (wrong, wrong_backups, wrong_settings)):
        dg.get_dagster_logger().warning(str(mistake))
    registers = registers_in_use(folder)
    months = month_partitions(registers, calendar.timezone)
    models = warehouse_models(manifest_path())
    home = HomeResource()
    intake_jobs, intake_sensors = county_intake(folder, registers)
    return dg.Definitions(
        assets=[deliveries, raw_tables(manifest_path()), models, *publication(models, months)],
        asset_checks=[rule_checks(models)],
        jobs=[
            monthly_refresh,
            monthly_judgement,
            county_refresh(registers, months),
            reminders(months),
            backup_job,
            *intake_jobs,
        ],
        schedules=[*schedules(calendar, wrong), backup_schedule(backups, calendar.timezone)],
        sensors=[inbox_sensor, *intake_sensors, published_elsewhere_sensor, *alert_sensors],
        resources={"home": home, "writer": WriterResource(home=home)},
        # The lock of the data folder lives as long as the resources of one process.
        executor=dg.in_process_executor,
    )


def __getattr__(name: str) -> Any:
    """Return Dagster's definitions as `defs`."""
    if name == "defs":
        return _definitions()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List `defs`, by which Dagster finds it."""
    return [*globals(), "defs"]
