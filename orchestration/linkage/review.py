"""Pairs of persons as whoever decides on them sees them.

Belongs here: reading the pairs that the last refresh found. Not here: decisions
(orchestration.linkage.decisions) or the words of the command line.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from orchestration.linkage.decisions import Row
from orchestration.runtime.database import has_warehouse, read_warehouse
from sources.custody.home import Home


@dataclass(frozen=True)
class Side:
    """One of two persons: who sent it, in which row first, under which pseudonyms."""

    sender_code: str
    delivery_id: str
    row_number: int
    case_key: str
    person_key: str


@dataclass(frozen=True)
class ReviewPair:
    """A pair and what is known of it; `probability` is None where exact rules were enough."""

    pair_id: str
    state: str
    method: str
    probability: float | None
    agreement: str
    since: datetime
    sides: tuple[Side, Side]


def review_pairs(home: Home, county_code: str | None, *, only_doubtful: bool) -> list[ReviewPair]:
    """Return the pairs of a county, or of all (None), the likeliest first.

    Raises ValueError where nothing was linked yet.
    """
    found = []
    for row in _ask(home, _PAIRS, [county_code, county_code, only_doubtful]):
        pair_id, state, method, probability, agreement, since, *sides = row
        one, other = Side(*sides[:5]), Side(*sides[5:])
        found.append(
            ReviewPair(pair_id, state, method, probability, agreement, since, (one, other))
        )
    return found


def rows_of(home: Home, pair_id: str) -> tuple[Row, Row]:
    """Return the rows in which the two of a pair came first.

    Raises ValueError for an unknown pair, or where nothing was linked yet.
    """
    for found in review_pairs(home, None, only_doubtful=False):
        if found.pair_id == pair_id:
            one, other = ((side.delivery_id, side.row_number) for side in found.sides)
            return one, other
    raise ValueError(f"there is no pair {pair_id!r}: see krat links list --all.")


def _ask(home: Home, query: str, values: list[object]) -> list[tuple[Any, ...]]:
    if has_warehouse(home):
        with read_warehouse(home) as connection:
            try:
                return connection.execute(query, values).fetchall()
            except duckdb.CatalogException:
                pass
    raise ValueError("nothing is linked yet: run krat refresh --month YYYY-MM first.")


_PAIRS = """
with sides as (
    select
        delivery_id,
        row_number,
        county_code,
        coalesce(institution_code, county_code) as sender_code,
        case_key,
        coalesce(person_key, case_key) as person_key
    from raw.referral_events
)
select
    pairs.pair_id,
    pairs.state,
    pairs.method,
    pairs.probability,
    pairs.agreement,
    pairs.since,
    one.sender_code,
    one.delivery_id,
    one.row_number,
    one.case_key,
    one.person_key,
    other.sender_code,
    other.delivery_id,
    other.row_number,
    other.case_key,
    other.person_key
from raw.person_pairs as pairs
inner join sides as one
    on pairs.one_delivery_id = one.delivery_id and pairs.one_row_number = one.row_number
inner join sides as other
    on pairs.other_delivery_id = other.delivery_id and pairs.other_row_number = other.row_number
where
    (? is null or ? in (one.county_code, other.county_code))
    and (not ? or pairs.state = 'doubtful')
    -- Made-up persons of a real county count nowhere, as in int_deliveries.
    and not (
        pairs.is_made_up and exists (
            select 1
            from raw.deliveries as deliveries
            where
                deliveries.status = 'accepted'
                and not deliveries.is_made_up
                and deliveries.county_code in (one.county_code, other.county_code)
        )
    )
order by pairs.state = 'doubtful' desc, pairs.probability desc nulls last, pairs.pair_id
"""
