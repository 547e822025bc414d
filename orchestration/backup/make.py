"""Making a backup: all that can't be made again, as it was at one moment.

The data folder is held for a moment alone: files that are never changed get a second name there
(a hard link), the others are copied. A refresh goes on while the contents are encrypted from it.

Belongs here: what is backed up, the moment, and encrypting what is new. Not here: where it lies
(store), or the way back (restore).
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyrage
from pyrage.x25519 import Recipient

from orchestration.backup.store import (
    backups_in,
    file_hash,
    locked,
    object_path,
    thin,
    write_backup,
)
from orchestration.publication.writing.signing import signing_key
from orchestration.runtime.office import Keep
from orchestration.runtime.writer_lock import one_writer
from sources.atomic import replace_file, wait_for_disk, write_json
from sources.custody import audit
from sources.custody.home import Home
from sources.custody.pseudonyms import Pseudonyms
from sources.custody.rekeying import finish_rotations
from sources.custody.vault import IDENTITY, recipients
from sources.custody.version import require_version
from sources.texts import both

#: The purpose of the key that names contents: of a plain hash whoever guesses a short file's text
#: could confirm the guess.
PURPOSE = "backup_object"

#: Where a backup keeps the files of the data folder, and those of the keys.
DATA, KEYS = "data", "keys"


class CannotBackUp(ValueError):
    """There is no data to back up, or the place for it is in the data folder."""


@dataclass(frozen=True)
class KeptFile:
    """A file as the manifest has it: its path below `data` or `keys`, and its object."""

    path: str
    size: int
    sha256: str
    modified_ns: int
    object: str


@dataclass(frozen=True)
class Made:
    """What a backup did; `left` are files of the inbox that were being written."""

    backup_id: str
    files: int
    new_objects: int
    new_bytes: int
    left: int
    removed: int


@dataclass(frozen=True)
class _Seen:
    """A file at the moment of the backup; `state` tells a content that never changes."""

    path: str
    copy: Path
    size: int
    modified_ns: int
    state: str | None


def make_backup(
    home: Home,
    store: Path,
    keep: Keep | None = None,
    wait_seconds: float = 0,
    name: str = "krat backup",
    report: Callable[[str], None] = lambda _: None,
) -> Made:
    """Make a backup of the data folder and its keys; then remove those that need not be kept.

    The vault's private key stays out: it opens the backup. Without `keep` all backups stay. A
    backup that breaks off leaves those before it as they were, and objects that the next one uses
    or removes. Raises CannotBackUp, AnotherWriter where the data folder isn't free in time,
    OtherVersion, and OSError where the store can't be written.
    """
    require_version(home)
    store = store.resolve()
    if not home.version.exists():
        raise CannotBackUp(both("backups.no_data", folder=home.root))
    if any(store.is_relative_to(folder) for folder in (home.root, home.keys)):
        raise CannotBackUp(both("backups.inside", store=store))
    staging = home.root / ".backup"
    with locked(store):
        shutil.rmtree(staging, ignore_errors=True)
        try:
            with (
                one_writer(home, wait_seconds, name=name, on_wait=report),
                audit.standing_still(home) as head,
            ):
                # By its second the newest is told from those before.
                earlier = [each.made_at + timedelta(seconds=1) for each in backups_in(store)]
                now = max([datetime.now(UTC), *earlier])
                # Data and keys belong together, and the keys of the backup itself are in it.
                finish_rotations(home)
                names, signer = Pseudonyms(home.keys), signing_key(home.keys)
                names.key(PURPOSE, "")
                seen, left = _hold(home, staging)
            report(f"encrypting {len(seen)} files")
            writer = _Objects(home, store, names)
            files = [writer.keep(each) for each in seen]
            wait_for_disk(writer.written)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        manifest = json.dumps({"files": [asdict(each) for each in files]}).encode()
        backup_id = write_backup(
            store,
            now,
            head,
            pyrage.encrypt(manifest, writer.recipients),
            {each.object: writer.objects[each.object] for each in files},
            signer,
        )
        write_json(home.backed_up, {"store": str(store), "objects": writer.states})
        outcome = f"{len(files)} files, {len(writer.written)} new"
        audit.append(home, "backup", "made", backup_id, outcome=outcome)
        removed = thin(store, keep, now) if keep else []
        if removed:
            audit.append(home, "backup", "thinned", backup_id, outcome=f"{len(removed)} removed")
    written = sum(path.stat().st_size for path in writer.written)
    return Made(backup_id, len(files), len(writer.written), written, left, len(removed))


class _Objects:
    """Writes contents that the store lacks, encrypted, each once."""

    def __init__(self, home: Home, store: Path, names: Pseudonyms) -> None:
        self._store = store
        self._names = names
        self.recipients: list[Recipient] = recipients(home)
        # What no backup names may be what a power cut left of a file.
        self.objects = {
            name: stated for each in backups_in(store) for name, stated in each.objects.items()
        }
        self.written: list[Path] = []
        #: The object of each content that never changes, and its hash, by its state.
        self.states: dict[str, tuple[str, str]] = {}
        self._before: dict[str, list[str]] = {}
        with suppress(OSError, ValueError, KeyError):
            noted = json.loads(home.backed_up.read_text(encoding="utf-8"))
            self._before = noted["objects"] if noted["store"] == str(store) else {}

    def keep(self, seen: _Seen) -> KeptFile:
        """Return a file as the manifest has it, once its content is in the store."""
        name, digest = self._before.get(seen.state or "", ("", ""))
        if name not in self.objects:
            digest = file_hash(seen.copy)
            name = self._names.key(PURPOSE, digest)
            if name not in self.objects:
                self._write(seen.copy, name)
        if seen.state:
            self.states[seen.state] = name, digest
        return KeptFile(seen.path, seen.size, digest, seen.modified_ns, name)

    def _write(self, content: Path, name: str) -> None:
        path = object_path(self._store, name)
        with (
            replace_file(path, wait=False) as fresh,
            content.open("rb") as source,
            fresh.open("wb") as target,
        ):
            pyrage.encrypt_io(source, target, self.recipients)
        self.objects[name] = (path.stat().st_size, file_hash(path))
        self.written.append(path)


def _hold(home: Home, staging: Path) -> tuple[list[_Seen], int]:
    """Give every file that is backed up a second place, where nothing changes it any more.

    Returns them, and how many files of the inbox were left because somebody writes them.
    """
    seen: list[_Seen] = []
    left = 0
    for place, path, name in _files(home):
        copy = staging / place / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        before = path.stat()
        is_lasting = place == DATA and name.partition("/")[0] in _lasting(home)
        if not (is_lasting and _linked(path, copy)):
            shutil.copyfile(path, copy)
        after = path.stat()
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            # Whatever krat writes stands still now: the sender or an editor is at it.
            left += 1
            continue
        state = None
        if is_lasting:
            state = f"{before.st_ino}:{before.st_size}:{before.st_mtime_ns}"
        seen.append(_Seen(f"{place}/{name}", copy, before.st_size, before.st_mtime_ns, state))
    return seen, left


def _files(home: Home) -> Iterator[tuple[str, Path, str]]:
    """Yield each file that is backed up: of the data or the keys, its path, and that below them."""
    for top in sorted(home.root.iterdir()):
        if not _is_made_again(home, top):
            # The inbox may be a link to a folder outside.
            for path in _walk(top):
                yield DATA, path, path.relative_to(home.root).as_posix()
    own = {IDENTITY, audit.HEAD}
    for path in sorted(home.keys.glob("*")):
        if path.is_file() and path.name not in own and not path.name.startswith("."):
            yield KEYS, path, path.name


def _walk(top: Path) -> Iterator[Path]:
    if top.is_file():
        yield top
        return
    for folder, folders, names in os.walk(top):
        # What begins with a dot is being written, or was left by a process that was killed.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            if not name.startswith(".") and not name.endswith(".lock") and not path.is_symlink():
                yield path


def _is_made_again(home: Home, path: Path) -> bool:
    """Tell whether something in the data folder is made again, or is of no use elsewhere."""
    made = {
        home.warehouse, home.known, home.fates, home.dbt, home.dagster, home.site, home.pulled,
        home.backed_up, home.root / "as-known", home.root / "writer.json",
        *([Path(home.lake.data)] if home.lake else []),
    }  # fmt: skip
    # Requests to the server are kept for a while only, and no longer by a backup.
    is_passing = path.name.startswith((".", home.access_log.name))
    return path in made or is_passing or path.suffix in (".lock", ".wal")


def _lasting(home: Home) -> set[str]:
    """Return what holds files that are never changed where they are, only replaced."""
    lasting = (home.vault, home.quarantine, home.raw, home.releases, home.marts)
    return {path.name for path in lasting}


def _linked(path: Path, copy: Path) -> bool:
    """Give a file a second name; False where the disk knows no such thing."""
    try:
        os.link(path, copy)
    except OSError:
        return False
    return True
