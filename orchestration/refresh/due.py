"""Which released months need a new release though nobody asked for one.

A late or corrected report of March changes March, and every later month that adds it up. A day that
comes makes a month final, or lets its counts of persons go out.

Belongs here: telling those months. Not here: judging or releasing them.
"""

import json
from datetime import date, datetime

import duckdb

from expectations.protection import CountKey, load_protection, periods_ending
from orchestration.gate.judge import Scope
from orchestration.products.declaration import Tier, published_marts
from orchestration.products.tree import ReleaseFolder, facts_of
from orchestration.publication.finality import settled_on
from orchestration.publication.restricted import as_of
from sources.custody.home import Home


def changed_since_release(home: Home, county_code: str | None = None) -> list[Scope]:
    """Return the released counties and months, of one county or of all, whose tables changed.

    A fingerprint of each is kept when it is released, so that nothing is compared in full. What was
    refused since its tables changed is told again.
    """
    seen = _seen(home)
    now = _fingerprints(home)
    return [
        scope
        for scope in _released(home)
        if county_code in (None, scope.county_code)
        if seen.get(_name(scope)) != now.get(_name(scope))
    ]


def due(home: Home, county_code: str | None = None) -> list[Scope]:
    """Return the released counties and months that the day alone gives a new release.

    Those that are final by now, and those whose counts of persons have settled since they went out.
    """
    rules = load_protection()
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        day = as_of(connection)
    scopes = []
    for scope in _released(home):
        if county_code not in (None, scope.county_code):
            continue
        month = f"{scope.month:%Y-%m}"
        folders = [ReleaseFolder(home.releases, tier, scope.county_code, month) for tier in Tier]
        newest = [facts_of(path) for folder in folders if (path := folder.newest())]
        becomes_final = any(
            facts.get("status") == "provisional" and date.fromisoformat(facts["final_on"]) <= day
            for facts in newest
        )
        settled = settled_on(scope.month, rules)
        has_counts = any(
            rules.may_be_shown(CountKey("", scope.county_code, period))
            for period in periods_ending(month)
        )
        has_settled = has_counts and any(
            facts["tier"] == Tier.PUBLIC
            and date.fromisoformat(facts["released_on"]) < settled <= day
            for facts in newest
        )
        if becomes_final or has_settled:
            scopes.append(scope)
    return scopes


def note_released(home: Home, scopes: list[Scope]) -> None:
    """Keep the fingerprints of what was released as the tables now stand."""
    now = _fingerprints(home)
    seen = _seen(home) | {_name(scope): now.get(_name(scope)) for scope in scopes}
    home.gate.mkdir(parents=True, exist_ok=True)
    fresh = home.gate / "released.new"
    fresh.write_text(json.dumps(seen, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    fresh.replace(home.gate / "released.json")


def _released(home: Home) -> list[Scope]:
    folders = (home.releases / Tier.RESTRICTED).glob("*/*")
    return sorted(
        Scope(folder.parent.name, datetime.strptime(folder.name, "%Y-%m").date())
        for folder in folders
        if any(folder.glob("r*"))
    )


def _seen(home: Home) -> dict[str, str | None]:
    path = home.gate / "released.json"
    if not path.exists():
        return {}
    content: dict[str, str | None] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _fingerprints(home: Home) -> dict[str, str]:
    parts = " union all ".join(
        f"select county_code, reporting_month, '{mart.name}' as mart, "
        f"count(*) as row_count, sum(hash(mart)::hugeint) as rows_hash "
        f"from {mart.model} as mart group by all"
        for mart in published_marts()
    )
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        rows = connection.execute(
            "select county_code, reporting_month, string_agg("
            f"mart || ' ' || row_count || ' ' || rows_hash, ',' order by mart) from ({parts}) "
            "where county_code is not null and reporting_month is not null group by all"
        ).fetchall()
    return {_name(Scope(county, month)): fingerprint for county, month, fingerprint in rows}


def _name(scope: Scope) -> str:
    return f"{scope.county_code}/{scope.month:%Y-%m}"
