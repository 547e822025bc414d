"""Files that were in order until something in them was changed are all answered."""

import random
from pathlib import Path

import mutated
from canaries import Canaries
from conftest import Refreshed
from programs import LibreOffice


def test_changed_files_are_answered_and_leak_nothing(
    refreshed: Refreshed, tmp_path: Path, libreoffice: LibreOffice
) -> None:
    planted = Canaries()
    good = mutated.good_files(planted, libreoffice.convert)
    assert set(good) == {"xlsx", "csv", "ods", "xls"}
    seen = mutated.send(refreshed.home, tmp_path, good, planted.planted, 10, random.Random(3))
    assert seen.sent == 60
    assert seen.accepted and seen.refused
    assert seen.wrong == []
