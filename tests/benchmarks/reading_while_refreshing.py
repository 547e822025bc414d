"""Readers that ask the reading copy in a loop while it is refreshed again and again.

Run by hand: python tests/benchmarks/reading_while_refreshing.py [readers] [refreshes], 20 and 10 by
default. Prints whether a reader failed, how long the slowest answer took, and a refresh's time with
readers and without. Readers need processors too: as many that read a file of their own, which no
refresh touches, show how much of the difference that is.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration.refresh.steps import refresh
from orchestration.runtime.database import write_warehouse
from orchestration.runtime.settings import PROJECT, SEEDS, prepare_process
from sources.custody.home import Home
from sources.example.generate import write_example

MONTH = date(2023, 5, 1)

#: What every reader asks.
SUM = (
    "select count(*), sum(contacts) from marts.hotline_activity "
    "inner join core.dim_counties using (county_code)"
)

READER = """
import sys, time
from pathlib import Path
from orchestration.reading_copy.ask import reading
from sources.custody.home import Home

home, stop = Home(Path(sys.argv[1]), Path(sys.argv[1])), Path(sys.argv[2])
asked, slowest = 0, 0.0
while not stop.exists():
    started = time.monotonic()
    with reading(home) as connection:
        assert connection.execute(sys.argv[3]).fetchone()[0] > 0
    asked, slowest = asked + 1, max(slowest, time.monotonic() - started)
    time.sleep(0.5)
print(asked, slowest)
"""


@dataclass(frozen=True)
class Seen:
    """What readers and refreshes saw of each other; times in seconds."""

    failed: int
    copies: int
    questions: list[int]
    slowest_answer: float
    refreshes: list[float]


#: Refreshes beside which the others are held.
CONTROLS = 3


def build_all_next(home: Home) -> None:
    """Let the next refresh build, judge and copy everything, though nothing is new."""
    with write_warehouse(home) as connection:
        connection.execute("delete from ops.built")
    for name in ("judged", "copied"):
        (home.gate / f"{name}.json").unlink()


def read_while_refreshing(
    home: Home, readers: int, refreshes: int, read: Home | None = None
) -> Seen:
    """Start readers of `read`, by default of the home refreshed; refresh; stop them, and tell."""
    with tempfile.TemporaryDirectory() as folder:
        stop = Path(folder) / "stop"
        arguments = [sys.executable, "-c", READER, str((read or home).root), str(stop), SUM]
        processes = [
            subprocess.Popen(arguments, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
            for _ in range(readers)
        ]
        times, copies = [], {home.marts.stat().st_ino}
        for _ in range(refreshes):
            build_all_next(home)
            started = time.monotonic()
            refresh(home, [MONTH])
            times.append(time.monotonic() - started)
            copies.add(home.marts.stat().st_ino)
        time.sleep(2)
        stop.touch()
        told = [process.communicate(timeout=120)[0].split() for process in processes]
    return Seen(
        failed=sum(process.returncode != 0 for process in processes),
        copies=len(copies),
        questions=[int(line[0]) for line in told if line],
        slowest_answer=max((float(line[1]) for line in told if line), default=0.0),
        refreshes=times,
    )


def main(readers: int = 20, refreshes: int = 10) -> None:
    """Print what was seen, beside refreshes that nobody reads during."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(root=Path(folder) / "home", keys=Path(folder) / "keys")
        os.environ["KRAT_HOME"], os.environ["KRAT_KEYS"] = str(home.root), str(home.keys)
        prepare_process(home)
        write_example(home.inbox, SEEDS)
        refresh(home, [MONTH])
        other = Home(root=Path(folder) / "other", keys=home.keys)
        other.root.mkdir()
        shutil.copy(home.marts, other.marts)
        alone = read_while_refreshing(home, 0, CONTROLS)
        beside = read_while_refreshing(home, readers, CONTROLS, other)
        seen = read_while_refreshing(home, readers, refreshes)
    print(f"{readers} readers, {sum(seen.questions)} questions, {seen.failed} readers failed")
    print(f"slowest answer                 {seen.slowest_answer:6.2f} s")
    print(f"a refresh, nobody reading      {statistics.median(alone.refreshes):6.2f} s")
    print(f"a refresh, {readers} reading elsewhere {statistics.median(beside.refreshes):5.2f} s")
    print(f"a refresh, {readers} reading          {statistics.median(seen.refreshes):6.2f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
