"""A refresh does only what something new asks for, and leaves what a whole one would leave."""

import hashlib
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from shutil import rmtree
from typing import Any

import duckdb
import pandas as pd
import pytest
from refresh import send_correction

from orchestration.gate.judge import Scope, judge
from orchestration.ingestion.door import take_in
from orchestration.products.tables import month_frames
from orchestration.refresh.plan import plan
from orchestration.refresh.steps import refresh
from orchestration.runtime.clock import today
from orchestration.runtime.database import read_warehouse, write_warehouse
from orchestration.runtime.loaded import RawLost
from orchestration.runtime.settings import SEEDS
from orchestration.warehouse.build import build_warehouse
from sources.custody.home import Home
from sources.registers import load_registers

MAY = date(2023, 5, 1)


def files_of(home: Home) -> dict[Path, str]:
    """Return the SHA-256 of every file of a home and of its keys."""
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for root in (home.root, home.keys)
        for path in root.rglob("*")
        if path.is_file()
    }


def tables_of(home: Home) -> dict[str, str]:
    """Return a hash of the rows of every table that dbt built."""
    with read_warehouse(home) as connection:
        names = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() "
            "where schema_name not in ('raw', 'ops') order by all"
        ).fetchall()
        return {
            name: str(
                connection.execute(
                    f"select count(*), sum(hash(rows)::hugeint) from {name} as rows"
                ).fetchall()
            )
            for (name,) in names
        }


def test_a_refresh_with_nothing_new_leaves_every_file_as_it_was(own_home: Home) -> None:
    refresh(own_home, [MAY])
    before = files_of(own_home)
    again = refresh(own_home, [MAY])
    assert again.build.nodes == 0
    assert not any(release.is_new for release in again.releases)
    assert again.is_done and again.records
    after = files_of(own_home)
    changed = {path.name for path in before if before[path] != after.get(path)}
    assert (changed, set(after) - set(before)) == (set(), set())


def test_what_stands_is_not_read_again(own_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    refresh(own_home, [MAY])
    before = [release.path for release in refresh(own_home, [MAY]).releases]
    for name in ("judge.month_frames", "steps.release", "steps.release_public"):
        package = "gate" if name.startswith("judge") else "refresh"
        monkeypatch.setattr(f"orchestration.{package}.{name}", _killed)
    again = refresh(own_home, [MAY])
    assert [release.path for release in again.releases] == before
    assert len(again.public.releases) == len(before) > 1


def a_number_changes(home: Home) -> None:
    with write_warehouse(home) as connection:
        connection.execute(
            "update marts.indicator_progress set actual_month = actual_month + 1 "
            "where (county_code, reporting_month) = ('AL-04', ?)",
            [MAY],
        )


def the_project_changes(home: Home) -> None:
    with write_warehouse(home) as connection:
        connection.execute("update ops.built_project set project_hash = 'another'")


def the_public_release_is_lost(home: Home) -> None:
    rmtree(home.releases / "public" / "AL-04" / "2023-05" / "r1")


def the_restricted_release_is_lost(home: Home) -> None:
    rmtree(home.releases / "restricted" / "AL-04" / "2023-05" / "r1")


def the_month_becomes_final(home: Home) -> None:
    with write_warehouse(home) as connection:
        connection.execute("update raw.refresh_context set as_of = date '2099-01-01'")


@pytest.mark.parametrize(
    "happens",
    [
        a_number_changes,
        the_project_changes,
        the_public_release_is_lost,
        the_restricted_release_is_lost,
        the_month_becomes_final,
    ],
)
def test_what_changed_does_not_stand(happens: Callable[[Home], None], own_home: Home) -> None:
    fier = Scope("AL-04", MAY)
    asked = plan(own_home, SEEDS, [MAY])
    assert asked.standing == {*asked.asked}
    happens(own_home)
    assert fier not in plan(own_home, SEEDS, [MAY]).standing


def test_a_verdict_reads_the_rows_of_what_changed_alone(
    own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    scopes = [*plan(own_home, SEEDS, [MAY]).asked]
    registers = load_registers(SEEDS)
    judge(own_home, scopes, registers)
    a_number_changes(own_home)
    read: list[Scope] = []

    def noted(connection: duckdb.DuckDBPyConnection, *scope: Any) -> dict[str, pd.DataFrame]:
        read.append(Scope(*scope))
        return month_frames(connection, *scope)

    with monkeypatch.context() as patch:
        patch.setattr("orchestration.gate.judge.month_frames", noted)
        by_change = judge(own_home, scopes, registers)
    assert read == [Scope("AL-04", MAY)]
    (own_home.gate / "judged.json").unlink()
    assert judge(own_home, scopes, registers) == by_change


def test_a_reading_copy_that_was_damaged_is_written_anew(own_home: Home) -> None:
    own_home.marts.write_bytes(b"no database")
    refresh(own_home, [MAY])
    with duckdb.connect(str(own_home.marts), read_only=True) as connection:
        assert connection.execute("select count(*) from marts.indicator_progress").fetchone()
        # Releases that the copy before held are read again.
        assert connection.execute("select count(*) > 0 from vintages.releases").fetchone() == (
            True,
        )


def test_another_day_is_something_new(own_home: Home) -> None:
    day = today()
    refresh(own_home, [MAY], as_of=day)
    assert refresh(own_home, [MAY], as_of=day).build.nodes == 0
    assert refresh(own_home, [MAY], as_of=day + timedelta(days=1)).build.nodes > 0


@pytest.mark.slow
def test_what_is_built_of_a_change_is_what_a_whole_build_makes(own_home: Home) -> None:
    refresh(own_home, [MAY])
    standing = tables_of(own_home)
    send_correction(own_home, 11)
    changed = refresh(own_home, [MAY])
    tables = tables_of(own_home)
    assert tables != standing
    whole = build_warehouse(own_home, with_registers=True)
    assert 0 < changed.build.nodes < whole.nodes
    assert tables_of(own_home) == tables


def test_a_build_that_was_broken_off_is_made_up_for(
    own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh(own_home, [MAY])
    send_correction(own_home, 12)
    with monkeypatch.context() as patch:
        patch.setattr("orchestration.refresh.steps.build_warehouse", _killed)
        with pytest.raises(KeyboardInterrupt):
            refresh(own_home, [MAY])
    made_up = refresh(own_home, [MAY])
    assert made_up.build.nodes > 0
    assert [release.is_new for release in made_up.releases].count(True) == 2


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("table", ["deliveries", "submission_values", "door_findings"])
def test_what_was_taken_in_and_is_gone_is_told_and_nothing_is_published(
    table: str, own_home: Home
) -> None:
    [path] = (own_home.raw / table).glob("*.parquet")
    content = path.read_bytes()
    path.unlink()
    send_correction(own_home, 13)
    before = files_of(own_home)
    for _ in range(2):
        with pytest.raises(RawLost, match=f"1 files .* {table}/{path.name}"):
            refresh(own_home, [MAY])
    assert files_of(own_home) == before
    path.write_bytes(content)
    assert refresh(own_home, [MAY]).intake.accepted == 1


def test_a_batch_that_lost_its_deliveries_is_not_taken_for_unfinished(own_home: Home) -> None:
    """Before there is a warehouse to tell; the originals are what it can be made of again."""
    [path] = (own_home.raw / "deliveries").glob("*.parquet")
    path.unlink()
    own_home.warehouse.unlink()
    before = set(files_of(own_home))
    send_correction(own_home, 14)
    take_in(own_home, load_registers(SEEDS))
    assert before <= set(files_of(own_home))
