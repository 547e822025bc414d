"""A second national plan beside the first: same codes of indicators, everything else its own."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest
from conftest import Refreshed
from second_plan import FIRST, SECOND, rows_of_second_plan, write_second_plan

from orchestration.feedback.explain import explain
from orchestration.feedback.explanation_page import page
from orchestration.feedback.last_values import last_values
from orchestration.publication.public import public_tables
from orchestration.registers.plans import merged, plan_problems
from orchestration.runtime.settings import SEEDS
from orchestration.warehouse.build import run_dbt
from sources.custody.home import Home
from sources.forms import write_forms
from sources.registers import load_registers

COUNTY, POLICE, SCHOOLS = "AL-04", "AL-04-POLICIA", "AL-04-ARSIMI"
SOCIAL_SERVICE, INSPECTORATE = "AL-04-SHSSH", "AL-04-ISHPSHSH"

#: Indicators of the second plan of which May 2024 has values: twice those of May 2023 for the
#: indicator of the first plan that each comes from.
REPORTED = {
    "2.1.9.1": "2.1.9.1", "3.1.12.1": "3.1.12.1", "2.1.1.1": "2.1.2.1", "3.1.3.1": "3.1.3.1",
}  # fmt: skip


@dataclass(frozen=True)
class TwoPlans:
    """The registers of two plans, and what dbt made of the example and a month of the second."""

    seeds: Path
    warehouse: Path
    failed: list[str]


@pytest.fixture(scope="module")
def two_plans(refreshed: Refreshed, tmp_path_factory: pytest.TempPathFactory) -> TwoPlans:
    folder = tmp_path_factory.mktemp("two_plans")
    plan = write_second_plan(folder / "plan")
    assert not plan_problems(plan, SEEDS)
    registers = merged(SEEDS, plan, folder / "registers")
    obligations = rows_of_second_plan()["reporting_obligations"]
    warehouse = folder / "warehouse.duckdb"
    shutil.copy(refreshed.home.warehouse, warehouse)
    with duckdb.connect(str(warehouse)) as connection:
        for row in obligations:
            connection.execute(
                "insert into raw.noted_obligations by name select $institution_code as "
                "institution_code, $plan_code as plan_code, $indicator_code as indicator_code, "
                "$frequency as frequency, $valid_from::date as valid_from, null as valid_to, "
                "$basis as basis, $recorded_from::date as stated_from, "
                "$recorded_from::date as recorded_from, null as recorded_to",
                {
                    name: value
                    for name, value in row.items()
                    if name not in ("valid_to", "recorded_to")
                },
            )
        # May 2023 again as May 2024, twice as many of each.
        connection.execute(
            "insert into raw.deliveries select * replace (delivery_id || '-24' as delivery_id, "
            "reporting_month + interval 1 year as reporting_month, "
            "received_at + interval 1 year as received_at) from raw.deliveries "
            "where reporting_month = '2023-05-01' and source = 'submission'"
        )
        for earlier, code in REPORTED.items():
            connection.execute(
                "insert into raw.submission_values select * replace (delivery_id || '-24' as "
                "delivery_id, reporting_month + interval 1 year as reporting_month, 2 * value as "
                "value, $code as indicator_code) from raw.submission_values "
                "where reporting_month = '2023-05-01' and frequency = 'month' "
                "and indicator_code = $earlier",
                {"earlier": earlier, "code": code},
            )
    options = ["--full-refresh", "--no-write-json"]
    options += [f"--exclude-resource-type={kind}" for kind in ("unit_test", "exposure")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KRAT_DBT_WAREHOUSE", str(warehouse))
        patch.setenv("KRAT_REGISTERS", str(registers))
        results = run_dbt("build", options).result.results
    assert len(results) > 150
    good = ("success", "pass")
    failed = [f"{each.node.name}: {each.message}" for each in results if each.status not in good]
    return TwoPlans(registers, warehouse, failed)


@pytest.fixture
def both(two_plans: TwoPlans, refreshed: Refreshed) -> Iterator[duckdb.DuckDBPyConnection]:
    """Both plans as `two`, the first alone as `one`."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{two_plans.warehouse}' as two (read_only)")
        connection.execute(f"attach '{refreshed.home.warehouse}' as one (read_only)")
        yield connection


def test_every_key_stays_unique_and_every_reference_whole(two_plans: TwoPlans) -> None:
    assert not two_plans.failed


