"""The audit log: who opened an original or changed a key, when, and why.

Belongs here: appending entries and telling whether the log is whole. Not here: what is logged
(sources.vault, sources.rekeying). Entries hold codes and reasons, never content or keys.
"""

import hashlib
import json
import os
import pwd
from datetime import UTC, datetime
from typing import Any

from sources.home import Home

_START = "0" * 64


class BrokenLog(ValueError):
    """The audit log was changed: an entry doesn't follow from the one before it."""


def append(home: Home, action: str, subject: str, reason: str, outcome: str) -> None:
    """Append one entry, chained to the last by its hash, and wait until the disk has it.

    Raises BrokenLog when the last entry isn't whole, OSError when the log can't be written.
    """
    entries = read(home)
    entry = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "user": pwd.getpwuid(os.getuid()).pw_name,
        "action": action,
        "subject": subject,
        "reason": reason,
        "outcome": outcome,
        "previous": entries[-1]["hash"] if entries else _START,
    }
    line = json.dumps({**entry, "hash": _hash(entry)}, ensure_ascii=False) + "\n"
    home.root.mkdir(parents=True, exist_ok=True)
    handle = os.open(home.audit, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "ab") as file:
        file.write(line.encode())
        file.flush()
        os.fsync(file.fileno())


def read(home: Home) -> list[dict[str, Any]]:
    """Return the entries in their order. Raises BrokenLog when one was changed or taken out.

    Entries cut off at the end leave a whole, shorter log: keep its last hash elsewhere.
    """
    if not home.audit.exists():
        return []
    entries = []
    previous = _START
    for number, line in enumerate(home.audit.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            entry = json.loads(line)
            stated = entry.pop("hash")
        except (ValueError, KeyError, AttributeError):
            raise BrokenLog(f"entry {number} of the audit log is damaged") from None
        if entry.get("previous") != previous or _hash(entry) != stated:
            raise BrokenLog(f"entry {number} of the audit log was changed")
        previous = stated
        entries.append({**entry, "hash": stated})
    return entries


def _hash(entry: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()
