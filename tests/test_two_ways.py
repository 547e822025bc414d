"""A refresh through the command line's way and through Dagster leaves the same data folder."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from served import change_settings

from orchestration.refresh.plan import NoPlan
from orchestration.refresh.steps import refresh
from orchestration.runtime.settings import prepare_process
from orchestration.warehouse.build import write_manifest
from sources.custody.home import Home

pytestmark = [pytest.mark.data, pytest.mark.alone]

MAY = date(2023, 5, 1)
UNCOVERED = date(2026, 10, 1)


def write_report(home: Home, month: date, value: int) -> None:
    """Put a report of Fier's social service into the inbox, as a file of its own."""
    path = home.inbox / "AL-04" / f"report-{month:%Y-%m}-{value}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "Formulari;Qarku;Institucioni;Muaji;Të dhënat;Kodi i treguesit;Treguesi;Njësia;Ndarja;"
        "Vlera;Gjendja\n"
        f"krat-raport-1;AL-04;AL-04-SHSSH;{month:%Y-%m};SHEMBULL - TË TRILLUARA;2.1.18.1;;;;"
        f"{value};\n",
        encoding="utf-8",
    )
    received = 1686200000 + value
    os.utime(path, (received, received))


def write_log(home: Home) -> None:
    """Put a hotline log of Elbasan's county, AL-05, into the inbox."""
    path = home.inbox / "AL-05" / "log.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "Formulari;Qarku;Të dhënat;Nr. kontaktit;Kanali;Marrë më;Telefonuesi;Qëllimi;"
        "Elemente dyshimi;Shfrytëzimi;Referuar te;Pranuar më;Rezultati;Nr. rastit;Përsëritje e\n"
        "krat-linja-1;AL-05;SHEMBULL - TË TRILLUARA;1;app;2023-05-03 10:00;self;information;"
        ";;;;no_action;;\n",
        encoding="utf-8",
    )
    os.utime(path, (1686200000, 1686200000))


def plant_a_false_value(home: Home) -> None:
    """Put a value that no door would let in into raw, as after a fault of krat's own."""
    for path in (home.raw / "submission_values").glob("*.parquet"):
        table = pq.read_table(path)
        rows = [row | {"value": -500.0} for row in table.to_pylist()]
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)


def late_report_for_a_final_month(home: Home) -> None:
    write_report(home, MAY, 3)
    refresh(home, [MAY], as_of=date(2024, 1, 10))
    refresh(home, [MAY])
    write_report(home, MAY, 4)


def month_no_plan_covers(home: Home) -> None:
    write_report(home, MAY, 3)


def everything_blocked_at_first(home: Home) -> None:
    """What a first refresh finds in raw is false, and nothing was ever released."""
    write_report(home, MAY, 3)
    refresh(home, [MAY])
    plant_a_false_value(home)
    for made in (home.releases, home.gate):
        shutil.rmtree(made)
    for file in (home.marts, home.warehouse, home.earlier_findings):
        file.unlink()


def one_of_two_counties_blocked(home: Home) -> None:
    change_settings(home, sites=["public"])
    write_log(home)
    write_report(home, MAY, 3)
    refresh(home, [MAY])
    plant_a_false_value(home)


@dataclass(frozen=True)
class Situation:
    """How a data folder came to be, the month that is asked for, and what it must come to."""

    prepare: Callable[[Home], None]
    month: date
    #: The newest release of each county in each tier.
    newest: dict[str, str]
    #: Counties that are refused for the month in the restricted tier.
    refused: set[str]


SITUATIONS = [
    Situation(
        late_report_for_a_final_month,
        MAY,
        {"restricted/AL": "r2", "restricted/AL-04": "r2", "public/AL": "r2", "public/AL-04": "r2"},
        {"AL", "AL-04"},
    ),
    Situation(month_no_plan_covers, UNCOVERED, {}, set()),
    Situation(everything_blocked_at_first, MAY, {}, {"AL", "AL-04"}),
    Situation(
        one_of_two_counties_blocked,
        MAY,
        {
            **{f"restricted/{county}": "r1" for county in ("AL", "AL-04", "AL-05")},
            **{f"public/{county}": "r1" for county in ("AL", "AL-04", "AL-05")},
        },
        {"AL", "AL-04"},
    ),
]


@pytest.fixture(scope="module")
def manifest_of_dbt(tmp_path_factory: pytest.TempPathFactory) -> None:
    prepare_process(Home(tmp_path_factory.mktemp("unused"), tmp_path_factory.mktemp("keys")))
    write_manifest()


