"""Kills krat at random moments, and looks what is lost.

Each work begins on a copy of one data folder and is killed somewhere between its first and its last
moment, as a whole or one process that it began. Then it is run again, and must come to what it
comes to when nobody kills it.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
from canaries import found_in

from orchestration.backup.store import backups_in, faults_in
from orchestration.products.declaration import Tier
from orchestration.products.tree import LATEST, MANIFEST
from orchestration.publication.verify import verify_release
from orchestration.publication.writing.signing import own_public_keys
from orchestration.runtime.database import read_warehouse
from orchestration.serving.tokens import make_token, read_tokens
from sources.custody import audit
from sources.custody.home import Home
from sources.custody.pseudonyms import read_keys
from sources.custody.rekeying import key_columns

COMMAND = [sys.executable, "-c", "from orchestration.cli import main; main()"]
MONTH = ("--county", "AL-04", "--month")
#: When the correction that waits in the inbox was written, so that every copy has it at one time.
WRITTEN_AT = 1_690_000_000
#: Moments at which krat saw a thing, which differ from one run to the next.
MOMENTS = ("found_at", "mended_at", "received_at", "sent_at")
#: Schemas of what a refresh comes to.
COMPARED = ("raw", "core", "marts", "publication", "quality", "register")


def at_any_moment(_: subprocess.Popen[bytes], __: Home, lasts: float, rng: random.Random) -> None:
    """Wait for a moment between the first and the last."""
    time.sleep(rng.uniform(0, lasts))


def in_a_checkpoint(
    process: subprocess.Popen[bytes], home: Home, _: float, rng: random.Random
) -> None:
    """Wait until the warehouse writes what is in its log into its file.

    It says so in the log, in less than a hundred bytes, and deletes it when it is done.
    """
    log, size, left = home.warehouse.with_name(f"{home.warehouse.name}.wal"), 0, rng.randrange(10)
    while process.poll() is None and left >= 0:
        time.sleep(0.001)
        before = size
        try:
            size = log.stat().st_size
        except FileNotFoundError:
            size = 0
        left -= 0 < before < size < before + 100
    time.sleep(rng.uniform(0, 0.05))


@dataclass(frozen=True)
class KilledWork:
    """What krat is killed at: `begin` prepares a data folder, `ends` says what it has come to."""

    name: str
    arguments: Callable[[Home], list[str]]
    ends: Callable[[Home], dict[str, Any]]
    begin: Callable[[Home], None] = lambda _: None
    #: Done again, it says that it is done, and fails.
    is_done_once: bool = False
    #: Returns at the moment to kill it: it has the process, the home, for how many seconds the work
    #: lasts, and what decides.
    moment: Callable[[subprocess.Popen[bytes], Home, float, random.Random], None] = at_any_moment
    #: How many of a hundred kills it gets: those that take long get fewer.
    share: int = 1


@dataclass
class Kills:
    """How often a work was killed, at which of its processes, and what was lost."""

    work: str
    kills: int = 0
    of_a_child: int = 0
    #: It had ended before it was killed.
    too_late: int = 0
    lost: list[str] = field(default_factory=list)


#: In the report that is sent, where a person could be named: nothing that is written may say so.
CANARIES = {"kanarinaqxzjvkwq": "name of a file", "kanarinawvqkjzxq": "name of a person"}


def send_correction(home: Home) -> None:
    """Put a report with another value into the inbox, and canaries in it."""
    name, person = CANARIES
    report = home.inbox / "AL-04" / f"{name}.csv"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(
        "Formulari;Qarku;Institucioni;Muaji;Të dhënat;Kodi i treguesit;Ndarja;Vlera;Gjendja;Emri\n"
        f"krat-raport-1;AL-04;AL-04-SHSSH;2023-05;SHEMBULL - TË TRILLUARA;2.1.18.1;;27;;{person}\n",
        encoding="utf-8",
    )
    os.utime(report, (WRITTEN_AT, WRITTEN_AT))


def _tables(connection: duckdb.DuckDBPyConnection, schemas: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return of each table its number of rows and a hash of them, but for moments."""
    found = {}
    for schema, table in connection.execute(
        "select schema_name, table_name from duckdb_tables() where not internal order by all"
    ).fetchall():
        if not schemas or schema in schemas:
            found[f"{schema}.{table}"] = connection.execute(
                "select count(*), sum(hash(kept)::hugeint) from (select columns(name -> not "
                f'list_contains({list(MOMENTS)}, name)) from {schema}."{table}") as kept'
            ).fetchall()
    return found


