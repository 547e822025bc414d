"""Reading in child processes, so that a hostile file takes down nothing but its reader.

Belongs here: the children, their limits, and what is said of a file that breaks one. Not here: what
a file means (sources.reading) or the limits that are checked before parsing
(sources.reading.tables).

A child reads file after file: a process for each would cost more than the reading. It is handed
several at once and answers several at once, because a message costs as much as a small form. When
it dies or takes too long, the file in its hand is refused and the others get a new child.
"""

import errno
import gc
import hashlib
import mmap
import os
import resource
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from multiprocessing.connection import Connection, Pipe, wait

from sources.custody.arrivals import STAYING, UNOPENABLE, Arrival, Changed, read_chunks, read_whole
from sources.custody.home import Home
from sources.custody.pseudonyms import Pseudonyms
from sources.custody.repeats import Contents, Settled
from sources.custody.vault import Sealer
from sources.layouts import SOURCES
from sources.reading import (
    CONTENT_PURPOSE,
    Reading,
    hash_content,
    read_content,
    read_each,
    refused_unread,
)
from sources.registers import Registers

#: Address space of a child: above what the largest permitted file needs, below 1 GiB.
MAX_MEMORY_BYTES = 1000 * 2**20

#: Above what the largest permitted file takes, below what anyone waits for.
MAX_SECONDS = 15.0

#: A child that has not begun by then will not: that is no fault of the file.
_START_SECONDS = 60.0

#: What a child runs, with the folder of the packages and the numbers of its connection and of the
#: memory in which it says how far it is.
_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from sources.custody.isolation import serve; serve(*map(int, sys.argv[2:]))"
)

#: Tasks in a message, and those handed to a child before it answers: it never waits for the next.
_TOGETHER = 32
_AHEAD = 8 * _TOGETHER

#: A child answers once it holds so many rows, or has held an answer for so long.
_ROWS_TOGETHER = 2_000
_SECONDS_TOGETHER = 1.0


@dataclass(frozen=True)
class Known:
    """A file whose content was stored before, by its keyed hash."""

    content_hash: str


@dataclass(frozen=True)
class Text:
    """A content that is in memory already and is not kept."""

    content: bytes = field(repr=False)
    folder: str
    received_at: datetime


class NoReader(ValueError):
    """No child process can be started to read files."""


class IsolatedReader:
    """Reads files in `processes` children; a context that ends them.

    Children read the pseudonyms' keys of the home, and make those that are missing; each original
    is sealed under `Home.incoming`. What of the `known` contents is settled is not read.
    """

    def __init__(
        self,
        registers: Registers,
        home: Home,
        known: Contents | None = None,
        processes: int = 1,
        max_seconds: float = MAX_SECONDS,
    ) -> None:
        self._registers = registers
        self._home = home
        known = known or Contents()
        self._known = known.places
        self._keys = Pseudonyms(home.keys)
        self._children = [
            _Child(registers, home, known.settled, max_seconds) for _ in range(processes)
        ]

    def __enter__(self) -> "IsolatedReader":
        return self

    def __exit__(self, *_error: object) -> None:
        for child in self._children:
            child.end()

    def read(self, content: bytes, county_code: str, received_at: datetime) -> Reading:
        """Return a content as read, or as refused when reading it failed; it isn't kept."""
        ((_, answer),) = self._answers([Text(content, county_code, received_at)])
        if isinstance(answer, list):
            # Of several forms in one file the first that would be refused.
            return min(answer, key=lambda each: each.delivery["status"] != "refused")
        if isinstance(answer, Reading):
            return answer
        rule = answer if isinstance(answer, str) else "program_failed"
        content_hash = hash_content(content, self._keys.key)
        return refused_unread(
            rule, content_hash, len(content), county_code, self._registers, received_at
        )

    def read_all(
        self, arrivals: Iterable[Arrival]
    ) -> Iterator[tuple[Arrival, Reading | Known | None]]:
        """Yield each file and what it turned out to be, as soon as that is known.

        A message or archive comes once for each form in it, one right behind the other. None is a
        file that is still being written, or that was answered and can't be taken. Raises
        OSError when an original can't be sealed, NoReader when no child can be started.
        """
        arrivals = list(arrivals)
        for arrival in arrivals:
            if arrival.rule:
                yield arrival, self._unread(arrival, arrival.rule)
        for task, answer in self._answers(arrival for arrival in arrivals if not arrival.rule):
            if isinstance(task, Arrival):
                if isinstance(answer, str):
                    yield task, self._unread(task, answer)
                elif isinstance(answer, list):
                    yield from ((task, each) for each in answer)
                else:
                    yield task, answer

    def _answers(
        self, tasks: Iterable[Arrival | Text]
    ) -> Iterator[tuple[Arrival | Text, "_Answer"]]:
        """Yield each task with its answer; a string is the rule under which it isn't read."""
        waiting = deque(tasks)
        while True:
            for child in self._children:
                while waiting and len(child.tasks) <= _AHEAD - _TOGETHER:
                    number = min(_TOGETHER, len(waiting))
                    child.give([waiting.popleft() for _ in range(number)])
            busy = [child for child in self._children if child.tasks]
            if not busy:
                return
            for child in _ready(busy):
                try:
                    answers = child.answers()
                # It died or was ended, with the file half read or its answer half sent.
                except (EOFError, OSError):
                    broken = child.tasks[child.in_hand]
                    waiting.extendleft(task for task in child.tasks if task is not broken)
                    child.end()
                    yield broken, "over_limits"
                else:
                    for answer in answers:
                        yield child.tasks.popleft(), answer

    def _unread(self, arrival: Arrival, rule: str) -> Reading | Known | None:
        """Return the refusal of a file that no child has read; its original is sealed here."""
        digest = hashlib.sha256()
        sealed = None
        name_key = arrival.name_key(self._keys)
        if rule in ("not_a_file", *STAYING):
            # Without a content, what tells it from another is its name and time.
            digest.update(f"{name_key}|{arrival.modified_ns}".encode())
        else:
            try:
                sealed = Sealer(self._home).keep(_digested(read_chunks(arrival), digest.update))
            except (Changed, FileNotFoundError):
                return None
            except PermissionError:
                return self._unread(arrival, UNOPENABLE)
        content_hash = self._keys.key(CONTENT_PURPOSE, digest.hexdigest())
        if (self._registers.county_of(arrival.folder), content_hash) in self._known:
            return None if rule in STAYING else Known(content_hash)
        refused = refused_unread(
            rule,
            content_hash,
            arrival.byte_count,
            arrival.folder,
            self._registers,
            arrival.received_at,
        )
        return replace(refused, delivery={**refused.delivery, "name_key": name_key}, sealed=sealed)


