"""Alerts in Dagster: the sensor that sends what is due, and the one that notices failed runs.

Belongs here: what only Dagster knows. Not here: other events, channels and messages
(orchestration.alerts).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.alerts.conditions import SILENCE, leave_trace
from orchestration.alerts.events import EventKind, Occurrence
from orchestration.alerts.outbox import notice, send_due
from orchestration.defs.failures import in_words
from orchestration.defs.partitions import month_of_run
from orchestration.defs.resources import HomeResource
from orchestration.runtime.clock import today
from orchestration.serving.tokens import last_days

#: Schedules ask once a day.
_SCHEDULE_SILENCE = timedelta(hours=25)


@dg.sensor(
    name="alerts_sensor",
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends alerts: what is due by alerts.yml, each thing once to a channel.",
)
def alerts_sensor(context: dg.SensorEvaluationContext, home: HomeResource) -> dg.SkipReason:
    """Send what is due; look at ticks too, unless Dagster itself was off until now."""
    with in_words(home.folder, "sending alerts", "krat alerts send"):
        now = datetime.now(UTC)
        seen = set(context.cursor.split()) if context.cursor else set()
        # After a pause every schedule is behind, and catches up by itself.
        silent = list(_silent(context.instance, now)) if leave_trace(home.folder, now) else []
        for key in silent:
            if key not in seen:
                notice(home.folder, Occurrence(EventKind.NO_TICK, key), now)
        context.update_cursor(" ".join(silent))
        tried = send_due(home.folder, now, last_days(home.folder, today()))
        failed = sum(each.failure is not None for each in tried)
        return dg.SkipReason(f"{len(tried) - failed} alerts sent, {failed} did not arrive.")


@dg.run_failure_sensor(
    name="failed_runs_sensor",
    monitor_all_code_locations=True,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Keeps that a run failed, for the next alert.",
)
def failed_runs_sensor(context: dg.RunFailureSensorContext, home: HomeResource) -> None:
    """Keep that a run failed, and of which month; no text of it."""
    with in_words(home.folder, "keeping that a run failed", "krat ui"):
        run = context.dagster_run
        notice(
            home.folder,
            Occurrence(EventKind.RUN_FAILED, f"run:{run.run_id}", month=month_of_run(run.tags)),
            datetime.now(UTC),
        )


alert_sensors = [alerts_sensor, failed_runs_sensor]


def _silent(instance: dg.DagsterInstance, now: datetime) -> Iterator[str]:
    """Yield a key for each schedule or sensor that is on and failed, or did not tick in time."""
    for state in instance.all_instigator_state():
        if state.status.value == "STOPPED":
            continue
        ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
        if not ticks:
            continue
        at = datetime.fromtimestamp(ticks[0].timestamp, UTC)
        if ticks[0].status.value == "FAILURE":
            # One that fails every minute is one event a day.
            yield f"failed:{state.selector_id}:{at:%Y-%m-%d}"
        elif now - at > _allowed(state.instigator_type.value):
            yield f"late:{state.selector_id}:{at.timestamp()}"


def _allowed(kind: str) -> timedelta:
    return SILENCE if kind == "SENSOR" else _SCHEDULE_SILENCE
