"""How fast krat serve sends a file, against the same read from the disk and Python's own server.

Usage: .venv/bin/python tests/benchmarks/serving.py [MEGABYTES]

One run, in one place: a made-up database of MEGABYTES (default 256) is read whole three times each
by plain reads, over http.server and over krat serve (with a token), then 2,000 ranges of 16 kB as
DuckDB asks for them, and the catalogue of 12 counties and 36 months.
"""

import http.server
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import requests

sys.path.insert(0, str(Path(__file__).parents[1]))

from served import make_tokens, serving, write_release

from sources.custody.home import Home

PART = 1 << 20
RANGES = 2_000


def timed(what: str, work: Callable[[], int]) -> float:
    """Print and return the MB/s of the best of three runs; `work` returns its bytes."""
    best = 0.0
    for _ in range(3):
        started = time.perf_counter()
        size = work()
        best = max(best, size / 1e6 / (time.perf_counter() - started))
    print(f"{what:34} {best:8.0f} MB/s")
    return best


def read(path: Path) -> int:
    """Read a file by parts, as a server must at least."""
    size = 0
    with path.open("rb", buffering=0) as file:
        while part := file.read(PART):
            size += len(part)
    return size


def fetch(session: requests.Session, url: str) -> int:
    """Fetch a file by parts."""
    with session.get(url, stream=True) as response:
        response.raise_for_status()
        return sum(len(part) for part in response.iter_content(PART))


def main(megabytes: int) -> None:
    """Print the throughputs and the times."""
    folder = Path(tempfile.mkdtemp(prefix="krat-bench-"))
    home = Home(root=folder / "home", keys=folder / "keys")
    write_release(home, "AL-04", "2020-01", {"mart.duckdb": os.urandom(PART) * megabytes})
    for county in range(1, 13):
        for month in range(36):
            year = 2021 + month // 12
            write_release(home, f"AL-{county:02}", f"{year}-{month % 12 + 1:02}", {"a.csv": b"a"})
    tokens = make_tokens(home)
    path = "releases/restricted/AL-04/2020-01/r1/mart.duckdb"
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    plain = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(quiet, directory=str(home.root))
    )
    threading.Thread(target=plain.serve_forever, daemon=True).start()
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {tokens['all']}"
    try:
        floor = timed("read from the disk", lambda: read(home.root / path))
        address = f"http://127.0.0.1:{plain.server_port}/{path}"
        base = timed("http.server", lambda: fetch(session, address))
        with serving(home) as url:
            served = timed("krat serve", lambda: fetch(session, url + path))
            print(f"krat serve / http.server {served / base:.2f}, / disk {served / floor:.2f}")
            started = time.perf_counter()
            for number in range(RANGES):
                start = number * 16384 % (megabytes * PART)
                session.get(
                    url + path, headers={"Range": f"bytes={start}-{start + 16383}"}
                ).raise_for_status()
            each = (time.perf_counter() - started) / RANGES
            print(f"a range of 16 kB {each * 1000:21.2f} ms")
            for what in ("catalog.json", "en/"):
                times = []
                for _ in range(4):
                    started = time.perf_counter()
                    session.get(url + what).raise_for_status()
                    times.append(time.perf_counter() - started)
                first, later = times[0] * 1000, times[-1] * 1000
                print(f"{what}, 433 releases: first {first:.0f} ms, then {later:.1f} ms")
    finally:
        plain.shutdown()
        shutil.rmtree(folder)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 256)
