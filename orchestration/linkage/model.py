"""How alike two persons are: exact rules, and Splink for what they leave.

Belongs here: reading linkage.yml and asking DuckDB and Splink. Not here: what follows from it
(orchestration.linkage.link), or any number, each of which stands in linkage.yml with its reason.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.linkage.clusters import Pair, pair
from sources.datafiles import read_yaml

#: What a comparison finds where a field is not known on one side.
NOT_KNOWN = "not known"
DIFFERS = "differs"
SAME = "same"


@dataclass(frozen=True)
class Likeness:
    """How alike two persons are: the probability that they are one, and what each field says."""

    probability: float
    fields: dict[str, str]


@cache
def parameters() -> dict[str, Any]:
    """Return the content of linkage.yml."""
    path = Path(__file__).with_name("linkage.yml")
    content: dict[str, Any] = read_yaml(path)
    return content


def matching_pairs(people: pa.Table, rules: str) -> set[Pair]:
    """Return the pairs that a list of conditions of linkage.yml (exact, ...) holds for."""
    conditions = [f"({rule['condition']})" for rule in parameters()[rules]]
    return _pairs(people, conditions)


def has_comparable_pairs(people: pa.Table) -> bool:
    """Return whether any pair of two clusters is worth comparing; `people` has `cluster` too."""
    conditions = [f"{_blocking_condition(rule)} and l.cluster <> r.cluster" for rule in _blocking()]
    with duckdb.connect(":memory:", config={"temp_directory": ""}) as connection:
        connection.register("people", people)
        return any(
            connection.execute(
                f"select 1 from people as l inner join people as r on {condition} limit 1"
            ).fetchone()
            for condition in conditions
        )


def likenesses(people: pa.Table, at_least: float, asked: Collection[Pair]) -> dict[Pair, Likeness]:
    """Return how alike comparable pairs are, by Splink with the parameters of linkage.yml.

    Told are those whose probability is `at_least` that, and those asked for. Nothing is estimated:
    the same people give the same numbers. Works in memory alone.
    """
    # Imported when there is something to compare: it takes part of a second.
    from splink import DuckDBAPI, Linker, SettingsCreator

    fields = [entry["field"] for entry in parameters()["comparisons"]]
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="person_key",
        probability_two_random_records_match=parameters()["probability_two_records_match"],
        comparisons=[_comparison(entry) for entry in parameters()["comparisons"]],
        blocking_rules_to_generate_predictions=[
            {"blocking_rule": _blocking_condition(rule)} for rule in _blocking()
        ],
    )
    with duckdb.connect(":memory:", config={"temp_directory": ""}) as connection:
        connection.register("people", people)
        linker = Linker(DuckDBAPI(connection).register("people"), settings, log_level=None)
        predicted = linker.inference.predict().physical_name
        pairs = pa.array([f"{one} {other}" for one, other in asked], pa.string())
        connection.register("asked", pa.table({"pair": pairs}))
        # Nearly all pairs that are compared are alike in one field and nothing else.
        rows = connection.execute(
            f"select person_key_l, person_key_r, match_probability, "
            f"{', '.join(f'gamma_{field}' for field in fields)} from {predicted} "
            "where match_probability >= ? or least(person_key_l, person_key_r) "
            "|| ' ' || greatest(person_key_l, person_key_r) in (select pair from asked)",
            [at_least],
        ).fetchall()
    return {
        pair(one, other): Likeness(
            probability=probability,
            fields={
                entry["field"]: _says(entry, gamma)
                for entry, gamma in zip(parameters()["comparisons"], gammas, strict=True)
            },
        )
        for one, other, probability, *gammas in rows
    }


def equal_fields(one: dict[str, Any], other: dict[str, Any]) -> dict[str, str]:
    """Return what each field says of two people, for pairs that Splink did not compare."""
    found = {}
    for entry in parameters()["comparisons"]:
        field = entry["field"]
        sides = [person.get(f"{field}_key", person.get(field)) for person in (one, other)]
        equal = sides[0] == sides[1]
        found[field] = NOT_KNOWN if None in sides else SAME if equal else DIFFERS
    return found


def _pairs(people: pa.Table, conditions: list[str]) -> set[Pair]:
    with duckdb.connect(":memory:", config={"temp_directory": ""}) as connection:
        connection.register("people", people)
        # A union and not one condition joined by "or", which could not be hashed.
        rows = connection.execute(
            " union ".join(
                "select l.person_key, r.person_key from people as l inner join people as r "
                f"on l.person_key < r.person_key and {condition}"
                for condition in conditions
            )
        ).fetchall()
    return {(str(one), str(other)) for one, other in rows}


def _blocking() -> list[dict[str, str]]:
    rules: list[dict[str, str]] = parameters()["compared_if_equal"]
    return rules


def _blocking_condition(rule: dict[str, str]) -> str:
    return " and ".join(f"l.{left} = r.{right}" for left, right in rule.items())


def _comparison(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "output_column_name": entry["field"],
        "comparison_levels": [
            {"sql_condition": level["when"], "is_null_level": True}
            if "m" not in level
            else {
                "sql_condition": level["when"],
                "m_probability": level["m"],
                "u_probability": level["u"],
            }
            for level in entry["levels"]
        ],
    }


def _says(entry: dict[str, Any], gamma: int) -> str:
    """Return the words of a level: Splink numbers the levels with a weight, the last one 0."""
    weighed = [level for level in entry["levels"] if "m" in level]
    return NOT_KNOWN if gamma < 0 else str(weighed[-1 - gamma].get("says", DIFFERS))
