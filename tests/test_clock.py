"""A clock that was set back is told, and stops whatever would write."""

from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self

import pytest
from click.testing import CliRunner

from orchestration.cli import cli
from sources.custody import audit, journal
from sources.custody.home import Home
from sources.custody.version import write_version

COMMANDS = [
    ["refresh", "--month", "2023-05"],
    ["backup", "--to", "backups"],
    ["keys", "rotate", "case", "--reason", "drill"],
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.chdir(tmp_path)
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    write_version(home)
    return home


def krat(home: Home, *arguments: str) -> str:
    """Run a command; return what it says."""
    place = {"KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)}
    done = CliRunner().invoke(cli, [*arguments], env=place)
    return f"{done.output}{done.exception}"


def enter_in(home: Home, ahead: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enter something with a clock that is ahead of this one."""

    class Ahead(datetime):
        @classmethod
        def now(cls, zone: tzinfo | None = None) -> Self:
            return super().now(zone) + ahead

    with monkeypatch.context() as patch:
        patch.setattr(journal, "datetime", Ahead)
        audit.append(home, "backup", "made", "", outcome="x" * 3000)


def contents(home: Home) -> dict[str, bytes]:
    """Return every file but those that keep others out."""
    return {
        str(path): path.read_bytes()
        for path in home.root.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_clock_that_was_set_back_is_told_and_nothing_is_changed(
    command: list[str], home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter_in(home, timedelta(days=2), monkeypatch)
    before = contents(home)
    told = krat(home, *command)
    assert "Rregulloni orën" in told
    assert "Set the clock" in told
    assert contents(home) == before


def test_a_clock_that_is_put_right_by_minutes_stops_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter_in(home, timedelta(minutes=50), monkeypatch)
    assert "there is no key" in krat(home, *COMMANDS[-1])


def test_krat_goes_on_when_the_clock_was_ahead_before(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter_in(home, timedelta(days=400), monkeypatch)
    assert "Set the clock" in krat(home, *COMMANDS[-1])
    assert "the text holds an address" in krat(home, "audit", "clock", "--reason", "x@y")
    assert "Set the clock" in krat(home, *COMMANDS[-1])
    assert "right now" in krat(home, "audit", "clock", "--reason", "it was a year ahead")
    assert "there is no key" in krat(home, *COMMANDS[-1])
    assert audit.faults(home) == []
