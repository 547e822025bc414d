"""Restoring a backup into a new data folder, with the officer's key.

Belongs here: opening a backup, whole or not at all. Not here: where backups lie (store), or
building the warehouse again, which a refresh does.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pyrage.x25519 import Identity

from orchestration.backup.make import DATA, KEYS, KeptFile
from orchestration.backup.store import (
    MANIFEST,
    Backup,
    NoBackup,
    faults_in,
    file_hash,
    object_path,
    pick,
    signer,
)
from orchestration.publication.writing.signing import fingerprint
from sources.atomic import replace_folder
from sources.custody import audit
from sources.custody.home import Home
from sources.custody.vault import NotOpened, decrypt, read_identities
from sources.custody.version import require_version
from sources.texts import both


class CannotRestore(ValueError):
    """The folder holds something, or a file isn't what was backed up."""


@dataclass(frozen=True)
class Restored:
    """What was restored; `fingerprint` is of the key that signed the backup."""

    backup: Backup
    files: int
    fingerprint: str


def restore(
    store: Path,
    home: Home,
    private_key: Path,
    backup_id: str | None = None,
    trusted: str | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> Restored:
    """Restore a backup, the newest unless an id is given, into a new data folder and its keys.

    Every object is compared with its hash before it is opened, and every file after. `trusted` is
    the fingerprint of the key that the backup must be signed with. What breaks off leaves no
    folder. The audit log of the new folder has the entry. Raises NoBackup, CannotRestore, NotOpened
    for a key that doesn't fit, OtherVersion, and OSError where the disk doesn't take it.
    """
    for folder in (home.root, home.keys):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise CannotRestore(both("backups.not_empty", folder=folder))
    backup = pick(store, backup_id)
    signed_by = fingerprint(signer(backup))
    if trusted is not None and trusted != signed_by:
        raise NoBackup(both("backups.other_key", backup=backup.backup_id, fingerprint=signed_by))
    report(f"comparing {len(backup.objects)} objects with their hashes")
    if faults := faults_in(store, backup):
        raise NoBackup(
            both("backups.objects", backup=backup.backup_id, count=len(faults), first=faults[0])
        )
    identities = read_identities(private_key)
    files = _manifest(backup, identities)
    report(f"opening {len(files)} files")
    # The keys appear first: beside data without keys krat would make new ones.
    with replace_folder(home.root) as root, replace_folder(home.keys) as keys:
        for folder in (keys, root):
            folder.chmod(0o700)
        for each in files:
            place, _, name = each.path.partition("/")
            _open(store, each, {DATA: root, KEYS: keys}[place] / name, identities)
        made = Home(root=root, keys=keys)
        for folder in (made.inbox, made.registers, made.releases):
            folder.mkdir(exist_ok=True)
        require_version(made)
        audit.append(made, "backup", "restored", backup.backup_id, outcome=f"{len(files)} files")
    return Restored(backup, len(files), signed_by)


def _manifest(backup: Backup, identities: list[Identity]) -> list[KeptFile]:
    opened = BytesIO()
    with (backup.folder / MANIFEST).open("rb") as sealed:
        try:
            decrypt(sealed, identities, opened)
        except NotOpened:
            raise NotOpened(both("backups.not_opened", backup=backup.backup_id)) from None
    return [KeptFile(**each) for each in json.loads(opened.getvalue())["files"]]


def _open(store: Path, kept: KeptFile, target: Path, identities: list[Identity]) -> None:
    """Write a file as it was, and compare it with what the manifest says of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with object_path(store, kept.object).open("rb") as sealed, target.open("xb") as plain:
        decrypt(sealed, identities, plain)
    if file_hash(target) != kept.sha256:
        raise CannotRestore(both("backups.other_content", file=kept.object))
    is_release = kept.path.startswith(f"{DATA}/releases/") and target.name != "latest"
    target.chmod(0o400 if is_release else 0o600)
    os.utime(target, ns=(kept.modified_ns, kept.modified_ns))