@pytest.mark.parametrize(
    "table",
    [
        "marts.indicator_progress", "marts.revisions", "marts.source_comparison",
        "core.fct_values_due", "core.fct_actuals", "core.fct_record_counts",
        "core.fct_targets", "core.fct_source_comparison", "core.dim_indicators",
        "core.dim_breakdown_categories", "core.published_figures", "core.plan_crosswalk",
        "core.plan_lint",
    ],
)  # fmt: skip
def test_the_first_plans_rows_are_those_that_it_has_alone(
    table: str, both: duckdb.DuckDBPyConnection
) -> None:
    of_first = "where plan_code is distinct from 'PKV-2024-2026'"
    rows = [f"from {database}.{table} {of_first}" for database in ("one", "two")]
    for one, other in (rows, reversed(rows)):
        assert not both.sql(f"({one}) except all ({other})").fetchall()
    assert both.sql(rows[0]).fetchone()


def test_each_plan_has_rows_in_its_own_months_only(both: duckdb.DuckDBPyConnection) -> None:
    spans = both.execute(
        "select plan_code, min(reporting_month), count(distinct year(reporting_month)) "
        "from two.marts.indicator_progress group by plan_code order by plan_code"
    ).fetchall()
    assert spans[0] == (FIRST, date(2021, 1, 1), 3)
    assert spans[1][:2] == (SECOND, date(2024, 1, 1))
    for table in ("core.fct_actuals", "core.fct_values_due", "marts.revisions"):
        found = both.execute(
            f"select distinct plan_code, year(reporting_month) from two.{table} "
            "where reporting_month >= '2021-01-01'"
        ).fetchall()
        assert {plan for plan, year in found if year <= 2023} == {FIRST}
        assert {plan for plan, year in found if year > 2023} == {SECOND}
    plans = both.execute(
        "select distinct plan_code, reporting_month > '2023-12-01' from two.quality.findings "
        "where indicator_code is not null and reporting_month >= '2021-01-01'"
    ).fetchall()
    assert set(plans) == {(FIRST, False), (SECOND, True)}


def test_a_target_applies_to_its_own_plan(both: duckdb.DuckDBPyConnection) -> None:
    found = both.execute(
        "select year(reporting_month), target_value, actual_year_to_date, status "
        "from two.marts.indicator_progress where county_code = 'AL' "
        "and indicator_code = '2.1.9.1' and month(reporting_month) = 5 order by reporting_month"
    ).fetchall()
    assert {year: target for year, target, *_ in found} == {
        2021: 85, 2022: 170, 2023: 250, 2024: 12, 2025: 14, 2026: 16,
    }  # fmt: skip
    # Sums begin anew with a plan.
    [(year_to_date, cumulative, of_may)] = both.execute(
        "select actual_year_to_date, actual_cumulative, (select 2 * actual_month from "
        "one.marts.indicator_progress as may where may.county_code = progress.county_code "
        "and may.indicator_code = '2.1.9.1' and may.reporting_month = '2023-05-01') "
        "from two.marts.indicator_progress as progress where county_code = 'AL-04' "
        "and indicator_code = '2.1.9.1' and reporting_month = '2024-06-01'"
    ).fetchall()
    assert year_to_date == cumulative == of_may > 0


def test_a_form_asks_what_the_plan_in_force_asks(two_plans: TwoPlans, tmp_path: Path) -> None:
    one = write_forms(COUNTY, date(2023, 6, 1), tmp_path / "one", SEEDS, {})
    two = write_forms(COUNTY, date(2023, 6, 1), tmp_path / "two", two_plans.seeds, {})
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    names = [
        path.name
        for path in write_forms(COUNTY, date(2024, 6, 1), tmp_path / "new", two_plans.seeds, {})
    ]
    monthly = (INSPECTORATE, POLICE, SOCIAL_SERVICE)
    assert names == [f"{owing}_2024-06.xlsx" for owing in sorted((SCHOOLS, *monthly))]
    may = write_forms(COUNTY, date(2024, 5, 1), tmp_path / "may", two_plans.seeds, {})
    assert [path.name for path in may] == [f"{owing}_2024-05.xlsx" for owing in monthly]


