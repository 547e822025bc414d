"""What is computed without dbt is what dbt builds: each statement, each register."""

import os
from pathlib import Path
from typing import Any

import pytest
from conftest import Refreshed

from orchestration.registers.declaration import declared
from orchestration.registers.in_use import registers_in_use
from orchestration.runtime.database import read_warehouse
from orchestration.warehouse.build import run_dbt
from orchestration.warehouse.computing import compiled, register_query

#: Registers for rows of the office alone.
EMPTY = ("added_codes", "indicator_successions", "public_counts", "regional_targets")


def test_each_statement_is_the_one_that_dbt_compiles(manifest: dict[str, Any]) -> None:
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    Path(os.environ["KRAT_HOME"]).mkdir(exist_ok=True)
    outcome = run_dbt(
        "compile", ["--no-write-json", "--no-populate-cache", "--select", "resource_type:model"]
    )
    by_dbt = {
        result.node.relation_name: result.node.compiled_code.strip()
        for result in outcome.result.results
        if str(result.node.resource_type) == "model"
    }
    ours = compiled(tuple(sorted(model["name"] for model in models)))
    assert len(models) > 100
    assert {model.relation: model.statement.strip() for model in ours if model.statement} == by_dbt
    assert {model.table for model in ours if not model.statement} <= set(declared())


@pytest.mark.parametrize("register", sorted(declared()))
def test_each_register_is_the_one_that_dbt_loads(register: str, refreshed: Refreshed) -> None:
    with read_warehouse(refreshed.home) as connection:
        loaded = f"from register.{register}"
        ours = f"from ({register_query(registers_in_use(refreshed.home), register)})"
        for query in (f"describe {loaded}", f"{loaded} order by all"):
            expected = connection.execute(query).fetchall()
            assert connection.execute(query.replace(loaded, ours)).fetchall() == expected
            assert expected or register in EMPTY
