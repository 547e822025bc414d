"""Indicators in a report: sentences, tables, targets and the annex.

Belongs here: which of an area's indicators a section shows, and how. Not here: persons by records
(persons), what is missing (coverage).
"""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from orchestration.presentation.area_period import NATION, AreaPeriod, IndicatorFigure
from orchestration.presentation.blocks import Paragraph, ReportTable
from orchestration.presentation.charts import Bar, county_map, grid, lying_bars
from orchestration.presentation.formats import number, per_cent, signed
from orchestration.presentation.periods import Period, parse_period
from orchestration.presentation.sentences import (
    Change,
    Comparability,
    Figure,
    amount,
    count,
    direction,
    full_sentence,
    legend,
    moved,
    noun,
    share_moved,
    sign,
)
from orchestration.report.blocks import Block, Picture
from sources.texts import Language, text

#: States in which an institution was to give a value and there is none.
_MISSING = ("not_reported", "unknown", "refused")
#: States in which a value is awaited, but not of this period or not yet.
_NOT_NOW = ("not_due", "not_of_period")
#: How an indicator stands to its target, the best first.
_STATUSES = (
    "achieved",
    "on_track",
    "at_risk",
    "off_track",
    "exceeded",
    "ambiguous",
    "no_target",
    "no_data",
    "not_due",
)
#: A section says so many sentences; all the rest is in its table.
_SENTENCES = 5
#: Bounds between the four greys of the map.
_MAP_BOUNDS = (5, 20, 50)
#: The axis of figure A ends here, in per cent.
_MOST_PER_CENT = 150


@dataclass(frozen=True)
class Field:
    """The indicators of a section of the report, of an area and period."""

    asked: AreaPeriod
    language: Language
    section: str
    indicators: tuple[IndicatorFigure, ...]

    @property
    def period(self) -> Period:
        """The period."""
        return self.asked.period

    def said(self, key: str, **values: object) -> str:
        """Return a text in the language of the field."""
        return text(key, self.language, **values)

    def sentences(self) -> list[str]:
        """Return what is to be said first: what changed for certain, then the rest with a value."""
        valued = [one for one in self.indicators if one.figure.value is not None]
        ordered = sorted(valued, key=lambda one: not _is_certain(one))[:_SENTENCES]
        return [self.sentence(one) for one in valued if one in ordered]

    def sentence(self, one: IndicatorFigure) -> str:
        """Return an indicator's figure in one sentence, with its changes."""
        name = f"{one.short_name} ({one.indicator_code})"
        changes = [change for change in one.changes if change.before.value is not None]
        if not changes and self._has_earlier:
            changes = list(one.changes[:1])
        return full_sentence(name, one.figure, self.period, changes, self.language)

    def blocks(self) -> list[Block]:
        """Return the sentences and the table of the field, or why there is neither."""
        owed = [one for one in self.indicators if one.figure.state != "not_owed"]
        if not owed:
            key = "hidden_indicators" if self.hidden else "indicators"
            return [Paragraph(self.said(f"report.nothing.{key}", period=self._period_in))]
        blocks: list[Block] = [Paragraph(sentence) for sentence in self.sentences()]
        if not blocks:
            key = "hidden_no_value" if self.hidden else "no_value"
            blocks.append(Paragraph(self.said(f"report.nothing.{key}", period=self._period_in)))
        elif not self._has_earlier:
            blocks.append(Paragraph(self.said("report.nothing.earlier"), "note"))
        return [
            *blocks,
            self.table(owed, self.said("report.captions.indicators", period=self._name)),
        ]

    def table(self, shown: Sequence[IndicatorFigure], caption: str) -> ReportTable:
        """Return a table of indicators with signs, coverage and changes."""
        # The period before a year is that of the year before.
        every = list(dict.fromkeys((self.period.before, self.period.year_before)))
        known = {
            change.period
            for one in shown
            for change in one.changes
            if change.before.value is not None
        }
        earlier = [period for period in every if period in known]
        rows, figures = [], {}
        for place, one in enumerate(shown):
            changes = {change.period: change for change in one.changes}
            rows.append(
                (
                    one.indicator_code,
                    _with_unit(one, self.language),
                    sign(one.figure, self.language),
                    _of(one.values_received, one.values_due),
                    *(
                        cell
                        for period in earlier
                        for cell in self._cells(one.figure, changes.get(period))
                    ),
                )
            )
            figures[place, 2] = one.figure
        head = (
            self.said("report.columns.code"),
            self.said("report.columns.indicator"),
            self.said("report.columns.value"),
            self.said("report.columns.coverage"),
            *(
                name
                for period in earlier
                for name in (
                    period.name(self.language, "short"),
                    self.said("report.columns.change"),
                )
            ),
        )
        return ReportTable(
            caption,
            head,
            tuple(rows),
            (0.1, 0.28, 0.1, 0.1, *(0.1, 0.12) * len(earlier)),
            numeric=frozenset(range(2, len(head))),
            figures=figures,
            notes=self._notes(shown, [one for one in every if known and one not in known]),
        )

    def _cells(self, figure: Figure, change: Change | None) -> tuple[str, str]:
        if change is None or change.before.value is None:
            return self.said("report.change.first"), "–"
        return sign(change.before, self.language), change_sign(figure, change, self.language)

    def _notes(
        self, shown: Sequence[IndicatorFigure], unknown: Sequence[Period]
    ) -> tuple[str, ...]:
        befores = [change.before for one in shown for change in one.changes]
        befores = [before for before in befores if before.value is not None]
        notes = legend([*(one.figure for one in shown), *befores], self.language)
        said = [f"{'; '.join(notes)}."] if notes else []
        if any(_is_at_equal_coverage(change) for one in shown for change in one.changes):
            said.append(self.said("report.notes.equal_coverage"))
        if unknown:
            periods = ", ".join(period.name(self.language) for period in unknown)
            said.append(self.said("report.notes.no_earlier", periods=periods))
        first = next((one for one in shown if one.figure.reference), None)
        if first:
            code = self.said("report.sentences.code")
            reference = first.figure.reference.replace(f"/{first.indicator_code}/", f"/{code}/")
            said.append(self.said("report.sentences.reference", reference=reference))
        return tuple(said)

    @cached_property
    def hidden(self) -> list[str]:
        """The indicators of the section of which a public release has no figure: of persons."""
        if self.asked.is_restricted:
            return []
        told = {one.indicator_code for one in self.indicators}
        rows = self.asked.rows(
            "select * from core.dim_indicators "
            "order by cast(string_split(indicator_code, '.') as integer[])"
        )
        plans = {row["plan_code"] for row in _measures()}
        return [
            row["indicator_code"]
            for row in rows
            if row["indicator_code"] not in told
            and row["plan_code"] in plans
            and self.section in ("all", section_of(row["plan_code"], row["measure_code"]))
        ]

    @property
    def _has_earlier(self) -> bool:
        """Whether any of them has a value of an earlier period."""
        changes = (change for one in self.indicators for change in one.changes)
        return any(change.before.value is not None for change in changes)

    @property
    def _name(self) -> str:
        return self.period.name(self.language)

    @property
    def _period_in(self) -> str:
        return self.period.name(self.language, "in")


