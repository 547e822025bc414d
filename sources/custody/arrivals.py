"""Files in the inbox: which are there, which are whole, and how one is opened without being misled.

Belongs here: looking at the inbox and handing out the bytes of a file. Not here: what the bytes
mean (sources.reading) or what becomes of a file (orchestration.ingestion).

Names of files can identify people. They are used to open a file and to make its pseudonym, and are
never stored, logged or told.
"""

import fcntl
import os
import re
import stat
import time
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sources.custody.home import Home
from sources.custody.pseudonyms import Pseudonyms
from sources.custody.vault import CHUNK_BYTES
from sources.values import load_words, plain

#: Above what any form or log of the project has; what is larger is sealed and refused unread.
MAX_FILE_BYTES = 32 * 2**20

#: What is larger than this isn't sealed either: a file without content can state any size.
MAX_SEALED_BYTES = 8 * MAX_FILE_BYTES

#: How long a file must not have changed before it counts as whole.
SETTLE_SECONDS = 1.0

#: A transfer that stands still for so long is dead, whoever still holds the file open.
STALLED_SECONDS = 600.0

#: Names that editors and transfer tools give to files that are not whole yet, and how long such a
#: name is believed.
UNFINISHED_SECONDS = 86_400.0
UNFINISHED_PREFIXES = (".", "~$")
UNFINISHED_SUFFIXES = (".part", ".tmp", ".crdownload", ".filepart")

_MAX_DEPTH = 16

#: What tells versions apart in names of files: days, and words and numbers.
_YEAR_FIRST = re.compile(r"(?<!\d)(20\d\d)[-_. ]?([01]?\d)[-_. ]?([0-3]?\d)(?!\d)", re.ASCII)
_DAY_FIRST = re.compile(r"(?<!\d)([0-3]?\d)[-_. ]([01]?\d)[-_. ](20\d\d)(?!\d)", re.ASCII)
_WORDS = re.compile(r"([0-9]+)|[\s()\[\]_.-]+")

#: The rules of a file that the system doesn't let krat open, and of one too large to be kept.
UNOPENABLE = "unopenable_file"
HUGE = "huge_file"

#: Rules of files that are answered once and stay where they are: krat has no copy of them.
STAYING = (UNOPENABLE, HUGE)

#: The purpose of the key that makes pseudonyms of files' names.
NAME_PURPOSE = "file_name"


class Changed(Exception):
    """The file is not what was seen a moment ago: somebody still writes it."""


