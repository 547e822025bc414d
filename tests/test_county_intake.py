"""Counties' folders are taken in side by side, and it comes to what one process makes of them."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner
from conftest import copy_home
from programs import storage_in

from orchestration.cli import cli
from orchestration.defs.county_intake import county_intake
from orchestration.defs.ingestion import inbox_sensor, intake_executor
from orchestration.defs.resources import HomeResource
from orchestration.ingestion.door import Intake, take_in
from orchestration.registers.in_use import take_registers
from orchestration.runtime.dagster_home import OWN, dagster_settings, write_dagster_home
from orchestration.runtime.settings import SEEDS, STORAGE, prepare_process
from orchestration.runtime.writer_lock import AnotherWriter, one_county, one_writer
from sources.custody.home import Home
from sources.custody.landing import SCHEMAS
from sources.custody.rekeying import is_rotating
from sources.custody.version import write_version
from sources.registers import load_registers

REGISTERS = load_registers(SEEDS)

#: What Dagster loads: the job alone.
DEFINITIONS = """
import dagster as dg
from orchestration.cli import cli
from orchestration.defs.county_intake import county_intake
from orchestration.defs.resources import HomeResource
from orchestration.registers.in_use import registers_in_use
from orchestration.runtime.settings import home_from_environment

home = home_from_environment()
jobs, sensors = county_intake(home, registers_in_use(home))
defs = dg.Definitions(jobs=jobs, sensors=sensors, resources={"home": HomeResource()})
"""


def set_executor(home: Home, executor: str | None, **config: int) -> None:
    """Name the executor in the office's settings."""
    settings = yaml.safe_load(OWN.read_text(encoding="utf-8"))
    settings["intake"] = {"executor": executor, "config": config}
    home.root.mkdir(parents=True, exist_ok=True)
    (home.root / "dagster.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")


