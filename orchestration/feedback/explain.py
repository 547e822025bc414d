"""What one figure rests on: collected from the reading copy, for whoever doubts it.

Belongs here: gathering it, and what to answer where there is no such figure. Not here: how it is
shown (explanation_page), or what a figure counts (dbt_project).

No name of a person or of a file is in it: files go by the beginning of their number.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import duckdb
from rapidfuzz import fuzz

from orchestration.reading_copy.ask import reading
from sources.custody.home import Home

#: How much of a number of a file or finding is shown: enough to find it again.
SHORT = 8

#: Names like the one asked for that an answer offers.
MAX_LIKE = 3

NATION = "AL"


class NoSuchFigure(ValueError):
    """There is no such county, month or indicator; the text names what there is."""


@dataclass(frozen=True)
class PublicationState:
    """Whether the figure is published: published, blocked or not_published.

    Of a blocked month the figures are those of the last good release, if there was one.
    """

    state: str
    release_number: int | None
    status: str | None
    released_on: date | None
    blocked_by: tuple[str, ...]


@dataclass(frozen=True)
class SpanFigure:
    """The value of a span (month, year_to_date, cumulative) with its interval, in the unit.

    A month by itself has no interval. Of the others `most` is None where values are missing, and
    each such value is a lower bound.
    """

    span: str
    value: float | None
    least: float | None
    most: float | None
    is_lower_bound: bool


@dataclass(frozen=True)
class OfficialFigure:
    """What the official source states of the year so far; None where it lacks a month."""

    source: str
    name_sq: str
    name_en: str
    value: float | None


@dataclass(frozen=True)
class Activity:
    """Whether anything is done, since when, and the change on the same months of last year.

    The change is over `values_compared` values that both years have.
    """

    status: str | None
    since: date | None
    change_on_last_year: float | None
    values_compared: int | None


@dataclass(frozen=True)
class CountyFigure:
    """What a county gives of the nation's figure; nothing_came where it has no number.

    `open_findings` are those of the year so far about the indicator that nobody settled.
    """

    county_code: str
    name_sq: str
    name_en: str
    month: float | None
    year_to_date: float | None
    cumulative: float | None
    completeness: float | None
    is_lower_bound: bool
    nothing_came: bool
    open_findings: int


@dataclass(frozen=True)
class FigurePart:
    """What an institution reported for a month (or published for a year), and where it is written.

    `delivery` is the beginning of the file's number.
    """

    institution_code: str
    name_sq: str
    name_en: str
    reporting_month: date
    frequency: str
    value: float | None
    value_state: str
    is_counted: bool
    is_corrected: bool
    delivery: str
    version: int | None
    sheet: str | None
    cells: str | None


@dataclass(frozen=True)
class YearBefore:
    """What an earlier year of the plan gives of the cumulative figure.

    Of the nation it may be a figure that was published.
    """

    year: int
    value: float | None
    values_due: int
    values_received: int
    is_published: bool


@dataclass(frozen=True)
class MissingValue:
    """A value that is owed and isn't there, or not all of it.

    No report came, or the report gives no number, or `value` is that of some of its parts.
    """

    institution_code: str
    name_sq: str
    name_en: str
    reporting_month: date
    has_report: bool
    value: float | None
    value_state: str
    reporting_deadline: date | None
    is_deadline_past: bool


@dataclass(frozen=True)
class MissingSource:
    """Another source that lacks months of the year so far, or a part of them."""

    source: str
    name_sq: str
    name_en: str
    months: tuple[date, ...]


@dataclass(frozen=True)
class SourcePair:
    """Two sources of the figure beside each other, for the period that ends with the month."""

    reporting_month: date
    frequency: str
    first_source: str
    first_sq: str
    first_en: str
    first_value: float | None
    second_source: str
    second_sq: str
    second_en: str
    second_value_least: float | None
    second_value: float | None
    difference: float | None
    is_contradiction: bool
    reason_sq: str | None
    reason_en: str | None
    official_source: str | None


@dataclass(frozen=True)
class FigureFinding:
    """A finding about the figure, or about a report that it rests on, with its state."""

    finding: str
    rule: str
    severity: str
    state: str
    institution_code: str | None
    reporting_month: date | None
    delivery: str | None
    sheet: str | None
    cell: str | None
    message_sq: str
    message_en: str


@dataclass(frozen=True)
class TargetReading:
    """What the area has under a reading of the target, what it should have by now, and the status.

    The ends of its interval have a status each; `actual_most` is None where nothing bounds it.
    """

    reading: str
    actual_least: float | None
    actual: float | None
    actual_most: float | None
    expected_value: float | None
    status_least: str
    status_most: str


@dataclass(frozen=True)
class FigureTarget:
    """The area's target of the year; where a county has none, `nation_value` is the nation's."""

    value: float | None
    nation_value: float | None
    baseline: float | None
    basis: str
    basis_evidence: str | None
    direction: str
    status: str | None
    progress_annual: float | None
    progress_cumulative: float | None
    readings: tuple[TargetReading, ...]


@dataclass(frozen=True)
class FigureChange:
    """How the figure differs from the release of the month before, or from the release before."""

    compared: str
    compared_with: str
    measure: str
    value_before: float | None
    value_after: float | None
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class EarlierIndicator:
    """An indicator of the plan before, from which the figure's comes."""

    plan_code: str
    indicator_code: str
    name_sq: str
    name_en: str


