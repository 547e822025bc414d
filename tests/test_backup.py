"""Backups: whole whatever runs meanwhile, closed to all but the officer, equal when restored."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from conftest import MAY
from hypothesis import given
from hypothesis import strategies as st
from pyrage.x25519 import Identity
from test_keys import LOG_HEAD, _put, _send
from test_two_ways import contents, file_bytes

from orchestration.backup import make, store
from orchestration.backup.make import CannotBackUp, Made, make_backup
from orchestration.backup.restore import CannotRestore, restore
from orchestration.backup.store import NoBackup, backups_in, faults_in, kept_ids, object_path, thin
from orchestration.cli import cli
from orchestration.ingestion.door import take_in
from orchestration.publication.writing.signing import signing_key
from orchestration.refresh.steps import refresh
from orchestration.runtime.office import Keep, backup_settings
from orchestration.runtime.settings import SEEDS, prepare_process
from orchestration.runtime.writer_lock import AnotherWriter, one_writer
from orchestration.service.units import ForWhom, units
from sources.custody import audit, journal, rekeying
from sources.custody.home import Home
from sources.custody.pseudonyms import Pseudonyms, read_keys
from sources.custody.vault import IDENTITY, NotOpened
from sources.registers import load_registers

pytestmark = pytest.mark.slow

NONE_OLD = Keep(days=0, weeks=0, months=0)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A data folder with one log, whose officer took the private key away."""
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    _send(home, "one")
    # The first backup or release would make these.
    signing_key(home.keys)
    Pseudonyms(home.keys).key(make.PURPOSE, "")
    (home.keys / IDENTITY).rename(tmp_path / "officer.txt")
    return home


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "store"


def _restored(place: Path, folder: Path, backup_id: str | None = None) -> Home:
    home = Home(root=folder / "back", keys=folder / "back-keys")
    restore(place, home, folder / "officer.txt", backup_id)
    return home


def _lasting(home: Home) -> dict[str, bytes]:
    """Return the bytes of what a backup is to keep; the log goes on with each backup."""
    kept = {}
    for top in ("raw", "vault", "quarantine", "decisions", "inbox", "version"):
        path = home.root / top
        files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
        kept |= {
            str(each.relative_to(home.root)): each.read_bytes()
            for each in files
            if each.suffix != ".lock"
        }
    return kept | {
        path.name: path.read_bytes()
        for path in home.keys.iterdir()
        if path.name not in (IDENTITY, audit.HEAD)
    }


def test_what_is_restored_is_what_was_there(home: Home, place: Path, tmp_path: Path) -> None:
    _put(home, "two")
    os.utime(home.inbox / "AL-05" / "log.csv", ns=(5, 1_700_000_000_123_456_789))
    made = make_backup(home, place)
    back = _restored(place, tmp_path)
    assert _lasting(back) == _lasting(home)
    assert made.left == 0
    waits = back.inbox / "AL-05" / "log.csv"
    assert waits.stat().st_mtime_ns == 1_700_000_000_123_456_789
    assert all(path.stat().st_mode & 0o077 == 0 for path in back.root.rglob("*"))
    assert audit.faults(back) == []
    assert [entry["action"] for entry in journal.read(back.audit)] == [
        "refresh.taken_in", "backup.restored",
    ]  # fmt: skip
    assert [entry["action"] for entry in journal.read(home.audit)][-1] == "backup.made"
    # krat goes on in it: what comes links with what is stored.
    assert take_in(back, load_registers(SEEDS)).accepted == 1


def test_the_store_tells_nothing_to_who_lacks_the_key(
    home: Home, place: Path, tmp_path: Path
) -> None:
    make_backup(home, place)
    key = (home.keys / "case.key").read_bytes()
    stored = b"".join(
        str(path.relative_to(place)).encode() + path.read_bytes()
        for path in place.rglob("*")
        if path.is_file()
    )
    delivery = pq.read_table(next((home.raw / "deliveries").glob("*")))["delivery_id"][0].as_py()
    for secret in (key, b"case.key", b"AL-05", delivery.encode(), b"parquet", LOG_HEAD.encode()):
        assert secret not in stored
    assert not any((tmp_path / "officer.txt").read_bytes() in part for part in [stored])
    (tmp_path / "officer.txt").write_text(f"{Identity.generate()}\n")
    with pytest.raises(NotOpened):
        _restored(place, tmp_path)
    assert not (tmp_path / "back").exists()


