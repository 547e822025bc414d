"""The lint of a plan that isn't in use yet, by the models that lint those in use.

Belongs here: running them beside the warehouse. Not here: the rules (dbt_project).
"""

import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from orchestration.registers.in_use import registers_in_use
from orchestration.runtime.database import read_warehouse
from orchestration.runtime.settings import point_dbt_at, prepare_process
from orchestration.warehouse.build import BuildFailed, run_dbt
from sources.custody.home import Home


@dataclass(frozen=True)
class Oddities:
    """What a rule found in a plan: how often, at which codes of measures or indicators."""

    rule: str
    number: int
    codes: tuple[str, ...]
    explanation_sq: str
    explanation_en: str


def lint_plans(home: Home, registers_dir: Path, plan_codes: Collection[str]) -> list[Oddities]:
    """Return what is odd in plans of a folder of registers, by rule and sentence.

    The warehouse isn't touched. Raises BuildFailed when dbt can't build the lint.
    """
    with tempfile.TemporaryDirectory() as name:
        beside = Home(root=Path(name), keys=home.keys)
        prepare_process(beside)
        point_dbt_at(beside, registers_dir)
        try:
            # Tests of tables that are not built here would fail.
            options = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
            outcome = run_dbt("build", [*options, "--no-write-json", "--select", "+plan_lint"])
        finally:
            prepare_process(home)
            point_dbt_at(home, registers_in_use(home))
        if not outcome.success:
            raise BuildFailed("dbt could not build the lint of the plan's files")
        with read_warehouse(beside) as connection:
            rows = connection.execute(
                "select rule, count(*), "
                "list(distinct coalesce(indicator_code, measure_code)) "
                "filter (where coalesce(indicator_code, measure_code) is not null), "
                "explanation_sq, explanation_en from core.plan_lint "
                "where list_contains(?, plan_code) group by all order by rule, explanation_en",
                [sorted(plan_codes)],
            ).fetchall()
    return [
        Oddities(rule, number, tuple(sorted(codes or ())), *texts)
        for rule, number, codes, *texts in rows
    ]
