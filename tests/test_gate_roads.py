"""Whatever way a release is asked for, the gate holds: by Dagster, by command, in any order."""

import json
import os
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from click.testing import CliRunner
from conftest import MAY

from orchestration.cli import cli
from orchestration.defs.publication import CHECKS
from orchestration.refresh.plan import changed_since_release
from orchestration.refresh.steps import refresh
from orchestration.runtime.dagster_home import write_dagster_home
from orchestration.runtime.database import write_warehouse
from orchestration.runtime.settings import prepare_process
from orchestration.warehouse.build import write_manifest
from sources.custody.home import Home

JUNE = date(2023, 6, 1)


@pytest.fixture
def home(own_home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("KRAT_HOME", str(own_home.root))
    monkeypatch.setenv("KRAT_KEYS", str(own_home.keys))
    prepare_process(own_home)
    write_dagster_home(own_home)
    return own_home


@pytest.fixture
def instance(home: Home) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(home.dagster)) as found:
        yield found


def materialize(
    instance: dg.DagsterInstance, assets: Sequence[str], month: str | None = None
) -> tuple[bool, str]:
    """Materialise these assets alone; return whether it went well and what was said if not.

    A run that ends well whose check of a release fails did not go well.
    """
    write_manifest()
    from orchestration.definitions import defs

    result = dg.materialize(
        list(defs.assets or []),
        selection=[dg.AssetKey(name) for name in assets],
        resources=defs.resources,
        partition_key=month,
        instance=instance,
        raise_on_error=False,
    )
    told = [
        str(event.step_failure_data.user_failure_data.description)
        for event in result.get_step_failure_events()
        if event.step_failure_data.user_failure_data
    ]
    failed = [
        check
        for check in result.get_asset_check_evaluations()
        if not check.passed and check.check_name in CHECKS.values()
    ]
    told += [str(check.description) for check in failed]
    return result.success and not failed, "; ".join(told)


def let_a_test_fail(home: Home, month: date) -> None:
    """Record a failed test of Fier's month, as a build of the warehouse would."""
    with write_warehouse(home) as connection:
        connection.execute(
            "insert into ops.failed_tests values "
            "('without_a_target_there_is_no_percentage', 'AL-04', ?)",
            [month],
        )


def released(home: Home, month: str, county: str = "AL-04") -> list[str]:
    folder = home.releases / "restricted" / county / month
    return sorted(path.name for path in folder.glob("r*"))


def test_the_releases_asset_alone_is_refused_without_a_verdict(
    home: Home, instance: dg.DagsterInstance
) -> None:
    success, told = materialize(instance, ["releases"], "2023-04")
    assert not success
    assert "AL-04 2023-04: the gate has not judged" in told
    assert released(home, "2023-04") == []


def test_tables_that_changed_after_the_verdict_go_out_by_no_asset(
    home: Home, instance: dg.DagsterInstance
) -> None:
    with write_warehouse(home) as connection:
        connection.execute(
            "update marts.referral_flow set flagged = flagged + 1 where county_code = 'AL-04'"
        )
    before = home.marts.read_bytes()
    for name, month in (("releases", "2023-05"), ("reading_copy", None)):
        success, told = materialize(instance, [name], month)
        assert not success
        assert "tables changed since the verdict" in told
    assert released(home, "2023-05") == ["r1"]
    assert home.marts.read_bytes() == before


def test_a_backfill_in_any_order_publishes_the_good_months_and_refuses_the_bad_one(
    home: Home, instance: dg.DagsterInstance
) -> None:
    let_a_test_fail(home, date(2023, 4, 1))
    both = ["gate", "releases"]
    outcomes = {month: materialize(instance, both, month) for month in ("2023-06", "2023-04")}
    assert outcomes["2023-06"][0]
    assert not outcomes["2023-04"][0]
    assert "without_a_target_there_is_no_percentage (1, mended by krat)" in outcomes["2023-04"][1]
    assert (released(home, "2023-06"), released(home, "2023-04")) == (["r1"], [])
    # A good month after it hides nothing: alone, the bad one is refused again.
    materialize(instance, both, "2023-03")
    assert not materialize(instance, ["releases"], "2023-04")[0]


