"""krat as a service: its folder, units of systemd, Dagster's processes and storage."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml
from click.testing import CliRunner, Result
from dagster_page import answers, free_port, processes_of, wait_until
from filelock import FileLock
from programs import PASSWORD, storage_in

from orchestration.cli import cli
from orchestration.defs.upkeep import end_killed_runs, remove_old_runs, tidy
from orchestration.runtime.dagster_home import KeepDays, write_dagster_home
from orchestration.runtime.office import serve_settings
from orchestration.runtime.settings import STORAGE, STORAGE_URL, prepare_process
from orchestration.runtime.writer_lock import one_writer
from orchestration.service.folder import SUFFIX, NotEmpty, make_folder
from orchestration.service.units import SERVICES, enabled
from sources.custody.home import Home

KEEP = KeepDays(runs=400, ticks=30, output=30)

#: How fast all of Dagster's processes must be gone, in seconds.
STOPPED_WITHIN = 30


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    home = Home(root=tmp_path / "krat", keys=tmp_path / "krat-keys")
    monkeypatch.setenv("KRAT_HOME", str(home.root))
    monkeypatch.setenv("KRAT_KEYS", str(home.keys))
    return home


def krat(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


# The data folder.


def test_a_new_folder_has_its_keys_beside_it_and_settings_to_be_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRAT_HOME", str(tmp_path / "unused"))
    root, keys = tmp_path / "new", tmp_path / "new-keys"
    told = krat("init", str(root))
    assert told.exit_code == 0, told.output
    assert f"export KRAT_HOME={root}" in told.stdout
    assert {path.stat().st_mode & 0o077 for path in (root, keys, *keys.iterdir())} == {0}
    assert any(keys.iterdir())
    copies = {path.name.removesuffix(SUFFIX) for path in root.glob(f"*{SUFFIX}")}
    assert copies == {
        "alerts.yml", "backup.yml", "calendar.yml", "dagster.yml", "office.yml", "serve.yml",
    }  # fmt: skip
    home = Home(root=root, keys=keys)
    before = serve_settings(home)
    (root / f"serve.yml{SUFFIX}").rename(root / "serve.yml")
    assert serve_settings(home) == before


def test_making_a_folder_again_adds_what_is_missing_and_changes_no_key(home: Home) -> None:
    make_folder(home)
    (home.root / "serve.yml").write_text("mine", encoding="utf-8")
    (home.root / f"serve.yml{SUFFIX}").unlink()
    before = {path: path.read_bytes() for path in home.keys.iterdir()}
    assert make_folder(home) == [home.root / f"serve.yml{SUFFIX}"]
    assert {path: path.read_bytes() for path in home.keys.iterdir()} == before
    assert (home.root / "serve.yml").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("which", ["root", "keys"])
def test_a_folder_that_holds_something_else_is_refused_and_left_alone(
    which: str, home: Home
) -> None:
    folder: Path = getattr(home, which)
    folder.mkdir()
    (folder / "letter.txt").write_text("Dear", encoding="utf-8")
    with pytest.raises(NotEmpty, match="is not empty"):
        make_folder(home)
    assert [path.name for path in home.root.parent.rglob("*")] == [folder.name, "letter.txt"]


# Units.


@pytest.mark.program
@pytest.mark.parametrize("own", [False, True])
def test_systemd_finds_nothing_wrong_with_the_units(own: bool, home: Home, tmp_path: Path) -> None:
    make_folder(home)
    target = tmp_path / "units"
    whose = ["--user"] if own else ["--as", "daemon"]
    told = krat("service", "install", *whose, "--to", str(target))
    assert told.exit_code == 0, told.output
    for name in enabled():
        assert name in told.stdout
    checked = subprocess.run(
        ["systemd-analyze", *(["--user"] if own else []), "verify", *target.iterdir()],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, "")
    if not own:
        for name in SERVICES:
            # From 0 to 10, times ten: how much of the system a service could reach.
            limit = ["security", "--offline=true", "--threshold=20", "--no-pager"]
            command = ["systemd-analyze", *limit, str(target / f"{name}.service")]
            scored = subprocess.run(command, capture_output=True, text=True, check=False)
            assert scored.returncode == 0, scored.stdout.splitlines()[-1]


def test_printing_units_writes_none_and_a_folder_with_odd_signs_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(root=tmp_path / "100% e re", keys=tmp_path / "100% e re-keys")
    monkeypatch.setenv("KRAT_HOME", str(home.root))
    assert "krat init" in krat("service", "install", "--print", "--as", "daemon").stderr
    make_folder(home)
    told = krat("service", "install", "--print", "--as", "daemon")
    assert told.exit_code == 0, told.output
    assert f'Environment="KRAT_HOME={tmp_path}/100%% e re"' in told.stdout
    assert "User=daemon" in told.stdout


def test_who_runs_the_units_is_no_root(home: Home) -> None:
    make_folder(home)
    told = krat("service", "install", "--print", "--as", "root")
    assert told.exit_code == 2
    assert "--as" in told.stderr


# Dagster's processes.


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_of_dagster_within_seconds(
    number: signal.Signals, home: Home, tmp_path: Path
) -> None:
    port = free_port()
    # As a shell starts what it puts into the background: SIGINT ignored.
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
        "from orchestration.cli import main; main()"
    )
    with (tmp_path / "told").open("w") as told:
        process = subprocess.Popen(
            [sys.executable, "-c", program, "ui", "--port", str(port)], stdout=told, stderr=told
        )
    try:
        wait_until(lambda: answers(port), 180)
        assert len(processes_of(home)) > 3
        again = krat("ui", "--port", str(port))
        assert (again.exit_code, f"port {port}" in str(again.exception)) == (1, True)
        process.send_signal(number)
        wait_until(lambda: process.poll() is not None, STOPPED_WITHIN)
        assert process.returncode == 0, (tmp_path / "told").read_text()
        assert processes_of(home) == []
    finally:
        for left in processes_of(home):
            os.kill(left, signal.SIGKILL)
        process.wait()


def test_a_second_dagster_on_one_data_folder_is_refused(home: Home) -> None:
    home.dagster.mkdir(parents=True)
    with FileLock(home.dagster / "running.lock"):
        told = krat("ui", "--port", str(free_port()))
    assert "runs on this data folder already" in str(told.exception)


# Dagster's storage.


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.program)],
)
def instance(
    request: pytest.FixtureRequest, home: Home, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance of a home, in either storage, as `krat ui` makes it."""
    monkeypatch.setenv("DAGSTER_HOME", str(home.dagster))
    monkeypatch.delenv(STORAGE_URL, raising=False)
    if request.param == "postgresql":
        socket = request.getfixturevalue("postgresql")
        monkeypatch.setenv(STORAGE, storage_in(socket))
        monkeypatch.setenv(STORAGE_URL, "")
    prepare_process(home)
    write_dagster_home(home)
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        yield instance
    in_files = any(home.dagster.rglob("runs.db"))
    assert in_files == (request.param == "sqlite")
    for path in home.root.rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes(), path


