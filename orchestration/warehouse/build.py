"""dbt in this process: the star schema, and a record of what dbt's tests said.

Belongs here: how dbt is called. Not here: the models and tests themselves (dbt_project).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import duckdb

from orchestration.settings import DBT_PROJECT, SEEDS
from orchestration.warehouse.ledger import remember_findings
from sources.home import Home

#: What each call of dbt needs: no log files, no network, its project wherever krat is started.
COMMON_ARGUMENTS = [
    "--project-dir", str(DBT_PROJECT),
    "--profiles-dir", str(DBT_PROJECT),
    "--log-level", "none",
    "--log-level-file", "none",
    "--no-use-colors",
]  # fmt: skip


#: A failing test warns, so that what stands on the tested table is built and can be looked at;
#: whether it may go out is for the gate to say.
FAILED = ("warn", "fail", "error")


class BuildFailed(RuntimeError):
    """dbt could not build the warehouse: a model or seed failed, not merely a test."""


@dataclass(frozen=True)
class Build:
    """What dbt did: nodes run, and the names of the tests that failed."""

    nodes: int
    failed_tests: tuple[str, ...]


def build_warehouse(
    home: Home, on_event: Callable[[Any], None] | None = None, *, with_registers: bool = False
) -> Build:
    """Run `dbt build` over the raw schema and record each node's status in `ops.dbt_results`.

    Seeds are loaded only when a register's content changed, or `with_registers`. Raises
    BuildFailed when a model or seed fails; failing tests are recorded, for the gate to judge.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.artifacts.resources.types import NodeType
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.main import dbtRunner

    digest = _registers_hash()
    arguments = [
        "build", *COMMON_ARGUMENTS, "--no-write-json", "--no-populate-cache",
        "--exclude-resource-type", "unit_test",
    ]  # fmt: skip
    if not with_registers and _loaded_registers_hash(home) == digest:
        arguments += ["--exclude-resource-type", "seed"]
    else:
        # A register that was given a column does not fit into its old table.
        arguments += ["--full-refresh"]
    outcome = dbtRunner(callbacks=[on_event] if on_event else []).invoke(arguments)
    # dbt holds the file open for its next call; whoever comes after it in this process needs it.
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if not isinstance(outcome.result, RunExecutionResult):
        raise BuildFailed(f"dbt could not start: {outcome.exception}")
    results = list(outcome.result.results)
    broken = sorted(
        result.node.name
        for result in results
        if result.node.resource_type != NodeType.Test and result.status != "success"
    )
    if broken:
        raise BuildFailed(f"dbt could not build: {', '.join(broken)}")
    _record(home, results, digest)
    remember_findings(home)
    failed = sorted(
        result.node.name
        for result in results
        if result.node.resource_type == NodeType.Test and result.status in FAILED
    )
    return Build(nodes=len(results), failed_tests=tuple(failed))


def write_manifest() -> None:
    """Parse the dbt project so that its manifest, from which Dagster draws assets, is current."""
    from dbt.cli.main import dbtRunner

    outcome = dbtRunner().invoke(["parse", *COMMON_ARGUMENTS])
    if not outcome.success:
        raise BuildFailed(f"dbt could not read its project: {outcome.exception}")


def _registers_hash() -> str:
    digest = hashlib.sha256()
    for path in sorted(SEEDS.glob("*.*")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _loaded_registers_hash(home: Home) -> str | None:
    with duckdb.connect(str(home.warehouse)) as connection:
        try:
            row = connection.execute("select registers_hash from ops.loaded_registers").fetchone()
        except duckdb.CatalogException:
            return None
    return str(row[0]) if row else None


def _record(home: Home, results: list[Any], digest: str) -> None:
    rows = [
        (
            result.node.name,
            result.node.alias,
            str(result.node.resource_type),
            result.node.schema,
            str(result.status),
            int(result.failures or 0),
            bool(result.node.config.meta.get("person_level", False)),
        )
        for result in results
    ]
    columns = list(zip(*rows, strict=True))
    failed = [
        result.node
        for result in results
        if result.node.resource_type == "test" and result.status in FAILED
    ]
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("create schema if not exists ops")
        connection.execute(
            "create or replace table ops.failed_tests "
            "(node varchar, county_code varchar, reporting_month date)"
        )
        for node in failed:
            _record_places(connection, node)
        connection.execute(
            "create or replace table ops.dbt_results as select unnest(?) as node, "
            "unnest(?) as table_name, unnest(?) as resource_type, unnest(?) as schema_name, "
            "unnest(?) as status, unnest(?) as failures, unnest(?) as is_person_level",
            [list(column) for column in columns],
        )
        connection.execute(
            "create or replace table ops.loaded_registers as select ? as registers_hash", [digest]
        )


def _record_places(connection: duckdb.DuckDBPyConnection, node: Any) -> None:
    """Record in which counties and months a test failed; null is everywhere.

    Only codes and months are taken from the failing rows: they can be records of persons.
    """
    places = {"county_code": "null", "reporting_month": "null"}
    try:
        found = connection.execute(f"describe {node.compiled_code}").fetchall()
        places |= {row[0]: row[0] for row in found if row[0] in places}
        connection.execute(
            "insert into ops.failed_tests "
            f"select distinct ?, {places['county_code']}, {places['reporting_month']} "
            f"from ({node.compiled_code}) as failing_rows",
            [node.name],
        )
    except duckdb.Error:
        # A test that could not even run says nothing of where: it holds everywhere.
        connection.execute("insert into ops.failed_tests values (?, null, null)", [node.name])
