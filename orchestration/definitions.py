"""What Dagster loads: `defs`, made when it is first asked for, so that an import reads nothing."""

from functools import cache
from typing import Any


@cache
def _definitions() -> Any:
    """Merge assets, checks, job, schedule and sensor for the data folder of the environment."""
    import dagster as dg

    from orchestration.defs.ingestion import deliveries, inbox_sensor
    from orchestration.defs.partitions import month_partitions
    from orchestration.defs.publication import publication
    from orchestration.defs.resources import HomeResource, WriterResource
    from orchestration.defs.rule_checks import rule_checks
    from orchestration.defs.schedules import monthly_refresh, monthly_refresh_schedule
    from orchestration.defs.warehouse import raw_tables, warehouse_models
    from orchestration.registers.in_use import registers_in_use
    from orchestration.runtime.settings import (
        home_from_environment,
        manifest_path,
        refresh_schedule,
    )
    from sources.custody.permissions import close_process

    close_process()
    folder = home_from_environment()
    when = refresh_schedule(folder)
    months = month_partitions(registers_in_use(folder), when.timezone)
    models = warehouse_models(manifest_path())
    home = HomeResource()
    return dg.Definitions(
        assets=[deliveries, raw_tables(manifest_path()), models, *publication(models, months)],
        asset_checks=[rule_checks(models)],
        jobs=[monthly_refresh],
        schedules=[monthly_refresh_schedule(when, months)],
        sensors=[inbox_sensor],
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
