"""The tables that users and their scripts hold on to, with at least these columns."""

from pathlib import Path

import duckdb
import pytest
import yaml
from babel.dates import format_date

from sources.custody.home import Home

TABLES: dict[str, list[str]] = yaml.safe_load(
    (Path(__file__).parent / "contract.yml").read_text(encoding="utf-8")
)

ROWS = {
    "core.dim_measures": 55 + 26,
    "core.dim_indicators": 66,
    "core.fct_targets": 264,
    "core.plan_crosswalk": 26,
    "core.dim_municipalities": 61,
}


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_the_columns_that_others_rely_on(
    table: str, marts: duckdb.DuckDBPyConnection
) -> None:
    columns = {row[0] for row in marts.execute(f"describe select * from {table}").fetchall()}
    assert set(TABLES[table]) <= columns


def test_a_code_of_an_indicator_has_its_plan_beside_it(marts: duckdb.DuckDBPyConnection) -> None:
    tables = marts.execute(
        # The file is called marts, and so its schema main is found as marts.
        "select if(table_schema = 'main', 'marts', table_schema) || '.' || table_name, "
        "list(column_name) "
        "from information_schema.columns group by all"
    ).fetchall()
    coded = {table: columns for table, columns in tables if "indicator_code" in columns}
    assert {"marts.indicator_progress", "quality.findings", "register.targets"} <= coded.keys()
    assert [table for table, columns in coded.items() if "plan_code" not in columns] == []


@pytest.mark.parametrize(("table", "rows"), ROWS.items())
def test_the_registers_are_whole_for_whoever_asks_in_sql(
    table: str, rows: int, marts: duckdb.DuckDBPyConnection
) -> None:
    assert marts.execute(f"select count(*) from {table}").fetchone() == (rows,)


@pytest.mark.parametrize(
    "table", ["regional_indicators", "plan_fields", "abbreviations", "breakdown_categories"]
)
def test_what_the_regional_plan_says_can_be_read_too(
    table: str, marts: duckdb.DuckDBPyConnection
) -> None:
    assert marts.execute(f"select count(*) > 0 from register.{table}").fetchone() == (True,)


def test_the_months_are_named_as_babel_names_them(marts: duckdb.DuckDBPyConnection) -> None:
    rows = marts.execute("select month, name_sq, name_en from core.dim_months").fetchall()
    assert {month.month for month, _, _ in rows} == set(range(1, 13))
    for month, *names in rows:
        assert names == [format_date(month, "LLLL", locale=language) for language in ("sq", "en")]


def test_the_reading_copy_is_whole_after_a_refresh_that_loaded_no_register(
    refreshed_again: tuple[Home, int, str], marts: duckdb.DuckDBPyConnection
) -> None:
    listing = "select schema_name, table_name from duckdb_tables() order by all"
    with duckdb.connect(str(refreshed_again[0].marts), read_only=True) as again:
        assert again.execute(listing).fetchall() == marts.execute(listing).fetchall()
