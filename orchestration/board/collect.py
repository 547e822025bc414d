"""What the board shows, of a year and of one cell.

Belongs here: collecting it from the reading copy, the tree of releases, the writer's lock and the
calendar. Not here: how it is shown (page, workbook, orchestration.commands).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

import duckdb

from orchestration.alerts.outbox import FailingChannel, failing_channels
from orchestration.feedback.status import ReportStatus, list_statuses
from orchestration.products.declaration import Tier
from orchestration.products.tree import ReleaseFolder
from orchestration.products.words import lacking_records
from orchestration.reading_copy.ask import reading
from orchestration.registers.calendar import CalendarEvent, Uncovered, uncovered, upcoming
from orchestration.registers.in_use import registers_in_use
from orchestration.runtime.writer_lock import Writer, current_writer
from sources.custody.home import Home
from sources.registers import NATION, register_rows

#: So many days of the calendar to come are shown.
_DAYS_AHEAD = 4

#: Both tiers, as their folders are called.
_TIERS = (str(Tier.RESTRICTED), str(Tier.PUBLIC))

#: The institutions of findings, but those of all counties together.
_INSTITUTIONS = (
    "coalesce(list(distinct institution_code order by institution_code) "
    "filter (where institution_code is not null and $county <> $nation), [])"
)

#: Where the county of a refused file is not known either.
UNKNOWN = "–"


class CellState(StrEnum):
    """The worst that there is to say of a county's month."""

    BLOCKED = "blocked"
    MISSING = "missing"
    AWAITED = "awaited"
    OPEN = "open"
    WHOLE = "whole"
    NOTHING_OWED = "nothing_owed"


@dataclass(frozen=True)
class BoardCell:
    """A county's month; of the nation the sum of its counties, with its own blocks and releases.

    Counts of reports are out of `expected`; nothing is owed where that is 0. `awaited` did not come
    and still have time. `refused` counts files, `refused_open` those that still ask for something.
    `lacking` are the keys of texts on records that did not come, `blocked_by` are rules, `released`
    maps a tier to its newest release (r2), None where there is none. The two counts of counties are
    the nation's, None of a county.
    """

    county_code: str
    month: date
    expected: int
    received: int
    on_time: int
    awaited: int
    refused: int
    refused_open: int
    open_findings: int
    lacking: tuple[str, ...]
    blocked_by: tuple[str, ...]
    released: dict[str, str | None]
    counties_reporting: int | None
    counties_expected: int | None

    @property
    def is_incomplete(self) -> bool:
        """Whether reports, records or counties are not all there, whatever else there is to say."""
        came_whole = self.received == self.expected and not self.lacking
        return not came_whole or self.counties_reporting != self.counties_expected

    @property
    def state(self) -> CellState:
        """The worst that there is to say of it."""
        if self.blocked_by:
            return CellState.BLOCKED
        if self.awaited and self.awaited == self.expected - self.received:
            return CellState.AWAITED
        if self.is_incomplete:
            return CellState.MISSING
        if self.open_findings or self.refused_open:
            return CellState.OPEN
        return CellState.WHOLE if self.expected else CellState.NOTHING_OWED


@dataclass(frozen=True)
class Board:
    """The cells of a year, by county and month; a month without a cell was not collected."""

    year: int
    cells: tuple[BoardCell, ...]
    #: Files refused of which the month could not be read, of any year, by county.
    refused_without_month: dict[str, int]
    #: Years of which anything is known.
    years: tuple[int, ...]
    is_made_up: bool
    #: When the reading copy was swapped in.
    as_of: datetime


@dataclass(frozen=True)
class BoardNow:
    """What happens at this moment: who writes, what comes next, which channels of alerts fail."""

    writer: Writer | None
    coming: tuple[CalendarEvent, ...]
    #: Why nothing comes, where no plan covers the month that would be next.
    uncovered: Uncovered | None
    failing: tuple[FailingChannel, ...]


@dataclass(frozen=True)
class RuleCount:
    """How often a rule holds in a cell: files of refusals, else findings; `open` of them ask.

    `institutions` are codes; of the nation none are named.
    """

    rule: str
    severity: str
    mended_by: str
    sentence_sq: str
    sentence_en: str
    institutions: tuple[str, ...]
    count: int
    open: int


@dataclass(frozen=True)
class CellDetails:
    """The lists behind a cell; of the nation `counties` are those of its counties."""

    cell: BoardCell
    institutions: tuple[ReportStatus, ...]
    counties: tuple[BoardCell, ...]
    refused: tuple[RuleCount, ...]
    blocked: tuple[RuleCount, ...]
    findings: tuple[RuleCount, ...]
    #: Tier and name of each, the newest first.
    releases: tuple[tuple[str, str], ...]
    #: Names in Albanian and English, by code.
    institution_names: dict[str, tuple[str, str]]


