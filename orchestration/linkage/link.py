"""Who is known to several institutions: links and doubtful pairs in the warehouse's raw schema.

Belongs here: the order (exact rules, Splink, decisions) and what is written of it. Not here: how
alike two persons are (orchestration.linkage.model), or counting them (dbt_project).

A person here is what one sender calls by one code, or a case where there is no code.
"""

import hashlib
from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.linkage.clusters import Pair, clusters, pair
from orchestration.linkage.decisions import DIFFERENT, SAME, Decision, Row, last_words
from orchestration.linkage.model import (
    Likeness,
    equal_fields,
    has_comparable_pairs,
    likenesses,
    matching_pairs,
    parameters,
)
from orchestration.runtime.database import write_warehouse
from orchestration.runtime.loaded import loaded_states, note_loaded
from sources.custody.home import Home

_TEXT = pa.string()
_KEYS = (
    "personal_number_key",
    "given_name_key",
    "given_name_sound_key",
    "family_name_key",
    "family_name_sound_key",
    "birth_date_key",
    "birth_year_key",
)

#: A person as a sender knows it: the latest that was said of each part of its identity, and the
#: row in which it came first.
PEOPLE = pa.schema(
    {
        "person_key": _TEXT,
        **dict.fromkeys(_KEYS, _TEXT),
        "sex": _TEXT,
        "delivery_id": _TEXT,
        "row_number": pa.int64(),
        "received_at": pa.timestamp("us"),
    }
)

#: Tables of the schema raw that linking writes. Times are UTC without a zone.
SCHEMAS = {
    "person_links": pa.schema(
        {
            "person_key": _TEXT,
            "linked_person_key": _TEXT,
            "least_person_key": _TEXT,
            "is_comparable": pa.bool_(),
            "is_made_up": pa.bool_(),
        }
    ),
    "case_links": pa.schema(
        {
            "case_key": _TEXT,
            "linked_case_key": _TEXT,
            "least_case_key": _TEXT,
            "is_comparable": pa.bool_(),
            "is_made_up": pa.bool_(),
        }
    ),
    "person_pairs": pa.schema(
        {
            "pair_id": _TEXT,
            "one_person_key": _TEXT,
            "other_person_key": _TEXT,
            "one_delivery_id": _TEXT,
            "one_row_number": pa.int64(),
            "other_delivery_id": _TEXT,
            "other_row_number": pa.int64(),
            "state": _TEXT,
            "method": _TEXT,
            "probability": pa.float64(),
            "agreement": _TEXT,
            "since": pa.timestamp("us"),
            "is_made_up": pa.bool_(),
        }
    ),
}


def link_persons(home: Home) -> dict[str, int]:
    """Write the tables of SCHEMAS from the raw tables as loaded; return their numbers of rows.

    Where anything changed everything is linked anew, so that a decision, a correction or a new key
    leaves nothing behind.
    Made-up persons and real ones are linked each among themselves: they are never the same.
    """
    decisions = last_words(home)
    with write_warehouse(home) as connection:
        state = _state(connection, decisions)
        loaded = loaded_states(connection)
        if any(loaded.get(table) != state for table in SCHEMAS):
            link(connection, decisions)
            note_loaded(connection, dict.fromkeys(SCHEMAS, state))
        return {table: connection.table(f"raw.{table}").shape[0] for table in SCHEMAS}


