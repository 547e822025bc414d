"""The warehouse in DuckLake, with its catalogue in a real PostgreSQL."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from conftest import Refreshed, copy_home
from programs import PASSWORD, new_database
from served import COMMAND

from orchestration.cli import cli
from orchestration.runtime import lake as lakes
from orchestration.runtime.database import read_warehouse, write_warehouse
from orchestration.runtime.extensions import load_extension
from orchestration.runtime.settings import LAKE_DATA, WAREHOUSE, lake_from_environment
from sources.custody.home import Home, Lake

pytestmark = pytest.mark.program

#: Tables in which a refresh notes what it did itself.
OWN = "ops"


def address(socket: Path) -> str:
    """Return the setting of a lake whose catalog is a new database."""
    return f"ducklake:postgres:host={socket} user=krat dbname={new_database(socket)}"


@pytest.fixture
def small(postgresql: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A lake without a table, and the password to it."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    made = address(postgresql).removeprefix("ducklake:")
    return Lake(made, str(tmp_path / "lake"))


@pytest.fixture(scope="module")
def built(
    refreshed: Refreshed, postgresql: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Home, list[str]]]:
    """A copy of the example whose lake two refreshes made at once, and what they told."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPASSWORD", PASSWORD)
        patch.setenv(WAREHOUSE, address(postgresql))
        copy = copy_home(refreshed.home, tmp_path_factory.mktemp("lake"))
        copy.warehouse.unlink()
        patch.setenv("KRAT_HOME", str(copy.root))
        patch.setenv("KRAT_KEYS", str(copy.keys))
        running = [
            subprocess.Popen(
                [*COMMAND, "refresh", "--month", "2023-05", "--county", county, "--wait", "500"],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )
            for county in ("AL-04", "AL")
        ]  # fmt: skip
        told = [each.communicate(timeout=900)[0] for each in running]
        assert [each.returncode for each in running] == [0, 0], told
        yield Home(copy.root, copy.keys, lake_from_environment(copy.root)), told


def rows(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[object, ...]]:
    """Return of each table its columns with types and comments, its rows' number, and a hash."""
    tables = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() "
        "where database_name = 'warehouse' and schema_name <> ? order by all",
        [OWN],
    ).fetchall()
    found = {}
    for (table,) in tables:
        columns = connection.execute(
            "select column_name, data_type, comment from duckdb_columns() "
            "where database_name = 'warehouse' and schema_name || '.' || table_name = ? "
            "order by column_index",
            [table],
        ).fetchall()
        counted = connection.execute(
            f"select count(*), sum(hash(each)::hugeint) from {table} as each"
        ).fetchone()
        found[table] = (columns, counted)
    return found


def test_two_refreshes_at_once_make_the_same_warehouse_as_in_a_file(
    built: tuple[Home, list[str]], refreshed: Refreshed
) -> None:
    home, told = built
    assert not home.warehouse.exists()
    with read_warehouse(home) as lake, read_warehouse(refreshed.home) as file:
        in_lake, in_file = rows(lake), rows(file)
    assert len(in_file) > 100
    assert in_lake.keys() == in_file.keys()
    for table, content in in_file.items():
        assert in_lake[table] == content, table
    # One waited for the other, and neither released what the file had not released.
    assert sum("waiting up to" in text for text in told) == 1
    assert all("0 new releases" in text for text in told)


def test_the_copy_for_readers_is_that_of_a_file(
    built: tuple[Home, list[str]], refreshed: Refreshed
) -> None:
    home, _ = built
    query = "select * from marts.indicator_progress order by all"
    with duckdb.connect(str(home.marts), read_only=True) as copied:
        of_lake = copied.execute(query).fetchall()
    with duckdb.connect(str(refreshed.home.marts), read_only=True) as copied:
        assert of_lake == copied.execute(query).fetchall()


def test_the_files_of_a_lake_are_encrypted(built: tuple[Home, list[str]]) -> None:
    home, _ = built
    assert home.lake
    files = list(Path(home.lake.data).rglob("*.parquet"))
    assert files
    with pytest.raises(duckdb.Error):
        duckdb.connect().read_parquet(str(files[0])).fetchall()
    assert {path.read_bytes()[:4] for path in files} == {b"PARE"}


def test_a_refresh_with_nothing_new_builds_nothing(built: tuple[Home, list[str]]) -> None:
    home, _ = built
    assert home.lake
    environment = {
        "KRAT_HOME": str(home.root),
        "KRAT_KEYS": str(home.keys),
        "PGPASSWORD": PASSWORD,
        WAREHOUSE: f"ducklake:{home.lake.catalog}",
    }
    before = sorted(Path(home.lake.data).rglob("*.parquet"))
    done = CliRunner().invoke(cli, ["refresh", "--month", "2023-05"], env=environment)
    assert done.exit_code == 0, done.output
    assert "0 nodes built" in done.output
    assert sorted(Path(home.lake.data).rglob("*.parquet")) == before


