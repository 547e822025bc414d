"""Ingestion in Dagster: the inbox as an asset, and the sensor that watches it."""

import hashlib
from collections.abc import Iterator

import dagster as dg

from orchestration.defs.resources import HomeResource, WriterResource
from orchestration.ingestion.door import take_in
from orchestration.registers.in_use import take_registers
from orchestration.registers.rows import BrokenRegisters
from orchestration.runtime.dagster_home import WRITER_POOL
from sources.custody.arrivals import waiting
from sources.registers import load_registers
from sources.texts import LANGUAGES


@dg.asset(group_name="ingestion", pool=WRITER_POOL)
def deliveries(writer: WriterResource) -> dg.MaterializeResult[None]:
    """Every file that arrived: read, checked at the door, stored as raw Parquet or refused."""
    try:
        registers = take_registers(writer.folder)
    except BrokenRegisters as broken:
        found = [each.sentence(language) for each in broken.problems for language in LANGUAGES]
        raise dg.Failure("\n".join([f"{broken}", *found]), allow_retries=False) from None
    intake = take_in(writer.folder, load_registers(registers))
    return dg.MaterializeResult(
        metadata={
            "accepted": intake.accepted,
            "refused": intake.refused,
            "known_already": intake.known,
        }
    )


# Its rules are checked once a refresh has counted what they found.
@dg.sensor(
    target=dg.AssetSelection.assets(deliveries).without_checks(), minimum_interval_seconds=60
)
def inbox_sensor(home: HomeResource) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Ask for ingestion when files wait and none of them is still being written.

    The run key is a hash of what waits: names of files can identify people and stay out.
    """
    arrivals = waiting(home.folder)
    if not arrivals:
        yield dg.SkipReason("The inbox is empty.")
        return
    listing = hashlib.sha256()
    for arrival in arrivals:
        listing.update(f"{arrival.path!r} {arrival.seen}".encode(errors="surrogateescape"))
    yield dg.RunRequest(run_key=listing.hexdigest())
