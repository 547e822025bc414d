"""One month, from the inbox to a release, as its readers meet it."""

import json
import os
import shutil
from dataclasses import dataclass
from datetime import date

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import MAY, Prepare, Refreshed

from expectations.gate import GateRefused, read_record, write_record
from orchestration.publication.restricted import release
from orchestration.refresh.plan import NoPlan, plan
from orchestration.refresh.steps import Outcome, refresh
from orchestration.runtime.database import write_warehouse
from orchestration.runtime.settings import SEEDS
from orchestration.warehouse.build import BuildFailed, build_warehouse
from orchestration.warehouse.load import load_raw
from sources.custody.home import Home

Marts = duckdb.DuckDBPyConnection


def test_the_month_is_published_for_the_county_and_the_nation(refreshed: Refreshed) -> None:
    assert not refreshed.outcome.blocked
    released = {path.parent.parent.name for path in refreshed.home.releases.glob("*/*/2023-05/r1")}
    assert released == {"AL", "AL-04"}
    assert not list(refreshed.home.inbox.rglob("*.*"))


def test_the_nation_in_december_2022_is_ambiguous(marts: Marts) -> None:
    row = marts.execute(
        "select actual_year_to_date, actual_cumulative, target_value, progress_annual, "
        "progress_cumulative, status, target_scope from marts.indicator_progress "
        "where county_code = 'AL' and reporting_month = '2022-12-01' "
        "and indicator_code = '2.1.9.1'"
    ).fetchone()
    assert row == (112, 271, 170, 65.9, 159.4, "ambiguous", "nation")


def test_a_county_is_never_measured_against_a_national_target(marts: Marts) -> None:
    rows = marts.execute(
        "select distinct target_scope, target_value, progress_annual, progress_cumulative "
        "from marts.indicator_progress where county_code <> 'AL'"
    ).fetchall()
    assert rows == [("none", None, None, None)]


def test_the_hotline_that_did_not_function_is_missing_not_zero(marts: Marts) -> None:
    rows = marts.execute(
        "select value, value_state from core.fct_actuals "
        "where county_code = 'AL' and indicator_code = '3.1.2.1'"
    ).fetchall()
    assert rows == [(None, "not_reported")] * 2


def test_no_table_of_the_reading_copy_is_about_a_person_and_each_explains_itself(
    marts: Marts,
) -> None:
    tables = marts.execute("select table_name, comment from duckdb_tables()").fetchall()
    assert len(tables) >= 20
    assert all(comment for _, comment in tables)
    columns = marts.execute(
        "select column_name, comment from duckdb_columns() where not internal"
    ).fetchall()
    assert all(comment for _, comment in columns)
    assert not {name for name, _ in columns} & {
        "contact_key",
        "case_key",
        "person_key",
        "repeat_of_key",
    }


def test_a_release_holds_what_readers_rely_on_and_says_that_it_is_made_up(
    refreshed: Refreshed,
) -> None:
    folder = refreshed.home.releases / "restricted" / "AL-04" / "2023-05" / "r1"
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    assert "EXAMPLE" in package["title"]
    for resource in package["resources"]:
        if resource["format"] != "csv":
            continue
        name = resource["path"].removesuffix(".csv")
        stored = pd.read_parquet(folder / f"{name}.parquet")
        assert len(stored) == len(pd.read_csv(folder / resource["path"]))
        assert not stored.duplicated(subset=resource["schema"]["primaryKey"]).any()
        if "is_made_up" in stored and name in ("hotline_activity", "referral_flow"):
            assert stored["is_made_up"].all()
    with duckdb.connect(str(folder / "mart.duckdb"), read_only=True) as connection:
        progress = connection.execute("select count(*) from indicator_progress").fetchone()
    assert progress == (66,)
    assert {path.name for path in folder.iterdir()} >= {
        "marts.xlsx",
        "gate.json",
        "sources.csv",
        "CHANGES.md",
    }


def test_the_same_content_is_not_released_twice(refreshed: Refreshed) -> None:
    prepared = release(refreshed.home, "AL-04", MAY)
    assert (prepared.number, prepared.is_new) == (1, False)


def test_a_release_without_a_verdict_is_refused(refreshed: Refreshed) -> None:
    with pytest.raises(GateRefused, match="has not judged"):
        release(refreshed.home, "AL-04", date(2023, 4, 1))


def test_a_release_of_tables_that_changed_since_the_verdict_is_refused(own_home: Home) -> None:
    with write_warehouse(own_home) as connection:
        connection.execute(
            "update marts.referral_flow set flagged = flagged + 1 "
            "where county_code = 'AL-04' and reporting_month = '2023-05-01'"
        )
    with pytest.raises(GateRefused, match="changed since the verdict"):
        release(own_home, "AL-04", MAY)


