"""What is missing, how sure the figures are, and what was revised.

Belongs here: sections 8 and 9 of the report. Not here: what a figure says (indicators, persons).
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from babel.dates import format_date

from orchestration.presentation.area_period import NATION, SETTLED, AreaPeriod
from orchestration.presentation.blocks import Paragraph, ReportTable
from orchestration.presentation.formats import LOCALES, join, number
from orchestration.presentation.periods import PeriodKind, parse_period
from orchestration.presentation.sentences import count
from orchestration.products.declaration import Tier
from orchestration.report.blocks import Block
from sources.texts import Language, text

#: A report lists so many revised figures.
_MOST_REVISED = 40


def reports_sentence(asked: AreaPeriod, language: Language) -> str:
    """Return how many of the reports expected arrived; empty where that is not released."""
    rates = asked.rates
    expected = sum(row["expected"] or 0 for row in rates)
    if not expected:
        return ""
    return _came("reports", sum(row["received"] or 0 for row in rates), expected, language)


def completeness_blocks(asked: AreaPeriod, language: Language) -> list[Block]:
    """Return how many reports and values came, which are missing, and the findings by kind."""
    rates = asked.rates
    blocks: list[Block] = []
    if asked.county_code == NATION:
        blocks += _counties(asked, rates, language)
    if rates:
        came, expected = (
            sum(row[name] or 0 for row in rates) for name in ("values_received", "values_expected")
        )
        blocks.append(Paragraph(reports_sentence(asked, language)))
        blocks.append(Paragraph(_came("values", came, expected, language)))
        blocks.append(_rates_table(asked, rates, language))
    blocks += _institutions(asked, language)
    if not blocks:
        period = asked.period.name(language, "in")
        blocks.append(Paragraph(text("report.nothing.reports", language, period=period)))
    return blocks + _findings(asked, language)


def revision_blocks(asked: AreaPeriod, language: Language) -> list[Block]:
    """Return the released figures of the period that a later release changed, with the reasons."""
    rows = asked.rows(
        "select * from marts.changes where county_code = $1 and compared = 'previous_release' "
        "and reporting_month between $3 and $4 order by reporting_month, mart, mart_row, measure"
    )
    names = {
        (row["plan_code"], row["indicator_code"]): row
        for row in asked.rows("select * from core.dim_indicators")
    }
    reasons = asked.codes("reason", language)
    told = [
        row
        for row in rows
        if (row["mart"], row["measure"])
        in (("indicator_progress", "actual_month"), ("period_figures", "value"))
        and (row["plan_code"], row["indicator_code"]) in names
        and not (row["mart"] == "period_figures" and _is_month(row["mart_row"]))
    ]
    if not told:
        period = asked.period.name(language, "in")
        return [Paragraph(text("report.nothing.revisions", language, period=period))]
    lines = tuple(
        (
            f"{_short(names[row['plan_code'], row['indicator_code']], language)} "
            f"({row['indicator_code']})",
            _when(row, language),
            _value(row["value_before"], language),
            _value(row["value_after"], language),
            join([reasons.get(one, one) for one in row["reason"].split("+")], language),
        )
        for row in told[:_MOST_REVISED]
    )
    blocks: list[Block] = [
        Paragraph(
            text(
                "report.sentences.revised",
                language,
                name=name,
                month=month,
                before=before,
                after=after,
                reason=reason,
            )
        )
        for name, month, before, after, reason in lines[:5]
    ]
    columns = ("indicator", "month", "before", "after", "reason")
    blocks.append(
        ReportTable(
            text("report.captions.revisions", language, period=asked.period.name(language)),
            tuple(text(f"report.columns.{name}", language) for name in columns),
            lines,
            (0.34, 0.16, 0.1, 0.1, 0.3),
            numeric=frozenset({2, 3}),
        )
    )
    if more := len(rows) - len(lines):
        blocks.append(
            Paragraph(text("report.sentences.more", language, count=number(more, language)), "note")
        )
    return blocks


def open_findings(asked: AreaPeriod, language: Language) -> tuple[str, ...]:
    """Return the open findings of the period, a sentence a rule, with the institutions by name."""
    found: dict[str, set[str]] = {}
    names = asked.institutions(language)
    for row in asked.findings:
        if row["state"] not in SETTLED and row["severity"] != "informs":
            sentence = row[f"sentence_{language}"]
            found.setdefault(sentence, set()).add(names.get(row["institution_code"], ""))
    return tuple(
        text(
            "report.typed.prompt",
            language,
            sentence=sentence.rstrip(".") + (":" if any(who) else ""),
            names="; ".join(sorted(name for name in who if name)),
        ).replace(" .", ".")
        for sentence, who in sorted(found.items())
    )


def _by_institution_and_month(asked: AreaPeriod) -> list[dict[str, Any]]:
    if not asked.is_restricted:
        return []
    area = "true" if asked.county_code == NATION else "county_code = $1"
    return asked.rows(
        f"select * from marts.reporting_completeness where {area} "
        "and reporting_month between $3 and $4 order by institution_code, reporting_month"
    )


def _came(what: str, came: int, expected: int, language: Language) -> str:
    form = "none" if not came else "one" if came == 1 else "other"
    values = {"expected": number(expected, language)}
    if form == "other":
        values["came"] = number(came, language)
    return text(f"report.sentences.{what}.{form}", language, **values)


def _counties(
    asked: AreaPeriod, rates: Sequence[dict[str, Any]], language: Language
) -> list[Block]:
    names = {code: name for code, name in asked.counties(language).items() if code != NATION}
    missing = [set((row["counties_missing"] or "").split()) for row in rates]
    came = sorted(names.keys() - set.intersection(*missing)) if missing else []
    if not came:
        return []
    told = join([names[code] for code in came], language)
    values = {"names": told, "came": len(came), "expected": len(names)}
    return [Paragraph(text("report.sentences.counties", language, **values))]


def _rates_table(
    asked: AreaPeriod, rates: Sequence[dict[str, Any]], language: Language
) -> ReportTable:
    lines = tuple(
        (
            _month(row["reporting_month"], language),
            *(
                text("report.cells.reports", language, came=row[came] or 0, expected=row[of] or 0)
                for came, of in (
                    ("received", "expected"),
                    ("on_time", "expected"),
                    ("values_received", "values_expected"),
                )
            ),
        )
        for row in rates
    )
    reference = asked.reference("reporting_rates", "all", "received")
    names = ("month", "reports", "on_time", "values")
    return ReportTable(
        text("report.captions.rates", language, period=asked.period.name(language)),
        tuple(text(f"report.columns.{name}", language) for name in names),
        lines,
        (0.34, 0.22, 0.22, 0.22),
        numeric=frozenset({1, 2, 3}),
        notes=(
            text(
                "report.sentences.month_reference",
                language,
                month=_month(asked.period.last_month, language),
                reference=reference,
            ),
        )
        if reference
        else (),
    )


def _institutions(asked: AreaPeriod, language: Language) -> list[Block]:
    rows = _by_institution_and_month(asked)
    if not rows:
        return []
    names = asked.institutions(language)
    months = asked.period.months
    cells = {(row["institution_code"], row["reporting_month"]): row for row in rows}
    missing = [row for row in rows if row["expected"] and not row["received"]]
    blocks: list[Block] = []
    longest = max((row["days_late"] or 0 for row in rows), default=0)
    on_time = sum(row["on_time"] or 0 for row in rows)
    if on_time:
        blocks.append(
            Paragraph(
                text(
                    "report.sentences.on_time",
                    language,
                    came=number(on_time, language),
                    days=count(longest, "days", language),
                )
            )
        )
    if missing:
        told = _with_months(missing, names, language)
        blocks.append(Paragraph(text("report.sentences.missing", language, names=told)))
    if refused := _refused(asked):
        told = _with_months(refused, names, language)
        blocks.append(Paragraph(text("report.sentences.refused", language, names=told)))
    if asked.county_code == NATION:
        return [*blocks, _by_county(asked, rows, language)]
    institutions = sorted({row["institution_code"] for row in rows}, key=lambda one: names[one])
    lines = tuple(
        (names[one], *(_cell(cells.get((one, month)), language) for month in months))
        for one in institutions
    )
    head = (
        text("report.columns.institution", language),
        *(_short_month(month, language) for month in months),
    )
    blocks.append(
        ReportTable(
            text("report.captions.reports", language, period=asked.period.name(language)),
            head,
            lines,
            (0.4, *(0.6 / len(months),) * len(months)),
            notes=(text("report.notes.reports", language),),
        )
    )
    return blocks


def _by_county(
    asked: AreaPeriod, rows: Sequence[dict[str, Any]], language: Language
) -> ReportTable:
    names = asked.counties(language)
    months = asked.period.months
    lines = []
    for code in sorted({row["county_code"] for row in rows}, key=lambda one: names[one]):
        cells = [names[code]]
        for month in months:
            found = [
                row for row in rows if (row["county_code"], row["reporting_month"]) == (code, month)
            ]
            expected = sum(row["expected"] or 0 for row in found)
            came = sum(row["received"] or 0 for row in found)
            cells.append(f"{came}/{expected}" if expected else "–")
        lines.append(tuple(cells))
    return ReportTable(
        text("report.captions.reports_counties", language, period=asked.period.name(language)),
        (
            text("report.columns.county", language),
            *(_short_month(month, language) for month in months),
        ),
        tuple(lines),
        (0.14, *(0.86 / len(months),) * len(months)),
        notes=(text("report.notes.counties", language),),
    )


def _cell(row: dict[str, Any] | None, language: Language) -> str:
    if row is None or not row["expected"]:
        return "–"
    if not row["received"]:
        return text("figures.states.not_reported.sign", language)
    return f"+{row['days_late']}" if row["days_late"] else text("report.cells.on_time", language)


def _short_month(month: date, language: Language) -> str:
    """Return a month in few letters, its year being told above: qer."""
    return format_date(month, "LLL", LOCALES[language])


def _with_months(rows: Sequence[dict[str, Any]], names: dict[str, str], language: Language) -> str:
    """Return institutions with the months of theirs: Bashkia Patos (maj 2023)."""
    months: dict[str, list[date]] = {}
    for row in rows:
        months.setdefault(row["institution_code"], []).append(row["reporting_month"])
    return "; ".join(
        f"{names[one]} ({', '.join(_month(month, language) for month in sorted(found))})"
        for one, found in sorted(months.items(), key=lambda pair: names[pair[0]])
    )


def _refused(asked: AreaPeriod) -> list[dict[str, Any]]:
    if not asked.is_restricted:
        return []
    area = "true" if asked.county_code == NATION else "county_code = $1"
    return asked.rows(
        f"select * from marts.reporting_status where {area} and refused > 0 "
        "and reporting_month between $3 and $4"
    )


def _findings(asked: AreaPeriod, language: Language) -> list[Block]:
    if asked.tier is Tier.PUBLIC:
        return []
    rows = asked.findings
    if not rows:
        period = asked.period.name(language, "in")
        return [Paragraph(text("report.nothing.findings", language, period=period))]
    severities = asked.codes("severity", language)
    severities["at_the_door"] = text("report.cells.at_the_door", language)
    kinds: dict[tuple[str, str], list[bool]] = {}
    for row in rows:
        # An error at the door held a file back; the figures went out without it.
        severity = "at_the_door" if row["is_at_the_door"] else row["severity"]
        kind = severity, row[f"sentence_{language}"]
        kinds.setdefault(kind, []).append(row["state"] in SETTLED)
    names = ("rule", "severity", "open", "settled")
    return [
        ReportTable(
            text("report.captions.findings", language, period=asked.period.name(language)),
            tuple(text(f"report.columns.{name}", language) for name in names),
            tuple(
                (
                    sentence,
                    severities.get(severity, severity),
                    number(len(settled) - sum(settled), language),
                    number(sum(settled), language),
                )
                for (severity, sentence), settled in sorted(kinds.items())
            ),
            (0.52, 0.22, 0.13, 0.13),
            numeric=frozenset({2, 3}),
        )
    ]


def _is_month(mart_row: str) -> bool:
    """Tell whether a row of period_figures is of a month, which indicator_progress tells too."""
    return parse_period(mart_row.partition("/")[0]).kind is PeriodKind.MONTH


def _when(row: dict[str, Any], language: Language) -> str:
    if row["mart"] == "period_figures":
        return parse_period(row["mart_row"].partition("/")[0]).name(language)
    return _month(row["reporting_month"], language)


def _value(value: float | None, language: Language) -> str:
    return "–" if value is None else number(value, language)


def _short(row: dict[str, Any], language: Language) -> str:
    return str(row[f"short_name_{language}"])


def _month(month: date, language: Language) -> str:
    return parse_period(f"{month:%Y-%m}").name(language)
