"""Upkeep of what Dagster recorded: runs of killed processes end, old runs and output go.

Belongs here: what Dagster's own settings don't do. Not here: how long things are kept
(orchestration.runtime.dagster_home). Run as a program, before Dagster starts or once a day.
"""

import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from orchestration.defs.partitions import month_of_run
from orchestration.refresh.failures import ANY_MONTH, refresh_command
from orchestration.runtime.dagster_home import KeepDays, dagster_settings
from orchestration.runtime.settings import home_from_environment
from orchestration.runtime.writer_lock import AnotherWriter, one_writer
from sources.custody.home import Home

#: Argument of the program: nothing of Dagster runs, so no run can be in progress.
STOPPED = "--dagster-is-stopped"

_IN_PROGRESS = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def end_killed_runs(instance: dg.DagsterInstance, home: Home) -> int:
    """Report the runs as failed whose process was killed; return how many.

    Only for when Dagster is stopped. Where anyone writes the data folder, nothing is done: it may
    be a run.
    """
    try:
        with one_writer(home, name="upkeep of Dagster"):
            killed = instance.get_runs(dg.RunsFilter(statuses=_IN_PROGRESS))
            for run in killed:
                month = month_of_run(run.tags)
                again = refresh_command(month) if month else ANY_MONTH
                instance.report_run_failed(
                    run,
                    "The process of this run was killed: krat was stopped while it ran. What was "
                    f"published before stays. Next: {again}",
                )
            return len(killed)
    except AnotherWriter:
        return 0


def remove_old_runs(instance: dg.DagsterInstance, keep: KeepDays, now: datetime) -> int:
    """Remove runs that ended before they need be kept, with their events; return how many.

    A run stays that made the newest of an asset, of one of its months, or of a check: without it
    Dagster would hold that for missing.
    """
    old = instance.get_run_records(
        dg.RunsFilter(statuses=_ENDED, created_before=now - timedelta(days=keep.runs))
    )
    runs = [record.dagster_run.run_id for record in old]
    removed = [run for run in runs if not _made_the_newest(instance, run)]
    for run in removed:
        instance.delete_run(run)
    return len(removed)


def _made_the_newest(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Tell whether a run made the newest of an asset, of a month of it, or of a check."""
    kind = dg.DagsterEventType.ASSET_MATERIALIZATION
    for record in instance.get_records_for_run(run_id, of_type=kind).records:
        if made := record.event_log_entry.asset_materialization:
            months = [made.partition] if made.partition else None
            of_it = dg.AssetRecordsFilter(asset_key=made.asset_key, asset_partitions=months)
            [newest] = instance.fetch_materializations(of_it, limit=1).records
            if newest.run_id == run_id:
                return True
    kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION
    checks = [
        event.asset_check_evaluation_data.asset_check_key
        for record in instance.get_records_for_run(run_id, of_type=kind).records
        if (event := record.event_log_entry.dagster_event)
    ]
    newest_of_checks = instance.event_log_storage.get_asset_check_summary_records(checks)
    return any(
        last.run_id == run_id
        for one in newest_of_checks.values()
        if (last := one.last_check_execution_record)
    )


def remove_old_output(folder: Path, keep: KeepDays, now: datetime) -> int:
    """Remove what runs printed before it need be kept; return of how many runs."""
    removed = 0
    for run in folder.glob("*/"):
        if datetime.fromtimestamp(run.stat().st_mtime, UTC) < now - timedelta(days=keep.output):
            shutil.rmtree(run)
            removed += 1
    return removed


def tidy(home: Home, now: datetime, *, stopped: bool) -> dict[str, int]:
    """Do all of it; return what was done, by its name."""
    settings, _ = dagster_settings(home)
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        return {
            "ended_runs": end_killed_runs(instance, home) if stopped else 0,
            "removed_runs": remove_old_runs(instance, settings.keep_days, now),
            "removed_output": remove_old_output(home.dagster / "storage", settings.keep_days, now),
        }


if __name__ == "__main__":
    print(tidy(home_from_environment(), datetime.now(UTC), stopped=STOPPED in sys.argv))
