"""Unique values are planted wherever an identifier can stand; then every byte written is searched.

All three sources, valid files and refused ones; identifying columns of every layout, columns that
no layout knows, codes that are keyed, text in cells that want a number or a code, names of files,
folders, sheets and links. Everything runs, on the command line and in Dagster.
"""

import gzip
import json
import os
import sqlite3
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from canaries import MARKS, SOURCES, Canaries, found_in, plant
from leaks import texts

from orchestration.runtime.database import read_warehouse
from orchestration.runtime.settings import PROJECT, SEEDS
from sources.custody.home import Home
from sources.example.generate import write_example

pytestmark = pytest.mark.data

#: In January 2024, when all of the made-up year has arrived.
ARRIVED = 1_706_000_000

#: Commands with the exit status that each must have, and a refresh in Dagster before all but the
#: first, in one process: what is imported and read once takes most of the time.
EVERYTHING = """
import json
import sys

import dagster as dg
from orchestration.cli import main
from orchestration.runtime.settings import home_from_environment, prepare_process
from orchestration.runtime.dagster_home import write_dagster_home
from orchestration.warehouse.build import write_manifest

def krat(expected, *arguments):
    sys.argv = ["krat", *arguments]
    try:
        main()
    except SystemExit as end:
        assert (end.code or 0) == expected, (arguments, end.code)

first, *others = json.loads(sys.argv[1])
krat(*first)
home = home_from_environment()
prepare_process(home)
write_dagster_home(home)
write_manifest()
from orchestration.definitions import defs

with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
    job = defs.resolve_job_def("monthly_refresh")
    assert job.execute_in_process(partition_key="2023-05", instance=instance).success
for command in others:
    krat(*command)
"""


class Run:
    """A home full of canaries, what was run on it, and every folder that anything wrote to."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(root=folder / "home", keys=folder / "keys")
        self.canaries = Canaries()
        self.temporary = folder / "temporary"
        self.target = folder / "target"
        self.out = folder / "out"
        self.outputs: list[str] = []
        self.temporary.mkdir()

    def everything(self, *commands: tuple[int | str, ...]) -> None:
        """Run these commands of krat, and a month in Dagster; keep what is said."""
        done = subprocess.run(
            [sys.executable, "-c", EVERYTHING, json.dumps(commands)],
            cwd=PROJECT,
            env=os.environ
            | {
                "KRAT_HOME": str(self.home.root),
                "KRAT_KEYS": str(self.home.keys),
                "TMPDIR": str(self.temporary),
                "DBT_TARGET_PATH": str(self.target),
            },
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        self.outputs += [done.stdout, done.stderr]
        assert done.returncode == 0, done.stderr[-2000:]

    def plant(self) -> None:
        """Fill the inbox with the made-up year, and beside it files full of canaries."""
        write_example(self.home.inbox, SEEDS)
        folder = self.home.inbox / "AL-04"
        for source, (pattern, key, coded) in SOURCES.items():
            for path in sorted(folder.glob(pattern))[:6]:
                plant(self.canaries, path, source, key, None)
                plant(self.canaries, path, source, key, coded)
        said = self.canaries.word("text of a file that is none")
        (folder / f"{self.canaries.word('name of a file')}.csv").write_text(f"Emri;{said}\n")
        (folder / "rubbish.xlsx").write_bytes(b"PK\x03\x04" + said.encode() * 9)
        nested = folder / self.canaries.word("name of a folder")
        nested.mkdir()
        (nested / "a.txt").write_text(self.canaries.word("text in a nested folder"))
        stray = self.home.inbox / self.canaries.word("name of a county's folder")
        stray.mkdir()
        (stray / "a.csv").write_text(self.canaries.word("text in a stray folder"))
        (folder / self.canaries.word("name of a link")).symlink_to("/etc/hostname")
        for path in self.home.inbox.rglob("*"):
            if path.is_file() and not path.is_symlink():
                was = min(path.stat().st_mtime, ARRIVED)
                os.utime(path, (was, was))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = Run(tmp_path_factory.mktemp("canary"))
    run.plant()
    checked = next((run.home.inbox / "AL-04").glob("*-refused.xlsx"))
    marked = run.out.with_name("marked.xlsx")
    run.everything(
        (1, "check", str(checked), "--marked", str(marked)),
        (0, "refresh", "--since", "2023-05", "--month", "2023-06"),
        (0, "status", "--month", "2023-05"),
        (0, "slips", "--county", "AL-04", "--month", "2023-05"),
        (0, "forms", "--county", "AL-04", "--month", "2023-07", "--out", str(run.out)),
        (0, "sql", "from quality.findings"),
        *(
            (0, "explain", county, "2023-05", indicator, *how)
            for county in ("AL", "AL-04")
            for indicator in ("2.1.9.1", "2.1.18.1", "3.1.1.2")
            for how in ((), ("--json",))
        ),
    )
    return run


def _written(run: Run) -> Iterator[Path]:
    for folder in (run.home.root, run.temporary, run.target, run.out):
        yield from (path for path in folder.rglob("*") if path.is_file())


def test_no_canary_is_found_in_any_byte_written(run: Run) -> None:
    planted = run.canaries.planted
    files = list(_written(run))
    places = {path.relative_to(run.home.root.parent).parts[:2] for path in files}
    for folder in ("raw", "releases", "quarantine", "vault", "gate", "dagster", "slips"):
        assert ("home", folder) in places, folder
    assert len(planted) > 60
    assert all(any(mark in value for mark in MARKS) for value in planted)
    assert found_in(files, planted) == set()


def test_no_canary_is_said_or_is_part_of_a_name_outside_the_inbox(run: Run) -> None:
    inbox = run.home.inbox
    names = [
        path.as_posix().casefold()
        for path in run.home.root.rglob("*")
        if not path.is_relative_to(inbox)
    ]
    assert not [path for path in inbox.rglob("*") if path.is_file()]
    said = [text.casefold() for text in run.outputs]
    for value, where in run.canaries.planted.items():
        assert not [text for text in (*names, *said) if value in text], where


def test_valid_files_were_taken_in_and_others_refused(run: Run) -> None:
    with read_warehouse(run.home) as connection:
        counted = dict(
            connection.execute(
                "select status, count(*) from raw.deliveries where byte_count > 0 group by status"
            ).fetchall()
        )
    assert counted["accepted"] > 200
    assert counted["refused"] >= 20


@pytest.mark.parametrize("form", ["zip", "parquet", "duckdb", "sqlite", "gzip", "utf-16"])
def test_the_search_would_find_a_canary(form: str, tmp_path: Path) -> None:
    word = Canaries().word("here")
    path = tmp_path / f"leak.{form}"
    match form:
        case "zip":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("a.xml", f"{'x' * 99}{word}")
        case "parquet":
            pd.DataFrame({"note": [word] * 3}).to_parquet(path, compression="zstd")
        case "duckdb":
            with duckdb.connect(str(path)) as connection:
                connection.execute("create table t as select ? as a from range(5000)", [word])
        case "sqlite":
            with sqlite3.connect(path) as connection:
                connection.execute("create table t (a blob)")
                connection.execute("insert into t values (?)", [zlib.compress(word.encode())])
        case "gzip":
            path.write_bytes(gzip.compress(word.encode()))
        case "utf-16":
            path.write_bytes(word.encode("utf-16-le"))
    assert any(word in text.casefold() for text in texts(path))