def test_the_private_key_is_in_no_backup(home: Home, place: Path, tmp_path: Path) -> None:
    shutil.copy(tmp_path / "officer.txt", home.keys / IDENTITY)
    make_backup(home, place)
    back = _restored(place, tmp_path)
    assert not (back.keys / IDENTITY).exists()
    assert (back.keys / "case.key").exists()


def test_only_what_is_new_is_written(home: Home, place: Path) -> None:
    first = make_backup(home, place)
    objects = set((place / "objects").rglob("*.age"))
    second = make_backup(home, place)
    # The log has one entry more.
    assert (first.new_objects, second.new_objects) == (len(objects), 1)
    _send(home, "two")
    third = make_backup(home, place)
    assert 3 <= third.new_objects < first.new_objects
    # Without the note of what was written all is read again, and nothing is written twice.
    home.backed_up.unlink()
    assert make_backup(home, place).new_objects == 1
    assert objects < set((place / "objects").rglob("*.age"))


def _change_all(home: Home) -> None:
    rekeying.rotate(home, "case", "yearly")
    rekeying.rotate(home, "contact", "yearly")
    _send(home, "two")
    audit.enter(home, "findings", decision="sent", finding_ids=["f"])


@pytest.mark.parametrize("has_links", [True, False])
def test_a_backup_is_of_one_moment_whatever_is_done_while_it_is_written(
    home: Home, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_links: bool
) -> None:
    before = _lasting(home)
    keep = make._Objects.keep
    meanwhile: list[Callable[[Home], None]] = [_change_all]

    def late(self: make._Objects, seen: make._Seen) -> make.KeptFile:
        if meanwhile:
            # It needs the lock of the data folder and that of the log: both are free by now.
            with one_writer(home):
                meanwhile.pop()(home)
        return keep(self, seen)

    monkeypatch.setattr(make._Objects, "keep", late)
    if not has_links:
        monkeypatch.setattr(make, "_linked", lambda *_: False)
    make_backup(home, place)
    assert _lasting(home) != before
    back = _restored(place, tmp_path)
    assert _lasting(back) == before
    assert not list(home.root.glob(".backup*"))
    # The keys are those of that moment too.
    assert len(read_keys(back.keys, "case") or []) == 1


def test_a_backup_waits_for_a_refresh_and_no_longer_than_it_is_told(
    home: Home, place: Path
) -> None:
    told: list[str] = []
    with one_writer(home, name="krat refresh"), pytest.raises(AnotherWriter, match="krat refresh"):
        make_backup(home, place, wait_seconds=0.01, report=told.append)
    assert "waiting" in told[0]
    assert backups_in(place) == []
    assert make_backup(home, place).files


