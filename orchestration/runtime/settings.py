"""Where krat keeps its things: the only module that reads the environment.

Belongs here: folders, and what the environment or a settings file may change. Not here: anything
that does work.
"""

import gc
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

from sources.custody.home import Home
from sources.custody.version import require_version
from sources.datafiles import read_yaml

PROJECT = Path(__file__).resolve().parents[2]
DBT_PROJECT = PROJECT / "dbt_project"
SEEDS = DBT_PROJECT / "seeds"

#: How long a command or a run of Dagster waits for another writer of the data folder, unless the
#: command's --wait says otherwise.
WAIT_SECONDS = 600

#: The address `krat ui` binds: Dagster's open-source web server has no login.
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class RefreshSchedule:
    """When the month before is refreshed: a cron expression and its time zone."""

    cron: str
    timezone: str


@dataclass(frozen=True)
class ServeSettings:
    """How `krat serve` behaves, as serve.yml explains; limits are written as 20/minute."""

    per_token: str
    per_address: str
    failed_tokens: str
    requests: int
    connections_per_address: int
    header_seconds: float
    stalled_seconds: float
    trusted_proxies: tuple[str, ...]
    access_log_days: int
    public_url: str


def home_from_environment() -> Home:
    """Return the home named by KRAT_HOME (default `./data`) with the keys of KRAT_KEYS.

    Without KRAT_KEYS the keys lie beside the home, as `<home>-keys`, never inside it.
    Raises ValueError when KRAT_KEYS points into the home, OtherVersion when another krat wrote it.
    """
    root = Path(os.environ.get("KRAT_HOME", "data")).resolve()
    keys = Path(os.environ.get("KRAT_KEYS", root.with_name(f"{root.name}-keys"))).resolve()
    if keys.is_relative_to(root):
        raise ValueError("KRAT_KEYS lies inside KRAT_HOME: put the keys on a place of their own.")
    home = Home(root=root, keys=keys)
    require_version(home)
    return home


def prepare_process(home: Home) -> None:
    """Give dbt and Dagster, which read the environment themselves, their folders and silence.

    Rubbish is collected seldom from here on: what dbt and Great Expectations make as they are
    imported stays as long as the process, and going through it again and again takes seconds.
    """
    gc.set_threshold(100_000, 50, 100)
    os.environ["KRAT_WAREHOUSE"] = str(home.warehouse)
    os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    os.environ["DAGSTER_HOME"] = str(home.dagster)


def point_dbt_at(registers: Path) -> None:
    """Give dbt the folder of the registers that it builds with (dbt_project/materializations)."""
    os.environ["KRAT_REGISTERS"] = str(registers)


def manifest_path() -> Path:
    """Return where dbt writes its manifest: dbt itself heeds DBT_TARGET_PATH."""
    return Path(os.environ.get("DBT_TARGET_PATH", DBT_PROJECT / "target")) / "manifest.json"


def refresh_schedule(home: Home) -> RefreshSchedule:
    """Return the schedule in `<home>/schedule.yml`, or the project's own if there is none."""
    own = home.root / "schedule.yml"
    path = own if own.exists() else Path(__file__).with_name("schedule.yml")
    content = read_yaml(path)
    return RefreshSchedule(cron=content["cron"], timezone=content["timezone"])


def serve_settings(home: Home) -> ServeSettings:
    """Return the settings in `<home>/serve.yml`, or the project's own if there is none.

    Raises ValueError when one is missing or unknown, or a trusted proxy is no address or network.
    """
    own = home.root / "serve.yml"
    path = own if own.exists() else Path(__file__).with_name("serve.yml")
    content = read_yaml(path)
    try:
        proxies = tuple(content.pop("trusted_proxies"))
        settings = ServeSettings(**content.pop("limits"), **content, trusted_proxies=proxies)
    except (AttributeError, KeyError, TypeError):
        raise ValueError(
            f"{path} does not hold what the project's own serve.yml does: compare the two."
        ) from None
    for proxy in proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError:
            raise ValueError(
                f"{path}: the trusted proxy {proxy!r} is no address or network: write it as "
                "127.0.0.1 or 10.0.0.0/24."
            ) from None
    return settings


def token_from_environment() -> str | None:
    """Return the reader's token in KRAT_TOKEN, or None."""
    return os.environ.get("KRAT_TOKEN") or None
