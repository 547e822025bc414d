"""Hostile files: each is answered in time, harms nothing, and the next file is read."""

import json
import os
import resource
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from deliveries import delivery_of
from hostile import corpus

from orchestration.ingestion.door import take_in
from orchestration.runtime.settings import SEEDS
from sources.custody import isolation
from sources.custody.arrivals import Arrival, waiting
from sources.custody.home import Home
from sources.custody.isolation import IsolatedReader, NoReader
from sources.custody.vault import QUARANTINED
from sources.registers import load_registers

pytestmark = pytest.mark.slow

GOOD = (
    "Formulari;Qarku;Institucioni;Muaji;Të dhënat;Kodi i treguesit;Ndarja;Vlera;Gjendja\n"
    "krat-raport-1;AL-04;AL-04-SHSSH;2023-05;SHEMBULL - TË TRILLUARA;2.1.18.1;;3;\n"
).encode()
ARRIVED = datetime(2023, 6, 5)


@pytest.fixture(scope="module")
def files() -> list[tuple[str, bytes]]:
    return list(corpus())


def test_the_corpus_is_large_and_no_two_files_are_alike(files: list[tuple[str, bytes]]) -> None:
    assert len(files) >= 60
    assert len({name for name, _ in files}) == len({content for _, content in files}) == len(files)


#: The rules under which a file that is not a report can be refused.
GENERIC = {"unreadable_file", "over_limits", "unknown_layout"}

#: What is said of true reports with something in them, by how their names begin.
SAID = {
    "a report with a formula": {"formula_in_cell"},
    "a report with a DDE formula": {"formula_in_cell"},
    "a report that fetches": {"formula_in_cell"},
    "a report with xl/": {"active_content"},
    "external link": {"active_content"},
    "macros": {"active_content"},
    "a report with a number": {"not_a_number"},
    "a line beyond": {"file_too_large"},
}


def test_each_hostile_file_ends_in_quarantine_in_time_and_the_next_one_is_read(
    files: list[tuple[str, bytes]], tmp_path: Path
) -> None:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    folder = home.inbox / "AL-04"
    folder.mkdir(parents=True)
    names: dict[str, str] = {}
    for number, (name, content) in enumerate(files):
        path = folder / f"{number:03}.xlsx"
        path.write_bytes(content)
        os.utime(path, (1686000000, 1686000000))
        names[delivery_of(home, content)] = name
        # A good one behind each, no two alike.
        good = folder / f"{number:03}.csv"
        good.write_bytes(GOOD.replace(b";3;", f";{number};".encode()))
        os.utime(good, (1686000000, 1686000000))
    # In a process of its own: what Linux tells of a child begins with the size of its parent.
    with ProcessPoolExecutor(1, get_context("spawn")) as alone:
        cost = alone.submit(_take_in, home).result()
    assert (cost.accepted, cost.refused) == (len(files), len(files))
    assert not list(folder.iterdir())
    assert cost.slowest_seconds < 20
    for name in set(names):
        reason = home.quarantine / "AL-04" / name / "reason.json"
        found = json.loads(reason.read_text(encoding="utf-8"))["problems"]
        expected = next((s for start, s in SAID.items() if names[name].startswith(start)), GENERIC)
        told = {problem["rule"] for problem in found} - {"sender_unknown"}
        assert told <= expected, names[name]
        assert told
        assert found[0]["message_sq"]
        assert (reason.parent / QUARANTINED).exists()
    assert cost.largest_reader_kib < 2**20
    assert cost.growth_kib < 2**19


@dataclass(frozen=True)
class Cost:
    """What taking files in took: answers, the longest wait for one, memory in KiB."""

    accepted: int
    refused: int
    slowest_seconds: float
    largest_reader_kib: int
    growth_kib: int


def _take_in(home: Home) -> Cost:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.MonkeyPatch.context() as patch:
        slowest = _timed(patch)
        intake = take_in(home, load_registers(SEEDS))
    return Cost(
        accepted=intake.accepted,
        refused=intake.refused,
        slowest_seconds=slowest[0],
        largest_reader_kib=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,
        growth_kib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before,
    )


