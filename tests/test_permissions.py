"""Whom the system lets open what krat keeps: its owner, whatever the umask."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import Refreshed
from served import COMMAND

from orchestration.cli import cli
from sources.custody import permissions
from sources.custody.home import Home
from sources.custody.permissions import CannotClose, close_folders


def modes(*roots: Path) -> Iterator[tuple[Path, int]]:
    """Yield each file and folder, the roots too, with its mode."""
    for root in roots:
        for path in (root, *root.rglob("*")):
            if not path.is_symlink():
                yield path, stat.S_IMODE(path.stat().st_mode)


def open_to_others(*roots: Path) -> dict[str, str]:
    return {str(path): oct(mode) for path, mode in modes(*roots) if mode & 0o077}


def run_krat(home: Home, *arguments: str, umask: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env={**os.environ, "KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)},
        capture_output=True,
        text=True,
        umask=umask,
        check=False,
    )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(root=tmp_path / "home", keys=tmp_path / "keys")


def test_nothing_that_a_refresh_keeps_is_open_to_others(
    refreshed: Refreshed, refreshed_again: tuple[Home, int, str]
) -> None:
    for home in (refreshed.home, refreshed_again[0]):
        kept = dict(modes(home.root, home.keys))
        assert {path.suffix for path in kept} >= {".age", ".zip", ".parquet", ".duckdb", ".key"}
        assert not open_to_others(home.root, home.keys)


@pytest.mark.slow
def test_what_a_command_keeps_is_closed_and_what_it_hands_out_is_not(
    home: Home, tmp_path: Path
) -> None:
    for arguments in (
        ["example"],
        ["forms", "--county", "AL-04", "--month", "2023-05", "--out", str(home.root / "forms")],
        ["token", "make", "--reader", "ZKKA", "--county", "all"],
    ):
        done = run_krat(home, *arguments, umask=0)
        assert done.returncode == 0, done.stderr
        assert "other users" not in done.stderr
    assert len(list(home.root.rglob("*.xlsx"))) > 10
    assert not open_to_others(home.root)
    out = tmp_path / "out"
    arguments = ["forms", "--county", "AL-04", "--month", "2023-05", "--out", str(out)]
    assert run_krat(home, *arguments, umask=0o027).returncode == 0
    assert {mode for _, mode in modes(out)} == {0o750, 0o640}


@pytest.mark.usefixtures("manifest")
def test_dagster_keeps_what_its_processes_make_closed(home: Home) -> None:
    program = (
        "import os; from orchestration.definitions import defs; from pathlib import Path; "
        "Path(os.environ['KRAT_HOME'], 'made').write_text('')"
    )
    home.root.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)},
        umask=0,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not open_to_others(home.root)


def test_a_folder_that_is_open_to_others_is_closed_and_reported(home: Home, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("not krat's")
    for path in (home.raw / "deliveries" / "a.parquet", home.warehouse, home.keys / "name.key"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    arrived = home.inbox / "AL-04" / "raport.xlsx"
    arrived.parent.mkdir(parents=True)
    arrived.write_text("")
    (home.root / "link").symlink_to(outside)
    for path, _ in modes(tmp_path):
        path.chmod(0o755 if path.is_dir() else 0o664)
    (home.root / "version").write_text("1\n")
    environment = {"KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)}
    told = CliRunner().invoke(cli, ["token", "list"], env=environment)
    assert told.exit_code == 0, told.output
    # Two roots, the inbox, raw and its folder, and three files; the version came closed.
    assert "could open 8 files or folders" in told.stderr
    assert open_to_others(home.root, home.keys) == {str(arrived): "0o664"}
    assert stat.S_IMODE(home.warehouse.stat().st_mode) == 0o600
    assert stat.S_IMODE(outside.stat().st_mode) == 0o664
    assert CliRunner().invoke(cli, ["token", "list"], env=environment).stderr == ""


def test_a_folder_of_others_that_a_setting_names_by_mistake_is_left_as_it_is(home: Home) -> None:
    for path in (home.root / "public" / "index.html", home.keys / "cert.pem"):
        path.parent.mkdir(parents=True)
        path.write_text("")
    for path, _ in modes(home.root, home.keys):
        path.chmod(0o755)
    before = dict(modes(home.root, home.keys))
    assert close_folders(home) == 0
    assert dict(modes(home.root, home.keys)) == before


def test_what_can_not_be_closed_is_refused(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.root.mkdir()
    home.root.chmod(0o755)

    def another_users(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(permissions.os, "chmod", another_users)
    with pytest.raises(CannotClose, match="chmod -R go="):
        close_folders(home)
