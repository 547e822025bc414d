"""Where krat keeps its things, as the environment says."""

from pathlib import Path

import pytest

from orchestration.runtime.settings import home_from_environment, refresh_schedule


def test_the_home_is_data_in_the_current_folder_unless_said_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KRAT_HOME", raising=False)
    monkeypatch.delenv("KRAT_KEYS", raising=False)
    monkeypatch.chdir(tmp_path)
    home = home_from_environment()
    assert home.root == tmp_path / "data"
    assert not home.keys.is_relative_to(home.root)


def test_keys_inside_the_home_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KRAT_HOME", str(tmp_path))
    monkeypatch.setenv("KRAT_KEYS", str(tmp_path / "secrets"))
    with pytest.raises(ValueError, match="KRAT_KEYS lies inside KRAT_HOME"):
        home_from_environment()


def test_an_analyst_can_change_the_schedule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRAT_HOME", str(tmp_path / "home"))
    home = home_from_environment()
    assert refresh_schedule(home).timezone == "Europe/Tirane"
    home.root.mkdir()
    (home.root / "schedule.yml").write_text("cron: '0 7 12 * *'\ntimezone: Europe/Tirane\n")
    assert refresh_schedule(home).cron == "0 7 12 * *"
