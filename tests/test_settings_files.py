"""A slip in a file that an analyst may edit is named by line, and stops nothing else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from orchestration.alerts import channels
from orchestration.alerts.channels import read_alerts
from orchestration.cli import cli
from orchestration.definitions import _definitions
from orchestration.registers import calendar
from orchestration.registers.calendar import read_calendar
from orchestration.runtime import dagster_home, office
from orchestration.runtime.dagster_home import dagster_settings
from orchestration.runtime.office import backup_settings, read_office, serve_settings
from orchestration.runtime.settings import prepare_process
from sources.custody.home import Home

#: What reads each file, and krat's own.
READERS: dict[str, tuple[Callable[[Home], tuple[Any, Any]], Path]] = {
    "alerts.yml": (read_alerts, channels.OWN),
    "backup.yml": (backup_settings, office.BACKUP),
    "calendar.yml": (read_calendar, calendar.OWN),
    "dagster.yml": (dagster_settings, dagster_home.OWN),
    "office.yml": (read_office, office.OFFICE),
    "serve.yml": (serve_settings, office.SERVE),
}

#: Files with a change that is right, then with a slip: what is written in place of what, its line
#: counted from the place, and what to write.
SLIPS = {
    "alerts.yml": ("retry_minutes: 15", "retry_minutes: 20", "retry_minutes: soon",
                   "retry_minutes: 15"),
    "backup.yml": ("days: 14", "days: 7", "days: many", "days: 14"),
    "calendar.yml": ("{day: 11,", "{day: 12,", "{day: 41,", "day: 11"),
    "dagster.yml": ("longest_run_hours: 6", "longest_run_hours: 7", "longest_run_hours: 0",
                    "longest_run_hours: 6"),
    "office.yml": ("send_to: {}", "send_to: {AL-04: krat@fier.example}",
                   "send_to: {AL-4: krat@fier.example}", "AL-04: krat@example.al"),
    "serve.yml": ("checks_at_once: 2", "checks_at_once: 3", "checks_at_once: many",
                  "checks_at_once: 2"),
}  # fmt: skip

#: Further slips of the two files whose reader checks more than numbers, and the setting that each
#: is told to be of.
MORE = {
    "an office without an address": (
        "office.yml", "send_to: {}", "send_to: {AL-04: }", "send_to.AL-04",
    ),
    "an office that is a list": ("office.yml", "send_to: {}", "send_to: [AL-04]", "send_to"),
    "an office that is no YAML": ("office.yml", "send_to: {}", "send_to: {AL-04: x", "YAML"),
    "an office with an unknown setting": (
        "office.yml", "send_to: {}", "send_to: {}\ncolour: red", "colour",
    ),
    "a limit in other words": (
        "serve.yml", "60/hour", "60 an hour or so", "limits.checks_per_token",
    ),
    "a proxy that is a name": (
        "serve.yml", "proxies: []", "proxies: [proxy.example.al]", "trusted_proxies.0",
    ),
    "serve without a setting": ("serve.yml", "requests: 200", "", "requests"),
}  # fmt: skip


#: Slips of any file, which no reader may fall over: content instead of krat's own, or put after it.
OF_ANY_FILE = {
    "empty": (b"", False),
    "a day that doesn't exist": (b"\nx: 2023-02-31\n", True),
    "a date that is promised": (b"\nx: !!timestamp 2023-02-31\n", True),
    "an object of Python": (b"\nx: !!python/object/apply:os.getcwd []\n", True),
    "tabs": (b"\nx:\n\ty: 1\n", True),
    "brackets without end": (b"\nx: " + b"[" * 3000 + b"\n", True),
    "brackets in brackets": (b"\nx: " + b"[" * 3000 + b"]" * 3000 + b"\n", True),
    "a long number": (b"\nx: " + b"9" * 5000 + b"\n", True),
    "aliases": (b"\nx: &x [1]\ny: [*x, *x]\n", True),
    "a list for a name": (b"\n? [a, b]\n: x\n", True),
    "another encoding": (b"\n# \xeb\n", True),
    "two files in one": (b"\n---\nx: 1\n", True),
    "a conflict of versions": (b"<<<<<<< ours\n", True),
}

#: Values that were taken for something else than what was typed, and what is told to be wrong.
MISTAKEN = {
    "an hour without quotes": ("calendar.yml", 'day: 15, at: "06:00"', "day: 15, at: 6:30",
                               "release.at"),
    "an hour as a number": ("calendar.yml", 'day: 15, at: "06:00"', "day: 15, at: 6", "release.at"),
    "an hour of another zone": ("calendar.yml", 'day: 15, at: "06:00"', 'day: 15, at: "06:00Z"',
                                "release.at"),
    "a day that is yes": ("calendar.yml", "{day: 15,", "{day: yes,", "release.day"),
    "a county without its zero": (
        "calendar.yml", "counties: {}", 'counties: {AL-5: {release: {day: 20, at: "06:00"}}}',
        "counties.AL-5",
    ),
    "a zone that is this machine's": ("calendar.yml", "Europe/Tirane", "posixrules", "timezone"),
    "a channel for a county by its name": (
        "alerts.yml", "channels: []",
        "channels: [{name: fier, url: '${KRAT_ALERT_FIER}', counties: [Fier]}]",
        "channels.0.counties.0",
    ),
    "days without end": ("alerts.yml", "days_before_end: 14", "days_before_end: 9999999999",
                         "days_before_end"),
    "hours without end": ("dagster.yml", "longest_run_hours: 6", "longest_run_hours: .inf",
                          "longest_run_hours"),
    "hours and minutes": ("dagster.yml", "longest_run_hours: 6", "longest_run_hours: 6:00",
                          "longest_run_hours"),
    "two limits": ("serve.yml", "10000/minute", "10000/minute;1/hour", "limits.per_token"),
    "a limit of none": ("serve.yml", "10000/minute", "0/minute", "limits.per_token"),
    "an address without its scheme": ("serve.yml", 'public_url: ""', "public_url: krat.example.al",
                                      "public_url"),
    "an address of two lines": ("office.yml", "send_to: {}", 'send_to: {AL-04: "a\\nb"}',
                                "send_to.AL-04"),
    "a county twice": ("office.yml", "send_to: {}", "send_to: {AL-04: a, AL-04: b}", "AL-04"),
    "a setting twice": ("dagster.yml", "keep_days:\n", "longest_run_hours: 8\nkeep_days:\n",
                        "longest_run_hours"),
}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    home.root.mkdir()
    monkeypatch.setenv("KRAT_HOME", str(home.root))
    monkeypatch.setenv("KRAT_KEYS", str(home.keys))
    return home


def krat(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def write(home: Home, name: str, old: str, new: str) -> int:
    """Write a file as krat's own with a change; return the line of the change."""
    content = READERS[name][1].read_text(encoding="utf-8")
    assert content.count(old) == 1
    (home.root / name).write_text(content.replace(old, new), encoding="utf-8")
    return content[: content.index(old)].count("\n") + 1


