"""The warehouse in Dagster: raw tables, and dbt's models with their tests as checks."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtProject, dbt_assets
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from orchestration.defs.failures import in_words
from orchestration.defs.ingestion import deliveries
from orchestration.defs.resources import WriterResource
from orchestration.defs.shown import BOARD
from orchestration.linkage.link import link_persons
from orchestration.refresh.steps import Step
from orchestration.runtime.clock import today
from orchestration.runtime.dagster_home import WRITER_POOL
from orchestration.runtime.database import read_warehouse
from orchestration.runtime.settings import board_address
from orchestration.warehouse.build import build_warehouse, failures_of_tests
from orchestration.warehouse.load import load_raw
from sources.custody.home import Home

#: What dbt says of a table that it did not have to build.
STANDS = {"status": "reused"}


class ConceptTranslator(DagsterDbtTranslator):
    """dbt's sources are what the door stored; its models and seeds are the warehouse."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Let the raw tables be the keys that `raw_tables` materialises."""
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey(["raw", dbt_resource_props["name"]])
        return super().get_asset_key(dbt_resource_props)

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Return what a table is, without its SQL."""
        return dbt_resource_props.get("description") or _first_comment(
            dbt_resource_props.get("raw_code", "")
        )

    def get_asset_check_spec(
        self,
        asset_spec: dg.AssetSpec,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: DbtProject | None,
    ) -> dg.AssetCheckSpec | None:
        """Describe a test by its name, which is a sentence."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        return spec and spec._replace(description=spec.description or _as_sentence(spec.name))

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        """Return who answers for a table: the analyst, or who keeps the registers."""
        seed = dbt_resource_props["resource_type"] == "seed"
        return ["team:registers"] if seed else ["team:analysts"]

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        """Lead from a mart to the board of the year."""
        metadata = super().get_metadata(dbt_resource_props)
        if "marts" not in dbt_resource_props["fqn"]:
            return metadata
        return {**metadata, BOARD: dg.MetadataValue.url(board_address())}

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Show findings with the quality assets, all else with the warehouse."""
        return "quality" if "quality" in dbt_resource_props["fqn"] else "warehouse"


def _first_comment(sql: str) -> str:
    """Return the comment that a statement begins with."""
    lines = takewhile(lambda line: line.startswith("--"), dropwhile(_is_setting, sql.splitlines()))
    return " ".join(line.removeprefix("--").strip() for line in lines) or "A step of the build."


def _is_setting(line: str) -> bool:
    return not line.strip() or line.startswith("{")


def _as_sentence(name: str) -> str:
    return f"{name.replace('_', ' ').capitalize()}."


def raw_tables(manifest: Path) -> dg.AssetsDefinition:
    """Return the assets of dbt's sources, as the manifest lists them."""
    content = json.loads(manifest.read_text(encoding="utf-8"))
    specs = [
        dg.AssetSpec(["raw", source["name"]], group_name="warehouse", deps=[deliveries])
        for source in content["sources"].values()
    ]

    @dg.multi_asset(name="raw_tables", specs=specs, pool=WRITER_POOL)
    def load(writer: WriterResource) -> Iterator[dg.MaterializeResult[None]]:
        """Load the raw schema from raw Parquet, and find who is one person in it."""
        with in_words(writer.folder, Step.LOADING) as report:
            counts = load_raw(writer.folder, today())
            report(Step.LINKING)
            counts |= link_persons(writer.folder)
        for spec in specs:
            yield dg.MaterializeResult(
                asset_key=spec.key, metadata={"rows": counts.get(spec.key.path[-1], 1)}
            )

    return load


def warehouse_models(manifest: Path) -> dg.AssetsDefinition:
    """Return the assets of dbt's models and seeds, as the manifest lists them."""

    @dbt_assets(
        manifest=manifest, dagster_dbt_translator=ConceptTranslator(), pool=WRITER_POOL, name="dbt"
    )
    def build(context: dg.AssetExecutionContext, writer: WriterResource) -> Iterator[Any]:
        """Build with dbt, in this process, what changed; each test is reported as a check."""
        from dbt_common.events.functions import msg_to_dict

        events: list[Any] = []
        with in_words(writer.folder, Step.BUILDING):
            build_warehouse(writer.folder, on_event=events.append)
        built: dict[str, dg.Output[None]] = {}
        tested: list[Any] = []
        for event in events:
            message = DbtCoreCliEventMessage(
                raw_event=msg_to_dict(event), event_history_metadata={}
            )
            for told in message.to_default_asset_events(
                manifest=manifest, dagster_dbt_translator=ConceptTranslator(), context=context
            ):
                if isinstance(told, dg.Output):
                    built[told.output_name] = told
                else:
                    tested.append(told)
        rows = _row_counts(writer.folder)
        # Dagster leaves out what rests on a table that it isn't told of, and wants to be told of a
        # table after those that it rests on.
        for key in TopologicalSorter(context.assets_def.asset_deps).static_order():
            if key in context.selected_asset_keys:
                name = key.to_python_identifier()
                output = built.get(name, dg.Output(None, name, metadata=STANDS))
                size = {"dagster/row_count": rows[name]} if name in rows else {}
                yield output.with_metadata({**output.metadata, **size})
        yield from tested
        yield from _checks_that_stand(writer.folder, context.selected_asset_check_keys, tested)

    return build


def _checks_that_stand(
    home: Home, checks: Iterable[dg.AssetCheckKey], tested: Sequence[Any]
) -> Iterator[dg.AssetCheckResult]:
    """Tell what each other test said when it last ran: what it tests is as it was."""
    ran = {told.check_name for told in tested if isinstance(told, dg.AssetCheckResult)}
    failures = failures_of_tests(home)
    for check in checks:
        if check.name in failures and check.name not in ran:
            count = failures[check.name]
            yield dg.AssetCheckResult(
                passed=count == 0,
                asset_key=check.asset_key,
                check_name=check.name,
                severity=dg.AssetCheckSeverity.WARN,
                metadata=STANDS | {"dagster_dbt/failed_row_count": count},
            )


def _row_counts(home: Home) -> dict[str, int]:
    """Return how many rows each table has, by its schema and name as Dagster joins them."""
    with read_warehouse(home) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where schema_name <> 'ops'"
        ).fetchall()
        return {
            f"{schema}__{table}": connection.execute(
                f'select count(*) from "{schema}"."{table}"'
            ).fetchall()[0][0]
            for schema, table in tables
        }
