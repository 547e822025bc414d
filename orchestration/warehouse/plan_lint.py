"""The lint of a plan that isn't in use yet, by the models that lint those in use.

Belongs here: running them beside the warehouse. Not here: the rules (dbt_project).
"""

import shutil
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.runtime.settings import DBT_PROJECT, prepare_process
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
        project = Path(name) / "dbt_project"
        kept = shutil.ignore_patterns("seeds", "target", "logs")
        shutil.copytree(DBT_PROJECT, project, ignore=kept)
        shutil.copytree(registers_dir, project / "seeds")
        shutil.copy(DBT_PROJECT / "seeds" / "_seeds.yml", project / "seeds")
        beside = Home(root=Path(name) / "home", keys=home.keys)
        beside.root.mkdir()
        prepare_process(beside)
        try:
            options = ["--project-dir", str(project), "--target-path", str(Path(name) / "target")]
            # Tests of tables that are not built here would fail.
            options += ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
            outcome = run_dbt("build", [*options, "--select", "+plan_lint"])
        finally:
            prepare_process(home)
        if not outcome.success:
            raise BuildFailed("dbt could not build the lint of the plan's files")
        with duckdb.connect(str(beside.warehouse), read_only=True) as connection:
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
