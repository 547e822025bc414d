"""Hostile files: each is answered in time, harms nothing, and the next file is read."""

import json
import os
import resource
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hostile import corpus

from orchestration.ingestion.door import take_in
from orchestration.settings import SEEDS
from sources import isolation
from sources.home import Home
from sources.isolation import IsolatedReader
from sources.registers import load_registers

FILES = list(corpus())
GOOD = (
    "Formulari;Qarku;Institucioni;Muaji;Të dhënat;Kodi i treguesit;Ndarja;Vlera;Gjendja\n"
    "krat-raport-1;AL-04;AL-04-SHSSH;2023-05;SHEMBULL - TË TRILLUARA;2.1.18.1;;3;\n"
).encode()
ARRIVED = datetime(2023, 6, 5)


def test_the_corpus_is_large_and_no_two_files_are_alike() -> None:
    assert len(FILES) >= 60
    assert len({name for name, _ in FILES}) == len({content for _, content in FILES}) == len(FILES)


@pytest.mark.parametrize(("name", "content"), FILES, ids=[name for name, _ in FILES])
def test_a_hostile_file_is_answered_in_time_and_the_next_one_is_read(
    name: str, content: bytes, tmp_path: Path
) -> None:
    registers = load_registers(SEEDS)
    with IsolatedReader(registers, Home(tmp_path, tmp_path)) as reader:
        started = time.monotonic()
        reading = reader.read(content, "AL-04", ARRIVED)
        assert time.monotonic() - started < 20
        assert reading.delivery["status"] == "refused", name
        assert reading.problems
        assert not reading.rows
        assert reader.read(GOOD, "AL-04", ARRIVED).delivery["status"] == "accepted"


def test_a_reader_never_takes_a_gibibyte() -> None:
    """After all of the corpus: the largest child so far, in KiB on Linux."""
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 2**20


def test_hostile_files_end_in_quarantine_with_a_reason_and_good_ones_are_taken_in(
    tmp_path: Path,
) -> None:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    folder = home.inbox / "AL-04"
    folder.mkdir(parents=True)
    chosen = {"far cell", "billion laughs", "cut off 2", "macros", "pdf", "deep nesting"}
    hostile = [content for name, content in FILES if name in chosen]
    for number, content in enumerate(hostile):
        (folder / f"{number}.xlsx").write_bytes(content)
    (folder / "z.csv").write_bytes(GOOD)
    os.utime(folder / "z.csv", (1686000000, 1686000000))
    intake = take_in(home, load_registers(SEEDS))
    assert (intake.accepted, intake.refused) == (1, len(chosen))
    reasons = list(home.quarantine.glob("AL-04/*/reason.json"))
    assert len(reasons) == len(chosen)
    for reason in reasons:
        (found, *_) = json.loads(reason.read_text(encoding="utf-8"))["problems"]
        assert found["message_sq"]
        assert (reason.parent / "original.sealed").exists()


@pytest.mark.parametrize("end", ["takes too long", "dies", "takes too much memory"])
def test_a_reader_that_fails_is_replaced(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "_serve", _SERVERS[end])
    registers = load_registers(SEEDS)
    with IsolatedReader(registers, Home(tmp_path, tmp_path), max_seconds=3) as reader:
        reading = reader.read(GOOD, "AL-04", ARRIVED)
        assert [found.rule for found in reading.problems] == ["over_limits"]
        assert reading.delivery["received_at"] == ARRIVED
        monkeypatch.undo()
        assert reader.read(GOOD, "AL-04", ARRIVED).delivery["status"] == "accepted"


def _sleeps(connection: object, *_: object) -> None:
    connection.send(None)  # type: ignore[attr-defined]
    connection.recv()  # type: ignore[attr-defined]
    time.sleep(60)


def _dies(connection: object, *_: object) -> None:
    connection.send(None)  # type: ignore[attr-defined]
    connection.recv()  # type: ignore[attr-defined]
    os.abort()


def _swells(connection: object, *_: object) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
    connection.send(None)  # type: ignore[attr-defined]
    connection.recv()  # type: ignore[attr-defined]
    bytearray(2**31)


_SERVERS = {"takes too long": _sleeps, "dies": _dies, "takes too much memory": _swells}


def test_times_are_utc_without_a_zone(tmp_path: Path) -> None:
    with IsolatedReader(load_registers(SEEDS), Home(tmp_path, tmp_path)) as reader:
        reading = reader.read(GOOD, "AL-04", datetime.now(UTC).replace(tzinfo=None))
    assert reading.delivery["received_at"].tzinfo is None