def test_the_reading_copy_alone_shows_nothing_that_is_blocked(
    home: Home, instance: dg.DagsterInstance
) -> None:
    """The month was good in the copy before: its rows stay, beside the other months' new ones."""
    with write_warehouse(home) as connection:
        connection.execute(
            "update marts.indicator_progress set completeness = 0.123 where county_code = 'AL-04'"
        )
    let_a_test_fail(home, MAY)
    materialize(instance, ["gate"], "2023-05")
    assert materialize(instance, ["reading_copy"])[0]
    with duckdb.connect(str(home.marts), read_only=True) as connection:
        months = connection.execute(
            "select reporting_month, bool_and(completeness = 0.123) from marts.indicator_progress "
            "where county_code = 'AL-04' and reporting_month between '2023-04-01' and '2023-05-01' "
            "group by all order by all"
        ).fetchall()
        assert months == [(date(2023, 4, 1), True), (MAY, False)]
        assert connection.execute(
            "select county_code, rule, mended_by from quality.blocked_months order by all"
        ).fetchall() == [
            (county, "warehouse_test_failed: without_a_target_there_is_no_percentage", "krat")
            for county in ("AL", "AL-04")
        ]


def test_the_command_tells_which_rule_blocks_and_who_can_mend_it(home: Home) -> None:
    told = CliRunner().invoke(cli, ["gate", "--county", "AL-04", "--month", "2023-05"])
    assert told.exit_code == 0, told.output
    assert "The verdict follows from its record." in told.output
    path = home.gate / "AL-04" / "2023-05.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["failed_tests"] = ["without_a_target_there_is_no_percentage"]
    path.write_text(json.dumps(record), encoding="utf-8")
    forged = CliRunner().invoke(cli, ["gate", "--county", "AL-04", "--month", "2023-05"])
    assert forged.exit_code == 1
    assert "does not follow" in forged.output


def write_report(home: Home, month: str, value: int, received: int, name: str) -> Path:
    path = home.inbox / "AL-04" / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "Formulari;Qarku;Institucioni;Muaji;Të dhënat;Kodi i treguesit;Treguesi;Njësia;Ndarja;"
        "Vlera;Gjendja\n"
        f"krat-raport-1;AL-04;AL-04-SHSSH;{month};SHEMBULL - TË TRILLUARA;2.1.18.1;;;;{value};\n",
        encoding="utf-8",
    )
    os.utime(path, (received, received))
    return path


def test_a_correction_of_a_past_month_makes_new_releases_of_it_and_of_those_after_it(
    home: Home, instance: dg.DagsterInstance
) -> None:
    assert materialize(instance, ["gate", "releases"], "2023-03")[0]
    write_report(home, "2023-03", 9, 1688200000, "late-march")
    outcome = refresh(home, [JUNE])
    assert not outcome.blocked
    assert {"/".join(made.path.parts[-3:]) for made in outcome.restated} == {
        f"{county}/{month}/r2" for county in ("AL", "AL-04") for month in ("2023-03", "2023-05")
    }
    year_to_date = []
    for month, number in (
        ("2023-03", "r1"),
        ("2023-03", "r2"),
        ("2023-05", "r1"),
        ("2023-05", "r2"),
    ):
        folder = home.releases / "restricted" / "AL-04" / month / number
        with duckdb.connect(str(folder / "mart.duckdb"), read_only=True) as connection:
            row = connection.execute(
                "select actual_year_to_date from indicator_progress "
                "where indicator_code = '2.1.18.1'"
            ).fetchone()
            assert row is not None
            year_to_date.append(row[0])
    march, march_again, may, may_again = year_to_date
    assert march_again - march == may_again - may != 0
    assert changed_since_release(home) == []
