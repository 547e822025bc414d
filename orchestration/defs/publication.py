"""Judging and publishing in Dagster: the gate, releases of both tiers, and the reading copy.

A county-month that is refused fails a check, not the run: all others go out, and the reading copy
is swapped.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import dagster as dg
from dagster_dbt import get_asset_key_for_model

from orchestration.defs.counties import SomeCounties
from orchestration.defs.failures import in_words
from orchestration.defs.partitions import month_of
from orchestration.defs.resources import WriterResource
from orchestration.defs.shown import (
    BOARD,
    GATE,
    PUBLIC_RELEASES,
    READING_COPY,
    RELEASES,
    SHOWN,
    shown,
)
from orchestration.gate.judge import Scope
from orchestration.products.declaration import Tier, judged_models
from orchestration.publication.editions.edition import publish_editions
from orchestration.publication.writing.release import Release
from orchestration.reading_copy.copy import write_reading_copy
from orchestration.refresh.failures import refresh_command
from orchestration.refresh.plan import plan, refuse_blocked
from orchestration.refresh.steps import (
    Step,
    judge_planned,
    make_sites,
    publish_public,
    publish_restricted,
)
from orchestration.registers.in_use import registers_in_use
from orchestration.runtime.dagster_home import WRITER_POOL
from orchestration.runtime.database import read_warehouse
from orchestration.runtime.office import serve_settings
from orchestration.runtime.settings import board_address
from sources.custody.home import Home
from sources.registers import NATION

#: The name of the step that makes all three.
PUBLISH = "publish"

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
        name=PUBLISH,
        specs=[
            dg.AssetSpec(
                GATE,
                group_name="quality",
                deps=judged,
                description="The verdict of each county for the month, kept as a record that every "
                "release is checked against. Months released before whose tables changed, or for "
                "which a day has come, are judged too.",
                metadata={BOARD: dg.MetadataValue.url(board_address())},
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
        # Without a policy a backfill is a run a month: one that is killed takes no other month
        # along. With BackfillPolicy.multi_run() its runs would lack the tag of their month.
        can_subset=True,
        pool=WRITER_POOL,
    )
    def publish(
        context: dg.AssetExecutionContext, config: SomeCounties, writer: WriterResource
    ) -> Iterator[dg.MaterializeResult[None]]:
        home = writer.folder
        again = refresh_command(month_of(context.partition_key))
        with in_words(home, Step.JUDGING, again) as report:
            yield from _publish_month(context, config, home, report)

    @dg.asset(group_name="publication", deps=[GATE, RELEASES, PUBLIC_RELEASES], pool=WRITER_POOL)
    def reading_copy(
        context: dg.AssetExecutionContext, writer: WriterResource
    ) -> dg.MaterializeResult[None]:
        """The second DuckDB file, for ad-hoc SQL, swapped in whole after a judgement.

        Of what the gate blocks its marts keep the last good rows; tables that were not judged are
        refused, whether or not a release was asked for in the same run.
        """
        with in_words(writer.folder, Step.SWAPPING):
            tables = write_reading_copy(writer.folder)
        if wrong := serve_settings(writer.folder)[1]:
            context.log.warning(str(wrong))
        with in_words(writer.folder, Step.SITES):
            sites = make_sites(writer.folder)
        with in_words(writer.folder, Step.SWAPPING):
            text = shown(writer.folder)[READING_COPY][None]
        return dg.MaterializeResult(metadata={"tables": tables, "sites": len(sites), SHOWN: text})

    return [publish, reading_copy]


def _publish_month(
    context: dg.AssetExecutionContext,
    config: SomeCounties,
    home: Home,
    report: Callable[[str], None],
) -> Iterator[dg.MaterializeResult[None]]:
    """Judge and publish a month, as far as the run is asked to."""
    month = month_of(context.partition_key)
    planned = plan(home, registers_in_use(home), [month], config.codes(home))

    def result(
        key: dg.AssetKey, refusals: Iterable[object], metadata: dict[str, Any]
    ) -> dg.MaterializeResult[None]:
        lines = [str(refusal) for refusal in refusals]
        if text := shown(home)[key].get(context.partition_key):
            metadata = metadata | {SHOWN: text}
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
                **_completeness(home, month),
            },
        )
    if not {RELEASES, PUBLIC_RELEASES} & context.selected_asset_keys:
        return
    restricted = publish_restricted(home, planned, report)
    if RELEASES in context.selected_asset_keys:
        yield result(RELEASES, restricted.refused, _made(home, restricted.released))
    if PUBLIC_RELEASES in context.selected_asset_keys:
        report(Step.PUBLISHING)
        public = publish_public(home, restricted)
        editions = publish_editions(home, report)
        yield result(
            PUBLIC_RELEASES,
            public.refused,
            {
                "published": len(public.releases),
                "new": sum(release.is_new for release in public.releases),
                "editions": len(editions),
                "folder": dg.MetadataValue.path(str(home.releases / Tier.PUBLIC)),
            },
        )


def _made(home: Home, released: Mapping[Scope, Release]) -> dict[str, Any]:
    """Return how much is released, and each new release with its number and what changed."""
    rows = [
        f"| {scope.county_code} | {scope.month:%Y-%m} | r{one.number} "
        f"| [CHANGES.md]({(one.path / 'CHANGES.md').as_uri()}) "
        f"| `krat findings list --county {scope.county_code} --month {scope.month:%Y-%m}` |"
        for scope, one in released.items()
        if one.is_new
    ]
    head = "| county | month | release | changes | findings |\n| --- | --- | --- | --- | --- |"
    return {
        "published": len(released),
        "new": len(rows),
        "counties": len({scope.county_code for scope in released} - {NATION}),
        "months": len({scope.month for scope in released}),
        "new_releases": dg.MetadataValue.md("\n".join([head, *rows]) if rows else "none"),
        "folder": dg.MetadataValue.path(str(home.releases / Tier.RESTRICTED)),
    }


def _completeness(home: Home, month: date) -> dict[str, Any]:
    """Return how many reports of a month were expected and received, of all counties together."""
    with read_warehouse(home) as connection:
        row = connection.execute(
            "select sum(expected)::bigint, sum(received)::bigint, sum(on_time)::bigint "
            "from publication.area_completeness where reporting_month = ? and county_code <> ?",
            [month, NATION],
        ).fetchone()
    expected, received, on_time = (int(each or 0) for each in row or (0, 0, 0))
    share = {"completeness": received / expected} if expected else {}
    return {"expected": expected, "received": received, "on_time": on_time, **share}
