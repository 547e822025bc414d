"""The warehouse at rest: encrypted by a key that lies elsewhere, once a real report came."""

import os
import shutil
import threading
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner
from test_made_up import write_real

from orchestration.cli import cli
from orchestration.ingestion.door import take_in
from orchestration.linkage.link import link_persons
from orchestration.runtime import dbt_warehouse
from orchestration.runtime.database import (
    NoWarehouseKey,
    attach_warehouse,
    open_in_memory,
    read_warehouse,
    write_warehouse,
)
from orchestration.runtime.settings import (
    DBT_TARGET,
    SEEDS,
    WAREHOUSE_KEY,
    dbt_home,
    prepare_process,
)
from orchestration.warehouse.build import build_warehouse
from orchestration.warehouse.load import load_raw
from sources.custody.home import Home
from sources.custody.warehouse_key import read_key
from sources.example.generate import write_example
from sources.registers import load_registers

DAY = date(2023, 7, 1)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that loaded what Fier sent in earnest in 2023."""
    folder = tmp_path_factory.mktemp("real")
    home = Home(root=folder / "home", keys=folder / "keys")
    write_real(home.inbox)
    take_in(home, load_registers(SEEDS))
    load_raw(home, DAY)
    return home


@pytest.fixture
def home(loaded: Home, tmp_path: Path) -> Home:
    """A copy that a test may change."""
    copy = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    shutil.copytree(loaded.root, copy.root)
    shutil.copytree(loaded.keys, copy.keys)
    return copy


def deliveries(home: Home) -> int:
    with read_warehouse(home) as connection:
        [(count,)] = connection.execute("select count(*) from raw.deliveries").fetchall()
    return int(count)


def krat(home: Home, *arguments: str, **more: str) -> tuple[int, str]:
    environment = {"KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys), **more}
    done = CliRunner().invoke(cli, arguments, env=environment)
    return done.exit_code, done.output + str(done.exception or "")


def test_made_up_reports_need_no_key(tmp_path: Path) -> None:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    write_example(home.inbox, SEEDS)
    take_in(home, load_registers(SEEDS))
    load_raw(home, DAY)
    assert read_key(home.keys) is None
    with duckdb.connect(str(home.warehouse), read_only=True) as plain:
        assert plain.execute("select count(*) from raw.deliveries").fetchone() != (0,)


def test_the_first_real_report_gives_a_key_and_leaves_nothing_in_the_clear(
    tmp_path: Path, loaded: Home
) -> None:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    write_example(home.inbox, SEEDS)
    take_in(home, load_registers(SEEDS))
    load_raw(home, DAY)
    # DuckDB compresses text, so that the names of columns are what can be found in a file.
    assert b"reporting_month" in home.warehouse.read_bytes()
    write_real(home.inbox)
    take_in(home, load_registers(SEEDS))
    load_raw(home, DAY)
    assert read_key(home.keys)
    assert deliveries(home) > deliveries(loaded)
    for path in home.root.glob("warehouse.duckdb*"):
        assert b"reporting_month" not in path.read_bytes()
    with pytest.raises(duckdb.Error, match="without a key"):
        duckdb.connect(str(home.warehouse), read_only=True)


def test_the_key_is_its_owners_and_lies_outside_of_the_data_folder(loaded: Home) -> None:
    [path] = loaded.keys.glob("warehouse.key")
    assert path.stat().st_mode & 0o077 == 0
    key = path.read_bytes()
    for file in loaded.root.rglob("*"):
        assert not file.is_file() or key not in file.read_bytes(), file


@pytest.mark.parametrize("key", [None, "0" * 64], ids=["lost", "another"])
@pytest.mark.parametrize(
    "command", [["refresh", "--month", "2023-05"], ["links", "list"]], ids=["refresh", "links"]
)
def test_without_its_key_nothing_starts_and_says_so(
    home: Home, key: str | None, command: list[str]
) -> None:
    path = home.keys / "warehouse.key"
    path.unlink()
    if key:
        path.write_text(key)
    before = home.warehouse.read_bytes()
    status, told = krat(home, *command)
    assert status != 0
    assert "is encrypted" in told
    assert "put the key back" in told
    assert home.warehouse.read_bytes() == before
    # No new key took its place silently.
    assert read_key(home.keys) == key


def test_a_key_of_the_environment_counts(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    key = (home.keys / "warehouse.key").read_text()
    (home.keys / "warehouse.key").unlink()
    with pytest.raises(NoWarehouseKey):
        read_warehouse(home)
    monkeypatch.setenv(WAREHOUSE_KEY, key)
    assert deliveries(home) > 0


def test_a_damaged_key_is_told(home: Home) -> None:
    (home.keys / "warehouse.key").write_text("not hexadecimal")
    with pytest.raises(ValueError, match="damaged"):
        read_warehouse(home)


def test_a_key_can_be_changed(home: Home) -> None:
    count, before, old = deliveries(home), home.warehouse.read_bytes(), read_key(home.keys)
    status, told = krat(home, "keys", "rotate", "warehouse", "--reason", "the officer left")
    assert status == 0, told
    assert not home.warehouse.exists()
    assert read_key(home.keys) not in (old, None)
    load_raw(home, DAY)
    assert deliveries(home) == count
    # The old key opens the copies that were made before, and nothing else.
    copy = Home(root=home.root / "copy", keys=home.root / "copy-keys")
    for folder in (copy.root, copy.keys):
        folder.mkdir()
    copy.warehouse.write_bytes(before)
    (copy.keys / "warehouse.key").write_text(str(old))
    assert deliveries(copy) == count
    copy.warehouse.write_bytes(home.warehouse.read_bytes())
    with pytest.raises(NoWarehouseKey):
        read_warehouse(copy)


def test_a_destroyed_key_takes_the_warehouse_along(home: Home) -> None:
    status, told = krat(
        home, "keys", "destroy", "warehouse", "--reason", "the office closes", "--yes"
    )
    assert status == 0, told
    assert not list(home.root.glob("warehouse.duckdb*"))
    assert read_key(home.keys) is None


def test_connections_of_one_process_share_the_file(home: Home) -> None:
    with write_warehouse(home) as one, write_warehouse(home) as other:
        one.execute("create table raw.mark as select 1 as value")
        assert other.execute("from raw.mark").fetchall() == [(1,)]
    with read_warehouse(home) as one, read_warehouse(home) as other:
        assert one.execute("from raw.mark").fetchall() == other.execute("from raw.mark").fetchall()
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            one.execute("drop table raw.mark")


def test_a_database_of_its_own_reads_an_encrypted_warehouse(home: Home) -> None:
    with duckdb.connect() as connection:
        attach_warehouse(connection, home, "loaded")
        count = "select count(*) from loaded.raw.deliveries"
        assert connection.execute(count).fetchone() == (deliveries(home),)


def test_what_memory_cannot_hold_is_encrypted_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies in the clear is found by the same search: finding nothing means something."""
    found = {}
    for is_encrypted in (False, True):
        scratch = tmp_path / str(is_encrypted)
        scratch.mkdir()
        monkeypatch.setenv("KRAT_MEMORY_LIMIT", "60MB")
        connection = open_in_memory(scratch)
        connection.execute(f"set temp_file_encryption = {is_encrypted}")
        connection.execute("set threads = 1")
        # Numbers that no compression makes smaller.
        connection.execute(
            "create table spilled as select hash(range) as value from range(20_000_000) "
            "order by all"
        )
        parts = [path.read_bytes() for path in scratch.glob("*")]
        assert parts
        [(low,)] = connection.execute(
            "select value from spilled offset 10_000_000 limit 1"
        ).fetchall()
        found[is_encrypted] = any(low.to_bytes(8, "little") in part for part in parts)
        connection.close()
    assert found == {False: True, True: False}