#: A message or archive is answered by the forms in it.
_Answer = Reading | list[Reading] | Known | str | None


def _readings(answer: _Answer) -> list[Reading]:
    if isinstance(answer, Reading):
        return [answer]
    return answer if isinstance(answer, list) else []


class _Progress:
    """How far a child is, in memory that it shares with the process that waits for it."""

    def __init__(self, handle: int) -> None:
        self._numbers = memoryview(mmap.mmap(handle, 2 * 8)).cast("d")

    def begin(self) -> None:
        """Note that the next task is in hand, from now on."""
        # In this order: who sees the new number sees the new time.
        self._numbers[1] = time.monotonic()
        self._numbers[0] += 1

    @property
    def begun(self) -> int:
        """Tasks begun so far."""
        return int(self._numbers[0])

    @property
    def since(self) -> float:
        """When the last of them was begun, by the clock that is the same in all processes."""
        return self._numbers[1]


class _Child:
    """A reading process, started with its first task; `tasks` are those not answered yet."""

    def __init__(
        self, registers: Registers, home: Home, settled: Settled, max_seconds: float
    ) -> None:
        self.tasks: deque[Arrival | Text] = deque()
        self._arguments = (registers, home, settled)
        self._max_seconds = max_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._ours: Connection | None = None
        self._progress: _Progress | None = None
        self._answered = 0
        self._given_at = 0.0
        self._has_begun = False

    @property
    def connection(self) -> Connection:
        if self._ours is None:
            raise EOFError
        return self._ours

    @property
    def deadline(self) -> float:
        """When it will have taken too long for the task in its hand, or to start."""
        if not self._has_begun or self._progress is None:
            return self._given_at + _START_SECONDS
        return max(self._given_at, self._progress.since) + self._max_seconds

    @property
    def in_hand(self) -> int:
        """The place in `tasks` of the one that it works on."""
        begun = self._progress.begun if self._progress else 0
        return max(0, begun - self._answered - 1)

    def give(self, tasks: list[Arrival | Text]) -> None:
        if not self.tasks:
            self._given_at = time.monotonic()
        if self._process is None:
            self._start()
        self.tasks.extend(tasks)
        # That it died is found when its answer is asked for.
        with suppress(OSError):
            self.connection.send(tasks)

    def answers(self) -> list[_Answer]:
        """Return the answers to the first of its tasks; EOFError or OSError if there are none."""
        if not self._has_begun:
            self._begin()
        if not self.connection.poll(max(0.0, self.deadline - time.monotonic())):
            raise EOFError
        answers: list[_Answer] = self.connection.recv()
        self._answered += len(answers)
        return answers

    def end(self) -> None:
        if self._process is not None:
            self.connection.close()
            self._process.kill()
            self._process.wait()
        self._process = self._ours = self._progress = None
        self._answered = 0
        self._has_begun = False
        self.tasks.clear()

    def _start(self) -> None:
        self._ours, theirs = Pipe()
        shared = os.memfd_create("progress")
        os.truncate(shared, mmap.PAGESIZE)
        self._progress = _Progress(shared)
        # Not a process of multiprocessing, which would import the program that asks for it again.
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-I", "-c", _PROGRAM),
                *(str(SOURCES.parent), str(theirs.fileno()), str(shared)),
            ],
            pass_fds=[theirs.fileno(), shared],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            # Nothing that a parser says may reach a log: it could quote the file.
            stderr=subprocess.DEVNULL,
        )
        theirs.close()
        os.close(shared)
        # That it died already is found when an answer is asked for.
        with suppress(OSError):
            self._ours.send(self._arguments)

    def _begin(self) -> None:
        try:
            begun = self.connection.poll(max(0.0, self.deadline - time.monotonic()))
            if begun:
                self.connection.recv()
        except (EOFError, OSError):
            begun = False
        if not begun:
            raise NoReader("the process that reads files does not start: nothing was taken in.")
        self._has_begun = True
        self._given_at = time.monotonic()


