"""Ingestion in Dagster: the inbox as an asset, and the sensor that watches it."""

import hashlib
from collections.abc import Iterator

import dagster as dg

from orchestration.dagster_home import PATIENCE_SECONDS, WRITER_POOL
from orchestration.ingestion.door import take_in, waiting_files
from orchestration.settings import SEEDS, home_from_environment
from orchestration.writer import one_writer
from sources.registers import load_registers


@dg.asset(group_name="ingestion", pool=WRITER_POOL)
def deliveries() -> dg.MaterializeResult[None]:
    """Every file that arrived: read, checked at the door, stored as raw Parquet or refused."""
    home = home_from_environment()
    with one_writer(home, PATIENCE_SECONDS):
        intake = take_in(home, load_registers(SEEDS))
    return dg.MaterializeResult(
        metadata={
            "accepted": intake.accepted,
            "refused": intake.refused,
            "known_already": intake.known,
        }
    )


@dg.sensor(target=[deliveries], minimum_interval_seconds=60)
def inbox_sensor() -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Ask for ingestion when files wait and none of them is still being written.

    The run key is a hash of what waits: names of files can identify people and stay out.
    """
    waiting = list(waiting_files(home_from_environment()))
    if not waiting:
        yield dg.SkipReason("The inbox is empty.")
        return
    listing = hashlib.sha256()
    for county_code, path in waiting:
        found = path.stat()
        listing.update(f"{county_code}/{path.name}/{found.st_size}/{found.st_mtime_ns}".encode())
    yield dg.RunRequest(run_key=listing.hexdigest())
