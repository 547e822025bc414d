"""The counts of an edition: what is added up to what, and the rows that show it.

Belongs here: the shapes in which counts of persons go out. Not here: how each is shown
(expectations.choice), or the warehouse that units come from (edition).
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

import pandas as pd

from expectations.disclosure import UNIT_COLUMNS, Published
from expectations.protection import TOTAL, CountKey, Protection, Shown, Sign
from orchestration.publication.editions.calendar import EditionDay
from sources.registers import NATION

#: A dimension that the nation alone has.
_OF_THE_NATION = "sex_and_age_group"

#: What rows of counts have in common with each other; the names of columns of person_counts.
COUNT_COLUMNS = tuple(CountKey._fields)


def complete_units(found: pd.DataFrame, day: EditionDay, rules: Protection) -> pd.DataFrame:
    """Return the units that an edition counts, those of nobody included, in UNIT_COLUMNS and more.

    `found` are rows of publication.edition_units of the edition's year, where a category without
    anybody has none.
    """
    rows = found.assign(
        edition=day.edition, month=pd.to_datetime(found["reporting_month"]).dt.month
    )
    totals = rows[rows["dimension"] == TOTAL]
    if day.quarter is not None:
        of_quarter = (totals["month"] + 2) // 3 == day.quarter
        return totals[of_quarter & ~totals["is_level"]].reset_index(drop=True)
    asked = pd.DataFrame(
        [
            (subject, dimension, category)
            for subject, dimensions in rules.breakdowns.items()
            for dimension in dimensions
            for category in rules.dimensions[dimension]
        ],
        columns=["subject", "dimension", "category"],
    )
    shared = [name for name in totals.columns if name not in ("dimension", "category", "value")]
    details = totals[shared].merge(asked, on="subject")
    key = ["subject", "county_code", "month", "dimension", "category"]
    details = details.merge(rows[[*key, "value"]], on=key, how="left")
    details["value"] = details["value"].fillna(0).astype("int64")
    return pd.concat([totals, details], ignore_index=True)[list(rows.columns)]


def published_counts(
    units: pd.DataFrame, day: EditionDay, rules: Protection
) -> dict[Published, int | None]:
    """Return the counts of an edition with the units' sums; None where too few counties are in.

    The nation has each quarter and the year; a county the year, one dimension at a time.
    """
    counts: dict[Published, int | None] = {}
    national = units[units["is_in_nation"]]
    for key, rows in national.groupby(["subject", "dimension", "category"], sort=True):
        subject, dimension, category = map(str, key)
        for period in _periods(day, dimension, bool(rows["is_level"].any())):
            count = CountKey(subject, NATION, period, dimension, category)
            counted = rows[rows["month"].isin(count.months)]
            if counted.empty:
                continue
            counties = tuple(sorted(counted["county_code"].unique()))
            # What a national body counts is the nation's own.
            is_enough = counties == (NATION,) or (
                len([code for code in counties if code != NATION]) >= rules.fewest_counties
            )
            total = int(counted["value"].sum()) if is_enough else None
            counts[Published(day.edition, count, counties)] = total
    if day.quarter is None:
        own = units[(units["dimension"] != _OF_THE_NATION) & (units["county_code"] != NATION)]
        names = ["subject", "county_code", "dimension", "category"]
        sums = own.groupby(names, sort=True, as_index=False)["value"].sum()
        for subject, county, dimension, category, value in sums.itertuples(index=False):
            count = CountKey(subject, county, str(day.counted_year), dimension, category)
            counts[Published(day.edition, count, (county,))] = int(value)
    return counts


def _periods(day: EditionDay, dimension: str, is_level: bool) -> list[str]:
    year = str(day.counted_year)
    if day.quarter is not None:
        return [f"{year}-Q{day.quarter}"]
    if dimension != TOTAL or is_level:
        return [year]
    return [*(f"{year}-Q{quarter}" for quarter in range(1, 5)), year]


def count_rows(
    counts: Mapping[Published, Sign],
    units: pd.DataFrame,
    number_from: Mapping[CountKey, int],
    day: EditionDay,
    counties: Iterable[str],
) -> list[dict[str, Any]]:
    """Return the rows of a table of counts, without names: each count, and who reported nothing.

    `counties` are those of the country. Where a number and its parts are shown, what is missing to
    it is a row, too.
    """
    everybody = sorted(counties)
    due = len(everybody)
    missing = {
        (subject, county, month)
        for subject, county, month, is_bound in units[
            ["subject", "county_code", "month", "is_lower_bound"]
        ].itertuples(index=False)
        if is_bound
    }
    have = {
        subject: set(zip(rows["county_code"], rows["month"], strict=True))
        for subject, rows in units[units["dimension"] == TOTAL].groupby("subject")
    }
    falling = {
        (subject, county)
        for subject, county, may_fall in units[["subject", "county_code", "may_fall"]].itertuples(
            index=False
        )
        if may_fall
    }
    levels = set(units.loc[units["is_level"], "subject"])
    made_up = set(units.loc[units["is_made_up"], "subject"])
    rows: list[dict[str, Any]] = []
    for published, sign in counts.items():
        count = published.key
        months = [12] if count.subject in levels else list(count.months)
        areas = everybody if count.is_national else [count.county_code]
        is_whole = NATION in published.counties or all(
            (area, month) in have[count.subject] and (count.subject, area, month) not in missing
            for area in areas
            for month in months
        )
        reporting = [code for code in published.counties if code != NATION]
        rows.append(
            _row(count, sign)
            | {
                "number_from": number_from.get(count, day.edition),
                "is_lower_bound": not is_whole,
                "may_fall": any((count.subject, code) in falling for code in published.counties),
                "counties": " ".join(published.counties) if count.is_national else None,
                "counties_reporting": len(reporting) if count.is_national else None,
                "counties_expected": due if count.is_national else None,
                "is_made_up": count.subject in made_up,
            }
        )
    if day.quarter is None:
        shown = {(row["subject"], row["county_code"]) for row in rows}
        for subject in sorted({row["subject"] for row in rows}):
            for county in everybody:
                if (subject, county) not in shown:
                    count = CountKey(subject, county, str(day.counted_year))
                    rows.append(
                        _row(count, Sign(Shown.NOT_REPORTED))
                        | {"number_from": day.edition, "is_made_up": subject in made_up}
                    )
    rows += _rests(rows, day)
    return sorted(rows, key=lambda row: tuple(str(row[name]) for name in COUNT_COLUMNS))


def _row(count: CountKey, sign: Sign) -> dict[str, Any]:
    return {
        **count._asdict(),
        "shown_as": sign.shown_as.value,
        "value": sign.value,
        "least": sign.least,
        "greatest": sign.greatest,
        "is_lower_bound": False,
        "may_fall": False,
    }


def _rests(rows: list[dict[str, Any]], day: EditionDay) -> Iterator[dict[str, Any]]:
    """Yield what is missing to a number from the shown numbers of its parts.

    It is of shown numbers alone, so it says nothing new: what is not shown, and rounding.
    """
    year = str(day.counted_year)
    totals = {
        (row["subject"], row["county_code"]): row
        for row in rows
        if row["period"] == year and row["dimension"] == TOTAL and row["value"] is not None
    }

    def part_of(row: dict[str, Any]) -> tuple[str, str, str] | None:
        """Return the total that a row is a part of, and by what."""
        if row["dimension"] != TOTAL:
            return row["subject"], row["county_code"], row["dimension"]
        if row["period"] != year:
            return row["subject"], row["county_code"], "quarter"
        if row["county_code"] != NATION:
            return row["subject"], NATION, "county"
        return None

    parts = sorted((whole, index) for index, row in enumerate(rows) if (whole := part_of(row)))
    for (subject, area, dimension), group in groupby(parts, key=lambda part: part[0]):
        total = totals.get((subject, area))
        if total is None:
            continue
        shown = sum(rows[index]["value"] or 0 for _, index in group)
        count = CountKey(subject, area, year, dimension, "rest")
        yield _row(count, Sign(Shown.REST, total["value"] - shown)) | {
            "number_from": day.edition,
            "is_made_up": total["is_made_up"],
        }


def unit_columns(units: pd.DataFrame) -> pd.DataFrame:
    """Return what an attacker's program needs of units."""
    return units[list(UNIT_COLUMNS)]
