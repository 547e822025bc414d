"""Which registers are in use: krat's own, or a set that the office's rows made of them.

A set is a folder named by a hash of all that it is made of, and is never changed. A refresh takes
the newest good set into use; a broken one leaves the last good one there.

Belongs here: making a set, taking it into use, and the entry of that in the journal. Not here: what
makes a set good (check).
"""

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from orchestration.registers.check import check_registers
from orchestration.registers.declaration import declared
from orchestration.registers.rows import BrokenRegisters, Rows, office_files, unite, write_rows
from orchestration.runtime.settings import SEEDS
from sources.atomic import write_text
from sources.custody import audit
from sources.custody.home import Home

#: The journal of what was taken into use or added, by its name in the audit log.
JOURNAL = "registers"

#: The file of a set that holds the hash of its registers.
_HASH = "hash"

#: Sets that are kept: a command may still read the one before.
_KEPT = 3


def registers_in_use(home: Home) -> Path:
    """Return the folder of the registers that the last refresh took into use; krat's own if none.

    Within a refresh nothing else takes others into use. A set that is damaged, or lacks a register
    because an older krat made it: krat's own are in use until the next refresh makes it anew.
    """
    try:
        named = _pointer(home).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return SEEDS
    folder = home.registers_in_use / named
    return folder if _is_whole(folder) else SEEDS


def newest_registers(home: Home) -> Path:
    """Return the folder of krat's registers with the office's over them, as they now are.

    Nothing is taken into use. Raises BrokenRegisters when the office's can't be used.
    """
    if not office_files(home.registers):
        return SEEDS
    folder = home.registers_in_use / _digest(home)
    if _is_whole(folder):
        return folder
    rows, problems = check_registers(SEEDS, home.registers)
    if problems:
        raise BrokenRegisters(problems)
    home.registers_in_use.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=home.registers_in_use) as name:
        draft = Path(name) / folder.name
        draft.mkdir()
        write_rows(rows, draft)
        write_text(draft / _HASH, registers_hash(draft))
        if not _is_whole(folder):
            shutil.rmtree(folder, ignore_errors=True)
            draft.rename(folder)
    return folder


def take_registers(home: Home) -> Path:
    """Take the newest registers into use, enter in the journal what changed, return their folder.

    For the one writer of the data folder. Raises BrokenRegisters when the office's can't be used:
    those in use stay.
    """
    newest, before = newest_registers(home), registers_in_use(home)
    if newest == before:
        return newest
    changes = differences(before, newest)
    if changes:
        audit.enter(home, JOURNAL, decision="registers_taken", changes=changes)
    if newest == SEEDS:
        _pointer(home).unlink()
    else:
        write_text(_pointer(home), newest.name)
    _remove_old(home, newest)
    return newest


def differences(before: Path, after: Path) -> list[dict[str, Any]]:
    """Return the rows that two folders of registers don't have in common: register, change, key.

    A key is told by its columns that hold codes: names may be long, and are no codes.
    """
    one, other = (unite(folder, folder / "none") for folder in (before, after))
    found = []
    for name in declared():
        old, new = _values(one, name), _values(other, name)
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key):
                change = "added" if key not in old else "gone" if key not in new else "changed"
                codes = [part for part in key if part and " " not in part]
                found.append({"register": name, "change": change, "key": codes})
    return found


def registers_hash(folder: Path) -> str:
    """Return the SHA-256 of the registers in a folder."""
    digest = hashlib.sha256()
    for name in declared():
        digest.update(name.encode())
        digest.update((folder / f"{name}.csv").read_bytes())
    return digest.hexdigest()


def _is_whole(folder: Path) -> bool:
    """Tell whether a set is what was made; a disk or a person may have taken something of it."""
    try:
        return (folder / _HASH).read_text(encoding="ascii") == registers_hash(folder)
    except (OSError, ValueError):
        return False


def _values(rows: Rows, name: str) -> dict[tuple[str, ...], dict[str, str]]:
    return {key: line.values for key, line in rows.of[name].items()}


def _pointer(home: Home) -> Path:
    return home.registers_in_use / "current"


def _digest(home: Home) -> str:
    """Return a hash of krat's registers and the office's."""
    digest = hashlib.sha256()
    for path in [*sorted(SEEDS.glob("*.*")), *office_files(home.registers)]:
        if path.is_file():
            digest.update(f"{path.name} {path.stat().st_size}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _remove_old(home: Home, newest: Path) -> None:
    sets = [path for path in home.registers_in_use.iterdir() if path.is_dir() and path != newest]
    sets.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in sets[_KEPT - 1 :]:
        shutil.rmtree(path, ignore_errors=True)
