"""What Dagster shows: every asset, job and schedule, so that a rename is seen as a diff."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb
import pytest
from conftest import Refreshed

from orchestration.defs.partitions import month_partitions
from orchestration.products.declaration import Tier, judged_marts, products
from orchestration.products.reference import reference_months, reference_registers
from orchestration.publication.writing.signing import PRIVATE_KEY
from orchestration.runtime.dagster_home import write_dagster_home
from orchestration.runtime.settings import (
    DBT_PROJECT,
    SEEDS,
    board_address,
    home_from_environment,
    prepare_process,
)
from orchestration.warehouse.build import write_manifest
from sources.custody.home import Home
from sources.example.generate import write_example
from sources.reading.file import CONTENT_PURPOSE
from sources.registers import register_rows

pytestmark = pytest.mark.slow

SNAPSHOT = Path(__file__).parent / "definitions.json"


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    prepare_process(home_from_environment())
    write_manifest()
    from orchestration.definitions import defs

    return defs


def test_assets_jobs_schedules_and_sensors_are_those_of_the_snapshot(
    definitions: dg.Definitions,
) -> None:
    repository = definitions.get_repository_def()
    found = {
        "assets": sorted(
            key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()
        ),
        "jobs": sorted(job.name for job in repository.get_all_jobs() if job.name[0] != "_"),
        "schedules": sorted(schedule.name for schedule in repository.schedule_defs),
        "sensors": sorted(sensor.name for sensor in repository.sensor_defs),
    }
    assert found == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


def test_no_asset_is_a_phantom(definitions: dg.Definitions) -> None:
    graph = definitions.get_repository_def().asset_graph
    assert not [
        key.to_user_string()
        for key in graph.get_all_asset_keys()
        if not graph.get(key).is_materializable
    ]


def test_the_gate_waits_for_every_mart(definitions: dg.Definitions) -> None:
    graph = definitions.get_repository_def().asset_graph
    waited_for = {key.path[-1] for key in graph.get(dg.AssetKey("gate")).parent_keys}
    marts = {path.stem for path in (DBT_PROJECT / "models" / "marts").glob("[!_]*.sql")}
    assert waited_for == marts | {"findings"}


def test_the_gate_the_marts_and_the_job_lead_to_the_board(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    graph = repository.asset_graph
    marts = {path.stem for path in (DBT_PROJECT / "models" / "marts").glob("[!_]*.sql")}
    leading = {
        key.path[-1]
        for key in graph.get_all_asset_keys()
        if graph.get(key).metadata.get("board") == dg.MetadataValue.url(board_address())
    }
    assert leading == {"gate"} | marts
    assert board_address() in str(repository.get_job("monthly_refresh").description)


def test_months_are_cut_in_the_time_zone_of_the_calendar() -> None:
    """At half past midnight on 1 June in Tirana, where it is still May in UTC, May has ended."""
    zone = ZoneInfo("Europe/Tirane")
    tick = datetime(2023, 6, 1, 0, 30, tzinfo=zone)
    months = month_partitions(SEEDS, str(zone))
    assert months.get_partition_keys(current_time=tick)[-1] == "2023-05"
    in_utc = month_partitions(SEEDS, "UTC").get_partition_keys(current_time=tick)
    assert in_utc[-1] == "2023-04"
    assert (months.get_first_partition_key(), months.get_last_partition_key()) == (
        "2021-01",
        "2023-12",
    )


def test_importing_the_definitions_reads_nothing() -> None:
    """Neither the environment nor a file is looked at before `defs` is asked for."""
    code = (
        "import sys\n"
        "seen = []\n"
        "hook = lambda event, args: seen.append(str(args[0])) if event == 'open' else 0\n"
        "sys.addaudithook(hook)\n"
        "import orchestration.definitions\n"
        "read = [name for name in seen if name.endswith(('.yml', '.csv', '.json'))]\n"
        "assert not read, read\n"
        "assert 'dagster' not in sys.modules\n"
        "assert 'defs' in dir(orchestration.definitions)\n"
    )
    environment = {**os.environ, "KRAT_HOME": "/nowhere", "KRAT_KEYS": "/nowhere/keys"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_a_month_through_dagster_gives_the_releases_of_the_command_line_byte_by_byte(
    definitions: dg.Definitions,
    refreshed: Refreshed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In another folder, with keys of its own but for those that sign and name what came."""
    home = Home(root=tmp_path / "elsewhere" / "home", keys=tmp_path / "keys")
    home.keys.mkdir()
    for name in (PRIVATE_KEY, f"{CONTENT_PURPOSE}.key"):
        shutil.copy(refreshed.home.keys / name, home.keys)
    monkeypatch.setenv("KRAT_HOME", str(home.root))
    monkeypatch.setenv("KRAT_KEYS", str(home.keys))
    prepare_process(home)
    write_dagster_home(home)
    write_example(home.inbox, SEEDS)
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        result = definitions.resolve_job_def("monthly_refresh").execute_in_process(
            partition_key="2023-05", instance=instance
        )
        assert result.success
        checks = result.get_asset_check_evaluations()
    assert len(checks) >= 20
    _each_rule_is_a_check_with_its_counts(home, checks)
    there = refreshed.home.releases
    files = {path.relative_to(there) for path in there.rglob("*") if path.is_file()}
    tables = [path for path in files if path.match("restricted/*/*/r1/*.parquet")]
    others = (*reference_registers(), *reference_months())
    assert len(tables) == 2 * (len(products(Tier.RESTRICTED)) + len(others))
    assert files == {
        path.relative_to(home.releases) for path in home.releases.rglob("*") if path.is_file()
    }
    for path in sorted(files):
        assert (there / path).read_bytes() == (home.releases / path).read_bytes(), path


