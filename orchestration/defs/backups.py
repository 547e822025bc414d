"""Backups in Dagster: one a day, as backup.yml has it.

Belongs here: the job and its schedule. Not here: a backup (orchestration.backup).
"""

from pathlib import Path

import dagster as dg

from orchestration.backup.make import make_backup
from orchestration.defs.failures import in_words
from orchestration.defs.resources import HomeResource, writer_name
from orchestration.runtime.dagster_home import WRITER_POOL
from orchestration.runtime.office import BackupSettings, backup_settings
from orchestration.runtime.settings import WAIT_SECONDS


@dg.op(pool=WRITER_POOL)
def back_up(context: dg.OpExecutionContext, home: HomeResource) -> None:
    """Make a backup, and remove those that need not be kept."""
    folder = home.folder
    settings, wrong = backup_settings(folder)
    if wrong:
        context.log.warning(str(wrong))
    if not settings.to:
        raise dg.Failure(
            "It isn't known where the backup goes. Next: write it into backup.yml.",
            allow_retries=False,
        )
    with in_words(folder, "making a backup", "krat backup") as report:
        made = make_backup(
            folder, Path(settings.to), settings.keep, WAIT_SECONDS, writer_name(context.run), report
        )
    context.log.info(f"{made.backup_id}: {made.files} files, {made.new_objects} new")


@dg.job(name="backup", description="An encrypted backup of the data folder and its keys.")
def backup_job() -> None:
    """Make a backup."""
    back_up()


def backup_schedule(settings: BackupSettings, timezone: str) -> dg.ScheduleDefinition:
    """Return the schedule of backups; it is off where no place for them is set."""
    hour, minute = settings.at.split(":")
    return dg.ScheduleDefinition(
        name="backup_schedule",
        job=backup_job,
        cron_schedule=f"{int(minute)} {int(hour)} * * *",
        execution_timezone=timezone,
        description="A backup a day. Where to and when: backup.yml.",
        default_status=(
            dg.DefaultScheduleStatus.RUNNING if settings.to else dg.DefaultScheduleStatus.STOPPED
        ),
    )