def send(home: Home) -> None:
    """Put the example into the inbox, of three counties with registers; some of it two have."""
    environment = {"KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)}
    assert CliRunner().invoke(cli, ["example"], env=environment).exit_code == 0
    _, *others = sorted(path for path in home.inbox.iterdir() if path.name != "AL")
    for path in sorted((home.inbox / "AL-04").iterdir())[:20]:
        shutil.copy2(path, others[0] / path.name)


def rows(home: Home) -> dict[str, list[str]]:
    """Return the rows of each raw table, in one order."""
    return {
        table: sorted(
            str(sorted(row.items()))
            for path in (home.raw / table).glob("*.parquet")
            for row in pq.read_table(path).to_pylist()
        )
        for table in SCHEMAS
    }


def test_dagsters_processes_take_in_what_one_process_does(
    tmp_path: Path, postgresql: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    home.keys.mkdir()
    send(home)
    (home.inbox / "no county").mkdir()
    (home.inbox / "no county" / "x.csv").write_text("x")
    set_executor(home, "dagster.multiprocess_executor", max_concurrent=3)
    alone = copy_home(home, tmp_path / "alone")
    monkeypatch.setenv(STORAGE, storage_in(postgresql))
    prepare_process(home)
    assert write_dagster_home(home) is None
    definitions = tmp_path / "intake.py"
    definitions.write_text(DEFINITIONS)
    done = subprocess.run(
        [sys.executable, "-m", "dagster", "job", "execute", "-f", str(definitions), "-j",
         "county_intake"],
        env={**os.environ, "KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert not any(home.dagster.rglob("runs.db"))
    assert [path.name for path in home.inbox.rglob("*") if path.is_file()] == ["x.csv"]
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        (run,) = instance.get_runs()
        told = " ".join(event.message for event in instance.all_logs(run.run_id))
    assert len(set(re.findall(r"pid: (\d+)", told))) > 3
    # A person who looks for what one sent finds the same as if all were taken in at once.
    for path in home.keys.iterdir():
        (alone.keys / path.name).write_bytes(path.read_bytes())
    (alone.inbox / "no county" / "x.csv").unlink()
    intake = take_in(alone, load_registers(take_registers(alone)))
    assert intake.accepted > 500
    assert rows(home) == rows(alone)
    assert take_in(home, REGISTERS) == Intake(refused=1)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(root=tmp_path / "home", keys=tmp_path / "keys")


def test_counties_hold_their_parts_and_a_writer_the_whole(home: Home) -> None:
    told: list[str] = []
    with one_county(home, "AL-04"), one_county(home, "AL-05"):
        with pytest.raises(AnotherWriter, match="AL-04"), one_county(home, "AL-04"):
            pass
        with pytest.raises(AnotherWriter), one_writer(home, name="krat refresh"):
            pass
    with one_writer(home, name="krat refresh"):
        with (
            pytest.raises(AnotherWriter, match="krat refresh"),
            one_county(home, "AL-04", 0.3, on_wait=told.append),
        ):
            pass
        assert [text for text in told if "krat refresh" in text]
    with one_county(home, "AL-04"), one_county(home, "AL-05"):
        pass


def test_what_a_county_left_unfinished_is_swept_by_it_and_by_who_takes_in_all(home: Home) -> None:
    write_version(home)

    def left(county: str) -> Path:
        table = home.raw / "submission_values" / f"batch-of-{county}.parquet"
        table.parent.mkdir(parents=True, exist_ok=True)
        table.write_bytes(b"")
        (home.raw / f"{county}.{table.stem}.storing").write_text("[]")
        return table

    fier, gjirokaster = left("AL-04"), left("AL-05")
    assert take_in(home, REGISTERS, "AL-04") == Intake()
    assert (fier.exists(), gjirokaster.exists()) == (False, True)
    assert take_in(home, REGISTERS) == Intake()
    assert not gjirokaster.exists()


def test_a_change_of_keys_that_was_broken_off_is_finished_first(home: Home) -> None:
    write_version(home)
    send(home)
    (home.raw / ".rekey-case").mkdir(parents=True)
    before = sorted(path.name for path in home.inbox.rglob("*"))
    intake = take_in(home, REGISTERS, "AL-04")
    assert intake.seen == intake.left > 0
    assert sorted(path.name for path in home.inbox.rglob("*")) == before
    assert is_rotating(home)


@pytest.fixture
def sensors(home: Home) -> Iterator[Callable[[], list[Any]]]:
    """Ask both sensors of a home what they want, as an instance of its own hears it."""
    with dg.DagsterInstance.ephemeral() as instance:

        def asked() -> list[Any]:
            resource = HomeResource(root=str(home.root), keys_folder=str(home.keys))
            return [
                sensor(dg.build_sensor_context(instance=instance), home=resource)
                for sensor in (inbox_sensor, *county_intake(home, SEEDS)[1])
            ]

        yield asked


def test_the_sensors_share_the_inbox(home: Home, sensors: Callable[[], list[Any]]) -> None:
    send(home)
    set_executor(home, None)
    (only,) = sensors()
    assert isinstance(only, dg.RunRequest)
    set_executor(home, "dagster.multiprocess_executor", max_concurrent=2)
    rest, of_counties = sensors()
    assert isinstance(rest, dg.SkipReason)
    assert isinstance(of_counties, dg.RunRequest)
    (home.inbox / "x.csv").write_text("x")
    rest, _ = sensors()
    assert isinstance(rest, dg.RunRequest)


@pytest.mark.parametrize("executor", ["dagster.no_such_executor", "os.path.join", "celery"])
def test_what_is_no_executor_is_told_and_not_used(home: Home, executor: str) -> None:
    set_executor(home, executor)
    settings, wrong = dagster_settings(home)
    assert settings.intake.executor is None
    assert wrong is not None
    assert "executor" in wrong.key


def test_a_config_that_the_executor_can_not_take_leaves_the_inbox_to_deliveries(
    home: Home, sensors: Callable[[], list[Any]]
) -> None:
    send(home)
    set_executor(home, "dagster.multiprocess_executor", no_such_thing=1)
    assert intake_executor(home) is None
    (only,) = sensors()
    assert isinstance(only, dg.RunRequest)
