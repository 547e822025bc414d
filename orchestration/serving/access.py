"""The access log: a line a request, and counts of what was refused before it was one.

Belongs here: what is logged, and how much. Not here: what is refused (guard, connections).
"""

import ipaddress
import logging
import os
import re
import time
from collections import Counter
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import TimedRotatingFileHandler
from pathlib import Path
from urllib.parse import unquote

from starlette.types import Scope

from orchestration.serving.tokens import PREFIX

#: What is refused before it is answered as a request, with the status in the log.
REFUSED = {
    "malformed": 400,
    "headers-late": 408,
    "too-many-requests": 429,
    "too-many-connections": 503,
}

#: Refusals of a kind from one sender make two lines in so many seconds, however many they are.
_COUNTED_SECONDS = 60.0

#: Senders and kinds that are counted each for itself; what others do is counted together.
_MOST_COUNTS = 200


class AccessLog:
    """Writes a file a day, readable by its owner alone; it has no query, header or token.

    A line is: time, address, token's id, method, path, status, bytes of the body, milliseconds. A
    refusal has `[kind:count]` as its path: the first of a sender at once, the others as a count
    once a minute.
    """

    def __init__(self, path: Path, days: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = _OwnersFile(path, when="midnight", utc=True, backupCount=days, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(message)s"))
        self._logger = logging.Logger("krat.access", logging.INFO)
        self._logger.addHandler(handler)
        self._counts: Counter[tuple[str, str]] = Counter()
        self._since = time.monotonic()

    def answered(
        self, address: str, token_id: str | None, scope: Scope, status: int, size: int, ms: float
    ) -> None:
        """Write the line of a request; `size` is in bytes."""
        self._write(address, token_id, scope["method"], _logged_path(scope), status, size, ms)
        self._count_anew()

    def refused(self, address: str, kind: str) -> None:
        """Count a refusal of a kind of REFUSED, and write a line if it is a sender's first."""
        self._count_anew()
        sender = network(address), kind
        if sender not in self._counts and len(self._counts) >= _MOST_COUNTS:
            sender = "others", kind
        self._counts[sender] += 1
        if self._counts[sender] == 1:
            self._write_count(*sender, 1)

    def write_counts(self) -> None:
        """Write how many more were refused since the last counts."""
        for (sender, kind), count in self._counts.items():
            if count > 1:
                self._write_count(sender, kind, count - 1)
        self._counts.clear()
        self._since = time.monotonic()

    def _count_anew(self) -> None:
        if time.monotonic() - self._since > _COUNTED_SECONDS:
            self.write_counts()

    def _write_count(self, sender: str, kind: str, count: int) -> None:
        self._write(sender, None, "-", f"[{kind}:{count}]", REFUSED[kind], 0, 0.0)

    def _write(
        self,
        address: str,
        token_id: str | None,
        method: str,
        path: str,
        status: int,
        size: int,
        ms: float,
    ) -> None:
        self._logger.info(
            "%s %s %s %s %s %d %d %.1f",
            datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            address,
            token_id or "-",
            method,
            path,
            status,
            size,
            ms,
        )


class _OwnersFile(TimedRotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return open(descriptor, "a", encoding=self.encoding)  # noqa: PTH123


def network(address: str) -> str:
    """Return what is counted as one sender: one IPv4 address, or an IPv6 network of /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def _logged_path(scope: Scope) -> str:
    """Return the path as it came, without what could forge a line or hold a token."""
    raw = scope.get("raw_path") or scope["path"].encode()
    path = raw.decode("latin-1").partition("?")[0]
    if PREFIX in unquote(path):
        return "[token]"
    return re.sub(r"[^\x21-\x7e]", "?", path[:300])
