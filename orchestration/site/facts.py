"""What the pages tell, read once from what was released.

Belongs here: which rows a page needs, and the figures that they are. Not here: words, or looks.
Everything comes from the tree of releases, so that whoever has a copy of it has the same pages.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from orchestration.presentation.area_period import AreaPeriod
from orchestration.presentation.esms import QualityConcept, quality_concepts
from orchestration.presentation.periods import Period, PeriodKind, longest_ending
from orchestration.presentation.released import opened
from orchestration.presentation.sentences import Figure
from orchestration.products.declaration import Tier
from orchestration.products.tree import ListedRelease, editions_in, releases_in
from sources.texts import LANGUAGES, Language

#: The code of the nation.
NATION = "AL"

Row = Mapping[str, Any]
#: Plan and indicator.
Key = tuple[str, str]

_EDITIONS = "editions"
NEWEST_COUNTS, EDITIONS = f"{_EDITIONS}.newest_counts", f"{_EDITIONS}.editions"

#: The tables that pages need, with the rows of them. A tree that lacks one has none of its rows.
_TABLES = {
    "core.dim_plans": "",
    "core.dim_measures": "",
    "core.dim_indicators": "",
    "core.fct_targets": "",
    "core.plan_lint": "",
    "core.plan_crosswalk": "",
    "core.bridge_measure_institutions": "",
    "core.dim_months": "",
    "core.dim_editions": "",
    "core.dim_counties": "",
    "core.dim_institutions": "",
    "core.codes": "",
    "marts.reporting_rates": "",
    "marts.reporting_status": "",
    "vintages.period_figures": "where period_kind = 'month'",
    "marts.period_flow": "where county_code = 'AL' and period_kind = 'year'",
    "marts.hotline_activity": "where county_code = 'AL'",
    "marts.institution_values": "where category = 'total'",
    "marts.source_comparison": "where is_contradiction",
    # What came with a new month is in the figures of that month; here is what was restated.
    "marts.changes": "where compared = 'previous_release'",
    "vintages.releases": "",
    "vintages.indicator_progress": "",
    NEWEST_COUNTS: "",
    EDITIONS: "",
}


@dataclass(frozen=True)
class Observation:
    """An indicator in an area and a month, as one release has it."""

    area: str
    month: date
    release: int
    is_newest: bool
    row: Row
    #: Of the month, of the year until then, and of the plan until then.
    of_month: Figure
    of_year: Figure
    of_plan: Figure
    #: Whether values given for a quarter or longer are in the month, which cover months before it.
    has_longer: bool = False

    @property
    def anchor(self) -> str:
        """Where it stands on the indicator's page, for ever: AL-2023-12-r1."""
        return f"{self.area}-{self.month:%Y-%m}-r{self.release}"

    @property
    def period(self) -> Period:
        """The month."""
        return Period(PeriodKind.MONTH, self.month.year, self.month.month)


