"""What the data folder keeps of the public tier: the newest verdict, and how releases came out.

Belongs here: these two files of the gate's folder. Not here: records of counties and months
(expectations.gate), or the verdict (disclosure).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestration.gate.reading import DatedRelease
from orchestration.products.declaration import Tier
from orchestration.products.tree import ListedRelease, releases_in
from sources.atomic import write_json
from sources.custody.home import Home


@dataclass(frozen=True)
class PublicReleaseRecord:
    """What is kept of a public release."""

    #: Releases of one run share it; it grows from run to run.
    moment: int
    #: The hash of the restricted marts that it shows, as the gate judged them.
    content_hash: str | None


def read_public_releases(home: Home) -> dict[str, PublicReleaseRecord]:
    """Return what is kept of each public release, by its name (AL-04/2023-12/r1)."""
    path = _public_releases_path(home)
    if not path.exists():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    return {name: PublicReleaseRecord(**entry) for name, entry in content.items()}


def keep_public_releases(home: Home, made: Mapping[str, PublicReleaseRecord]) -> None:
    """Keep what is to be known of new public releases."""
    kept = read_public_releases(home)
    write_json(
        _public_releases_path(home), {name: asdict(one) for name, one in {**kept, **made}.items()}
    )


def list_public_releases(home: Home, years: Iterable[str]) -> list[DatedRelease]:
    """Return the public releases of the months of some years, each with its moment.

    Those of one run share it. Where no record is kept, the day and the number decide. Counts of one
    year are tied to no other year's.
    """
    chosen = set(years)
    kept = read_public_releases(home)
    dated: list[tuple[tuple[str, int, int], ListedRelease]] = []
    for one in releases_in(home.releases):
        if one.tier == Tier.PUBLIC and one.month[:4] in chosen:
            record = kept.get(one.name)
            order = (record.moment, 0) if record else (0, one.number)
            dated.append(((one.facts["released_on"], *order), one))
    moments = sorted({order for order, _ in dated})
    return [
        DatedRelease(path=one.path, name=one.name, moment=1 + moments.index(order))
        for order, one in dated
    ]


@dataclass(frozen=True)
class DisclosureRecord:
    """The newest verdict, kept in full for the analyst; it never leaves the data folder.

    `inputs` identifies everything that was judged and the conditions: the same needs no second
    look. `reasons` say which count is known too well, and from which tables.
    """

    judged_on: str
    inputs: str
    verdict: str
    masked_cells: int
    reasons: list[str]


def keep_record(home: Home, record: DisclosureRecord) -> None:
    """Keep the record as the newest."""
    write_json(_record_path(home), asdict(record))


def newest_record(home: Home) -> DisclosureRecord | None:
    """Return the newest record, or None where nothing was judged."""
    path = _record_path(home)
    if not path.exists():
        return None
    return DisclosureRecord(**json.loads(path.read_text(encoding="utf-8")))


def _record_path(home: Home) -> Path:
    return home.gate / "disclosure.json"


def _public_releases_path(home: Home) -> Path:
    return home.gate / "public.json"
