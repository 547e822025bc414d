"""The days on which editions of counts of persons are cut off, as the register has them.

Belongs here: reading edition_calendar.csv, and how far it has come. Not here: making an edition
(edition).
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

from orchestration.products.tree import EditionFolder
from orchestration.registers.in_use import registers_in_use
from orchestration.runtime.clock import today
from sources.custody.home import Home
from sources.registers import register_rows
from sources.texts import Language, text

_ROMAN = ("I", "II", "III", "IV")


@dataclass(frozen=True, order=True)
class EditionDay:
    """An edition of the calendar: what had come by the end of its day is counted."""

    cut_off_on: date
    counted_year: int
    edition: int
    kind: str
    #: The quarter of which the nation's totals go out, None where all of the year does.
    quarter: int | None
    reason: str

    @property
    def name(self) -> str:
        """Its year and number, as 2023/e4."""
        return f"{self.counted_year}/e{self.edition}"

    def holds(self, language: Language) -> str:
        """Return in words what it holds."""
        return edition_holds(self.counted_year, self.quarter, language)


def edition_holds(year: int, quarter: int | None, language: Language) -> str:
    """Return in words what an edition of a year holds: a quarter's totals, or the whole year."""
    if quarter is None:
        return text("editions.holds.year", language, year=year)
    number = _ROMAN[quarter - 1] if language == "sq" else quarter
    return text("editions.holds.quarter", language, year=year, quarter=number)


def edition_days(registers: Path) -> list[EditionDay]:
    """Return the calendar of the registers in a folder, in the order in which editions are made."""
    return sorted(
        EditionDay(
            cut_off_on=date.fromisoformat(row["cut_off_on"]),
            counted_year=int(row["counted_year"]),
            edition=int(row["edition"]),
            kind=row["kind"],
            quarter=int(row["quarter"]) if row["quarter"] else None,
            reason=row["reason"],
        )
        for row in register_rows(registers, "edition_calendar")
    )


class CalendarRow(NamedTuple):
    """An edition of the calendar as people see it."""

    day: EditionDay
    #: made, due (the next refresh makes it, if anything had come by its day) or coming.
    state: str


def calendar_rows(home: Home, year: int | None = None) -> list[CalendarRow]:
    """Return the calendar of one counted year, or all that is made or whose day is yet to come."""
    rows = []
    for day in edition_days(registers_in_use(home)):
        is_made = EditionFolder(home.releases, day.counted_year, day.edition).path.exists()
        state = "made" if is_made else "due" if day.cut_off_on < today() else "coming"
        if day.counted_year == year if year else state != "due":
            rows.append(CalendarRow(day, state))
    return rows
