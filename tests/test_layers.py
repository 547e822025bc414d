"""Which way dependencies point in dbt, read from its manifest. import-linter holds Python's."""

import ast
import re
from collections import Counter
from pathlib import Path
from typing import Any

from orchestration.products.declaration import Tier, products
from orchestration.products.dictionary import (
    CONTRADICTIONS_PAGE,
    DESCRIBED_SCHEMAS,
    PAGE,
    PROTECTION_PAGE,
    RECORD_MARK,
    RULES_PAGE,
    contradictions_page,
    dictionary,
    record_of_processing,
    rules_page,
)
from orchestration.products.reference import SCHEMA, reference_months, reference_registers
from orchestration.reading_copy.tables import COPIED_SCHEMAS
from orchestration.runtime.settings import PROJECT
from sources.layouts import load_layouts

#: What each layer of the warehouse may read.
MAY_READ = {
    "staging": {"raw"},
    "intermediate": {"staging", "intermediate", "core", "register"},
    "core": {"staging", "intermediate", "core", "register"},
    "marts": {"core", "intermediate"},
    "quality": {"core"},
    "publication": {"staging", "intermediate", "core", "marts"},
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
        if node["resource_type"] == "model" and node["schema"] in DESCRIBED_SCHEMAS:
            assert node["config"]["contract"]["enforced"], node["name"]
            assert node["description"], node["name"]
            for column in node["columns"].values():
                assert column["description"], f"{node['name']}.{column['name']}"


def test_no_test_of_the_warehouse_asks_a_view(manifest: dict[str, Any]) -> None:
    """A build of what changed leaves views out, and with them dbt leaves out their tests."""
    nodes = manifest["nodes"]
    views = {name for name, node in nodes.items() if node["config"]["materialized"] == "view"}
    tests = [node for node in nodes.values() if node["resource_type"] == "test"]
    assert len(views) > 50 and len(tests) > 90
    assert [one["name"] for one in tests if views & set(one["depends_on"]["nodes"])] == []


def test_each_published_table_is_in_the_exposure_of_its_tier(manifest: dict[str, Any]) -> None:
    exposures = {exposure["name"]: exposure for exposure in manifest["exposures"].values()}
    assert exposures.keys() == {"restricted_tier", "public_tier", "reading_copy"}
    for exposure in exposures.values():
        assert exposure["owner"]["name"] and exposure["description"]
        assert exposure["config"]["meta"].keys() == {"goes_to", "key"}
    nodes = {name: _names_behind(exposure) for name, exposure in exposures.items()}
    published = {
        tier: {one.model.partition(".")[2] for one in products(tier) if one.model} for tier in Tier
    }
    assert published[Tier.RESTRICTED] <= nodes["restricted_tier"]
    core = {
        node["alias"]: node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] == SCHEMA
    }
    as_they_are = [core[name] for name in (*reference_registers(), *reference_months())]
    assert {node["name"] for node in as_they_are} <= nodes["restricted_tier"]
    assert not any(node["config"]["meta"].get("person_level") for node in as_they_are)
    # Counts of persons go out in editions, which add up these.
    assert published[Tier.PUBLIC] | {"edition_units"} <= nodes["public_tier"]
    assert "person_counts" not in nodes["public_tier"]
    assert nodes["reading_copy"] == {
        node["name"]
        for node in manifest["nodes"].values()
        if node["schema"] in COPIED_SCHEMAS
        and node["resource_type"] in ("model", "seed")
        and not node["config"]["meta"].get("person_level")
    }


def _names_behind(exposure: dict[str, Any]) -> set[str]:
    return {key.split(".")[-1] for key in exposure["depends_on"]["nodes"]}


def test_the_data_dictionary_is_what_the_models_say(manifest: dict[str, Any]) -> None:
    assert PAGE.read_text(encoding="utf-8") == dictionary(manifest), "run make docs"


def test_the_page_of_rules_is_what_the_register_says() -> None:
    assert RULES_PAGE.read_text(encoding="utf-8") == rules_page(), "run make docs"


def test_the_page_of_contradictions_is_what_is_declared() -> None:
    assert CONTRADICTIONS_PAGE.read_text(encoding="utf-8") == contradictions_page(), "run make docs"


def test_the_record_of_processing_is_what_the_layouts_and_periods_say() -> None:
    _, _, written = PROTECTION_PAGE.read_text(encoding="utf-8").partition(RECORD_MARK)
    assert written == record_of_processing(), "run make docs"
    kept = {column.name for layout in load_layouts() for column in layout.columns}
    named = set(re.findall(r"^\| `(\w+)` \|", written, re.MULTILINE))
    assert {"personal_number", "address", "contact_key"} <= named & kept


def test_every_test_is_named_as_a_sentence(manifest: dict[str, Any]) -> None:
    tests = [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    assert tests
    for test in tests:
        assert test["name"].count("_") >= 2
        assert not test["name"].startswith(("unique_", "not_null_", "relationships_", "source_"))


def test_no_two_classes_have_the_same_name() -> None:
    classes = [
        node.name
        for folder in ("orchestration", "expectations", "sources", "tests")
        for path in Path(PROJECT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    assert len(classes) > 150
    assert [name for name, count in Counter(classes).items() if count > 1] == []


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
