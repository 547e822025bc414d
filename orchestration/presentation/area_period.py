"""The figures of an area and a period, as they were released.

Belongs here: reading them from the database of released figures, each with its reference. Not
here: which of them a page shows (report, site), or what may be said of one (sentences).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import duckdb

from orchestration.presentation.periods import Period, parse_period
from orchestration.presentation.sentences import Change, Comparability, Figure
from orchestration.products.declaration import Tier
from sources.texts import Language, text

NATION = "AL"

#: States of a finding that nobody has to do anything about any more.
SETTLED = ("mended", "waived")


class NothingReleased(ValueError):
    """No release holds the figures of the area and period that were asked for."""


@dataclass(frozen=True)
class ReleasedMonth:
    """The newest release of a month: its number, the day it was made, whether it is final."""

    month: date
    number: int
    released_on: date
    is_final: bool
    is_made_up: bool


@dataclass(frozen=True)
class IndicatorFigure:
    """An indicator's figure of a period with its changes, and what the indicator is."""

    plan_code: str
    indicator_code: str
    measure_code: str
    name: str
    short_name: str
    unit: str
    is_protected: bool
    figure: Figure
    changes: tuple[Change, ...]
    values_received: int | None
    values_due: int | None


@dataclass(frozen=True)
class AreaPeriod:
    """What was released of an area (`AL` is the nation) and period, in the tier's database."""

    connection: duckdb.DuckDBPyConnection
    tier: Tier
    county_code: str
    period: Period

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Return what a query gives, a row a dictionary.

        In it `$1` is the area, `$2` the code of the period, `$3` and `$4` its first and last month,
        and `$5` begins the values.
        """
        first, last = self.period.first_month, self.period.last_month
        given = [self.county_code, self.period.code, first, last, *values]
        used = {str(place): value for place, value in enumerate(given, 1) if f"${place}" in query}
        found = self.connection.execute(query, used)
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    @property
    def is_restricted(self) -> bool:
        """Whether it is the tier with institutions, records and findings."""
        return self.tier is Tier.RESTRICTED

    @cached_property
    def releases(self) -> tuple[ReleasedMonth, ...]:
        """The newest release of each month of the period that has one, in order.

        Raises NothingReleased where the last month has none: it would hold the figures.
        """
        rows = self.rows(
            "select reporting_month, release_number, released_on, status, is_made_up "
            "from vintages.releases where county_code = $1 and reporting_month between $3 and $4 "
            "qualify row_number() over (partition by reporting_month "
            "order by release_number desc) = 1 order by reporting_month"
        )
        found = tuple(
            ReleasedMonth(
                row["reporting_month"],
                row["release_number"],
                row["released_on"],
                row["status"] == "final",
                bool(row["is_made_up"]),
            )
            for row in rows
        )
        if not found or found[-1].month != self.period.last_month:
            raise NothingReleased(self.county_code)
        return found

    @property
    def is_final(self) -> bool:
        """Whether each month of the period was released, and is final."""
        released = self.releases
        return len(released) == len(self.period.months) and all(one.is_final for one in released)

    @property
    def is_made_up(self) -> bool:
        """Whether any of it is made up."""
        return any(one.is_made_up for one in self.releases)

    def reference(self, mart: str, row: str, measure: str, month: date | None = None) -> str:
        """Return what `krat explain` takes: AL-04/2023-06/r1/period_figures/…/value.

        Empty where the month was not released.
        """
        wanted = month or self.period.last_month
        for one in self.releases:
            if one.month == wanted:
                return f"{self.county_code}/{wanted:%Y-%m}/r{one.number}/{mart}/{row}/{measure}"
        return ""

    def area_name(self, language: Language) -> str:
        """Return the name of the area."""
        [row] = self.rows("select * from core.dim_counties where county_code = $1")
        return str(row[f"name_{language}"])

    def title(self, language: Language) -> str:
        """Return what the area is called within a line: its name, or the nation."""
        if self.county_code == NATION:
            return text("figures.nation", language)
        return self.area_name(language)

    @cached_property
    def rates(self) -> list[dict[str, Any]]:
        """What was expected and came in each month, of marts.reporting_rates."""
        return self.rows(
            "select * from marts.reporting_rates where county_code = $1 "
            "and reporting_month between $3 and $4 order by reporting_month"
        )

    @cached_property
    def findings(self) -> list[dict[str, Any]]:
        """The findings of the period with the sentences of their rules; none in public."""
        if not self.is_restricted:
            return []
        area = "true" if self.county_code == NATION else "findings.county_code = $1"
        return self.rows(
            "select findings.*, rules.sentence_sq, rules.sentence_en, "
            "findings.severity = 'blocks' and rules.stage = 'door' as is_at_the_door "
            "from quality.findings as "
            f"findings inner join core.dim_quality_rules as rules using (rule) where {area} "
            "and findings.reporting_month between $3 and $4"
        )

    def codes(self, code_list: str, language: Language) -> dict[str, str]:
        """Return the names of the codes of a list."""
        rows = self.rows("select * from core.codes where code_list = $5", code_list)
        return {row["code"]: row[f"name_{language}"] for row in rows}

    def institutions(self, language: Language) -> dict[str, str]:
        """Return the names of institutions by code."""
        rows = self.rows("select * from core.dim_institutions")
        return {row["institution_code"]: row[f"name_{language}"] for row in rows}

    def counties(self, language: Language) -> dict[str, str]:
        """Return the names of counties and the nation by code."""
        rows = self.rows("select * from core.dim_counties")
        return {row["county_code"]: row[f"name_{language}"] for row in rows}

    def indicators(self, language: Language) -> list[IndicatorFigure]:
        """Return the figure of each indicator, in the order of the plan."""
        rows = self.rows(
            "select figures.*, indicators.* exclude (plan_code, indicator_code) "
            "from marts.period_figures as figures inner join core.dim_indicators as indicators "
            "on figures.plan_code = indicators.plan_code "
            "and figures.indicator_code = indicators.indicator_code "
            "where figures.county_code = $1 and figures.period = $2 and reporting_month = $4 "
            "order by figures.plan_code, "
            "cast(string_split(figures.indicator_code, '.') as integer[])"
        )
        return [self._indicator(row, language) for row in rows]

    def flow(self) -> dict[str, tuple[Figure, int | None]]:
        """Return the figures of marts.period_flow by subject, each with what it rests on.

        Those of the cohort are of the newest release that follows it. Empty in the public tier.
        """
        if not self.is_restricted:
            return {}
        rows = self.rows(
            "select * from marts.period_flow where county_code = $1 and period = $2 "
            "and (reporting_month = $4 or subject like 'cohort%') qualify row_number() "
            "over (partition by subject order by reporting_month desc) = 1"
        )
        return {row["subject"]: (self._flow_figure(row), row["rests_on"]) for row in rows}

    @cached_property
    def flow_known_until(self) -> date | None:
        """The month until the end of which the cohort is followed."""
        if not self.is_restricted:
            return None
        [row] = self.rows(
            "select max(reporting_month) as month from marts.period_flow "
            "where county_code = $1 and period = $2 and subject = 'cohort'"
        )
        month: date | None = row["month"]
        return month

    def _indicator(self, row: Mapping[str, Any], language: Language) -> IndicatorFigure:
        is_nation = self.county_code == NATION
        key = f"{row['period']}/{row['plan_code']}/{row['indicator_code']}"
        figure = Figure(
            row["value"],
            row["unit"],
            row["value_state"],
            least=row["value_least"],
            most=row["value_most"],
            is_lower_bound=bool(row["is_lower_bound"]),
            came=row["counties_reporting" if is_nation else "institutions_reporting"],
            expected=row["counties_expected" if is_nation else "institutions_due"],
            rests_on="counties" if is_nation else "institutions",
            reference=self.reference("period_figures", key, "value"),
        )
        changes = tuple(
            change
            for change in (
                _change(row, "period_before", "before"),
                _change(row, "period_last_year", "last_year"),
            )
            if change
        )
        return IndicatorFigure(
            row["plan_code"],
            row["indicator_code"],
            row["measure_code"],
            row[f"name_{language}"],
            row[f"short_name_{language}"],
            row["unit"],
            bool(row.get("is_protected")),
            figure,
            changes,
            row["values_received"],
            row["values_due"],
        )

    def _flow_figure(self, row: Mapping[str, Any]) -> Figure:
        is_nation = self.county_code == NATION
        return Figure(
            row["value"],
            row["unit"],
            row["value_state"],
            least=row["value_least"],
            most=row["value_most"],
            is_lower_bound=bool(row["is_lower_bound"]),
            may_fall=bool(row["may_fall"]),
            came=row["counties_reporting"] if is_nation else None,
            expected=row["counties_expected"] if is_nation else None,
            rests_on="counties",
            reference=self._released_later(row["reporting_month"], row),
        )

    def _released_later(self, month: date, row: Mapping[str, Any]) -> str:
        """Return the reference of a row that may go out with a release after the period."""
        found = self.rows(
            "select max(release_number) as number from vintages.releases "
            "where county_code = $1 and reporting_month = $5",
            month,
        )
        name = f"{row['period']}/{row['subject']}/value"
        return f"{self.county_code}/{month:%Y-%m}/r{found[0]['number']}/period_flow/{name}"


def _change(row: Mapping[str, Any], period: str, name: str) -> Change | None:
    """Return how a row stands to the period before or a year before; None if it names none."""
    if not row[period]:
        return None
    value = row[f"value_{name}"]
    before = Figure(
        value,
        row["unit"],
        "number" if value is not None else "not_reported",
        least=row[f"value_{name}_least"],
        most=row[f"value_{name}_most"],
        is_lower_bound=bool(row[f"is_{name}_lower_bound"]),
    )
    return Change(
        parse_period(row[period]),
        before,
        Comparability(row[f"comparability_{name}"]),
        row[f"change_on_{name}"],
        row[f"values_compared_{name}"] or 0,
    )
