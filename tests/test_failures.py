"""A refresh that fails: one line that names the step, the reason and what to run next."""

import errno
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from click.testing import CliRunner

from expectations.gate import GateRefused
from orchestration.cli import cli
from orchestration.defs import alerts, backfill, ingestion
from orchestration.defs.ingestion import deliveries
from orchestration.defs.partitions import month_partitions
from orchestration.defs.resources import HomeResource, WriterResource
from orchestration.defs.schedules import schedules
from orchestration.refresh import steps
from orchestration.refresh.failures import ANY_MONTH, describe_failure
from orchestration.registers.calendar import read_calendar
from orchestration.runtime.settings import SEEDS
from orchestration.runtime.settings_files import WrongSetting
from orchestration.runtime.writer_lock import one_writer
from orchestration.warehouse.build import DISK_FULL, BuildFailed
from sources.custody import isolation
from sources.custody.home import Home

pytestmark = pytest.mark.slow

#: What no line may quote: a file in the inbox can be named after a person.
PERSON = "Arta-Hoxha"

AGAIN = "krat refresh --month 2023-05 --county AL-04"
STAYS = "What was published before stays."


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    monkeypatch.setenv("KRAT_HOME", str(home.root))
    monkeypatch.setenv("KRAT_KEYS", str(home.keys))
    # Nothing of these tests comes as far as the warehouse.
    for name in ("load_raw", "link_persons", "build_warehouse"):
        monkeypatch.setattr(steps, name, lambda *_, **__: None)
    return home


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def by_command() -> str:
    """Return what the command tells, without the progress before it."""
    told = CliRunner().invoke(
        cli, ["refresh", "--month", "2023-05", "--county", "AL-04", "--wait", "0"]
    )
    assert told.exit_code == 1, told.output
    assert told.stdout == ""
    _, _, line = told.stderr.partition("Error: ")
    return line.rstrip()


def by_dagster(instance: dg.DagsterInstance) -> str:
    job = backfill.county_refresh(SEEDS, month_partitions(SEEDS, "Europe/Tirane"))
    result = job.execute_in_process(
        partition_key="AL-04|2023-05",
        instance=instance,
        resources={"home": HomeResource()},
        raise_on_error=False,
    )
    [event] = result.get_step_failure_events()
    assert event.step_failure_data.user_failure_data is not None
    assert PERSON not in event.step_failure_data.error_display_string
    return str(event.step_failure_data.user_failure_data.description)


def raising(error: Exception) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def at(name: str, error: Exception) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.setattr(steps, name, raising(error))


#: What fails where, and the line: {home} is the data folder.
FAILURES: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str]] = {
    "build failed": (
        at("build_warehouse", BuildFailed("dbt could not build: stg_deliveries (Binder Error)")),
        "Building the warehouse failed: dbt could not build: stg_deliveries (Binder Error). "
        f"{STAYS} Next: {AGAIN}",
    ),
    "disk full": (
        at("load_raw", OSError(errno.ENOSPC, DISK_FULL, f"inbox/{PERSON}.xlsx")),
        "Loading what was taken in failed: the disk of {home} is full. "
        f"{STAYS} "
        f"Next: free space on it, then {AGAIN}",
    ),
    "disk full in DuckDB": (
        at("link_persons", duckdb.IOException(f'IO Error: Could not write "x": {DISK_FULL}')),
        "Linking persons failed: the disk of {home} is full. "
        f"{STAYS} "
        f"Next: free space on it, then {AGAIN}",
    ),
    "disk full in dbt": (
        at("build_warehouse", BuildFailed(f"dbt could not build: fct_actuals ({DISK_FULL})")),
        "Building the warehouse failed: the disk of {home} is full. "
        f"{STAYS} "
        f"Next: free space on it, then {AGAIN}",
    ),
    "gate failed": (
        at("plan", GateRefused("the tables changed since the verdict: run krat refresh.")),
        f"Building the warehouse failed: the tables changed since the verdict. {STAYS} "
        f"Next: {AGAIN}",
    ),
    "settings wrong": (
        at("take_in", WrongSetting("office.yml", 3, "send_to", "send_to: {}", last_good=True)),
        'Reading the inbox failed: office.yml, line 3: "send_to" can\'t be read. Write it as the '
        "program's own file does: send_to: {}. Until then the last correct file is used. "
        f"{STAYS} Next: {AGAIN}",
    ),
    "too little memory": (
        at("take_in", MemoryError()),
        f"Reading the inbox failed: there is too little memory. {STAYS} "
        f"Next: end other programs, then {AGAIN}",
    ),
    "no right": (
        at("take_in", PermissionError(errno.EACCES, "Permission denied")),
        "Reading the inbox failed: krat may not write in {home}. "
        f"{STAYS} "
        f"Next: give it the right, then {AGAIN}",
    ),
    "open elsewhere": (
        at(
            "load_raw",
            duckdb.IOException(
                'Could not set lock on file "w": Conflicting lock is held in /bin/x (PID 77).'
            ),
        ),
        "Loading what was taken in failed: another program (PID 77) has warehouse.duckdb open. "
        f"{STAYS} Next: close it, then {AGAIN}",
    ),
}


