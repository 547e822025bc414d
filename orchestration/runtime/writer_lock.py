"""One writer at a time, whoever starts it: the command line, Dagster, or two of either.

Belongs here: the lock, and who holds it. Not here: Dagster's pool, which orders the steps of
Dagster alone.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sources.atomic import write_json
from sources.custody.home import Home
from sources.custody.journal import user_name


class AnotherWriter(RuntimeError):
    """Another process writes this data folder, and did not end while it was waited for."""


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
    Raises AnotherWriter, with the same words, after `wait_seconds` in vain.
    """
    # Imported here: commands that only read start without it.
    from filelock import FileLock, Timeout

    home.root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home.root / "writer.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        holder = _holder(home)
        if wait_seconds > 0:
            on_wait(f"waiting up to {wait_seconds:.0f} seconds for {holder} to end")
        try:
            lock.acquire(timeout=wait_seconds)
        except Timeout:
            raise AnotherWriter(
                f"{_holder(home)} writes this data folder: try again when it has ended, or wait "
                "longer with --wait SECONDS"
            ) from None
    try:
        # It is read only while somebody holds the lock, so one that a killed process left is not.
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
        lock.release()


def _holder(home: Home) -> str:
    """Return who holds the lock and since when, as far as the holder has written it."""
    try:
        holder = json.loads(_holder_path(home).read_text(encoding="utf-8"))
        return (
            f"{holder['name']} (process {holder['process']} of {holder['user']}, since "
            f"{datetime.fromisoformat(holder['since']):%Y-%m-%d %H:%M:%S} UTC)"
        )
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _holder_path(home: Home) -> Path:
    return home.root / "writer.json"
