"""Persons and contacts in a report: by records in the restricted tier, by editions in the public.

Belongs here: which of their counts may be shown where. Not here: indicators (indicators), or how
an edition came to its numbers (expectations.disclosure).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from orchestration.presentation.area_period import NATION, AreaPeriod
from orchestration.presentation.blocks import Paragraph, ReportTable
from orchestration.presentation.charts import Bar, bar_chart
from orchestration.presentation.editions import edition_figure
from orchestration.presentation.formats import day, number
from orchestration.presentation.periods import Period, PeriodKind, parse_period
from orchestration.presentation.sentences import (
    Change,
    Comparability,
    Figure,
    amount,
    count,
    full_sentence,
    legend,
    sign,
    value_sentence,
)
from orchestration.products.declaration import Tier
from orchestration.report.blocks import Block, Picture
from orchestration.report.indicators import change_sign
from sources.texts import Language, text

#: Steps in their order, and those that the chart shows.
_STEPS = (
    "flagged",
    "initially_identified",
    "formally_identified",
    "referred",
    "referral_accepted",
    "assisted",
    "closed",
)
_DRAWN = ("initially_identified", "referred", "referral_accepted", "assisted")
_DAYS = ("identified_to_referred", "referred_to_assisted")
_BREAKDOWNS = (
    "sex_and_age_group",
    "registering_organisation",
    "exploitation",
    "citizenship_group",
)
#: What a breakdown's category consists of, in the lists of codes.
_CODE_LISTS = {
    "registering_organisation": "registering_organisation",
    "exploitation": "exploitation",
    "citizenship_group": "citizenship",
}
#: The code of a difference for which no reason was found.
_NO_REASON = "unexplained"
#: What of an edition a report shows; all of it is in the edition's own workbook.
_SHOWN_DIMENSIONS = ("total", "sex", "age_group", "exploitation", "channel", "purpose")


def persons_sentences(asked: AreaPeriod, language: Language) -> list[str]:
    """Return how many persons were identified and assisted, by the records; none in public."""
    steps = _steps(asked)
    return [
        _step_sentence(asked, step, steps[step], language)
        for step in ("initially_identified", "assisted")
        if step in steps and steps[step][0].value is not None
    ]


def _steps(asked: AreaPeriod) -> dict[str, tuple[Figure, tuple[Change, ...]]]:
    """Return the figure of each step, with how it stands to the period before and a year before."""
    flow = asked.flow()
    earlier = {
        period: replace(asked, period=period).flow()
        for period in dict.fromkeys((asked.period.before, asked.period.year_before))
    }
    steps = {}
    for step in _STEPS:
        if step in flow:
            figure = flow[step][0]
            changes = [
                _change(figure, found[step][0], period)
                for period, found in earlier.items()
                if step in found
            ]
            steps[step] = figure, tuple(changes)
    return steps


def _change(figure: Figure, before: Figure, period: Period) -> Change:
    """Return a comparison of counts of persons: only where all files of both periods came."""
    is_whole = not any(one.is_lower_bound or one.may_fall for one in (figure, before))
    return Change(period, before, Comparability.EQUAL if is_whole else Comparability.NONE)


def _step_sentence(
    asked: AreaPeriod, step: str, told: tuple[Figure, tuple[Change, ...]], language: Language
) -> str:
    figure, changes = told
    known = [change for change in changes if change.before.value is not None]
    name = text(f"report.flow.{step}", language)
    return full_sentence(name, figure, asked.period, known, language)


def flow_blocks(asked: AreaPeriod, language: Language) -> list[Block]:
    """Return the persons of a period by step, the days between, the cohort, and the breakdowns."""
    if asked.tier is Tier.PUBLIC:
        return edition_blocks(asked, language, _STEPS)
    flow = asked.flow()
    period = asked.period.name(language)
    told = _steps(asked)
    steps = {step: figure for step, (figure, _) in told.items()}
    others = [
        *(Paragraph(sentence) for sentence in _official(asked, language)),
        *(Paragraph(sentence) for sentence in _disagreements(asked, language)),
        Paragraph(text("report.caution", language), "note"),
    ]
    if not any(figure.value is not None for figure in steps.values()):
        nothing = text("report.nothing.records", language, period=asked.period.name(language, "in"))
        return [Paragraph(nothing), *others]
    blocks: list[Block] = [
        Paragraph(_step_sentence(asked, step, told[step], language))
        for step in steps
        if step in _DRAWN
    ]
    blocks += [Paragraph(sentence) for sentence in _medians(flow, language)]
    if cohort := _cohort(asked, flow, language):
        blocks.append(Paragraph(cohort))
        reference = flow["cohort"][0].reference
        said = text("report.sentences.cohort_reference", language, reference=reference)
        blocks.append(Paragraph(said, "note"))
    blocks += others
    drawn = [
        Bar(text(f"report.flow.{step}", language), figure)
        for step, figure in steps.items()
        if step in _DRAWN
    ]
    values = "; ".join(f"{bar.label} {sign(bar.figure, language)}" for bar in drawn)
    blocks.append(
        Picture(
            text("report.captions.figure_flow", language, period=period),
            bar_chart(drawn, language, text("report.alt.flow", language, values=values)),
            (
                text("report.sentences.steps", language),
                *_legend([b.figure for b in drawn], language),
            ),
        )
    )
    blocks.append(
        _flow_table(asked, told, text("report.captions.flow", language, period=period), language)
    )
    return blocks + _breakdowns(asked, language)


def _flow_table(
    asked: AreaPeriod,
    told: dict[str, tuple[Figure, tuple[Change, ...]]],
    caption: str,
    language: Language,
) -> ReportTable:
    before = asked.period.before
    changes = {
        step: change
        for step, (_, found) in told.items()
        for change in found
        if change.period == before and change.before.value is not None
    }
    rows = []
    for step, (figure, _) in told.items():
        cells: tuple[str, ...] = ()
        if change := changes.get(step):
            cells = sign(change.before, language), change_sign(figure, change, language)
        elif changes:
            cells = text("report.change.first", language), "–"
        name = text(f"report.flow.{step}", language)
        rows.append((name, sign(figure, language), *cells, figure.reference))
    figures = [figure for figure, _ in told.values()]
    compared = (before.name(language, "short"), text("report.columns.change", language))
    return ReportTable(
        caption,
        (
            text("report.columns.step", language),
            text("report.columns.persons", language),
            *(compared if changes else ()),
            text("report.columns.reference", language),
        ),
        tuple(rows),
        (0.26, 0.11, 0.12, 0.14, 0.37) if changes else (0.26, 0.11, 0.63),
        numeric=frozenset({1, 2, 3} if changes else {1}),
        figures={(place, 1): figure for place, figure in enumerate(figures)},
        notes=_legend(figures, language),
    )


def _medians(flow: dict[str, tuple[Figure, int | None]], language: Language) -> list[str]:
    said = []
    for subject in _DAYS:
        figure, rests_on = flow.get(subject, (None, None))
        if figure is not None and figure.value is not None and rests_on:
            said.append(
                text(
                    "report.sentences.median",
                    language,
                    name=text(f"report.flow.{subject}", language),
                    value=amount(figure, language),
                    rests_on=count(rests_on, "persons", language),
                )
            )
    return said


def _cohort(
    asked: AreaPeriod, flow: dict[str, tuple[Figure, int | None]], language: Language
) -> str:
    """Return how far the persons of the cohort came; empty where none is followed."""
    parts = {
        name: flow.get(f"cohort_{name}") for name in ("referred", "accepted", "assisted", "open")
    }
    whole = flow.get("cohort")
    until = asked.flow_known_until
    if whole is None or not whole[0].value or until is None:
        return ""
    signs = {name: sign(part[0], language) if part else "–" for name, part in parts.items()}
    return text(
        "report.sentences.cohort",
        language,
        period=asked.period.name(language, "in"),
        all=sign(whole[0], language),
        month=_month(until, language),
        **signs,
    )


def _official(asked: AreaPeriod, language: Language) -> list[str]:
    """Return what official sources have for the year, where the period ends with it."""
    if asked.period.last_month.month != 12:
        return []
    rows = asked.rows(
        "select progress.*, indicators.* exclude (plan_code, indicator_code) "
        "from marts.indicator_progress as progress inner join core.dim_indicators as indicators "
        "on progress.plan_code = indicators.plan_code "
        "and progress.indicator_code = indicators.indicator_code "
        "where county_code = $1 and reporting_month = $4 and official_value is not null"
    )
    sources = asked.codes("official_source", language)
    return [
        text(
            "report.sentences.official",
            language,
            source=sources.get(row["official_source"], row["official_source"]),
            number=count(row["official_value"], row["unit"], language),
            name=f"{row[f'short_name_{language}']} ({row['indicator_code']})",
        )
        for row in rows
    ]


def _disagreements(asked: AreaPeriod, language: Language) -> list[str]:
    if not asked.is_restricted:
        return []
    rows = asked.rows(
        "select compared.*, indicators.* exclude (plan_code, indicator_code) "
        "from marts.source_comparison as compared inner join core.dim_indicators as indicators "
        "on compared.plan_code = indicators.plan_code "
        "and compared.indicator_code = indicators.indicator_code "
        "where county_code = $1 and reporting_month between $3 and $4 and is_contradiction "
        "and first_value is not null and second_value is not null "
        "order by reporting_month, compared.indicator_code"
    )
    names = asked.codes("first_source", language) | asked.codes("second_source", language)
    return [_disagreement(row, names, language) for row in rows]


def _disagreement(row: dict[str, Any], names: dict[str, str], language: Language) -> str:
    sources = []
    for code in (row["first_source"], row["second_source"]):
        name = names.get(code, code)
        is_official = code == row["official_source"]
        key = "report.sentences.official_one"
        sources.append(text(key, language, source=name) if is_official else name)
    said = text(
        "report.sentences.disagree",
        language,
        month=_month(row["reporting_month"], language),
        first=sources[0],
        a=number(row["first_value"], language),
        second=sources[1],
        b=number(row["second_value"], language),
        name=f"{row[f'short_name_{language}']} ({row['indicator_code']})",
    )
    reason = row[f"reason_{language}"]
    if not reason or row["likely_reason"] == _NO_REASON:
        return said
    return f"{said} {text('report.sentences.possible_reason', language, reason=reason)}"


def _breakdowns(asked: AreaPeriod, language: Language) -> list[Block]:
    """Return the identified persons of the period by sex and age, and by who registered them."""
    rows = asked.rows(
        "select * from marts.identified_persons where county_code = $1 and period = $2 "
        "and step = 'identified' and list_contains($5, breakdown) "
        "order by breakdown, category",
        list(_BREAKDOWNS),
    )
    if not rows:
        if asked.period.kind in (PeriodKind.MONTH, PeriodKind.QUARTER, PeriodKind.FOUR_MONTHS):
            return [Paragraph(text("report.notes.not_for_period", language), "note")]
        return []
    blocks: list[Block] = []
    for breakdown in _BREAKDOWNS:
        found = [row for row in rows if row["breakdown"] == breakdown]
        shown = [(row, _breakdown_figure(asked, row)) for row in found]
        shown = [(row, figure) for row, figure in shown if figure.value != 0]
        if not shown:
            continue
        name = text(f"report.breakdowns.{breakdown}", language)
        period = asked.period.name(language)
        blocks.append(
            ReportTable(
                text("report.captions.breakdown", language, period=period, breakdown=name),
                tuple(
                    text(f"report.columns.{column}", language)
                    for column in ("category", "persons", "reference")
                ),
                tuple(
                    (_category(asked, row, language), sign(figure, language), figure.reference)
                    for row, figure in shown
                ),
                (0.34, 0.12, 0.54),
                numeric=frozenset({1}),
                figures={(place, 1): figure for place, (_, figure) in enumerate(shown)},
                notes=(
                    *_legend([figure for _, figure in shown], language),
                    text("report.notes.zeros_left_out", language),
                ),
            )
        )
    return blocks


def _breakdown_figure(asked: AreaPeriod, row: dict[str, Any]) -> Figure:
    key = "/".join((row["period"], row["step"], row["breakdown"], row["category"]))
    return Figure(
        row["persons"],
        "persons",
        row["value_state"],
        least=row["persons_least"],
        most=row["persons_most"],
        is_lower_bound=bool(row["is_lower_bound"]),
        may_fall=bool(row["may_fall"]),
        reference=asked.reference("identified_persons", key, "persons"),
    )


def _category(asked: AreaPeriod, row: dict[str, Any], language: Language) -> str:
    """Return what a category is called: female 0-17 by the names of its two codes."""
    if row["breakdown"] == "sex_and_age_group":
        sexes, ages = asked.codes("sex", language), asked.codes("age_group", language)
        sex, age = row["sex"], row["age_group"]
        return f"{sexes.get(sex, sex)}, {ages.get(age, age)}"
    names = asked.codes("eurostat_category", language)
    names |= asked.codes(_CODE_LISTS[row["breakdown"]], language)
    return str(names.get(row["category"], row["category"]))


def edition_blocks(
    asked: AreaPeriod, language: Language, subjects: Sequence[str], *, with_caution: bool = True
) -> list[Block]:
    """Return the counts of some subjects as the newest edition of the period shows them.

    A county's month, quarter or half-year has none, and says so.
    """
    caution = [Paragraph(text("report.caution", language), "note")] if with_caution else []
    if asked.county_code != NATION and asked.period.kind is not PeriodKind.YEAR:
        return [Paragraph(text("report.persons_once_a_year", language)), *caution]
    rows = asked.rows(
        "select counts.*, editions.cut_off_on from editions.newest_counts as counts "
        "inner join editions.editions as editions using (counted_year, edition) "
        "where county_code = $1 and period = $2 and list_contains($5, subject) "
        "and list_contains($6, dimension) and shown_as <> 'rest' "
        "order by list_position($5, subject), list_position($6, dimension), category",
        list(subjects),
        list(_SHOWN_DIMENSIONS),
    )
    if not rows:
        [known] = asked.rows(
            "select count(*) as counts from editions.newest_counts "
            "where county_code = $1 and period = $2"
        )
        key = "not_in_edition" if known["counts"] else "no_edition"
        period = asked.period.name(language, "in")
        return [Paragraph(text(f"report.{key}", language, period=period)), *caution]
    figures = [edition_figure(row) for row in rows]
    cut_off = day(rows[0]["cut_off_on"], language)
    names = ("step", "category", "value", "ends", "shown")
    shown = asked.codes("shown_as", language)
    table = ReportTable(
        text("report.captions.edition", language, period=asked.period.name(language)),
        tuple(text(f"report.columns.{name}", language) for name in names),
        tuple(
            (
                row[f"subject_{language}"],
                row[f"category_{language}"],
                sign(figure, language),
                _ends(figure, language),
                shown[row["shown_as"]],
            )
            for row, figure in zip(rows, figures, strict=True)
        ),
        (0.3, 0.18, 0.12, 0.13, 0.27),
        numeric=frozenset({2, 3}),
        figures={(place, 2): figure for place, figure in enumerate(figures)},
        notes=(
            *_legend(figures, language),
            *(
                text(f"report.notes.{name}", language)
                for name in ("is_lower_bound", "may_fall")
                if any(row[name] for row in rows)
            ),
        ),
    )
    return [Paragraph(text("report.sentences.edition", language, day=cut_off)), *caution, table]


def _ends(figure: Figure, language: Language) -> str:
    """Return between which numbers a count lies; an end is open where what is missing moves it."""
    if figure.value is None or figure.least is None or (figure.may_fall and figure.high is None):
        return "–"
    least = number(figure.least, language)
    if figure.high is None:
        return f"≥\u00a0{least}"
    most = number(figure.high, language)
    return f"≤\u00a0{most}" if figure.may_fall else f"{least}–{most}"


def hotline_blocks(asked: AreaPeriod, language: Language) -> list[Block]:
    """Return the contacts, cases and referrals of the hotline and app, by channel."""
    if asked.tier is Tier.PUBLIC:
        subjects = (
            "hotline_contacts",
            "hotline_cases",
            "hotline_referrals",
            "hotline_referrals_accepted",
        )
        return edition_blocks(asked, language, subjects, with_caution=False)
    rows = asked.rows(
        "select channel, sum(contacts) as contacts, sum(distinct_contacts) as distinct_contacts, "
        # Of the columns of cases the one that adds up: each case once, where it was opened.
        "sum(cases_opened) as cases, sum(referrals) as referrals, "
        "sum(referrals_accepted) as referrals_accepted, bool_or(is_lower_bound) as is_lower_bound, "
        "count(distinct reporting_month) filter (where contacts is not null) as months "
        "from marts.hotline_activity where county_code = $1 "
        "and reporting_month between $3 and $4 group by channel order by channel"
    )
    if not any(row["contacts"] is not None for row in rows):
        period = asked.period.name(language, "in")
        return [Paragraph(text("report.nothing.records", language, period=period))]
    names = asked.codes("channel", language)
    whole = len(asked.period.months)
    most_of_a_county = _most_cases(asked)
    columns = ("contacts", "distinct_contacts", "cases", "referrals", "referrals_accepted")
    units = dict.fromkeys(columns, "contacts") | {
        "cases": "cases",
        "referrals": "referrals",
        "referrals_accepted": "referrals",
    }
    lines, figures = [], {}
    for place, row in enumerate(rows):
        is_bound = bool(row["is_lower_bound"]) or row["months"] < whole
        cells = [names.get(row["channel"], row["channel"])]
        for column, unit in units.items():
            value = None if row[column] is None else float(row[column])
            state = "not_reported" if value is None else "number"
            figure = Figure(value, unit, state, is_lower_bound=is_bound and value is not None)
            if column == "cases" and value is not None and row["channel"] in most_of_a_county:
                least = float(most_of_a_county[row["channel"]])
                figure = replace(figure, least=least, most=None if is_bound else value)
            figures[place, len(cells)] = figure
            cells.append(sign(figure, language))
        lines.append(tuple(cells))
    bars = [Bar(line[0], figures[place, 2]) for place, line in enumerate(lines)]
    values = "; ".join(f"{bar.label} {sign(bar.figure, language)}" for bar in bars)
    period = asked.period.name(language)
    blocks: list[Block] = [Paragraph(sentence) for sentence in _referrals(asked, language)]
    blocks += [
        Paragraph(text("report.sentences.contact_is_no_case", language), "note"),
        Picture(
            text("report.captions.figure_hotline", language, period=period),
            bar_chart(bars, language, text("report.alt.hotline", language, values=values)),
            (
                text("report.columns.distinct", language) + ".",
                *_legend([bar.figure for bar in bars], language),
            ),
        ),
        ReportTable(
            text("report.captions.hotline", language, period=period),
            tuple(
                text(f"report.columns.{name}", language)
                for name in (
                    "channel",
                    "contacts",
                    "distinct",
                    "cases_opened",
                    "referrals",
                    "accepted",
                )
            ),
            tuple(lines),
            (0.3, 0.13, 0.19, 0.12, 0.13, 0.13),
            numeric=frozenset(range(1, 6)),
            figures=figures,
            notes=(
                *_legend(list(figures.values()), language),
                text("report.notes.cases", language),
                *((text("report.notes.same_case", language),) if most_of_a_county else ()),
            ),
        ),
    ]
    return blocks


def _most_cases(asked: AreaPeriod) -> dict[str, int]:
    """Return by channel the cases of the county that has most of them; empty for a county.

    Several counties may have written down the same case: the nation has at least these.
    """
    if asked.county_code != NATION:
        return {}
    rows = asked.rows(
        "select channel, max(cases) as cases from (select county_code, channel, "
        "sum(cases_opened) as cases from marts.hotline_activity where county_code <> $1 "
        "and reporting_month between $3 and $4 group by county_code, channel) group by channel"
    )
    return {row["channel"]: row["cases"] for row in rows if row["cases"] is not None}


def _referrals(asked: AreaPeriod, language: Language) -> list[str]:
    flow = asked.flow()
    said = [
        value_sentence(
            text(f"report.flow.{subject}", language), flow[subject][0], asked.period, language
        )
        for subject in ("hotline_referrals", "hotline_referrals_accepted")
        if subject in flow
    ]
    figure, rests_on = flow.get("hotline_to_accepted", (None, None))
    if figure is not None and figure.value is not None and rests_on:
        said.append(
            text(
                "report.sentences.median",
                language,
                name=text("report.flow.hotline_to_accepted", language),
                value=amount(figure, language),
                rests_on=count(rests_on, "referrals", language),
            )
        )
    return said


def _legend(figures: Sequence[Figure], language: Language) -> tuple[str, ...]:
    said = legend(figures, language)
    return (f"{'; '.join(said)}.",) if said else ()


def _month(month: Any, language: Language) -> str:
    named: Period = parse_period(f"{month:%Y-%m}")
    return named.name(language)
