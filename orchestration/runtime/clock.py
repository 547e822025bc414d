"""What day it is: the day on which deadlines and waivers are judged, and whether that can be.

Belongs here: the clock. Not here: what hangs on it.
"""

from datetime import UTC, date, datetime, timedelta

from sources.custody import audit
from sources.custody.home import Home
from sources.texts import both

#: A clock that is corrected over the network steps back by less.
_TOLERATED = timedelta(hours=1)


class ClockSetBack(ValueError):
    """The clock shows a time before the last thing that was done with the data folder."""


def today() -> date:
    """Return the day on which deadlines and waivers are judged, in UTC."""
    return datetime.now(UTC).date()


def require_clock(home: Home) -> None:
    """Raise ClockSetBack where the audit log has an entry of a time that is yet to come.

    By the order of times krat tells a correction from what it corrects, and a new backup from an
    old one.
    """
    last, now = audit.last_moment(home), datetime.now(UTC)
    if last is not None and now < last - _TOLERATED:
        raise ClockSetBack(
            both("audit_log.clock", now=f"{now:%Y-%m-%d %H:%M}", last=f"{last:%Y-%m-%d %H:%M}")
        )
