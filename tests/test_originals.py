"""An original that is gone or damaged is noticed; one that was removed on purpose is not missed."""

import os
import shutil
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from test_keys import _log

from orchestration.alerts.channels import read_alerts
from orchestration.alerts.conditions import look
from orchestration.cli import cli
from orchestration.erasure.retention import delete_due, due
from orchestration.ingestion.door import take_in
from orchestration.ingestion.originals import lost_originals
from orchestration.runtime.settings import SEEDS
from sources.custody.home import Home
from sources.custody.vault import (
    IDENTITY,
    RECIPIENTS,
    LostPublicKey,
    UnknownOriginal,
    kept_in,
    remove_originals,
    sealed_original,
)
from sources.registers import load_registers


def send(home: Home, *names: str) -> None:
    folder = home.inbox / "AL-05"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        log = _log("one").replace("RL-77", f"RL-{name}")
        (folder / f"{name}.csv").write_text(log, encoding="utf-8")
    take_in(home, load_registers(SEEDS))


def krat(home: Home, *arguments: str) -> Result:
    environment = {"KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)}
    return CliRunner().invoke(cli, list(arguments), env=environment)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A data folder to which two logs came at once, and later another."""
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    send(home, "one", "two")
    send(home, "three")
    return home


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def test_a_damaged_table_is_for_a_refresh_to_tell(home: Home) -> None:
    for path in (home.raw / "deliveries").glob("*.parquet"):
        path.write_bytes(b"no table")
    assert lost_originals(home) == []
    assert krat(home, "backup", "--to", str(home.root.with_name("backups"))).exit_code == 0


@pytest.mark.parametrize(
    ("harm", "kind", "is_seen_at_once"),
    [
        (Path.unlink, "zip", True),
        (Path.unlink, "age", True),
        (cut_off, "zip", True),
        (spoil, "zip", False),
    ],
)
def test_what_is_lost_is_told(
    home: Home, harm: Callable[[Path], None], kind: str, *, is_seen_at_once: bool
) -> None:
    assert lost_originals(home, whole=True) == []
    assert krat(home, "vault", "verify").exit_code == 0
    by_size = sorted(home.vault.glob("*.zip"), key=lambda path: path.stat().st_size)
    harm(by_size[0].with_suffix(f".{kind}"))
    lost = lost_originals(home, whole=True)
    assert len(lost) == 1
    assert lost_originals(home) == (lost if is_seen_at_once else [])
    told = krat(home, "vault", "verify")
    assert (told.exit_code, told.stdout.split()) == (1, lost)
    assert "krat restore" in told.stderr
    assert "dëmtuar: 1" in told.stderr
    made = krat(home, "backup", "--to", str(home.root.with_name("backups")))
    assert made.exit_code == 0
    assert ("krat restore" in made.stderr) == is_seen_at_once
    alerts, _ = read_alerts(home)
    occurred = [each for each in look(home, alerts, datetime.now(UTC)) if "lost" in each.event]
    assert [each.count for each in occurred] == [1] * is_seen_at_once


def test_others_open_beside_a_damaged_archive(home: Home) -> None:
    damaged, *_ = sorted(home.vault.glob("*.zip"))
    with zipfile.ZipFile(damaged) as archive:
        gone = [name.removesuffix(".age") for name in archive.namelist()]
    damaged.write_bytes(b"no archive")
    for path in home.vault.glob("*.zip"):
        if path != damaged:
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    with sealed_original(home, name.removesuffix(".age")) as sealed:
                        assert sealed.read(3) == b"age"
    with pytest.raises(UnknownOriginal), sealed_original(home, gone[0]):
        pass


def test_what_is_removed_when_it_is_due_is_not_missed(home: Home) -> None:
    count = {one.period.id: one.count for one in due(home, date(2100, 1, 1))}["originals"]
    assert count == 3
    delete_due(home, date(2100, 1, 1))
    assert lost_originals(home, whole=True) == []
    assert not any(one.count for one in due(home, date(2100, 1, 1)))
    send(home, "four")
    shutil.rmtree(home.vault)
    assert len(lost_originals(home)) == 4


def test_others_are_kept_no_longer_where_a_removal_is_killed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = (one for one in home.vault.glob("*.zip") if len(zipfile.ZipFile(one).namelist()) == 2)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    first = zipfile.ZipFile(path).namelist()[0].removesuffix(".age")

    def kill(path: Path) -> None:
        if path.is_dir():
            raise KeyboardInterrupt

    monkeypatch.setattr("sources.atomic._sync", kill)
    with pytest.raises(KeyboardInterrupt):
        remove_originals(home, [first])
    with zipfile.ZipFile(path) as archive:
        assert len(kept_in(archive)) == 1
    assert path.stat().st_mtime == 1_700_000_000


def test_without_the_public_key_nothing_is_sealed_for_another(home: Home) -> None:
    (home.vault / RECIPIENTS).unlink()
    officer = (home.keys / IDENTITY).rename(home.root.with_name("officer"))
    for damaged in (None, b"", b"\xff\xfe", b"# a comment\nage1nothing\n"):
        if damaged is not None:
            (home.vault / RECIPIENTS).write_bytes(damaged)
        with pytest.raises(LostPublicKey, match="krat restore"):
            send(home, "four")
        assert not (home.keys / IDENTITY).exists()
    (home.vault / RECIPIENTS).unlink()
    # Where the private key lies on the machine, the public one comes of it again.
    officer.rename(home.keys / IDENTITY)
    send(home, "five")
    assert lost_originals(home, whole=True) == []
