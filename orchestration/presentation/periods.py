"""Periods that figures are told for: a month, quarter, four months, half-year or year.

Belongs here: codes of periods, their months, and what they are called. Not here: what was counted
in one (dbt_project).
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from babel.dates import format_date

from orchestration.presentation.formats import LOCALES
from sources.texts import Language, text

_CODE = re.compile(r"([0-9]{4})(?:-(?:(0[1-9]|1[0-2])|Q([1-4])|T([1-3])|H([12])))?")

_ROMAN = ("I", "II", "III", "IV")


class PeriodKind(StrEnum):
    """How long a period is, as marts.period_figures names it."""

    MONTH = "month"
    QUARTER = "quarter"
    FOUR_MONTHS = "four_months"
    HALF = "half"
    YEAR = "year"

    @property
    def months(self) -> int:
        """The number of months."""
        return {"month": 1, "quarter": 3, "four_months": 4, "half": 6, "year": 12}[self.value]


class NoSuchPeriod(ValueError):
    """A text that names no period."""


@dataclass(frozen=True)
class Period:
    """The `number`th month, quarter, four months or half-year of a year; 1 of a whole year."""

    kind: PeriodKind
    year: int
    number: int

    @property
    def code(self) -> str:
        """The code: 2023-05, 2023-Q2, 2023-T1, 2023-H1 or 2023."""
        letter = {"quarter": "Q", "four_months": "T", "half": "H"}.get(self.kind, "")
        if self.kind is PeriodKind.YEAR:
            return str(self.year)
        return f"{self.year}-{letter}{self.number:0{1 if letter else 2}}"

    @property
    def first_month(self) -> date:
        """The first day of the first month."""
        return date(self.year, (self.number - 1) * self.kind.months + 1, 1)

    @property
    def last_month(self) -> date:
        """The first day of the last month, in the releases of which its figures go out."""
        return date(self.year, self.number * self.kind.months, 1)

    @property
    def months(self) -> list[date]:
        """The first day of each month."""
        first, last = self.first_month, self.last_month
        return [date(self.year, month, 1) for month in range(first.month, last.month + 1)]

    @property
    def before(self) -> "Period":
        """The period of the same length that ends where this one begins."""
        if self.number > 1:
            return Period(self.kind, self.year, self.number - 1)
        return Period(self.kind, self.year - 1, 12 // self.kind.months)

    @property
    def year_before(self) -> "Period":
        """The same period of the year before."""
        return Period(self.kind, self.year - 1, self.number)

    def name(self, language: Language, case: str = "name") -> str:
        """Return what it is called; `case` is name, in (se në …, me …), of (i, e …) or short.

        Albanian inflects it; English has one form. A short name stands in the head of a column.
        """
        if self.kind is PeriodKind.MONTH:
            pattern = "LLL yyyy" if case == "short" else "LLLL yyyy"
            return format_date(self.first_month, pattern, LOCALES[language])
        key = f"figures.periods.{self.kind}.{case}"
        if self.kind is PeriodKind.YEAR:
            return text(key, language, year=self.year)
        return text(key, language, number=self._number(language, case), year=self.year)

    def _number(self, language: Language, case: str) -> str:
        if language == "sq":
            return _ROMAN[self.number - 1]
        if self.kind is not PeriodKind.FOUR_MONTHS:
            return str(self.number)
        # Who reads English knows quarters and halves, and no third of a year.
        pattern = "LLL" if case == "short" else "LLLL"
        ends = (self.first_month, self.last_month)
        return "–".join(format_date(month, pattern, LOCALES[language]) for month in ends)


def month_name(month: date, language: Language) -> str:
    """Return what a month is called: gusht 2023."""
    return Period(PeriodKind.MONTH, month.year, month.month).name(language)


def longest_ending(month: date) -> Period:
    """Return the longest period whose last month this is: of December the year."""
    kinds = sorted(PeriodKind, key=lambda kind: -kind.months)
    kind = next(kind for kind in kinds if month.month % kind.months == 0)
    return Period(kind, month.year, month.month // kind.months)


def parse_period(code: str) -> Period:
    """Return the period of a code. Raises NoSuchPeriod with the forms that there are."""
    match = _CODE.fullmatch(code.strip().upper())
    if match is None:
        raise NoSuchPeriod(
            f"{code} is no period: write a month (2023-05), quarter (2023-Q2), four months "
            "(2023-T1), half-year (2023-H1) or year (2023)"
        )
    year, *numbers = match.groups()
    kinds = (PeriodKind.MONTH, PeriodKind.QUARTER, PeriodKind.FOUR_MONTHS, PeriodKind.HALF)
    for kind, number in zip(kinds, numbers, strict=True):
        if number is not None:
            return Period(kind, int(year), int(number))
    return Period(PeriodKind.YEAR, int(year), 1)
