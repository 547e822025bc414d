"""What the tables tell where something did not come: a number that is not all there is a bound."""

import json
import os
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from conftest import Prepare, Refreshed
from programs import copy_project, run_in_copy
from recomputed import KEYS, Delivered, PlanRegisters, Reports, beyond_the_truth
from three_counties import add_counties, draw

from orchestration.ingestion.door import take_in
from orchestration.linkage.link import link_persons
from orchestration.runtime.clock import today
from orchestration.runtime.database import read_warehouse
from orchestration.runtime.settings import SEEDS
from orchestration.warehouse.build import Build, build_warehouse
from orchestration.warehouse.load import load_raw
from sources.custody.home import Home
from sources.example.generate import write_example
from sources.registers import load_registers

pytestmark = pytest.mark.data

#: Reports of institutions of Vlorë, of which the register of obligations has none.
HEADINGS = "Formulari;Qarku;Institucioni;Muaji;Të dhënat;Kodi i treguesit;Ndarja;Vlera;Gjendja\n"
HEAD = "krat-raport-1;AL-04;{institution};{month};SHEMBULL - TË TRILLUARA"

#: Files of the example that never came: July's log, and the social service's cases of summer.
LOST = {"linja_2023-07.csv", "referime_2023-T3_AL-04-SHSSH.csv"}


def write_report(home: Home, institution: str, month: str, lines: list[str], at: int) -> None:
    """Write a report that replaces the example's; a line is `code;category;value;state`."""
    path = home.inbox / "AL-04" / f"again-{institution}-{month}.csv"
    head = HEAD.format(institution=institution, month=month)
    content = HEADINGS + "".join(f"{head};{line}\n" for line in lines)
    path.write_text(content, encoding="utf-8")
    os.utime(path, (at, at))


@pytest.fixture(scope="module")
def missing(prepared: Prepare) -> Iterator[duckdb.DuckDBPyConnection]:
    """The example's year without a log and a file of cases, and with half a breakdown in August."""

    def fill(home: Home) -> Build:
        for path in write_example(home.inbox, SEEDS):
            if path.name in LOST:
                path.unlink()
        late = 1696000000
        write_report(home, "AL-04-POLICIA", "2023-08", ["3.1.2.1;;;", "3.1.2.1;hotline;1;"], late)
        write_report(home, "AL-04-PUNESIMI", "2023-08", ["2.1.16.2;private_sector;0;zero"], late)
        take_in(home, load_registers(SEEDS))
        load_raw(home, today())
        link_persons(home)
        return build_warehouse(home)

    home, build = prepared("missing", fill)
    assert build.failed_tests == ()
    with read_warehouse(home) as connection:
        yield connection


@pytest.fixture(scope="module")
def whole(refreshed: Refreshed) -> Iterator[duckdb.DuckDBPyConnection]:
    """The example's year, in which everything came."""
    with read_warehouse(refreshed.home) as connection:
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[Any]:
    return connection.execute(sql).fetchall()


COUNTS = (
    "select reporting_month, indicator_code, category, value, value_least, value_most, value_state "
    "from core.fct_record_counts where county_code = 'AL-04' and source = '{source}' "
    "and reporting_month {months} order by all"
)


