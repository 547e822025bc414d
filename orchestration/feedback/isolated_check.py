"""Checks of contents that strangers sent: each in a process of its own, with limits.

Belongs here: both sides of those processes. Not here: the check (checking), who may ask for one, or
what becomes of the content (serving).

Loading what a check needs takes longer than the check. So one process loads it, never sees a
content, and splits off a new process for each check.
"""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import duckdb

from orchestration.runtime.settings import PROJECT
from sources.custody.home import Home
from sources.registers import register_rows
from sources.texts import Language

#: The reader, the database and what marks a workbook map some GiB; files within the door's limits
#: need a fraction of it.
_MAX_MEMORY_BYTES = 6 * 2**30

#: Processor time, and time that anyone waits.
_MAX_CPU_SECONDS = 60
_MAX_SECONDS = 90

#: Within it the first check begins: what it needs is loaded then.
_START_SECONDS = 60

#: The answer where the check itself failed.
_FAILED = b"[null, 0]\n"

_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from orchestration.feedback.isolated_check import split_off; split_off(int(sys.argv[2]))"
)


@dataclass(frozen=True)
class Asked:
    """Whose file it is held to be, and the language of the marked copy.

    `scratch` is a folder that is deleted after the check.
    """

    root: str
    county_code: str
    institution_code: str
    language: Language
    scratch: str


@dataclass(frozen=True)
class Checked:
    """What was found: the document of `answers.as_document`, with more, and the copy.

    `holds_forms` is true of a message or archive. `sender_code` is the institution that it is of,
    `row_count` how many values or records it has. `as_written` is None of what was not understood.
    `marked` is a workbook, None where there is nothing to mark.
    """

    document: dict[str, Any] = field(repr=False)
    marked: bytes | None = field(repr=False)


class IsolatedChecks:
    """Checks contents, by a process that is started before the first; a context that ends it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._ours: socket.socket | None = None

    def __enter__(self) -> "IsolatedChecks":
        self._connection()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end()

    def _end(self) -> None:
        if self._process and self._ours:
            self._ours.close()
            self._process.kill()
            self._process.wait()

    def check(
        self,
        home: Home,
        content: bytes,
        county_code: str,
        institution_code: str,
        language: Language,
    ) -> Checked | None:
        """Check a content for an institution; None where that broke a limit. Nothing is kept.

        What is known of reports is shown for that institution's own only. Takes a second or two.
        Raises RuntimeError where the check itself failed.
        """
        ours, theirs = socket.socketpair()
        # Were the process ended while it writes a file, nobody else would delete it.
        with ours, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
            asked = Asked(str(home.root), county_code, institution_code, language, scratch)
            ours.settimeout(_START_SECONDS + _MAX_SECONDS)
            try:
                with theirs:
                    self._hand_over(theirs)
                ours.sendall(json.dumps(asdict(asked)).encode() + b"\n" + content)
                ours.shutdown(socket.SHUT_WR)
                with ours.makefile("rb") as answered:
                    document, length = json.loads(answered.readline())
                    marked = answered.read()
            except (OSError, ValueError):
                return None
        if document is None:
            raise RuntimeError("a check failed, by no fault of its file.")
        return Checked(document, marked or None) if len(marked) == length else None

    def _hand_over(self, theirs: socket.socket) -> None:
        """Give the new process of a check its end of a connection."""
        with self._lock:
            try:
                socket.send_fds(self._connection(), [b"."], [theirs.fileno()])
            except OSError:
                # The process that is split is ending: that takes a moment.
                self._end()
                socket.send_fds(self._connection(), [b"."], [theirs.fileno()])

    def _connection(self) -> socket.socket:
        """Return the connection to the process that is split, which is started if there is none."""
        if self._process is None or self._ours is None or self._process.poll() is not None:
            self._ours, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-c", _PROGRAM, str(PROJECT), str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    # Nothing that a parser says may reach a log: it could quote the file.
                    stderr=subprocess.DEVNULL,
                )
        return self._ours


def split_off(handle: int) -> None:
    """Split off a process for each connection that comes over one, until that closes.

    Threads would not come along: OpenBLAS ends its own before, the allocators of Arrow and DuckDB
    let go of what theirs hold.
    """
    import orchestration.feedback.answers  # noqa: F401
    from expectations.validate import prepare
    from orchestration.warehouse.computing import compiled
    from orchestration.warehouse.known import FOUND

    prepare()
    compiled((FOUND,))
    # Whoever ends is not waited for.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(fileno=handle) as connection:
        while True:
            asked, handles, _, _ = socket.recv_fds(connection, 1, 1)
            if not asked:
                return
            with socket.socket(fileno=handles[0]) as checked:
                if os.fork() == 0:
                    connection.close()
                    _answer_and_end(checked)


def _answer_and_end(connection: socket.socket) -> None:
    """Answer what comes over a connection and end, or be ended by what breaks a limit."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # Unlike a handler, the system ends it whatever it does.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(_MAX_SECONDS)
        resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (_MAX_CPU_SECONDS, _MAX_CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with connection.makefile("rb") as given:
            asked = Asked(**json.loads(given.readline()))
            content = given.read()
        try:
            answer = _answer(asked, content)
        except (MemoryError, RecursionError, duckdb.OutOfMemoryException):
            # What ends without an answer broke a limit.
            os._exit(0)
        except Exception:
            answer = _FAILED
        connection.sendall(answer)
    finally:
        os._exit(0)


def _owing_log(registers: Path, delivery: dict[str, Any]) -> str | None:
    """Return who alone owes the hotline's log of a county, for a log: it names no institution.

    It is so in core.dim_deliveries too.
    """
    if delivery["source"] != "hotline":
        return None
    counties = {
        row["institution_code"]: row["county_code"]
        for row in register_rows(registers, "institutions")
    }
    owing = {
        row["institution_code"]
        for row in register_rows(registers, "record_obligations")
        if row["source"] == "hotline"
        and counties.get(row["institution_code"]) == delivery["county_code"]
    }
    return owing.pop() if len(owing) == 1 else None


def _answer(asked: Asked, content: bytes) -> bytes:
    """Check a content; return the document and the length of the marked copy in a line, and it."""
    from orchestration.feedback.answers import as_document
    from orchestration.feedback.checking import Checker, marked_copy
    from orchestration.registers.in_use import registers_in_use
    from sources.reading.containers import container_kind
    from sources.registers import load_registers

    tempfile.tempdir = asked.scratch
    # Whoever serves need not be able to read the keys: none is used.
    home = Home(root=Path(asked.root), keys=Path(asked.root, "no-keys"))
    registers = registers_in_use(home)
    with Checker(
        load_registers(registers), registers, home, asked.county_code, asked.institution_code
    ) as checker:
        found = checker.check_content(content)
    document = as_document(found, "")
    document["row_count"] = found.reading.delivery["row_count"]
    document["sender_code"] = document["institution_code"] or _owing_log(
        registers, found.reading.delivery
    )
    document["holds_forms"] = container_kind(content) is not None
    for value in document["values"]:
        # What was not understood may be about a person: that there is something must do.
        if value["value_state"] == "not_reported" and value["as_written"]:
            value["as_written"] = None
    marked = b""
    if any(problem.cell or problem.row_number for _, problem in found.problems):
        # What can't be marked is told all the same.
        with suppress(Exception):
            marked = marked_copy(found, asked.language)
    return json.dumps([document, len(marked)]).encode() + b"\n" + marked
