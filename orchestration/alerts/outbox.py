"""The outbox: what was noticed, what was sent to whom, and which channel fails.

Belongs here: sending each thing once to a channel, bundled, and trying again. Not here: what is
looked for (conditions), or how a message is delivered (channels).

`alerts/log.jsonl` is only appended, a line at a time; it holds counts, codes and hashes.
"""

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from orchestration.alerts.channels import Alerts, Channel, Failure, deliver, read_alerts
from orchestration.alerts.conditions import look
from orchestration.alerts.events import EventKind, Occurrence, message
from sources.atomic import replace_file
from sources.custody.home import Home
from sources.texts import both

#: Lines older than this are dropped once the log is large.
_KEPT = timedelta(days=400)
_LARGE_BYTES = 5_000_000


@dataclass(frozen=True)
class Delivery:
    """A message to a channel: about one event, or a test; `failure` where it did not arrive."""

    at: datetime
    channel: str
    event: str
    count: int
    failure: str | None


@dataclass(frozen=True)
class FailingChannel:
    """A channel whose last message did not arrive: since when, how often, and why."""

    name: str
    since: datetime
    last_at: datetime
    attempts: int
    reason: str


def notice(home: Home, occurrence: Occurrence, at: datetime) -> None:
    """Keep what happened once and can't be seen later, for the next `send_due`."""
    # Held as for sending: a log that is being shortened would lose the line.
    with _sending(home, wait=True):
        _append(home, {**asdict(occurrence), "noticed_at": at.isoformat()})


def due(
    home: Home, alerts: Alerts, now: datetime, token_days: Iterable[date] = ()
) -> list[Occurrence]:
    """Return what holds now or was noticed, whether or not it was sent; each once."""
    found = [*_noticed(home), *look(home, alerts, now, token_days)]
    return list({_hash(each.key): each for each in found}.values())


def send_due(home: Home, now: datetime, token_days: Iterable[date] = ()) -> list[Delivery]:
    """Send to each channel what it did not hear of yet, a message an event; return what was tried.

    Within the window after a message on an event, more of that event waits. Nothing is sent while
    another process sends.
    """
    alerts, _ = read_alerts(home)
    if not alerts.channels:
        return []
    found = due(home, alerts, now, token_days)
    tried: list[Delivery] = []
    with _sending(home) as is_free:
        if not is_free:
            return []
        _keep_ended(home, found, now)
        log = read_log(home)
        for channel in alerts.channels:
            tried += _send(home, alerts, channel, found, log, now)
    return tried


def send_tests(home: Home, now: datetime) -> list[Delivery]:
    """Send a test to each channel; return what worked."""
    alerts, _ = read_alerts(home)
    title, body = f"krat: {both('alerts.test.title')}", both("alerts.test.body", "\n")
    tried: list[Delivery] = []
    with _sending(home, wait=True):
        for channel in alerts.channels:
            failure = deliver(home, channel, title, body)
            tried.append(_keep(home, now, channel, "test", (), 0, failure))
    return tried


def deliveries(home: Home) -> list[Delivery]:
    """Return every message that was tried, the oldest first."""
    return [_delivery(entry) for entry in read_log(home) if "channel" in entry]


def failing_channels(home: Home) -> list[FailingChannel]:
    """Return the channels in use whose last message did not arrive."""
    alerts, _ = read_alerts(home)
    streaks: dict[str, list[Delivery]] = defaultdict(list)
    for each in deliveries(home):
        if each.failure:
            streaks[each.channel].append(each)
        else:
            streaks.pop(each.channel, None)
    return [
        FailingChannel(name, failed[0].at, failed[-1].at, len(failed), failed[-1].failure or "")
        for name, failed in sorted(streaks.items())
        if name in {channel.name for channel in alerts.channels}
    ]


def read_log(home: Home) -> list[dict[str, Any]]:
    """Return the lines of the log; one that a killed process left unfinished is skipped."""
    try:
        lines = (home.alerts / "log.jsonl").read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [entry for line in lines if (entry := _read(line))]