def test_the_door_reads_a_file_by_the_plan_of_its_month(two_plans: TwoPlans) -> None:
    registers = load_registers(two_plans.seeds)
    assert registers.in_month(date(2023, 5, 1)).indicators == load_registers(SEEDS).indicators
    assert registers.in_month(date(2024, 5, 1)).indicators == {
        row["indicator_code"]: row["unit"] for row in rows_of_second_plan()["indicators"]
    }
    assert registers.in_month(date(2024, 5, 1)).indicators["3.1.12.1"] == "trainings"
    assert registers.in_month(date(2023, 5, 1)).indicators["3.1.12.1"] == "persons"


def test_a_series_goes_on_in_the_next_plan_under_whatever_code(
    both: duckdb.DuckDBPyConnection,
) -> None:
    rows = both.execute(
        "select plan_code, indicator_code, reporting_month, actual_month, break_before "
        "from two.marts.indicator_progress inner join two.core.dim_indicators "
        "using (plan_code, indicator_code) where series_code = $series and county_code = $county "
        "order by reporting_month",
        {"series": f"{FIRST}/2.1.1.1", "county": COUNTY},
    ).fetchall()
    months = [row[2] for row in rows]
    assert months == sorted(set(months)) and months[0] == date(2021, 1, 1)
    assert months[-1] > date(2024, 5, 1) and not any(row[4] for row in rows)
    assert {row[:2] for row in rows} == {(FIRST, "2.1.1.1"), (SECOND, "2.1.2.1")}
    values = {month: value for _, _, month, value, _ in rows}
    assert values[date(2024, 5, 1)] == 2 * values[date(2023, 5, 1)] > 0


def test_a_series_breaks_in_the_first_month_of_the_plan_with_its_reason(
    both: duckdb.DuckDBPyConnection,
) -> None:
    rows = both.execute(
        "select distinct indicator_code, reporting_month, series_code, earlier_indicators, "
        "break_reason_sq, break_reason_en from two.marts.indicator_progress "
        "inner join two.core.dim_indicators using (plan_code, indicator_code) "
        "where break_before order by all"
    ).fetchall()
    begins = date(2024, 1, 1)
    assert rows == [
        (code, begins, f"{FIRST}/{earlier[0]}", " ".join(f"{FIRST}/{each}" for each in earlier),
         reason, reason)
        for code, earlier, reason in (
            ("2.2.5.1", ["2.2.5.1"], "split by profession"),
            ("2.2.5.2", ["2.2.5.1"], "split by profession"),
            ("3.1.1.1", ["3.1.1.2"], "people reached online count too"),
            ("3.1.12.1", ["3.1.12.1"], "lessons, and no more pupils"),
            ("3.1.13.1", ["3.1.13.1"], "trainings, and no more staff"),
            ("3.1.3.1", ["3.1.3.1", "3.1.5.1"], "hotels and the border together"),
        )
    ]  # fmt: skip
    kinds = both.execute(
        "select indicator_code, succession_kind, series_code = comparable_code "
        "from two.core.dim_indicators where plan_code = $plan",
        {"plan": SECOND},
    ).fetchall()
    assert {code: (kind, goes_on) for code, kind, goes_on in kinds} == {
        "2.1.2.1": ("continues", True), "2.1.9.1": ("basis_changed", True),
        "2.2.5.1": ("splits", False), "2.2.5.2": ("splits", False), "2.1.3.1": ("begins", True),
        "3.1.1.1": ("continues", False), "3.1.3.1": ("merges", False),
        "3.1.12.1": ("unit_changed", False), "3.1.13.1": ("unit_changed+basis_changed", False),
    }  # fmt: skip


def test_a_year_is_compared_with_the_last_one_of_the_plan_before_only_where_it_can_be(
    both: duckdb.DuckDBPyConnection,
) -> None:
    changes = dict(
        both.execute(
            "select indicator_code, change_on_last_year from two.marts.indicator_progress "
            "where county_code = $county and reporting_month = '2024-05-01' "
            "and list_contains($codes, indicator_code)",
            {"county": COUNTY, "codes": list(REPORTED.values())},
        ).fetchall()
    )
    of_last_year = dict(
        both.execute(
            "select indicator_code, actual_month from one.marts.indicator_progress "
            "where county_code = $county and reporting_month = '2023-05-01'",
            {"county": COUNTY},
        ).fetchall()
    )
    assert changes == {
        "2.1.9.1": of_last_year["2.1.9.1"], "2.1.2.1": of_last_year["2.1.1.1"],
        "3.1.3.1": None, "3.1.12.1": None,
    }  # fmt: skip
    assert of_last_year["2.1.1.1"] > 0 and of_last_year["3.1.12.1"] > 0


