"""Channels: who hears of which events and counties, as alerts.yml of the data folder has it.

Belongs here: reading alerts.yml, and handing one message to Apprise. Not here: what an event is
(events), or when a message is due (outbox).
"""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator

from orchestration.alerts.events import EventKind, Occurrence
from orchestration.runtime.settings import SECRET_NAME, secret
from orchestration.runtime.settings_files import OfficeSettings, WrongSetting, read_settings
from sources.custody.home import Home

#: krat's own, which an office may replace by one of its name.
OWN = Path(__file__).with_name("alerts.yml")

_URL = re.compile(rf"\$\{{({SECRET_NAME.pattern})\}}")


class Failure(StrEnum):
    """Why a channel failed. What the server answers is not kept: it can quote the address."""

    NO_SECRET = "no_secret"
    NO_ADDRESS = "no_address"
    NOT_TAKEN = "not_taken"


class Channel(OfficeSettings):
    """One who hears of events; no events or counties are all."""

    name: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    url: str
    events: tuple[EventKind, ...] = ()
    #: What concerns the nation alone is of AL.
    counties: tuple[Annotated[str, Field(pattern=r"^AL(-(0[1-9]|1[0-2]))?$")], ...] = ()

    @field_validator("url")
    @classmethod
    def _names_a_variable(cls, url: str) -> str:
        if not _URL.fullmatch(url):
            raise ValueError("no variable")
        return url

    @property
    def variable(self) -> str:
        """The variable that holds the address."""
        return self.url[2:-1]

    def hears_of(self, occurrence: Occurrence) -> bool:
        """Return whether an occurrence is for this channel."""
        return (not self.events or occurrence.event in self.events) and (
            not self.counties or occurrence.county_code in ("", *self.counties)
        )


class Alerts(OfficeSettings):
    """An alerts.yml."""

    #: How a setting that krat's own file leaves empty is written.
    EXAMPLES: ClassVar[dict[str, Any]] = {
        "certificates": ["/etc/ssl/krat/cert.pem"],
        "channels": [
            {
                "name": "analyst",
                "url": "${KRAT_ALERT_ANALYST}",
                "events": [event.value for event in EventKind],
                "counties": ["AL-04"],
            }
        ],
    }

    bundled_minutes: int = Field(ge=0, le=10_080)
    retry_minutes: int = Field(ge=0, le=10_080)
    nothing_came_by_day: int = Field(ge=1, le=28)
    disk_free_gigabytes: float = Field(ge=0)
    days_before_end: int = Field(ge=0, le=3_650)
    certificates: tuple[Path, ...]
    channels: tuple[Channel, ...]

    @field_validator("channels")
    @classmethod
    def _have_different_names(cls, channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
        if len({channel.name for channel in channels}) < len(channels):
            raise ValueError("a name twice")
        return channels


def read_alerts(home: Home) -> tuple[Alerts, WrongSetting | None]:
    """Return the settings in use, and the mistake in the office's own if it has one."""
    return read_settings(home, OWN, Alerts)


def deliver(home: Home, channel: Channel, title: str, body: str) -> Failure | None:
    """Hand a message to a channel; return why it failed, or None."""
    import logging

    import apprise

    # Its lines quote addresses, and what servers answer.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    try:
        address = secret(home, channel.variable)
    except (ValueError, OSError):
        address = None
    if address is None:
        return Failure.NO_SECRET
    sender = apprise.Apprise(
        asset=apprise.AppriseAsset(
            app_id="krat", app_desc="krat", app_url="", image_url_mask="", image_path_mask=""
        )
    )
    try:
        if not sender.add(address):
            return Failure.NO_ADDRESS
        taken = sender.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT)
    # A plugin of Apprise can raise anything; no channel may keep others from being heard.
    except Exception:
        return Failure.NOT_TAKEN
    return None if taken else Failure.NOT_TAKEN
