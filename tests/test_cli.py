"""The command line: what it tells, and that a mistake is one clear line and never a traceback."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import Refreshed

from orchestration.cli import cli
from sources.custody.home import Home


def krat(home: Home, *arguments: str) -> Result:
    environment = {"KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)}
    return CliRunner().invoke(cli, arguments, env=environment)


@pytest.fixture
def empty_home(tmp_path: Path) -> Home:
    return Home(root=tmp_path / "home", keys=tmp_path / "keys")


def test_a_refresh_tells_what_was_done_and_where_to_look(
    refreshed_again: tuple[Home, int, str],
) -> None:
    _, status, output = refreshed_again
    assert status == 0, output
    assert "0 new releases, 2 unchanged" in output
    assert "krat status --month 2023-05" in output


def test_the_status_shows_who_reported_and_what_was_found(refreshed: Refreshed) -> None:
    result = krat(refreshed.home, "status", "--month", "2023-05", "--county", "AL-04")
    assert result.exit_code == 0
    assert "AL-04-POLICIA" in result.stdout
    assert "missing_report" in result.stdout
    assert "sources_disagree" in result.stdout


def test_sql_answers_from_the_reading_copy_and_can_do_nothing_else(refreshed: Refreshed) -> None:
    count = krat(refreshed.home, "sql", "select count(*) as indicators from core.dim_indicators")
    assert "66" in count.stdout
    for query in (
        "select * from no_such_table",
        "create table mine as select 1",
        "select * from read_csv('pyproject.toml')",
        "attach 'other.duckdb'",
        "set enable_external_access = true",
    ):
        result = krat(refreshed.home, "sql", query)
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: ")
        assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("refresh", "--month", "May"), "write it as 2023-05"),
        (("refresh", "--month", "2023-05", "--county", "AL-99"), "no county"),
        (("refresh", "--month", "2023-05", "--since", "2023-06"), "lies after"),
        (("status", "--month", "2023-05"), "nothing is published yet"),
        (("sql", "select 1"), "nothing is published yet"),
    ],
)
def test_a_users_mistake_is_said_in_one_clear_line(
    empty_home: Home, arguments: tuple[str, ...], said: str
) -> None:
    result = krat(empty_home, *arguments)
    assert result.exit_code != 0
    assert said in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "command", ["example", "refresh", "status", "sql", "ui", "serve", "token", "pull"]
)
def test_every_command_explains_itself(empty_home: Home, command: str) -> None:
    result = krat(empty_home, command, "--help")
    assert result.exit_code == 0
    assert "Usage: " in result.stdout
