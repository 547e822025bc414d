"""The board as a page: a grid of a year, and the lists behind each of its cells.

Belongs here: handing what was collected to the templates. Not here: words
(sources/texts/board.yml), looks (orchestration/serving/templates), or who may see it
(orchestration.serving.this_machine).
"""

import shlex
from collections.abc import Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from orchestration.board.collect import (
    UNKNOWN,
    CellState,
    collect_board,
    collect_details,
    collect_now,
    county_names,
)
from orchestration.products.codes import published_codes
from orchestration.products.declaration import Tier
from orchestration.registers.calendar import read_calendar
from orchestration.runtime.clock import today
from orchestration.serving.pages import rendered
from sources.custody.home import Home
from sources.registers import NATION
from sources.texts import LANGUAGES, Language

#: Years that can be asked for.
_YEARS = range(2000, 2101)


def board_page(home: Home, language: Language, query: Mapping[str, str]) -> bytes | None:
    """Return the page of `year` (default: the newest), or of a `county` and `month` (2023-05).

    None where the query names no such page.
    """
    zone = read_calendar(home)[0].zone
    if "county" in query or "month" in query:
        return _cell_page(home, language, query)
    year = query.get("year")
    if year is not None and (not year.isdecimal() or int(year) not in _YEARS):
        return None
    board = collect_board(home, int(year) if year else None, today()) if _is_there(home) else None
    cells = {(cell.county_code, cell.month): cell for cell in board.cells} if board else {}
    codes = sorted({county for county, _ in cells}, key=lambda code: (code == NATION, code))
    return rendered(
        "board.html",
        language,
        board=board,
        months=[date(board.year, number, 1) for number in range(1, 13)] if board else [],
        codes=codes,
        cells=cells,
        begun={month for _, month in cells},
        states=list(CellState),
        names=county_names(home),
        now=collect_now(home, datetime.now(UTC)),
        nowhere=UNKNOWN,
        moment=lambda at: _moment(at, zone),
        other_path=lambda other: f"/{other}/board/" + (f"?year={year}" if year else ""),
    )


def _cell_page(home: Home, language: Language, query: Mapping[str, str]) -> bytes | None:
    county, written = query.get("county", ""), query.get("month", "")
    try:
        month = datetime.strptime(written, "%Y-%m").date()
    except ValueError:
        return None
    details = collect_details(home, county, month, today()) if _is_there(home) else None
    if details is None:
        return None
    place = f"?county={county}&month={month:%Y-%m}"
    position = LANGUAGES.index(language)
    return rendered(
        "board_cell.html",
        language,
        details=details,
        cell=details.cell,
        month=f"{month:%Y-%m}",
        names=county_names(home),
        nation=NATION,
        folder=shlex.quote(str(home.releases / Tier.RESTRICTED / county / f"{month:%Y-%m}")),
        words={
            (code.code_list, code.code): (code.name_sq, code.name_en)[position]
            for code in published_codes()
        },
        other_path=lambda other: f"/{other}/board/{place}",
    )


def _is_there(home: Home) -> bool:
    return home.marts.exists()


def _moment(at: datetime, zone: ZoneInfo) -> str:
    """Return a moment as it is written in Albania: 12.6.2023 08:00."""
    local = at.astimezone(zone)
    return f"{local.day}.{local.month}.{local.year} {local:%H:%M}"
