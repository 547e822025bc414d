"""The warehouse in Dagster: raw tables, and dbt's models with their tests as checks."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, dbt_assets
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from orchestration.defs.ingestion import deliveries
from orchestration.defs.resources import WriterResource
from orchestration.linkage.link import link_persons
from orchestration.runtime.clock import today
from orchestration.runtime.dagster_home import WRITER_POOL
from orchestration.warehouse.build import BuildFailed, build_warehouse
from orchestration.warehouse.load import load_raw


class ConceptTranslator(DagsterDbtTranslator):
    """dbt's sources are what the door stored; its models and seeds are the warehouse."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Let the raw tables be the keys that `raw_tables` materialises."""
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey(["raw", dbt_resource_props["name"]])
        return super().get_asset_key(dbt_resource_props)

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Show findings with the quality assets, all else with the warehouse."""
        return "quality" if "quality" in dbt_resource_props["fqn"] else "warehouse"


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
        counts = load_raw(writer.folder, today()) | link_persons(writer.folder)
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
        """Build the star schema with dbt in this process; each test is reported as a check."""
        from dbt_common.events.functions import msg_to_dict

        events: list[Any] = []
        try:
            build_warehouse(writer.folder, on_event=events.append, with_registers=True)
        except BuildFailed as failure:
            raise dg.Failure(description=f"{failure}.", allow_retries=False) from None
        for event in events:
            message = DbtCoreCliEventMessage(
                raw_event=msg_to_dict(event), event_history_metadata={}
            )
            yield from message.to_default_asset_events(
                manifest=manifest, dagster_dbt_translator=ConceptTranslator(), context=context
            )

    return build