def collect_board(home: Home, year: int | None, today: date) -> Board:
    """Return the board of a year; None is the newest in which reports are owed.

    Raises duckdb.IOException where there is no reading copy.
    """
    with reading(home) as connection:
        owed = dict(
            connection.execute(
                "select year(reporting_month), bool_or(expected > 0) from marts.reporting_status "
                "group by all order by all"
            ).fetchall()
        )
        shown = year or max((each for each in owed if owed[each]), default=today.year)
        cells = tuple(_cells(home, connection, date(shown, 1, 1), date(shown, 12, 1), today))
        unplaced = connection.execute(
            "select coalesce(county_code, ?), count(distinct delivery_id)::int "
            "from quality.findings where stage = 'door' and severity = 'blocks' "
            "and reporting_month is null and not is_settled group by all order by all",
            [UNKNOWN],
        ).fetchall()
        is_made_up = connection.execute(
            "select coalesce(bool_or(is_made_up), false) from marts.reporting_status "
            "where year(reporting_month) = ?",
            [shown],
        ).fetchall()[0][0]
    as_of = datetime.fromtimestamp(home.marts.stat().st_mtime, UTC)
    return Board(shown, cells, dict(unplaced), tuple(owed), is_made_up, as_of)


def collect_now(home: Home, now: datetime) -> BoardNow:
    """Return what happens at a moment, which has a zone."""
    coming = tuple(upcoming(home, now)[:_DAYS_AHEAD])
    return BoardNow(
        writer=current_writer(home),
        coming=coming,
        uncovered=None if coming else uncovered(home, now),
        failing=tuple(failing_channels(home)),
    )


def collect_details(home: Home, county_code: str, month: date, today: date) -> CellDetails | None:
    """Return the lists behind a cell, or None where there is no such cell."""
    with reading(home) as connection:
        cells = {cell.county_code: cell for cell in _cells(home, connection, month, month, today)}
        if county_code not in cells:
            return None
        place: dict[str, object] = {
            "month": month,
            "county": county_code,
            "nation": NATION,
        }
        refused = _rules(
            connection,
            f"select rule, {_INSTITUTIONS}, count(distinct delivery_id)::int, "
            "count(distinct delivery_id) filter (where not is_settled)::int "
            "from quality.findings where stage = 'door' and severity = 'blocks' "
            "and reporting_month = $month and $county in (county_code, $nation) group by all",
            place,
        )
        findings = _rules(
            connection,
            f"select rule, {_INSTITUTIONS}, count(*)::int, "
            "count(*) filter (where severity <> 'informs')::int from quality.findings "
            "where not is_settled and reporting_month = $month "
            "and $county in (county_code, $nation) group by all",
            place,
        )
        blocked = _rules(
            connection,
            "select distinct rule, [], 1, 1 from quality.blocked_months "
            "where reporting_month = $month and county_code = $county",
            {"month": month, "county": county_code},
        )
        names = connection.execute(
            "select institution_code, name_sq, name_en from core.dim_institutions"
        ).fetchall()
    is_nation = county_code == NATION
    return CellDetails(
        cell=cells[county_code],
        institutions=() if is_nation else tuple(list_statuses(home, month, county_code)),
        counties=tuple(cell for code, cell in cells.items() if is_nation and code != NATION),
        refused=refused,
        blocked=blocked,
        findings=findings,
        releases=tuple(
            (tier, f"r{number}")
            for tier in _TIERS
            for number in reversed(_folder(home, tier, county_code, month).numbers())
        ),
        institution_names={code: (sq, en) for code, sq, en in names},
    )


def county_names(home: Home) -> dict[str, tuple[str, str]]:
    """Return the names of counties and the nation in Albanian and English, by code."""
    return {
        row["county_code"]: (row["name_sq"], row["name_en"])
        for row in register_rows(registers_in_use(home), "counties")
    }


