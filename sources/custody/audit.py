"""The audit log: who did what with the data folder, when and why, in one chain.

It has an entry for each entry of each journal, with its hash, and one for what is in no journal: a
refresh, a release, an opened original, a changed key, a backup. So what is taken out of any journal
is found. How far the log had come is noted outside the data folder too, with the keys and in each
backup: what is cut off its end is found by that.

Belongs here: entering, and whether all of it is whole. Not here: how one journal is kept
(sources.custody.journal), or what is decided.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sources.atomic import write_json
from sources.custody import journal
from sources.custody.home import Home
from sources.texts import Language, text

#: The file in the folder of keys that notes how far the log had come.
HEAD = "audit-head.json"

#: What of a journal's entry the log repeats: codes that tell what it is about.
_SUBJECTS = (
    "county_code", "institution_code", "reporting_month", "indicator_code", "correction_id",
    "finding_ids", "pair", "token_id", "plans", "number", "confirmed", "text",
)  # fmt: skip

#: How much of a hash, and how many of a list, tell one subject from another.
_SHOWN, _MOST = 16, 5

#: Bytes that no entry has, whatever its reason.
_LONGEST_ENTRY = 65_536


@dataclass(frozen=True)
class Head:
    """How far the log had come: its number of entries, and the hash of the last."""

    entries: int
    hash: str


@dataclass(frozen=True)
class AuditFault:
    """A place where the log or a journal is not what was entered; `kind` names its sentence."""

    kind: str
    values: dict[str, object]

    def sentence(self, language: Language) -> str:
        """Return what is wrong, and where."""
        return text(f"audit_log.faults.{self.kind}", language, **self.values)


@dataclass
class _Log:
    """What is known of a log that was read whole: how far it came, and how far each journal."""

    hashes: list[str] = field(default_factory=list)
    journals: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def head(self) -> Head:
        """How far it came."""
        return Head(len(self.hashes), self.hashes[-1] if self.hashes else journal.START)

    def has(self, noted: Head) -> bool:
        """Tell whether it came through a place that was noted."""
        return noted.entries == 0 or self.hashes[noted.entries - 1 : noted.entries] == [noted.hash]

    def add(self, entry: dict[str, Any]) -> None:
        """Count one more entry of the log."""
        self.hashes.append(entry["hash"])
        if name := entry.get("journal"):
            self.journals[name] = entry["number"]


#: Logs that this process read, with what their files were then: reading one again and again would
#: take longer the longer it gets.
_known: dict[Path, tuple[tuple[int, ...], _Log]] = {}


def last_moment(home: Home) -> datetime | None:
    """Return when the last entry of the log was made, None where there is none that can be read."""
    try:
        with home.audit.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LONGEST_ENTRY))
            return datetime.fromisoformat(json.loads(file.read().splitlines()[-1])["at"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def append(
    home: Home, place: str, action: str, subject: str, reason: str = "", outcome: str = ""
) -> None:
    """Enter an action that is in no journal: where and what, as `vault` and `opened`, and of what.

    Raises UnfitText for a reason that can't be kept, and what `journal.append` raises.
    """
    reason = journal.fit(reason) if reason else ""
    with _alone(home):
        log = _read(home)
        # Those that were kept before there was this log.
        for path in home.decisions.glob("*.jsonl"):
            if path.stem not in log.journals:
                _append_rest(home, log, path.stem, journal.read(path))
        _append(home, log, f"{place}.{action}", subject=subject, reason=reason, outcome=outcome)


def enter(home: Home, name: str, **entry: Any) -> dict[str, Any]:
    """Append an entry to the journal `name` of decisions, and to the log; return it.

    Both are locked meanwhile: whoever must not let another in between what was read and what is
    entered needs a lock of their own. An entry that a killed process left without its place in the
    log gets it first. Raises what `journal.append` raises.
    """
    path = journal_path(home, name)
    with _alone(home):
        log, entries = _read(home), journal.read(path)
        previous = entries[-1]["hash"] if entries else journal.START
        entered = journal.append_after(path, previous, **entry)
        _append_rest(home, log, name, [*entries, entered])
    return entered


def journal_path(home: Home, name: str) -> Path:
    """Return where a journal of decisions lies."""
    return home.decisions / f"{name}.jsonl"


def head(home: Home) -> Head:
    """Return how far the log came. Raises BrokenJournal when it isn't whole."""
    with _alone(home):
        return _read(home).head


@contextmanager
def standing_still(home: Home) -> Iterator[Head]:
    """Let nothing be entered within the block; give how far the log came."""
    with _alone(home):
        yield _read(home).head