def test_a_blocked_verdict_leaves_the_last_release_in_place(own_home: Home) -> None:
    record = read_record(own_home, "AL-04", MAY)
    assert record is not None
    blocked = record.__class__(
        **{
            **record.__dict__,
            "verdict": "blocked",
            "blocking": [{"rule": "mart_out_of_range", "mended_by": "krat", "count": 1}],
        }
    )
    write_record(own_home, blocked)
    with pytest.raises(GateRefused, match="mart_out_of_range"):
        release(own_home, "AL-04", MAY)
    folder = own_home.releases / "restricted" / "AL-04" / "2023-05"
    assert [path.name for path in folder.glob("r*")] == ["r1"]


def _plant_a_false_value(home: Home) -> None:
    """Put a value that no door would let in into raw, as after a fault of krat's own."""
    (values,) = (home.raw / "submission_values").glob("*.parquet")
    table = pq.read_table(values)
    rows = [
        row | {"value": -500.0}
        for row in table.to_pylist()
        if (row["institution_code"], row["reporting_month"]) == ("AL-04-SHSSH", MAY)
        and row["indicator_code"] == "2.1.18.1"
    ]
    assert len(rows) == 1
    rows[0]["row_number"] += 1000
    planted = pa.Table.from_pylist(rows, schema=table.schema)
    pq.write_table(pa.concat_tables([table, planted]), values)


MARCH = date(2023, 3, 1)


@dataclass(frozen=True)
class Blocked:
    """A home that was refreshed for March and May, and in which Fier's May is false."""

    home: Home
    outcome: Outcome


@pytest.fixture(scope="module")
def blocked(refreshed: Refreshed, prepared: Prepare) -> Blocked:
    """The refreshed home with a false value, and with a log of another county."""

    def fill(home: Home) -> Outcome:
        shutil.copytree(refreshed.home.root, home.root)
        shutil.copytree(refreshed.home.keys, home.keys)
        _plant_a_false_value(home)
        log = home.inbox / "AL-05" / "log.csv"
        log.parent.mkdir(parents=True)
        log.write_text(
            "Formulari;Qarku;Të dhënat;Nr. kontaktit;Kanali;Marrë më;Telefonuesi;Qëllimi;"
            "Elemente dyshimi;Shfrytëzimi;Referuar te;Pranuar më;Rezultati;Nr. rastit;"
            "Përsëritje e\n"
            "krat-linja-1;AL-05;SHEMBULL - TË TRILLUARA;1;app;2023-05-03 10:00;self;information;"
            ";;;;no_action;;\n",
            encoding="utf-8",
        )
        return refresh(home, [MARCH, MAY])

    return Blocked(*prepared("blocked", fill))


def test_a_false_table_blocks_the_month_and_the_reading_copy_keeps_its_last_good_rows(
    blocked: Blocked, marts: Marts
) -> None:
    progress = (
        "select * from marts.indicator_progress where county_code in ('AL', 'AL-04') "
        "and reporting_month = '2023-05-01' order by all"
    )
    before = marts.execute(progress).fetchall()
    found = {record.county_code: record for record in blocked.outcome.blocked}
    assert list(found) == ["AL", "AL-04"]
    assert "mart_out_of_range" in found["AL-04"].blocking_rules
    with duckdb.connect(str(blocked.home.marts), read_only=True) as connection:
        assert connection.execute(progress).fetchall() == before
        rows = connection.execute(
            "select distinct county_code, reporting_month from quality.blocked_months "
            "where rule = 'mart_out_of_range' order by all"
        ).fetchall()
        assert ("AL-04", MAY) in rows
    for county in ("AL", "AL-04"):
        folder = blocked.home.releases / "restricted" / county / "2023-05"
        assert [path.name for path in folder.glob("r*")] == ["r1"]


def test_a_county_in_trouble_stops_no_other_county_and_no_other_month(blocked: Blocked) -> None:
    outcome = blocked.outcome
    found = {(record.county_code, record.reporting_month) for record in outcome.blocked}
    assert found == {("AL", MAY), ("AL-04", MAY)}
    assert all(
        any(rule.startswith("warehouse_test_failed") for rule in record.blocking_rules)
        for record in outcome.blocked
    )
    published = {"/".join(release.path.parts[-3:-1]) for release in outcome.releases}
    assert published >= {"AL-04/2023-03", "AL/2023-03", "AL-05/2023-05"}
    # It sent nothing before May, and owed nothing.
    assert "AL-05/2023-03" not in published
    assert not published & {"AL/2023-05", "AL-04/2023-05"}


