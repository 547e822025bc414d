"""A second national plan beside the first: same codes of indicators, everything else its own."""

import csv
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest
from conftest import Refreshed

from orchestration.runtime.settings import DBT_PROJECT, SEEDS
from orchestration.warehouse.build import run_dbt
from sources.forms import write_forms
from sources.registers import load_registers

FIRST, SECOND = "PKV-2021-2023", "PKV-2024-2026"
COUNTY, POLICE, SCHOOLS = "AL-04", "AL-04-POLICIA", "AL-04-ARSIMI"

#: Rows of the second plan, made up: by register, the columns that differ from the row of the first
#: plan that they are like.
ROWS: dict[str, list[tuple[dict[str, str], dict[str, str]]]] = {
    "plans": [({"plan_code": FIRST}, {"valid_from": "2024-01-01", "valid_to": "2026-12-31"})],
    "measures": [
        ({"measure_code": code}, {"start_year": "2024", "end_year": "2026"})
        for code in ("2.1.9", "3.1.12")
    ],
    "indicators": [
        (
            {"indicator_code": "2.1.9.1"},
            {"name_sq": "Raste të reja", "name_en": "New cases", "target_basis": "annual"},
        ),
        ({"indicator_code": "3.1.12.1"}, {"name_sq": "Orë mësimi", "unit": "trainings"}),
    ],
    "targets": [
        (
            {"indicator_code": "2.1.9.1", "year": "2022"},
            {"year": str(year), "value": str(value), "source_text": str(value)}
            | {"target_kind": "baseline" if year == 2023 else "target"},
        )
        for year, value in ((2023, 9), (2024, 12), (2025, 14), (2026, 16))
    ],
    "reporting_obligations": [
        (
            {"institution_code": institution, "indicator_code": code},
            {
                "valid_from": "2024-01-01", "valid_to": "", "recorded_from": "2023-12-01",
                "frequency": frequency,
            },
        )
        for institution, code, frequency in (
            (POLICE, "2.1.9.1", "monthly"), (SCHOOLS, "3.1.12.1", "quarterly"),
        )
    ],
    "record_indicators": [({"indicator_code": "2.1.9.1", "pattern": "1"}, {})],
    "official_sources": [({"indicator_code": "2.1.9.1"}, {})],
    "breakdown_categories": [],
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
    project = folder / "dbt_project"
    shutil.copytree(DBT_PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    obligations = [
        row for name in ROWS for row in _add(project / "seeds", name) if name.startswith("report")
    ]
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
        connection.execute(
            "insert into raw.submission_values select * replace (delivery_id || '-24' as "
            "delivery_id, reporting_month + interval 1 year as reporting_month, 2 * value as "
            "value) from raw.submission_values where reporting_month = '2023-05-01' "
            "and frequency = 'month' and indicator_code in ('2.1.9.1', '3.1.12.1')"
        )
    options = ["--full-refresh", "--project-dir", str(project)]
    options += ["--target-path", str(folder / "target")]
    options += [f"--exclude-resource-type={kind}" for kind in ("unit_test", "exposure")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KRAT_WAREHOUSE", str(warehouse))
        patch.setenv("KRAT_REGISTERS", str(project / "seeds"))
        results = run_dbt("build", options).result.results
    assert len(results) > 150
    good = ("success", "pass")
    failed = [f"{each.node.name}: {each.message}" for each in results if each.status not in good]
    return TwoPlans(project / "seeds", warehouse, failed)


def _add(seeds: Path, name: str) -> list[dict[str, str]]:
    """Add a register's rows of the second plan to its file, and return them."""
    path = seeds / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    added = []
    for like, changes in ROWS[name]:
        row = next(row for row in rows if like.items() <= row.items())
        added.append(row | {"plan_code": SECOND} | changes)
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, list(rows[0]), lineterminator="\n").writerows(added)
    return added


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


def test_a_target_applies_to_its_own_plan(both: duckdb.DuckDBPyConnection) -> None:
    found = both.execute(
        "select year(reporting_month), target_value, actual_year_to_date, status "
        "from two.marts.indicator_progress where county_code = 'AL' "
        "and indicator_code = '2.1.9.1' and month(reporting_month) = 5 order by reporting_month"
    ).fetchall()
    assert {year: target for year, target, *_ in found} == {
        2021: 85, 2022: 170, 2023: 250, 2024: 12, 2025: 14,
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
    assert names == [f"{SCHOOLS}_2024-06.xlsx", f"{POLICE}_2024-06.xlsx"]
    may = write_forms(COUNTY, date(2024, 5, 1), tmp_path / "may", two_plans.seeds, {})
    assert [path.name for path in may] == [f"{POLICE}_2024-05.xlsx"]


def test_the_door_reads_a_file_by_the_plan_of_its_month(two_plans: TwoPlans) -> None:
    registers = load_registers(two_plans.seeds)
    assert registers.in_month(date(2023, 5, 1)).indicators == load_registers(SEEDS).indicators
    assert registers.in_month(date(2024, 5, 1)).indicators == {
        "2.1.9.1": registers.indicators["2.1.9.1"],
        "3.1.12.1": "trainings",
    }