@dataclass(frozen=True)
class FigureSeries:
    """What the indicator comes from; of one whose values can't be compared with it, the reason."""

    series_code: str
    earlier: tuple[EarlierIndicator, ...]
    break_reason_sq: str | None
    break_reason_en: str | None


@dataclass(frozen=True)
class Explanation:
    """What an indicator's figures rest on: in a county, or the nation, at a month."""

    county_code: str
    county_sq: str
    county_en: str
    reporting_month: date
    plan_code: str
    indicator_code: str
    indicator_sq: str
    indicator_en: str
    unit: str
    series: FigureSeries
    is_made_up: bool
    publication: PublicationState
    figures: tuple[SpanFigure, ...]
    completeness: float | None
    values_due: int
    is_lower_bound: bool
    official: OfficialFigure | None
    activity: Activity
    counties: tuple[CountyFigure, ...]
    parts: tuple[FigurePart, ...]
    years_before: tuple[YearBefore, ...]
    #: The month from which the county owes it, where that is not the year's first.
    owed_from: date | None
    missing: tuple[MissingValue, ...]
    missing_sources: tuple[MissingSource, ...]
    sources: tuple[SourcePair, ...]
    findings: tuple[FigureFinding, ...]
    target: FigureTarget
    changes: tuple[FigureChange, ...]


def explain(home: Home, county_code: str, month: date, indicator_code: str) -> Explanation:
    """Return what a figure rests on, as the reading copy has it.

    Raises NoSuchFigure for a county, month or indicator that isn't there.
    """
    with reading(home) as connection:
        return _Collector(connection, county_code, month, indicator_code).collect()


Row = TypeVar("Row")