def test_the_lint_looks_at_the_second_plan_too(both: duckdb.DuckDBPyConnection) -> None:
    rows = both.execute(
        "select rule, indicator_code, year, explanation_en from two.core.plan_lint "
        "where plan_code = $plan",
        {"plan": SECOND},
    ).fetchall()
    rules = {rule for rule, *_ in rows}
    assert {"blank_cell", "indicator_without_target", "unstated_basis"} <= rules
    assert ("2.1.2.1", 2024) in {
        (code, year) for rule, code, year, _ in rows if rule == "blank_cell"
    }
    assert not [text for *_, text in rows if "2021" in text or FIRST in text]


def test_a_code_is_protected_in_the_plan_in_which_it_is_about_persons(
    two_plans: TwoPlans,
) -> None:
    with duckdb.connect(str(two_plans.warehouse), read_only=True) as connection:
        shown = {
            plan: set(
                next(
                    table.frame["indicator_code"]
                    for table in public_tables(connection, COUNTY, month)
                    if table.product.name == "indicator_progress"
                )
            )
            for plan, month in ((FIRST, date(2023, 5, 1)), (SECOND, date(2024, 5, 1)))
        }
    assert "2.1.3.1" not in shown[FIRST] and "2.1.3.1" in shown[SECOND]
    # Pupils are persons, lessons are not.
    assert "3.1.12.1" not in shown[FIRST] and "3.1.12.1" in shown[SECOND]
    # It counts the persons of 2.1.9.1 in the second plan, and cases in the first.
    assert not {"2.1.2.1", "2.1.9.1"} & shown[SECOND]


@pytest.fixture
def home_of_both(two_plans: TwoPlans, refreshed: Refreshed, tmp_path: Path) -> Home:
    """A data folder whose reading copy has both plans."""
    home = Home(root=tmp_path / "home", keys=refreshed.home.keys)
    home.root.mkdir()
    shutil.copy(refreshed.home.marts, home.marts)
    with duckdb.connect(str(home.marts)) as connection:
        connection.execute(f"attach '{two_plans.warehouse}' as two (read_only)")
        for table in (
            "marts.indicator_progress", "core.dim_indicators", "core.dim_plans", "core.dim_months",
            "core.fct_values_in_turn",
        ):  # fmt: skip
            connection.execute(f"create or replace table {table} as from two.{table}")
    return home


def test_a_form_shows_the_last_value_of_what_goes_on(home_of_both: Home) -> None:
    january, june = (last_values(home_of_both, COUNTY, date(2024, month, 1)) for month in (1, 6))
    december = last_values(home_of_both, COUNTY, date(2023, 12, 1))
    assert december[SOCIAL_SERVICE, "2.1.1.1", "total"] is not None
    assert (SOCIAL_SERVICE, "2.1.2.1", "total") in january
    assert june[SOCIAL_SERVICE, "2.1.2.1", "total"] == 2 * 4
    # What can't be compared has no last value until it was reported, nor has what ended.
    assert (INSPECTORATE, "3.1.3.1", "total") in december
    assert (INSPECTORATE, "3.1.3.1", "total") not in january
    assert (INSPECTORATE, "3.1.3.1", "total") in june
    assert (POLICE, "2.1.2.1", "total") in december
    assert (POLICE, "2.1.2.1", "total") not in january


def test_explain_names_the_indicator_that_one_continues(home_of_both: Home) -> None:
    [goes_on, breaks, first] = [
        page(explain(home_of_both, COUNTY, month, code), "en").splitlines()
        for month, code in (
            (date(2024, 1, 1), "2.1.2.1"), (date(2024, 1, 1), "3.1.3.1"),
            (date(2023, 5, 1), "2.1.1.1"),
        )
    ]  # fmt: skip
    assert goes_on[2].startswith(f"Continues indicator 2.1.1.1 of plan {FIRST}: Victims")
    assert [line.partition(":")[0] for line in breaks[2:5]] == [
        f"Comes from indicator 3.1.3.1 of plan {FIRST}",
        f"Comes from indicator 3.1.5.1 of plan {FIRST}",
        "The values can't be compared with those of the plan before",
    ]
    assert breaks[4].endswith("hotels and the border together")
    assert not [line for line in first if line.startswith(("Continues", "Comes from"))]