@dataclass(frozen=True)
class Arrival:
    """Something in the inbox. `folder` is the county's, '' for what lies in the inbox itself.

    `rule` is the door's rule that it breaks before it is opened, if it breaks one. `seen` tells one
    state of the file from another.
    """

    path: str
    folder: str
    rule: str | None
    byte_count: int
    modified_ns: int
    seen: tuple[int, ...]

    @property
    def received_at(self) -> datetime:
        """When it was last written: UTC without a zone, never later than now."""
        written = datetime.fromtimestamp(self.modified_ns // 10**9, UTC)
        return min(written, datetime.now(UTC)).replace(tzinfo=None, microsecond=0)

    @property
    def name(self) -> str:
        """Its name, which can identify a person: for the data officer alone."""
        return os.fsencode(self.path.rpartition(os.sep)[2]).decode(errors="replace")

    def name_key(self, keys: Pseudonyms) -> str:
        """Return the pseudonym of its folder and name: what is sent again under it is the same."""
        return keys.key(NAME_PURPOSE, f"{self.folder}/{self.name}")


def waiting(home: Home) -> list[Arrival]:
    """Return what waits in the inbox, in a stable order.

    A file with the name of an unfinished transfer is left for a day, in case it is one.
    """
    found: list[Arrival] = []
    for entry in _entries(str(home.inbox)):
        if entry.is_dir(follow_symlinks=False):
            _look(entry.path, os.fsencode(entry.name).decode(errors="replace"), 0, found)
        else:
            found += _arrival(entry, "", "misplaced_file")
    return found


def settled(arrivals: list[Arrival]) -> list[Arrival]:
    """Return those that are whole. Waits a moment only if one was written to just now."""
    since = time.time_ns() - int(SETTLE_SECONDS * 1e9)
    if any(arrival.modified_ns > since for arrival in arrivals):
        time.sleep(SETTLE_SECONDS)
    return [
        arrival
        for arrival in arrivals
        if arrival.modified_ns <= since or arrival.seen == _seen_now(arrival)
    ]


def in_order(arrivals: Iterable[Arrival]) -> list[Arrival]:
    """Return arrivals as they were written; of one time those that name a later version last."""
    return sorted(arrivals, key=lambda each: order_of(each.modified_ns, each.path))


def order_of(modified_ns: int, path: str) -> tuple[Any, ...]:
    """Return by what files are put in the order in which they were written."""
    return modified_ns, _version(path.rpartition("/")[2]), path


def _version(name: str) -> tuple[int, str, list[tuple[int, int, str]]]:
    """Return what tells one version of a file from the next by its name, as something to compare.

    Whether it is called final or a draft, the last day in it, and its words and numbers: v10 comes
    behind v9, (2) behind the name without a number.
    """
    stem = plain(name)
    stem = stem.rpartition(".")[0] or stem
    days = [f"{year}{month:>02}{day:>02}" for year, month, day in _YEAR_FIRST.findall(stem)]
    days += [f"{year}{month:>02}{day:>02}" for day, month, year in _DAY_FIRST.findall(stem)]
    words = [each for each in _WORDS.split(stem) if each]
    final, draft = load_words().final, load_words().draft
    stage = sum((word in final) - (word in draft) for word in words)
    said = [word for word in words if word not in final | draft]
    numbered = [(1, int(each), "") if each.isdecimal() else (0, 0, each) for each in said]
    return stage, max(days, default=""), numbered


def read_whole(arrival: Arrival) -> bytes:
    """Return the bytes of a file of at most MAX_FILE_BYTES; links are not followed.

    Raises Changed if it is being written, OSError if it can't be opened. The process must ignore
    SIGIO, which it gets when another opens the file at this very moment.
    """
    handle = _opened(arrival)
    try:
        if arrival.modified_ns > time.time_ns() - STALLED_SECONDS * 1e9 and _has_writer(handle):
            raise Changed
        content = os.read(handle, arrival.byte_count + 1)
        while len(content) < arrival.byte_count:
            more = os.read(handle, arrival.byte_count + 1 - len(content))
            if not more:
                break
            content += more
        _require_unchanged(arrival, handle, len(content))
        return content
    finally:
        os.close(handle)


def read_unsent(path: Path) -> bytes | str:
    """Return the bytes of a file that is not in the inbox, or the rule that it breaks unread.

    Nothing is waited for, and no more than MAX_FILE_BYTES are read. Raises OSError if it can't be
    opened.
    """
    # Before it is opened: opening a device can do something.
    if not stat.S_ISREG(path.stat().st_mode):
        return "not_a_file"
    with open(path, "rb", opener=_open_without_waiting) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            return "not_a_file"
        content = b"" if status.st_size > MAX_FILE_BYTES else file.read(MAX_FILE_BYTES + 1)
    if max(status.st_size, len(content)) > MAX_FILE_BYTES:
        return "file_too_large"
    return content


def remove_empty_folders(home: Home, keep: Container[str]) -> None:
    """Remove the folders of the inbox that are empty, but for those in it that are to be kept."""
    for entry in _entries(str(home.inbox)):
        if entry.is_dir(follow_symlinks=False):
            _remove_empty(entry, 0, is_kept=entry.name in keep)


def read_chunks(arrival: Arrival) -> Iterator[bytes]:
    """Yield the bytes of a file of any size in chunks of CHUNK_BYTES, the last less.

    Raises Changed or OSError as `read_whole` does, at any chunk.
    """
    handle = _opened(arrival)
    try:
        total = 0
        while total < arrival.byte_count:
            chunk = b""
            while len(chunk) < CHUNK_BYTES and (more := os.read(handle, CHUNK_BYTES - len(chunk))):
                chunk += more
            if not chunk:
                break
            total += len(chunk)
            yield chunk
        _require_unchanged(arrival, handle, total)
    finally:
        os.close(handle)


def remove(arrival: Arrival) -> None:
    """Take it out of the inbox, unless another was put in its place since."""
    if _seen_now(arrival) == arrival.seen:
        Path(arrival.path).unlink()


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    # A folder that is not there, or not ours to read, holds nothing that could be taken.
    except OSError:
        return []


def _look(folder: str, county: str, depth: int, found: list[Arrival]) -> None:
    for entry in _entries(folder):
        if not entry.is_dir(follow_symlinks=False):
            found += _arrival(entry, county, "misplaced_file" if depth else None)
        elif depth < _MAX_DEPTH:
            _look(entry.path, county, depth + 1, found)


def _remove_empty(folder: os.DirEntry[str], depth: int, *, is_kept: bool) -> None:
    if depth < _MAX_DEPTH:
        for entry in _entries(folder.path):
            if entry.is_dir(follow_symlinks=False):
                _remove_empty(entry, depth + 1, is_kept=False)
    if not is_kept:
        # Something is in it, or it is not ours to remove.
        with suppress(OSError):
            Path(folder.path).rmdir()


def _arrival(entry: os.DirEntry[str], folder: str, rule: str | None) -> Iterator[Arrival]:
    try:
        status = entry.stat(follow_symlinks=False)
    # It went away since the folder was listed.
    except OSError:
        return
    unfinished = entry.name.startswith(UNFINISHED_PREFIXES) or entry.name.endswith(
        UNFINISHED_SUFFIXES
    )
    is_file = stat.S_ISREG(status.st_mode)
    if is_file and unfinished and status.st_mtime > time.time() - UNFINISHED_SECONDS:
        return
    if not is_file:
        rule = "not_a_file"
    elif status.st_size > MAX_SEALED_BYTES:
        rule = HUGE
    elif status.st_size > MAX_FILE_BYTES:
        rule = rule or "file_too_large"
    yield Arrival(
        path=entry.path,
        folder=folder,
        rule=rule,
        byte_count=status.st_size if is_file else 0,
        modified_ns=status.st_mtime_ns,
        seen=_seen(status),
    )


def _seen(status: os.stat_result) -> tuple[int, ...]:
    # The time of the last change of any kind can't be set back as the time of writing can.
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _seen_now(arrival: Arrival) -> tuple[int, ...] | None:
    try:
        return _seen(os.lstat(arrival.path))
    except OSError:
        return None


def _opened(arrival: Arrival) -> int:
    # Without waiting: a pipe put in the file's place would be waited for without end.
    handle = os.open(arrival.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if _seen(os.fstat(handle)) != arrival.seen:
            raise Changed
    except BaseException:
        os.close(handle)
        raise
    return handle


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _has_writer(handle: int) -> bool:
    """Tell whether another process holds the file open to write, as far as the system tells."""
    try:
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    # Not our file, or a file system without leases: size and time have to do.
    except OSError:
        return False
    return False


def _require_unchanged(arrival: Arrival, handle: int, length: int) -> None:
    if length != arrival.byte_count or _seen(os.fstat(handle)) != arrival.seen:
        raise Changed
