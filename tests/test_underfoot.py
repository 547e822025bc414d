"""A file of the data folder that is gone or damaged is made again, or told and asked for."""

import random
from pathlib import Path

import killed
import pytest
import underfoot
from conftest import MAY, Refreshed, copy_home

from orchestration.refresh.steps import refresh
from sources.custody.home import Home


@pytest.fixture(scope="module")
def whole(refreshed: Refreshed, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, object]:
    """A home with a report in its inbox, and what a refresh of it comes to."""
    folder = tmp_path_factory.mktemp("underfoot")
    original = copy_home(refreshed.home, folder / "original")
    killed.send_correction(original)
    other = copy_home(original, folder / "whole")
    refresh(other, [MAY], "AL-04")
    return original, killed.refreshed(other)


@pytest.mark.parametrize("kind", underfoot.KINDS)
def test_what_is_changed_underfoot_is_made_again_or_told(
    kind: str, whole: tuple[Home, object], tmp_path: Path
) -> None:
    original, expected = whole
    seen = underfoot.meddle(original, tmp_path, kind, 1, random.Random(kind), expected)
    assert seen.times == 1
    assert seen.wrong == []