class _Collector:
    """Asks the reading copy for one figure."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        county_code: str,
        month: date,
        indicator_code: str,
    ) -> None:
        self._connection = connection
        [self._county] = self._named("county", county_code, self._counties())
        self._plan = self._plan_of(month)
        [self._indicator] = self._named("indicator", indicator_code, self._indicators())
        self._of: dict[str, Any] = {
            "county": county_code,
            "month": month,
            "plan": self._plan,
            "indicator": indicator_code,
        }

    def collect(self) -> Explanation:
        """Return the whole explanation."""
        of = self._of
        row = self._progress()
        is_nation = of["county"] == NATION
        release_number, publication = self._publication()
        return Explanation(
            county_code=of["county"],
            county_sq=self._county[1],
            county_en=self._county[2],
            reporting_month=of["month"],
            plan_code=of["plan"],
            indicator_code=of["indicator"],
            indicator_sq=self._indicator[1],
            indicator_en=self._indicator[2],
            unit=self._indicator[3],
            series=self._series(),
            is_made_up=bool(row.get("is_made_up")),
            publication=publication,
            figures=tuple(
                SpanFigure(
                    span,
                    row.get(f"actual_{span}"),
                    row.get(f"actual_{span}_least"),
                    row.get(f"actual_{span}_most"),
                    _is_lower_bound(row, span),
                )
                for span in ("month", "year_to_date", "cumulative")
            ),
            completeness=row.get("completeness"),
            values_due=self._values_due(),
            is_lower_bound=bool(row.get("is_lower_bound")),
            official=self._official(row),
            activity=Activity(
                row.get("activity_status"),
                row.get("activity_since"),
                row.get("change_on_last_year"),
                row.get("values_compared"),
            ),
            counties=self._county_figures() if is_nation else (),
            parts=self._parts(),
            years_before=self._years_before(),
            owed_from=self._owed_from(),
            missing=self._missing(),
            missing_sources=self._missing_sources(row),
            sources=self._sources(),
            findings=self._findings(),
            target=self._target(row),
            changes=self._changes(release_number),
        )

    def _ask(self, query: str, **more: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query that may name $county, $month, $plan and $indicator."""
        given = {**self._of, **more}
        named = {name: value for name, value in given.items() if f"${name}" in query}
        return self._connection.execute(query, named).fetchall()

    def _typed(self, kind: type[Row], query: str) -> tuple[Row, ...]:
        return tuple(kind(*row) for row in self._ask(query))

    def _counties(self) -> list[tuple[Any, ...]]:
        return self._connection.execute(
            "select county_code, name_sq, name_en from core.dim_counties order by all"
        ).fetchall()

    def _indicators(self) -> list[tuple[Any, ...]]:
        return self._connection.execute(
            "select indicator_code, name_sq, name_en, unit from core.dim_indicators "
            "where plan_code = ? order by all",
            [self._plan],
        ).fetchall()

    def _named(self, kind: str, wanted: str, known: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Return the one row whose code is wanted. Raises NoSuchFigure with what is like it."""
        found = [row for row in known if row[0] == wanted]
        if not found:
            like = "; ".join(f"{row[0]} ({row[2]})" for row in _like(wanted, known))
            raise NoSuchFigure(f"{wanted!r} is no {kind}: did you mean {like}?")
        return found

    def _plan_of(self, month: date) -> str:
        """Return the plan of a month. Raises NoSuchFigure for a month without figures."""
        rows = self._connection.execute(
            "select plan_code, min(reporting_month), max(reporting_month), "
            "bool_or(reporting_month = ?) from marts.indicator_progress group by plan_code "
            "order by plan_code",
            [month],
        ).fetchall()
        for plan, _, _, holds_month in rows:
            if holds_month:
                return str(plan)
        spans = ", ".join(
            f"{first:%Y-%m} to {last:%Y-%m} ({plan})" for plan, first, last, _ in rows
        )
        raise NoSuchFigure(f"there are no figures of {month:%Y-%m}: there are {spans or 'none'}.")

    def _series(self) -> FigureSeries:
        [(series, reason_sq, reason_en)] = self._ask(
            "select series_code, break_reason_sq, break_reason_en from core.dim_indicators "
            "where plan_code = $plan and indicator_code = $indicator"
        )
        earlier = self._typed(
            EarlierIndicator,
            "select earlier.plan_code, earlier.indicator_code, earlier.name_sq, earlier.name_en "
            "from core.dim_indicators as earlier inner join core.dim_indicators as later "
            "on list_contains(string_split(later.earlier_indicators, ' '), "
            "earlier.plan_code || '/' || earlier.indicator_code) "
            "where later.plan_code = $plan and later.indicator_code = $indicator order by all",
        )
        return FigureSeries(series, earlier, reason_sq, reason_en)

    def _progress(self) -> dict[str, Any]:
        """Return the row of the mart; of a month that was always blocked there is none."""
        cursor = self._connection.execute(
            "select * from marts.indicator_progress where county_code = $county "
            "and reporting_month = $month and plan_code = $plan and indicator_code = $indicator",
            self._of,
        )
        names = [column[0] for column in cursor.description or ()]
        row = cursor.fetchone()
        return dict(zip(names, row, strict=True)) if row else {}

    def _publication(self) -> tuple[int | None, PublicationState]:
        blocked = self._ask(
            "select rule from quality.blocked_months where county_code = $county "
            "and reporting_month = $month order by all"
        )
        released = self._ask(
            "select release_number, status, released_on from vintages.releases "
            "where county_code = $county and reporting_month = $month and superseded_on is null "
            "order by release_number desc limit 1"
        )
        number, status, day = released[0] if released else (None, None, None)
        state = "blocked" if blocked else "published" if released else "not_published"
        rules = tuple(rule for (rule,) in blocked)
        return number, PublicationState(state, number, status, day, rules)

    def _county_figures(self) -> tuple[CountyFigure, ...]:
        return self._typed(
            CountyFigure,
            "select counties.county_code, counties.name_sq, counties.name_en, "
            "progress.actual_month, progress.actual_year_to_date, progress.actual_cumulative, "
            "progress.completeness, coalesce(progress.is_lower_bound, false), "
            "coalesce(progress.actual_month, progress.actual_year_to_date, "
            "progress.actual_cumulative) is null, "
            "(select count(*) from quality.findings as findings where not findings.is_settled "
            "and findings.county_code = counties.county_code "
            "and findings.indicator_code = $indicator and findings.reporting_month <= $month "
            "and year(findings.reporting_month) = year($month)) "
            "from core.dim_counties as counties left join marts.indicator_progress as progress "
            "on counties.county_code = progress.county_code "
            "and progress.reporting_month = $month and progress.plan_code = $plan "
            "and progress.indicator_code = $indicator "
            "where not counties.is_nation order by counties.county_code",
        )

    def _parts(self) -> tuple[FigurePart, ...]:
        return self._typed(
            FigurePart,
            "select parts.institution_code, institutions.name_sq, institutions.name_en, "
            "parts.reporting_month, parts.frequency, parts.value, parts.value_state, "
            "parts.is_counted, parts.is_corrected, "
            f"left(parts.delivery_id, {SHORT}), parts.version, parts.sheet, parts.cells "
            f"from {_PARTS} and parts.delivery_id is not null "
            "and (year(parts.reporting_month) = year($month) or parts.frequency = 'year') "
            "order by parts.institution_code, parts.reporting_month, parts.delivery_id",
        )

    def _years_before(self) -> tuple[YearBefore, ...]:
        return self._typed(
            YearBefore,
            "select year(progress.reporting_month), max(progress.actual_year_to_date), "
            "coalesce(max(parts.due), 0), coalesce(max(parts.received), 0), "
            "coalesce(bool_or(parts.is_published), false) "
            "from marts.indicator_progress as progress left join ("
            "select year(reporting_month) as year, count(*) filter (where is_due) as due, "
            "count(*) filter (where is_due and is_received) as received, "
            "bool_or(frequency = 'year' and is_counted and $county = 'AL') as is_published "
            "from core.fct_figure_parts where plan_code = $plan and indicator_code = $indicator "
            "and $county in (county_code, 'AL') group by all) as parts "
            "on year(progress.reporting_month) = parts.year "
            "where progress.county_code = $county and progress.plan_code = $plan "
            "and progress.indicator_code = $indicator and month(progress.reporting_month) = 12 "
            "and year(progress.reporting_month) < year($month) group by all order by all",
        )

    def _owed_from(self) -> date | None:
        [(found,)] = self._ask(
            "select case when min(owed.valid_from) > date_trunc('year', $month) "
            "then cast(date_trunc('month', min(owed.valid_from)) as date) end "
            "from core.reporting_obligations as owed "
            "inner join core.dim_institutions as institutions "
            "on owed.institution_code = institutions.institution_code "
            "where institutions.county_code = $county and owed.plan_code = $plan "
            "and owed.indicator_code = $indicator and owed.recorded_to is null "
            "and owed.valid_from <= $month"
        )
        first: date | None = found
        return first

    def _missing(self) -> tuple[MissingValue, ...]:
        return self._typed(
            MissingValue,
            "select parts.institution_code, institutions.name_sq, institutions.name_en, "
            "parts.reporting_month, parts.delivery_id is not null, parts.value, "
            # A number among parts is none of the whole.
            "if(parts.value is null and parts.value_state in ('number', 'zero'), 'not_reported', "
            "parts.value_state), "
            f"parts.reporting_deadline, parts.is_deadline_past from {_PARTS_OF_AREA} "
            "and parts.is_due and not parts.is_received "
            "and year(parts.reporting_month) = year($month) "
            "order by parts.institution_code, parts.reporting_month",
        )

    def _values_due(self) -> int:
        [(due,)] = self._ask(
            f"select count(*) from {_PARTS_OF_AREA} and parts.is_due "
            "and year(parts.reporting_month) = year($month)"
        )
        return int(due)

    def _official(self, row: dict[str, Any]) -> OfficialFigure | None:
        source = row.get("official_source")
        if source is None:
            return None
        [(name_sq, name_en)] = self._ask(
            "select name_sq, name_en from register.figure_sources where source = $source",
            source=source,
        )
        return OfficialFigure(source, name_sq, name_en, row.get("official_value"))

    def _missing_sources(self, row: dict[str, Any]) -> tuple[MissingSource, ...]:
        """Return what records lack, and the official source, where it is no institution's report.

        A source that states nothing of the whole year is left to `official`.
        """
        rows = self._ask(
            f"with lacking as (select source, reporting_month as month from {_LACKING_RECORDS} "
            "union all select $source as source, months.month from core.dim_months as months "
            "where months.plan_code = $plan and months.month <= $month "
            "and year(months.month) = year($month) and months.month not in ("
            "select reporting_month from marts.source_comparison where county_code = $county "
            "and plan_code = $plan and indicator_code = $indicator "
            "and $source in (first_source, second_source))) "
            "select lacking.source, any_value(names.name_sq), any_value(names.name_en), "
            "list(distinct lacking.month order by lacking.month) from lacking "
            "inner join register.figure_sources as names on lacking.source = names.source "
            "group by lacking.source having count(distinct lacking.month) < month($month) "
            "or lacking.source is distinct from $source order by lacking.source",
            source=row.get("official_source"),
        )
        return tuple(
            MissingSource(source, name_sq, name_en, tuple(months))
            for source, name_sq, name_en, months in rows
        )

    def _sources(self) -> tuple[SourcePair, ...]:
        return self._typed(
            SourcePair,
            "select pairs.reporting_month, pairs.frequency, pairs.first_source, first.name_sq, "
            "first.name_en, pairs.first_value, pairs.second_source, second.name_sq, "
            "second.name_en, pairs.second_value_least, pairs.second_value, pairs.difference, "
            "coalesce(pairs.is_contradiction, false), pairs.reason_sq, pairs.reason_en, "
            "pairs.official_source from marts.source_comparison as pairs "
            "left join register.figure_sources as first on pairs.first_source = first.source "
            "left join register.figure_sources as second on pairs.second_source = second.source "
            "where pairs.county_code = $county and pairs.plan_code = $plan "
            "and pairs.indicator_code = $indicator and pairs.reporting_month <= $month "
            "and year(pairs.reporting_month) = year($month) "
            "order by pairs.reporting_month desc, pairs.first_source, pairs.second_source",
        )

    def _findings(self) -> tuple[FigureFinding, ...]:
        """Return the findings of the year so far about the figure, or what it rests on.

        Of an institution they are those on its report of a month, and on a row that could be no
        indicator's where its value is missing; of records those on months that lack some.
        """
        return self._typed(
            FigureFinding,
            f"select left(finding_id, {SHORT}), rule, severity, state, institution_code, "
            f"reporting_month, left(delivery_id, {SHORT}), sheet, "
            "coalesce(cell, cast(row_number as varchar)), message_sq, message_en "
            "from quality.findings as findings where county_code = $county "
            "and reporting_month <= $month and year(reporting_month) = year($month) "
            "and (indicator_code = $indicator or (indicator_code is null and case "
            "when rule = 'missing_records' then reporting_month in ("
            f"select reporting_month from {_LACKING_RECORDS}) "
            f"else exists (select 1 from {_PARTS} "
            "and parts.institution_code = findings.institution_code "
            "and parts.reporting_month = findings.reporting_month "
            "and (findings.rule <> 'unknown_indicator' or parts.is_due and not parts.is_received)) "
            "and not exists (select 1 from core.dim_deliveries as files "
            "where files.delivery_id = findings.delivery_id "
            "and files.source_kind <> 'submission') end)) "
            "order by is_settled, array_position(['blocks', 'warns', 'informs'], severity), "
            "reporting_month desc, rule, finding_id",
        )

    def _target(self, row: dict[str, Any]) -> FigureTarget:
        [(basis, evidence, direction)] = self._ask(
            "select target_basis, basis_evidence, direction from core.dim_indicators "
            "where plan_code = $plan and indicator_code = $indicator"
        )
        [(nation, baseline)] = self._ask(
            "select max(value) filter (where county_code = 'AL' and target_kind = 'target' "
            "and year = year($month)), "
            "max(value) filter (where county_code = $county and target_kind = 'baseline') "
            "from core.fct_targets where plan_code = $plan and indicator_code = $indicator"
        )
        return FigureTarget(
            value=row.get("target_value"),
            nation_value=nation,
            baseline=baseline,
            basis=basis,
            basis_evidence=evidence,
            direction=direction,
            status=row.get("status"),
            progress_annual=row.get("progress_annual"),
            progress_cumulative=row.get("progress_cumulative"),
            readings=self._typed(
                TargetReading,
                "select reading, actual_least, actual, actual_most, expected_value, status_least, "
                "status_most "
                "from core.fct_target_readings where county_code = $county "
                "and reporting_month = $month and plan_code = $plan "
                "and indicator_code = $indicator order by reading",
            ),
        )

    def _changes(self, release_number: int | None) -> tuple[FigureChange, ...]:
        if release_number is None:
            return ()
        rows = self._ask(
            "select compared, compared_with, measure, value_before, value_after, reason "
            "from marts.changes where county_code = $county and reporting_month = $month "
            "and release_number = $release and mart = 'indicator_progress' "
            "and plan_code = $plan and indicator_code = $indicator "
            "order by compared, array_position(['actual_month', 'actual_year_to_date', "
            "'actual_cumulative'], measure) nulls last, measure",
            release=release_number,
        )
        return tuple(
            FigureChange(compared, release, measure, before, after, tuple(reason.split("+")))
            for compared, release, measure, before, after, reason in rows
        )


#: What an area's own figure is made of, beside the names of who reported it.
_PARTS_IN = (
    "core.fct_figure_parts as parts left join core.dim_institutions as institutions "
    "on parts.institution_code = institutions.institution_code "
    "where parts.plan_code = $plan and parts.indicator_code = $indicator "
    "and parts.reporting_month <= $month and parts.reporting_month >= "
    "(select valid_from from core.dim_plans where plan_code = $plan)"
)
_PARTS = f"{_PARTS_IN} and parts.county_code = $county"
#: The same with all counties of the nation.
_PARTS_OF_AREA = f"{_PARTS_IN} and $county in (parts.county_code, 'AL')"


#: The months of the year so far of which not all records came that count the indicator.
_LACKING_RECORDS = (
    "(select case source when 'hotline' then 'hotline_log' else 'referral_records' end as source, "
    "reporting_month from core.fct_record_counts where county_code = $county "
    "and plan_code = $plan and indicator_code = $indicator and category = 'total' "
    "and reporting_month <= $month and year(reporting_month) = year($month) "
    "and (value is null or is_lower_bound))"
)


def _is_lower_bound(row: dict[str, Any], span: str) -> bool:
    if row.get(f"actual_{span}") is None:
        return False
    if span == "month":
        return bool(row.get("is_month_lower_bound"))
    return row.get(f"actual_{span}_most") is None


def _like(wanted: str, known: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return the rows whose code or name is most like a text."""
    rows = list(known)
    scores = [
        max(
            fuzz.ratio(wanted.casefold(), str(row[0]).casefold()),
            *(fuzz.WRatio(wanted.casefold(), str(name).casefold()) - 1 for name in row[1:3]),
        )
        for row in rows
    ]
    best = sorted(range(len(rows)), key=lambda place: -scores[place])
    return [rows[place] for place in best[:MAX_LIKE]]
