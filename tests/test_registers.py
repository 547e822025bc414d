"""The national plan's table, as the registers hold it: counts, keys, and every cell's text."""

import csv
import re
from collections import Counter

import duckdb
import pytest
from dbt_sql import model_sql

from orchestration.runtime.settings import SEEDS

Row = dict[str, str]


def register(name: str) -> list[Row]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def target(indicator_code: str, year: int) -> Row:
    (row,) = [
        row
        for row in register("targets")
        if row["indicator_code"] == indicator_code and row["year"] == str(year)
    ]
    return row


def test_the_table_has_55_measures_and_66_indicators_in_five_objectives() -> None:
    measures = register("measures")
    assert len({row["measure_code"] for row in measures}) == len(measures) == 55
    assert Counter(row["objective_code"] for row in measures) == {
        "1.1": 9,
        "2.1": 19,
        "2.2": 5,
        "3.1": 13,
        "3.2": 9,
    }
    indicators = register("indicators")
    assert len({row["indicator_code"] for row in indicators}) == len(indicators) == 66


def test_an_indicators_code_is_its_measures_code_and_its_place() -> None:
    measures = {row["measure_code"] for row in register("measures")}
    for row in register("indicators"):
        assert row["measure_code"] in measures
        assert row["indicator_code"] == f"{row['measure_code']}.{row['indicator_position']}"


def test_each_indicator_has_a_baseline_and_three_targets_for_the_nation() -> None:
    years = Counter(row["indicator_code"] for row in register("targets"))
    assert years == {row["indicator_code"]: 4 for row in register("indicators")}
    assert {row["county_code"] for row in register("targets")} == {"AL"}


@pytest.mark.parametrize(
    "row", register("targets"), ids=lambda r: f"{r['indicator_code']}-{r['year']}"
)
def test_each_value_is_the_number_in_its_cells_text_or_says_how_it_was_read(row: Row) -> None:
    assert (row["value"] != "") == (row["value_state"] == "number")
    if row["value"]:
        digits = re.sub(r"(?<=\d)[\s\u00a0](?=\d{3})", "", row["source_text"])
        assert row["value"] in re.findall(r"\d+", digits)
    if row["reading_certainty"] != "certain":
        assert row["reading_note"]


def test_the_cells_that_trip_a_careless_reader_are_read_as_the_plan_means_them() -> None:
    assert target("1.1.4.2", 2023)["value"] == "1900"
    assert target("3.1.1.2", 2021)["value"] == "300000"
    assert target("3.1.3.1", 2020)["value_state"] == "not_available"
    assert target("3.1.6.1", 2022)["value_state"] == "relative"
    assert target("1.1.8.1", 2021)["value_state"] == "dash"
    assert target("1.1.8.2", 2023)["value"] == "3"
    assert {target("2.1.13.2", year)["reading_certainty"] for year in range(2020, 2024)} == {
        "uncertain"
    }


def test_five_indicators_share_one_population() -> None:
    shared = {row["indicator_code"] for row in register("indicators") if row["population_id"] != ""}
    assert shared == {"2.1.1.1", "2.1.9.1", "2.1.11.1", "2.1.12.1", "2.1.16.1"}


def test_the_basis_of_a_target_always_has_its_evidence() -> None:
    bases = {"annual", "cumulative", "level", "milestone", "unstated"}
    for row in register("indicators"):
        assert row["target_basis"] in bases
        assert row["basis_evidence"]


def test_the_regional_plan_has_26_codes_as_printed_each_with_its_evidence() -> None:
    rows = register("regional_measures")
    assert [int(row["prv_position"]) for row in rows] == list(range(1, 27))
    assert all(row["evidence"] for row in rows)
    national = {row["measure_code"] for row in register("measures")}
    assert {row["pkv_measure_code"] for row in rows} <= national
    crosswalk = {row["prv_code"]: row["pkv_measure_code"] for row in rows}
    assert crosswalk["2.1.5"] == "2.1.6"
    assert crosswalk["2.2.12"] == "2.1.12"
    assert crosswalk["2.1.14"] == crosswalk["2.1.15"] == "2.1.16"


def test_the_regional_lists_of_indicators_are_matched_to_the_national_ones() -> None:
    rows = register("regional_indicators")
    lists = Counter(row["prv_list"] for row in rows)
    assert lists == {"2.1": 18, "2.2": 2, "3.1": 13, "outcome": 2}
    national = {row["indicator_code"] for row in register("indicators")}
    assert {row["indicator_code"] for row in rows} - {""} <= national
    assert all(row["evidence"] for row in rows)


def test_counties_municipalities_and_the_17_institutions_of_fier_are_complete() -> None:
    counties = {row["county_code"] for row in register("counties")} - {"AL"}
    assert len(counties) == 12
    municipalities = register("municipalities")
    assert len(municipalities) == 61
    assert {row["county_code"] for row in municipalities} == counties
    fier = [row for row in register("institutions") if row["county_code"] == "AL-04"]
    assert len(fier) == 17
    assert [row["institution_code"] for row in fier if row["seat_county_code"] == "AL-12"] == [
        "AL-04-DVKM"
    ]


def test_each_institution_of_fier_owes_something_and_each_obligation_is_marked_as_proposed() -> (
    None
):
    rows = register("reporting_obligations")
    assert len({row["institution_code"] for row in rows}) == 17
    assert all(row["basis"].startswith("proposed") for row in rows)
    national = {row["indicator_code"] for row in register("indicators")}
    assert {row["indicator_code"] for row in rows} <= national


def test_every_text_of_a_measures_institutions_is_in_the_bridge() -> None:
    institutions = {row["institution_code"] for row in register("institutions")}
    bridge = register("measure_institutions")
    assert {row["institution_code"] for row in bridge} <= institutions
    assert {row["measure_code"] for row in bridge} == {
        row["measure_code"] for row in register("measures")
    }


def test_the_lint_names_what_the_lists_of_the_regional_plan_lack_in_each_other() -> None:
    with duckdb.connect() as connection:
        for name in ("regional_measures", "regional_indicators", "indicators", "abbreviations"):
            connection.execute(f"create table {name} as from read_csv('{SEEDS / name}.csv')")
        rows = connection.execute(
            "select rule, coalesce(measure_code, indicator_code), parameters['measure'], "
            f"source_place from ({model_sql('int_plan_lint__regional')}) "
            "where rule like 'regional_%_without_%' order by all"
        ).fetchall()
    found = {rule: [row[1:] for row in rows if row[0] == rule] for rule, *_ in rows}
    assert found == {
        "regional_indicator_without_measure": [
            ("2.1.13.2", "2.1.13", "PRV, lista 2.1, pika 12"),
            ("2.1.15.1", "2.1.15", "PRV, lista 2.1, pika 13"),
            ("2.1.18.1", "2.1.18", "PRV, lista 2.1, pika 17"),
            ("2.1.5.1", "2.1.5", "PRV, lista 2.1, pika 5"),
            ("2.1.5.2", "2.1.5", "PRV, lista 2.1, pika 6"),
            ("2.1.8.1", "2.1.8", "PRV, lista 2.1, pika 9"),
            ("2.1.9.1", "2.1.9", "PRV, lista 2.1, pika 10"),
        ],
        "regional_measure_without_indicator": [
            ("2.1.13", "2.1.14", "PRV, PJESA II, objektivi specifik 2.1, masa 2.1.13"),
            ("2.2.12", "2.1.12", "PRV, PJESA II, objektivi specifik 2.1, masa 2.2.12"),
            ("3.1.7", "3.1.8", "PRV, PJESA II, objektivi specifik 3.1, masa 3.1.7"),
        ],
    }
