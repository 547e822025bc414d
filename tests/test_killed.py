"""krat killed at any moment loses nothing; `make drill` kills it a thousand times."""

import random
from pathlib import Path

import killed
import pytest
from conftest import Corrected, Refreshed, copy_home


@pytest.mark.parametrize("work", killed.WORKS, ids=lambda work: work.name)
def test_what_is_killed_is_made_up_for(
    work: killed.KilledWork, refreshed: Refreshed, corrected: Corrected, tmp_path: Path
) -> None:
    if work.begin is killed.send_correction:
        whole = corrected.whole
    else:
        whole = killed.not_killed(work, copy_home(refreshed.home, tmp_path / "whole"))
    # A refresh takes half a minute; the others are killed more often.
    times = 1 if work.ends is killed.refreshed else 3
    tally = killed.kill_at(work, whole, refreshed.home, tmp_path, times, random.Random(work.name))
    assert tally.kills == times
    assert tally.lost == []
