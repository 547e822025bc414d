"""Values that contradict their parts, the past or the plan are found where they stand.

One home holds three clean years of many institutions, drawn at random, and then one defect an
institution; a rule must find its defect, and nearly nothing in the clean reports.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from random import Random

import duckdb
import pytest
from defects.planting import build_from_inbox
from planted import Row, write_report

from orchestration.runtime.database import read_warehouse
from orchestration.runtime.settings import prepare_process
from sources.custody.home import Home

pytestmark = pytest.mark.data

CLEAN_INSTITUTIONS = [
    "AL-04-PREFEKTI", "AL-04-SHSSH", "AL-04-KESHILLI", "AL-04-B-FIER", "AL-04-B-LUSHNJE",
    "AL-04-POLICIA", "AL-04-SHISH", "AL-04-ARSIMI", "AL-04-SHENDETI", "AL-04-ISHPSHSH",
    "AL-04-FORMIMI", "AL-04-DVKM",
]  # fmt: skip
#: Indicators of the clean reports, with what is usual a month.
USUAL = {"2.1.18.1": 0.3, "2.1.11.1": 2.0, "3.1.2.1": 7.0, "3.1.9.2": 25.0}
CLEAN_YEARS = (2020, 2021, 2022)


@dataclass(frozen=True)
class Defect:
    """A report with a defect: what it holds after a clean past, and where it must be found."""

    rule: str
    institution_code: str
    past: list[Row]
    report: list[Row]
    cell_row: int


DEFECTS = [
    Defect(
        "part_exceeds_whole",
        "AL-04-B-PATOS",
        past=[("3.1.1.1", "", 3)],
        report=[("3.1.1.1", "", 2), ("3.1.1.1", "television", 5)],
        cell_row=3,
    ),
    Defect(
        "milestone_undone",
        "AL-04-B-ROSKOVEC",
        past=[("2.1.7.1", "", 1)],
        report=[("2.1.7.1", "", 0)],
        cell_row=2,
    ),
    Defect(
        "all_zeros",
        "AL-04-B-DIVJAKE",
        past=[("3.1.1.1", "", 1), ("3.1.9.2", "", 2), ("3.1.2.3", "", 4)],
        report=[("3.1.1.1", "", 0), ("3.1.9.2", "", 0), ("3.1.2.3", "", 0)],
        cell_row=2,
    ),
    Defect(
        "all_zeros",
        "AL-04-PUNESIMI",
        past=[("2.1.16.2", "", 0), ("3.1.11.1", "", 5), ("3.1.4.1", "", 32)],
        report=[("2.1.16.2", "", 0), ("3.1.11.1", "", 0), ("3.1.4.1", "", 0)],
        cell_row=2,
    ),
    Defect(
        "level_jumps",
        "AL-04-B-LUSHNJE",
        past=[("3.1.1.2", "", 40), ("2.2.2.1", "", 13)],
        report=[("3.1.1.2", "", 52), ("2.2.2.1", "", 130)],
        cell_row=3,
    ),
    Defect(
        "same_as_last_month",
        "AL-04-B-MALLAKASTER",
        past=[("3.1.1.1", "", 4), ("3.1.9.2", "", 9), ("3.1.2.3", "", 6)],
        report=[("3.1.1.1", "", 4), ("3.1.9.2", "", 9), ("3.1.2.3", "", 6)],
        cell_row=2,
    ),
]


def _poisson(rng: Random, mean: float) -> int:
    """Draw a count by Knuth's multiplication."""
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


@pytest.fixture(scope="module")
def doubts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse over clean years, the defects, and a jump of a small count."""
    folder = tmp_path_factory.mktemp("doubts")
    home = Home(root=folder / "home", keys=folder / "keys")
    prepare_process(home)
    rng = Random("clean reports")
    for institution in CLEAN_INSTITUTIONS:
        for year in CLEAN_YEARS:
            for month in range(1, 13):
                rows = [(code, "", _poisson(rng, mean)) for code, mean in USUAL.items()]
                write_report(home, institution, date(year, month, 1), rows)
    for defect in DEFECTS:
        write_report(home, defect.institution_code, date(2023, 3, 1), defect.past)
        write_report(home, defect.institution_code, date(2023, 4, 1), defect.report)
    # Ten times the usual, once for the smallest and once for the largest count; and a stop.
    write_report(home, "AL-04-POLICIA", date(2023, 1, 1), [("2.1.18.1", "", 6)])
    write_report(home, "AL-04-SHENDETI", date(2023, 1, 1), [("3.1.9.2", "", 250)])
    write_report(home, "AL-04-ARSIMI", date(2023, 1, 1), [("3.1.9.2", "", 0)])
    for institution in ("AL-04-FORMIMI", "AL-04-DVKM"):
        write_report(home, institution, date(2023, 1, 1), [("3.1.1.2", "", 412)])
    build_from_inbox(home)
    with read_warehouse(home) as connection:
        yield connection


@pytest.mark.parametrize(
    "defect", DEFECTS, ids=lambda defect: f"{defect.rule}-{defect.institution_code}"
)
def test_a_defect_is_found_by_its_rule_at_its_row(
    defect: Defect, doubts: duckdb.DuckDBPyConnection
) -> None:
    found = doubts.execute(
        "select strftime(reporting_month, '%Y-%m'), row_number from quality.findings "
        "where rule = ? and institution_code = ?",
        [defect.rule, defect.institution_code],
    ).fetchall()
    assert found == [("2023-04", defect.cell_row)]


@pytest.mark.parametrize(
    ("institution", "indicator"),
    [
        ("AL-04-POLICIA", "2.1.18.1"),
        ("AL-04-SHENDETI", "3.1.9.2"),
        ("AL-04-ARSIMI", "3.1.9.2"),
    ],
)
def test_a_count_far_from_its_past_is_found(
    institution: str, indicator: str, doubts: duckdb.DuckDBPyConnection
) -> None:
    found = doubts.execute(
        "select indicator_code, cell from quality.findings where rule = 'improbable_count' "
        "and institution_code = ? and reporting_month = '2023-01-01'",
        [institution],
    ).fetchall()
    assert found == [(indicator, "H2")]


def test_at_most_one_clean_report_in_a_hundred_raises_a_false_alarm(
    doubts: duckdb.DuckDBPyConnection,
) -> None:
    row = doubts.execute(
        "select count(distinct delivery_id) from quality.findings "
        "where severity <> 'informs' and year(reporting_month) < 2023"
    ).fetchone()
    assert row is not None
    reports = len(CLEAN_INSTITUTIONS) * len(CLEAN_YEARS) * 12
    assert row[0] <= reports / 100


def test_the_same_large_figure_of_two_institutions_is_told(
    doubts: duckdb.DuckDBPyConnection,
) -> None:
    found = doubts.execute(
        "select institution_code, severity from quality.findings where rule = 'shared_activity'"
    ).fetchall()
    assert found == [("AL-04-FORMIMI", "informs")]


def test_a_value_outside_the_years_of_its_measure_is_told(
    doubts: duckdb.DuckDBPyConnection,
) -> None:
    found = doubts.execute(
        "select distinct year(findings.reporting_month) < measures.start_year "
        "or year(findings.reporting_month) > measures.end_year from quality.findings as findings "
        "inner join core.dim_indicators as indicators using (plan_code, indicator_code) "
        "inner join core.dim_measures as measures using (plan_code, measure_code) "
        "where findings.rule = 'outside_measure_years'"
    ).fetchall()
    assert found == [(True,)]
