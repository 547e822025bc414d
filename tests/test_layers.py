"""Which way dependencies point in dbt, read from its manifest. import-linter holds Python's."""

import ast
from pathlib import Path
from typing import Any

from orchestration.products.dictionary import PAGE, RULES_PAGE, dictionary, rules_page
from orchestration.runtime.settings import PROJECT

#: What each layer of the warehouse may read.
MAY_READ = {
    "staging": {"raw"},
    "core": {"staging", "core", "register"},
    "marts": {"core"},
    "quality": {"core"},
}


def test_each_layer_reads_only_what_lies_below_it(manifest: dict[str, Any]) -> None:
    schemas = {key: node["schema"] for key, node in manifest["nodes"].items()}
    schemas |= {key: source["schema"] for key, source in manifest["sources"].items()}
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    assert len(models) > 25
    for model in models:
        below = {schemas[key] for key in model["depends_on"]["nodes"]}
        assert below <= MAY_READ[model["schema"]], model["name"]


def test_what_is_expected_rests_on_the_registers_and_the_day_alone(
    manifest: dict[str, Any],
) -> None:
    [start] = [key for key, node in manifest["nodes"].items() if node["name"] == "fct_values_due"]
    reached, waiting = set(), [start]
    while waiting:
        key = waiting.pop()
        if key not in reached:
            reached.add(key)
            waiting += manifest["nodes"].get(key, {}).get("depends_on", {}).get("nodes", [])
    # Whatever arrives, the denominator as of a day stays: the register, and what was noted of it.
    read = {manifest["sources"][key]["name"] for key in reached if key in manifest["sources"]}
    assert read <= {"refresh_context", "noted_obligations"}
    assert any(key.startswith("seed.") for key in reached)


def test_every_model_and_column_that_others_read_is_described_and_typed(
    manifest: dict[str, Any],
) -> None:
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model" and node["schema"] in ("core", "marts", "quality"):
            assert node["config"]["contract"]["enforced"], node["name"]
            assert node["description"], node["name"]
            for column in node["columns"].values():
                assert column["description"], f"{node['name']}.{column['name']}"


def test_the_data_dictionary_is_what_the_models_say(manifest: dict[str, Any]) -> None:
    assert PAGE.read_text(encoding="utf-8") == dictionary(manifest), "run make docs"


def test_the_page_of_rules_is_what_the_register_says() -> None:
    assert RULES_PAGE.read_text(encoding="utf-8") == rules_page(), "run make docs"


def test_every_test_is_named_as_a_sentence(manifest: dict[str, Any]) -> None:
    tests = [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    assert tests
    for test in tests:
        assert test["name"].count("_") >= 2
        assert not test["name"].startswith(("unique_", "not_null_", "relationships_", "source_"))


def test_one_module_reads_the_environment() -> None:
    readers = {
        path.relative_to(PROJECT).as_posix()
        for folder in ("orchestration", "expectations", "sources")
        for path in Path(PROJECT / folder).rglob("*.py")
        if any(
            isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        )
    }
    assert readers == {"orchestration/runtime/settings.py"}