@dataclass(frozen=True)
class Facts:
    """All that the pages of a tier are made of."""

    tier: Tier
    tables: Mapping[str, list[Row]]
    #: Of the tier, and the editions of counts of persons.
    releases: tuple[ListedRelease, ...]
    #: Of what the quality is told: the longest period that ends with the newest month, and its
    #: area by name in each language: the nation, if it has a release.
    quality_period: Period
    quality_area: Mapping[Language, str]
    #: What holds of it, under each concept of ESMS.
    quality: Mapping[Language, list[QualityConcept]]

    @property
    def is_restricted(self) -> bool:
        """Whether it is the tier that isn't for everyone."""
        return self.tier is Tier.RESTRICTED

    @cached_property
    def latest_day(self) -> date:
        """The day of the newest release: the pages know nothing after it."""
        days: list[date] = [row["released_on"] for row in self.tables["vintages.releases"]]
        days += [date.fromisoformat(str(one.facts["released_on"])[:10]) for one in self.releases]
        return max(days)

    @cached_property
    def is_made_up(self) -> bool:
        """Whether any release holds made-up data."""
        return any(row["is_made_up"] for row in self.tables["vintages.releases"])

    @cached_property
    def areas(self) -> dict[str, Row]:
        """The nation and the counties by code, the nation first."""
        return {row["county_code"]: row for row in self.tables["core.dim_counties"]}

    @cached_property
    def reporting_counties(self) -> list[str]:
        """The counties that have a release."""
        found = {row["county_code"] for row in self.tables["vintages.releases"]}
        return sorted(found - {NATION})

    @cached_property
    def institutions(self) -> dict[str, Row]:
        """The institutions by code."""
        return {row["institution_code"]: row for row in self.tables["core.dim_institutions"]}

    @cached_property
    def plans(self) -> list[Row]:
        """The plans, national and regional."""
        return self.tables["core.dim_plans"]

    @cached_property
    def indicators(self) -> dict[Key, Row]:
        """The indicators by plan and code, in the order of the plan."""
        rows = sorted(
            self.tables["core.dim_indicators"],
            key=lambda row: (row["plan_code"], code_order(row["indicator_code"])),
        )
        return {
            (row["plan_code"], row["indicator_code"]): {
                **row,
                "name": {one: row[f"name_{one}"] for one in LANGUAGES},
                "short_name": {one: row[f"short_name_{one}"] for one in LANGUAGES},
            }
            for row in rows
        }

    @cached_property
    def measures(self) -> dict[Key, Row]:
        """The measures by plan and code, in the order of the plan; a code printed twice once."""
        rows = sorted(
            self.tables["core.dim_measures"],
            key=lambda row: (row["plan_code"], code_order(row["measure_code"])),
        )
        return {(row["plan_code"], row["measure_code"]): row for row in rows}

    @cached_property
    def objectives(self) -> dict[Key, dict[str, str]]:
        """The names of the objectives by plan and code; the code where a register has no name."""
        found: dict[Key, dict[str, str]] = {}
        for (plan, _), row in self.measures.items():
            code = str(row["objective_code"])
            names = {str(one): row.get(f"objective_name_{one}") or code for one in LANGUAGES}
            found.setdefault((plan, code), names)
        return found

    def measures_of_objective(self, key: Key) -> list[Key]:
        """Return the measures of an objective, in the order of the plan."""
        return [
            (plan, code)
            for (plan, code), row in self.measures.items()
            if (plan, str(row["objective_code"])) == key
        ]

    def indicators_of_measure(self, key: Key) -> list[Key]:
        """Return the indicators of a measure, in the order of the plan."""
        return self._indicators_by_measure.get(key, [])

    def indicators_of_objective(self, key: Key) -> list[Key]:
        """Return the indicators of an objective, in the order of the plan."""
        return [
            one
            for measure in self.measures_of_objective(key)
            for one in self.indicators_of_measure(measure)
        ]

    @cached_property
    def newest_year(self) -> int:
        """The year of the newest month that has a release."""
        return int(max(row["reporting_month"] for row in self.tables["vintages.releases"]).year)

    @cached_property
    def release_days(self) -> dict[tuple[str, date, int], date]:
        """When each release came out, by area, month and number."""
        return {
            (row["county_code"], row["reporting_month"], row["release_number"]): row["released_on"]
            for row in self.tables["vintages.releases"]
        }

    @cached_property
    def targets(self) -> dict[Key, list[Row]]:
        """The baseline and targets of the nation, by indicator and in the order of years."""
        return self._by_indicator(
            (row for row in self.tables["core.fct_targets"] if row["county_code"] == NATION),
            "year",
        )

    @cached_property
    def changes(self) -> dict[Key, list[Row]]:
        """What was restated of each indicator, the newest month first."""
        found = self._by_indicator(self.tables["marts.changes"], "reporting_month")
        return {key: rows[::-1] for key, rows in found.items()}

    @cached_property
    def comparisons(self) -> dict[Key, list[Row]]:
        """Where two sources disagree on an indicator."""
        return self._by_indicator(self.tables["marts.source_comparison"], "reporting_month")

    @cached_property
    def values(self) -> dict[Key, list[Row]]:
        """What institutions reported of an indicator."""
        return self._by_indicator(self.tables["marts.institution_values"], "reporting_month")

    @cached_property
    def observations(self) -> dict[Key, list[Observation]]:
        """Every observation of each indicator, by area, month and release."""
        found: dict[Key, list[Observation]] = defaultdict(list)
        for row in self.tables["vintages.indicator_progress"]:
            key = row["plan_code"], row["indicator_code"]
            found[key].append(self._observation(row))
        return {
            key: sorted(rows, key=lambda one: (one.area, one.month, one.release))
            for key, rows in found.items()
        }

    def newest(self, key: Key, area: str) -> list[Observation]:
        """Return an indicator's observations of an area as now known, one a month."""
        return self._newest.get((key, area), [])

    def is_withheld(self, key: Key) -> bool:
        """Return whether an indicator is never shown by month in this tier: it counts persons."""
        return not self.is_restricted and key not in self.observations

    def code_name(self, code_list: str, code: object, language: str) -> str:
        """Return the name of a code of a published column, the code itself where it has none."""
        return self._codes.get((code_list, str(code), language), str(code))

    @cached_property
    def _indicators_by_measure(self) -> dict[Key, list[Key]]:
        found: dict[Key, list[Key]] = defaultdict(list)
        for key, row in self.indicators.items():
            found[key[0], row["measure_code"]].append(key)
        return found

    @cached_property
    def _newest(self) -> dict[tuple[Key, str], list[Observation]]:
        found: dict[tuple[Key, str], list[Observation]] = defaultdict(list)
        for key, rows in self.observations.items():
            for one in rows:
                if one.is_newest:
                    found[key, one.area].append(one)
        return found

    @cached_property
    def _codes(self) -> dict[tuple[str, str, str], str]:
        return {
            (row["code_list"], row["code"], language): row[f"name_{language}"]
            for row in self.tables["core.codes"]
            for language in ("sq", "en")
        }

    @cached_property
    def _newest_numbers(self) -> dict[tuple[str, date], int]:
        numbers: dict[tuple[str, date], int] = {}
        for row in self.tables["vintages.releases"]:
            place = row["county_code"], row["reporting_month"]
            numbers[place] = max(numbers.get(place, 0), row["release_number"])
        return numbers

    @cached_property
    def _newest_rows(self) -> dict[tuple[Any, ...], Row]:
        """The progress as now known, by area, plan, indicator and month."""
        return {
            (*_indicator_in(row), row["reporting_month"]): row
            for row in sorted(
                self.tables["vintages.indicator_progress"], key=lambda row: row["release_number"]
            )
        }

    @cached_property
    def _months(self) -> dict[tuple[Any, ...], Row]:
        """The figures of single months, which have the bounds of a month, by their key."""
        return {_key(row): row for row in self.tables["vintages.period_figures"]}

    def _observation(self, row: Row) -> Observation:
        area, month = row["county_code"], row["reporting_month"]
        release = row["release_number"]
        indicator = self.indicators[row["plan_code"], row["indicator_code"]]
        unit = indicator["unit"]
        is_newest = release == self._newest_numbers[area, month]
        place = (
            f"{area}/{month:%Y-%m}/r{release}/indicator_progress/"
            f"{row['plan_code']}/{row['indicator_code']}"
        )
        counties = row["counties_reporting"], row["counties_expected"]

        def figure(measure: str, state: str, least: float | None, most: float | None) -> Figure:
            value = row[measure]
            return Figure(
                value,
                unit,
                "number" if value is not None else state,
                least=least,
                most=most,
                is_lower_bound=value is not None and most is None,
                came=counties[0],
                expected=counties[1],
                rests_on="counties",
                reference=f"{place}/{measure}",
            )

        of_month = self._months[_key(row)]
        state = "not_due" if row["activity_status"] == "not_due" else "not_reported"
        if of_month["value"] is None:
            state = str(of_month["value_state"])
        whole = "not_reported" if state in ("number", "zero") else state
        # Several institutions may count the same persons: a month is less than their sum.
        least, most, came = (
            of_month[name] for name in ("value_least", "value_most", "counties_reporting")
        )
        has_longer = row["actual_month"] is not None and row["actual_month"] != of_month["value"]
        if has_longer:
            # The figures of months leave out what was given for a quarter or longer.
            least = self._least_with_longer(row, least)
            most = None if row["is_month_lower_bound"] else row["actual_month"]
            came = self._counties_with_value(row) if area == NATION else came
        ends = {
            name: (row[f"{name}_least"], row[f"{name}_most"])
            for name in ("actual_year_to_date", "actual_cumulative")
        }
        return Observation(
            area,
            month,
            release,
            is_newest,
            row,
            replace(
                figure("actual_month", state, least, most),
                is_lower_bound=row["is_month_lower_bound"],
                came=came,
            ),
            figure("actual_year_to_date", whole, *ends["actual_year_to_date"]),
            figure("actual_cumulative", whole, *ends["actual_cumulative"]),
            has_longer,
        )

    def _least_with_longer(self, row: Row, of_months: float | None) -> float:
        """Return what a month with values of longer periods is at least.

        That is what the year's certain number grew by, where both months knew the same; else what
        is certain of the values of the month alone.
        """
        value, total = row["actual_month"], row["actual_year_to_date"]
        least = row["actual_year_to_date_least"]
        certain = of_months or 0
        if total is None or least is None:
            return certain
        if least == total:
            return float(value)
        if total == value:
            return float(max(certain, least))
        before = self._newest_rows.get((*_indicator_in(row), _month_before(row["reporting_month"])))
        if (
            before is not None
            and before["official_value"] is None
            and row["official_value"] is None
            and before["actual_year_to_date_least"] is not None
            and before["actual_year_to_date"] + value == total
        ):
            certain = max(certain, least - before["actual_year_to_date_least"])
        return float(min(certain, value))

    def _counties_with_value(self, row: Row) -> int:
        """Return how many counties have a value in a month of the nation."""
        _, plan, indicator = _indicator_in(row)
        found = (
            self._newest_rows.get((code, plan, indicator, row["reporting_month"]))
            for code in self.areas
            if code != NATION
        )
        return sum(one is not None and one["actual_month"] is not None for one in found)

    def _by_indicator(self, rows: Iterable[Row], order: str) -> dict[Key, list[Row]]:
        found: dict[Key, list[Row]] = defaultdict(list)
        for row in sorted(rows, key=lambda row: (row[order] is not None, row[order])):
            if row["indicator_code"] is not None:
                found[row["plan_code"], row["indicator_code"]].append(row)
        return found


