"""The counties' folders of the inbox taken in side by side, each as a step of a run.

Which executor takes the steps, in how many processes or on how many machines, is the office's
choice (dagster.yml). All wait for the registers, and no county for another: each writes files of
its own.

Belongs here: the job and its sensor. Not here: taking in (orchestration.ingestion.door).
"""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from orchestration.defs.failures import in_words
from orchestration.defs.ingestion import asked_once, intake_executor
from orchestration.defs.resources import HomeResource, writer_name
from orchestration.ingestion.door import take_in
from orchestration.refresh.steps import Step
from orchestration.registers.in_use import registers_in_use, take_registers
from orchestration.runtime.dagster_home import WRITER_POOL
from orchestration.runtime.settings import WAIT_SECONDS
from orchestration.runtime.writer_lock import one_county, one_writer
from sources.custody.arrivals import waiting
from sources.custody.home import Home
from sources.registers import load_registers


@dg.op(
    name="registers",
    out=dg.Out(dg.Nothing),
    pool=WRITER_POOL,
    description="Takes the office's registers into use, by which all counties are read.",
)
def _registers(context: dg.OpExecutionContext, home: HomeResource) -> None:
    folder = home.folder
    with (
        in_words(folder, "opening the data folder") as report,
        one_writer(folder, WAIT_SECONDS, name=writer_name(context.run), on_wait=report),
    ):
        take_registers(folder)


def _step(county: str) -> dg.OpDefinition:
    @dg.op(
        name=f"take_in_{county}".replace("-", "_"),
        ins={"registers": dg.In(dg.Nothing)},
        out=dg.Out(dg.Nothing),
        description=f"Reads, checks and stores what lies in the folder {county} of the inbox.",
    )
    def take_in_county(context: dg.OpExecutionContext, home: HomeResource) -> None:
        folder = home.folder
        with in_words(folder, Step.READING) as report:
            if all(each.folder != county for each in waiting(folder)):
                return
            with one_county(folder, county, WAIT_SECONDS, on_wait=report):
                intake = take_in(folder, load_registers(registers_in_use(folder)), county)
        context.log.info(
            f"{county}: {intake.accepted} files taken in, {intake.refused} refused, "
            f"{intake.known} known already, {intake.left} still being written"
        )

    return take_in_county


def county_intake(
    home: Home, registers: Path
) -> tuple[list[dg.JobDefinition], list[dg.SensorDefinition]]:
    """Return the job and its sensor; neither where the office names no executor.

    `registers` is the folder that names the counties.
    """
    executor = intake_executor(home)
    if executor is None:
        return [], []
    counties = sorted(load_registers(registers).counties)

    @dg.job(
        executor_def=executor,
        description="Takes in what lies in the folders of counties, side by side. What lies in no "
        "county's folder is taken in by deliveries.",
    )
    def county_intake() -> None:
        registers = _registers()
        for county in counties:
            _step(county)(registers)

    return [county_intake], [_sensor(county_intake, counties)]


def _sensor(job: dg.JobDefinition, counties: Sequence[str]) -> dg.SensorDefinition:
    @dg.sensor(
        name="county_inbox_sensor",
        target=job,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Takes in what lies in the counties' folders, within a minute after it was "
        "written whole.",
    )
    def county_inbox_sensor(
        context: dg.SensorEvaluationContext, home: HomeResource
    ) -> dg.RunRequest | dg.SkipReason:
        with in_words(home.folder, "looking into the inbox"):
            arrivals = [each for each in waiting(home.folder) if each.folder in counties]
            return asked_once(context.instance, arrivals)

    return county_inbox_sensor
