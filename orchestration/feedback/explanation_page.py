"""What one figure rests on, as a page of text.

Belongs here: the order of the sections and how a value is written. Not here: what they
hold (explain), the words (sources/texts/explain.yml), or the names of codes (codes.csv).
"""

from collections.abc import Iterator
from datetime import date
from itertools import groupby

from orchestration.feedback.explain import (
    CountyFigure,
    Explanation,
    FigureFinding,
    FigurePart,
    MissingValue,
    SourcePair,
)
from orchestration.products.codes import published_codes
from orchestration.products.declaration import declared_columns
from orchestration.publication.changes import PREVIOUS_RELEASE
from sources.layouts import SOURCES
from sources.registers import register_rows
from sources.texts import Language, text

#: The measures whose change is shown; the rest of a row is in marts.changes.
MEASURES = ("actual_month", "actual_year_to_date", "actual_cumulative", "target_value")


def page(one: Explanation, language: Language) -> str:
    """Return the explanation as text: a heading, then a section for each question."""
    return _Page(one, language).text()


class _Page:
    def __init__(self, one: Explanation, language: Language) -> None:
        self._one = one
        self._language: Language = language
        self._is_albanian = language == "sq"

    def text(self) -> str:
        sections = {
            "value": self._value(),
            "counties": self._counties(),
            "parts": self._parts(),
            "missing": self._missing(),
            "sources": self._sources(),
            "findings": self._findings(),
            "target": self._target(),
            "changes": self._changes(),
        }
        lines = list(self._heading())
        for name, content in sections.items():
            written = list(content)
            if name == "counties" and not written:
                continue
            lines += ["", self._word(f"explain.titles.{name}").upper()]
            lines += [f"  {line}" for line in written or [self._word("explain.nothing")]]
        return "\n".join(lines)

    def _word(self, key: str, **values: object) -> str:
        return text(key, self._language, **values)

    def _heading(self) -> Iterator[str]:
        one = self._one
        name = one.indicator_sq if self._is_albanian else one.indicator_en
        yield self._word("explain.heading", indicator=one.indicator_code, name=name)
        yield self._word(
            "explain.place",
            county=one.county_sq if self._is_albanian else one.county_en,
            code=one.county_code,
            month=self._month(one.reporting_month),
            plan=one.plan_code,
            unit=self._unit(),
        )
        yield from self._series()
        if one.is_made_up:
            yield self._word("release.made_up")
        publication = one.publication
        if publication.state == "published":
            yield self._word(
                "explain.publication.published",
                number=publication.release_number,
                day=self._day(publication.released_on),
                status=text(f"release.workbook.statuses.{publication.status}", self._language),
            )
        elif publication.state == "blocked":
            yield self._word("explain.publication.blocked", rules=", ".join(publication.blocked_by))
        else:
            yield self._word("explain.publication.not_published")

    def _series(self) -> Iterator[str]:
        series = self._one.series
        reason = series.break_reason_sq if self._is_albanian else series.break_reason_en
        for each in series.earlier:
            name = each.name_sq if self._is_albanian else each.name_en
            yield self._word(
                "explain.series.comes_from" if reason else "explain.series.continues",
                indicator=each.indicator_code,
                plan=each.plan_code,
                name=name,
            )
        if reason:
            yield self._word("explain.series.breaks", reason=reason)

    def _value(self) -> Iterator[str]:
        one = self._one
        for figure in one.figures:
            line = f"{self._word(f'explain.spans.{figure.span}')}: {self._number(figure.value)}"
            if figure.span == "month":
                line += f" ({self._word('explain.not_all_came')})" if self._lacks_of_month() else ""
            elif figure.value is not None and figure.most is None:
                line += f" ({self._word('explain.at_least', least=self._number(figure.least))})"
            elif figure.least != figure.most:
                least, most = self._number(figure.least), self._number(figure.most)
                line += f" ({self._word('explain.interval', least=least, most=most)})"
            yield line
        if one.completeness is not None:
            yield self._word(
                "explain.completeness", share=self._number(round(100 * one.completeness, 1))
            )
        bounds = [
            self._word(f"explain.spans.{each.span}") for each in one.figures if each.is_lower_bound
        ]
        if bounds:
            yield self._word("explain.lower_bound", spans=", ".join(bounds))
        if one.official:
            yield self._word(
                "explain.official_figure",
                source=one.official.name_sq if self._is_albanian else one.official.name_en,
                value=self._number(one.official.value),
            )
        yield from self._activity()

    def _activity(self) -> Iterator[str]:
        activity = self._one.activity
        if activity.status is not None:
            line = self._word(
                "explain.activity", status=self._code("activity_status", activity.status)
            )
            since = activity.since and self._word(
                "explain.since", month=self._month(activity.since)
            )
            yield f"{line} ({since})" if since else line
        if activity.change_on_last_year is not None:
            change = self._number(activity.change_on_last_year)
            yield self._word(
                "explain.change_on_last_year",
                change=f"+{change}" if activity.change_on_last_year > 0 else change,
                count=activity.values_compared,
            )

    def _lacks_of_month(self) -> bool:
        one = self._one
        return any(each.reporting_month == one.reporting_month for each in one.missing) or any(
            county.nothing_came for county in one.counties
        )

    def _counties(self) -> Iterator[str]:
        one = self._one
        for county in one.counties:
            yield self._county(county)
        if one.counties:
            came = next((each for each in one.counties if not each.nothing_came), one.counties[0])
            yield self._word(
                "explain.county_next",
                code=came.county_code,
                month=f"{one.reporting_month:%Y-%m}",
                indicator=one.indicator_code,
            )

    def _county(self, county: CountyFigure) -> str:
        name = county.name_sq if self._is_albanian else county.name_en
        if county.nothing_came:
            return self._word("explain.county_nothing", name=name, code=county.county_code)
        figures = ", ".join(
            f"{self._word(f'explain.spans.{span}')} {self._number(value)}"
            for span, value in (
                ("month", county.month),
                ("year_to_date", county.year_to_date),
                ("cumulative", county.cumulative),
            )
        )
        line = self._word("explain.county", name=name, code=county.county_code, figures=figures)
        lacks = county.completeness is not None and county.completeness < 1
        remarks = [self._word("explain.not_all_came")] if lacks else []
        if county.open_findings:
            remarks.append(self._word("explain.open_findings", count=county.open_findings))
        return f"{line} ({'; '.join(remarks)})" if remarks else line

    def _parts(self) -> Iterator[str]:
        one = self._one
        for _, own in groupby(one.parts, key=lambda part: part.institution_code):
            parts = list(own)
            yield self._institution(parts[0])
            for part in parts:
                yield f"  {self._part(part)}"
        for year in one.years_before:
            value = self._number(year.value)
            if year.values_due:
                received, due = year.values_received, year.values_due
                yield self._word(
                    "explain.year_before", year=year.year, value=value, received=received, due=due
                )
            else:
                kind = "year_published" if year.is_published else "year_nothing_due"
                yield self._word(f"explain.{kind}", year=year.year, value=value)

    def _part(self, part: FigurePart) -> str:
        is_year = part.frequency == "year"
        about = (
            self._word("explain.figure_of_year", year=part.reporting_month.year)
            if is_year
            else self._month(part.reporting_month)
        )
        value = self._state(part.value_state) if part.value is None else self._number(part.value)
        place = ", ".join(filter(None, (part.sheet, part.cells)))
        file = self._word("explain.file", delivery=part.delivery, version=part.version)
        remarks = [
            self._word(remark)
            for remark, holds in (
                ("explain.corrected", part.is_corrected),
                ("explain.not_counted", part.value is not None and not part.is_counted),
            )
            if holds
        ]
        written = "; ".join([file, *([place] if place else []), *remarks])
        return f"{about}: {value} ({written})"

    def _missing(self) -> Iterator[str]:
        if not self._one.values_due:
            yield self._word("explain.nothing_due", year=self._one.reporting_month.year)
        absent = [county.county_code for county in self._one.counties if county.nothing_came]
        if absent:
            yield self._word("explain.counties_missing", count=len(absent), codes=", ".join(absent))
        if self._one.owed_from:
            yield self._word("explain.owed_from", month=self._month(self._one.owed_from))
        for _, own in groupby(self._one.missing, key=lambda value: value.institution_code):
            values = list(own)
            yield self._institution(values[0])
            for value in values:
                yield f"  {self._month(value.reporting_month)}: {self._why_missing(value)}"
        for source in self._one.missing_sources:
            yield self._word(
                "explain.source_lacks",
                source=source.name_sq if self._is_albanian else source.name_en,
                months=", ".join(map(self._month, source.months)),
            )

    def _why_missing(self, value: MissingValue) -> str:
        if value.value is not None:
            return self._word("explain.missing_line.parts", value=self._number(value.value))
        if value.has_report:
            return self._word(
                "explain.missing_line.no_number", state=self._state(value.value_state)
            )
        kind = "no_report" if value.is_deadline_past else "awaited"
        return self._word(
            f"explain.missing_line.{kind}", deadline=self._day(value.reporting_deadline)
        )

    def _sources(self) -> Iterator[str]:
        """Give all of the month, and of the months before what does not agree."""
        before = 0
        for pair in self._one.sources:
            if pair.reporting_month == self._one.reporting_month or pair.difference:
                yield self._pair(pair)
            else:
                before += pair.difference is not None
        if before:
            yield self._word("explain.agreed_before", count=before)

    def _pair(self, pair: SourcePair) -> str:
        first, second, reason = (
            (pair.first_sq, pair.second_sq, pair.reason_sq)
            if self._is_albanian
            else (pair.first_en, pair.second_en, pair.reason_en)
        )
        other = self._number(pair.second_value)
        if pair.second_value_least not in (None, pair.second_value):
            other = f"{self._number(pair.second_value_least)}–{other}"
        if pair.difference is None:
            verdict = "explain.cannot_compare"
        elif pair.is_contradiction:
            verdict = "explain.disagree"
        else:
            verdict = "explain.differ" if pair.difference else "explain.agree"
        period = (
            self._word(f"explain.periods.{pair.frequency}") if pair.frequency != "monthly" else ""
        )
        month, value = self._month(pair.reporting_month), self._number(pair.first_value)
        line = f"{period} {month}: {first} {value}, {second} {other}: {self._word(verdict)}".strip()
        official = {pair.first_source: first, pair.second_source: second}.get(
            pair.official_source or ""
        )
        more = [reason] if reason and pair.difference else []
        if official and pair.difference:
            more.append(self._word("explain.official", source=official))
        return f"{line} ({'; '.join(more)})" if more else line

    def _findings(self) -> Iterator[str]:
        for finding in self._one.findings:
            yield self._finding(finding)

    def _finding(self, finding: FigureFinding) -> str:
        grade = text(f"check.severities.{finding.severity}", self._language)
        state = text(f"slips.finding_states.{finding.state}", self._language)
        month = f", {self._month(finding.reporting_month)}" if finding.reporting_month else ""
        message = finding.message_sq if self._is_albanian else finding.message_en
        who = f", {finding.institution_code}" if finding.institution_code else ""
        return f"{finding.finding} {grade}, {state}{who}{month}: {message}"

    def _target(self) -> Iterator[str]:
        target, year = self._one.target, self._one.reporting_month.year
        if target.value is None:
            yield self._word("explain.target.none", year=year)
            if self._one.counties == () and target.nation_value is not None:
                yield self._word("explain.target.nation", value=self._number(target.nation_value))
        else:
            yield self._word("explain.target.own", year=year, value=self._number(target.value))
            if target.baseline is not None:
                yield self._word("explain.target.baseline", value=self._number(target.baseline))
        yield self._word("explain.target.basis", basis=self._code("target_basis", target.basis))
        if target.value is not None and target.basis_evidence:
            yield self._word("explain.target.evidence", evidence=target.basis_evidence)
        for reading in target.readings:
            least, most = self._number(reading.actual_least), self._number(reading.actual_most)
            if reading.actual is not None and reading.actual_most is None:
                interval = f"≥ {least}"
            else:
                interval = most if least == most else f"{least}–{most}"
            statuses = dict.fromkeys((reading.status_least, reading.status_most))
            yield self._word(
                "explain.target.reading",
                reading=self._code("target_basis", reading.reading),
                actual=interval,
                expected=self._number(reading.expected_value),
                status=" / ".join(self._code("status", status) for status in statuses),
            )
        if target.status is not None:
            yield self._word("explain.target.status", status=self._code("status", target.status))

    def _changes(self) -> Iterator[str]:
        shown = [one for one in self._one.changes if one.measure in MEASURES]
        for (compared, release), own in groupby(
            shown, key=lambda one: (one.compared, one.compared_with)
        ):
            yield self._word(f"explain.changes.{compared}", release=release)
            for change in own:
                column = declared_columns()[change.measure]
                title = column.title_sq if self._is_albanian else column.title_en
                line = self._word(
                    "explain.change",
                    measure=title,
                    before=self._number(change.value_before),
                    after=self._number(change.value_after),
                    reasons="; ".join(self._code("reason", reason) for reason in change.reasons),
                )
                yield f"  {line}"
        number = self._one.publication.release_number or 1
        if number > 1 and all(one.compared != PREVIOUS_RELEASE for one in shown):
            yield self._word("explain.unchanged", number=number - 1)

    def _unit(self) -> str:
        for row in register_rows(SOURCES / "submissions", "units"):
            if row["unit"] == self._one.unit:
                return row["name_sq"] if self._is_albanian else row["name_en"]
        return self._one.unit

    def _institution(self, one: FigurePart | MissingValue) -> str:
        name = one.name_sq if self._is_albanian else one.name_en
        return f"{name} ({one.institution_code})" if name else one.institution_code

    def _state(self, value_state: str) -> str:
        return text(f"slips.states.{value_state}", self._language)

    def _code(self, code_list: str, code: str) -> str:
        for known in published_codes():
            if (known.code_list, known.code) == (code_list, code):
                return known.name_sq if self._is_albanian else known.name_en
        return code

    def _number(self, value: float | None) -> str:
        if value is None:
            return self._word("explain.no_value")
        written = f"{value:.1f}".removesuffix(".0")
        return written.replace(".", ",") if self._is_albanian else written

    def _month(self, month: date) -> str:
        return f"{month:%m.%Y}" if self._is_albanian else f"{month:%Y-%m}"

    def _day(self, day: date | None) -> str:
        if day is None:
            return "–"
        return f"{day:%d.%m.%Y}" if self._is_albanian else f"{day:%Y-%m-%d}"
