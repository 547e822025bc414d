"""Every mart is recomputed from the facts, and a mart that was tampered with is found out."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Refreshed
from dbt_sql import render

from orchestration.runtime.database import read_warehouse
from orchestration.runtime.settings import DBT_PROJECT

PLACE = "county_code = 'AL-04' and reporting_month = '2023-05-01'"

#: For each mart the test that recomputes it, and a change that nobody but a fault could make.
TAMPERED = {
    "indicator_progress": (
        "progress_is_what_the_current_reports_add_up_to",
        f"update marts.indicator_progress set actual_month = actual_month + 1 where {PLACE}",
    ),
    "reporting_rates": (
        "rates_add_up_what_institutions_owed_and_sent",
        f"update marts.reporting_rates set received = received - 1 where {PLACE}",
    ),
    "reporting_completeness": (
        "completeness_counts_what_was_due_and_what_came",
        f"update marts.reporting_completeness set received = 0 where {PLACE}",
    ),
    "reporting_status": (
        "status_agrees_with_completeness_and_the_findings",
        f"update marts.reporting_status set open_findings = 0 where {PLACE}",
    ),
    "period_figures": (
        "period_figures_are_those_of_the_progress",
        "update marts.period_figures set value = value + 1 "
        "where county_code = 'AL-04' and period = '2023'",
    ),
    "period_flow": (
        "period_flow_counts_each_person_once_a_period",
        "update marts.period_flow set value = value + 1 "
        "where county_code = 'AL-04' and subject = 'assisted' and period = '2023-H1'",
    ),
    "remarks": (
        "each_remark_of_the_facts_stands_in_the_mart",
        "insert into marts.remarks (county_code, reporting_month) "
        "values ('AL-04', '2023-05-01')",
    ),
    "source_comparison": (
        "each_side_of_a_comparison_is_what_its_source_says",
        "update marts.source_comparison set second_value = second_value + 1 "
        f"where second_source = 'referral_records' and first_source = 'submission' and {PLACE}",
    ),
    "revisions": (
        "revisions_are_what_the_versions_of_reports_say",
        f"update marts.revisions set first_value = first_value + 1 where {PLACE}",
    ),
    "recorded_counts": (
        "recorded_counts_lie_within_what_the_records_hold",
        "update marts.recorded_counts set value = value + 500 "
        "where county_code = 'AL-04' and period = '2023' and dimension = 'total'",
    ),
    "identified_persons": (
        "identified_persons_are_those_of_the_records",
        "update marts.identified_persons set persons = persons + 1 "
        "where county_code = 'AL-04' and period = '2023' and breakdown = 'exploitation' "
        "and category = 'ForcedLabour'",
    ),
    "institution_values": (
        "institution_values_are_those_of_the_current_reports",
        f"update marts.institution_values set value = value + 1 where {PLACE}",
    ),
    "hotline_activity": (
        "hotline_activity_holds_every_contact_once",
        f"delete from marts.hotline_activity where channel = 'app' and {PLACE}",
    ),
    "referral_flow": (
        "referral_flow_counts_each_person_once_a_step",
        f"update marts.referral_flow set identified = identified + 1 where {PLACE}",
    ),
}  # fmt: skip


@pytest.fixture
def warehouse(refreshed: Refreshed, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of the warehouse that a test may change."""
    copy = shutil.copy(refreshed.home.warehouse, tmp_path / "warehouse.duckdb")
    with duckdb.connect(str(copy)) as connection:
        yield connection


def _failing(connection: duckdb.DuckDBPyConnection, test: str) -> set[tuple[Any, ...]]:
    """Return the county and month of each row for which a test of dbt_project/tests fails."""
    schemas = dict(
        connection.execute(
            "select table_name, schema_name from duckdb_tables() "
            "where schema_name in ('core', 'marts', 'quality', 'register')"
        ).fetchall()
    )
    text = (DBT_PROJECT / "tests" / f"{test}.sql").read_text(encoding="utf-8")
    sql = render(text)
    # Tables go by their names alone.
    connection.execute(f"set search_path = '{','.join(sorted(set(schemas.values())))}'")
    return set(
        connection.execute(
            f"select distinct county_code, strftime(reporting_month, '%Y-%m') from ({sql})"
        ).fetchall()
    )


@pytest.mark.parametrize("mart", TAMPERED)
def test_a_mart_that_differs_from_the_facts_is_found_out_where_it_does(
    mart: str, warehouse: duckdb.DuckDBPyConnection
) -> None:
    test, change = TAMPERED[mart]
    assert not _failing(warehouse, test)
    warehouse.execute(change)
    places = _failing(warehouse, test)
    assert "AL-04" in {county for county, _ in places}
    # A year's figure stands in its months that follow, and in its December.
    assert {month for _, month in places} <= {f"2023-{month:02d}" for month in range(5, 13)}


def test_every_mart_is_recomputed(warehouse: duckdb.DuckDBPyConnection) -> None:
    tables = warehouse.execute(
        "select table_name from duckdb_tables() where schema_name = 'marts'"
    ).fetchall()
    assert {name for (name,) in tables} == {*TAMPERED}


def test_no_table_that_is_read_holds_a_pseudonym(
    refreshed: Refreshed, marts: duckdb.DuckDBPyConnection
) -> None:
    with read_warehouse(refreshed.home) as connection:
        keys = {
            key
            for table, column in connection.execute(
                "select schema_name || '.' || table_name, column_name from duckdb_columns() "
                "where schema_name in ('staging', 'core') and ends_with(column_name, '_key')"
            ).fetchall()
            for (key,) in connection.execute(
                f"select distinct {column} from {table} where {column} is not null"
            ).fetchall()
        }
    assert len(keys) > 500
    for table, column in marts.execute(
        "select schema_name || '.' || table_name, column_name from duckdb_columns() "
        "where not internal and data_type = 'VARCHAR'"
    ).fetchall():
        said = {
            value for (value,) in marts.execute(f"select distinct {column} from {table}").fetchall()
        }
        assert not said & keys, f"{table}.{column}"


def test_no_table_that_is_read_has_a_row_a_person_case_or_contact(
    marts: duckdb.DuckDBPyConnection, manifest: dict[str, Any]
) -> None:
    models = {
        key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"
    }
    person_level = {
        key for key, node in models.items() if node["config"]["meta"].get("person_level")
    }
    assert person_level
    read = {name for (name,) in marts.execute("select table_name from duckdb_tables()").fetchall()}
    assert not {models[key]["alias"] for key in person_level} & read
    # Whatever reads records of persons and is read itself counts them: a row for a place and time.
    counting = [
        node
        for node in models.values()
        if person_level & set(node["depends_on"]["nodes"]) and node["alias"] in read
    ]
    assert {node["alias"] for node in counting} >= {"hotline_activity", "referral_flow"}
    for node in counting:
        assert "county_code" in node["columns"], node["alias"]
        assert not {name for name in node["columns"] if name.endswith("_key")}, node["alias"]