def test_a_correction_gives_a_second_release_that_says_what_changed(own_home: Home) -> None:
    folder = own_home.inbox / "AL-04"
    report = folder / "correction.csv"
    lines = [
        "Formulari;Qarku;Institucioni;Muaji;Të dhënat;Kodi i treguesit;Treguesi;Njësia;"
        "Ndarja;Vlera;Gjendja",
        "krat-raport-1;AL-04;AL-04-SHSSH;2023-05;SHEMBULL - TË TRILLUARA;2.1.18.1;;;;7;",
    ]
    report.write_text("\n".join(lines) + "\n", encoding="utf-8")
    os.utime(report, (1688200000, 1688200000))
    outcome = refresh(own_home, [MAY], "AL-04")
    assert outcome.intake.accepted == 1
    assert [(made.number, made.is_new) for made in outcome.releases] == [(2, True)]
    changes = (outcome.releases[0].path / "CHANGES.md").read_text(encoding="utf-8")
    assert "| AL-04 2023-05-01 PKV-2021-2023 2.1.18.1 | actual_month | " in changes
    assert " | 7 | correction |" in changes
    restated = pd.read_parquet(outcome.releases[0].path / "changes.parquet")
    assert set(restated["reason"]) == {"correction"}
    assert set(restated["compared_with"]) == {"2023-05/r1"}
    number = restated[
        (restated["mart"] == "indicator_progress")
        & (restated["mart_row"] == "PKV-2021-2023/2.1.18.1")
        & (restated["measure"] == "actual_month")
    ].iloc[0]
    assert number["value_after"] == 7
    assert number["change"] == 7 - number["value_before"]
    with duckdb.connect(str(own_home.marts), read_only=True) as connection:
        published = connection.execute(
            "select release_number, actual_month from vintages.indicator_progress "
            "where county_code = 'AL-04' and indicator_code = '2.1.18.1' order by 1"
        ).fetchall()
        assert published == [(1, number["value_before"]), (2, 7)]
        newest = connection.execute(
            "select distinct release_number from vintages.indicator_progress_as_published(?) "
            "where county_code = 'AL-04'",
            [date.max],
        ).fetchall()
        assert newest == [(2,)]
        told = connection.execute("select distinct reason from marts.changes").fetchall()
        assert told == [("correction",)]
    with duckdb.connect(str(own_home.marts), read_only=True) as connection:
        versions = connection.execute(
            "select version, status from core.fct_submissions where institution_code = "
            "'AL-04-SHSSH' and reporting_month = '2023-05-01' and version is not null order by 1"
        ).fetchall()
    assert len(versions) == 2
    assert versions[0][1] == "superseded"


def test_a_month_that_no_plan_covers_is_refused_before_anything_is_done(own_home: Home) -> None:
    report = own_home.inbox / "AL-04" / "report.csv"
    report.write_text("waits", encoding="utf-8")
    with pytest.raises(NoPlan, match=r"no plan covers 2024-03: .* 2021-01 to 2023-12"):
        refresh(own_home, [date(2024, 3, 1)])
    assert report.exists()


def test_the_months_that_a_plan_covers_go_out_beside_one_that_none_does(
    refreshed: Refreshed,
) -> None:
    planned = plan(refreshed.home, SEEDS, [MAY, date(2024, 3, 1)])
    assert planned.scopes == (("AL", MAY), ("AL-04", MAY))
    assert [str(refusal) for refusal in planned.refused] == [
        f"{county} 2024-03: no plan covers 2024-03: the registers hold 2021-01 to 2023-12 "
        "(PKV-2021-2023). Next: krat refresh --month 2023-12"
        for county in ("AL", "AL-04")
    ]


def test_what_rests_on_registers_is_built_when_they_changed_and_stands_until_then(
    own_home: Home,
) -> None:
    with write_warehouse(own_home) as connection:
        connection.execute(
            "insert into ops.failed_tests values "
            "('an_indicator_code_stands_once', null, null), ('a_value_is_due_once', null, null)"
        )
        nodes = connection.execute("select count(*) from ops.dbt_results").fetchone()
        connection.execute("delete from ops.built")
    again = build_warehouse(own_home)
    assert again.failed_tests == ("an_indicator_code_stands_once",)
    with write_warehouse(own_home) as connection:
        assert connection.execute("select count(*) from ops.dbt_results").fetchone() == nodes
        connection.execute("update ops.built_project set project_hash = 'another'")
    whole = build_warehouse(own_home)
    assert whole.failed_tests == ()
    assert again.nodes < whole.nodes


def test_a_build_that_fails_says_why_and_quotes_no_value(own_home: Home) -> None:
    with write_warehouse(own_home) as connection:
        connection.execute("alter table raw.deliveries rename column delivery_id to other")
        connection.execute("delete from ops.built")
    with pytest.raises(BuildFailed, match=r"stg_deliveries \(Binder Error: .*delivery_id"):
        build_warehouse(own_home)
    load_raw(own_home, date(2026, 1, 1))
    with write_warehouse(own_home) as connection:
        connection.execute("drop table raw.refresh_context")
        connection.execute(
            "create view raw.refresh_context as select cast(word as date) as as_of, "
            "[word] as month_names_sq, [word] as month_names_en "
            "from (values ('canary')) as words(word)"
        )
    tables = "select table_name, estimated_size from duckdb_tables() where schema_name <> 'raw'"
    with write_warehouse(own_home) as connection:
        before = connection.execute(f"{tables} order by all").fetchall()
    with pytest.raises(BuildFailed) as refusal:
        build_warehouse(own_home)
    with write_warehouse(own_home) as connection:
        assert connection.execute(f"{tables} order by all").fetchall() == before != []
    assert "Conversion Error" in str(refusal.value)
    assert "canary" not in str(refusal.value)