def test_a_build_goes_on_when_memory_did_not_hold_all_of_it(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach = dbt_warehouse.Plugin.configure_connection
    found = []

    def attach_and_spill(plugin: dbt_warehouse.Plugin, connection: Any) -> None:
        attach(plugin, connection)
        connection.execute("set memory_limit = '60MB'")
        connection.execute(
            "create temp table spilled as select hash(range) as value from range(20_000_000) "
            "order by all"
        )
        found.extend(home.root.glob("warehouse.duckdb.tmp/*"))
        connection.execute("set memory_limit = '800MB'")

    monkeypatch.setattr(dbt_warehouse.Plugin, "configure_connection", attach_and_spill)
    prepare_process(home)
    link_persons(home)
    assert build_warehouse(home, with_registers=True).nodes > 0
    assert found


def test_the_process_of_dbt_is_told_of_a_new_key(
    loaded: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DBT_TARGET, "file")
    prepare_process(loaded)
    assert dbt_home() == loaded
    assert os.environ[DBT_TARGET] == "encrypted"


def test_who_may_not_open_the_keys_can_serve(loaded: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """As krat serve, whose unit closes the keys."""

    def refuse(_: Path) -> str:
        raise PermissionError

    monkeypatch.setattr("orchestration.runtime.settings.read_key", refuse)
    prepare_process(loaded)
    with pytest.raises(PermissionError):
        read_warehouse(loaded)


def test_two_threads_that_open_it_at_once_both_can(home: Home) -> None:
    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.append(deliveries(home))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(counts)) == 1
    assert len(counts) == 8