def _state(connection: duckdb.DuckDBPyConnection, decisions: list[Decision]) -> str:
    """Return the state of what links rest on: events, their files, decisions, and the model."""
    counted = connection.execute(
        "select (select (count(*), sum(hash(events)::hugeint)) "
        "from raw.referral_events as events), "
        "(select (count(*), sum(hash(deliveries)::hugeint)) from raw.deliveries as deliveries "
        "where delivery_id in (select delivery_id from raw.referral_events))"
    ).fetchall()
    digest = hashlib.sha256(repr((counted, decisions)).encode())
    for path in sorted(Path(__file__).parent.glob("*.*")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def link(connection: duckdb.DuckDBPyConnection, decisions: list[Decision]) -> None:
    """Write the tables of SCHEMAS from the raw tables of a database."""
    found: dict[str, list[dict[str, Any]]] = {table: [] for table in SCHEMAS}
    for is_made_up in (False, True):
        decided = _decided(connection, decisions, is_made_up)
        people = connection.execute(_PEOPLE, [is_made_up]).to_arrow_table()
        links, pairs = links_and_pairs(people, decided)
        cases = case_links(connection.execute(_CASES, [is_made_up]).fetchall(), links)
        for table, rows in zip(SCHEMAS, (links, cases, pairs), strict=True):
            found[table] += [row | {"is_made_up": is_made_up} for row in rows]
    for table, schema in SCHEMAS.items():
        connection.register("found", pa.Table.from_pylist(found[table], schema=schema))
        connection.execute(f"create or replace table raw.{table} as from found")
        connection.unregister("found")


def links_and_pairs(
    people: pa.Table, decided: dict[Pair, Decision]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of person_links and person_pairs for people with the columns of PEOPLE.

    `decided` has the last word on each pair that was decided on, the latest first.
    """
    persons = {row["person_key"]: row for row in people.to_pylist()}
    decided = {two: decision for two, decision in decided.items() if set(two) <= persons.keys()}
    same = [two for two, decision in decided.items() if decision.word == SAME]
    different = [two for two, decision in decided.items() if decision.word == DIFFERENT]
    exact = sorted(matching_pairs(people, "exact"))
    in_doubt = matching_pairs(people, "in_doubt")
    uncertain = in_doubt | matching_pairs(people, "never_certain")
    alike = _likenesses(people, clusters(persons, exact), {*in_doubt, *decided})
    likely = [
        two
        for two, found in sorted(alike.items(), key=lambda item: (-item[1].probability, item[0]))
        if found.probability >= parameters()["thresholds"]["doubtful"]
    ]
    certain = [
        two
        for two in likely
        if alike[two].probability >= parameters()["thresholds"]["linked"] and two not in uncertain
    ]
    linked = clusters(persons, [*same, *exact, *certain], different)
    # What a decision keeps apart though it was linked is in doubt again, at another place.
    doubtful = {
        (one, other)
        for one, other in {*same, *exact, *likely, *in_doubt} - set(different)
        if linked[one] != linked[other]
    }
    least = clusters(persons, [*linked.items(), *sorted(doubtful)])
    named = {
        linked[key]
        for key, person in persons.items()
        if person["given_name_key"] and person["family_name_key"]
    }
    links = [
        {
            "person_key": key,
            "linked_person_key": linked[key],
            "least_person_key": least[key],
            "is_comparable": linked[key] in named,
        }
        for key in persons
    ]
    pairs = []
    for two in sorted({*exact, *certain, *same, *different} | doubtful):
        decision, likeness = decided.get(two), alike.get(two)
        one, other = sorted((persons[key] for key in two), key=_first_row)
        pairs.append(
            {
                "pair_id": _pair_id(one, other),
                **_side("one", one),
                **_side("other", other),
                "state": "doubtful"
                if two in doubtful
                else "apart"
                if two in different
                else "linked",
                "method": "decided"
                if two in {*same, *different}
                else "exact"
                if two in exact
                else "splink",
                "probability": likeness.probability if likeness else None,
                "agreement": _agreement(one, other, likeness),
                "since": max(
                    one["received_at"],
                    other["received_at"],
                    *([decision.at] if decision else []),
                ),
            }
        )
    return links, pairs


#: The steps that count: as in core.fct_referral_events, a case is what the latest delivery says of
#: it, under the number that it has now.
_CURRENT_STEPS = """
with accepted as (
    select
        events.*,
        deliveries.received_at,
        (deliveries.received_at, events.delivery_id, events.row_number) as said_at,
        coalesce(events.person_key, events.case_key) as known_as
    from raw.referral_events as events
    inner join raw.deliveries as deliveries on events.delivery_id = deliveries.delivery_id
    where deliveries.status = 'accepted' and deliveries.is_made_up = ?
),
latest as (
    select * from accepted
    qualify dense_rank() over (
        partition by case_key order by received_at desc, delivery_id desc
    ) = 1
),
current_steps as (
    select * from latest
    where not exists (
        select 1
        from latest as renumbered
        where
            renumbered.former_case_key = latest.case_key
            and renumbered.case_key <> latest.case_key
    )
)
"""

#: The query behind PEOPLE.
_PEOPLE = (
    _CURRENT_STEPS
    + """
select
    known_as as person_key,
    {latest},
    arg_max(sex, said_at) filter (where sex in ('female', 'male')) as sex,
    first_delivery_id as delivery_id,
    first_row_number as row_number,
    first_received_at as received_at
from current_steps
inner join (
    select
        known_as,
        arg_min(delivery_id, said_at) as first_delivery_id,
        arg_min(row_number, said_at) as first_row_number,
        min(received_at) as first_received_at
    from accepted
    group by known_as
) using (known_as)
group by all
order by person_key
""".format(
        latest=",\n    ".join(
            f"arg_max({key}, said_at) filter (where {key} is not null) as {key}" for key in _KEYS
        )
    )
)

#: Each person in a case, who keeps it, and when it begins for the person.
_CASES = (
    _CURRENT_STEPS
    + """
select case_key, known_as, coalesce(institution_code, county_code), min(event_date)
from current_steps
group by all
"""
)


def _decided(
    connection: duckdb.DuckDBPyConnection, decisions: list[Decision], is_made_up: bool
) -> dict[Pair, Decision]:
    """Return the decisions by the persons whose rows they name, the latest first.

    Only those on rows of made-up files, or of real ones.
    """
    rows = {row for decision in decisions for row in decision.rows}
    known: dict[Row, str] = {
        (str(delivery), int(number)): str(person)
        for delivery, number, person in connection.execute(
            "select delivery_id, row_number, coalesce(person_key, case_key) "
            "from raw.referral_events inner join raw.deliveries using (delivery_id) "
            "where list_contains(?, delivery_id) and is_made_up = ?",
            [sorted({delivery for delivery, _ in rows}), is_made_up],
        ).fetchall()
    }
    found: dict[Pair, Decision] = {}
    for decision in decisions:
        one, other = (known.get(row) for row in decision.rows)
        if one and other and one != other:
            found.setdefault(pair(one, other), decision)
    return found


def case_links(
    cases: list[tuple[str, str, str, date]], links: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the rows of case_links for (case, person, sender, begun on) of each person in a case.

    Cases of two senders about one person are one case: the first of the one with the first of the
    other, the second with the second. A sender's own cases stay apart.
    """
    keys = sorted({case for case, *_ in cases})
    people = {link["person_key"]: link for link in links}
    found = {}
    for reading in ("linked", "least"):
        of_person: dict[tuple[str, str], set[tuple[date, str]]] = {}
        for case, person, sender, begun_on in cases:
            known_as = people[person][f"{reading}_person_key"]
            of_person.setdefault((known_as, sender), set()).add((begun_on, case))
        episodes: dict[tuple[str, int], list[str]] = {}
        for (known_as, _), theirs in of_person.items():
            for episode, (_, case) in enumerate(sorted(theirs)):
                episodes.setdefault((known_as, episode), []).append(case)
        same = [(first, case) for first, *others in episodes.values() for case in others]
        found[reading] = clusters(keys, same)
    unknown = {
        found["linked"][case] for case, person, *_ in cases if not people[person]["is_comparable"]
    }
    return [
        {
            "case_key": case,
            "linked_case_key": found["linked"][case],
            "least_case_key": found["least"][case],
            "is_comparable": found["linked"][case] not in unknown,
        }
        for case in keys
    ]


def _likenesses(
    people: pa.Table, exact: dict[str, str], asked: Collection[Pair]
) -> dict[Pair, Likeness]:
    """Return how alike those pairs are that exact rules left apart: the likely, and those asked."""
    apart = people.append_column(
        "cluster", pa.array([exact[key] for key in people["person_key"].to_pylist()], _TEXT)
    )
    if not has_comparable_pairs(apart):
        return {}
    found = likenesses(people, parameters()["thresholds"]["doubtful"], asked)
    return {
        (one, other): alike for (one, other), alike in found.items() if exact[one] != exact[other]
    }


def _first_row(person: dict[str, Any]) -> Row:
    return person["delivery_id"], person["row_number"]


def _pair_id(one: dict[str, Any], other: dict[str, Any]) -> str:
    stated = "|".join(f"{delivery}/{row}" for delivery, row in map(_first_row, (one, other)))
    return hashlib.sha256(stated.encode()).hexdigest()[:10]


def _side(name: str, person: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{name}_person_key": person["person_key"],
        f"{name}_delivery_id": person["delivery_id"],
        f"{name}_row_number": person["row_number"],
    }


def _agreement(one: dict[str, Any], other: dict[str, Any], likeness: Likeness | None) -> str:
    """Return what each field says, in words: "given_name same, family_name sounds alike, ..."."""
    fields = likeness.fields if likeness else equal_fields(one, other)
    return ", ".join(f"{field} {says}" for field, says in fields.items())
