"""Files and folders that are on the disk whole or not at all, whatever ends the process.

Belongs here: writing beside the old, waiting for the disk, giving the name. Not here: what is
written.

A killed process leaves at most `.<name>.<8 hex digits>.new` beside the file. Nothing reads it, and
the next writing of the same file removes it once it is a day old: no process writes for so long.
"""

import json
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

#: Up to so many files the disk is waited for one by one; above, once for all that it has to write.
_SINGLY = 64

_ABANDONED_SECONDS = 86_400


@contextmanager
def replace_file(path: Path, *, wait: bool = True) -> Iterator[Path]:
    """Give a free path to write a new file to; at the end of the block it replaces `path`.

    Folders above it are made. Whoever has the old file open reads on in it. Without `wait` the
    disk may not have the file yet: for many files, call `wait_for_disk` once. If the block raises,
    the old file stays and nothing else does. Raises OSError when it can't be written.
    """
    _make_folder(path.parent)
    _remove_abandoned(path)
    fresh = _free_name(path)
    try:
        yield fresh
        if wait:
            _sync(fresh)
        fresh.replace(path)
        if wait:
            _sync(path.parent)
    finally:
        # DuckDB's log of what it was writing lies beside its file.
        for left in path.parent.glob(f"{fresh.name}*"):
            left.unlink()


def write_bytes(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Replace a file by this content; `mode` is its permissions, less the umask's."""
    with replace_file(path) as fresh:
        _write_new(fresh, content, mode)


def write_text(path: Path, text: str) -> None:
    """Replace a file by this text in UTF-8."""
    write_bytes(path, text.encode())


def write_json(path: Path, content: Any) -> None:
    """Replace a file by this content as indented JSON."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Return the content of a file that can be made again; None where it is missing or damaged."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def create_file(path: Path, content: bytes, mode: int = 0o666) -> bool:
    """Write a new file and return True; a file that is there already stays, and False is returned.

    Of processes that come at once, one creates it, and all find it whole.
    """
    _make_folder(path.parent)
    _remove_abandoned(path)
    fresh = _free_name(path)
    try:
        _write_new(fresh, content, mode)
        _sync(fresh)
        # A hard link is refused where the name exists; a rename would replace a file in use.
        os.link(fresh, path)
        _sync(path.parent)
    except FileExistsError:
        return False
    finally:
        fresh.unlink(missing_ok=True)
    return True


def rename_folder(draft: Path, target: Path) -> None:
    """Give a draft of plain files its name, once the disk has all of it."""
    wait_for_disk(draft.iterdir())
    draft.rename(target)
    _sync(target.parent)


@contextmanager
def replace_folder(target: Path) -> Iterator[Path]:
    """Give a new folder to write into; at the end of the block it replaces the folder `target`.

    If the block raises, the old one stays and nothing else does.
    """
    _make_folder(target.absolute().parent)
    fresh = _free_name(target)
    old = fresh.with_suffix(".old")
    fresh.mkdir()
    try:
        yield fresh
        wait_for_disk(path for path in fresh.rglob("*") if path.is_file())
        if target.exists():
            target.rename(old)
        fresh.rename(target)
        _sync(target.absolute().parent)
    finally:
        for left in (fresh, old):
            shutil.rmtree(left, ignore_errors=True)


def destroy_file(path: Path) -> None:
    """Overwrite a file where it is on the disk, then remove it.

    A process that is killed between the two leaves `x` in place of each byte. What a disk or a file
    system keeps of earlier content is out of reach.
    """
    with path.open("r+b") as file:
        overwrite(file)
    path.unlink()
    _sync(path.parent)


def overwrite(file: IO[bytes]) -> None:
    """Overwrite an open file where it is on the disk."""
    file.seek(0)
    file.write(b"x" * os.fstat(file.fileno()).st_size)
    file.flush()
    os.fsync(file.fileno())


def wait_for_disk(paths: Iterable[Path]) -> None:
    """Return once the disk has these files and their names."""
    files = list(paths)
    if len(files) > _SINGLY:
        os.sync()
        return
    for path in {*files, *(path.parent for path in files)}:
        _sync(path)


def _write_new(path: Path, content: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)


def _free_name(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")


def _remove_abandoned(path: Path) -> None:
    for left in path.parent.glob(f".{path.name}.????????.new*"):
        try:
            if left.stat().st_mtime < time.time() - _ABANDONED_SECONDS:
                left.unlink()
        # Another process removed it, or gave it its name.
        except FileNotFoundError:
            continue


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
