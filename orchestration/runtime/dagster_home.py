"""Dagster's own settings file, written into its home when it is opened.

Belongs here: what every Dagster instance of krat is given, and what an office may change of it.
Not here: assets, jobs, schedules.
"""

from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ImportString, field_validator

from orchestration.runtime.settings import STORAGE_URL, dagster_storage
from orchestration.runtime.settings_files import OfficeSettings, WrongSetting, read_settings
from sources.atomic import write_text
from sources.custody.home import Home

#: krat's own, which an office may replace by one of its name.
OWN = Path(__file__).with_name("dagster.yml")

#: The pool of everything that opens the warehouse for writing: DuckDB has one writer.
WRITER_POOL = "duckdb"


class KeepDays(OfficeSettings):
    """How many days Dagster keeps what it recorded."""

    runs: int = Field(ge=1, le=36_500)
    ticks: int = Field(ge=1, le=36_500)
    output: int = Field(ge=1, le=36_500)


class IntakeSettings(OfficeSettings):
    """Which executor takes in the counties' folders side by side, None for none, and its config."""

    executor: ImportString[Any] | None
    config: dict[str, Any]

    @field_validator("executor")
    @classmethod
    def _is_executor(cls, named: Any) -> Any:
        # By its name: Dagster isn't imported where none is set.
        if named is not None and type(named).__name__ != "ExecutorDefinition":
            raise ValueError("no executor")
        return named


class DagsterSettings(OfficeSettings):
    """How Dagster runs, as dagster.yml explains."""

    longest_run_hours: float = Field(ge=0.1, le=8_760)
    keep_days: KeepDays
    intake: IntakeSettings


def dagster_settings(home: Home) -> tuple[DagsterSettings, WrongSetting | None]:
    """Return the settings in use, and the mistake in the office's where it has one."""
    return read_settings(home, OWN, DagsterSettings)


def write_dagster_home(home: Home) -> WrongSetting | None:
    """Write dagster.yaml, which names the storage's variable and never its password.

    Runs and events lie beside it unless KRAT_DAGSTER_STORAGE names a database. Returns the mistake
    in the office's settings, whose last good ones are used then. Raises ValueError for a storage
    that is no PostgreSQL.
    """
    settings, wrong = dagster_settings(home)
    write_text(home.dagster / "dagster.yaml", yaml.safe_dump(_instance(settings)))
    return wrong


def _instance(settings: DagsterSettings) -> dict[str, Any]:
    ticks = {"purge_after_days": settings.keep_days.ticks}
    instance: dict[str, Any] = {
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
        "concurrency": {
            "pools": {"default_limit": 1, "granularity": "op"},
            "runs": {"max_concurrent_runs": 1},
        },
        # The run of a killed process would hold the only place in the queue, or in the pool of
        # writers, for ever.
        "run_monitoring": {
            "enabled": True,
            "poll_interval_seconds": 15,
            "free_slots_after_run_end_seconds": 15,
            "max_runtime_seconds": int(settings.longest_run_hours * 3600),
        },
        "retention": {"schedule": ticks, "sensor": ticks},
    }
    if dagster_storage():
        instance["storage"] = {"postgres": {"postgres_url": {"env": STORAGE_URL}}}
    return instance
