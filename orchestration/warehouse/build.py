"""dbt in this process: the star schema, and a record of what dbt's tests said.

Belongs here: how dbt is called. Not here: the models and tests themselves (dbt_project).
"""

import errno
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import duckdb

from orchestration.registers.in_use import registers_hash, registers_in_use
from orchestration.runtime.database import read_warehouse, tidy_warehouse, write_warehouse
from orchestration.runtime.loaded import changed_since_build, note_built
from orchestration.runtime.settings import DBT_PROJECT, dbt_taking_rows_of, point_dbt_at
from orchestration.warehouse.known import write_known
from orchestration.warehouse.ledger import earlier_findings, remember_findings
from orchestration.warehouse.load import load_rows
from orchestration.warehouse.receipts import write_fates
from orchestration.warehouse.spark import spark_over
from sources.custody.home import Home

#: What each call of dbt needs: no log files, no network, its project wherever krat is started.
COMMON_OPTIONS = [
    "--project-dir", str(DBT_PROJECT),
    "--profiles-dir", str(DBT_PROJECT),
    "--log-level", "none",
    "--log-level-file", "none",
    "--no-use-colors",
]  # fmt: skip


#: A failing test warns, so that what stands on the tested table is built and can be looked at;
#: whether it may go out is for the gate to say.
FAILED = ("warn", "fail", "error")


#: Errors of DuckDB that name tables and columns. Any other can quote a value of a row.
ERRORS_WITHOUT_VALUES = (
    "Catalog Error",
    "Binder Error",
    "Parser Error",
    "TransactionContext Error",
)


#: How the system calls a disk that is full, or that nothing can be written on.
DISK_FULL = os.strerror(errno.ENOSPC)
DISK_READ_ONLY = os.strerror(errno.EROFS)


class Engine(StrEnum):
    """What computes the models. The warehouse is a DuckDB file with either."""

    DUCKDB = "duckdb"
    SPARK = "spark"


class BuildFailed(RuntimeError):
    """dbt could not build the warehouse: a model or seed failed, not merely a test."""


@dataclass(frozen=True)
class Build:
    """What dbt did: nodes run, and the names of the tests that failed."""

    nodes: int
    failed_tests: tuple[str, ...]