def _cells(
    home: Home, connection: duckdb.DuckDBPyConnection, first: date, last: date, today: date
) -> Iterator[BoardCell]:
    """Yield the cells from one month to another, by county and month."""
    between: dict[str, object] = {"first": first, "last": last}
    reports = _by_place(
        connection,
        "select county_code, reporting_month, sum(expected)::int, sum(received)::int, "
        "sum(on_time)::int, count(*) filter (where expected = 1 and received = 0 "
        "and reporting_deadline >= $today)::int from marts.reporting_status "
        "where reporting_month between $first and $last group by all",
        {**between, "today": today},
    )
    found = _by_place(
        connection,
        "select county_code, reporting_month, "
        "count(distinct delivery_id) filter (where stage = 'door' and severity = 'blocks')::int, "
        "count(distinct delivery_id) filter "
        "(where stage = 'door' and severity = 'blocks' and not is_settled)::int, "
        "count(*) filter (where not is_settled and severity <> 'informs')::int "
        "from quality.findings where reporting_month between $first and $last "
        "and county_code is not null group by all",
        between,
    )
    coverage = _by_place(
        connection,
        "select county_code, reporting_month, hotline, referral from core.fct_record_coverage "
        "where reporting_month between $first and $last",
        between,
    )
    blocked = _by_place(
        connection,
        "select county_code, reporting_month, list(rule order by rule) from quality.blocked_months "
        "where reporting_month between $first and $last group by all",
        between,
    )
    # Records of a month that nobody owes a report of make no cell.
    places = {*reports, *found, *blocked, *_released_places(home, first, last)}
    counties = len(county_names(home)) - 1
    summed: dict[tuple[str, date], Counter[str]] = {}
    reporting: Counter[date] = Counter()
    for county, month in places:
        expected, received, on_time, awaited = reports.get((county, month), (0, 0, 0, 0))
        refused, refused_open, open_findings = found.get((county, month), (0, 0, 0))
        counts = Counter(
            expected=expected, received=received, on_time=on_time, awaited=awaited,
            refused=refused, refused_open=refused_open, open_findings=open_findings,
        )  # fmt: skip
        for place in {(county, month), (NATION, month)}:
            summed.setdefault(place, Counter()).update(counts)
        reporting[month] += bool(received) and county != NATION
    for county, month in sorted(summed):
        counts = summed[county, month]
        is_nation = county == NATION and counts["expected"] > 0
        yield BoardCell(
            county_code=county,
            month=month,
            **counts,
            lacking=_lacking(coverage, county, month),
            blocked_by=tuple(blocked.get((county, month), [[]])[0]),
            released=_released(home, county, month),
            counties_reporting=reporting[month] if is_nation else None,
            counties_expected=counties if is_nation else None,
        )


def _lacking(
    coverage: dict[tuple[str, date], tuple[Any, ...]], county_code: str, month: date
) -> tuple[str, ...]:
    """Return what lacks of a county's records; of the nation, a part of what a county lacks."""
    if county_code != NATION:
        came = coverage.get((county_code, month), (None, None))
    else:
        own = [each for (code, of), each in coverage.items() if code != NATION and of == month]
        came = tuple(
            "part" if {"none", "part"} & {each[source] for each in own} else None
            for source in (0, 1)
        )
    return tuple(lacking_records(dict(zip(("hotline", "referral"), came, strict=True))))


def _by_place(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, object]
) -> dict[tuple[str, date], tuple[Any, ...]]:
    rows = connection.execute(query, parameters).fetchall()
    return {(county, month): tuple(rest) for county, month, *rest in rows}


def _released_places(home: Home, first: date, last: date) -> Iterator[tuple[str, date]]:
    for path in (home.releases / Tier.RESTRICTED).glob(f"{NATION}*/????-??"):
        month = date.fromisoformat(f"{path.name}-01")
        if first <= month <= last:
            yield path.parent.name, month


def _released(home: Home, county_code: str, month: date) -> dict[str, str | None]:
    newest = {tier: _folder(home, tier, county_code, month).newest() for tier in _TIERS}
    return {tier: path.name if path else None for tier, path in newest.items()}


def _folder(home: Home, tier: str, county_code: str, month: date) -> ReleaseFolder:
    return ReleaseFolder(home.releases, tier, county_code, f"{month:%Y-%m}")


def _rules(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, object]
) -> tuple[RuleCount, ...]:
    """Return what a query gives (rule, institution, count, open) with the words of the rules."""
    rows = connection.execute(
        "select counted.rule, coalesce(rules.severity, 'blocks'), "
        "coalesce(rules.mended_by, 'krat'), coalesce(rules.sentence_sq, ''), "
        "coalesce(rules.sentence_en, ''), counted.* exclude (rule) "
        f"from ({query}) as counted (rule, institutions, found, unsettled) "
        # A rule that is no more in the register blocks all the same.
        "left join core.dim_quality_rules as rules on rules.rule = counted.rule "
        "order by array_position(['blocks', 'warns', 'informs'], rules.severity), counted.rule",
        parameters,
    ).fetchall()
    return tuple(
        RuleCount(rule, severity, mended_by, sq, en, tuple(institutions), count, asking)
        for rule, severity, mended_by, sq, en, institutions, count, asking in rows
    )