def refreshed(home: Home) -> dict[str, Any]:
    """Return what a refresh comes to: tables, deliveries, files, releases and pointers."""
    with read_warehouse(home) as connection:
        warehouse = _tables(connection, COMPARED)
    with duckdb.connect(str(home.marts), read_only=True) as connection:
        copy = _tables(connection)
    return {
        "warehouse": warehouse,
        "reading copy": copy,
        "inbox": sorted(path.name for path in home.inbox.rglob("*") if path.is_file()),
        "originals": len(list(home.vault.rglob("*.age"))),
        "releases": released(home.releases),
    }


def released(tree: Path) -> dict[str, str]:
    """Return the hash of the content of each release, and what each pointer names."""
    contents = {
        str(path.parent.relative_to(tree)): str(
            json.loads(path.read_bytes())["release"].get("content_hash")
        )
        for path in tree.rglob(MANIFEST)
    }
    pointers = {
        str(path.relative_to(tree)): path.read_text(encoding="ascii") for path in tree.rglob(LATEST)
    }
    return contents | pointers


def pulled(home: Home) -> dict[str, Any]:
    """Return what a pull comes to: releases, and the tables of the national file."""
    if not home.pulled.exists():
        return {}
    with duckdb.connect(str(home.pulled / "national.duckdb"), read_only=True) as connection:
        return {"tables": _tables(connection), "releases": released(home.pulled / "releases")}


def rekeyed(home: Home) -> dict[str, Any]:
    """Return how often each pseudonym of a case stands, whichever it is."""
    found: dict[str, Any] = {"rotated": len(read_keys(home.keys, "case") or []) > 1}
    for table, columns in key_columns("case").items():
        for column in columns:
            names = Counter(
                value
                for path in (home.raw / table).glob("*.parquet")
                for value in pq.read_table(path, columns=[column])[column].to_pylist()
                if value is not None
            )
            found[f"{table}.{column}"] = sorted(names.values())
    return found


def backed_up(home: Home) -> dict[str, Any]:
    """Return whether there is a backup, and what is wrong with those there are."""
    backups = backups_in(store_of(home))
    return {
        "any": bool(backups),
        "faults": [fault for one in backups for fault in faults_in(store_of(home), one)],
    }


def registered(home: Home) -> dict[str, Any]:
    """Return the office's registers."""
    return {path.name: path.read_bytes() for path in home.registers.glob("*.csv")}


def have_a_token(home: Home) -> dict[str, Any]:
    """Return who has a token; made again, there may be two of one."""
    return {"readers": sorted({one.reader_name for one in read_tokens(home)})}


def make_a_token(home: Home) -> None:
    """Make the token that must not be lost when another is made."""
    make_token(home, "ILO", Tier.RESTRICTED, None, date(2100, 1, 1))


def store_of(home: Home) -> Path:
    """Return where the backups of a home lie."""
    return home.root.with_name("backups")


#: The refresh that takes in the correction.
REFRESH = KilledWork(
    "refresh", lambda _: ["refresh", *MONTH, "2023-05"], refreshed, send_correction, share=2
)

