"""Where krat keeps its things, as the environment says."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from orchestration.cli import cli
from orchestration.ingestion.door import Intake, take_in
from orchestration.runtime.settings import SEEDS, home_from_environment
from orchestration.serving.tokens import make_token
from sources.atomic import write_text
from sources.custody.home import Home
from sources.custody.version import VERSION, OtherVersion
from sources.registers import load_registers


def test_the_home_is_data_in_the_current_folder_unless_said_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KRAT_HOME", raising=False)
    monkeypatch.delenv("KRAT_KEYS", raising=False)
    monkeypatch.chdir(tmp_path)
    home = home_from_environment()
    assert home.root == tmp_path / "data"
    assert not home.keys.is_relative_to(home.root)


def test_keys_inside_the_home_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KRAT_HOME", str(tmp_path))
    monkeypatch.setenv("KRAT_KEYS", str(tmp_path / "secrets"))
    with pytest.raises(ValueError, match="KRAT_KEYS lies inside KRAT_HOME"):
        home_from_environment()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    monkeypatch.setenv("KRAT_HOME", str(home.root))
    monkeypatch.setenv("KRAT_KEYS", str(home.keys))
    return home


def run_krat(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "from orchestration.cli import main; main()"]
    return subprocess.run([*program, *arguments], capture_output=True, text=True, check=False)


def test_the_first_use_gives_the_folder_its_version(home: Home) -> None:
    folder = home.inbox / "AL-04"
    folder.mkdir(parents=True)
    assert take_in(home_from_environment(), load_registers(SEEDS)) == Intake()
    assert home.version.read_text() == f"{VERSION}\n"
    assert home_from_environment() == home


#: What makes a folder one that this krat must not open, and what it is called.
FOREIGN = {
    "a later version": ("version", f"{VERSION + 1}\n", f"of version '{VERSION + 1}'"),
    "an empty version": ("version", "", "of version ''"),
    "rows and no version": ("raw/deliveries/1f0c.parquet", "", "no version"),
    "a vault and no version": ("vault/recipients.txt", "", "no version"),
    "a reading copy and no version": ("marts.duckdb", "", "no version"),
}


def files(home: Home) -> set[str]:
    return {str(path) for path in home.root.parent.rglob("*")}


@pytest.mark.parametrize("what", FOREIGN)
def test_every_command_refuses_a_folder_of_another_version_before_it_writes(
    what: str, home: Home
) -> None:
    path, content, said = FOREIGN[what]
    write_text(home.root / path, content)
    before = files(home)
    for command in cli.commands:
        result = CliRunner().invoke(cli, [command])
        assert isinstance(result.exception, OtherVersion), command
    with pytest.raises(OtherVersion):
        home_from_environment()
    with pytest.raises(OtherVersion):
        take_in(home, load_registers(SEEDS))
    assert files(home) == before
    told = run_krat("refresh", "--month", "2023-05")
    assert told.returncode == 2
    assert said in told.stderr
    assert "KRAT_HOME" in told.stderr
    assert len(told.stderr.splitlines()) == 1
    assert CliRunner().invoke(cli, ["refresh", "--help"]).exit_code == 0


def test_a_tree_of_releases_with_tokens_needs_no_version(home: Home) -> None:
    write_text(home.releases / "restricted" / "AL-04" / "2023-05" / "latest", "r1\n")
    make_token(home, "ZKKA", "restricted", None, date(2999, 1, 1))
    assert CliRunner().invoke(cli, ["token", "list"]).exit_code == 0
    assert not home.version.exists()
