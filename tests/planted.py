"""Reports written on purpose: what a test plants into an inbox, as an institution would send it."""

import csv
import os
from datetime import UTC, date, datetime
from pathlib import Path

from sources.custody.home import Home

HEADINGS = [
    "Formulari", "Qarku", "Institucioni", "Muaji", "Të dhënat", "Kodi i treguesit", "Ndarja",
    "Vlera", "Gjendja",
]  # fmt: skip

#: Indicator, category ("" is the total) and value; None leaves the cell blank.
Row = tuple[str, str, int | None]


def write_report(
    home: Home,
    institution: str,
    month: date,
    rows: list[Row],
    received: datetime | None = None,
    name: str = "",
) -> Path:
    """Put a report into the inbox; it arrives on the 5th of the next month unless `received`."""
    county = "-".join(institution.split("-")[:2])
    path = home.inbox / county / f"{institution}-{month:%Y-%m}{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(HEADINGS)
        for code, category, value in rows:
            state = "zero" if value == 0 else ""
            writer.writerow(
                ["krat-raport-1", county, institution, f"{month:%Y-%m}", "SHEMBULL - TË TRILLUARA",
                 code, category, value, state]
            )  # fmt: skip
    following = date(month.year + month.month // 12, month.month % 12 + 1, 5)
    arrived = received or datetime(following.year, following.month, following.day, 9, tzinfo=UTC)
    os.utime(path, (arrived.timestamp(), arrived.timestamp()))
    return path
