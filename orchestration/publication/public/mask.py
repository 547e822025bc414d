"""Masking what the public tier shows: small counts, rounding, and what must be withheld for them.

Belongs here: choosing the sign or number of each count so that the gate of disclosure passes. Not
here: the parameters (expectations.protection) or the gate (expectations.disclosure).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf

import pandas as pd

from expectations.disclosure import STATEMENT_COLUMNS, Relation, audit
from expectations.protection import (
    SUPPRESSED,
    WITHHELD,
    Additive,
    CountKey,
    Protection,
    relations_among,
)
from orchestration.gate.reading import PublishedNumbers

SHOWN = "number"
NOT_REPORTED = "not_reported"

#: Each round withholds at least one cell more; a table needs few, and what needs many is refused.
ROUNDS = 40


@dataclass(frozen=True)
class Sign:
    """What is shown of a count: a number, or a state in place of one."""

    state: str
    value: int | None = None


def statement(
    cell: CountKey, sign: Sign, table: str, moment: int, rules: Protection
) -> list[object]:
    """Return what a sign shows, as a row of STATEMENT_COLUMNS."""
    least, greatest, is_masked = 0, None, True
    if sign.state == SUPPRESSED:
        greatest = rules.threshold - 1
    elif sign.value is not None:
        least, greatest = rules.meaning(sign.value, cell)
        is_masked = False
    return [str(cell), table, moment, least, greatest, is_masked, True]


def mask(
    counts: Mapping[CountKey, int | None],
    origins: Mapping[CountKey, Additive],
    rules: Protection,
    *,
    published: pd.DataFrame | None = None,
    published_origins: Mapping[CountKey, Additive] | None = None,
) -> dict[CountKey, Sign]:
    """Return the sign of each cell.

    `counts` are the true counts, null where nothing was reported; `origins` are how each came
    about. `published` holds the statements of everything published before (STATEMENT_COLUMNS).
    First each cell by itself: suppressed below the threshold, rounded from there. Then, as long as
    an attacker would know too much of one, more is withheld around it. Where that ends in vain the
    gate refuses what is returned.
    """
    before = published if published is not None else pd.DataFrame(columns=list(STATEMENT_COLUMNS))
    moment = 1 + max((int(moment) for moment in before["moment"]), default=0)
    known = published_origins or {}
    now = {cell: origin.after(known.get(cell), moment) for cell, origin in origins.items()}
    relations = relations_among({**known, **now}, rules)
    ever_withheld, shown_as = _history(before, rules)
    signs = {
        cell: _first_sign(cell, value, str(cell) in ever_withheld, rules)
        for cell, value in counts.items()
    }
    for _ in range(ROUNDS):
        rows = [
            statement(cell, sign, "", moment, rules)
            for cell, sign in signs.items()
            if sign.state != NOT_REPORTED
        ]
        statements = pd.DataFrame(rows, columns=list(STATEMENT_COLUMNS))
        if len(before):
            statements = pd.concat([before, statements], ignore_index=True)
        verdict = audit(statements, relations, rules.threshold, in_full=False)
        leaking = sorted({leak.cell for leak in verdict.leaks})
        free = {
            str(cell): cell
            for cell, sign in signs.items()
            if sign.value is None or rules.meaning(sign.value, cell) not in shown_as[str(cell)]
        }
        more = _withheld_for(leaking, relations, statements, free, signs, counts, rules)
        if not more:
            more = _all_of_the_year(leaking, free, signs)
        if not more:
            break
        signs |= dict.fromkeys(more, Sign(WITHHELD))
    return signs


def mask_rows(
    rows: pd.DataFrame, rules: Protection, published: PublishedNumbers
) -> tuple[pd.DataFrame, list[Sign]]:
    """Return the rows of true counts that may be shown, and the sign of each.

    `published` is what earlier releases show.
    """
    counts = [CountKey(*key) for key in rows[list(CountKey._fields)].itertuples(index=False)]
    origins = {
        count: Additive(
            () if pd.isna(counties) else tuple(counties.split()), source != "published_figure"
        )
        for count, counties, source in zip(
            counts, rows["counties"], rows["counted_from"], strict=True
        )
    }
    is_shown = [rules.may_be_shown(count, origins[count].counties) for count in counts]
    rows = rows[pd.Series(is_shown, index=rows.index, dtype=bool)]
    counts = [count for count, shown in zip(counts, is_shown, strict=True) if shown]
    signs = mask(
        {
            count: None if pd.isna(value) else int(value)
            for count, value in zip(counts, rows["value"], strict=True)
        },
        {count: origins[count] for count in counts},
        rules,
        published=published.frame(),
        published_origins=published.origins,
    )
    return rows, [signs[count] for count in counts]


def _history(
    published: pd.DataFrame, rules: Protection
) -> tuple[set[str], dict[str, set[tuple[int, int]]]]:
    """Return which cells were ever withheld, and what numbers of each were shown, as bounds.

    A withheld one stays so: shown later, it would give away what it was. A number that was shown
    and still holds can't be taken back.
    """
    withheld: set[str] = set()
    shown: dict[str, set[tuple[int, int]]] = defaultdict(set)
    columns = ("cell", "least", "greatest", "is_masked")
    for cell, least, greatest, is_masked in zip(
        *(published[name] for name in columns), strict=True
    ):
        if not is_masked:
            shown[cell].add((int(least), int(greatest)))
        elif pd.isna(greatest) or greatest >= rules.threshold:
            withheld.add(cell)
    return withheld, shown


def _first_sign(cell: CountKey, value: int | None, was_withheld: bool, rules: Protection) -> Sign:
    if value is None:
        return Sign(NOT_REPORTED)
    if was_withheld:
        return Sign(WITHHELD)
    shown = rules.masked(value, cell)
    return Sign(SUPPRESSED) if shown is None else Sign(SHOWN, shown)


def _withheld_for(
    leaking: Iterable[str],
    relations: list[Relation],
    statements: pd.DataFrame,
    free: Mapping[str, CountKey],
    signs: Mapping[CountKey, Sign],
    counts: Mapping[CountKey, int | None],
    rules: Protection,
) -> set[CountKey]:
    """Return what to withhold next: of each relation that gives too much, one cell and the leak."""
    touching: dict[str, list[Relation]] = defaultdict(list)
    for relation in relations:
        for name, _ in relation.terms:
            touching[name].append(relation)
    bounds = {
        name: (least, inf if pd.isna(greatest) else greatest)
        for name, least, greatest in zip(
            *(statements[column] for column in ("cell", "least", "greatest")), strict=True
        )
    }
    chosen: set[CountKey] = set()
    served: set[Relation] = set()
    for name in leaking:
        leaky = [one for one in touching[name] if _leaks_alone(name, one, bounds, rules)]
        if any(relation in served for relation in leaky):
            continue
        served.update(leaky)
        if name in free and signs[free[name]].state == SUPPRESSED:
            chosen.add(free[name])
        found = {
            min(siblings)[-1]
            for relation in leaky
            if (siblings := _siblings(name, relation, free, signs, counts))
        }
        # What no relation gives away alone, or no sibling can hide, one cell nearby may.
        near = {cell for relation in touching[name] for cell, _ in relation.terms}
        for names in ([name], sorted(near)):
            if not found:
                around = [
                    sibling
                    for one in names
                    for relation in touching[one]
                    for sibling in _siblings(one, relation, free, signs, counts)
                ]
                found = {min(around)[-1]} if around else set()
        chosen |= {free[cell] for cell in found}
    return {part for cell in chosen for part in _with_its_parts(cell, signs) if str(part) in free}


def _all_of_the_year(
    leaking: list[str], free: Mapping[str, CountKey], signs: Mapping[CountKey, Sign]
) -> set[CountKey]:
    """Return whatever else could be withheld of the counts that leak, in their years."""
    touched = {(CountKey.named(name).subject, CountKey.named(name).period[:4]) for name in leaking}
    return {
        cell
        for cell in free.values()
        if signs[cell].state in (SHOWN, SUPPRESSED) and (cell.subject, cell.period[:4]) in touched
    }


def _leaks_alone(
    name: str, relation: Relation, bounds: Mapping[str, tuple[float, float]], rules: Protection
) -> bool:
    """Return whether this relation, with what the other cells show, is enough to know too much."""
    least, greatest = relation.least, relation.greatest
    own = 1.0
    for cell, factor in relation.terms:
        if cell == name:
            own = factor
            continue
        ends = sorted(factor * end for end in bounds.get(cell, (0, inf)))
        least, greatest = least - ends[1], greatest - ends[0]
    ends = sorted((least / own, greatest / own))
    return ends[0] > 0 or ends[1] < rules.threshold - 1


def _siblings(
    name: str,
    relation: Relation,
    free: Mapping[str, CountKey],
    signs: Mapping[CountKey, Sign],
    counts: Mapping[CountKey, int | None],
) -> list[tuple[bool, bool, int, str]]:
    """Return what else of a relation could be withheld; the least of them is the best choice.

    A part goes before its total, and the smallest sibling costs the least; one that
    is shown protects more than one that is small.
    """
    factors = dict(relation.terms)
    return [
        (factor > 0, signs[free[one]].state != SHOWN, counts[free[one]] or 0, one)
        for one, factor in factors.items()
        if one != name and one in free and signs[free[one]].state in (SHOWN, SUPPRESSED)
    ]


def _with_its_parts(cell: CountKey, signs: Mapping[CountKey, Sign]) -> list[CountKey]:
    """Return the cell and, for a total, its breakdowns and quarters, which would add up to it."""
    if cell.dimension != "total":
        return [cell]
    return [
        one
        for one in signs
        if one.subject == cell.subject
        and one.county_code == cell.county_code
        and one.period.startswith(cell.period)
        and signs[one].state in (SHOWN, SUPPRESSED)
    ]
