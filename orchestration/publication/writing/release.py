"""Writing a release: one county's month, written once, whole, and never changed.

Belongs here: what any release is made of, and its road from content to a signed folder. Not here:
gathering the content of a tier (restricted, public), where releases lie (products.tree), or the
looks of a file.
"""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from expectations.gate import content_hash
from orchestration.products.codes import codes_table
from orchestration.products.declaration import Product, Tier
from orchestration.products.reference import ReferenceTable
from orchestration.products.tables import ProductTable
from orchestration.products.tree import (
    CHANGES,
    SOURCES,
    VERDICT,
    WORKBOOK,
    ReleaseFolder,
    facts_of,
    require_whole,
)
from orchestration.publication.changes import (
    PREVIOUS_MONTH,
    PREVIOUS_RELEASE,
    Before,
    WhyChanged,
    changed_figures,
    changed_members,
    changes_table,
    describe_changes,
    unexplained,
)
from orchestration.publication.finality import (
    MonthIsFinal,
    finality,
    is_bound_by,
    reopening,
    reopening_text,
)
from orchestration.publication.observations import as_provisional
from orchestration.publication.writing.files import write_reference, write_tables
from orchestration.publication.writing.package import data_package
from orchestration.publication.writing.signing import (
    fingerprint,
    publish_key,
    sign_release,
    signing_key,
)
from orchestration.publication.writing.workbook import Objective, write_workbook
from sources.custody.home import Home
from sources.registers import NATION
from sources.texts import both

EXAMPLE = "EXAMPLE. "

#: The columns of sources.csv, a row a delivery.
SOURCE_COLUMNS = (
    "delivery_id",
    "source",
    "content_hash",
    "county_code",
    "institution_code",
    "version",
    "status",
    "is_made_up",
)


@dataclass(frozen=True)
class Release:
    """A release's folder, its number, and whether this call wrote it."""

    path: Path
    number: int
    is_new: bool


@dataclass(frozen=True)
class ReleaseContent:
    """What one release of any tier holds, before it has a number."""

    tier: Tier
    county_code: str
    month: date
    #: The day as of which it was judged.
    released_on: date
    #: The marts, in the order of the sheets.
    tables: tuple[ProductTable, ...]
    #: The tables that the marts point into.
    registers: tuple[ProductTable, ...]
    #: Identifies the marts' rows: the same are not released twice.
    content_hash: str
    #: Published as gate.json.
    gate: dict[str, Any]
    #: Published as sources.csv, in SOURCE_COLUMNS.
    sources: Sequence[tuple[Any, ...]]
    #: Joins what the manifest has of the release as a whole.
    facts: dict[str, Any]
    is_made_up: bool
    #: What goes out as the warehouse has it, for programs.
    reference: tuple[ReferenceTable, ...] = ()
    #: The calendar's day for the month; without it the month is neither provisional nor final.
    final_on: date | None = None
    #: The marts' numbers one by one; with them goes a table of changes.
    observations: ProductTable | None = None
    #: The names of codes.
    codes: ProductTable = field(default_factory=codes_table)
    #: Hashes of definitions, registers and linkage, by which the next release knows what changed.
    hashes: dict[str, str] = field(default_factory=dict)
    #: Gives, for a release before and the hashes that changed, why a figure of a mart changed.
    reasons: Callable[[Before, list[str]], WhyChanged] | None = None

    def folder(self, home: Home) -> ReleaseFolder:
        """Return where the releases of its tier, county and month lie."""
        return ReleaseFolder(home.releases, self.tier, self.county_code, f"{self.month:%Y-%m}")