def _send(
    home: Home,
    alerts: Alerts,
    channel: Channel,
    found: list[Occurrence],
    log: list[dict[str, Any]],
    now: datetime,
) -> Iterator[Delivery]:
    own = [entry for entry in log if entry.get("channel") == channel.name]
    if own and own[-1]["failure"]:
        again = _at(own[-1]) + timedelta(minutes=alerts.retry_minutes)
        if now < again:
            return
    heard = _heard(entry for entry in log if entry.get("channel") in (None, channel.name))
    last = {entry["event"]: _at(entry) for entry in own if not entry["failure"]}
    news = sorted(
        (each for each in found if channel.hears_of(each) and _hash(each.key) not in heard),
        key=lambda each: each.event,
    )
    for event, group in groupby(news, key=lambda each: each.event):
        window = timedelta(minutes=alerts.bundled_minutes)
        if event in last and now - last[event] < window:
            continue
        bundled = list(group)
        failure = deliver(home, channel, *message(event, bundled))
        keys = tuple(_hash(each.key) for each in bundled)
        count = sum(each.count for each in bundled)
        yield _keep(home, now, channel, event, keys, count, failure)
        if failure:
            return


def _heard(entries: Iterable[dict[str, Any]]) -> set[str]:
    """Return what was sent and holds since."""
    heard = set[str]()
    for entry in entries:
        heard |= set(entry.get("keys", []))
        heard -= set(entry.get("ended", []))
    return heard


def _keep_ended(home: Home, found: list[Occurrence], now: datetime) -> None:
    """Keep what holds no more: if it comes back, it is sent anew."""
    ended = _heard(read_log(home)) - {_hash(each.key) for each in found}
    if ended:
        _append(home, {"at": now.isoformat(), "ended": sorted(ended)})


def _keep(
    home: Home,
    now: datetime,
    channel: Channel,
    event: str,
    keys: tuple[str, ...],
    count: int,
    failure: Failure | None,
) -> Delivery:
    entry = {
        "at": now.isoformat(),
        "channel": channel.name,
        "event": event,
        # What did not arrive is tried again.
        "keys": [] if failure else keys,
        "count": count,
        "failure": failure,
    }
    _append(home, entry)
    return _delivery(entry)


def _delivery(entry: dict[str, Any]) -> Delivery:
    return Delivery(_at(entry), entry["channel"], entry["event"], entry["count"], entry["failure"])


def _noticed(home: Home) -> list[Occurrence]:
    return [
        Occurrence(
            EventKind(entry["event"]),
            entry["key"],
            entry["county_code"],
            date.fromisoformat(entry["month"]) if entry["month"] else None,
            entry["count"],
        )
        for entry in read_log(home)
        if "noticed_at" in entry
    ]


def _append(home: Home, entry: dict[str, Any]) -> None:
    path = home.alerts / "log.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(entry, default=str).encode() + b"\n"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "r+b", buffering=0) as file:
        # A killed process may have left half a line, which must not swallow this one.
        size = os.fstat(file.fileno()).st_size
        broken = size > 0 and os.pread(file.fileno(), 1, size - 1) != b"\n"
        file.write(b"\n" * broken + line)
        os.fsync(file.fileno())


@contextmanager
def _sending(home: Home, *, wait: bool = False) -> Iterator[bool]:
    """Hold the sending of this folder; give False where another process does."""
    from filelock import FileLock, Timeout

    home.alerts.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home.alerts / "sending.lock")
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        yield False
        return
    try:
        _shorten(home)
        yield True
    finally:
        lock.release()


def _shorten(home: Home) -> None:
    path = home.alerts / "log.jsonl"
    if not path.exists() or path.stat().st_size < _LARGE_BYTES:
        return
    log = read_log(home)
    newest = max((_at(entry) for entry in log), default=None)
    kept = [entry for entry in log if newest and newest - _at(entry) <= _KEPT]
    with replace_file(path) as fresh:
        fresh.write_text("".join(json.dumps(entry) + "\n" for entry in kept), encoding="utf-8")


def _at(entry: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(entry.get("at") or entry["noticed_at"])


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]
