"""What is published is declared once, and agrees with the models, the suites and itself."""

from typing import Any

import pytest

from expectations.protection import CountKey, load_protection
from expectations.suites import load_suite
from orchestration.products.codes import category_names, count_names, labels, published_codes, signs
from orchestration.products.declaration import (
    Product,
    Tier,
    declared_columns,
    judged_marts,
    judged_models,
    product,
    products,
    published_marts,
    published_registers,
)
from orchestration.products.words import completeness_texts

ALL = {one.name: one for tier in (*Tier, None) for one in products(tier)}
MODELLED = [one for one in ALL.values() if one.schema in ("marts", "quality", "core")]
#: Tables that krat writes itself, into the reading copy.
MODELLED = [one for one in MODELLED if one.tiers]


def _model(manifest: dict[str, Any], declared: Product) -> dict[str, Any]:
    [node] = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        and f"{node['schema']}.{node['alias']}" == declared.model
    ]
    return node


def _described(declared: Product, columns: dict[str, Any]) -> dict[str, str]:
    by_model = {name: column["description"] for name, column in columns.items()}
    return {column.name: column.description for column in declared.describe_columns(by_model)}


@pytest.mark.parametrize("declared", MODELLED, ids=lambda one: one.name)
def test_a_published_table_agrees_with_the_contract_of_its_model(
    declared: Product, manifest: dict[str, Any]
) -> None:
    columns = _model(manifest, declared)["columns"]
    names = list(declared.column_names)
    if declared in published_registers():
        assert set(names) <= set(columns)
    else:
        assert names == list(columns)
    types = {column.name: column.type for column in declared.columns}
    described = _described(declared, columns)
    for name in names:
        assert columns[name]["data_type"].upper() == types[name], name
        assert columns[name]["description"], name
        assert described[name] == " ".join(columns[name]["description"].split()), name


def test_what_a_model_describes_is_not_described_again(manifest: dict[str, Any]) -> None:
    needed = set()
    for one in ALL.values():
        columns = _model(manifest, one)["columns"] if one in MODELLED else {}
        needed |= {name for name in one.column_names if name not in columns}
    described = {name for name, column in declared_columns().items() if column.description}
    assert described <= needed


def test_a_table_may_describe_a_column_otherwise_than_its_model() -> None:
    counts = product("person_counts", Tier.PUBLIC)
    described = _described(
        counts, {name: {"description": "By\n dbt."} for name in ("value", "period")}
    )
    assert described["period"] == "By dbt."
    assert described["value"].startswith("Rounded; empty")
    assert described["least"] == declared_columns()["least"].description


@pytest.mark.parametrize("declared", MODELLED, ids=lambda one: one.name)
def test_the_key_of_a_published_table_is_tested(
    declared: Product, manifest: dict[str, Any]
) -> None:
    """By a suite of the gate for the restricted marts, by dbt for the rest.

    A register is its seed under another name, so the seed's test is the register's.
    """
    model = _model(manifest, declared)
    nodes = {model["unique_id"]}
    if declared in published_registers():
        nodes |= set(model["depends_on"]["nodes"])
    tests = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and node.get("attached_node") in nodes
    ]
    keys = []
    for test in tests:
        kind = (test.get("test_metadata") or {}).get("name")
        if kind == "unique_combination":
            keys.append(set(test["test_metadata"]["kwargs"]["columns"]))
        elif kind == "unique":
            keys.append({test["column_name"]})
    if declared.name in {mart.name for mart in judged_marts()}:
        keys += [
            set(condition.kwargs["column_list"])
            for condition in load_suite(declared.name)
            if condition.expectation == "ExpectCompoundColumnsToBeUnique"
        ]
    assert set(declared.key) in keys