def found(home: Home) -> dict[str, Any]:
    """Return the mistake that the reader of each file finds."""
    return {name: reader(home)[1] for name, (reader, _) in READERS.items()}


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_named_in_both_languages_and_the_last_good_copy_stays_in_use(
    name: str, home: Home
) -> None:
    old, good, slip, advice = SLIPS[name]
    reader = READERS[name][0]
    write(home, name, old, good)
    before, wrong = reader(home)
    assert wrong is None
    line = write(home, name, old, slip)
    settings, wrong = reader(home)
    assert settings == before
    assert wrong is not None
    assert (wrong.file, wrong.line) == (name, line)
    for language, word in (("sq", "rreshti"), ("en", "line")):
        assert wrong.sentence(language).startswith(f"{name}, {word} {line}: ")
        assert advice in wrong.sentence(language)
    assert {each for each, mistake in found(home).items() if mistake} == {name}


@pytest.mark.parametrize("slip", MORE)
def test_office_and_serve_are_checked_before_they_are_used(slip: str, home: Home) -> None:
    name, old, new, key = MORE[slip]
    write(home, name, old, new)
    settings, wrong = READERS[name][0](home)
    assert wrong is not None
    assert (wrong.file, wrong.key) == (name, key)
    # None was ever right: krat's own are in use.
    (home.root / name).unlink()
    assert READERS[name][0](home) == (settings, None)


def test_a_refresh_says_that_its_sites_are_not_made_for_a_slip(home: Home) -> None:
    (home.root / "serve.yml").write_text("sites: [public]\n", encoding="utf-8")
    told = krat("refresh", "--month", "2023-05", "--dry-run")
    assert "serve.yml, line 1: " in told.stderr


@pytest.mark.parametrize("slip", MISTAKEN)
def test_no_value_is_taken_for_another_than_was_typed(slip: str, home: Home) -> None:
    name, old, new, key = MISTAKEN[slip]
    write(home, name, old, new)
    wrong = READERS[name][0](home)[1]
    assert wrong is not None
    assert (wrong.file, wrong.key) == (name, key)