def write_release(
    home: Home, content: ReleaseContent, check: Callable[[Path], None] = lambda _: None
) -> Release:
    """Write a release of any tier, whole and signed or not at all, and point `latest` to it.

    The newest release is returned as it is when its content is the same. `check` looks at the
    draft before it appears: what it raises leaves every release as it was.
    Raises finality.MonthIsFinal for a final month that nobody reopened.
    """
    folder = content.folder(home)
    unchanged = _unchanged_release(folder, content)
    if unchanged is not None:
        return unchanged
    key = signing_key(home.keys)
    publish_key(key.public_key(), home.releases)
    previous = folder.newest()
    facts = _facts(home, folder, content, previous)
    with folder.appearing() as (draft, target):
        number = int(target.name[1:])
        facts |= {"number": number, "signed_by": fingerprint(key.public_key())}
        tables = _write(draft, content, facts, _compared_with(home, content, previous))
        check(draft)
        package = data_package(
            draft,
            name=f"krat-{'-'.join((folder.tier, folder.county_code, folder.month)).lower()}"
            f"-r{number}",
            title=f"{EXAMPLE if content.is_made_up else ''}KRAT {content.county_code} "
            f"{folder.month}",
            created=content.released_on,
            made_up=both("release.made_up", " ") if content.is_made_up else "",
            release=facts,
            tables=tables,
            reference=content.reference,
        )
        sign_release(home, draft, target, package)
    return Release(path=target, number=number, is_new=True)


def _unchanged_release(folder: ReleaseFolder, content: ReleaseContent) -> Release | None:
    """Return the newest release if it holds this very content, or is final with these numbers."""
    status = finality(folder, content.final_on, content.released_on, content.is_made_up).status
    newest = folder.newest()
    earlier = facts_of(newest) if newest else {}
    numbers = None
    if earlier.get("status") == "final" and is_bound_by(content.is_made_up, earlier):
        numbers = _numbers_hash(content)
    return newest_with(folder, content.content_hash, status, numbers)


def newest_with(
    folder: ReleaseFolder, content_hash: str, status: str | None, numbers: str | None = None
) -> Release | None:
    """Return the newest release if it holds this content, or is final with these numbers."""
    newest = folder.newest()
    if newest is None:
        return None
    facts = facts_of(newest)
    if facts.get("status") == "final":
        is_same = content_hash == facts["content_hash"] or numbers == facts["numbers_hash"]
    else:
        is_same = (facts["content_hash"], facts.get("status")) == (content_hash, status)
    return newest_as_it_is(folder) if is_same else None


def newest_as_it_is(folder: ReleaseFolder) -> Release | None:
    """Return the newest release, which `latest` then names, or None where there is none."""
    folder.point_latest()
    newest = folder.newest()
    if newest is None:
        return None
    return Release(path=newest, number=folder.numbers()[-1], is_new=False)


def changed_hashes(release: Path, now: dict[str, str]) -> list[str]:
    """Return which hashes differ from those of a release."""
    before = facts_of(release).get("hashes", {})
    return [name for name, value in now.items() if before.get(name) != value]


def _facts(
    home: Home, folder: ReleaseFolder, content: ReleaseContent, previous: Path | None
) -> dict[str, Any]:
    """Return what the manifest has of the release as a whole, without its number and signer."""
    facts: dict[str, Any] = {
        "tier": content.tier.value,
        "county_code": content.county_code,
        "reporting_month": folder.month,
        "number": 0,
        "released_on": content.released_on.isoformat(),
    }
    month = finality(folder, content.final_on, content.released_on, content.is_made_up)
    if month.final_on is not None:
        facts |= {"status": month.status, "final_on": month.final_on.isoformat()}
    reopened = require_reopened(home, folder, previous, content.is_made_up)
    if reopened is not None:
        if content.tier is not Tier.RESTRICTED:
            reopened = {name: reopened[name] for name in ("entry", "county_code", "at")}
        facts |= {"status": "final", "reopened": reopened}
    return facts | {
        "is_made_up": content.is_made_up,
        "content_hash": content.content_hash,
        "numbers_hash": _numbers_hash(content),
        "hashes": content.hashes,
        **content.facts,
    }


