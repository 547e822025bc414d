"""What an office may set beside Dagster, calendar and alerts: addresses, serving, backups.

Belongs here: office.yml, serve.yml and backup.yml. Not here: how a settings file is read
(settings_files).
"""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from orchestration.runtime.settings_files import (
    CountyCode,
    OfficeSettings,
    WrongSetting,
    read_settings,
)
from sources.custody.home import Home

#: krat's own, which an office may replace by those of their names.
OFFICE = Path(__file__).with_name("office.yml")
SERVE = Path(__file__).with_name("serve.yml")
BACKUP = Path(__file__).with_name("backup.yml")


def _limit(text: str) -> str:
    from limits import parse_many

    [limit] = parse_many(text)
    if limit.amount < 1:
        raise ValueError("nobody may ask")
    return text


def _network(text: str) -> str:
    ip_network(text)
    return text


#: How often something may be asked, as 20/minute.
Limit = Annotated[str, AfterValidator(_limit)]
#: A line with something on it.
Line = Annotated[str, Field(pattern=r"^[^\n\r]*[^\s][^\n\r]*$")]


class OfficeAddresses(OfficeSettings):
    """An office.yml."""

    #: How a setting that krat's own file leaves empty is written.
    EXAMPLES: ClassVar[dict[str, Any]] = {"send_to": {"AL-04": "krat@example.al"}}

    send_to: dict[CountyCode, Line]


class Limits(OfficeSettings):
    """How much may be asked."""

    per_token: Limit
    per_address: Limit
    failed_tokens: Limit
    checks_per_token: Limit


class ServeSettings(OfficeSettings):
    """How `krat serve` behaves, as serve.yml explains."""

    EXAMPLES: ClassVar[dict[str, Any]] = {
        "trusted_proxies": ["127.0.0.1"],
        "public_url": "https://krat.example.al",
        "sites": ["public"],
    }

    limits: Limits
    checks_at_once: int = Field(ge=1, le=1000)
    sent_megabytes: float = Field(gt=0, le=1000)
    requests: int = Field(ge=1, le=100_000)
    connections_per_address: int = Field(ge=1, le=100_000)
    header_seconds: float = Field(gt=0, le=86_400)
    stalled_seconds: float = Field(gt=0, le=86_400)
    trusted_proxies: tuple[Annotated[str, AfterValidator(_network)], ...]
    access_log_days: int = Field(ge=0, le=36_500)
    public_url: Annotated[str, Field(pattern=r"^(https?://[^\s/]\S*)?$")]
    sites: tuple[Literal["public", "restricted"], ...]


class Keep(OfficeSettings):
    """Which backups stay: all of some days, then the last of each week and month."""

    days: int = Field(ge=0, le=36_500)
    weeks: int = Field(ge=0, le=5_200)
    months: int = Field(ge=0, le=1_200)


class BackupSettings(OfficeSettings):
    """When backups are made, and how long they are kept, as backup.yml explains."""

    EXAMPLES: ClassVar[dict[str, Any]] = {"to": "/mnt/backup/krat"}

    #: A folder; nothing where no backup is made by itself.
    to: Annotated[str, Field(pattern=r"^(/[^\n\r]+)?$")]
    at: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    keep: Keep


def read_office(home: Home) -> tuple[OfficeAddresses, WrongSetting | None]:
    """Return the settings in use, and the mistake in the office's own if it has one."""
    return read_settings(home, OFFICE, OfficeAddresses)


def serve_settings(home: Home) -> tuple[ServeSettings, WrongSetting | None]:
    """Return the settings in use, and the mistake in the office's own if it has one."""
    return read_settings(home, SERVE, ServeSettings)


def backup_settings(home: Home) -> tuple[BackupSettings, WrongSetting | None]:
    """Return the settings in use, and the mistake in the office's own if it has one."""
    return read_settings(home, BACKUP, BackupSettings)
