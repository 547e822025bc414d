"""One writer at a time, whoever starts it: the command line, Dagster, or two of either.

Belongs here: the lock, and who holds it. Not here: Dagster's pool, which orders the steps of
Dagster alone.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestration.runtime.clock import require_clock
from sources.atomic import write_json
from sources.custody.home import Home
from sources.custody.journal import user_name


class AnotherWriter(RuntimeError):
    """Another process writes this data folder, and did not end while it was waited for."""


#: For how many seconds at most `current_writer` may hold the lock to see whether it is free.
_INSTANT = 0.1


@dataclass(frozen=True)
class Writer:
    """A process that writes the data folder; `since` has a zone."""

    name: str
    process: int
    user: str
    since: datetime

    def __str__(self) -> str:
        return (
            f"{self.name} (process {self.process} of {self.user}, since "
            f"{self.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC)"
        )


@contextmanager
def one_writer(
    home: Home,
    wait_seconds: float = 0,
    *,
    name: str = "krat",
    on_wait: Callable[[str], None] = lambda _: None,
) -> Iterator[None]:
    """Hold the data folder's lock for the block, as `name`.

    Where another process holds it, `on_wait` is called once with who that is and since when.
    Raises AnotherWriter, with the same words, after `wait_seconds` in vain, and clock.ClockSetBack.
    """
    # Imported here: commands that only read start without it.
    from filelock import FileLock, Timeout

    home.root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(_lock_path(home))
    try:
        lock.acquire(timeout=_INSTANT, poll_interval=_INSTANT / 10)
    except Timeout:
        holder = _written(home) or "another process"
        if wait_seconds > 0:
            on_wait(f"waiting up to {wait_seconds:.0f} seconds for {holder} to end")
        try:
            lock.acquire(timeout=wait_seconds)
        except Timeout:
            raise _another(home) from None
    try:
        require_clock(home)
        write_json(
            _holder_path(home),
            {
                "name": name,
                "process": os.getpid(),
                "user": user_name(),
                "since": datetime.now(UTC).isoformat(timespec="seconds"),
            },
        )
        yield
    finally:
        _holder_path(home).unlink(missing_ok=True)
        lock.release()


@contextmanager
def one_county(
    home: Home,
    county: str,
    wait_seconds: float = 0,
    *,
    on_wait: Callable[[str], None] = lambda _: None,
) -> Iterator[None]:
    """Hold one county's part of the data folder for the block: to take in what lies in its folder.

    Those who hold other counties don't disturb each other; `one_writer` waits for all of them, and
    they for it. `on_wait` as there. Raises AnotherWriter after `wait_seconds` in vain, and
    clock.ClockSetBack.
    """
    from filelock import FileLock, Timeout

    home.root.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + wait_seconds
    own = FileLock(home.root / f"{county}.lock")
    try:
        own.acquire(timeout=wait_seconds)
    except Timeout:
        raise AnotherWriter(
            f"{county} is being taken in by another process: try again when it has ended"
        ) from None
    shared = os.open(_lock_path(home), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        has_told = False
        while not _is_shared(shared):
            if time.monotonic() >= until:
                raise _another(home)
            if not has_told:
                holder = _written(home) or "another process"
                on_wait(f"waiting up to {wait_seconds:.0f} seconds for {holder} to end")
                has_told = True
            time.sleep(_INSTANT)
        require_clock(home)
        yield
    finally:
        os.close(shared)
        own.release()


def _is_shared(handle: int) -> bool:
    """Take the writer's lock together with others who share it; closing the file gives it back."""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _another(home: Home) -> AnotherWriter:
    return AnotherWriter(
        f"{_written(home) or 'another process'} writes this data folder: try again when it "
        "has ended, or wait longer with --wait SECONDS"
    )


def _lock_path(home: Home) -> Path:
    return home.root / "writer.lock"


def current_writer(home: Home) -> Writer | None:
    """Return who writes the data folder now, or None; nobody is kept waiting by the question."""
    writer = _written(home)
    if writer is None:
        return None
    from filelock import FileLock, Timeout

    # A killed process leaves its name behind, but not the lock.
    try:
        with FileLock(_lock_path(home), timeout=0):
            return None
    except Timeout:
        return writer


def _written(home: Home) -> Writer | None:
    """Return who took the lock last and did not give it back, as far as that was written."""
    try:
        holder = json.loads(_holder_path(home).read_text(encoding="utf-8"))
        since = datetime.fromisoformat(holder["since"])
        return Writer(holder["name"], holder["process"], holder["user"], since)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _holder_path(home: Home) -> Path:
    return home.root / "writer.json"