def _timed(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note the longest time between two answers."""
    slowest = [0.0]
    read_all = IsolatedReader.read_all

    def timed(reader: IsolatedReader, arrivals: list[Arrival]) -> Iterator[Any]:
        before = time.monotonic()
        for answered in read_all(reader, arrivals):
            slowest[0] = max(slowest[0], time.monotonic() - before)
            yield answered
            before = time.monotonic()

    monkeypatch.setattr(IsolatedReader, "read_all", timed)
    return slowest


@pytest.mark.parametrize("end", ["takes too long", "dies", "takes too much memory"])
def test_a_reader_that_fails_is_replaced(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "_PROGRAM", _PROGRAMS[end])
    registers = load_registers(SEEDS)
    with IsolatedReader(registers, Home(tmp_path, tmp_path), max_seconds=3) as reader:
        reading = reader.read(GOOD, "AL-04", ARRIVED)
        assert [found.rule for found in reading.problems] == ["over_limits"]
        assert reading.delivery["received_at"] == ARRIVED
        monkeypatch.undo()
        assert reader.read(GOOD, "AL-04", ARRIVED).delivery["status"] == "accepted"


def test_a_mistake_of_the_program_is_no_limit_that_the_file_broke(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    path = home.inbox / "AL-04" / "r.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(GOOD)
    os.utime(path, (1686000000, 1686000000))
    monkeypatch.setattr(isolation, "_PROGRAM", _FAILS)
    with IsolatedReader(load_registers(SEEDS), home) as reader:
        readings = [reader.read(GOOD, "AL-04", ARRIVED)]
        readings += [answer for _, answer in reader.read_all(waiting(home))]
    for reading in readings:
        assert isinstance(reading, isolation.Reading)
        assert [found.rule for found in reading.problems] == ["program_failed"]
        assert "krat" in reading.problems[0].message_en
    # It is kept, for whoever looks for the mistake.
    assert readings[1].sealed is not None
    assert [path for path in home.incoming.rglob("*") if path.is_file()]


#: A reader with a mistake in it.
_FAILS = """
import sys
sys.path.insert(0, sys.argv[1])
from sources.custody import isolation
def read_each(*_):
    raise KeyError("a mistake")
isolation.read_each = read_each
isolation.serve(*map(int, sys.argv[2:]))
"""

#: A reader that begins as it should, and fails with its first file.
_BEGINS = """
import os, resource, sys, time
from multiprocessing.connection import Connection
connection = Connection(int(sys.argv[2]))
sys.path.insert(0, sys.argv[1])
connection.recv()
connection.send(None)
connection.recv()
"""
_PROGRAMS = {
    "takes too long": _BEGINS + "time.sleep(60)",
    "dies": _BEGINS + "os.abort()",
    "takes too much memory": (
        _BEGINS + "resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)); bytearray(2**31)"
    ),
}


@pytest.mark.parametrize("end", ["os.abort()", "time.sleep(60)"])
def test_of_many_files_the_one_in_hand_is_blamed_and_no_other(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    folder = home.inbox / "AL-04"
    folder.mkdir(parents=True)
    for number in range(100):
        path = folder / f"{number:03}.csv"
        path.write_bytes(GOOD.replace(b";3;", f";{number};".encode()))
        os.utime(path, (1686000000, 1686000000))
    monkeypatch.setattr(isolation, "_PROGRAM", _STUMBLES.replace("END", end))
    with IsolatedReader(load_registers(SEEDS), home, processes=2, max_seconds=2) as reader:
        answers = {Path(each.path).stem: answer for each, answer in reader.read_all(waiting(home))}
    assert len(answers) == 100
    rules = {
        name: [found.rule for found in answer.problems]
        for name, answer in answers.items()
        if isinstance(answer, isolation.Reading)
    }
    assert {name for name, found in rules.items() if found == ["over_limits"]} == {"007", "077"}
    assert sum(answer == [] for answer in rules.values()) == 98


#: A reader that ends in one way or another over two of the files.
_STUMBLES = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from sources.custody import isolation
read = isolation.read_content
def stumble(content, *rest):
    if b";7;" in content or b";77;" in content:
        END
    return read(content, *rest)
isolation.read_content = stumble
isolation.serve(*map(int, sys.argv[2:]))
"""


def test_a_reader_that_does_not_start_is_no_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "_PROGRAM", "raise SystemExit(1)")
    with (
        IsolatedReader(load_registers(SEEDS), Home(tmp_path, tmp_path)) as reader,
        pytest.raises(NoReader),
    ):
        reader.read(GOOD, "AL-04", ARRIVED)


def test_times_are_utc_without_a_zone(tmp_path: Path) -> None:
    with IsolatedReader(load_registers(SEEDS), Home(tmp_path, tmp_path)) as reader:
        reading = reader.read(GOOD, "AL-04", datetime.now(UTC).replace(tzinfo=None))
    assert reading.delivery["received_at"].tzinfo is None