def test_a_backup_that_breaks_off_leaves_the_one_before(
    home: Home, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_backup(home, place)
    before = _lasting(home)
    _send(home, "two")
    [first] = backups_in(place)
    with monkeypatch.context() as broken:
        broken.setattr(make, "write_backup", _no_power)
        with pytest.raises(OSError, match="no power"):
            make_backup(home, place)
    with monkeypatch.context() as broken:
        broken.setattr(store, "rename_folder", _no_power)
        with pytest.raises(OSError, match="no power"):
            make_backup(home, place)
    assert backups_in(place) == [first]
    assert _lasting(_restored(place, tmp_path)) == before
    # What was left of it is written anew, or removed with what isn't kept.
    made = make_backup(home, place, NONE_OLD)
    [newest] = backups_in(place)
    assert newest.backup_id == made.backup_id
    assert faults_in(place, newest) == []
    assert {path.stem for path in (place / "objects").rglob("*.age")} == set(newest.objects)
    assert not list((place / "backups").glob(".*"))


def _no_power(*_: object) -> None:
    raise OSError("no power")


def test_removing_old_backups_leaves_what_the_others_need(
    home: Home, place: Path, tmp_path: Path
) -> None:
    first = make_backup(home, place)
    _send(home, "two")
    second = make_backup(home, place)
    now = datetime.now(UTC)
    assert thin(place, Keep(days=1, weeks=0, months=0), now) == []
    assert thin(place, NONE_OLD, now + timedelta(days=40)) == [first.backup_id]
    assert [each.backup_id for each in backups_in(place)] == [second.backup_id]
    assert _lasting(_restored(place, tmp_path)) == _lasting(home)


@given(
    ages=st.lists(st.integers(0, 1500), min_size=1, unique=True),
    days=st.integers(0, 30),
    weeks=st.integers(0, 10),
    months=st.integers(0, 24),
)
def test_the_newest_is_kept_and_so_is_the_last_of_each_day_week_and_month_that_is_wanted(
    ages: list[int], days: int, weeks: int, months: int
) -> None:
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    moments = {f"{now - timedelta(days=age):%Y%m%dT%H%M%SZ}-00000000": age for age in ages}
    kept = kept_ids(list(moments), Keep(days=days, weeks=weeks, months=months), now)
    assert min(moments, key=lambda each: moments[each]) in kept
    assert {each for each, age in moments.items() if age <= days} <= kept
    oldest = max(days, 7 * weeks, 31 * months)
    assert all(moments[each] <= oldest for each in kept) or len(kept) == 1
    for wanted, part in ((7 * weeks, "%G-%V"), (31 * months, "%Y-%m")):
        for age in (age for age in ages if age <= wanted):
            of_it = f"{now - timedelta(days=age):{part}}"
            assert any(f"{now - timedelta(days=moments[each]):{part}}" == of_it for each in kept)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)


TAMPERINGS: dict[str, Callable[[Path, store.Backup], None]] = {
    "an object is changed": lambda place, one: _flip(object_path(place, next(iter(one.objects)))),
    "an object is gone": lambda place, one: object_path(place, next(iter(one.objects))).unlink(),
    "the manifest is changed": lambda _, one: _flip(one.folder / store.MANIFEST),
    "the list is changed": lambda _, one: _flip(one.folder / store.LIST),
    "the signature is gone": lambda _, one: (one.folder / store.SIGNATURE).unlink(),
    "the key is another": lambda _, one: (one.folder / "release-key.pem").write_bytes(b"none"),
}


@pytest.mark.parametrize("how", TAMPERINGS)
def test_what_was_changed_in_the_store_is_not_restored(
    how: str, home: Home, place: Path, tmp_path: Path
) -> None:
    make_backup(home, place)
    [one] = backups_in(place)
    TAMPERINGS[how](place, one)
    with pytest.raises(NoBackup):
        _restored(place, tmp_path)
    assert not (tmp_path / "back").exists()
    assert not (tmp_path / "back-keys").exists()


def test_a_backup_by_another_is_refused_to_who_knows_the_key(
    home: Home, place: Path, tmp_path: Path
) -> None:
    make_backup(home, place)
    back = Home(root=tmp_path / "back", keys=tmp_path / "back-keys")
    with pytest.raises(NoBackup, match="signed by the key"):
        restore(place, back, tmp_path / "officer.txt", trusted="0" * 64)
    assert not back.root.exists()


def test_a_folder_that_holds_something_is_left_alone(
    home: Home, place: Path, tmp_path: Path
) -> None:
    make_backup(home, place)
    (tmp_path / "back-keys").mkdir()
    (tmp_path / "back-keys" / "case.key").write_text("precious")
    with pytest.raises(CannotRestore, match="back-keys"):
        _restored(place, tmp_path)
    assert (tmp_path / "back-keys" / "case.key").read_text() == "precious"
    with pytest.raises(CannotBackUp, match="another disk"):
        make_backup(home, home.root / "store")