def fields(asked: AreaPeriod, language: Language) -> dict[str, Field]:
    """Return the indicators of an area by section; `all` has every one, also of no section."""
    sections: dict[str, list[IndicatorFigure]] = {name: [] for name in sections_of_measures()}
    every = asked.indicators(language)
    for one in every:
        if name := section_of(one.plan_code, one.measure_code):
            sections[name].append(one)
    made = {name: Field(asked, language, name, tuple(found)) for name, found in sections.items()}
    return made | {"all": Field(asked, language, "all", tuple(every))}


def sections_of_measures() -> list[str]:
    """Return the names of the sections that have measures."""
    return list(dict.fromkeys(row["section"] for row in _measures()))


def section_of(plan_code: str, measure_code: str) -> str | None:
    """Return the section of a measure: that of the longest code it begins with; None for none."""
    parts = measure_code.split(".")
    codes = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    found = {
        row["measures"]: row["section"] for row in _measures() if row["plan_code"] == plan_code
    }
    return next((found[code] for code in codes if code in found), None)


@cache
def _measures() -> tuple[dict[str, str], ...]:
    path = Path(__file__).with_name("measures.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def change_sign(figure: Figure, change: Change, language: Language) -> str:
    """Return how a figure stands to an earlier one that has a number, for a cell."""
    before = change.before
    if figure.value is None or before.value is None:
        return "–"
    if change.comparability is not Comparability.EQUAL:
        if _is_at_equal_coverage(change):
            told = signed(change.at_equal_coverage or 0, language)
            compared = count(change.compared, "values", language)
            return text("report.change.equal_coverage", language, change=told, compared=compared)
        return text("report.change.coverage", language)
    way = direction(figure, before)
    if way in ("same", "unclear"):
        return text(f"report.change.{way}", language)
    least, most = moved(figure, before)
    by = signed(least if way == "up" else -least, language)
    if most is None:
        # A fall by at least five is a change of at most minus five.
        return f"{'≥' if way == 'up' else '≤'}\u00a0{by}"
    if least != most:
        end = signed(most if way == "up" else -most, language)
        return text("report.change.between", language, least=by, most=end)
    if (share := share_moved(figure, before, language)) is not None:
        return text("report.change.share", language, change=by, share=share)
    return by


def _is_at_equal_coverage(change: Change) -> bool:
    """Tell whether a change is told of the values alone that both periods have."""
    return change.comparability is Comparability.PARTLY and bool(change.compared)


def owed_sentence(every: Field) -> str:
    """Return how many of all indicators have a value, and why the others have none."""
    states = Counter(one.figure.state for one in every.indicators)
    missing = sum(states[state] for state in _MISSING)
    valued = sum(one.figure.value is not None for one in every.indicators)
    rest = len(every.indicators) - valued - missing - sum(states[state] for state in _NOT_NOW)
    said = every.said(
        "report.sentences.owed",
        all=len(every.indicators),
        valued=valued,
        missing=missing,
        not_due=states["not_due"],
        not_of_period=states["not_of_period"],
        not_owed=rest,
    )
    if not every.hidden:
        return said
    whole = len(every.indicators) + len(every.hidden)
    values = {"all": len(every.indicators), "whole": whole, "hidden": len(every.hidden)}
    return f"{every.said('report.sentences.hidden_indicators', **values)} {said}"


def _status(row: dict[str, Any]) -> str:
    """Return how an indicator stands to its target; what is to stay below it is then above it."""
    is_above = row["status"] == "off_track" and row["direction"] != "increase"
    return "exceeded" if is_above else str(row["status"])


def statuses_sentence(every: Field) -> str:
    """Return how many indicators stand how to their targets; empty where there is none to tell."""
    found = Counter(
        _status(row) for row in _targets(every) if row["actual_year_to_date"] is not None
    )
    if not found:
        return ""
    told = [
        f"{every.said(f'report.statuses.{status}')}: {number(found[status], every.language)}"
        for status in _STATUSES
        if found[status]
    ]
    year = every.period.last_month.year
    return every.said("report.sentences.statuses", year=year, statuses="; ".join(told))


def objectives_table(every: Field) -> ReportTable:
    """Return how many indicators of each objective have a value, are zero, or are missing."""
    by_objective: dict[str, list[IndicatorFigure]] = {}
    for one in every.indicators:
        by_objective.setdefault(".".join(one.measure_code.split(".")[:2]), []).append(one)
    names_of = _objectives(every)
    rows = []
    for objective, found in sorted(by_objective.items()):
        kinds = Counter(one.figure.state for one in found)
        valued = sum(one.figure.value is not None for one in found)
        # 0 as a lower bound is no zero: what is missing may be more.
        zero = sum(one.figure.kind == "zero" for one in found)
        missing = sum(kinds[state] for state in _MISSING)
        later = sum(kinds[state] for state in _NOT_NOW)
        rest = len(found) - valued - missing - later
        numbers = (len(found), valued, zero, missing, later, rest)
        name = f"{objective} {names_of.get(objective, '')}".strip()
        rows.append((name, *(number(one, every.language) for one in numbers)))
    names = ("objective", "indicators", "valued", "zero", "not_reported", "not_now", "not_owed")
    return ReportTable(
        every.said("report.captions.objectives", period=every.period.name(every.language)),
        tuple(every.said(f"report.columns.{name}") for name in names),
        tuple(rows),
        (0.34, *(0.11,) * 6),
        numeric=frozenset(range(1, 7)),
        notes=(every.said("report.notes.hidden_indicators"),) if every.hidden else (),
    )


def _objectives(every: Field) -> dict[str, str]:
    """Return the names of objectives by code, as far as the registers have them."""
    rows = every.asked.rows(
        f"select objective_code, any_value(objective_name_{every.language}) as name "
        "from core.dim_measures where list_contains($5, plan_code) group by objective_code",
        sorted({one.plan_code for one in every.indicators}),
    )
    return {row["objective_code"]: row["name"] for row in rows if row["name"]}


def progress_blocks(every: Field) -> list[Block]:
    """Return where the plan stands: by objective, and against the targets of the same level."""
    asked, language = every.asked, every.language
    month = asked.period.last_month
    blocks: list[Block] = [Paragraph(owed_sentence(every))]
    rows = [row for row in _targets(every) if row["actual_year_to_date"] is not None]
    if not rows:
        blocks.append(Paragraph(every.said("report.sentences.no_county_target")))
        return [*blocks, objectives_table(every)]
    month_name = parse_period(f"{month:%Y-%m}").name(language)
    statuses = {status: every.said(f"report.statuses.{status}") for status in _STATUSES}
    blocks += [
        Paragraph(statuses_sentence(every)),
        Paragraph(every.said("report.sentences.not_of_period", month=month_name)),
        objectives_table(every),
    ]
    bars = [bar for row in rows for bar in _target_bars(every, row)]
    if bars:
        alt = every.said(
            "report.alt.targets", count=sum(bool(_target_bars(every, row)) for row in rows)
        )
        axis = every.said("report.bars.axis")
        chart = lying_bars(bars, language, alt, most=_MOST_PER_CENT, target=100, axis=axis)
        caption = every.said("report.captions.figure_targets", year=month.year)
        notes = [
            every.said("report.sentences.percentage"),
            *(f"{one}." for one in legend([bar.figure for bar in bars], language)),
        ]
        if any((bar.figure.value or 0) > _MOST_PER_CENT for bar in bars):
            notes.append(every.said("report.notes.beyond", most=per_cent(_MOST_PER_CENT, language)))
        blocks.append(Picture(caption, chart, (" ".join(notes),)))
    blocks.append(_targets_table(every, rows, statuses, month_name))
    ambiguous = [row for row in rows if _is_ambiguous(row)]
    return [*blocks, *(Paragraph(_two_readings(every, row), "note") for row in ambiguous)]


def _targets(every: Field) -> list[dict[str, Any]]:
    """Return the progress of the indicators that have a target of the area's own level."""
    scope = "nation" if every.asked.county_code == NATION else "county"
    shown = {one.indicator_code for one in every.indicators}
    found = every.asked.rows(
        "select progress.*, indicators.* exclude (plan_code, indicator_code) "
        "from marts.indicator_progress as progress inner join core.dim_indicators as indicators "
        "on progress.plan_code = indicators.plan_code "
        "and progress.indicator_code = indicators.indicator_code "
        "where progress.county_code = $1 and reporting_month = $4 and target_scope = $5 "
        "and target_value is not null "
        "order by cast(string_split(progress.indicator_code, '.') as integer[])",
        scope,
    )
    return [row for row in found if row["indicator_code"] in shown]


def _progress_figure(row: dict[str, Any], every: Field) -> Figure:
    key = f"{row['plan_code']}/{row['indicator_code']}"
    return Figure(
        row["actual_year_to_date"],
        row["unit"],
        least=row["actual_year_to_date_least"],
        most=row["actual_year_to_date_most"],
        is_lower_bound=bool(row["is_lower_bound"]),
        came=row["counties_reporting"],
        expected=row["counties_expected"],
        rests_on="counties",
        reference=every.asked.reference("indicator_progress", key, "actual_year_to_date"),
    )


def _is_ambiguous(row: dict[str, Any]) -> bool:
    both = (row["progress_annual"], row["progress_cumulative"])
    return row["target_basis"] == "unstated" and None not in both and both[0] != both[1]


def _target_bars(every: Field, row: dict[str, Any]) -> list[Bar]:
    """Return a bar of each reading that has a percentage; one where they are the same."""
    name = _short(row, every.language)
    readings = ("annual", "cumulative") if _is_ambiguous(row) else ("annual",)
    bars = []
    for reading in readings:
        share = row[f"progress_{reading}"]
        if share is not None:
            figure = Figure(round(share, 1), "", is_lower_bound=bool(row["is_lower_bound"]))
            label = every.said(f"report.bars.{reading}", name=name) if len(readings) > 1 else name
            bars.append(Bar(f"{row['indicator_code']} {label}", figure))
    return bars


def _targets_table(
    every: Field, rows: list[dict[str, Any]], statuses: dict[str, str], month_name: str
) -> ReportTable:
    language = every.language
    cells, figures = [], {}
    for place, row in enumerate(rows):
        figure = _progress_figure(row, every)
        figures[place, 2] = figure
        cells.append(
            (
                row["indicator_code"],
                _short(row, language),
                sign(figure, language),
                number(row["target_value"], language),
                _share(row["progress_annual"], figure, language),
                _share(row["progress_cumulative"], figure, language),
                statuses[_status(row)],
            )
        )
    names = ("code", "indicator", "value", "target", "annual", "cumulative", "status")
    year = every.period.last_month.year
    reference = every.asked.reference(
        "indicator_progress",
        f"{rows[0]['plan_code']}/{every.said('report.sentences.code')}",
        "actual_year_to_date",
    )
    return ReportTable(
        every.said("report.captions.targets", year=year, month=month_name),
        tuple(every.said(f"report.columns.{name}") for name in names),
        tuple(cells),
        (0.09, 0.28, 0.1, 0.1, 0.14, 0.14, 0.15),
        numeric=frozenset(range(2, 6)),
        figures=figures,
        notes=(
            " ".join(f"{one}." for one in legend(figures.values(), language)),
            every.said("report.sentences.reference", reference=reference),
        ),
    )


def _share(share: float | None, figure: Figure, language: Language) -> str:
    if share is None:
        return "–"
    told = per_cent(round(share, 1), language)
    return f"≥\u00a0{told}" if figure.is_lower_bound else told


def _two_readings(every: Field, row: dict[str, Any]) -> str:
    figure = _progress_figure(row, every)
    is_judged = row["status"] not in ("ambiguous", "no_data")
    return every.said(
        "report.sentences.two_readings",
        name=f"{_short(row, every.language)} ({row['indicator_code']})",
        number=amount(figure, every.language),
        target=number(row["target_value"], every.language),
        annual=_share(row["progress_annual"], figure, every.language),
        cumulative=_share(row["progress_cumulative"], figure, every.language),
        said=every.said(f"report.sentences.{'both_readings' if is_judged else 'not_judged'}"),
    )


def _short(row: dict[str, Any], language: Language) -> str:
    return str(row[f"short_name_{language}"])


def months_grid(field: Field) -> Picture | None:
    """Return the months by institutions of the indicator that most of them owe; None for none."""
    asked, language = field.asked, field.language
    if not asked.is_restricted:
        return None
    codes = [one.indicator_code for one in field.indicators if not one.is_protected]
    rows = asked.rows(
        "select institution_code, reporting_month, indicator_code, value, value_state, unit "
        "from marts.institution_values where county_code = $1 and category = 'total' "
        "and reporting_month between $3 and $4 and list_contains($5, indicator_code)",
        codes,
    )
    owed = Counter(code for code, _ in {(r["indicator_code"], r["institution_code"]) for r in rows})
    if not owed:
        return None
    code, many = max(sorted(owed.items()), key=lambda pair: pair[1])
    if many == 1:
        return None
    names = asked.institutions(language)
    shown = [row for row in rows if row["indicator_code"] == code]
    columns = [f"{month:%m.%Y}" for month in field.period.months]
    cells = {
        (names[institution], f"{month:%m.%Y}"): Figure(None, "", "not_reported")
        for institution, month in _owed_months(asked, code)
    }
    for row in shown:
        place = names[row["institution_code"]], f"{row['reporting_month']:%m.%Y}"
        cells[place] = Figure(row["value"], row["unit"], row["value_state"])
    lines = sorted({line for line, _ in cells})
    [one] = [one for one in field.indicators if one.indicator_code == code]
    name = f"{one.short_name} ({code})"
    missing = sum(figure.value is None for figure in cells.values())
    alt = field.said(
        "report.alt.months", rows=len(lines), columns=len(columns), name=name, missing=missing
    )
    return Picture(
        field.said("report.captions.figure_months", name=name),
        grid(lines, columns, cells, language, alt, step=54 if len(columns) < 9 else 46),
        (field.said("report.notes.months"),),
    )


def _owed_months(asked: AreaPeriod, indicator_code: str) -> list[tuple[str, date]]:
    """Return the institutions and months for which a value of an indicator was owed.

    A value of a quarter or year is owed with its last month.
    """
    rows = asked.rows(
        "select * from core.reporting_obligations where county_code = $1 and indicator_code = $5 "
        "and recorded_to is null",
        indicator_code,
    )
    every = {"monthly": 1, "quarterly": 3, "yearly": 12}
    return [
        (row["institution_code"], month)
        for row in rows
        for month in asked.period.months
        if row["valid_from"] <= month
        and (row["valid_to"] is None or month <= row["valid_to"])
        and month.month % every[row["frequency"]] == 0
    ]


def counties_map(field: Field) -> list[Block]:
    """Return a map of the counties, with a table, of the first indicator that most of them have."""
    asked, language = field.asked, field.language
    shown = [one for one in field.indicators if not one.is_protected]
    rows = asked.rows(
        "select * from marts.period_figures where county_code <> $1 and period = $2 "
        "and list_contains($5, indicator_code)",
        [one.indicator_code for one in shown if one.figure.value is not None],
    )
    having = Counter(row["indicator_code"] for row in rows if row["value"] is not None)
    if not having:
        return []
    code, _ = max(having.items(), key=lambda pair: (pair[1], [-int(n) for n in pair[0].split(".")]))
    [one] = [one for one in shown if one.indicator_code == code]
    figures = {
        row["county_code"]: Figure(
            row["value"],
            one.unit,
            row["value_state"],
            least=row["value_least"],
            most=row["value_most"],
            is_lower_bound=bool(row["is_lower_bound"]),
        )
        for row in rows
        if row["indicator_code"] == code
    }
    names = {code: name for code, name in asked.counties(language).items() if code != NATION}
    covered = _covered(asked)
    figures = {
        code: figures.get(
            code, Figure(None, "", "not_reported" if code in covered else "not_covered")
        )
        for code in sorted(names, key=lambda code: names[code])
    }
    name = f"{one.short_name} ({code})"
    many = sum(figure.value is not None for figure in figures.values())
    uncovered = sum(figure.state == "not_covered" for figure in figures.values())
    alt = field.said("report.alt.map", name=name, count=many, uncovered=uncovered)
    caption = field.said(
        "report.captions.figure_map", period=field.period.name(language), name=name
    )
    notes = " ".join(
        [
            field.said("report.sentences.map"),
            *(f"{said}." for said in legend(figures.values(), language)),
        ]
    )
    table = ReportTable(
        field.said("report.captions.counties"),
        (field.said("report.columns.county"), field.said("report.columns.value")),
        tuple((names[code], sign(figure, language)) for code, figure in figures.items()),
        (0.6, 0.4),
        numeric=frozenset({1}),
        figures={(place, 1): figure for place, figure in enumerate(figures.values())},
    )
    return [
        Picture(caption, county_map(figures, names, _MAP_BOUNDS, language, alt), (notes,)),
        table,
    ]


def _covered(asked: AreaPeriod) -> set[str]:
    """Return the counties of which reports were expected until the end of the period."""
    rows = asked.rows("select county_code from marts.reporting_rates where reporting_month <= $4")
    if asked.is_restricted:
        rows += asked.rows(
            "select county_code from core.reporting_obligations where valid_from <= $4"
        )
    return {row["county_code"] for row in rows}


def annex_blocks(every: Field) -> list[Block]:
    """Return every indicator, and the reference of each value; what nobody owes by its code."""
    key = "annex_public" if every.hidden else "annex"
    caption = every.said(f"report.captions.{key}", period=every.period.name(every.language))
    owed = [one for one in every.indicators if one.figure.state != "not_owed"]
    rest = [one.indicator_code for one in every.indicators if one.figure.state == "not_owed"]
    blocks: list[Block] = [Paragraph(owed_sentence(every)), every.table(owed, caption)]
    if rest:
        said = every.said("report.notes.not_owed", count=len(rest), codes=", ".join(rest))
        blocks.append(Paragraph(said))
    referred = [
        one for one in every.indicators if one.figure.reference and one.figure.value is not None
    ]
    if referred:
        blocks.append(
            ReportTable(
                every.said("report.captions.references"),
                (every.said("report.columns.code"), every.said("report.columns.reference")),
                tuple((one.indicator_code, one.figure.reference) for one in referred),
                (0.12, 0.88),
            )
        )
    return blocks


def _with_unit(one: IndicatorFigure, language: Language) -> str:
    """Return the short name with what is counted, where there is a word for it."""
    counted = noun(2, one.unit, language)
    return f"{one.short_name} ({counted})" if counted else one.short_name


def _is_certain(one: IndicatorFigure) -> bool:
    return any(
        change.comparability is Comparability.EQUAL
        and direction(one.figure, change.before) in ("up", "down")
        for change in one.changes
        if change.before.value is not None
    )


def _of(came: int | None, expected: int | None) -> str:
    return "–" if came is None or not expected else f"{came}/{expected}"
