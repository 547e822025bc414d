"""Where krat keeps its things: the only module that reads the environment.

Belongs here: folders, and what the environment or a settings file may change. Not here: anything
that does work.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import yaml

from sources.home import Home

PROJECT = Path(__file__).resolve().parent.parent
DBT_PROJECT = PROJECT / "dbt_project"
SEEDS = DBT_PROJECT / "seeds"

#: The address `krat ui` binds: Dagster's open-source web server has no login.
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class RefreshSchedule:
    """When the month before is refreshed: a cron expression and its time zone."""

    cron: str
    timezone: str


def home_from_environment() -> Home:
    """Return the home named by KRAT_HOME (default `./data`) with the keys of KRAT_KEYS.

    Without KRAT_KEYS the keys lie beside the home, as `<home>-keys`, never inside it.
    Raises ValueError when KRAT_KEYS points into the home.
    """
    root = Path(os.environ.get("KRAT_HOME", "data")).resolve()
    keys = Path(os.environ.get("KRAT_KEYS", root.with_name(f"{root.name}-keys"))).resolve()
    if keys.is_relative_to(root):
        raise ValueError("KRAT_KEYS lies inside KRAT_HOME: put the keys on a place of their own.")
    return Home(root=root, keys=keys)


def prepare_process(home: Home) -> None:
    """Give dbt and Dagster, which read the environment themselves, their folders and silence."""
    os.environ["KRAT_WAREHOUSE"] = str(home.warehouse)
    os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    os.environ["DAGSTER_HOME"] = str(home.dagster)


def manifest_path() -> Path:
    """Return where dbt writes its manifest: dbt itself heeds DBT_TARGET_PATH."""
    return Path(os.environ.get("DBT_TARGET_PATH", DBT_PROJECT / "target")) / "manifest.json"


def refresh_schedule(home: Home) -> RefreshSchedule:
    """Return the schedule in `<home>/schedule.yml`, or the project's own if there is none."""
    own = home.root / "schedule.yml"
    path = own if own.exists() else PROJECT / "orchestration" / "schedule.yml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return RefreshSchedule(cron=content["cron"], timezone=content["timezone"])