def run_dbt(
    command: str, options: Sequence[str] = (), on_event: Callable[[Any], None] | None = None
) -> Any:
    """Run a command of dbt in this process, close the warehouse, and return dbt's outcome."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    callbacks = [on_event] if on_event else []
    outcome = dbtRunner(callbacks=callbacks).invoke([command, *COMMON_OPTIONS, *options])
    # dbt keeps the file open for its next command; whoever comes after it in this process needs it.
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    return outcome


def build_warehouse(
    home: Home,
    on_event: Callable[[Any], None] | None = None,
    *,
    with_registers: bool = False,
    engine: Engine = Engine.DUCKDB,
    report: Callable[[str], None] = lambda _: None,
) -> Build:
    """Run `dbt build` over what changed and record each node's status in `ops.dbt_results`.

    Built is what rests on raw tables that were loaded anew since the last build; all of it when a
    register or the dbt project changed, or `with_registers`. The rest stands, with what its tests
    said. What is then known of reports is written for who checks one. Spark as `engine` computes
    all models; DuckDB takes the rows of what changed, and tests them. `report` is told how far
    Spark is. Raises BuildFailed when a model or seed fails, NoSpark; failing tests are recorded,
    for the gate to judge.
    """
    registers = registers_in_use(home)
    point_dbt_at(home, registers)
    digest = _project_hash(home, registers)
    options = [
        "--no-write-json", "--no-populate-cache",
        "--exclude-resource-type", "unit_test", "--exclude-resource-type", "exposure",
    ]  # fmt: skip
    whole = with_registers or _built_project_hash(home) != digest
    if not whole:
        changed = _changed(home)
        if not changed and home.known.exists() and home.fates.exists():
            return Build(nodes=0, failed_tests=_failed_tests(home))
        options += ["--select", *(f"source:raw.{table}+" for table in changed)]
        # A view is a statement, which is what it was. No test asks one.
        options += ["--exclude", "config.materialized:view"]
    else:
        # A register that was given a column does not fit into its old table.
        options += ["--full-refresh"]
    with _computed_by(engine, home, registers, report):
        results = _results_of(run_dbt("build", options, on_event))
    remember_findings(home)
    failed_tests = _record(home, results, digest, whole=whole)
    tidy_warehouse(home)
    write_known(home)
    write_fates(home)
    return Build(nodes=len(results), failed_tests=failed_tests)


@contextmanager
def _computed_by(
    engine: Engine, home: Home, registers: Path, report: Callable[[str], None]
) -> Iterator[None]:
    """Let another engine compute all models first, so that dbt takes its rows meanwhile."""
    if engine is Engine.DUCKDB:
        yield
        return
    report("starting Spark")
    with spark_over(home, registers) as made:
        # Each target keeps what dbt read of the project for itself.
        options = ["--target", "spark", "--target-path", str(home.dbt / "spark")]
        options += ["--no-write-json", "--no-populate-cache"]
        _results_of(run_dbt("run", options, _telling_models(report)))
        report("taking what Spark computed into the warehouse")
        with dbt_taking_rows_of(made):
            yield


def _telling_models(report: Callable[[str], None]) -> Callable[[Any], None]:
    """Return what tells of every fifth model that dbt begins: all of them take minutes on Spark."""

    def tell(event: Any) -> None:
        if event.info.name == "LogStartLine" and event.data.index % 5 == 1:
            report(f"computing models on Spark ({event.data.index} of {event.data.total})")

    return tell


def _results_of(outcome: Any) -> list[Any]:
    """Return what dbt did with each node. Raises BuildFailed when a model or seed failed."""
    results: list[Any] | None = getattr(outcome.result, "results", None)
    if results is None:
        raise BuildFailed(f"dbt could not start: {outcome.exception}")
    broken = sorted(
        f"{result.node.name} ({_reason(str(result.status), str(result.message))})"
        for result in results
        if result.node.resource_type != "test" and result.status not in ("success", "skipped")
    )
    if broken:
        raise BuildFailed(f"dbt could not build: {', '.join(broken)}")
    return results


def write_manifest() -> None:
    """Parse the dbt project so that its manifest, from which Dagster draws assets, is current."""
    outcome = run_dbt("parse")
    if not outcome.success:
        raise BuildFailed(f"dbt could not read its project: {outcome.exception}")


def _reason(status: str, message: str) -> str:
    """Return why a node failed, with nothing in it that may stand in a row."""
    for disk in (DISK_FULL, DISK_READ_ONLY):
        if disk in message:
            return disk
    if condition := re.search(r"\[([A-Z_]+(?:\.[A-Z_]+)?)\]", message):
        # How Spark names an error.
        return condition.group(1)
    error = re.search(r"([A-Z]\w*(?: \w+)? Error): ([^\n]*)", message)
    if error is None:
        return status
    kind, text = error.groups()
    return f"{kind}: {text}" if kind in ERRORS_WITHOUT_VALUES else kind


def _project_hash(home: Home, registers: Path) -> str:
    """Return a hash of the registers, of raw tables' columns, and of all that dbt makes of them.

    A view doesn't outlive a change of the columns that it reads.
    """
    digest = hashlib.sha256(registers_hash(registers).encode())
    with read_warehouse(home) as connection:
        columns = connection.execute(
            "select table_name, column_name, data_type from duckdb_columns() "
            "where database_name = current_database() and schema_name = 'raw' order by all"
        ).fetchall()
    digest.update(repr(columns).encode())
    files = [DBT_PROJECT / "dbt_project.yml", *DBT_PROJECT.glob("seeds/*.yml")]
    for folder in ("models", "macros", "materializations", "tests"):
        files += [path for path in (DBT_PROJECT / folder).rglob("*") if path.is_file()]
    for path in sorted(files):
        digest.update(str(path.relative_to(DBT_PROJECT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _built_project_hash(home: Home) -> str | None:
    with write_warehouse(home) as connection:
        try:
            row = connection.execute("select project_hash from ops.built_project").fetchone()
        except duckdb.CatalogException:
            return None
    return str(row[0]) if row else None


def _record(home: Home, results: list[Any], digest: str, *, whole: bool) -> tuple[str, ...]:
    """Record what dbt said of each node, beside what it said before of those that it left alone.

    Returns the names of all tests that now fail.
    """
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
    failed = [
        result.node
        for result in results
        if result.node.resource_type == "test" and result.status in FAILED
    ]
    nodes = [row[0] for row in rows]
    with write_warehouse(home) as connection:
        connection.execute("create schema if not exists ops")
        create = "create or replace table" if whole else "create table if not exists"
        connection.execute(
            f"{create} ops.failed_tests (node varchar, county_code varchar, reporting_month date)"
        )
        connection.execute(
            f"{create} ops.dbt_results (node varchar, table_name varchar, resource_type varchar, "
            "schema_name varchar, status varchar, failures bigint, is_person_level boolean)"
        )
        for table in ("failed_tests", "dbt_results"):
            connection.execute(f"delete from ops.{table} where list_contains(?, node)", [nodes])
        for node in failed:
            _record_places(connection, node)
        connection.execute(
            f"insert into ops.dbt_results select {', '.join(['unnest(?)'] * len(rows[0]))}",
            [list(column) for column in zip(*rows, strict=True)],
        )
        connection.execute(
            "create or replace table ops.built_project as select ? as project_hash", [digest]
        )
        # The next build would find again what this one left in the ledger.
        load_rows(connection, "earlier_findings", earlier_findings(home))
        note_built(connection)
    return _failed_tests(home)


def _failed_tests(home: Home) -> tuple[str, ...]:
    with read_warehouse(home) as connection:
        failing = connection.execute("select distinct node from ops.failed_tests order by all")
        return tuple(str(name) for (name,) in failing.fetchall())


def failures_of_tests(home: Home) -> dict[str, int]:
    """Return by each test's name how many rows failed it when it last ran, at least 1 if it did."""
    with read_warehouse(home) as connection:
        said = connection.execute(
            "select node, status, failures from ops.dbt_results where resource_type = 'test'"
        ).fetchall()
    return {node: max(1, failures) if status in FAILED else 0 for node, status, failures in said}


def _changed(home: Home) -> list[str]:
    with read_warehouse(home) as connection:
        return changed_since_build(connection)


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
