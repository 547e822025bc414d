"""Dagster's page as a process of its own: a port for it, waiting for it, asking it, ending it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from orchestration.runtime.settings import environment_of
from sources.custody.home import Home


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def processes_of(home: Home) -> list[int]:
    """Return the processes that work on a home, whoever started them."""
    wanted = f"KRAT_HOME={home.root}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if wanted in path.read_bytes().split(b"\0") and int(path.parent.name) != os.getpid():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def wait_until(what: Callable[[], bool], seconds: float) -> float:
    """Wait until something is so; return how long it took. Fails after so many seconds."""
    start = time.monotonic()
    while not what():
        assert time.monotonic() - start < seconds
        time.sleep(0.1)
    return time.monotonic() - start


def answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/server_info", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def ask(port: int, query: str, **variables: object) -> Any:
    """Ask the page in GraphQL, as its own script does; return the data."""
    content = json.dumps({"query": query, "variables": variables}).encode()
    request = Request(
        f"http://127.0.0.1:{port}/graphql", content, {"Content-Type": "application/json"}
    )
    with urlopen(request, timeout=60) as answer:
        told = json.load(answer)
    assert "errors" not in told, told
    return told["data"]


@contextmanager
def page(home: Home, told: Path) -> Iterator[int]:
    """Run `krat ui` for the block, which has its port; what it tells goes to a file."""
    port = free_port()
    program = [sys.executable, "-c", "from orchestration.cli import main; main()"]
    with told.open("w") as output:
        process = subprocess.Popen(
            [*program, "ui", "--port", str(port)],
            env=environment_of(home),
            stdout=output,
            stderr=output,
        )
    try:
        wait_until(lambda: answers(port), 180)
        yield port
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        finally:
            for left in processes_of(home):
                os.kill(left, signal.SIGKILL)
            process.wait()
