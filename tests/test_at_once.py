"""Two commands at once do what they do one after the other."""

from pathlib import Path

import at_once
import killed
import pytest
from conftest import Corrected, Refreshed, copy_home

#: What `make drill` alone begins.
MORE = {
    "a refresh and a backup",
    "a refresh and a token",
    "a refresh and the release of another month",
}
FEW = [pair for pair in at_once.PAIRS if pair.name not in MORE]


@pytest.mark.parametrize("pair", FEW, ids=lambda pair: pair.name)
def test_two_commands_at_once_do_their_work(
    pair: at_once.Pair, refreshed: Refreshed, corrected: Corrected, tmp_path: Path
) -> None:
    original = copy_home(refreshed.home, tmp_path / "original")
    killed.send_correction(original)
    seen = at_once.run(pair, original, corrected.home, tmp_path, 1)
    assert seen.times == 1
    assert seen.wrong == []
