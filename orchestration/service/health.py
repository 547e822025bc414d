"""Whether krat's processes answer.

Belongs here: asking each of them. Not here: what to do where one doesn't (the units).
"""

import subprocess
from urllib.error import URLError
from urllib.request import urlopen

from orchestration.runtime.settings import LOOPBACK, SERVE_PORT, UI_PORT, environment_of
from orchestration.service.dagster_processes import program
from sources.custody.home import Home

_SECONDS = 10


def health(home: Home) -> dict[str, bool]:
    """Return of the daemon, the page and serve whether it answers. Takes seconds."""
    return {
        "daemon": _daemon_beats(home),
        "page": _answers(f"http://{LOOPBACK}:{UI_PORT}/server_info"),
        "serve": _answers(f"http://{LOOPBACK}:{SERVE_PORT}/catalog.json"),
    }


def _daemon_beats(home: Home) -> bool:
    if not (home.dagster / "dagster.yaml").exists():
        return False
    asked = subprocess.run(
        [program("dagster-daemon"), "liveness-check"],
        env=environment_of(home),
        cwd=home.dagster,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return asked.returncode == 0


def _answers(address: str) -> bool:
    try:
        with urlopen(address, timeout=_SECONDS) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
