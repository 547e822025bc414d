"""A rule is a row with its sentences and a query that gives exactly what they name."""

import re
from typing import Any

import duckdb
import pytest
import yaml
from dbt_sql import model_sql, render

from orchestration.runtime.settings import DBT_PROJECT, SEEDS
from sources.registers import register_rows

Row = dict[str, str]
#: Of each query, by rule and variant: the names of its parameters.
Given = dict[tuple[str, str], set[str]]


def given_by(macro: str, models: str) -> Given:
    """Return what each call of a macro in these models gives, by the macro's own SQL."""
    given: Given = {}

    def record(rule: str, *arguments: Any, **options: Any) -> str:
        call = f"{{{{ {macro}(rule, *arguments, **options) }}}}"
        sql = render(call, rule=rule, arguments=arguments, options=options)
        query = (rule, options.get("variant", ""))
        assert query not in given, f"{query} has two queries"
        given[query] = set(re.findall(r"'(\w+)': cast\(", sql))
        return sql

    for path in sorted((DBT_PROJECT / "models" / "intermediate").glob(models)):
        model_sql(path.stem, **{macro: record})
    return given


def named_in(*sentences: str) -> set[str]:
    """Return the names in braces."""
    return {name for sentence in sentences for name in re.findall(r"{([a-z_]+)}", sentence)}


FINDINGS = given_by("finding", "int_*rules*.sql")
ODDITIES = given_by("oddity", "int_plan_lint__*.sql")
MESSAGES = list(register_rows(SEEDS, "quality_messages"))
EXPLANATIONS = list(register_rows(SEEDS, "plan_lint_rules"))


def test_each_rule_of_the_warehouse_has_its_sentences_and_its_queries() -> None:
    registered = {
        row["rule"] for row in register_rows(SEEDS, "quality_rules") if row["stage"] == "warehouse"
    }
    assert {rule for rule, _ in FINDINGS} == registered
    assert sorted((row["rule"], row["variant"]) for row in MESSAGES) == sorted(FINDINGS)


@pytest.mark.parametrize("row", MESSAGES, ids=lambda row: f"{row['rule']}-{row['variant']}")
def test_the_sentences_of_a_rule_name_what_its_query_gives(row: Row) -> None:
    given = FINDINGS[row["rule"], row["variant"]]
    _names_what_is_given(given, row["message_sq"], row["message_en"])


def test_each_rule_of_the_plans_has_its_explanation_and_its_query() -> None:
    rules = [row["rule"] for row in EXPLANATIONS]
    assert sorted(rules) == sorted(rule for rule, _ in ODDITIES)


@pytest.mark.parametrize("row", EXPLANATIONS, ids=lambda row: row["rule"])
def test_the_explanation_of_an_oddity_names_what_its_query_gives(row: Row) -> None:
    given = ODDITIES[row["rule"], ""]
    _names_what_is_given(given, row["explanation_sq"], row["explanation_en"])


def _names_what_is_given(given: set[str], albanian: str, english: str) -> None:
    assert albanian
    assert english
    assert named_in(albanian) == {name for name in given if not name.endswith("_en")}
    assert named_in(english) == {name for name in given if not name.endswith("_sq")}
    # What is left over would be shown as it is written.
    assert not re.search(r"[{}]", re.sub(r"{[a-z_]+}", "", albanian + english))


def test_every_model_of_rules_is_among_the_findings() -> None:
    models = {path.stem for path in (DBT_PROJECT / "models").glob("intermediate/int_*rules*.sql")}
    union = model_sql("int_rendered_findings")
    assert models == {name for name in models if re.search(rf"from {name}\n", union)}
    assert len(models) > 10


@pytest.mark.parametrize(
    ("sentence", "rendered"),
    [
        ("{a} and {b_en}, {a}.", "1 and {a}, 1."),
        ("Without any.", "Without any."),
        ("{none} is null, {absent} is absent", "{none} is null, {absent} is absent"),
        ("{ {a}{a} }", "{ 11 }"),
    ],
)
def test_a_sentence_is_filled_once_and_what_is_missing_stays_visible(
    sentence: str, rendered: str
) -> None:
    parameters = "map {'a': '1', 'b_en': '{a}', 'none': null}"
    sql = render("{{ render_message('$sentence', parameters) }}", parameters=parameters)
    assert duckdb.connect().execute(f"select {sql}", {"sentence": sentence}).fetchone() == (
        rendered,
    )


@pytest.mark.parametrize(
    ("message", "parameters", "whole"),
    [
        ("'Whole.'", "map {}", True),
        ("'The value of {indicator}.'", "map {}", False),
        ("''", "map {}", False),
        ("null", "map {}", False),
        ("'Column {a}: not read.'", "null", True),
    ],
)
def test_a_message_that_is_not_whole_fails_its_test(
    message: str, parameters: str, whole: bool
) -> None:
    """The door may quote a brace from a file; its messages have no parameters."""
    models = DBT_PROJECT / "models" / "intermediate" / "_intermediate.yml"
    ((test,),) = (
        model["data_tests"]
        for model in yaml.safe_load(models.read_text(encoding="utf-8"))["models"]
        if model["name"] == "int_rendered_findings"
    )
    condition = test["expression_is_true"]["arguments"]["expression"]
    for language in ("sq", "en"):
        (other,) = {"sq", "en"} - {language}
        row = (
            f"{message} as message_{language}, 'Whole.' as message_{other}, "
            f"{parameters} as parameters"
        )
        found = (
            duckdb.connect()
            .execute(f"select coalesce({condition}, false) from (select {row}) as found")
            .fetchone()
        )
        assert found == (whole,)


def test_parameters_are_written_in_each_languages_way() -> None:
    sql = render(
        "{{ message_parameters(texts={'code': \"'2.1'\"}, counts={'n': '3.0'}, "
        "days={'day': \"date '2023-05-09'\"}, months={'month': \"date '2023-05-01'\"}, "
        "means={'mean': '1.25'}) }}"
    )
    assert duckdb.connect().execute(f"select {sql}").fetchone() == (
        {
            "code": "2.1", "n": "3", "day_sq": "09.05.2023", "day_en": "2023-05-09",
            "month_sq": "05.2023", "month_en": "2023-05", "mean_sq": "1,3", "mean_en": "1.3",
        },
    )  # fmt: skip
