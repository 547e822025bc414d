"""The days on which editions of counts of persons are cut off, as the register has them.

Belongs here: reading edition_calendar.csv. Not here: making an edition (edition).
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sources.registers import register_rows


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
