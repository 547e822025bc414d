"""Runs that are asked for once, and again where they failed.

Belongs here: whether a piece of work was done, is being done, or failed too often. Not here: what
the work is (schedules, sensors).
"""

import dagster as dg

#: The tag of a run that says what it was asked for.
TAG = "krat/asked_for"

#: How often a run is tried.
MOST = 3


def next_attempt(instance: dg.DagsterInstance, asked_for: str) -> int | None:
    """Return the number of the next run for something, from 1; None if none is needed or left.

    A run key alone would count failed runs as done.
    """
    failed = _failures(instance, asked_for)
    if instance.get_runs_count(dg.RunsFilter(tags={TAG: asked_for})) > failed or failed >= MOST:
        return None
    return failed + 1


def has_given_up(instance: dg.DagsterInstance, asked_for: str) -> bool:
    """Return whether every attempt has failed."""
    return _failures(instance, asked_for) >= MOST


def _failures(instance: dg.DagsterInstance, asked_for: str) -> int:
    statuses = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    return instance.get_runs_count(dg.RunsFilter(tags={TAG: asked_for}, statuses=statuses))
