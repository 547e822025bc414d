"""Yearly national figures: whichever year and publication, each row by itself, and their rules."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from defects.planting import build_from_inbox

from orchestration.feedback.checking import Answer, check_file
from orchestration.runtime.database import read_warehouse
from orchestration.runtime.settings import SEEDS, prepare_process
from sources.custody.home import Home
from sources.problems import MAX_PLACES
from sources.registers import load_registers

pytestmark = pytest.mark.data

HEAD = "year,figure,indicator_code,value,unit,status,source"
REPORT = "published,US State Department TIP Report 2023 - Albania"
EARLIER = "US State Department TIP Report 2022 - Albania"
BOTH = "victims identified (VT and VMT),2.1.9.1"
UNITS = "identified by mobile units,2.1.18.1"
#: Two years that no plan covers, and a part beyond its whole in one of them and in the plan's.
FIGURES = [
    f"2019,{BOTH},103,persons,{REPORT}",
    f"2024,{BOTH},90,persons,{REPORT}",
    f"2024,{UNITS},91,persons,{REPORT}",
    f"2022,{BOTH},159,persons,{REPORT}",
    f"2022,{UNITS},226,persons,{REPORT}",
    f"2022,potential victims identified (VMT),,160,persons,{REPORT}",
    f"2022,official victims identified (VT),,5,persons,{REPORT}",
    f"2019,{BOTH},104,persons,published,{EARLIER}",
]
#: What is wrong with one row each: a label, a publication, a year that is none, one too early, one
#: to come, a number.
BROKEN = [
    f"2021,victims of something else,,4,persons,{REPORT}",
    f"2021,{BOTH},159,persons,published,A publication that nobody registered",
    f"20x1,{BOTH},159,persons,{REPORT}",
    f"1203,{BOTH},159,persons,{REPORT}",
    f"2999,{BOTH},159,persons,{REPORT}",
    f"2021,{UNITS},many,persons,{REPORT}",
]


def _written(path: Path, rows: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("figures")
    home = Home(root=folder / "home", keys=folder / "keys")
    prepare_process(home)
    _written(home.inbox / "AL" / "figures.csv", FIGURES + BROKEN)
    build_from_inbox(home)
    return home


@pytest.fixture
def warehouse(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with read_warehouse(home) as connection:
        yield connection


def test_figures_of_every_year_are_kept_and_bad_rows_are_not(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    years = warehouse.execute(
        "select row_number, year, value from core.published_figures order by row_number"
    ).fetchall()
    assert years == [
        (2, 2019, 103), (3, 2024, 90), (4, 2024, 91), (5, 2022, 159), (6, 2022, 226),
        (7, 2022, 160), (8, 2022, 5), (9, 2019, 104),
    ]  # fmt: skip
    assert warehouse.execute(
        "select delivery_status, count(*) from core.dim_deliveries group by all"
    ).fetchall() == [("accepted", 1)]


def test_each_row_that_was_left_out_has_a_finding_at_its_cell(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    found = warehouse.execute(
        "select row_number, cell, severity, message_sq like '%Rreshti u la jashtë%', "
        "message_en like '%The row was left out%' "
        "from quality.findings where rule = 'row_left_out' order by row_number"
    ).fetchall()
    assert found == [
        (row, f"{column}{row}", "warns", True, True)
        for row, column in zip(range(10, 16), "BGAAAD", strict=True)
    ]


def test_a_year_that_no_plan_covers_enters_no_progress(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    progress = warehouse.execute(
        "select distinct year(reporting_month), actual_cumulative from marts.indicator_progress "
        "where county_code = 'AL' and indicator_code = '2.1.9.1' and month(reporting_month) = 12 "
        "order by 1"
    ).fetchall()
    assert progress == [(2021, None), (2022, 159), (2023, 159)]


def test_a_part_beyond_its_whole_is_found_in_any_published_year(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    found = warehouse.execute(
        "select rule, year(reporting_month), row_number, message_en from quality.findings "
        "where rule in ('part_exceeds_other_indicator', 'part_exceeds_whole', "
        "'breakdown_does_not_add_up') order by all"
    ).fetchall()
    assert [row[:3] for row in found] == [
        ("breakdown_does_not_add_up", 2022, 5),
        ("part_exceeds_other_indicator", 2022, 6),
        ("part_exceeds_other_indicator", 2024, 4),
        ("part_exceeds_whole", 2022, 7),
    ]
    assert "2.1.18.1 gives 226, more than indicator 2.1.9.1, which gives 159" in found[1][3]


#: What the rules of the warehouse find in FIGURES that need no other file.
IN_FIGURES = [
    ("breakdown_does_not_add_up", "D5"),
    ("part_exceeds_whole", "D7"),
    ("publications_differ", "D9"),
]


def _checked(path: Path) -> tuple[Answer, list[tuple[str, str | None]]]:
    answer = check_file(path, load_registers(SEEDS), SEEDS, "AL")
    return answer, [(each.rule, each.cell) for _, each in answer.problems]


def test_the_check_names_the_rows_that_would_be_left_out(tmp_path: Path) -> None:
    answer, found = _checked(_written(tmp_path / "figures.csv", [*FIGURES, *BROKEN[:1]]))
    assert answer.reading.delivery["status"] == "accepted"
    assert found == [*IN_FIGURES, ("row_left_out", "B10")]
    assert [row["row_number"] for row in answer.reading.rows] == list(range(2, 10))


@pytest.mark.parametrize(
    "rows", [BROKEN, [*FIGURES, *BROKEN[:1] * (MAX_PLACES + 1)]], ids=["all", "more_than_listed"]
)
def test_a_file_of_bad_rows_alone_or_of_more_than_are_listed_is_refused(
    rows: list[str], tmp_path: Path
) -> None:
    answer, found = _checked(_written(tmp_path / "figures.csv", rows))
    assert answer.reading.delivery["status"] == "refused"
    assert "row_left_out" not in {rule for rule, _ in found}


def test_what_is_wrong_with_more_than_a_row_refuses_the_file(tmp_path: Path) -> None:
    joined = f'2021,"{BOTH},159,persons,{REPORT}\n2021,{UNITS},4,persons,{REPORT}",1'
    answer, found = _checked(_written(tmp_path / "figures.csv", [*FIGURES, joined]))
    assert answer.reading.delivery["status"] == "refused"
    assert ("invalid_frame", None) in found


def test_two_publications_may_give_one_figure(tmp_path: Path) -> None:
    answer, found = _checked(_written(tmp_path / "figures.csv", [*FIGURES, FIGURES[-1]]))
    assert found == [*IN_FIGURES, ("row_left_out", "D10")]
    assert len(answer.reading.rows) == len(FIGURES)


def test_publications_that_differ_are_asked_about(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert warehouse.execute(
        "select year(reporting_month), row_number, message_en from quality.findings "
        "where rule = 'publications_differ'"
    ).fetchall() == [
        (
            2019,
            9,
            "Year 2019, “victims identified (VT and VMT)”: this publication gives 104, "
            "“US State Department TIP Report 2023 - Albania” gives 103. Which figure holds?",
        )
    ]


def test_a_row_that_was_left_out_is_mended_by_the_file_of_that_name(home: Home) -> None:
    _written(home.inbox / "AL" / "figures.csv", FIGURES)
    build_from_inbox(home)
    with read_warehouse(home) as connection:
        states = connection.execute(
            "select state, count(*) from quality.findings where rule = 'row_left_out' group by all"
        ).fetchall()
    assert states == [("mended", len(BROKEN))]


def test_a_later_file_replaces_the_figures_that_it_gives_and_no_other(home: Home) -> None:
    """The others of that publication and year hold as they are, and their absence is found."""
    _written(home.inbox / "AL" / "later.csv", [f"2022,{UNITS},80,persons,{REPORT}"])
    build_from_inbox(home)
    with read_warehouse(home) as connection:
        progress = connection.execute(
            "select indicator_code, actual_year_to_date from marts.indicator_progress "
            "where county_code = 'AL' and reporting_month = date '2022-12-01' "
            "and indicator_code in ('2.1.9.1', '2.1.18.1') order by all"
        ).fetchall()
        found = connection.execute(
            "select year(reporting_month), state, message_sq, message_en from core.fct_findings "
            "where rule = 'correction_drops_values'"
        ).fetchall()
        states = connection.execute(
            "select status, count(*) from core.fct_submissions where frequency = 'year' "
            "group by all"
        ).fetchall()
    assert progress == [("2.1.18.1", 80), ("2.1.9.1", 159)]
    [(year, state, in_albanian, in_english)] = found
    assert (year, state) == (2022, "open")
    assert "viktima të identifikuara (VT dhe VMT)" in in_albanian
    assert "potential victims identified (VMT), victims identified (VT and VMT)" in in_english
    assert "mobile units" not in in_english
    # The first file still holds for its years, beside the one that came last.
    assert dict(states).keys() == {"on_time", "superseded"}