def test_a_month_whose_log_did_not_come_has_no_count_and_changes_no_other(
    missing: duckdb.DuckDBPyConnection, whole: duckdb.DuckDBPyConnection
) -> None:
    july = rows(missing, COUNTS.format(source="hotline", months="= date '2023-07-01'"))
    assert july
    assert {row[3:] for row in july} == {(None, None, None, "not_reported")}
    others = COUNTS.format(source="hotline", months="<> date '2023-07-01'")
    # A case that began with a contact of July is seen first in August: then, at most, it began.
    assert [row[:4] for row in rows(missing, others)] == [row[:4] for row in rows(whole, others)]
    activity = (
        "select distinct coverage, contacts, is_lower_bound from marts.hotline_activity "
        "where county_code = 'AL-04' and reporting_month = date '2023-07-01'"
    )
    assert rows(missing, activity) == [("none", None, False)]
    compared = (
        "select second_value, second_state, difference, is_contradiction, likely_reason "
        "from marts.source_comparison where county_code = 'AL-04' and indicator_code = '3.1.2.1' "
        "and reporting_month = date '2023-07-01' and second_source = 'hotline_log'"
    )
    assert rows(missing, compared) == [(None, "not_reported", None, False, "source_missing")]
    counted = (
        "select value, is_lower_bound from marts.recorded_counts where county_code = 'AL-04' "
        "and period = '2023' and subject = 'hotline_contacts' and dimension = 'total'"
    )
    [(less, is_bound)] = rows(missing, counted)
    [(all_of_it, is_whole_a_bound)] = rows(whole, counted)
    assert less < all_of_it
    assert (is_bound, is_whole_a_bound) == (True, False)


def test_a_month_of_which_one_sender_sent_no_cases_is_counted_at_least(
    missing: duckdb.DuckDBPyConnection, whole: duckdb.DuckDBPyConnection
) -> None:
    flow = (
        "select reporting_month, identified, identified_most, coverage, is_lower_bound "
        "from marts.referral_flow where county_code = 'AL-04' "
        "and reporting_month between date '2023-07-01' and date '2023-09-01' order by all"
    )
    for lower, true in zip(rows(missing, flow), rows(whole, flow), strict=True):
        assert lower[1] <= true[1]
        assert (lower[2], *lower[3:]) == (None, "part", True)
        assert (true[2], *true[3:]) == (true[1], "whole", False)
    summer = COUNTS.format(source="referral", months="= date '2023-08-01'")
    assert {row[5] for row in rows(missing, summer)} == {None}


def test_where_persons_were_is_not_known_once_a_file_of_cases_is_missing(
    missing: duckdb.DuckDBPyConnection, whole: duckdb.DuckDBPyConnection
) -> None:
    standing = (
        "select county_code, reporting_month, is_standing_known, standing_flagged, "
        "standing_initially_identified, standing_formally_identified, standing_not_a_victim "
        "from marts.referral_flow where county_code in ('AL', 'AL-04') "
        "and reporting_month {when} date '2023-07-01' order by all"
    )
    before = rows(missing, standing.format(when="<"))
    assert before == rows(whole, standing.format(when="<"))
    assert {row[2] for row in before} == {True}
    after = rows(missing, standing.format(when=">="))
    assert len(after) == len(rows(whole, standing.format(when=">=")))
    assert {row[2:] for row in after} == {(False, None, None, None, None)}


def test_persons_after_a_missing_file_of_cases_may_fall_and_none_is_certain(
    missing: duckdb.DuckDBPyConnection, whole: duckdb.DuckDBPyConnection
) -> None:
    flow = (
        "select reporting_month, may_fall, identified_least, identified from marts.referral_flow "
        "where county_code = 'AL-04' and reporting_month >= date '2023-07-01' order by all"
    )
    july, *later = rows(missing, flow)
    assert july[1] is False
    assert july[2] > 0
    assert {row[1:3] for row in later} == {(True, 0)}
    assert {row[1] for row in rows(whole, flow)} == {False}
    assert any(row[2] > 0 for row in rows(whole, flow)[1:])
    # A file of July may hold who was identified in the other half of the year, not in the year.
    halves = (
        "select period, may_fall, persons_least > 0 from marts.identified_persons "
        "where county_code = 'AL-04' and step = 'identified' and breakdown = 'total' "
        "and period in ('2023', '2023-H1', '2023-H2') order by all"
    )
    assert rows(missing, halves) == [
        ("2023", False, True), ("2023-H1", False, True), ("2023-H2", False, True),
    ]  # fmt: skip
    counted = (
        "select bool_or(may_fall), max(value_least) from core.fct_record_counts "
        "where county_code = 'AL-04' and indicator_code = '{code}' "
        "and reporting_month > date '2023-07-01' and category = 'total'"
    )
    assert rows(missing, counted.format(code="2.1.9.1")) == [(True, 0)]
    # A monitoring counts each time, whoever was monitored before.
    [(may_fall, least)] = rows(missing, counted.format(code="2.1.19.1"))
    assert (may_fall, least > 0) == (False, True)


