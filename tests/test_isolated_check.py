"""Checks in processes of their own: one that fails takes down nothing, and leaves nothing."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.feedback.isolated_check import IsolatedChecks
from sources.custody.home import Home

REPORT = (
    "Formulari;Qarku;Institucioni;Muaji;Të dhënat;Kodi i treguesit;Ndarja;Vlera;Gjendja\n"
    "krat-raport-1;AL-04;AL-04-SHSSH;2023-05;SHEMBULL - TË TRILLUARA;2.1.18.1;;3;\n"
).encode()


@pytest.fixture(scope="module")
def checks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IsolatedChecks]:
    """Checks whose temporary files lie in a folder that is there for them alone."""
    folder = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        patch.setenv("TMPDIR", str(folder))
        with IsolatedChecks() as checks:
            yield checks
            assert list(folder.iterdir()) == []


def _verdict(checks: IsolatedChecks, home: Home, content: bytes = REPORT) -> str | None:
    found = checks.check(home, content, "AL-04", "AL-04-SHSSH", "en")
    return found.document["verdict"] if found else None


def test_what_fails_inside_is_no_answer_and_the_next_check_has_one(
    checks: IsolatedChecks, tmp_path: Path
) -> None:
    broken = Home(root=tmp_path / "broken", keys=tmp_path / "keys")
    broken.root.mkdir()
    broken.known.write_bytes(b"no database")
    with pytest.raises(RuntimeError, match="failed"):
        _verdict(checks, broken)
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    assert _verdict(checks, home) == "flagged"
    # It never had the keys, and makes none.
    assert not home.keys.exists()


def test_a_process_that_died_is_started_again(checks: IsolatedChecks, tmp_path: Path) -> None:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    first = _only_child()
    os.kill(first, signal.SIGKILL)
    # While it is ending it may take a check that nobody answers.
    until = time.monotonic() + 30
    while (verdict := _verdict(checks, home)) is None and time.monotonic() < until:
        pass
    assert verdict == "flagged"
    assert _only_child() != first


def test_the_process_that_is_split_has_no_thread_of_its_own(
    checks: IsolatedChecks, tmp_path: Path
) -> None:
    """What a thread holds at that moment would be held for ever in the new process."""
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    assert _verdict(checks, home) == "flagged"
    # Its own, and those of the allocators of Arrow and DuckDB, which let go of what they hold.
    assert len(list(Path(f"/proc/{_only_child()}/task").iterdir())) <= 3


def _only_child() -> int:
    """Return the process that this one started for checks."""
    found = subprocess.run(
        ["pgrep", "--runstates", "RSD", "-P", str(os.getpid()), "-f", "split_off"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    [child] = found.stdout.split()
    return int(child)