def _krat(home: Home, *arguments: str) -> Result:
    environment = {"KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)}
    return CliRunner().invoke(cli, list(arguments), env=environment)


def test_the_commands_make_list_check_and_restore_and_the_log_is_held_against_backups(
    home: Home, place: Path, tmp_path: Path
) -> None:
    assert _krat(home, "backup").exit_code == 2
    (home.root / "backup.yml").write_text(
        f'to: "{place}"\nat: "02:30"\nkeep: {{days: 1, weeks: 0, months: 0}}\n', encoding="utf-8"
    )
    made = _krat(home, "backup")
    assert made.exit_code == 0, made.output
    [one] = backups_in(place)
    assert one.backup_id in made.output
    assert "is whole" in _krat(home, "backup", "--check").output
    assert _krat(home, "audit", "verify").exit_code == 0
    key = str(tmp_path / "officer.txt")
    told = _krat(home, "restore", str(tmp_path / "back"), "--from", str(place), "--key", key)
    assert told.exit_code == 0, told.output
    assert "krat refresh --month YYYY-MM" in told.output
    assert one.backup_id in _krat(home, "backup", "--list").output
    # Who cuts the log and the note beside the keys doesn't reach the backup.
    home.audit.write_bytes(b"")
    (home.keys / audit.HEAD).unlink()
    cut = _krat(home, "audit", "verify")
    assert cut.exit_code == 1
    assert f"{one.backup_id} knows of 1" in cut.output
    _flip(object_path(place, next(iter(one.objects))))
    assert _krat(home, "backup", "--check").exit_code == 1


def test_dagster_makes_a_backup_where_the_service_may_write(
    home: Home, place: Path, tmp_path: Path
) -> None:
    import dagster as dg

    from orchestration.defs.backups import backup_job, backup_schedule
    from orchestration.defs.resources import HomeResource

    resources = {"home": HomeResource(root=str(home.root), keys_folder=str(home.keys))}

    def run() -> bool:
        with dg.DagsterInstance.ephemeral() as instance:
            return backup_job.execute_in_process(
                instance=instance, resources=resources, raise_on_error=False
            ).success

    assert not run()
    settings = 'to: "{}"\nat: "02:05"\nkeep: {{days: 1, weeks: 0, months: 0}}\n'
    (home.root / "backup.yml").write_text(settings.format(place), encoding="utf-8")
    assert run()
    assert len(backups_in(place)) == 1
    schedule = backup_schedule(backup_settings(home)[0], "Europe/Tirane")
    assert schedule.cron_schedule == "5 2 * * *"
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    made = units(ForWhom(home, tmp_path / "krat", None))
    assert f"ReadWritePaths={home.root} {home.keys} {place}" in made["krat-daemon.service"]
    assert str(place) not in made["krat-serve.service"]


@pytest.mark.data
def test_a_restored_folder_refreshes_to_equal_marts_and_releases_nothing_anew(
    own_home: Home, tmp_path: Path
) -> None:
    """The drill of a lost machine, and with it of a lost warehouse: no backup holds that."""
    officer = tmp_path / "officer.txt"
    (own_home.keys / IDENTITY).rename(officer)
    made: Made = make_backup(own_home, tmp_path / "store")
    before = {name: contents(own_home.root / f"{name}.duckdb") for name in ("marts", "warehouse")}
    releases = file_bytes(own_home.releases)
    shutil.rmtree(own_home.root)
    shutil.rmtree(own_home.keys)
    back = _restored(tmp_path / "store", tmp_path)
    assert not back.warehouse.exists()
    assert contents(back.marts) == before["marts"]
    back.marts.unlink()
    prepare_process(back)
    outcome = refresh(back, [MAY])
    assert made.files > 100
    assert not any(release.is_new for release in outcome.releases)
    assert contents(back.marts) == before["marts"]
    after = contents(back.warehouse)
    assert after.keys() == before["warehouse"].keys()
    differing = {name for name in after if after[name] != before["warehouse"][name]}
    # What dbt says of its run, and from which files, by their times, tables were loaded.
    assert {name for name in differing if not name.startswith("ops.")} == set()
    assert file_bytes(back.releases) == releases
    assert audit.faults(back) == []
    assert json.loads((back.gate / "released.json").read_text(encoding="utf-8"))
