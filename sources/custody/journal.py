"""Journals: dated entries of who did or decided what, only ever appended.

Belongs here: appending entries and telling whether a journal is whole. Not here: what is entered:
openings of originals and changes of keys (sources.custody.audit), or a person's decisions, which
lie under `Home.decisions` and are read back as data. Entries hold codes and reasons, never content
or keys.
"""

import hashlib
import json
import os
import pwd
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_START = "0" * 64


class BrokenJournal(ValueError):
    """A journal was changed: an entry doesn't follow from the one before it."""


def append(path: Path, **entry: Any) -> dict[str, Any]:
    """Append an entry, chained to the last by its hash, and wait until the disk has it.

    `at` (UTC) and `user` are added. Returns the entry as `read` will. Raises BrokenJournal when the
    journal isn't whole, OSError when it can't be written.
    """
    entries = read(path)
    stated = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "user": user_name(),
        **entry,
        "previous": entries[-1]["hash"] if entries else _START,
    }
    written = {**stated, "hash": _hash(stated)}
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "ab") as file:
        file.write((json.dumps(written, ensure_ascii=False) + "\n").encode())
        file.flush()
        os.fsync(file.fileno())
    return written


def read(path: Path) -> list[dict[str, Any]]:
    """Return the entries in their order; none where there is no journal.

    Raises BrokenJournal when an entry was changed or taken out. Entries cut off at the end leave a
    whole, shorter journal: keep its last hash elsewhere.
    """
    if not path.exists():
        return []
    entries = []
    previous = _START
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            entry = json.loads(line)
            stated = entry.pop("hash")
        except (ValueError, KeyError, AttributeError):
            raise BrokenJournal(f"entry {number} of {path.name} is damaged") from None
        if entry.get("previous") != previous or _hash(entry) != stated:
            raise BrokenJournal(f"entry {number} of {path.name} was changed")
        previous = stated
        entries.append({**entry, "hash": stated})
    return entries


def user_name() -> str:
    """Return the operating system's name of who runs this: an environment variable could lie."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _hash(entry: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()
