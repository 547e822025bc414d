"""What the records count, beside what the institutions submit.

The example's reports are counted from its records in Python, apart from the SQL that counts them in
the warehouse: where no mistake is planned, both must agree.
"""

import duckdb
import pytest

#: What the plan's indicators ask of the records, with the categories asked for.
ASKED = {
    "2.1.1.1": {"total"},
    "2.1.2.1": {"total"},
    "2.1.3.1": {"total"},
    "2.1.6.1": {"total"},
    "2.1.9.1": {"total"},
    "2.1.11.1": {"total"},
    "2.1.13.2": {"total"},
    "2.1.15.1": {"total"},
    "2.1.16.1": {"total"},
    "2.1.16.2": {"total", "self_employed", "private_sector"},
    "2.1.18.1": {"total"},
    "2.1.19.1": {"total"},
    "3.1.2.1": {"total", "hotline", "app"},
}
#: Planned in the example: a report that disagrees, or one that was corrected.
PLANNED = {
    ("2.1.9.1", "2023-05"),
    ("3.1.2.1", "2023-08"),
    ("2.1.16.2", "2023-07"),
}
#: Planned too: SIVET has one case of September in October.
PLANNED_IN_SIVET = {("2.1.9.1", "2023-05"), ("2.1.9.1", "2023-09"), ("2.1.9.1", "2023-10")}


@pytest.mark.parametrize("indicator", ASKED)
def test_every_number_that_the_plan_asks_of_the_records_is_counted(
    indicator: str, marts: duckdb.DuckDBPyConnection
) -> None:
    rows = marts.execute(
        "select category, sum(value) from core.fct_record_counts where indicator_code = ? "
        "group by category",
        [indicator],
    ).fetchall()
    counted = dict(rows)
    assert set(counted) == ASKED[indicator]
    assert counted["total"] > 0


@pytest.mark.parametrize("indicator", ASKED)
def test_records_and_reports_agree_where_no_mistake_is_planned(
    indicator: str, marts: duckdb.DuckDBPyConnection
) -> None:
    rows = marts.execute(
        "select strftime(reporting_month, '%Y-%m'), difference, second_source "
        "from core.fct_source_comparison "
        "where indicator_code = ? and first_source = 'submission'",
        [indicator],
    ).fetchall()
    assert len(rows) >= 4
    records = {
        (indicator, month) for month, difference, source in rows if difference and source != "sivet"
    }
    sivet = {
        (indicator, month) for month, difference, source in rows if difference and source == "sivet"
    }
    assert records == {place for place in PLANNED if place[0] == indicator}
    assert sivet == {place for place in PLANNED_IN_SIVET if place[0] == indicator}


def test_a_breakdown_of_the_records_adds_up(marts: duckdb.DuckDBPyConnection) -> None:
    rows = marts.execute(
        "select sum(value) filter (category = 'total'), sum(value) filter (category <> 'total') "
        "from core.fct_record_counts where indicator_code in ('2.1.16.2', '3.1.2.1') "
        "group by indicator_code, reporting_month"
    ).fetchall()
    assert rows
    assert all(total == parts for total, parts in rows)
