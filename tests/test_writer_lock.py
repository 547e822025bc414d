"""One process writes a data folder; whoever comes second waits, and is told for whom."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from orchestration.cli import cli
from orchestration.refresh.steps import refresh
from orchestration.runtime.writer_lock import AnotherWriter, current_writer, one_writer
from sources.custody.home import Home

MAY = date(2023, 5, 1)
HOLDER = rf"krat refresh \(process {os.getpid()} of \S+, since 20\d\d-\d\d-\d\d .* UTC\)"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(root=tmp_path / "home", keys=tmp_path / "keys")


def test_a_second_refresh_is_told_who_writes_and_since_when(home: Home) -> None:
    told: list[str] = []
    with one_writer(home, name="krat refresh"):
        with pytest.raises(AnotherWriter, match=f"{HOLDER} writes this data folder"):
            refresh(home, [MAY], report=told.append)
        assert told == []
        with pytest.raises(AnotherWriter):
            refresh(home, [MAY], report=told.append, wait_seconds=0.1)
    assert re.fullmatch(f"waiting up to 0 seconds for {HOLDER} to end", told[0])


def test_a_second_writer_goes_on_when_the_first_has_ended(home: Home) -> None:
    held = threading.Event()
    order: list[str] = []

    def hold() -> None:
        with one_writer(home):
            held.set()
            time.sleep(0.3)
            order.append("first")

    first = threading.Thread(target=hold)
    first.start()
    held.wait()
    with one_writer(home, 30):
        order.append("second")
    first.join()
    assert order == ["first", "second"]


def test_a_command_that_waited_in_vain_says_for_whom_and_what_to_do(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRAT_HOME", str(home.root))
    monkeypatch.setenv("KRAT_KEYS", str(home.keys))
    with one_writer(home, name="krat refresh"):
        told = CliRunner().invoke(cli, ["refresh", "--month", "2023-05", "--wait", "0"])
    assert told.exit_code == 1
    assert re.search(f"Error: {HOLDER} writes this data folder: try again .* --wait", told.stderr)


def test_what_a_killed_process_left_is_not_taken_for_a_holder(home: Home) -> None:
    holds = (
        "import os, signal, sys; from pathlib import Path\n"
        "from orchestration.runtime.writer_lock import one_writer\n"
        "from sources.custody.home import Home\n"
        "with one_writer(Home(Path(sys.argv[1]), Path(sys.argv[2])), name='krat refresh'):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", holds, home.root, home.keys], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (home.root / "writer.json").exists()
    assert current_writer(home) is None
    with one_writer(home, name="krat slips"):
        assert "krat slips" in (home.root / "writer.json").read_text(encoding="utf-8")


def test_who_writes_now_is_known_while_it_writes(home: Home) -> None:
    assert current_writer(home) is None
    with one_writer(home, name="krat refresh"):
        writer = current_writer(home)
        assert writer is not None
        assert (writer.name, writer.process) == ("krat refresh", os.getpid())
        assert datetime.now(UTC) - writer.since < timedelta(minutes=1)
    assert current_writer(home) is None
