"""Worlds of made-up units for the attacks on editions: what a year's five editions counted."""

from __future__ import annotations

import numpy as np
import pandas as pd

FLOWS = {
    f"F{n:02}": size for n, size in enumerate([0.3, 0.5, 0.7, 1, 1, 1.5, 2, 3, 4, 6, 8, 15, 30], 1)
}
RECORDS = {f"R{n}": size for n, size in enumerate([0.4, 0.8, 1.5, 3, 5], 1)}
SUBJECTS = {**FLOWS, **RECORDS}
DIMENSIONS = {
    "sex": ["female", "male"],
    "age_group": ["0-17", "18+"],
    "exploitation": ["sexual", "labour", "begging", "crime", "marriage", "other"],
    "citizenship": ["AL", "XK", "RS", "other"],
    "channel": ["police", "hotline", "school"],
}
KNOWN = 0.96
CROSSED = "sex_and_age_group"
COLUMNS = ["edition", "subject", "county_code", "month", "dimension", "category", "value"]
SPANS = {1: range(1, 4), 2: range(4, 7), 3: range(7, 10), 4: range(1, 13), 5: range(1, 13)}


def world(
    seed: int,
    counties: int = 12,
    subjects: dict[str, float] | None = None,
    late: float = 0.35,
    corrected: float = 0.24,
    joining: bool = True,
    leaving: bool = True,
) -> pd.DataFrame:
    """A row per edition and unit counted in it. subjects: mean persons a month of a county, by
    code (R: records).

    A report (flow by flow; a month's records together) is late at the first edition that would
    count it, and known
    by the next or the one after. The second county joins in May; in the last one nothing from
    September on is counted
    by editions 4 and 5.
    """
    chance = np.random.default_rng(seed)
    subjects = SUBJECTS if subjects is None else subjects
    codes = [f"AL-{n:02}" for n in range(1, counties + 1)]
    size = dict(zip(codes, chance.gamma(2, 0.5, counties), strict=True))
    rows: list[tuple[object, ...]] = []
    for county in codes:
        for month in range(5 if joining and county in codes[1:2] else 1, 13):
            asked = [edition for edition, span in SPANS.items() if month in span]
            if leaving and county == codes[-1] and month >= 9:
                asked = [edition for edition in asked if edition < 4]
            records = _skip_late(chance, asked, late)
            for subject, mean in subjects.items():
                is_record = subject in RECORDS
                known = records if is_record else _skip_late(chance, asked, late)
                persons = chance.poisson(mean * size[county])
                crossed = _people(chance, persons)
                for edition in known:
                    if edition != known[0] and chance.random() < corrected:
                        crossed = _correct(chance, crossed)
                    for dimension, category, value in _count(crossed, is_record and edition >= 4):
                        rows.append((edition, subject, county, month, dimension, category, value))
    return pd.DataFrame(rows, columns=COLUMNS)


def tied_world(seed: int, counties: int) -> pd.DataFrame:
    """A world of totals: F08 is a part of F10, and F07 mostly counts the persons of F08."""
    units = world(seed, counties, {"F07": 2, "F08": 3, "F10": 6})
    table = units.pivot_table(
        index=["edition", "county_code", "month"], columns="subject", values="value"
    )
    part, whole = table["F08"], table["F10"]
    table["F08"] = part.where(part.isna() | whole.isna() | (part <= whole), whole)
    same = np.random.default_rng(seed).random(len(table)) < 0.7
    table.loc[same & table["F07"].notna() & table["F08"].notna(), "F07"] = table["F08"]
    rows = table.stack().dropna().astype(int).rename("value").reset_index()
    return rows.assign(dimension="total", category="total")[COLUMNS]


def _skip_late(chance: np.random.Generator, asked: list[int], late: float) -> list[int]:
    return asked[int(chance.integers(1, 3)) :] if chance.random() < late else asked


def _people(chance: np.random.Generator, number: int) -> list[tuple[str, ...]]:
    return [
        tuple(
            # Sex or age is unknown of a few.
            str(chance.choice(categories)) if place > 1 or chance.random() < KNOWN else ""
            for place, categories in enumerate(DIMENSIONS.values())
        )
        for _ in range(number)
    ]


def _correct(chance: np.random.Generator, people: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    number = int(chance.integers(1, 3))
    if people and chance.random() < 0.5:
        return people[:-number]
    return people + _people(chance, number)


def _count(people: list[tuple[str, ...]], by_dimension: bool) -> list[tuple[str, str, int]]:
    counts = [("total", "total", len(people))]
    if by_dimension:
        for place, (dimension, categories) in enumerate(DIMENSIONS.items()):
            counts += [
                (dimension, c, sum(person[place] == c for person in people)) for c in categories
            ]
        counts += [
            (CROSSED, f"{sex} {age}", sum(person[:2] == (sex, age) for person in people))
            for sex in DIMENSIONS["sex"]
            for age in DIMENSIONS["age_group"]
        ]
    return counts


def cells_of(units: pd.DataFrame, year: int = 2023) -> pd.DataFrame:
    """The cells that the calendar publishes of a world, all withheld."""
    found = []
    for (edition, subject, dimension, category), own in units.groupby(
        ["edition", "subject", "dimension", "category"]
    ):
        spans = (
            {f"{year}-Q{n}": range(n * 3 - 2, n * 3 + 1) for n in range(1, 5)}
            if dimension == "total"
            else {}
        )
        if edition >= 4:
            spans[str(year)] = range(1, 13)
        for period, span in spans.items():
            counted = own[own["month"].isin(span)]
            places = {"AL": counted}
            if "Q" not in period and dimension != CROSSED:
                places |= dict(list(counted.groupby("county_code")))
            for place, rows in places.items():
                if len(rows):
                    names = " ".join(sorted(rows["county_code"].unique()))
                    value = int(rows["value"].sum())
                    found.append(
                        (edition, subject, place, period, dimension, category, names, value)
                    )
    names = [
        "edition",
        "subject",
        "county_code",
        "period",
        "dimension",
        "category",
        "counties",
        "truth",
    ]
    return pd.DataFrame(found, columns=names).assign(
        shown_as="withheld", value=None, least=None, greatest=None
    )


def round_plainly(cells: pd.DataFrame) -> pd.DataFrame:
    """Every number to the nearest 5, 0 to 10 suppressed, and no look at what the others tell."""
    small = cells["truth"] <= 10
    value = (cells["truth"] + 2) // 5 * 5
    shown = cells.assign(
        shown_as="rounded_5", value=value, least=(value - 2).clip(lower=11), greatest=value + 2
    )
    shown.loc[small, ["shown_as", "value", "least", "greatest"]] = ["suppressed", None, 0, 10]
    return shown
