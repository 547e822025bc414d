"""A file of the data folder that is gone or damaged is made again, or told and asked for."""

import random
from pathlib import Path

import killed
import pytest
import underfoot
from conftest import Refreshed

#: What `make drill` alone does: the home of these tests has no such files.
NOT_THERE = {"registers_in_use/**/*", "decisions/*"}


@pytest.mark.parametrize("kind", sorted(underfoot.KINDS.keys() - NOT_THERE))
def test_what_is_changed_underfoot_is_made_again_or_told(
    kind: str, refreshed: Refreshed, tmp_path: Path
) -> None:
    expected = killed.refreshed(refreshed.home)
    seen = underfoot.meddle(refreshed.home, tmp_path, kind, 1, random.Random(kind), expected)
    assert seen.times == 1
    assert seen.wrong == []