#: What a sensor or schedule falls over, and what the line begins with.
TICKS: dict[str, tuple[str, str, Callable[..., object], Callable[..., object]]] = {
    "inbox_sensor": (
        "orchestration.defs.ingestion.waiting",
        "Looking into the inbox failed: ",
        lambda context, home: ingestion.inbox_sensor(context, home=home),
        lambda instance: dg.build_sensor_context(instance=instance),
    ),
    "alerts_sensor": (
        "orchestration.defs.alerts.send_due",
        "Sending alerts failed: ",
        lambda context, home: alerts.alerts_sensor(context, home=home),
        lambda instance: dg.build_sensor_context(instance=instance),
    ),
    "release_schedule": (
        "orchestration.defs.schedules.events",
        "Looking into the calendar failed: ",
        lambda context, home: schedules(read_calendar(home.folder)[0], None)[2](context, home=home),
        lambda instance: dg.build_schedule_context(
            instance=instance, scheduled_execution_time=datetime(2023, 6, 15, 6, tzinfo=UTC)
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TICKS)
def test_a_tick_that_fails_says_so_in_one_line(
    name: str, home: Home, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, begins, tick, context = TICKS[name]

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/inbox/Arta Hoxha.xlsx")

    monkeypatch.setattr(where, full)
    folder = HomeResource(root=str(home.root), keys_folder=str(home.keys))
    with pytest.raises(dg.Failure) as failed:
        tick(context(instance), folder)
    line = str(failed.value.description)
    assert line.startswith(f"{begins}the disk of {home.root} is full.")
    assert "Arta" not in line
    assert "Next: free space on it, then krat " in line


@pytest.mark.parametrize("kind", FAILURES)
def test_a_failure_is_one_line_by_command_and_in_dagster(
    kind: str, home: Home, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail, line = FAILURES[kind]
    fail(monkeypatch)
    expected = line.replace("{home}", str(home.root))
    assert by_command() == expected
    assert by_dagster(instance) == expected


def test_readers_that_are_killed_stop_the_refresh_in_words(
    home: Home, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        isolation, "_PROGRAM", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    )
    report = home.inbox / "AL-04" / f"{PERSON}.csv"
    report.parent.mkdir(parents=True)
    report.write_text("Formulari;Qarku\n", encoding="utf-8")
    os.utime(report, (1686200000, 1686200000))
    expected = (
        "Reading the inbox failed: the process that reads files does not start: nothing was taken "
        f"in. {STAYS} Next: {AGAIN}"
    )
    assert by_command() == expected
    assert by_dagster(instance) == expected
    assert report.exists()


def test_a_wrong_register_is_named_with_its_line_in_both_languages(
    home: Home, instance: dg.DagsterInstance
) -> None:
    home.registers.mkdir(parents=True)
    (home.registers / "institutions.csv").write_text("institution_code\nX\n", encoding="utf-8")
    told = by_command()
    first, *problems = told.splitlines()
    assert first.startswith("Planning the refresh failed: Regjistrat e zyrës kanë ")
    assert first.endswith(f"{STAYS} Next: krat registers check")
    assert problems
    assert len(problems) % 2 == 0
    assert all(line.startswith("institutions.csv") for line in problems)
    assert by_dagster(instance) == told
    home_resource = HomeResource()
    result = dg.materialize(
        [deliveries],
        resources={"home": home_resource, "writer": WriterResource(home=home_resource)},
        instance=instance,
        raise_on_error=False,
    )
    [event] = result.get_step_failure_events()
    assert event.step_failure_data.user_failure_data is not None
    by_asset = str(event.step_failure_data.user_failure_data.description)
    assert by_asset.splitlines()[1:] == problems
    assert by_asset.startswith("Reading the inbox failed: Regjistrat")


def test_a_busy_data_folder_is_told_with_who_writes_it(
    home: Home, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "WAIT_SECONDS", 0)
    with one_writer(home, name="krat slips"):
        for told in (by_command(), by_dagster(instance)):
            assert told.startswith(f"krat slips (process {os.getpid()} of ")
            assert told.endswith(f"wait longer with --wait SECONDS. Next: {AGAIN}")
            assert len(told.splitlines()) == 1


@pytest.mark.usefixtures("home")
def test_a_month_of_no_plan_is_told_with_the_months_there_are() -> None:
    told = CliRunner().invoke(cli, ["refresh", "--month", "2024-03"])
    assert told.exit_code == 1
    assert told.stderr == (
        "Error: no plan covers 2024-03: the registers hold 2021-01 to 2023-12 (PKV-2021-2023). "
        "Next: krat plan add, or a month that the registers cover\n"
    )


@pytest.mark.usefixtures("home")
def test_an_error_that_nobody_foresaw_names_its_place_and_quotes_nothing(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "today", lambda: {}[PERSON])
    told = by_command()
    place = r"at orchestration/refresh/steps.py, line "
    assert told.startswith(
        f"Loading what was taken in failed: an error of krat's own (KeyError {place}"
    )
    assert told.endswith(f"{STAYS} Next: {AGAIN}")
    assert by_dagster(instance) == told
    assert PERSON not in told


@pytest.mark.parametrize(
    ("path", "shown"),
    [("inbox/AL-04/{}.xlsx", "{home}/inbox"), ("warehouse.duckdb", "{home}")],
)
def test_of_what_krat_may_not_write_the_folder_alone_is_named(
    path: str, shown: str, home: Home
) -> None:
    error = PermissionError(errno.EACCES, "no", str(home.root / path.format(PERSON)))
    told = describe_failure(home, error, "reading the inbox")
    assert f"krat may not write in {shown.format(home=home.root)}. " in told
    assert PERSON not in told
    assert told.endswith(ANY_MONTH)
