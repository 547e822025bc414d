"""Events: what can't wait, each with its texts and the command to run next.

Belongs here: which events there are, and the words of a message. Not here: finding them
(conditions), or sending (outbox).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sources.texts import LANGUAGES, text

#: So many counties and months a message names; the others are counted.
_NAMED = 12


class EventKind(StrEnum):
    """What somebody is alerted to."""

    RUN_FAILED = "run_failed"
    MONTH_BLOCKED = "month_blocked"
    PUBLIC_HELD = "public_held"
    FILE_REFUSED = "file_refused"
    NOTHING_CAME = "nothing_came"
    DEADLINE_NEAR = "deadline_near"
    NO_TICK = "no_tick"
    DISK_FULL = "disk_full"
    ORIGINALS_LOST = "originals_lost"
    ENDS_SOON = "ends_soon"


#: The command to run next; an event without a month or county has the one after the bar.
COMMANDS = {
    EventKind.RUN_FAILED: "krat ui",
    EventKind.MONTH_BLOCKED: "krat gate --county {county} --month {month}",
    EventKind.PUBLIC_HELD: "krat refresh --month {month} --county {county}",
    EventKind.FILE_REFUSED: "krat findings list --county {county} --month {month}",
    EventKind.NOTHING_CAME: "krat reminders --county {county} --month {month}",
    EventKind.DEADLINE_NEAR: "krat reminders --county {county} --month {month}",
    EventKind.NO_TICK: "krat ui",
    EventKind.DISK_FULL: "df -h",
    EventKind.ORIGINALS_LOST: "krat vault verify",
    EventKind.ENDS_SOON: "krat token list",
}


@dataclass(frozen=True)
class Occurrence:
    """An event that happened: codes and counts alone. `key` tells it from every other."""

    event: EventKind
    key: str
    #: AL-04; nothing for what concerns no county, or nobody knows which.
    county_code: str = ""
    month: date | None = None
    count: int = 1


def message(event: EventKind, occurrences: Iterable[Occurrence]) -> tuple[str, str]:
    """Return title and text of a message on occurrences of one event, Albanian first."""
    places = Counter[tuple[str, date | None]]()
    for each in occurrences:
        places[each.county_code, each.month] += each.count
    total = places.total()
    title = " / ".join(text(f"alerts.event.{event}.title", language) for language in LANGUAGES)
    in_order = sorted(places.items(), key=lambda item: (item[0][0], item[0][1] or date.min))
    parts = []
    for language in LANGUAGES:
        lines = [
            text(f"alerts.event.{event}.count", language, count=total),
            *(_line(event, county, month, n) for (county, month), n in in_order[:_NAMED]),
        ]
        if more := len(in_order) - _NAMED:
            lines += [text("alerts.more", language, count=more)] if more > 0 else []
        lines.append(text(f"alerts.event.{event}.next", language))
        parts.append("\n".join(lines))
    return f"krat: {title} ({total})", "\n\n".join(parts) + "\n"


def _line(event: EventKind, county_code: str, month: date | None, count: int) -> str:
    place = " ".join(filter(None, [county_code, f"{month:%Y-%m}" if month else ""]))
    command = COMMANDS[event]
    if "{county}" in command and not county_code:
        command = command.replace(" --county {county}", "")
    if "{month}" in command and not month:
        command = command.replace(" --month {month}", "")
    shown = command.format(county=county_code, month=f"{month:%Y-%m}" if month else "")
    return f"- {place}: {count} – {shown}" if place else f"- {count} – {shown}"