def require_reopened(
    home: Home, folder: ReleaseFolder, previous: Path | None, is_made_up: bool
) -> dict[str, Any] | None:
    """Return what reopened a month that is final, None for one that isn't.

    Whether the new release is made up is `is_made_up`: what is final of made-up data binds no real
    ones.

    Raises finality.MonthIsFinal for a final month that nobody reopened.
    """
    before = facts_of(previous) if previous else {}
    if before.get("status") != "final" or not is_bound_by(is_made_up, before):
        return None
    reopened = reopening(home, folder)
    if reopened is None:
        raise MonthIsFinal(
            f"{folder.county_code} {folder.month} is final since {before['final_on']}: krat "
            f"reopen --county {folder.county_code} --month {folder.month} lets it change."
        )
    return reopened


def numbers_hash(tables: Iterable[tuple[Product, pd.DataFrame]]) -> str:
    """Return the hash of the marts' numbers alone, which is what a final month keeps."""
    return content_hash(
        {
            product.name: frame[[*product.key, *product.numbers]]
            for product, frame in tables
            if product.numbers
        }
    )


def _numbers_hash(content: ReleaseContent) -> str:
    return numbers_hash((table.product, table.frame) for table in content.tables)


def _compared_with(home: Home, content: ReleaseContent, previous: Path | None) -> list[Before]:
    """Return the release before, and the newest of the month before in the year, if there are any.

    The public tier is not compared with the month before. Raises DamagedRelease.
    """
    if previous:
        require_whole(previous)
    found = [Before(previous, content.month)] if previous else []
    if content.tier is Tier.RESTRICTED and content.month.month > 1:
        month = content.month.replace(month=content.month.month - 1)
        newest = replace(content, month=month).folder(home).newest()
        if newest:
            require_whole(newest)
            found.append(Before(newest, month, PREVIOUS_MONTH))
    return found


def _write(
    draft: Path, content: ReleaseContent, facts: dict[str, Any], compared: Sequence[Before]
) -> list[ProductTable]:
    """Write all files but the manifest and its signature; return the tables written."""
    reasons = {
        before.compared: content.reasons(before, changed_hashes(before.path, content.hashes))
        for before in compared
        if content.reasons is not None
    }
    tables = content.tables
    written = [*tables, *content.registers]
    observed = changes = None
    if content.observations is not None:
        is_final = facts["status"] == "final"
        observed = content.observations if is_final else as_provisional(content.observations)
        changes = changes_table(
            content.tier,
            [
                row
                for before in compared
                for row in changed_figures(
                    before,
                    tables,
                    reasons.get(before.compared, unexplained),
                    content.county_code,
                    content.month,
                )
            ],
        )
        written += [changes, observed, content.codes]
    write_tables(draft, written)
    write_reference(draft, content.reference)
    with (draft / SOURCES).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(SOURCE_COLUMNS)
        writer.writerows(content.sources)
    (draft / VERDICT).write_text(
        json.dumps(content.gate, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    lines = [both("release.made_up", " ")] if content.is_made_up else []
    if reopened := facts.get("reopened"):
        lines.append(f"{both('release.reopened')}: {reopening_text(reopened)}.")
    previous = next((one.path for one in compared if one.compared == PREVIOUS_RELEASE), None)
    if previous is not None and content.county_code == NATION:
        lines += changed_members(previous, content.sources).sentences()
    why = reasons.get(PREVIOUS_RELEASE)
    (draft / CHANGES).write_text(describe_changes(previous, tables, why, lines), encoding="utf-8")
    write_workbook(
        draft / WORKBOOK,
        facts=facts,
        tables=tables,
        changes=changes,
        observations=observed,
        registers=content.registers,
        measures=_objectives(content.reference),
        gate=content.gate,
    )
    return written


def _objectives(reference: Sequence[ReferenceTable]) -> dict[tuple[str, str], Objective]:
    """Return the objective of each measure, by plan and code of the measure."""
    [measures] = [table.rows for table in reference if table.name == "dim_measures"] or [None]
    return {
        (row["plan_code"], row["measure_code"]): Objective(
            row["plan_code"],
            row["objective_code"],
            row["objective_name_sq"] or "",
            row["objective_name_en"] or "",
        )
        for row in (measures.to_pylist() if measures is not None else [])
    }