def _each_rule_is_a_check_with_its_counts(
    home: Home, checks: Sequence[dg.AssetCheckEvaluation]
) -> None:
    rules = {row["rule"]: row for row in register_rows(SEEDS, "quality_rules")}
    by_rule = {check.check_name: check for check in checks if check.check_name in rules}
    assert by_rule.keys() == rules.keys()
    for rule, check in by_rule.items():
        error = rules[rule]["severity"] == "blocks"
        assert (check.severity == dg.AssetCheckSeverity.ERROR) == error
        assert check.metadata.keys() == {
            "unsettled", "settled", "by_month", "mended_by", "findings", "to_list_them",
        }  # fmt: skip
    with duckdb.connect(str(home.marts), read_only=True) as connection:
        counts = connection.execute(
            "select rule, coalesce(strftime(reporting_month, '%Y-%m'), 'unknown'), "
            "coalesce(county_code, 'unknown'), count(*) from quality.findings "
            "where not is_settled and stage = 'warehouse' group by all"
        ).fetchall()
    assert ("missing_report", "2023-05", "AL-04", 2) in counts
    # The run is of May, but the check holds for every month.
    assert len({month for _, month, _, _ in counts}) > 1
    for rule, row in rules.items():
        if row["stage"] == "warehouse":
            told = by_rule[rule].metadata
            shown = {
                (rule, month, county, count)
                for month, counties in told["by_month"].value.items()
                for county, count in counties.items()
            }
            assert shown == {each for each in counts if each[0] == rule}
            assert told["unsettled"].value == sum(count for *_, count in shown)
            assert by_rule[rule].passed == (not shown or row["severity"] == "informs")
    assert "krat findings list --rule missing_report" in str(
        by_rule["missing_report"].metadata["to_list_them"].value
    )


def test_a_rule_of_marts_is_a_check_on_each_mart_that_it_judges(
    definitions: dg.Definitions,
) -> None:
    keys = definitions.get_repository_def().asset_graph.asset_check_keys
    marts = {mart.name for mart in judged_marts()}
    assert {key.asset_key.path[-1] for key in keys if key.name == "mart_key_not_unique"} == marts
    assert {key.asset_key.path[-1] for key in keys if key.name == "unreadable_file"} == {
        "deliveries"
    }
