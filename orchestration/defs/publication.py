"""Publication in Dagster: releases a month, and the reading copy."""

from datetime import datetime

import dagster as dg

from expectations.gate import GateRefused
from orchestration.defs.gate import gate, months
from orchestration.gate.judge import Scope, counties_with_reports
from orchestration.publication.finality import MonthIsFinal
from orchestration.publication.public import outdated, passes, release_public
from orchestration.publication.restricted import release
from orchestration.publication.writing.release import Release
from orchestration.reading_copy.copy import write_reading_copy
from orchestration.refresh.due import changed_since_release, due, note_released
from orchestration.runtime.dagster_home import PATIENCE_SECONDS, WRITER_POOL
from orchestration.runtime.settings import home_from_environment
from orchestration.runtime.writer_lock import one_writer


@dg.asset(group_name="publication", partitions_def=months, deps=[gate], pool=WRITER_POOL)
def releases(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """The month's release of each county whose gate record matches what would go out.

    Months released before whose tables changed, or for which a day has come, get a new release too.
    Fails, after publishing the others, when the gate refuses a county.
    """
    home = home_from_environment()
    month = datetime.strptime(context.partition_key, "%Y-%m").date()
    released: dict[Scope, Release] = {}
    refusals = []
    with one_writer(home, PATIENCE_SECONDS):
        asked = [Scope(county, month) for county in counties_with_reports(home)]
        others = dict.fromkeys([*changed_since_release(home), *due(home)])
        restated = [scope for scope in others if scope not in asked]
        for scope in [*asked, *restated]:
            try:
                released[scope] = release(home, scope.county_code, scope.month)
            except (GateRefused, MonthIsFinal) as refusal:
                refusals.append(f"{scope.county_code} {scope.month:%Y-%m}: {refusal}")
        note_released(home, list(released))
    if refusals:
        raise dg.Failure(
            description="; ".join(refusals),
            metadata={"published": len(released), "refused": len(refusals)},
            allow_retries=False,
        )
    return dg.MaterializeResult(
        metadata={
            "published": len(released),
            "new": sum(made.is_new for made in released.values()),
            "restated": ", ".join(
                f"{scope.county_code} {scope.month:%Y-%m}"
                for scope in restated
                if released[scope].is_new
            )
            or "none",
        }
    )


@dg.asset(group_name="publication", partitions_def=months, deps=[gate], pool=WRITER_POOL)
def public_releases(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """The month's release for anyone, of each county that the gate lets through.

    Months for which a day has come follow by themselves. Fails, with every public release as it
    was, when something small could be derived from them.
    """
    home = home_from_environment()
    month = datetime.strptime(context.partition_key, "%Y-%m").date()
    with one_writer(home, PATIENCE_SECONDS):
        asked = [Scope(county, month) for county in counties_with_reports(home)]
        others = dict.fromkeys([*outdated(home), *due(home)])
        coming = [scope for scope in others if scope not in asked]
        outcomes = [
            release_public(home, [scope for scope in scopes if passes(home, scope)])
            for scopes in (asked, coming)
        ]
    refusals = [outcome.refusal for outcome in outcomes if outcome.refusal]
    closed = [told for outcome in outcomes for told in outcome.closed.values()]
    if refusals or closed:
        raise dg.Failure(
            description="; ".join([*map(str, refusals), *closed]),
            metadata={"reasons": sum(len(refusal.reasons) for refusal in refusals)},
            allow_retries=False,
        )
    made = [release for outcome in outcomes for release in outcome.releases]
    return dg.MaterializeResult(
        metadata={"published": len(made), "new": sum(release.is_new for release in made)}
    )


@dg.asset(group_name="publication", deps=[releases], pool=WRITER_POOL)
def reading_copy() -> dg.MaterializeResult[None]:
    """The second DuckDB file, for ad-hoc SQL, swapped in whole after a release.

    Of what the gate blocks its marts keep the last good rows; tables that were not judged are
    refused, whether or not a release was asked for in the same run.
    """
    home = home_from_environment()
    with one_writer(home, PATIENCE_SECONDS):
        try:
            return dg.MaterializeResult(metadata={"tables": write_reading_copy(home)})
        except GateRefused as refusal:
            raise dg.Failure(description=str(refusal), allow_retries=False) from refusal
