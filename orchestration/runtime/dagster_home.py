"""Dagster's own settings file, written into its home when it is opened.

Belongs here: what every Dagster instance of krat is told. Not here: assets, jobs, schedules.
"""

import yaml

from sources.atomic import write_text
from sources.custody.home import Home

#: The pool of everything that opens the warehouse for writing: DuckDB has one writer.
WRITER_POOL = "duckdb"

INSTANCE = {
    "telemetry": {"enabled": False},
    "nux": {"enabled": False},
    "concurrency": {
        "pools": {"default_limit": 1, "granularity": "op"},
        "runs": {"max_concurrent_runs": 1},
    },
}


def write_dagster_home(home: Home) -> None:
    """Write dagster.yaml; run storage and logs lie beside it, under the krat home."""
    write_text(home.dagster / "dagster.yaml", yaml.safe_dump(INSTANCE))
