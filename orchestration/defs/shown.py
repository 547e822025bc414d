"""What lies in the data folder of each month, whoever made it, and a sensor that tells Dagster.

Belongs here: the newest verdicts and releases, in codes; the command line makes them too. Not here:
making any.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime

import dagster as dg

from orchestration.defs.resources import HomeResource
from orchestration.products.declaration import Tier
from sources.atomic import read_json
from sources.custody.home import Home
from sources.registers import NATION

GATE = dg.AssetKey("gate")
RELEASES = dg.AssetKey("releases")
PUBLIC_RELEASES = dg.AssetKey("public_releases")
READING_COPY = dg.AssetKey("reading_copy")

#: The metadata that has it, as "AL-04 r2".
SHOWN = "shown"

#: The metadata that leads to the board.
BOARD = "board"

#: Months of an asset, each with what lies there; an asset without months has one entry, None.
Shown = Mapping[str | None, str]


def shown(home: Home) -> dict[dg.AssetKey, Shown]:
    """Return what lies in the data folder, by asset and month."""
    return {
        GATE: _verdicts(home),
        RELEASES: _releases(home, Tier.RESTRICTED),
        PUBLIC_RELEASES: _releases(home, Tier.PUBLIC),
        READING_COPY: _copy(home),
    }


@dg.sensor(
    name="published_elsewhere_sensor",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells Dagster of the verdicts, releases and copy that `krat refresh` made.",
)
def published_elsewhere_sensor(
    context: dg.SensorEvaluationContext, home: HomeResource
) -> dg.SensorResult | dg.SkipReason:
    """Report what lies in the data folder and differs from what Dagster last heard of it."""
    before = json.loads(context.cursor) if context.cursor else {}
    now = {
        key.to_user_string(): {month or "": text for month, text in found.items()}
        for key, found in shown(home.folder).items()
    }
    changed = [
        (dg.AssetKey(name), month or None, text)
        for name, found in now.items()
        for month, text in found.items()
        if before.get(name, {}).get(month) != text
    ]
    events = [
        dg.AssetMaterialization(
            key, partition=month, metadata={SHOWN: text}, description="Found in the data folder."
        )
        for key, month, text in changed
        if _last_heard(context.instance, key, month) != text
    ]
    if not events and now == before:
        return dg.SkipReason("Nothing new lies in the data folder.")
    return dg.SensorResult(asset_events=events, cursor=json.dumps(now))


def _last_heard(instance: dg.DagsterInstance, key: dg.AssetKey, month: str | None) -> object:
    found = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=key, asset_partitions=[month] if month else None), limit=1
    )
    materialized = found.records[0].asset_materialization if found.records else None
    text = materialized.metadata.get(SHOWN) if materialized else None
    return text.value if text else None


def _verdicts(home: Home) -> Shown:
    found = defaultdict(list)
    for path in sorted(home.gate.glob(f"{NATION}*/*.json")):
        if record := read_json(path):
            found[path.stem].append(f"{path.parent.name} {record['verdict']}")
    return {month: ", ".join(each) for month, each in found.items()}


def _releases(home: Home, tier: Tier) -> Shown:
    found = defaultdict(list)
    for latest in sorted((home.releases / tier).glob(f"{NATION}*/*/latest")):
        number = latest.read_text(encoding="ascii").strip()
        found[latest.parent.name].append(f"{latest.parent.parent.name} {number}")
    return {month: ", ".join(each) for month, each in found.items()}


def _copy(home: Home) -> Shown:
    if not home.marts.exists():
        return {}
    swapped = datetime.fromtimestamp(home.marts.stat().st_mtime, UTC)
    return {None: f"swapped {swapped:%Y-%m-%d %H:%M:%S} UTC"}