def table_names() -> list[str]:
    """Return the tables that pages are made of."""
    return list(_TABLES)


def read_facts(tree: Path, tier: Tier, database: Path | None = None) -> Facts:
    """Return what a tree of releases holds for the pages of a tier, and leave it in `database`.

    Raises pulling.remote.PullFailed where it has no release of the tier.
    """
    with opened(tree, tier, database) as connection:
        there = {
            f"{schema}.{table}"
            for schema, table in connection.sql(
                "select table_schema, table_name from information_schema.tables"
            ).fetchall()
        }
        tables = {
            name: _rows(connection, f"from {name} {where} order by all") if name in there else []
            for name, where in _TABLES.items()
        }
        asked = _newest_period(connection, tier)
        quality = {language: quality_concepts(asked, language) for language in LANGUAGES}
        shown = asked.period, {language: asked.title(language) for language in LANGUAGES}
    return Facts(tier, tables, releases_of(tree, tier), *shown, quality)


def _newest_period(connection: duckdb.DuckDBPyConnection, tier: Tier) -> AreaPeriod:
    """Return the longest period that ends with the newest month, of the nation if it has one."""
    found = connection.execute(
        "select county_code, max(reporting_month) from vintages.releases "
        "group by county_code order by county_code <> $nation, county_code",
        {"nation": NATION},
    ).fetchone()
    assert found is not None, "a tree of a tier has a release"
    return AreaPeriod(connection, tier, found[0], longest_ending(found[1]))


def releases_of(tree: Path, tier: Tier) -> tuple[ListedRelease, ...]:
    """Return what a site of a tier is made of: its releases, and the editions."""
    return (*(one for one in releases_in(tree) if one.tier == tier), *editions_in(tree))


def code_order(code: str) -> tuple[tuple[int, str], ...]:
    """Return what codes are put in order by: 2.1.9 comes before 2.1.10."""
    return tuple(
        (int(part), "") if part.isdigit() else (0, part) for part in str(code or "").split(".")
    )


def _key(row: Row) -> tuple[Any, ...]:
    """Return what tells an indicator's month in an area and release."""
    names = ("county_code", "reporting_month", "release_number", "plan_code", "indicator_code")
    return tuple(row[name] for name in names)


def _indicator_in(row: Row) -> tuple[str, str, str]:
    return row["county_code"], row["plan_code"], row["indicator_code"]


def _month_before(month: date) -> date:
    """Return the month before one of the same year; of a January that January itself."""
    return month.replace(month=max(month.month - 1, 1))


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    found = connection.sql(query)
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
