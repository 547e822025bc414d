"""Judging and publishing in Dagster: the gate, releases of both tiers, and the reading copy.

A county-month that is refused fails a check, not the run: all others go out, and the reading copy
is swapped.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg
from dagster_dbt import get_asset_key_for_model

from expectations.gate import GateRefused
from orchestration.defs.partitions import month_of
from orchestration.defs.resources import WriterResource
from orchestration.gate.judge import Scope
from orchestration.products.declaration import judged_models
from orchestration.publication.editions.edition import publish_editions
from orchestration.reading_copy.copy import write_reading_copy
from orchestration.refresh.plan import plan, refuse_blocked
from orchestration.refresh.steps import judge_planned, publish_public, publish_restricted
from orchestration.registers.in_use import registers_in_use
from orchestration.runtime.dagster_home import WRITER_POOL

GATE = dg.AssetKey("gate")
RELEASES = dg.AssetKey("releases")
PUBLIC_RELEASES = dg.AssetKey("public_releases")

#: The check of each asset that a refusal fails.
CHECKS = {
    GATE: "the_gate_lets_every_county_through",
    RELEASES: "every_county_is_released",
    PUBLIC_RELEASES: "every_county_is_released_in_public",
}

CHECKED = (
    "Fails where a county-month is refused. Each line names the county, the month, the reason and "
    "the command to run next. All others went out."
)


def publication(
    models: dg.AssetsDefinition, months: dg.MonthlyPartitionsDefinition
) -> list[dg.AssetsDefinition]:
    """Return the assets from the gate to the reading copy, on dbt's `models`."""
    judged = [get_asset_key_for_model([models], name) for name in judged_models()]

    @dg.multi_asset(
        name="publish",
        specs=[
            dg.AssetSpec(
                GATE,
                group_name="quality",
                deps=judged,
                description="The verdict of each county for the month, kept as a record that every "
                "release is checked against. Months released before whose tables changed, or for "
                "which a day has come, are judged too.",
            ),
            dg.AssetSpec(
                RELEASES,
                group_name="publication",
                deps=[GATE],
                description="The month's release of each county whose gate record matches what "
                "would go out. Months released before whose tables changed, or for which a day has "
                "come, get a new release too.",
            ),
            dg.AssetSpec(
                PUBLIC_RELEASES,
                group_name="publication",
                deps=[RELEASES],
                description="The month's release for anyone, of each county that is released, and "
                "the editions of counts of persons whose day has come.",
            ),
        ],
        check_specs=[
            dg.AssetCheckSpec(name, asset=key, description=CHECKED) for key, name in CHECKS.items()
        ],
        partitions_def=months,
        can_subset=True,
        pool=WRITER_POOL,
    )
    def publish(
        context: dg.AssetExecutionContext, writer: WriterResource
    ) -> Iterator[dg.MaterializeResult[None]]:
        home = writer.folder
        planned = plan(home, registers_in_use(home), [month_of(context.partition_key)])

        def result(
            key: dg.AssetKey, refusals: Iterable[object], metadata: dict[str, Any]
        ) -> dg.MaterializeResult[None]:
            lines = [str(refusal) for refusal in refusals]
            check = dg.AssetCheckResult(
                asset_key=key,
                check_name=CHECKS[key],
                passed=not lines,
                severity=dg.AssetCheckSeverity.ERROR,
                description="\n".join(lines) or None,
                metadata={"refused": len(lines)},
            )
            is_asked = dg.AssetCheckKey(key, CHECKS[key]) in context.selected_asset_check_keys
            return dg.MaterializeResult(
                asset_key=key, metadata=metadata, check_results=[check] if is_asked else []
            )

        if GATE in context.selected_asset_keys:
            records = judge_planned(home, planned)
            blocked = [
                refuse_blocked(
                    Scope(record.county_code, record.reporting_month),
                    f"the gate blocks it: {record.blocking_text()}",
                )
                for record in records
                if record.verdict != "pass"
            ]
            yield result(
                GATE,
                blocked,
                {
                    "judged": len(records),
                    "blocked": len(blocked),
                    "findings": sum(record.flagged_count for record in records),
                },
            )
        if not {RELEASES, PUBLIC_RELEASES} & context.selected_asset_keys:
            return
        restricted = publish_restricted(home, planned)
        if RELEASES in context.selected_asset_keys:
            yield result(RELEASES, restricted.refused, _counts(restricted.released.values()))
        if PUBLIC_RELEASES in context.selected_asset_keys:
            public = publish_public(home, restricted)
            editions = publish_editions(home)
            yield result(
                PUBLIC_RELEASES,
                public.refused,
                {**_counts(public.releases), "editions": len(editions)},
            )

    @dg.asset(group_name="publication", deps=[GATE, RELEASES, PUBLIC_RELEASES], pool=WRITER_POOL)
    def reading_copy(writer: WriterResource) -> dg.MaterializeResult[None]:
        """The second DuckDB file, for ad-hoc SQL, swapped in whole after a judgement.

        Of what the gate blocks its marts keep the last good rows; tables that were not judged are
        refused, whether or not a release was asked for in the same run.
        """
        try:
            return dg.MaterializeResult(metadata={"tables": write_reading_copy(writer.folder)})
        except GateRefused as refusal:
            raise dg.Failure(description=str(refusal), allow_retries=False) from None

    return [publish, reading_copy]


def _counts(releases: Iterable[Any]) -> dict[str, int]:
    made = list(releases)
    return {"published": len(made), "new": sum(release.is_new for release in made)}
