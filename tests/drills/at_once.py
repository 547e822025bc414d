"""Begins two commands at once on one data folder, and looks whether both do their work."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import killed

from sources.custody.home import Home

REFRESH = ["refresh", *killed.MONTH, "2023-05", "--wait", "900"]


@dataclass(frozen=True)
class Pair:
    """Two commands; `ends` says what they have come to together."""

    name: str
    commands: Callable[[Home], tuple[list[str], list[str]]]
    ends: tuple[Callable[[Home], dict[str, Any]], ...] = (killed.refreshed,)


@dataclass
class Together:
    """What two commands at once did wrong."""

    name: str
    times: int = 0
    wrong: list[str] = field(default_factory=list)


PAIRS = (
    Pair("two refreshes", lambda _: (REFRESH, REFRESH)),
    Pair("a refresh and the release of another month",
         lambda _: (REFRESH, ["refresh", *killed.MONTH, "2023-06", "--wait", "900"])),
    Pair("a refresh and a pull", lambda home: (
        REFRESH,
        ["pull", "--from", str(home.root), "--since", "2023-01", "--tier", "restricted"],
    )),
    Pair("a refresh and a backup", lambda home: (
        REFRESH, ["backup", "--to", str(killed.store_of(home)), "--wait", "900"],
    ), (killed.refreshed, killed.backed_up)),
    Pair("a refresh and a token", lambda _: (
        REFRESH, ["token", "make", "--reader", "ZKKA", "--county", "all"],
    ), (killed.refreshed, killed.have_a_token)),
)  # fmt: skip


def run(pair: Pair, original: Home, folder: Path, times: int) -> Together:
    """Run a pair at once so many times; what must come of it is what they do one after the other.

    `original` is a home with a report in its inbox.
    """
    seen = Together(pair.name)
    apart = killed.copy_of(original, folder / "apart")
    for command in pair.commands(apart):
        if killed.krat(apart, command).wait() != 0:
            raise RuntimeError(f"{pair.name}: one fails by itself")
    expected = [ends(apart) for ends in pair.ends]
    for number in range(times):
        home = killed.copy_of(original, folder / f"together-{number}")
        processes = [killed.krat(home, command) for command in pair.commands(home)]
        for process, command in zip(processes, pair.commands(home), strict=True):
            if process.wait() != 0:
                seen.wrong.append(f"{pair.name} {number}: krat {command[0]} fails")
        seen.times += 1
        for ends, wanted in zip(pair.ends, expected, strict=True):
            found = ends(home)
            seen.wrong += [
                f"{pair.name} {number}: {part} differs"
                for part in wanted
                if found[part] != wanted[part]
            ]
        seen.wrong += [f"{pair.name} {number}: {what}" for what in killed.broken(home)]
    return seen
