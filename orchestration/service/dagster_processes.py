"""Dagster's processes: what must be there before they start, and that all of them end.

Belongs here: starting Dagster's own programs and ending them. Not here: what they load
(orchestration.definitions), or how long Dagster keeps things (orchestration.runtime.dagster_home).
"""

import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from filelock import FileLock, Timeout

from orchestration.runtime.dagster_home import write_dagster_home
from orchestration.runtime.settings import DBT_PROJECT, LOOPBACK, environment_of, manifest_path
from sources.custody.home import Home

MODULE = "orchestration.definitions"

#: How long processes have to end: after Ctrl-C's signal, and after the one that follows it.
GRACE_SECONDS = 10.0
_LAST_SECONDS = 3.0

Tell = Callable[[str], None]


class CannotStart(ValueError):
    """The port is taken, or Dagster runs on this data folder already."""


def program(name: str) -> str:
    """Return the path of a program that was installed beside this Python."""
    return str(Path(sysconfig.get_path("scripts"), name))


def require_free(port: int) -> None:
    """Raise CannotStart where another process listens on the port: Dagster would go on without."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise CannotStart(
                f"port {port} of {LOOPBACK} can't be used ({error.strerror}): end what listens "
                "there, or choose another with --port."
            ) from None


@contextmanager
def only_dagster(home: Home) -> Iterator[None]:
    """Be the only Dagster of this data folder within the block; raise CannotStart if one runs."""
    home.dagster.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(home.dagster / "running.lock", timeout=0, is_singleton=False):
            yield
    except Timeout:
        raise CannotStart(
            "Dagster runs on this data folder already: stop that one first."
        ) from None


def prepare_dagster(home: Home, tell: Tell) -> None:
    """Write dagster.yaml, and dbt's manifest where the dbt project is newer than it."""
    from orchestration.warehouse.build import write_manifest

    if wrong := write_dagster_home(home):
        tell(str(wrong))
    with FileLock(home.dagster / "manifest.lock", is_singleton=False):
        written = manifest_path().stat().st_mtime if manifest_path().exists() else 0.0
        own = (path for path in DBT_PROJECT.rglob("*") if "target" not in path.parts)
        if any(path.stat().st_mtime > written for path in own if path.is_file()):
            write_manifest()


def tidy(home: Home, *, stopped: bool) -> None:
    """End runs that were killed, if Dagster is stopped, and remove what is kept long enough."""
    command = [sys.executable, "-m", "orchestration.defs.upkeep"]
    if stopped:
        command.append("--dagster-is-stopped")
    subprocess.run(command, env=environment_of(home), cwd=home.dagster, check=True)


def supervise(command: list[str], home: Home, tell: Tell) -> int:
    """Run a command with all that it starts until it ends or a signal comes; leave nothing running.

    Returns its exit status, 0 after SIGINT or SIGTERM. Takes at most GRACE_SECONDS + 3 to end.
    """
    stop: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        stop.append(number)

    # A shell starts what it puts into the background with SIGINT ignored, and children inherit it.
    before = {
        one: signal.signal(one, note) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    process = subprocess.Popen(
        command, env=environment_of(home), cwd=home.dagster, start_new_session=True
    )
    try:
        while process.poll() is None and not stop:
            time.sleep(0.1)
        if stop:
            tell("Stopping Dagster …")
    finally:
        _end_session(process)
        for one, handler in before.items():
            signal.signal(one, handler)
    return 0 if stop else process.returncode


def _end_session(process: subprocess.Popen[bytes]) -> None:
    """End all processes of a session: asked, asked again, and then killed."""
    session = process.pid
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        _wait(process, session, GRACE_SECONDS)
    for number, seconds in ((signal.SIGTERM, _LAST_SECONDS), (signal.SIGKILL, _LAST_SECONDS)):
        left = members(session)
        for one in left:
            with suppress(ProcessLookupError):
                os.kill(one, number)
        if left:
            _wait(process, session, seconds)


def _wait(process: subprocess.Popen[bytes], session: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        process.poll()
        if not members(session):
            return
        time.sleep(0.1)


def members(session: int) -> list[int]:
    """Return the living processes of a session: Dagster gives its children groups of their own."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, _, of_session = stat.read_text().rpartition(")")[2].split()[:4]
            if int(of_session) == session and state != "Z":
                found.append(int(stat.parent.name))
    return found