MONTHS = dg.StaticPartitionsDefinition(["2023-04", "2023-05"])


@dg.asset(partitions_def=MONTHS, check_specs=[dg.AssetCheckSpec("whole", asset="gate")])
def gate() -> Iterator[object]:
    yield dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True, check_name="whole")])


@dg.asset
def broken() -> None:
    raise dg.Failure("It fails.")


def test_old_runs_go_but_those_that_made_the_newest(instance: dg.DagsterInstance) -> None:
    def run(month: str) -> str:
        return dg.materialize([gate], instance=instance, partition_key=month).run_id

    april, may_first, may = run("2023-04"), run("2023-05"), run("2023-05")
    failed = dg.materialize([broken], instance=instance, raise_on_error=False).run_id
    runs = {april, may_first, may, failed}
    now = datetime.now(UTC)
    assert remove_old_runs(instance, KEEP, now + timedelta(days=399)) == 0
    assert {one.run_id for one in instance.get_runs()} == runs
    assert remove_old_runs(instance, KEEP, now + timedelta(days=401)) == 2
    assert {one.run_id for one in instance.get_runs()} == {april, may}
    assert instance.get_materialized_partitions(dg.AssetKey("gate")) == {"2023-04", "2023-05"}


def test_a_killed_run_is_ended_at_the_next_start_unless_it_still_writes(
    instance: dg.DagsterInstance, home: Home
) -> None:
    job = dg.Definitions(assets=[broken]).resolve_implicit_global_asset_job_def()
    killed = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    with one_writer(home, name="Dagster run"):
        assert _held_elsewhere(home)
    assert end_killed_runs(instance, home) == 1
    ended = instance.get_run_by_id(killed.run_id)
    assert ended is not None
    assert ended.status is dg.DagsterRunStatus.FAILURE
    assert end_killed_runs(instance, home) == 0


def _held_elsewhere(home: Home) -> bool:
    """Tell whether upkeep in another process leaves the runs of a home that is written alone."""
    program = (
        "import dagster as dg, sys; from pathlib import Path;"
        "from sources.custody.home import Home;"
        "from orchestration.defs.upkeep import end_killed_runs as end;"
        "home = Home(Path(sys.argv[1]), Path(sys.argv[2]));"
        "print(end(dg.DagsterInstance.from_config(str(home.dagster)), home))"
    )
    command = [sys.executable, "-c", program, str(home.root), str(home.keys)]
    return subprocess.check_output(command, text=True).strip() == "0"


def test_what_runs_printed_goes_after_its_days(home: Home) -> None:
    prepare_process(home)
    write_dagster_home(home)
    now = datetime.now(UTC)
    for name, days in (("old", 31), ("new", 29)):
        folder = home.dagster / "storage" / name / "compute_logs"
        folder.mkdir(parents=True)
        when = (now - timedelta(days=days)).timestamp()
        os.utime(folder.parent, (when, when))
    assert tidy(home, now, stopped=True)["removed_output"] == 1
    assert (home.dagster / "storage" / "new").exists()


def test_dagsters_settings_are_data_and_a_slip_leaves_the_last_good_ones(home: Home) -> None:
    def written() -> dict[str, int]:
        content = yaml.safe_load((home.dagster / "dagster.yaml").read_text(encoding="utf-8"))
        monitoring: dict[str, int] = content["run_monitoring"]
        return monitoring

    make_folder(home)
    assert write_dagster_home(home) is None
    assert written() == {
        "enabled": True,
        "poll_interval_seconds": 15,
        "free_slots_after_run_end_seconds": 15,
        "max_runtime_seconds": 6 * 3600,
    }
    own = home.root / "dagster.yml"
    (home.root / f"dagster.yml{SUFFIX}").rename(own)
    content = own.read_text(encoding="utf-8")
    own.write_text(content.replace("_hours: 6", "_hours: 2"), encoding="utf-8")
    assert write_dagster_home(home) is None
    own.write_text(content.replace("_hours: 6", "_hours: soon"), encoding="utf-8")
    assert "dagster.yml, line 5" in str(write_dagster_home(home))
    assert written()["max_runtime_seconds"] == 2 * 3600


def test_a_storage_that_is_no_postgresql_is_refused_without_its_password(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STORAGE, f"mysql://krat:{PASSWORD}@db/krat")
    with pytest.raises(ValueError, match="postgresql://") as refused:
        prepare_process(home)
    assert PASSWORD not in str(refused.value)
