"""Units of systemd: Dagster's daemon, its page, serve, a look at their health and daily upkeep.

Belongs here: the text of units. Not here: what the units run (orchestration.commands.service).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from orchestration.runtime.office import backup_settings
from orchestration.runtime.settings import LOOPBACK, SERVE_PORT, STORAGE, UI_PORT
from sources.custody.home import Home

SERVICES = ("krat-daemon", "krat-page", "krat-serve")

#: Where secrets are, outside the data folder: KRAT_DAGSTER_STORAGE and the like.
_SECRETS = {True: "%h/.config/krat/secrets", False: "/etc/krat/secrets"}


def secrets(own: bool) -> str:
    """Return the file of secrets, of one's own units or of the system's."""
    return _SECRETS[own].replace("%h", "~")


#: Of the whole system a service sees what it needs. What a user's own systemd can't do is left out.
_SANDBOX = """
# What the service may not: write outside its folders, gain rights, see devices or other processes.
NoNewPrivileges=yes
ProtectSystem=strict
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
UMask=0077
"""
_SYSTEM_SANDBOX = """CapabilityBoundingSet=
PrivateDevices=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RemoveIPC=yes
"""

#: The page has no login, and talks to nobody but this machine.
_LOOPBACK_ALONE = """IPAddressDeny=any
IPAddressAllow=localhost
"""


@dataclass(frozen=True)
class ForWhom:
    """For whom units are: the folder of data, the program, and the user, None for one's own."""

    home: Home
    program: Path
    user: str | None


def units(place: ForWhom) -> dict[str, str]:
    """Return the text of each unit by its file name."""
    home = place.home
    private = [home.raw, home.vault, home.quarantine, home.warehouse]
    settings, _ = backup_settings(home)
    stores = [Path(settings.to)] if settings.to else []
    written = (home.root, home.keys, *stores)
    health = "krat service status --quiet"
    return {
        "krat-daemon.service": _service(
            place, "schedules, sensors and runs of Dagster", "service run daemon", written,
            # A run ends with its process; the next start reports it as failed.
            more="TimeoutStartSec=300\nTimeoutStopSec=60\nRestart=always\nRestartSec=10\n",
        ),
        "krat-page.service": _service(
            place, f"Dagster's page on http://{LOOPBACK}:{UI_PORT}", "service run page", written,
            after="krat-daemon.service",
            more=f"Restart=always\nRestartSec=10\n{_page_addresses(place)}",
        ),
        "krat-serve.service": _service(
            place, f"releases on http://{LOOPBACK}:{SERVE_PORT}", "serve", (home.root,),
            more="Restart=always\nRestartSec=10\n" + _closed([home.keys, *private]),
        ),
        "krat-health.service": _service(
            place, "a look whether the others answer", "service status --quiet", (home.dagster,),
            kind="oneshot", on_failure="krat-restart.service",
        ),
        "krat-restart.service": (
            f"[Unit]\nDescription=krat: starts again what `{health}` found silent\n\n[Service]\n"
            "Type=oneshot\n"
            f"ExecStart=systemctl {'' if place.user else '--user '}try-restart "
            f"{' '.join(f'{name}.service' for name in SERVICES)}\n"
        ),
        "krat-health.timer": _timer(
            "krat: every five minutes", "OnBootSec=10min\nOnUnitInactiveSec=5min"
        ),
        "krat-tidy.service": _service(
            place, "removes what is kept long enough", "service tidy", written, kind="oneshot"
        ),
        "krat-tidy.timer": _timer("krat: once a day", "OnCalendar=daily\nPersistent=yes"),
    }  # fmt: skip


def enabled() -> list[str]:
    """Return the units that start by themselves."""
    return [*(f"{name}.service" for name in SERVICES), "krat-health.timer", "krat-tidy.timer"]


def _service(
    place: ForWhom,
    what: str,
    command: str,
    written: Iterable[Path],
    *,
    kind: str = "exec",
    after: str = "",
    on_failure: str = "",
    more: str = "",
) -> str:
    waits = f"network-online.target {after}".strip()
    unit = f"[Unit]\nDescription=krat: {what}\nAfter={waits}\nWants={waits}\n"
    if on_failure:
        unit += f"OnFailure={on_failure}\n"
    service = (
        f"Type={kind}\n"
        f"{f'User={place.user}{chr(10)}' if place.user else ''}"
        f"Environment={_quoted(f'KRAT_HOME={place.home.root}')}\n"
        f"Environment={_quoted(f'KRAT_KEYS={place.home.keys}')}\n"
        f"EnvironmentFile=-{_SECRETS[place.user is None]}\n"
        f"WorkingDirectory={str(place.home.root).replace('%', '%%')}\n"
        f"ExecStart={_quoted(str(place.program))} {command}\n"
        f"{more}{_SANDBOX}{_SYSTEM_SANDBOX if place.user else 'PrivateUsers=yes' + chr(10)}"
        f"ProtectHome={_protect_home(place)}\n"
        f"ReadWritePaths={' '.join(_quoted(str(path)) for path in written)}\n"
    )
    wanted = "multi-user.target" if place.user else "default.target"
    install = f"\n[Install]\nWantedBy={wanted}\n" if kind == "exec" else ""
    return f"{unit}\n[Service]\n{service}{install}"


def _page_addresses(place: ForWhom) -> str:
    """Return that the page talks to this machine alone, unless its storage is a database."""
    if not place.user:
        return ""
    return f"# With {STORAGE} on another machine: add its address in a drop-in.\n{_LOOPBACK_ALONE}"


def _closed(paths: Iterable[Path]) -> str:
    return "".join(f"InaccessiblePaths={_quoted(f'-{path}')}\n" for path in paths)


def _protect_home(place: ForWhom) -> str:
    """Close the folders of people, but where krat or its data lie in one."""
    needed = (place.home.root, place.home.keys, place.program)
    homes = (Path("/home"), Path("/root"), Path("/run/user"))
    inside = any(path.is_relative_to(folder) for path in needed for folder in homes)
    return "read-only" if inside or not place.user else "yes"


def _timer(what: str, times: str) -> str:
    return f"[Unit]\nDescription={what}\n\n[Timer]\n{times}\n\n[Install]\nWantedBy=timers.target\n"


def _quoted(value: str) -> str:
    """Quote a word for systemd where it needs it; % and $ are no specifiers or variables."""
    value = value.replace("%", "%%")
    if re.fullmatch(r"[\w./=:%+@,-]+", value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