def test_every_mart_and_the_findings_go_out_in_some_tier(manifest: dict[str, Any]) -> None:
    """A model that nobody publishes would be judged by nobody."""
    marts = {
        node["alias"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    }
    assert set(judged_models()) == marts | {"findings"}


def test_a_code_of_an_indicator_goes_out_with_its_plan() -> None:
    coded = [one for one in ALL.values() if "indicator_code" in one.column_names]
    assert len(coded) > 5
    for one in coded:
        assert "plan_code" in one.column_names
        assert ("plan_code" in one.key) == ("indicator_code" in one.key), one.name


def test_columns_and_tables_are_declared_once_and_each_is_used() -> None:
    used = {name for one in ALL.values() for name in one.column_names}
    assert used == set(declared_columns())
    models = [one.model for one in ALL.values() if one.model]
    assert len(set(models)) == len(models)
    for one in ALL.values():
        assert set(one.key) <= set(one.column_names), one.name
        assert len(set(one.column_names)) == len(one.column_names), one.name


@pytest.mark.parametrize("tier", Tier)
def test_a_reference_points_to_the_key_of_a_table_of_the_same_release(tier: Tier) -> None:
    for one in products(tier):
        for target, columns in one.references.items():
            assert set(columns) <= set(one.column_names)
            assert tuple(columns) == product(target, tier).key


@pytest.mark.parametrize("tier", Tier)
def test_a_number_has_a_unit_and_says_what_an_empty_one_means(tier: Tier) -> None:
    for one in published_marts(tier):
        assert one.numbers or one.name in ("remarks", "findings")
        for column in one.numbers.values():
            assert column.type in ("INTEGER", "DOUBLE")
            known = ("not_owed", "not_reported", "as_reported", "as_official", "as_state")
            assert column.when_empty in known, column.name
            if column.unit == "as_indicator" or column.when_empty == "as_reported":
                assert "indicator_code" in one.column_names, one.name
            if column.when_empty == "as_state":
                assert "value_state" in one.column_names, one.name
            if column.unit == "as_subject":
                assert {"subject", "unit"} <= set(one.column_names), one.name


def test_the_public_tier_differs_where_it_is_declared_to() -> None:
    public, restricted = (product("indicator_progress", tier) for tier in reversed(Tier))
    assert (public.is_sensitive, restricted.is_sensitive) == ("no", "as_indicator")
    assert public.row_en != restricted.row_en
    assert public.column_names == restricted.column_names
    assert set(restricted.numbers) - set(public.numbers) == {
        "actual_year_to_date_least",
        "actual_year_to_date_most",
        "actual_cumulative_least",
        "actual_cumulative_most",
    }


def test_the_public_tier_has_no_findings_no_medians_and_no_records_of_people() -> None:
    assert {one.name for one in published_marts(Tier.PUBLIC)} == {
        "indicator_progress",
        "period_figures",
        "reporting_rates",
    }
    assert product("person_counts", Tier.PUBLIC).editions
    for one in products(Tier.PUBLIC):
        assert not any(name.startswith("median_") for name in one.column_names)


def test_a_count_is_known_by_the_key_of_its_table() -> None:
    counts = product("person_counts", Tier.PUBLIC)
    assert set(counts.key) == {"counted_year", "edition", *CountKey._fields}
    assert set(counts.numbers) == {"value"}


def test_every_category_that_may_be_shown_has_a_name_in_both_languages() -> None:
    for dimension, categories in load_protection().dimensions.items():
        for category in categories:
            assert all(category_names(dimension, category))
    for name in count_names().values():
        assert name.name_sq
        assert name.name_en
        if name.mart:
            assert product(name.mart).records
            assert name.unit


def test_codes_have_names_in_both_languages_each_its_own() -> None:
    for code_list in {code.code_list for code in published_codes()}:
        names = labels(code_list).values()
        assert all(" / " in label for label in names)
    # Who reads a name finds its code.
    for name in (
        *(one.name for one in published_marts(Tier.PUBLIC)),
        "person_counts",
        "restatements",
        "changes",
    ):
        mart = product(name, Tier.PUBLIC)
        for column in mart.column_names:
            assert len(set(labels(column).values())) == len(labels(column)), column
    assert set(signs()) == {"U", "E", "O", "L", "M", "Q"}
    assert not set(signs().values()) & {"", "0"}


def test_a_release_tells_which_records_lack_beside_its_reports() -> None:
    came = {"expected": 17, "received": 17, "on_time": 15, "hotline": "whole", "referral": None}
    [whole] = completeness_texts(came)
    assert whole == "17 nga 17 raporte, 15 në afat / 17 of 17 reports, 15 on time"
    [lacking] = completeness_texts({**came, "hotline": "none", "referral": "part"})
    assert lacking == (
        f"{whole}; pa regjistrin e linjës kombëtare / no hotline log; pa një pjesë të regjistrit "
        "të referimeve / without a part of the records of cases"
    )
    counties = {"counties_reporting": 11, "counties_expected": 12, "counties_missing": "AL-01"}
    assert len(completeness_texts({**came, **counties})) == 2