def test_no_file_of_the_data_folder_has_the_password(built: tuple[Home, list[str]]) -> None:
    home, told = built
    assert not any(PASSWORD in text for text in told)
    for path in home.root.rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes(), path


def test_who_reads_sees_one_state_while_another_writes(small: Lake, tmp_path: Path) -> None:
    home = Home(tmp_path / "home", tmp_path / "keys", small)
    with pytest.raises(duckdb.IOException, match="no warehouse yet"):
        read_warehouse(home)
    with write_warehouse(home) as writer:
        writer.execute("create schema raw")
        writer.execute("create table raw.sent as select 1 as value from range(100)")
    reader, writer = read_warehouse(home), write_warehouse(home)
    reader.begin()
    assert reader.execute("select sum(value) from raw.sent").fetchone() == (100,)
    writer.execute("create or replace table raw.sent as select 2 as value from range(100)")
    assert reader.execute("select sum(value) from raw.sent").fetchone() == (100,)
    reader.commit()
    assert reader.execute("select sum(value) from raw.sent").fetchone() == (200,)
    with pytest.raises(duckdb.InvalidInputException, match="read-only"):
        reader.execute("drop table raw.sent")


def test_the_catalogue_has_the_ends_of_columns_and_no_row(small: Lake, tmp_path: Path) -> None:
    home = Home(tmp_path / "home", tmp_path / "keys", small)
    with write_warehouse(home) as writer:
        writer.execute("create table sent as select 'canary-row' as value")
    [file] = Path(small.data).rglob("*.parquet")
    assert b"canary-row" not in file.read_bytes()
    with duckdb.connect() as catalog:
        load_extension(catalog, "postgres_scanner")
        catalog.execute(
            f"attach '{small.catalog.removeprefix('postgres:')}' as kept (type postgres)"
        )
        tables = catalog.execute(
            "select table_name from duckdb_tables() "
            "where database_name = 'kept' and schema_name = 'public'"
        ).fetchall()
        assert tables
        for (table,) in tables:
            rows = catalog.execute(f"select * from kept.public.{table}").fetchall()
            assert ("canary-row" in str(rows)) <= table.endswith("_stats"), table


def test_what_nobody_reads_any_more_is_deleted(small: Lake, tmp_path: Path) -> None:
    home = Home(tmp_path / "home", tmp_path / "keys", small)
    with write_warehouse(home) as writer:
        for value in range(3):
            writer.execute(
                f"create or replace table sent as select {value} as value from range(1000)"
            )
        assert len(list(Path(small.data).rglob("*.parquet"))) == 3
        lakes.remove_old_snapshots(writer, "warehouse", lakes.KEPT)
        assert len(list(Path(small.data).rglob("*.parquet"))) == 3
        lakes.remove_old_snapshots(writer, "warehouse", "interval 0 seconds")
        assert len(list(Path(small.data).rglob("*.parquet"))) == 1
        assert writer.execute("select sum(value) from sent").fetchone() == (2000,)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("warehouse.duckdb", "no warehouse that krat can use"),
        ("ducklake:postgres:", "no warehouse that krat can use"),
        (f"ducklake:postgres:host=/nowhere password={PASSWORD}", "can't be reached"),
    ],
)
@pytest.mark.parametrize("command", [["links", "list"], ["refresh", "--month", "2023-05"]])
def test_a_lake_that_cannot_be_used_is_told_without_its_address(
    tmp_path: Path, setting: str, told: str, command: list[str]
) -> None:
    done = subprocess.run(
        [*COMMAND, *command],
        env={**os.environ, "KRAT_HOME": str(tmp_path / "home"), WAREHOUSE: setting},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (1, 2)
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert PASSWORD not in done.stderr + done.stdout


def test_another_place_for_its_files_is_refused(small: Lake, tmp_path: Path) -> None:
    home = Home(tmp_path / "home", tmp_path / "keys", small)
    write_warehouse(home).close()
    elsewhere = Home(home.root, home.keys, Lake(small.catalog, str(tmp_path / "elsewhere")))
    with pytest.raises(lakes.NoLake, match="KRAT_LAKE"):
        read_warehouse(elsewhere)


def test_parts_that_are_missing_are_named(
    small: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb_extension_ducklake", None)
    with pytest.raises(lakes.NoLake, match=r"pip install krat\[lake\]"):
        read_warehouse(Home(tmp_path / "home", tmp_path / "keys", small))


def test_a_store_of_s3s_kind_is_reached_by_the_variables_that_all_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WAREHOUSE, "ducklake:postgres:dbname=krat")
    monkeypatch.setenv(LAKE_DATA, "s3://bucket/krat")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://store:9000/")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", PASSWORD)
    lake = lake_from_environment(tmp_path)
    assert lake is not None
    assert lake.s3["endpoint"] == "store:9000"
    assert lake.s3["use_ssl"] == "False"
    assert PASSWORD not in repr(lake)
