"""The product's choice over a made-up year: five editions, one after the other, as cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

import pandas as pd

from expectations.choice import Earlier, choose
from expectations.disclosure import UNIT_COLUMNS
from expectations.protection import Protection, linked, load_protection
from orchestration.publication.editions.calendar import EditionDay
from orchestration.publication.editions.counts import published_counts
from tests.edition_world import CROSSED, DIMENSIONS


def rules_of(
    units: pd.DataFrame,
    same_persons: Sequence[Sequence[str]] = (),
    parts: Sequence[tuple[str, str]] = (),
) -> Protection:
    """The parameters of protection.yml for the subjects and categories of a world."""
    rules = load_protection()
    found = units.groupby("subject")["dimension"].unique()
    return replace(
        rules,
        dimensions={name: tuple(those) for name, those in DIMENSIONS.items()}
        | {CROSSED: rules.dimensions[CROSSED]},
        breakdowns={str(name): tuple(those) for name, those in found.items()},
        same_persons=tuple(tuple(group) for group in same_persons),
        parts=tuple(parts),
    )


def publish(
    units: pd.DataFrame,
    rules: Protection,
    exact: Iterable[str] = (),
    editions: Iterable[int] = range(1, 6),
) -> pd.DataFrame:
    """The cells of all editions, as choose shows them; `known_elsewhere` is what it could not help.

    A row is a number, in the columns that edition_attack asks for and its true count.
    """
    earlier: list[Earlier] = []
    found = []
    for edition in editions:
        own = units[units["edition"] == edition].assign(is_in_nation=True, is_level=False)
        quarter = edition if edition < 4 else None
        day = EditionDay(date(2024, 3, 31), 2023, edition, "made_up", quarter, "")
        counts = published_counts(own, day, rules)
        for subjects in linked(own["subject"], rules):
            asked = {
                one: value
                for one, value in counts.items()
                if one.key.subject in subjects and value is not None
            }
            if not asked:
                continue
            mine = units[(units["edition"] <= edition) & units["subject"].isin(subjects)]
            before = [one for one in earlier if one.published.key.subject in subjects]
            choice = choose(mine[list(UNIT_COLUMNS)], asked, before, rules, exact)
            for one, value in asked.items():
                sign = choice.signs[one.key]
                earlier.append(Earlier(one, sign))
                found.append(
                    {"edition": edition, **one.key._asdict(), "counties": " ".join(one.counties)}
                    | {"truth": value, **sign._asdict(), "known": choice.known_elsewhere}
                )
    return pd.DataFrame(found).assign(shown_as=lambda rows: rows["shown_as"].map(str))