def _ready(busy: list[_Child]) -> list[_Child]:
    """Wait until a child has an answer, has died, or is over its time; return those that do."""
    while True:
        patience = min(child.deadline for child in busy) - time.monotonic()
        answering = wait([child.connection for child in busy], max(0.0, patience))
        ready = [
            child
            for child in busy
            if child.connection in answering or child.deadline <= time.monotonic()
        ]
        if ready:
            return ready


def _digested(chunks: Iterable[bytes], update: Callable[[bytes], None]) -> Iterator[bytes]:
    for chunk in chunks:
        update(chunk)
        yield chunk


def serve(handle: int, shared: int) -> None:
    """Answer what comes over a connection until its other end closes, within the limits."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    connection, progress = Connection(handle), _Progress(shared)
    registers, home, settled = connection.recv()
    keys = Pseudonyms(home.keys)
    sealer: Sealer | None = None
    connection.send(None)
    # What lasts as long as the process needs no looking through for garbage; files leave little.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    while True:
        try:
            tasks: list[Arrival | Text] = connection.recv()
        except EOFError:
            return
        answers: list[_Answer] = []
        rows, since = 0, time.monotonic()
        for task in tasks:
            progress.begin()
            try:
                if isinstance(task, Text):
                    asked = task.content, task.folder, registers, keys.key, task.received_at
                    within = read_each(*asked)
                    answer: _Answer = (
                        read_content(*asked)
                        if within is None
                        else [reading for _, reading in within]
                    )
                else:
                    sealer = sealer or Sealer(home)
                    answer = _answer(task, registers, keys, settled, sealer)
            except (MemoryError, RecursionError):
                answer = "over_limits"
            except OSError:
                # The original can't be sealed: who reads the inbox finds that too, and says so.
                raise
            except Exception:
                answer = "program_failed"
            answers.append(answer)
            rows += sum(each.delivery["row_count"] for each in _readings(answer))
            if rows > _ROWS_TOGETHER or time.monotonic() > since + _SECONDS_TOGETHER:
                connection.send(answers)
                answers = []
                rows, since = 0, time.monotonic()
        if answers:
            connection.send(answers)


def _answer(
    arrival: Arrival,
    registers: Registers,
    keys: Pseudonyms,
    settled: Settled,
    sealer: Sealer,
) -> _Answer:
    try:
        content = read_whole(arrival)
    except (Changed, FileNotFoundError):
        return None
    except OSError as error:
        # A link that took the file's place is seen as a link by the next pass.
        return None if error.errno == errno.ELOOP else UNOPENABLE
    content_hash = hash_content(content, keys.key)
    if (registers.county_of(arrival.folder), content_hash) in settled:
        return Known(content_hash)
    within = read_each(content, arrival.folder, registers, keys.key, arrival.received_at)
    readings = within or [
        (
            content,
            read_content(
                content, arrival.folder, registers, keys.key, arrival.received_at, content_hash
            ),
        )
    ]
    name_key = arrival.name_key(keys)
    sealed = [
        replace(
            reading,
            delivery={**reading.delivery, "name_key": name_key},
            sealed=sealer.keep([own]),
        )
        for own, reading in readings
    ]
    return sealed if within else sealed[0]