def test_a_county_counts_whom_no_county_had_before_as_far_as_their_files_came(
    missing: duckdb.DuckDBPyConnection, whole: duckdb.DuckDBPyConnection
) -> None:
    """The example is one county of twelve: who of it was first elsewhere isn't known."""
    counts = (
        "select distinct split_part(subject, '_', 1) = 'hotline', is_lower_bound, may_fall "
        "from marts.recorded_counts where county_code = '{county}' and period = '{period}' "
        "and dimension = 'total' order by all"
    )
    of_fier = counts.format(county="AL-04", period="2023")
    assert rows(whole, of_fier) == [(False, False, True), (True, False, False)]
    assert rows(missing, of_fier) == [(False, True, True), (True, True, False)]
    # Of the nation's first year nobody knows of an earlier one; of its quarters one does.
    assert rows(whole, counts.format(county="AL", period="2023"))[0] == (False, True, False)
    assert rows(whole, counts.format(county="AL", period="2023-Q3"))[0] == (False, True, True)


def test_what_came_of_the_records_is_told_beside_the_reports(
    missing: duckdb.DuckDBPyConnection, whole: duckdb.DuckDBPyConnection
) -> None:
    came = (
        "select hotline, referral from publication.area_completeness "
        "where county_code = 'AL-04' and reporting_month between date '2023-06-01' "
        "and date '2023-08-01' order by reporting_month"
    )
    assert rows(missing, came) == [("whole", "whole"), ("none", "part"), ("whole", "part")]
    assert rows(whole, came) == [("whole", "whole")] * 3


def test_who_owes_the_records_is_asked_for_them(missing: duckdb.DuckDBPyConnection) -> None:
    asked = (
        "select institution_code, reporting_month, state, message_sq, message_en "
        "from core.fct_findings where rule = 'missing_records' order by all"
    )
    [log, cases] = rows(missing, asked)
    assert log[:3] == ("AL-04-POLICIA", date(2023, 7, 1), "open")
    assert "07.2023" in log[3]
    assert "10.08.2023" in log[3]
    assert cases[:3] == ("AL-04-SHSSH", date(2023, 9, 1), "open")
    assert "2023-07 to 2023-09" in cases[4]


PROGRESS = (
    "select actual_month, is_month_lower_bound, actual_year_to_date, actual_year_to_date_most, "
    "is_lower_bound, completeness < 1 from marts.indicator_progress where county_code = 'AL-04' "
    "and indicator_code = '{code}' and reporting_month = date '2023-08-01'"
)


@pytest.mark.parametrize(
    ("code", "institution", "given"), [("3.1.2.1", "POLICIA", 1), ("2.1.16.2", "PUNESIMI", 0)]
)
def test_parts_that_are_not_all_there_are_a_lower_bound(
    code: str,
    institution: str,
    given: int,
    missing: duckdb.DuckDBPyConnection,
    whole: duckdb.DuckDBPyConnection,
) -> None:
    [(month, is_month_bound, _, most, is_bound, is_incomplete)] = rows(
        missing, PROGRESS.format(code=code)
    )
    assert (month, is_month_bound, most, is_bound, is_incomplete) == (given, True, None, True, True)
    [(_, is_month_bound, ytd, most, _, is_incomplete)] = rows(whole, PROGRESS.format(code=code))
    assert not is_month_bound
    assert not is_incomplete
    assert most >= ytd
    # The officer is asked for what the table calls missing.
    owed = (
        "select count(*) from core.fct_findings where rule = 'value_not_reported' "
        f"and institution_code = 'AL-04-{institution}' and indicator_code = '{code}' "
        "and reporting_month = date '2023-08-01' and state = 'open'"
    )
    assert rows(missing, owed) == [(1,)]


