"""What day it is: the day on which deadlines and waivers are judged.

Belongs here: the clock. Not here: what hangs on it.
"""

from datetime import UTC, date, datetime


def today() -> date:
    """Return the day on which deadlines and waivers are judged, in UTC."""
    return datetime.now(UTC).date()
