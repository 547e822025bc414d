"""The days of a month's work: reminder, refresh, release, and the refresh for what came late.

Belongs here: reading calendar.yml, working days, and what comes next. Not here: what happens on a
day (orchestration.defs.schedules), or deadlines, which are a register.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator, Field, Strict, field_validator

from orchestration.registers.in_use import registers_in_use
from orchestration.runtime.settings_files import (
    CountyCode,
    OfficeSettings,
    WrongSetting,
    read_settings,
)
from sources.custody.home import Home
from sources.registers import national_plans, register_rows

#: krat's own, which an office may replace by one of its name.
OWN = Path(__file__).with_name("calendar.yml")

#: How far back a tick looks for what a machine that was off has missed.
LOOKED_BACK = timedelta(days=45)

_HOUR = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class Kind(StrEnum):
    """What happens on a day of the calendar."""

    REMINDER = "reminder"
    REFRESH = "refresh"
    RELEASE = "release"
    LATE_REFRESH = "late_refresh"


def _hour(value: object) -> object:
    # 6 would be six seconds past midnight, and 06:00Z six o'clock here.
    if not isinstance(value, str) or not _HOUR.fullmatch(value):
        raise ValueError("no hour")
    return value


Hour = Annotated[time, Strict(False), BeforeValidator(_hour)]


class Reminder(OfficeSettings):
    """Days before the deadline of the register."""

    days_before_deadline: int = Field(ge=0, le=28)
    at: Hour


class MonthDay(OfficeSettings):
    """A day of the month after the reported one."""

    day: int = Field(ge=1, le=28)
    at: Hour


class CountyDays(OfficeSettings):
    """The days of a county that differ from those of the others."""

    reminder: Reminder | None = None
    refresh: MonthDay | None = None
    release: MonthDay | None = None
    late_refresh: MonthDay | None = None


class Calendar(OfficeSettings):
    """A calendar.yml."""

    is_on: bool
    timezone: str
    country: str
    reminder: Reminder
    refresh: MonthDay
    release: MonthDay
    late_refresh: MonthDay
    counties: dict[CountyCode, CountyDays]

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError("no time zone")
        return name

    @field_validator("country")
    @classmethod
    def _has_holidays(cls, code: str) -> str:
        try:
            _holidays(code, 2023)
        except NotImplementedError:
            raise ValueError("no country with known holidays") from None
        return code

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which hours are meant."""
        return ZoneInfo(self.timezone)

    def time_of(self, kind: Kind) -> time:
        """Return when in the day a kind of event happens where a county has no time of its own."""
        at: time = getattr(self, kind).at
        return at

    def moment(self, kind: Kind, month: date, deadline: date, county_code: str = "") -> datetime:
        """Return when an event of a month happens, for a county or for those without own days."""
        own = self.counties.get(county_code, CountyDays())
        settings = getattr(own, kind) or getattr(self, kind)
        if isinstance(settings, Reminder):
            day = deadline - timedelta(days=settings.days_before_deadline)
            day = self.working_day(day, step=-1)
        else:
            day = self.working_day((month + timedelta(days=32)).replace(day=settings.day))
        return datetime.combine(day, settings.at, self.zone)

    def working_day(self, day: date, step: int = 1) -> date:
        """Return the day, or the next that is no weekend and no holiday; the last with step -1."""
        while day.weekday() > 4 or day in _holidays(self.country, day.year):
            day += timedelta(days=step)
        return day


@dataclass(frozen=True, order=True)
class CalendarEvent:
    """What is to be done for a month, at a moment."""

    at: datetime
    month: date
    kind: Kind
    #: The counties that it is for; none is all that have no other day.
    counties: tuple[str, ...] = ()
    #: Where it is for all: those that have another day.
    without: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What tells it from every other event: kind, month, and counties if not all."""
        return ":".join([self.kind, f"{self.month:%Y-%m}", *self.counties])


def read_calendar(home: Home) -> tuple[Calendar, WrongSetting | None]:
    """Return the calendar in use, and the mistake in the office's own if it has one."""
    return read_settings(home, OWN, Calendar)


def events(home: Home, calendar: Calendar, first: datetime, last: datetime) -> list[CalendarEvent]:
    """Return what the calendar has from one moment to another, both included, in its order.

    It is for months that a national action plan covers.
    """
    registers = registers_in_use(home)
    plans = national_plans(registers)
    deadlines = {
        date.fromisoformat(row["month"]): date.fromisoformat(row["reporting_deadline"])
        for row in register_rows(registers, "reporting_calendar")
    }
    return sorted(
        event
        for month, deadline in deadlines.items()
        # An event is at most some weeks from its month's end.
        if first.date() - timedelta(days=120) <= month <= last.date()
        if any(each.covers(month) for each in plans)
        for event in _events_of(calendar, month, deadline)
        if first <= event.at <= last
    )


def upcoming(home: Home, now: datetime, days: int = 31) -> list[CalendarEvent]:
    """Return what the calendar in use has from now on, for some days; nothing where it is off."""
    calendar, _ = read_calendar(home)
    if not calendar.is_on:
        return []
    return events(home, calendar, now, now + timedelta(days=days))


@dataclass(frozen=True)
class Uncovered:
    """A month that no national action plan covers, and the last one that one does."""

    month: date
    last: date


def uncovered(home: Home, now: datetime) -> Uncovered | None:
    """Return the month before `now` if no plan covers it: nothing is done for it then."""
    month = (now.date().replace(day=1) - timedelta(days=1)).replace(day=1)
    plans = national_plans(registers_in_use(home))
    if any(each.covers(month) for each in plans):
        return None
    return Uncovered(month, max(each.valid_to for each in plans).replace(day=1))


def _events_of(calendar: Calendar, month: date, deadline: date) -> Iterator[CalendarEvent]:
    for kind in Kind:
        usual = calendar.moment(kind, month, deadline)
        others: dict[datetime, list[str]] = {}
        for county in sorted(calendar.counties):
            at = calendar.moment(kind, month, deadline, county)
            if at != usual:
                others.setdefault(at, []).append(county)
        yield CalendarEvent(usual, month, kind, without=tuple(_flat(others.values())))
        for at, counties in others.items():
            yield CalendarEvent(at, month, kind, counties=tuple(counties))


def _flat(lists: Iterable[list[str]]) -> list[str]:
    return sorted(each for some in lists for each in some)


@cache
def _holidays(country: str, year: int) -> frozenset[date]:
    import holidays

    return frozenset(holidays.country_holidays(country, years=year))