WORKS = (
    REFRESH,
    replace(REFRESH, name="refresh, at a checkpoint of its database", moment=in_a_checkpoint),
    KilledWork("release", lambda _: ["refresh", *MONTH, "2023-06"], refreshed, share=2),
    KilledWork(
        "pull",
        lambda home: [
            "pull", "--from", str(home.root), "--since", "2023-01", "--tier", "restricted",
        ],
        pulled,
        share=16,
    ),
    KilledWork(
        "re-key", lambda _: ["keys", "rotate", "case", "--reason", "drill"], rekeyed, share=18
    ),
    KilledWork(
        "token change",
        lambda _: ["token", "make", "--reader", "ZKKA", "--county", "all"],
        have_a_token,
        make_a_token,
        share=24,
    ),
    KilledWork(
        "register change",
        lambda _: ["county", "add", "AL-05", "--like", "AL-04"],
        registered,
        is_done_once=True,
        share=24,
    ),
    KilledWork(
        "backup", lambda home: ["backup", "--to", str(store_of(home))], backed_up, share=12
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Whole:
    """What a work comes to when nobody kills it, and how many seconds it takes."""

    comes_to: dict[str, Any]
    seconds: float


def not_killed(work: KilledWork, home: Home) -> Whole:
    """Do a work on a home."""
    work.begin(home)
    before = work.ends(home)
    started = time.monotonic()
    if krat(home, work.arguments(home)).wait() != 0:
        raise RuntimeError(f"{work.name} fails when nobody kills it")
    seconds = time.monotonic() - started
    comes_to = work.ends(home)
    if comes_to == before:
        raise RuntimeError(f"what {work.name} does is not seen")
    return Whole(comes_to, seconds)


def kill_at(
    work: KilledWork, whole: Whole, original: Home, folder: Path, times: int, rng: random.Random
) -> Kills:
    """Kill a work so many times, each on a copy of `original` under `folder`."""
    tally = Kills(work.name)
    for number in range(times):
        copy = copy_of(original, folder / f"killed-{number}")
        work.begin(copy)
        process = krat(copy, work.arguments(copy))
        work.moment(process, copy, whole.seconds, rng)
        children = _children(process.pid)
        if process.poll() is not None:
            tally.too_late += 1
        elif children and rng.random() < 0.3:
            tally.of_a_child += 1
            os.kill(rng.choice(children), signal.SIGKILL)
        else:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        tally.kills += 1
        wrong = [*broken(copy), *swept(copy, original, is_whole=False)]
        wrong += _not_made_up_for(work, copy, whole.comes_to)
        wrong += swept(copy, original, is_whole=True)
        tally.lost += [f"{work.name} {number}: {what}" for what in wrong]
        if not wrong:
            shutil.rmtree(copy.root.parent)
    return tally


def swept(home: Home, original: Home, *, is_whole: bool) -> list[str]:
    """Return where a canary is in what was written since a home was copied.

    What a kill left half can't be opened: it is searched as the bytes that it has.
    """
    before = {path.relative_to(original.root): _state(path) for path in _files(original.root)}
    written = [
        path
        for path in _files(home.root)
        if not path.is_relative_to(home.inbox)
        if before.get(path.relative_to(home.root)) != _state(path)
    ]
    if is_whole:
        found = found_in(written, CANARIES)
    else:
        found = {
            (str(path), where)
            for path in written
            for canary, where in CANARIES.items()
            if canary.encode() in path.read_bytes()
        }
    return [f"{where} is in {Path(path).name}" for path, where in found]


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def broken(home: Home) -> list[str]:
    """Return what a kill left that a reader would stumble over."""
    wrong = []
    readers: dict[str, Callable[[], duckdb.DuckDBPyConnection]] = {
        "the warehouse": lambda: read_warehouse(home),
        "the reading copy": lambda: duckdb.connect(str(home.marts), read_only=True),
    }
    for name, reader in readers.items():
        try:
            with reader() as connection:
                connection.execute("from duckdb_tables()").fetchall()
        except duckdb.Error as error:
            wrong.append(f"{name} does not open: {type(error).__name__}")
    keys = own_public_keys(home.keys)
    for tree in (home.releases, home.pulled / "releases"):
        places = {
            manifest.parent
            for manifest in tree.rglob(MANIFEST)
            if not manifest.parent.name.startswith(".")
        }
        faults = {place: verify_release(place, keys) for place in places}
        wrong += [
            f"{place.name}: {fault.sentence('en')}" for place, of in faults.items() for fault in of
        ]
        # Old or new: a release that has come is not pointed to until the next moment.
        wrong += [
            f"{pointer} names no release"
            for pointer in tree.rglob(LATEST)
            if pointer.parent / pointer.read_text(encoding="ascii").strip() not in places
        ]
    return wrong


def _not_made_up_for(work: KilledWork, home: Home, expected: dict[str, Any]) -> list[str]:
    """Run a work to its end; return what it comes to that it should not."""
    process = krat(home, work.arguments(home))
    has_failed = process.wait() != 0
    found = work.ends(home)
    if has_failed and not (work.is_done_once and found == expected):
        return ["the next run fails"]
    wrong = [f"the log: {fault.sentence('en')}" for fault in audit.faults(home)]
    return wrong + [f"{name} differs" for name in expected if found.get(name) != expected[name]]


def krat(home: Home, arguments: list[str]) -> subprocess.Popen[bytes]:
    """Begin a command of krat, in a group of its own."""
    return begun(home, [*COMMAND, *arguments])


def begun(home: Home, command: list[str]) -> subprocess.Popen[bytes]:
    """Begin a command that works on a home, in a group of its own."""
    return subprocess.Popen(
        command,
        env={**os.environ, "KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _children(process: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == process:
            found.append(int(path.parent.name))
    return found


def copy_of(home: Home, folder: Path) -> Home:
    """Return a copy of a home and its keys under a folder."""
    copy = Home(root=folder / "home", keys=folder / "keys")
    shutil.copytree(home.root, copy.root)
    shutil.copytree(home.keys, copy.keys)
    return copy