@pytest.mark.parametrize("slip", OF_ANY_FILE)
@pytest.mark.parametrize("name", READERS)
def test_whatever_a_file_holds_the_last_good_one_is_used_and_it_is_said(
    name: str, slip: str, home: Home
) -> None:
    reader, own = READERS[name]
    content, goes_on = OF_ANY_FILE[slip]
    old, good, _, _ = SLIPS[name]
    write(home, name, old, good)
    before, _ = reader(home)
    (home.root / name).write_bytes(own.read_bytes() * goes_on + content)
    settings, wrong = reader(home)
    assert settings == before
    assert wrong is not None
    assert f"{name}, line {wrong.line}: " in wrong.sentence("en")
    assert "the last correct file is used" in wrong.sentence("en")


@pytest.mark.parametrize("name", READERS)
def test_what_other_programs_do_to_a_file_is_no_slip(name: str, home: Home) -> None:
    reader, own = READERS[name]
    usual = reader(home)
    content = own.read_text(encoding="utf-8").replace("\n", "\r\n")
    (home.root / name).write_bytes(b"\xef\xbb\xbf" + content.encode())
    assert reader(home) == usual


@pytest.mark.parametrize("name", READERS)
def test_a_file_that_does_not_open_and_one_that_was_good_for_an_older_krat(
    name: str, home: Home
) -> None:
    reader, _ = READERS[name]
    usual, _ = reader(home)
    (home.root / name).mkdir()
    home.last_good.mkdir(parents=True)
    for content in (b"gone: 1\n", b"\xff"):
        (home.last_good / name).write_bytes(content)
        settings, wrong = reader(home)
        assert settings == usual
        assert wrong is not None
        assert wrong.sentence("en") == (
            f"{name} can't be opened. It must be a file that the program is allowed to read. "
            "Until then the program's own file is used."
        )


def spoil(home: Home, name: str) -> None:
    if name == "registers":
        home.registers.mkdir()
        (home.registers / "institutions.csv").write_text("institution_code\nX\n", encoding="utf-8")
    else:
        old, _, slip, _ = SLIPS[name]
        write(home, name, old, slip)


#: Commands that read no warehouse, what each is for, and which files they tell a slip of.
COMMANDS = {
    "calendar": (["calendar"], set()),
    "alerts": (["alerts", "list"], {"alerts.yml"}),
    "forms": (["forms", "--county", "AL-04", "--month", "2023-05"], {"office.yml", "registers"}),
    "token": (["token", "list"], set()),
}


@pytest.mark.slow
@pytest.mark.usefixtures("manifest")
@pytest.mark.parametrize("name", [*SLIPS, "registers"])
def test_a_slip_stops_neither_commands_nor_dagster(name: str, home: Home, tmp_path: Path) -> None:
    prepare_process(home)
    usual = {what: _status(what, tmp_path / "usual" / what) for what in COMMANDS}
    spoil(home, name)
    for what, (_, tell) in COMMANDS.items():
        result = krat(*COMMANDS[what][0], *_out(what, tmp_path / "now" / what))
        assert result.exit_code == usual[what], (what, result.output)
        assert "Traceback" not in result.output
        told = "krat: " in result.stderr
        assert told == (name in tell), (what, result.stderr)
    assert any((tmp_path / "now" / "forms").iterdir())
    assert krat("registers", "check").exit_code == (1 if name == "registers" else 0)
    defs = _definitions.__wrapped__()
    assert {job.name for job in defs.jobs or []} >= {"monthly_refresh", "county_refresh"}
    assert all(mistake is None for each, mistake in found(home).items() if each != name)


def _out(what: str, folder: Path) -> list[str]:
    return ["--out", str(folder)] if what == "forms" else []


def _status(what: str, folder: Path) -> int:
    return krat(*COMMANDS[what][0], *_out(what, folder)).exit_code


def test_forms_have_the_last_good_address_and_the_slip_is_told(home: Home, tmp_path: Path) -> None:
    forms = ["forms", "--county", "AL-04", "--month", "2023-05", "--out"]
    old, good, slip, _ = SLIPS["office.yml"]
    write(home, "office.yml", old, good)
    assert krat(*forms, str(tmp_path / "good")).stderr == ""
    write(home, "office.yml", old, slip)
    told = krat(*forms, str(tmp_path / "wrong"))
    assert told.exit_code == 0
    lines = told.stderr.splitlines()
    assert [line.split(",")[0] for line in lines] == ["krat: office.yml"] * 2
    assert read_office(home)[0].send_to == {"AL-04": "krat@fier.example"}