def test_the_bounds_hold_what_is_true(
    missing: duckdb.DuckDBPyConnection, whole: duckdb.DuckDBPyConnection
) -> None:
    """Of every number of Fier: what the whole year shows lies within what the other says."""
    sql = (
        "select reporting_month, indicator_code, actual_month, is_month_lower_bound, "
        "actual_year_to_date, actual_year_to_date_least, actual_year_to_date_most "
        "from marts.indicator_progress where county_code = 'AL-04' order by all"
    )
    truth = {row[:2]: row[2:] for row in rows(whole, sql)}
    bounded = 0
    for *key, month, is_month_bound, ytd, least, most in rows(missing, sql):
        true_month, _, true_ytd, _, _ = truth[tuple(key)]
        if month is not None:
            assert month <= true_month if is_month_bound else month == true_month
        if ytd is not None:
            assert least <= true_ytd
            assert most is None or true_ytd <= most
            assert ytd == true_ytd or most is None
            bounded += most is None
    assert bounded > 20


def test_years_that_nobody_reported_bound_what_has_been_since_the_plan_began(
    whole: duckdb.DuckDBPyConnection,
) -> None:
    sql = (
        "select indicators.target_basis in ('level', 'milestone') as is_level, "
        "count(*) filter (where actual_cumulative_most is null), count(*) "
        "from marts.indicator_progress as progress "
        "inner join core.dim_indicators as indicators using (plan_code, indicator_code) "
        "where county_code = 'AL-04' and reporting_month = date '2023-12-01' "
        "and actual_cumulative is not null and completeness = 1 group by all"
    )
    # Fier owes from 2023 on: of its sums since 2021 nothing bounds one, while a level is the last.
    for is_level, unbounded, numbers in rows(whole, sql):
        assert unbounded == (0 if is_level else numbers)
    of_the_nation = (
        "select year(reporting_month), actual_cumulative, actual_cumulative_most, status "
        "from marts.indicator_progress where county_code = 'AL' and indicator_code = '2.1.9.1' "
        "and month(reporting_month) = 12 order by all"
    )
    assert [row[2] is not None for row in rows(whole, of_the_nation)] == [True, True, False]


def test_persons_whom_several_count_are_an_interval(whole: duckdb.DuckDBPyConnection) -> None:
    """Whether or not the persons are victims: whoever was trained by two was trained once."""
    sql = (
        "select count(*) from marts.indicator_progress as progress "
        "inner join core.dim_indicators as indicators using (plan_code, indicator_code) "
        "where county_code = 'AL-04' and reporting_month = date '2023-12-01' "
        "and indicators.unit {unit} 'persons' and not indicators.is_person_sensitive "
        "and actual_year_to_date_least < actual_year_to_date"
    )
    assert rows(whole, sql.format(unit="="))[0][0] >= 2
    assert rows(whole, sql.format(unit="<>")) == [(0,)]


def test_a_national_row_says_how_many_counties_are_in_it(whole: duckdb.DuckDBPyConnection) -> None:
    for table in ("indicator_progress", "hotline_activity", "referral_flow", "revisions",
                  "recorded_counts", "source_comparison", "identified_persons"):  # fmt: skip
        wrong = (
            f"select count(*) from marts.{table} where county_code = 'AL' and not coalesce("
            "counties_expected = 12 and counties_reporting between 0 and 12 "
            "and len(string_split(coalesce(counties_missing, ''), ' ')) "
            "= greatest(12 - counties_reporting, 1) "
            "and (counties_reporting = 12) = (counties_missing is null) "
            "and (counties_reporting = 12 or is_lower_bound), false)"
        )
        assert rows(whole, f"select count(*) > 0 from marts.{table} where county_code = 'AL'") == [
            (True,)
        ]
        assert rows(whole, wrong) == [(0,)], table


