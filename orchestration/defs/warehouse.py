"""The warehouse in Dagster: raw tables, and dbt's models with their tests as checks."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, dbt_assets
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from orchestration.defs.ingestion import deliveries
from orchestration.linkage.link import link_persons
from orchestration.runtime.clock import today
from orchestration.runtime.dagster_home import PATIENCE_SECONDS, WRITER_POOL
from orchestration.runtime.settings import home_from_environment, manifest_path
from orchestration.runtime.writer_lock import one_writer
from orchestration.warehouse.build import build_warehouse
from orchestration.warehouse.load import load_raw

MANIFEST = manifest_path()


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


def _raw_tables() -> list[dg.AssetSpec]:
    import json

    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return [
        dg.AssetSpec(["raw", source["name"]], group_name="warehouse", deps=[deliveries])
        for source in manifest["sources"].values()
    ]


@dg.multi_asset(specs=_raw_tables(), pool=WRITER_POOL)
def raw_tables() -> Iterator[dg.MaterializeResult[None]]:
    """The raw schema of the warehouse, loaded from raw Parquet, and who is one person in it."""
    home = home_from_environment()
    with one_writer(home, PATIENCE_SECONDS):
        counts = load_raw(home, today())
        counts |= link_persons(home)
    for spec in _raw_tables():
        yield dg.MaterializeResult(
            asset_key=spec.key, metadata={"rows": counts.get(spec.key.path[-1], 1)}
        )


@dbt_assets(
    manifest=MANIFEST, dagster_dbt_translator=ConceptTranslator(), pool=WRITER_POOL, name="dbt"
)
def warehouse_models(context: dg.AssetExecutionContext) -> Iterator[Any]:
    """The star schema, built by dbt in this process, each test reported as a check."""
    from dbt_common.events.functions import msg_to_dict

    events: list[Any] = []
    home = home_from_environment()
    with one_writer(home, PATIENCE_SECONDS):
        build_warehouse(home, on_event=events.append, with_registers=True)
    for event in events:
        message = DbtCoreCliEventMessage(
            raw_event=msg_to_dict(event),
            event_history_metadata={},
        )
        yield from message.to_default_asset_events(
            manifest=MANIFEST, dagster_dbt_translator=ConceptTranslator(), context=context
        )
