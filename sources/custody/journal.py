"""Journals: dated entries of who did or decided what, only ever appended.

Belongs here: appending entries, telling whether a journal is whole, and which texts may be kept.
Not here: what is entered, or the log that holds all journals together (sources.custody.audit).
Entries hold codes and reasons, never content or keys.
"""

import hashlib
import json
import os
import pwd
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

#: What the first entry follows.
START = "0" * 64

LONGEST_TEXT = 300

#: What would identify a person, or reach one: an address of e-mail, a personal number, a phone.
_IDENTIFYING = re.compile(r"@|\b[A-Z][0-9]{8}[A-Z]\b|(?:[0-9][ ./-]?){8,}", re.IGNORECASE)


class BrokenJournal(ValueError):
    """A journal was changed: the entry `number` of the file `name` doesn't follow from the last."""

    def __init__(self, name: str, number: int) -> None:
        super().__init__(f"entry {number} of {name} was changed, or one before it taken out")
        self.name, self.number = name, number


class UnfitText(ValueError):
    """A reason or an author can't be kept: it is blank, too long, or names somebody."""


def append(path: Path, **entry: Any) -> dict[str, Any]:
    """Append an entry, chained to the last by its hash, and wait until the disk has it.

    `at` (UTC) and `user` are added. Returns the entry as `read` will. Raises BrokenJournal when the
    journal isn't whole, OSError when it can't be written.
    """
    entries = read(path)
    return append_after(path, entries[-1]["hash"] if entries else START, **entry)


def append_after(path: Path, previous: str, **entry: Any) -> dict[str, Any]:
    """Append an entry after the one with the hash `previous`, which the caller knows to be last.

    What a power cut left of a line that never ended is removed first.
    """
    stated = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "user": user_name(),
        **entry,
        "previous": previous,
    }
    written = {**stated, "hash": _hash(stated)}
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "r+b") as file:
        length = file.seek(0, os.SEEK_END)
        if length and os.pread(handle, 1, length - 1) != b"\n":
            file.truncate(path.read_bytes().rfind(b"\n") + 1)
        file.write(f"{_line(written)}\n".encode())
        file.flush()
        os.fsync(file.fileno())
    return written


def read(path: Path) -> list[dict[str, Any]]:
    """Return the entries in their order; none where there is no journal.

    Raises BrokenJournal when an entry was changed, moved or taken out. Entries cut off at the end
    leave a whole, shorter journal: the audit log knows how many there were. A last line without its
    end was never an entry.
    """
    if not path.exists():
        return []
    entries = []
    previous = START
    *lines, _ = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
            is_as_written = _line(entry).encode() == line
            stated = entry.pop("hash")
        except (ValueError, KeyError, AttributeError, RecursionError):
            raise BrokenJournal(path.name, number) from None
        if not is_as_written or entry.get("previous") != previous or _hash(entry) != stated:
            raise BrokenJournal(path.name, number)
        previous = stated
        entries.append({**entry, "hash": stated})
    return entries


def fit(text: str) -> str:
    """Return a reason or an author as it may be kept and published. Raises UnfitText."""
    plain = " ".join(text.split())
    if not plain:
        raise UnfitText("say by whom and why: neither may be blank.")
    if len(plain) > LONGEST_TEXT or not plain.isprintable():
        raise UnfitText(f"the text is too long: at most {LONGEST_TEXT} characters.")
    if _IDENTIFYING.search(plain):
        raise UnfitText(
            "the text holds an address, or as many digits as a phone or a birth date has: it is "
            "kept and shown to others, so say it without. A day is written as 30 November 2026."
        )
    return plain


def user_name() -> str:
    """Return the operating system's name of who runs this: an environment variable could lie."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False)


def _hash(entry: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()