def test_what_went_on_is_told_without_a_target(
    missing: duckdb.DuckDBPyConnection, whole: duckdb.DuckDBPyConnection
) -> None:
    sql = (
        "select activity_status, activity_since from marts.indicator_progress "
        "where county_code = '{county}' and indicator_code = '{code}' "
        "and reporting_month = date '{month}'"
    )

    def told(connection: duckdb.DuckDBPyConnection, county: str, code: str, month: str) -> Any:
        return rows(connection, sql.format(county=county, code=code, month=month))[0]

    assert told(whole, "AL-11", "2.1.9.1", "2023-12-01") == ("not_due", None)
    assert told(whole, "AL-04", "2.1.9.1", "2022-12-01") == ("not_due", None)
    status, since = told(whole, "AL-04", "2.1.9.1", "2023-12-01")
    assert (status, since.year) == ("active", 2023)
    # The police's short report of August leaves out what they found.
    assert told(missing, "AL-04", "2.1.9.1", "2023-08-01") == ("not_reported", date(2023, 8, 1))
    states = "select distinct activity_status from marts.indicator_progress order by all"
    assert rows(whole, states) == [
        (s,) for s in ("active", "no_activity", "not_due", "not_reported")
    ]


#: What a day of the drill draws; another day draws others.
TODAY = date.today().toordinal()


def compare_three_counties(folder: Path, *seeds: str) -> dict[str, int]:
    """Hold the marts of three counties against a second computation from their files.

    Once with all files, once with some left out at random: then each number that is no bound must
    be the one of all files, and each interval must hold it. Returns how many rows were compared.
    """
    done = run_in_copy(copy_project(folder), "tests/three_counties.py", *seeds)
    assert done.returncode == 0, (seeds, done.stderr)
    found = json.loads(done.stdout)
    assert found["differences"] == [], seeds
    compared: dict[str, int] = found["compared"]
    return compared


def test_three_counties_have_what_their_files_hold_with_all_of_them_and_without_some(
    tmp_path: Path,
) -> None:
    compared = compare_three_counties(tmp_path, "1")
    assert compared.keys() >= KEYS.keys()
    assert min(compared.values()) > 90
    assert compared["indicator_progress, held against the truth"] > 10_000


def test_among_what_three_counties_deliver_is_a_file_that_would_empty_a_report(
    tmp_path: Path,
) -> None:
    seeds = Path(shutil.copytree(SEEDS, tmp_path / "seeds"))
    add_counties(seeds)
    files = [(file.kind, file.content(), file.received_at) for file in draw(1, seeds)]
    assert sum(Reports(PlanRegisters(Delivered(files, seeds))).refused.values()) > 0


def test_records_that_may_be_fewer_are_in_the_interval_of_the_value_beside_them() -> None:
    """Of one source of records all files have one person less, who came first in another month."""

    def marts(first: float, most: float) -> dict[str, pd.DataFrame]:
        key = dict(zip(KEYS["source_comparison"], map(str, range(7)), strict=True))
        row = key | {
            "first_source": "referral_records", "first_value": first, "second_value": 3.0,
            "second_value_least": 3.0, "second_value_most": most, "is_lower_bound": False,
            "is_contradiction": False,
        }  # fmt: skip
        return {
            "source_comparison": pd.DataFrame([row]),
            **{
                name: pd.DataFrame(columns=KEYS[name])
                for name in (
                    "indicator_progress", "hotline_activity", "referral_flow", "recorded_counts"
                )
            },
        }  # fmt: skip

    whole = marts(1.0, 3.0)
    assert beyond_the_truth(whole, marts(2.0, 4.0), "may be fewer")[1] == []
    [told] = beyond_the_truth(whole, marts(2.0, 3.0), "are all")[1]
    assert (told["column"], told["is"], told["truth"]) == ("first_value", 2.0, 1.0)


@pytest.mark.drill
@pytest.mark.parametrize(
    ("number", "left_out"), list(enumerate(["", "", "", ":AL-05", ":AL-04,AL-12"]))
)
def test_whatever_is_left_out_of_three_counties_each_number_is_true_or_a_bound(
    number: int, left_out: str, tmp_path: Path
) -> None:
    compare_three_counties(tmp_path, f"{10 * TODAY + number}{left_out}")
