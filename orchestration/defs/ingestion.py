"""Ingestion in Dagster: the inbox as an asset, and the sensor that watches it."""

import hashlib

import dagster as dg

from orchestration.defs.attempts import MOST, TAG, has_given_up, next_attempt
from orchestration.defs.failures import in_words
from orchestration.defs.resources import HomeResource, WriterResource
from orchestration.ingestion.door import take_in
from orchestration.refresh.steps import Step
from orchestration.registers.in_use import registers_in_use, take_registers
from orchestration.runtime.dagster_home import WRITER_POOL, dagster_settings
from sources.custody.arrivals import Arrival, waiting
from sources.custody.home import Home
from sources.registers import load_registers

#: The check that a refused file fails.
TAKEN_IN = "every_file_is_taken_in"


@dg.asset(
    group_name="ingestion",
    pool=WRITER_POOL,
    kinds={"parquet"},
    owners=["team:analysts"],
    check_specs=[
        dg.AssetCheckSpec(
            TAKEN_IN,
            asset="deliveries",
            description="Fails where a file of the last intake was refused, with how many by "
            "county and rule. What was refused before is counted by the check of its rule.",
        )
    ],
)
def deliveries(writer: WriterResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Every file that arrived: read, checked at the door, stored as raw Parquet or refused."""
    with in_words(writer.folder, Step.READING):
        intake = take_in(writer.folder, load_registers(take_registers(writer.folder)))
    refusals = {
        f"{county} {rule}": count for (county, rule), count in sorted(intake.refusals.items())
    }
    counties = sorted({county for county, _ in intake.refusals})
    return dg.MaterializeResult(
        metadata={
            "accepted": intake.accepted,
            "refused": intake.refused,
            "known_already": intake.known,
            "still_being_written": intake.left,
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=TAKEN_IN,
                passed=not intake.refused,
                severity=dg.AssetCheckSeverity.ERROR,
                metadata={
                    "refused": intake.refused,
                    "by_county_and_rule": dg.MetadataValue.json(refusals),
                    "to_list_them": dg.MetadataValue.md(
                        ", ".join(f"`krat findings list --county {code}`" for code in counties)
                        or "nothing was refused"
                    ),
                },
            )
        ],
    )


# Its rules are checked once a refresh has counted what they found.
@dg.sensor(
    target=dg.AssetSelection.assets(deliveries).without_checks()
    | dg.AssetSelection.checks(dg.AssetCheckKey(deliveries.key, TAKEN_IN)),
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Takes in what lies in the inbox, within a minute after it was written whole.",
)
def inbox_sensor(
    context: dg.SensorEvaluationContext, home: HomeResource
) -> dg.RunRequest | dg.SkipReason:
    """Ask for ingestion when files wait and none of them is still being written."""
    with in_words(home.folder, "looking into the inbox"):
        arrivals = waiting(home.folder)
        if intake_executor(home.folder):
            # Those of counties are taken in side by side (county_intake).
            counties = load_registers(registers_in_use(home.folder)).counties
            arrivals = [each for each in arrivals if each.folder not in counties]
        return asked_once(context.instance, arrivals)


def intake_executor(home: Home) -> dg.ExecutorDefinition | None:
    """Return what takes in the counties' folders side by side, None where nothing is set for it.

    With a config that it can't use there is none, which the log says.
    """
    settings = dagster_settings(home)[0].intake
    if settings.executor is None:
        return None
    executor: dg.ExecutorDefinition = settings.executor.configured(settings.config)
    try:
        # Its config is read no earlier than by a run.
        dg.validate_run_config(dg.GraphDefinition("empty").to_job(executor_def=executor))
    except dg.DagsterInvalidConfigError:
        dg.get_dagster_logger().warning(
            "dagster.yml: intake: config is not what its executor takes. Until it is mended, what "
            "lies in the inbox is taken in by deliveries."
        )
        return None
    return executor


def asked_once(
    instance: dg.DagsterInstance, arrivals: list[Arrival]
) -> dg.RunRequest | dg.SkipReason:
    """Ask for a run that takes in files, and again where it failed; once for the same files.

    What waits is known by a hash: names of files can identify people and stay out.
    """
    if not arrivals:
        return dg.SkipReason("The inbox is empty.")
    digest = hashlib.sha256()
    for arrival in arrivals:
        digest.update(f"{arrival.path!r} {arrival.seen}".encode(errors="surrogateescape"))
    listing = digest.hexdigest()
    if attempt := next_attempt(instance, listing):
        return dg.RunRequest(run_key=f"{listing}:{attempt}", tags={TAG: listing})
    if has_given_up(instance, listing):
        return dg.SkipReason(
            f"{len(arrivals)} files wait; taking them in failed {MOST} times: see the last "
            "run, then `krat refresh`."
        )
    return dg.SkipReason(f"{len(arrivals)} files wait and are being taken in.")
