"""The place of backups: contents under keyed hashes, and for each backup a list of its contents.

    <store>/objects/ab/ab12….age     a content, encrypted, once for all backups that have it
    <store>/backups/<id>/backup.json  which objects, with their hashes; signed (backup.json.sig)
    <store>/backups/<id>/manifest.age which file each of them is, encrypted

A backup is there once its folder has its name. Nothing in the store tells names or contents: what
is not encrypted are keyed hashes, sizes and times.

Belongs here: adding contents, listing backups, checking them, and removing old ones. Not here: what
is backed up (make), or opening it (restore).
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from filelock import FileLock

from orchestration.publication.writing.signing import (
    PUBLIC_KEYS,
    is_signed_by,
    publish_key,
    read_public_keys,
)
from orchestration.runtime.office import Keep
from sources.atomic import rename_folder
from sources.custody.audit import Head
from sources.texts import both

LIST, SIGNATURE, MANIFEST = "backup.json", "backup.json.sig", "manifest.age"

_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")
_TIME = "%Y%m%dT%H%M%SZ"


class NoBackup(ValueError):
    """A backup isn't there, isn't whole, or isn't signed by whom it should be."""


@dataclass(frozen=True)
class Backup:
    """A backup in a store; `objects` are the bytes and SHA-256 of each object as it lies there."""

    backup_id: str
    folder: Path
    made_at: datetime
    head: Head
    manifest_hash: str
    objects: Mapping[str, tuple[int, str]]


@contextmanager
def locked(store: Path) -> Iterator[None]:
    """Hold the store alone within the block."""
    store.mkdir(parents=True, exist_ok=True)
    with FileLock(store / "store.lock", is_singleton=False):
        yield


def object_path(store: Path, name: str) -> Path:
    """Return where an object lies."""
    return store / "objects" / name[:2] / f"{name}.age"


def backups_in(store: Path) -> list[Backup]:
    """Return the backups of a store, the oldest first. Raises NoBackup for one that is damaged."""
    return [_read(folder) for folder in _folders(store)]


def pick(store: Path, backup_id: str | None = None) -> Backup:
    """Return a backup by its id, or the newest. Raises NoBackup."""
    folders = [path for path in _folders(store) if backup_id in (None, path.name)]
    if not folders:
        raise NoBackup(both("backups.none", store=store))
    return _read(folders[-1])


def write_backup(
    store: Path,
    now: datetime,
    head: Head,
    manifest: bytes,
    objects: Mapping[str, tuple[int, str]],
    key: Ed25519PrivateKey,
) -> str:
    """Write what makes a backup of objects that lie in the store; return its id."""
    manifest_hash = hashlib.sha256(manifest).hexdigest()
    backup_id = f"{now.astimezone(UTC):{_TIME}}-{manifest_hash[:8]}"
    content = {
        "format": 1,
        "id": backup_id,
        "audit_head": {"entries": head.entries, "hash": head.hash},
        "manifest": manifest_hash,
        "objects": {name: list(stated) for name, stated in sorted(objects.items())},
    }
    stated = (json.dumps(content, indent=1) + "\n").encode()
    draft = store / "backups" / f".{backup_id}.new"
    draft.mkdir(parents=True)
    for name, part in {LIST: stated, SIGNATURE: key.sign(stated), MANIFEST: manifest}.items():
        (draft / name).write_bytes(part)
    publish_key(key.public_key(), draft)
    rename_folder(draft, draft.with_name(backup_id))
    return backup_id


def faults_in(store: Path, backup: Backup) -> list[str]:
    """Return the names of the files of a backup that are missing or are not what was written."""
    found = []
    for name, (size, digest) in backup.objects.items():
        path = object_path(store, name)
        if not path.is_file() or path.stat().st_size != size or file_hash(path) != digest:
            found.append(path.name)
    manifest = backup.folder / MANIFEST
    if not manifest.is_file() or file_hash(manifest) != backup.manifest_hash:
        found.append(MANIFEST)
    return found


def thin(store: Path, keep: Keep, now: datetime) -> list[str]:
    """Remove the backups that need not be kept, and objects that none of the others names.

    Returns the ids of those removed. For whoever holds the store. Raises NoBackup, and removes
    nothing, where a backup that stays is damaged: what it names isn't known.
    """
    folders = _folders(store)
    kept = kept_ids([folder.name for folder in folders], keep, now)
    named = {name for folder in folders if folder.name in kept for name in _read(folder).objects}
    removed = [folder for folder in folders if folder.name not in kept]
    for folder in removed:
        # It stops being a backup before a part of it is gone.
        gone = folder.with_name(f".{folder.name}.gone")
        folder.rename(gone)
    for left in (store / "backups").glob(".*"):
        shutil.rmtree(left)
    for path in (store / "objects").glob("*/*"):
        if path.name.removesuffix(".age") not in named:
            path.unlink()
    return [folder.name for folder in removed]


def kept_ids(ids: list[str], keep: Keep, now: datetime) -> set[str]:
    """Return which backups stay: the newest, those of some days, the last of weeks and months."""
    last: dict[Any, str] = {}
    for backup_id in sorted(ids):
        made = _made_at(backup_id)
        age = now - made
        if age <= timedelta(days=keep.days):
            last[backup_id] = backup_id
        if age <= timedelta(weeks=keep.weeks):
            last["week", *made.isocalendar()[:2]] = backup_id
        # A month has at most 31 days.
        if age <= timedelta(days=31 * keep.months):
            last["month", made.year, made.month] = backup_id
    return {*last.values(), *sorted(ids)[-1:]}


def signer(backup: Backup) -> Ed25519PublicKey:
    """Return the key that a backup is signed with. Raises NoBackup when it isn't."""
    content = (backup.folder / LIST).read_bytes()
    try:
        signature = (backup.folder / SIGNATURE).read_bytes()
        keys = read_public_keys(backup.folder / PUBLIC_KEYS)
    except (OSError, ValueError):
        keys, signature = [], b""
    for key in keys:
        if is_signed_by(key, content, signature):
            return key
    raise NoBackup(both("backups.not_signed", backup=backup.backup_id))


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, read in parts."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folders(store: Path) -> list[Path]:
    return sorted(path for path in (store / "backups").glob("*") if _ID.fullmatch(path.name))


def _read(folder: Path) -> Backup:
    try:
        content = json.loads((folder / LIST).read_bytes())
        return Backup(
            backup_id=folder.name,
            folder=folder,
            made_at=_made_at(folder.name),
            head=Head(content["audit_head"]["entries"], content["audit_head"]["hash"]),
            manifest_hash=content["manifest"],
            objects={name: (size, digest) for name, (size, digest) in content["objects"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise NoBackup(both("backups.damaged", backup=folder.name)) from None


def _made_at(backup_id: str) -> datetime:
    return datetime.strptime(backup_id.partition("-")[0], _TIME).replace(tzinfo=UTC)
