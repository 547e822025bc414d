"""A release of the restricted tier: a county's month as the gate judged it, in exact aggregates.

Belongs here: gathering what such a release holds, and what releases of both tiers have of a month.
Not here: the verdict that allows it (expectations.gate) or writing it (writing.release).
"""

import hashlib
from datetime import date
from functools import cache
from typing import Any

import duckdb

from expectations.gate import content_hash, read_record, require_pass
from expectations.suites import suite_hash
from orchestration.products.codes import codes_table
from orchestration.products.declaration import Tier, published_marts
from orchestration.products.reference import reference_tables
from orchestration.products.tables import (
    is_made_up,
    month_frames,
    register_tables,
    warehouse_table,
)
from orchestration.products.tree import ReleaseFolder, facts_of
from orchestration.publication.changes import reasons_since
from orchestration.publication.finality import MonthIsFinal, calendar_final_on, finality
from orchestration.publication.observations import observations
from orchestration.publication.writing.release import (
    Release,
    ReleaseContent,
    newest_as_it_is,
    newest_with,
    numbers_hash,
    require_reopened,
    write_release,
)
from orchestration.runtime.clock import today
from orchestration.runtime.database import read_warehouse
from orchestration.runtime.settings import DBT_PROJECT
from sources.custody.decisions import standing_waivers
from sources.custody.home import Home
from sources.registers import NATION


def release(home: Home, county_code: str, month: date) -> Release:
    """Publish a county's month to the restricted tier; return the newest release.

    The gate must have passed exactly what would be published: raises expectations.gate.GateRefused
    without a matching record. Raises finality.MonthIsFinal when the numbers of a final month would
    change. The same content is not released twice.
    """
    with read_warehouse(home) as connection:
        frames = month_frames(connection, county_code, month)
        digest = content_hash(frames)
        record = require_pass(
            read_record(home, county_code, month),
            digest,
            suite_hash(),
            standing_waivers(home, today()),
        )
        folder = ReleaseFolder(home.releases, Tier.RESTRICTED, county_code, f"{month:%Y-%m}")
        day, final_on = as_of(connection), calendar_final_on(connection, month)
        status = finality(folder, final_on, day, record.is_made_up).status
        unchanged = newest_with(folder, digest, status)
        if unchanged is not None:
            return unchanged
        tables = tuple(
            warehouse_table(connection, mart, frames[mart.name]) for mart in published_marts()
        )
        sources = sources_of(connection, county_code, month)
        content = ReleaseContent(
            tier=Tier.RESTRICTED,
            county_code=county_code,
            month=month,
            released_on=day,
            final_on=final_on,
            tables=tables,
            registers=register_tables(connection, month),
            reference=reference_tables(connection, county_code, month),
            observations=observations(connection, county_code, month, tables),
            codes=codes_table(connection),
            content_hash=digest,
            gate=record.as_dict(),
            sources=sources,
            facts=completeness(connection, county_code, month),
            is_made_up=record.is_made_up,
            hashes=hashes(connection, county_code, month),
            reasons=lambda before, changed: reasons_since(
                connection, before, sources, county_code, month, changed
            ),
        )
        return write_release(home, content)


def standing_release(home: Home, county_code: str, month: date) -> Release | None:
    """Return the newest release of a month whose tables are as they were, if its verdict holds.

    None where the verdict is of other content than the release, which `release` compares in full.
    Raises expectations.gate.GateRefused where the gate would not let it through today.
    """
    folder = ReleaseFolder(home.releases, Tier.RESTRICTED, county_code, f"{month:%Y-%m}")
    newest, record = folder.newest(), read_record(home, county_code, month)
    if newest is None or record is None:
        return None
    digest = facts_of(newest)["content_hash"]
    if record.content_hash != digest:
        return None
    require_pass(record, digest, suite_hash(), standing_waivers(home, today()))
    return newest_as_it_is(folder)


