"""Trouble with the disk or the memory is told, loses nothing, and is made up for."""

import random
from pathlib import Path

import killed
import pytest
import troubled
from conftest import Corrected, Refreshed, copy_home


@pytest.mark.parametrize("name", troubled.TROUBLES)
def test_trouble_is_told_and_made_up_for(
    name: str, refreshed: Refreshed, corrected: Corrected, tmp_path: Path
) -> None:
    if why := troubled.can_be_made(name):
        pytest.skip(f"no file system of its own can be had: {why}")
    original = copy_home(refreshed.home, tmp_path / "original")
    killed.send_correction(original)
    seen = troubled.meet(original, tmp_path, name, 1, random.Random(1), corrected.whole.comes_to)
    is_told = bool(troubled.TROUBLES[name].told)
    assert (seen.times, seen.untroubled) == (1, 0 if is_told else 1)
    assert seen.wrong == []