def faults(home: Home, heads: Iterable[tuple[str, Head]] = ()) -> list[AuditFault]:
    """Return what is not as it was entered, in the log and in every journal; nothing is written.

    `heads` are further notes of how far the log had come, each with where it is from; that with the
    keys is known.
    """
    with _alone(home):
        try:
            entries = journal.read(home.audit)
        except journal.BrokenJournal as broken:
            return [AuditFault("changed", {"file": broken.name, "number": broken.number})]
        found = []
        noted = _noted(home)
        for where, one in [*([(HEAD, noted)] if noted else []), *heads]:
            if one.entries > len(entries):
                values = {"count": len(entries), "where": where, "number": one.entries}
                found.append(AuditFault("cut", values))
            elif one.entries and entries[one.entries - 1]["hash"] != one.hash:
                found.append(AuditFault("replaced", {"where": where, "number": one.entries}))
        named: dict[str, list[str]] = defaultdict(list)
        for entry in entries:
            if name := entry.get("journal"):
                named[name].append(entry["of"])
        for path in home.decisions.glob("*.jsonl"):
            named[path.stem] += []
        for name, hashes in sorted(named.items()):
            found += _faults_of(journal_path(home, name), hashes)
        return found


def _faults_of(path: Path, hashes: list[str]) -> Iterator[AuditFault]:
    """Yield what is wrong in a journal of which the log names these entries."""
    try:
        entries = [entry["hash"] for entry in journal.read(path)]
    except journal.BrokenJournal as broken:
        yield AuditFault("changed", {"file": broken.name, "number": broken.number})
        return
    same = sum(1 for one, other in zip(entries, hashes, strict=False) if one == other)
    if same < min(len(entries), len(hashes)):
        yield AuditFault("changed", {"file": path.name, "number": same + 1})
    elif len(entries) < len(hashes):
        values = {"file": path.name, "count": len(entries), "number": len(hashes)}
        yield AuditFault("journal_cut", values)
    elif len(entries) > len(hashes):
        yield AuditFault("not_in_log", {"file": path.name, "number": len(hashes) + 1})


def _append_rest(home: Home, log: _Log, name: str, entries: list[dict[str, Any]]) -> None:
    """Give the entries of a journal that the log doesn't know their place in it."""
    for number, entry in enumerate(entries, start=1):
        if number > log.journals[name]:
            _append(
                home,
                log,
                f"{name}.{entry.get('decision', entry.get('action', 'entered'))}",
                subject=_subject(entry),
                reason=entry.get("reason", ""),
                by=entry.get("by", entry.get("released_by", "")),
                journal=name,
                number=number,
                of=entry["hash"],
            )


def _append(home: Home, log: _Log, action: str, **more: Any) -> None:
    entry = journal.append_after(home.audit, log.head.hash, action=action, **more)
    log.add(entry)
    _known[home.audit] = (_state(home.audit), log)
    # Who may not open the keys, as krat serve, leaves the note to the next who may.
    with suppress(OSError, ValueError, LookupError):
        noted = _noted(home)
        # A log that was cut off or begun anew never takes the place of what it was.
        if home.keys.is_dir() and (noted is None or log.has(noted)):
            note = {"entries": log.head.entries, "hash": log.head.hash}
            write_json(home.keys / HEAD, note)


def _read(home: Home) -> _Log:
    """Return what is known of the log, which is read again where another process wrote it."""
    state, log = _known.get(home.audit, ((), _Log()))
    if state and home.audit.exists() and _state(home.audit) == state:
        return log
    log = _Log()
    for entry in journal.read(home.audit):
        log.add(entry)
    return log


def _noted(home: Home) -> Head | None:
    try:
        note = json.loads((home.keys / HEAD).read_text(encoding="utf-8"))
        return Head(note["entries"], note["hash"])
    except FileNotFoundError:
        return None


def _state(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _subject(entry: dict[str, Any]) -> str:
    """Return the codes that tell what an entry is about."""
    parts = []
    for name in _SUBJECTS:
        value = entry.get(name)
        several = value if isinstance(value, list) else [value] if value else []
        parts += [str(one)[:_SHOWN] for one in several[:_MOST]]
        parts += ["…"] if len(several) > _MOST else []
    parts += sorted({change["register"] for change in entry.get("changes", [])})
    return " ".join(parts)


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    # Imported here: commands that only read start without it.
    from filelock import FileLock

    home.root.mkdir(parents=True, exist_ok=True)
    with FileLock(home.root / "audit.lock", is_singleton=False):
        yield