@pytest.mark.usefixtures("manifest_of_dbt")
@pytest.mark.parametrize(
    "situation",
    [
        pytest.param(
            each,
            id=each.prepare.__name__,
            # Other tests decide what these come to; here two long roads are compared.
            marks=[pytest.mark.drill]
            if each.prepare in (late_report_for_a_final_month, everything_blocked_at_first)
            else [],
        )
        for each in SITUATIONS
    ],
)
def test_both_ways_leave_the_same(
    situation: Situation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepared = Home(root=tmp_path / "prepared", keys=tmp_path / "keys")
    prepared.root.mkdir()
    prepare_process(prepared)
    situation.prepare(prepared)
    one, other = (Home(root=tmp_path / name, keys=prepared.keys) for name in ("one", "other"))
    for home in (one, other):
        shutil.copytree(prepared.root, home.root)
    refused = by_command_line(one, situation.month)
    lines = through_dagster(other, situation.month, monkeypatch)
    assert {line.split()[0] for line in lines} == refused == situation.refused
    assert all("Next: krat " in line for line in lines)
    assert newest_releases(one, situation.month) == situation.newest
    for folder in ("releases", "gate"):
        assert file_bytes(one.root / folder) == file_bytes(other.root / folder)
    assert contents(one.marts) == contents(other.marts)
    assert file_bytes(one.site / "public") == file_bytes(other.site / "public")
    assert (one.site / "public").exists() == (one.root / "serve.yml").exists()


def by_command_line(home: Home, month: date) -> set[str]:
    """Refresh a month as `krat refresh` does; return the counties that are refused for it."""
    prepare_process(home)
    try:
        outcome = refresh(home, [month])
    except NoPlan:
        return set()
    return {refusal.scope.county_code for refusal in outcome.refused}


@pytest.mark.usefixtures("manifest_of_dbt")
def test_dagster_builds_what_changed_and_tells_of_the_rest_as_it_stands(
    own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report(own_home, MAY, 3)
    first = in_dagster(own_home, MAY, monkeypatch)
    before = file_bytes(own_home.root)
    second = in_dagster(own_home, MAY, monkeypatch)
    assert file_bytes(own_home.root) == before
    assert first is not None and second is not None
    every = models_told(second)
    assert set(every.values()) == {"reused"}
    assert models_told(first).keys() == every.keys()
    assert set(models_told(first).values()) == {"reused", "success"}
    assert checks_told(first) == checks_told(second)


def models_told(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """Return by its table what Dagster was told of each of dbt's models."""
    return {
        event.materialization.asset_key.to_user_string(): event.materialization.metadata[
            "status"
        ].value
        for event in result.get_asset_materialization_events()
        if event.node_name == "dbt"
    }


def checks_told(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str], bool]:
    return {
        (check.asset_key.to_user_string(), check.check_name): check.passed
        for check in result.get_asset_check_evaluations()
    }


def in_dagster(
    home: Home, month: date, monkeypatch: pytest.MonkeyPatch
) -> dg.ExecuteInProcessResult | None:
    """Run the monthly job; return what it came to, none for a month that no partition has."""
    from orchestration.definitions import defs

    monkeypatch.setenv("KRAT_HOME", str(home.root))
    monkeypatch.setenv("KRAT_KEYS", str(home.keys))
    prepare_process(home)
    key = f"{month:%Y-%m}"
    # Within an instance: Dagster asks the last one that a test entered, which may be gone.
    with dg.DagsterInstance.ephemeral() as instance:
        job = defs.resolve_job_def("monthly_refresh")
        if key not in job.partitions_def.get_partition_keys():
            return None
        result = job.execute_in_process(partition_key=key, instance=instance)
    assert result.success
    return result


def through_dagster(home: Home, month: date, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run the monthly job; return the first words of its failed check on releases, a line each."""
    result = in_dagster(home, month, monkeypatch)
    if result is None:
        return []
    [judged] = result.asset_materializations_for_node("publish")[:1]
    told = {name: each.value for name, each in judged.metadata.items()}
    assert told["completeness"] == told["received"] / told["expected"] <= 1
    [check] = [
        check
        for check in result.get_asset_check_evaluations()
        if check.check_name == "every_county_is_released"
    ]
    lines = (check.description or "").splitlines()
    assert check.passed == (not lines)
    return lines


def newest_releases(home: Home, month: date) -> dict[str, str]:
    return {
        "/".join(path.parts[-4:-2]): path.read_text(encoding="ascii").strip()
        for path in (home.releases).glob(f"*/*/{month:%Y-%m}/latest")
    }


def file_bytes(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def contents(database: Path) -> dict[str, list[str]]:
    """Return the rows of every table of a DuckDB file as sorted text; none for no file.

    The moments at which a refresh found a thing, or missed it, are left out.
    """
    if not database.exists():
        return {}
    with duckdb.connect(str(database), read_only=True) as connection:
        tables = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() order by all"
        ).fetchall()
        return {
            name: sorted(
                repr(row)
                for row in connection.execute(
                    "select columns(column_name -> column_name not in ('found_at', 'mended_at')) "
                    f"from {name}"
                ).fetchall()
            )
            for (name,) in tables
        }
