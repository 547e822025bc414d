"""Dagster hears of verdicts and releases that the command line made, once."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from conftest import Refreshed

from orchestration.defs.resources import HomeResource
from orchestration.defs.shown import (
    PUBLIC_RELEASES,
    READING_COPY,
    RELEASES,
    SHOWN,
    published_elsewhere_sensor,
)
from sources.custody.home import Home


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def heard(home: Home, instance: dg.DagsterInstance, cursor: str | None) -> dg.SensorResult:
    result = published_elsewhere_sensor(
        dg.build_sensor_context(instance=instance, cursor=cursor),
        home=HomeResource(root=str(home.root), keys_folder=str(home.keys)),
    )
    assert isinstance(result, dg.SensorResult)
    return result


def test_what_the_command_line_made_is_told_once(
    refreshed: Refreshed, instance: dg.DagsterInstance
) -> None:
    first = heard(refreshed.home, instance, None)
    told = {(event.asset_key, event.partition): event for event in first.asset_events}
    assert {(RELEASES, "2023-05"), (PUBLIC_RELEASES, "2023-05"), (READING_COPY, None)} <= set(told)
    assert "AL-04 r1" in str(told[RELEASES, "2023-05"].metadata[SHOWN].value)
    for event in first.asset_events:
        instance.report_runless_asset_event(event)
    again = published_elsewhere_sensor(
        dg.build_sensor_context(instance=instance, cursor=first.cursor),
        home=HomeResource(root=str(refreshed.home.root), keys_folder=str(refreshed.home.keys)),
    )
    assert isinstance(again, dg.SkipReason)
    # A lost cursor tells nothing twice.
    assert not heard(refreshed.home, instance, None).asset_events
