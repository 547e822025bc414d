"""Begins two commands at once on one data folder, and looks whether both do their work."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import killed

from sources.custody.home import Home

#: Begins a command on a home.
Begins = Callable[[Home], "subprocess.Popen[bytes]"]


def _krat(*arguments: str) -> Begins:
    return lambda home: killed.krat(home, list(arguments))


def _sensor(home: Home) -> "subprocess.Popen[bytes]":
    """Begin in Dagster what the sensor of the inbox asks for."""
    return killed.begun(home, [sys.executable, "-c", _MATERIALIZE])


#: The asset alone: all definitions would need the manifest of a whole build.
_MATERIALIZE = """
import dagster
from orchestration.defs.ingestion import deliveries
from orchestration.defs.resources import HomeResource, WriterResource
writer = WriterResource(home=HomeResource())
dagster.materialize([deliveries], resources={"writer": writer})
"""

_refresh = _krat("refresh", *killed.MONTH, "2023-05", "--wait", "900")


@dataclass(frozen=True)
class Pair:
    """A refresh and another command; `ends` says what they have come to together."""

    name: str
    other: Begins
    ends: tuple[Callable[[Home], dict[str, Any]], ...] = (killed.refreshed,)


@dataclass
class Together:
    """What two commands at once did wrong."""

    name: str
    times: int = 0
    wrong: list[str] = field(default_factory=list)


PAIRS = (
    Pair("two refreshes", _refresh),
    Pair(
        "a refresh and the release of another month",
        _krat("refresh", *killed.MONTH, "2023-06", "--wait", "900"),
    ),
    Pair(
        "a refresh and a pull",
        lambda home: killed.krat(
            home, ["pull", "--from", str(home.root), "--since", "2023-01", "--tier", "restricted"]
        ),
    ),
    Pair(
        "a refresh and a backup",
        lambda home: killed.krat(
            home, ["backup", "--to", str(killed.store_of(home)), "--wait", "900"]
        ),
        (killed.refreshed, killed.backed_up),
    ),
    Pair(
        "a refresh and a token",
        _krat("token", "make", "--reader", "ZKKA", "--county", "all"),
        (killed.refreshed, killed.have_a_token),
    ),
    Pair("a refresh and the sensor of the inbox", _sensor),
)


def run(pair: Pair, original: Home, refreshed: Home, folder: Path, times: int) -> Together:
    """Run a pair at once so many times; what must come of it is what they do one after the other.

    `original` is a home with a report in its inbox, `refreshed` what the first command, a refresh,
    made of it.
    """
    seen = Together(pair.name)
    apart = killed.copy_of(refreshed, folder / "apart")
    if pair.other(apart).wait() != 0:
        raise RuntimeError(f"{pair.name}: one fails by itself")
    expected = [ends(apart) for ends in pair.ends]
    for number in range(times):
        home = killed.copy_of(original, folder / f"together-{number}")
        processes = [_refresh(home), pair.other(home)]
        for order, process in enumerate(processes, start=1):
            if process.wait() != 0:
                seen.wrong.append(f"{pair.name} {number}: command {order} fails")
        seen.times += 1
        for ends, wanted in zip(pair.ends, expected, strict=True):
            found = ends(home)
            seen.wrong += [
                f"{pair.name} {number}: {part} differs"
                for part in wanted
                if found[part] != wanted[part]
            ]
        wrong = [*killed.broken(home), *killed.swept(home, original, is_whole=True)]
        seen.wrong += [f"{pair.name} {number}: {what}" for what in wrong]
    return seen
