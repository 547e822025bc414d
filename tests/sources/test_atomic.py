"""A file is on the disk whole or as it was before, whatever ends the process that writes it."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sources.atomic import (
    create_file,
    destroy_file,
    rename_folder,
    replace_file,
    wait_for_disk,
    write_bytes,
    write_json,
    write_text,
)

OLD, NEW = b"old", b"new" * 100_000

WRITERS: dict[str, Callable[[Path], object]] = {
    "bytes": lambda path: write_bytes(path, NEW),
    "a block": lambda path: _write_in_a_block(path),
}


def _write_in_a_block(path: Path) -> None:
    with replace_file(path) as fresh:
        fresh.write_bytes(NEW)


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the disk, in its order: a sync of a name, or a name that is given."""
    asked: list[str] = []
    sync, replace, rename, link = os.fsync, Path.replace, Path.rename, os.link

    def name_of(path: object) -> str:
        name = Path(str(path)).name
        return "new" if name.endswith(".new") else name

    def synced(handle: int) -> None:
        asked.append(f"sync {name_of(Path(f'/proc/self/fd/{handle}').readlink())}")
        sync(handle)

    def replaced(path: Path, target: Path) -> Path:
        asked.append(f"{name_of(path)} becomes {name_of(target)}")
        return replace(path, target)

    def renamed(path: Path, target: Path) -> Path:
        asked.append(f"{name_of(path)} becomes {name_of(target)}")
        return rename(path, target)

    def linked(path: Path, target: Path) -> None:
        asked.append(f"{name_of(path)} becomes {name_of(target)}")
        link(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    monkeypatch.setattr(Path, "rename", renamed)
    monkeypatch.setattr(os, "link", linked)
    return asked


@pytest.mark.parametrize("how", WRITERS)
def test_the_disk_has_the_file_before_its_name_and_then_the_name(
    how: str, tmp_path: Path, order: list[str]
) -> None:
    WRITERS[how](tmp_path / "folder" / "file")
    assert (tmp_path / "folder" / "file").read_bytes() == NEW
    assert order == [f"sync {tmp_path.name}", "sync new", "new becomes file", "sync folder"]


def test_a_created_file_has_its_name_only_when_the_disk_has_it(
    tmp_path: Path, order: list[str]
) -> None:
    assert create_file(tmp_path / "file", NEW)
    assert order == ["sync new", "new becomes file", f"sync {tmp_path.name}"]


def test_a_folder_gets_its_name_when_the_disk_has_all_of_it(
    tmp_path: Path, order: list[str]
) -> None:
    draft = tmp_path / ".draft"
    draft.mkdir()
    (draft / "one").write_bytes(NEW)
    (draft / "two").write_bytes(NEW)
    rename_folder(draft, tmp_path / "folder")
    assert set(order[:3]) == {"sync one", "sync two", "sync .draft"}
    assert order[3:] == [".draft becomes folder", f"sync {tmp_path.name}"]


def test_many_files_are_waited_for_at_once(
    tmp_path: Path, order: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sync", lambda: order.append("sync all"))
    few = [tmp_path / str(number) for number in range(3)]
    many = [tmp_path / str(number) for number in range(100)]
    for path in many:
        path.touch()
    wait_for_disk(few)
    assert sorted(order) == ["sync 0", "sync 1", "sync 2", f"sync {tmp_path.name}"]
    order.clear()
    wait_for_disk(many)
    assert order == ["sync all"]


KILLED = """
import os, signal, sys
from pathlib import Path
from sources import atomic

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

setattr({victim}, die)
{call}
"""


@pytest.mark.parametrize(
    ("victim", "written"),
    [
        ("os, 'open'", OLD),
        ("os, 'fsync'", OLD),
        ("Path, 'replace'", OLD),
        ("Path, 'unlink'", NEW),
    ],
)
def test_a_killed_process_leaves_the_old_content_or_the_new(
    victim: str, written: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(OLD)
    call = "atomic.write_bytes(Path(sys.argv[1]), b'new' * 100_000)"
    # Without a leftover nothing is unlinked: the process lives.
    survives = victim == "Path, 'unlink'"
    ended = subprocess.run(
        [sys.executable, "-c", KILLED.format(victim=victim, call=call), str(path)], check=False
    )
    assert ended.returncode == (0 if survives else -signal.SIGKILL)
    assert path.read_bytes() == written
    assert all(left.name.startswith(".file.") for left in tmp_path.iterdir() if left != path)
    write_bytes(path, NEW)
    assert path.read_bytes() == NEW


@pytest.mark.parametrize(("victim", "exists"), [("os, 'link'", False), ("os, 'fsync'", False)])
def test_a_killed_process_creates_no_half_of_a_file(
    victim: str, exists: bool, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    call = "atomic.create_file(Path(sys.argv[1]), b'new' * 100_000, 0o600)"
    ended = subprocess.run(
        [sys.executable, "-c", KILLED.format(victim=victim, call=call), str(path)], check=False
    )
    assert ended.returncode == -signal.SIGKILL
    assert path.exists() == exists
    for left in tmp_path.iterdir():
        assert stat.S_IMODE(left.stat().st_mode) == 0o600
    assert create_file(path, NEW, 0o600)
    assert path.read_bytes() == NEW


def test_a_destroyed_file_is_overwritten_on_the_disk_before_it_goes(
    tmp_path: Path, order: list[str]
) -> None:
    path, content = tmp_path / "file", tmp_path / "its content"
    path.write_bytes(OLD)
    content.hardlink_to(path)
    order.clear()
    destroy_file(path)
    assert not path.exists()
    assert content.read_bytes() == b"x" * len(OLD)
    assert order == ["sync file", f"sync {tmp_path.name}"]


def test_a_file_whose_destruction_was_broken_off_is_overwritten_and_can_be_destroyed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "file"
    path.write_bytes(OLD)
    call = "atomic.destroy_file(Path(sys.argv[1]))"
    ended = subprocess.run(
        [sys.executable, "-c", KILLED.format(victim="Path, 'unlink'", call=call), str(path)],
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"x" * len(OLD)
    destroy_file(path)
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(OLD)
    with pytest.raises(ValueError, match="no"), replace_file(path) as fresh:
        fresh.write_bytes(NEW)
        fresh.with_name(f"{fresh.name}.wal").write_bytes(NEW)
        raise ValueError("no")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == OLD


def test_who_has_the_old_file_open_reads_on_in_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(OLD)
    with path.open("rb") as file:
        write_bytes(path, NEW)
        assert file.read() == OLD


def test_a_file_that_is_there_stays_when_another_would_create_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert create_file(path, OLD)
    assert not create_file(path, NEW)
    assert path.read_bytes() == OLD
    assert list(tmp_path.iterdir()) == [path]


def test_a_secret_is_readable_by_its_owner_alone_from_its_first_byte(tmp_path: Path) -> None:
    seen: list[int] = []
    before = os.umask(0)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                os, "fsync", lambda handle: seen.append(stat.S_IMODE(os.fstat(handle).st_mode))
            )
            write_bytes(tmp_path / "replaced", NEW, 0o600)
            create_file(tmp_path / "created", NEW, 0o600)
    finally:
        os.umask(before)
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [mode for mode in seen if mode != stat.S_IMODE(tmp_path.stat().st_mode)] == [0o600] * 2


def test_what_killed_processes_left_goes_once_it_is_a_day_old(tmp_path: Path) -> None:
    old, young, other = (
        tmp_path / name
        for name in (".file.0123abcd.new.wal", ".file.89abcdef.new", ".file2.0123abcd.new")
    )
    for path in (old, young, other):
        path.write_bytes(OLD)
    days_ago = time.time() - 2 * 86_400
    os.utime(old, (days_ago, days_ago))
    os.utime(other, (days_ago, days_ago))
    write_text(tmp_path / "file", "ë")
    assert {path.name for path in tmp_path.iterdir()} == {"file", young.name, other.name}


def test_json_is_written_to_be_read_by_people(tmp_path: Path) -> None:
    write_json(tmp_path / "file", {"qarku": "Vlorë"})
    assert (tmp_path / "file").read_text(encoding="utf-8") == '{\n  "qarku": "Vlorë"\n}\n'
