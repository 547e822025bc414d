"""A krat home on which the example was refreshed, built once for all tests that read it."""

import json
import os
import pickle
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import duckdb_extension_httpfs
import pytest
from filelock import FileLock
from served import Served, home_to_serve, make_tokens, serving

from orchestration.refresh.steps import Outcome, refresh
from orchestration.runtime.settings import (
    SEEDS,
    home_from_environment,
    manifest_path,
    prepare_process,
)
from orchestration.warehouse.build import write_manifest
from sources.custody.home import Home
from sources.example.generate import write_example

MAY = date(2023, 5, 1)

#: What refreshes homes of its own. It begins first, so that no worker ends with one of these while
#: the others have nothing left; the canaries before all, while another worker makes `refreshed`.
LONGEST = (
    "test_canary.py",
    "test_month.py",
    "test_defects.py",
    "test_findings.py",
    "test_vintages.py",
    "test_links.py",
    "test_gate_roads.py",
    "test_definitions.py",
    "test_door.py",
    "test_two_plans.py",
    "test_same_numbers.py",
    "test_report_findings.py",
    "test_value_findings.py",
    "test_releases.py",
    "test_contract.py",
    "test_asking.py",
    "test_sql.py",
    "test_cli.py",
)


@dataclass(frozen=True)
class Refreshed:
    """A home, what the refresh that filled it told, and its files as they were then."""

    home: Home
    outcome: Outcome
    files: dict[str, tuple[int, int]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest files begin first; within a file the order stays."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


@pytest.fixture(scope="session", autouse=True)
def krat_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep every test away from a home that the developer works with."""
    saved = dict(os.environ)
    os.environ["KRAT_HOME"] = str(tmp_path_factory.mktemp("unused") / "home")
    # Two workers must not write one manifest.
    os.environ["DBT_TARGET_PATH"] = str(tmp_path_factory.mktemp("dbt") / "target")
    yield
    os.environ.clear()
    os.environ.update(saved)


@pytest.fixture(scope="session", autouse=True)
def one_reading_of_the_dbt_project() -> Iterator[None]:
    """Let dbt keep what it read of its project from one home to the next.

    dbt reads all of it anew when the path of the warehouse is another one, because a model could
    use it. Ours use nothing of a home, and hardly any two tests have the same.
    """
    from dbt.adapters.duckdb.credentials import DuckDBCredentials

    keys = tuple(key for key in DuckDBCredentials._connection_keys(None) if key != "path")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DuckDBCredentials, "_connection_keys", lambda _: keys)
        yield


@pytest.fixture(scope="session")
def refreshed(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Refreshed:
    """The example of Fier, refreshed through the command line's road for May 2023.

    The first worker that needs it makes it; each has a copy, of which no other can write.
    """
    own = tmp_path_factory.mktemp("krat")
    workers = tmp_path_factory.getbasetemp() if worker_id == "master" else own.parents[1]
    made, told = workers / "refreshed", workers / "refreshed" / "outcome"
    parsed = manifest_path().with_name("partial_parse.msgpack")
    with FileLock(workers / "refreshed.lock"):
        if not told.exists():
            shutil.rmtree(made, ignore_errors=True)
            home = Home(root=made / "home", keys=made / "keys")
            prepare_process(home)
            write_example(home.inbox, SEEDS)
            outcome = refresh(home, [MAY])
            shutil.copy(parsed, made)
            told.write_bytes(pickle.dumps(outcome))
    home = Home(root=own / "home", keys=own / "keys")
    shutil.copytree(made / "home", home.root)
    shutil.copytree(made / "keys", home.keys)
    if not parsed.exists():
        parsed.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(made / parsed.name, parsed)
    prepare_process(home)
    return Refreshed(home, pickle.loads(told.read_bytes()), _files(home))


@pytest.fixture(scope="session")
def manifest() -> dict[str, Any]:
    """What dbt knows of its models now, whatever manifest was written before."""
    prepare_process(home_from_environment())
    write_manifest()
    content: dict[str, Any] = json.loads(manifest_path().read_bytes())
    return content


@pytest.fixture(autouse=True)
def refreshed_stays_as_it_is(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that writes into the home that all share; `own_home` is there to be changed."""
    yield
    if "refreshed" in request.fixturenames:
        shared: Refreshed = request.getfixturevalue("refreshed")
        before, now = shared.files.copy(), _files(shared.home)
        # The next test is not to blame for it.
        shared.files.clear()
        shared.files.update(now)
        assert now == before


def _files(home: Home) -> dict[str, tuple[int, int]]:
    """Return the size and the time of writing of each file of a home."""
    return {
        str(path): (status.st_size, status.st_mtime_ns)
        for path in home.root.rglob("*")
        if path.is_file()
        for status in [path.stat()]
    }


@pytest.fixture
def own_home(refreshed: Refreshed, tmp_path: Path) -> Home:
    """A copy of the refreshed home that a test may change."""
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    shutil.copytree(refreshed.home.root, home.root)
    shutil.copytree(refreshed.home.keys, home.keys)
    prepare_process(home)
    return home


@pytest.fixture
def marts(refreshed: Refreshed) -> Iterator[duckdb.DuckDBPyConnection]:
    """The reading copy, as whoever asks in SQL sees it."""
    with duckdb.connect(str(refreshed.home.marts), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def served(refreshed: Refreshed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The example's releases behind `krat serve`, with files beside them that none may have."""
    home = home_to_serve(refreshed.home, tmp_path_factory.mktemp("served"))
    tokens = make_tokens(home)
    with serving(home) as url:
        yield Served(url=url, home=home, tokens=tokens)


@pytest.fixture(scope="session")
def extensions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of DuckDB's extensions that holds httpfs of its wheel: nothing is downloaded."""
    folder = tmp_path_factory.mktemp("extensions")
    wheel = Path(duckdb_extension_httpfs.__file__).parent / "extensions"
    [extension] = wheel.rglob("httpfs.duckdb_extension")
    [(platform,)] = duckdb.execute("pragma platform").fetchall()
    target = folder / f"v{duckdb.__version__}" / platform
    target.mkdir(parents=True)
    shutil.copy(extension, target)
    return folder
