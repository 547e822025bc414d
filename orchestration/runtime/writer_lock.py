"""One writer at a time, whoever starts it: the command line, Dagster, or two of either.

Belongs here: the lock. Not here: Dagster's pool, which orders the steps of Dagster alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from sources.custody.home import Home


class AnotherWriter(RuntimeError):
    """Another process writes this home, and did not end while it was waited for."""


@contextmanager
def one_writer(home: Home, wait_seconds: float = 0) -> Iterator[None]:
    """Hold the home's lock for the block. Raises AnotherWriter after waiting in vain."""
    home.root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home.root / "writer.lock")
    try:
        lock.acquire(timeout=wait_seconds)
    except Timeout as timeout:
        raise AnotherWriter("another refresh is at work on this KRAT_HOME") from timeout
    try:
        yield
    finally:
        lock.release()