def final_month_refusal(home: Home, county_code: str, month: date) -> str | None:
    """Return why a final month keeps its release though its numbers changed, else None."""
    folder = ReleaseFolder(home.releases, Tier.RESTRICTED, county_code, f"{month:%Y-%m}")
    newest = folder.newest()
    if newest is None or facts_of(newest).get("status") != "final":
        return None
    with read_warehouse(home) as connection:
        frames = month_frames(connection, county_code, month)
    numbers = numbers_hash((mart, frames[mart.name]) for mart in published_marts())
    if numbers == facts_of(newest)["numbers_hash"]:
        return None
    try:
        require_reopened(home, folder, newest, is_made_up(frames.values()))
    except MonthIsFinal as refusal:
        return str(refusal)
    return None


@cache
def project_hash(*patterns: str) -> str:
    """Return the SHA-256 of the files of the dbt project that fit any of the patterns."""
    digest = hashlib.sha256()
    for pattern in patterns:
        for path in sorted(DBT_PROJECT.glob(pattern)):
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def hashes(connection: duckdb.DuckDBPyConnection, county_code: str, month: date) -> dict[str, str]:
    """Return what identifies the models, registers and linkage behind a month's numbers."""
    return {
        "definition": project_hash("models/**/*.sql", "macros/*.sql"),
        "registers": _registers_hash(connection),
        "linked": _linkage_hash(connection, county_code, month),
    }


def _registers_hash(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the hash of the registers with which the warehouse was built."""
    row = connection.execute("select registers_hash from raw.refresh_context").fetchone()
    return str(row[0]) if row else ""


def as_of(connection: duckdb.DuckDBPyConnection) -> date:
    """Return the day as of which the warehouse was built."""
    row = connection.execute("select as_of from raw.refresh_context").fetchone()
    return row[0] if row else date.min


def completeness(
    connection: duckdb.DuckDBPyConnection, county_code: str, month: date
) -> dict[str, Any]:
    """Return how many reports were due and came, and when the last delivery came.

    Of records it has how much came (whole, part, none), None where nobody keeps any. Of the nation
    also how many counties report, of how many, and which do not; of a county which others do not.
    """
    [(expected, received, on_time, hotline, referral, known_until, *counties)] = connection.execute(
        "select expected, received, on_time, hotline, referral, known_until, "
        "counties_reporting, counties_expected, counties_missing "
        "from publication.area_completeness where county_code = ? and reporting_month = ?",
        [county_code, month],
    ).fetchall()
    came = {"expected": expected, "received": received, "on_time": on_time}
    came |= {"hotline": hotline, "referral": referral}
    if counties[1] is not None:
        names = ("counties_reporting", "counties_expected", "counties_missing")
        came |= dict(zip(names, counties, strict=True))
    else:
        [(missing,)] = connection.execute(
            "select counties_missing from publication.area_completeness "
            "where county_code = ? and reporting_month = ?",
            [NATION, month],
        ).fetchall()
        others = [code for code in (missing or "").split() if code != county_code]
        came["others_missing"] = " ".join(others)
    return {
        "completeness": came,
        "known_until": None if known_until is None else f"{known_until:%Y-%m-%dT%H:%M:%SZ}",
    }


def sources_of(
    connection: duckdb.DuckDBPyConnection, county_code: str, month: date
) -> list[tuple[Any, ...]]:
    """Return the deliveries that a month rests on, in SOURCE_COLUMNS."""
    return connection.execute(
        "select delivery_id, source_kind, content_hash, county_code, institution_code, version, "
        "status, is_made_up from publication.release_sources where area_code = ? "
        "and (reporting_month is null or reporting_month <= ?) order by all",
        [county_code, month],
    ).fetchall()


def _linkage_hash(connection: duckdb.DuckDBPyConnection, county_code: str, month: date) -> str:
    """Return the SHA-256 of the decisions on linkage that touch a county up to a month."""
    rows = connection.execute(
        "select reporting_month, changed_on, linked_pairs, apart_pairs, decided_pairs "
        "from core.fct_link_changes "
        "where county_code = ? and reporting_month <= ? and decided_pairs > 0 order by all",
        [county_code, month],
    ).fetchall()
    return hashlib.sha256(repr(rows).encode()).hexdigest()
