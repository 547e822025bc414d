"""Reading in a child process, so that a hostile file takes down nothing but its reader.

Belongs here: the child, its limits, and what is said of a file that breaks it. Not here: what a
file means (sources.reading) or the limits that are checked before parsing (sources.tables).

One child reads file after file: a process for each would cost more than the reading. When it dies
or takes too long, the file at hand is refused and the next one gets a new child.
"""

import multiprocessing
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType

from sources.pseudonyms import Pseudonyms
from sources.reading import Reading, broken_reading, read_content
from sources.registers import Registers

#: Address space of the child: above what the largest permitted workbook needs, below 1 GiB.
MAX_MEMORY_BYTES = 1000 * 2**20

#: Above what the largest permitted file takes, below what anyone waits for.
MAX_SECONDS = 15.0


class IsolatedReader:
    """Reads deliveries in a child process; a context that ends it.

    The child reads the pseudonyms' keys in `keys_dir`, and makes those that are missing.
    """

    def __init__(
        self, registers: Registers, keys_dir: Path, max_seconds: float = MAX_SECONDS
    ) -> None:
        self._registers = registers
        self._keys_dir = keys_dir
        self._max_seconds = max_seconds
        self._child: tuple[BaseProcess, Connection] | None = None

    def __enter__(self) -> "IsolatedReader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def read(self, content: bytes, county_code: str, received_at: datetime) -> Reading:
        """Return the file as read, or as refused when reading it broke a limit."""
        process, connection = self._child = self._child or self._started()
        try:
            connection.send((content, county_code, received_at))
            if connection.poll(self._max_seconds):
                reading: Reading = connection.recv()
                return replace(reading, original=content)
        # The child died, with the file half read or its answer half sent.
        except (EOFError, OSError):
            process.join(1)
        self._end()
        return broken_reading(content, county_code, self._registers, received_at)

    def _started(self) -> tuple[BaseProcess, Connection]:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_serve, args=(theirs, self._registers, self._keys_dir), daemon=True
        )
        process.start()
        theirs.close()
        return process, ours

    def _end(self) -> None:
        if self._child is not None:
            process, connection = self._child
            connection.close()
            process.kill()
            process.join()
            process.close()
            self._child = None


def _serve(connection: Connection, registers: Registers, keys_dir: Path) -> None:
    """Answer until the parent goes, within the limits."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    keys = Pseudonyms(keys_dir)
    with _silent():
        while True:
            try:
                content, county_code, received_at = connection.recv()
            except EOFError:
                return
            try:
                reading = read_content(content, county_code, registers, keys, received_at)
            except (MemoryError, RecursionError):
                reading = broken_reading(content, county_code, registers, received_at)
            connection.send(replace(reading, original=b""))


@contextmanager
def _silent() -> Iterator[None]:
    """Let nothing that a parser says reach a log: it could quote the file."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.close(null)
