"""Files that the door accepts, of every layout, made from the layouts and registers themselves.

Belongs here: drawing files, refreshing with them, and finding which of them a fault comes from. Not
here: how many are drawn, and when (test_accepted.py).

    python tests/accepted.py SEED OF_EACH [COUNTY...]

draws the files of a seed, refreshes with them, and prints the fewest of them that still fail.
"""

import csv
import io
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from orchestration.gate.judge import Scope
from orchestration.refresh.steps import refresh
from orchestration.runtime.database import read_warehouse
from orchestration.runtime.settings import SEEDS, prepare_process
from orchestration.warehouse.build import BuildFailed
from sources.custody.decisions import correct
from sources.custody.home import Home
from sources.layouts import Column, Layout, form_key, load_layouts
from sources.registers import Registers, is_due, load_registers, obligations_in
from sources.values import load_words, plain

#: The first day that a record can be of (sources.reading.records), and the last.
EARLIEST, LATEST = date(2005, 1, 1), date(2026, 11, 1)

#: Least numbers of rows of a file, and how many more: many small files meet in more ways than a few
#: long ones, and some rows meet in one file only.
ROWS, MORE_ROWS = (1, 5, 12), 5

#: Where and when most files are of, so that they meet: versions, links, duplicates, sums.
BUSY_MONTHS = (date(2022, 12, 1), date(2023, 5, 1), date(2023, 6, 1), date(2023, 12, 1))
COUNTIES = ("AL-04", "AL-05", "AL-12")

#: Persons of whom nobody is real; few, so that several institutions know one.
IDENTITIES = {
    "name": ["Shembull Njëri", "Shembulli", "Provë", "E Trilluar", "nuk dihet"],
    "personal_number": ["J55101999K", "I05231998L", "K00101042M", "?"],
    "birth_date": ["2009-02-28", "2004-02-29", "1990-01-01", "n/a"],
}


@dataclass(frozen=True)
class SentFile:
    """A file: its layout, the folder that it is put into, its bytes and when it comes (UTC)."""

    layout_id: str
    county_code: str
    content: bytes
    received_at: datetime


@cache
def registers() -> Registers:
    """Return the registers, read once."""
    return load_registers(SEEDS)


def files(of_each: int, seed_of: int, counties: Sequence[str] = COUNTIES) -> list[SentFile]:
    """Return so many files of each layout, in any order; the same for a seed."""
    found: list[SentFile] = []

    @settings(
        max_examples=of_each,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def draw(layout: Layout, data: st.DataObject) -> None:
        found.append(data.draw(a_file(layout, counties)))

    for number, layout in enumerate(load_layouts()):
        seed(f"{seed_of} {number}")(draw)(layout)
    Random(seed_of).shuffle(found)
    return found


@st.composite
def a_file(draw: st.DrawFn, layout: Layout, counties: Sequence[str]) -> SentFile:
    """Draw a file of a layout, as an institution of one of the counties could send it."""
    county = layout.county_code or draw(st.sampled_from(_folders(layout, tuple(counties))))
    month = draw(st.one_of(st.sampled_from(BUSY_MONTHS), st.sampled_from(_months())))
    institution = layout.institution_code or draw(_institutions(county, month))
    received = draw(_arrival(layout, month))
    head = {
        "layout_id": layout.id,
        "county_code": county,
        "institution_code": institution,
        "reporting_month": f"{month:%Y-%m}",
        "form_key": form_key(layout.id, county, institution, month),
    }
    if layout.table == "submission_values":
        rows = draw(_values(layout, institution, month, received))
    else:
        rows = draw(_records(layout, received))
    columns = [
        column
        for column in layout.columns
        if column.required or column.filled or draw(st.booleans())
    ]
    stated = {
        column.name: head.get(column.name) or draw(_written(layout, column))
        for column in columns
        if column.place == "head"
    }
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow([column.headings[0] for column in columns])
    for row in rows:
        writer.writerow([{**row, **stated}.get(column.name, "") for column in columns])
    return SentFile(layout.id, county, text.getvalue().encode(), received)


@dataclass(frozen=True)
class Refreshes:
    """What a refresh made of files: how many each layout had accepted, and what hindered it."""

    accepted: Counter[str]
    hindrances: frozenset[str]


def refreshed_with(sent: Sequence[SentFile], months: list[date], passes: int = 1) -> Refreshes:
    """Refresh a new home with files, in as many passes, and return what came of it.

    Between passes some values are corrected. A hindrance is the name of a dbt test, a rule that
    blocks any county and month and that krat alone can mend, or why months were refused or the
    warehouse was not built.
    """
    with tempfile.TemporaryDirectory() as folder:
        home = Home(root=Path(folder) / "home", keys=Path(folder) / "keys")
        prepare_process(home)
        found: set[str] = set()
        try:
            for start in range(passes):
                if start:
                    _correct_some(home)
                _send(home, sent[start::passes], f"{start}-")
                outcome = refresh(home, months)
                blocked = {
                    Scope(record.county_code, record.reporting_month) for record in outcome.blocked
                }
                refused = (*outcome.refused, *outcome.public.refused)
                found |= {each.reason for each in refused if each.scope not in blocked}
                found |= {*outcome.build.failed_tests, *_blocking(home)}
        except BuildFailed as failed:
            found.add(str(failed))
        with read_warehouse(home) as connection:
            accepted = connection.execute(
                "select layout_id, count(*) from raw.deliveries where status = 'accepted' "
                "group by all"
            ).fetchall()
    return Refreshes(Counter(dict(accepted)), frozenset(found))


def _send(home: Home, sent: Sequence[SentFile], prefix: str) -> None:
    for number, file in enumerate(sent):
        path = home.inbox / file.county_code / f"{prefix}{number:03d}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        at = file.received_at.replace(tzinfo=UTC).timestamp()
        os.utime(path, (at, at))


def _blocking(home: Home) -> Iterator[str]:
    """Yield the rules that block any county and month, whether it was to be published or not."""
    judged = json.loads((home.gate / "judged.json").read_text(encoding="utf-8"))
    for place in judged["blocked"]:
        yield from (rule for rule, mended_by in place["rules"].items() if mended_by == "krat")


def _correct_some(home: Home) -> None:
    """Correct every seventh value that holds now, some of them to a state without a number."""
    with read_warehouse(home) as connection:
        lines = connection.execute(
            "select county_code, institution_code, indicator_code, reporting_month, category, "
            "value, value_state from core.fct_actuals where superseded_at is null "
            "and frequency = 'month' order by all"
        ).fetchall()
    for number, (county, institution, indicator, month, category, value, state) in enumerate(
        lines[::7]
    ):
        corrected = [(value or 0) + 1, "number"] if number % 3 else [None, "unknown"]
        if state != corrected[1] or value is not None:
            correct(
                home,
                county_code=county,
                institution_code=institution,
                indicator_code=indicator,
                reporting_month=month,
                category=category,
                expected=(value, state),
                corrected=(corrected[0], corrected[1]),
                by="Zyra e provës",
                reason="provë",
            )


def fewest(sent: Sequence[SentFile], fails: Callable[[Sequence[SentFile]], bool]) -> list[SentFile]:
    """Return files of those given that still fail together, none of which can be left out.

    Asks some 2 log n times where one file is to blame, more often where several are.
    """
    kept, parts = list(sent), 2
    while len(kept) > 1:
        size = -(-len(kept) // parts)
        for start in range(0, len(kept), size):
            fewer = kept[:start] + kept[start + size :]
            if fewer and fails(fewer):
                kept, parts = fewer, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(parts * 2, len(kept))
    return kept


@cache
def _months() -> list[date]:
    return sorted(month for month in registers().months if month < LATEST)


@cache
def _folders(layout: Layout, counties: tuple[str, ...]) -> list[str]:
    """Return the counties from which a file of a layout can come: reports need an institution."""
    asks = any(column.name == "institution_code" for column in layout.columns)
    senders = set(registers().institutions.values())
    return [county for county in counties if not asks or county in senders]


def _institutions(county: str, month: date) -> st.SearchStrategy[str]:
    own = [code for code, of in sorted(registers().institutions.items()) if of == county]
    owing = {row["institution_code"] for row in obligations_in(SEEDS, month)}
    busy = [code for code in own if code in owing][:3]
    everyone = st.sampled_from(own or ["none"])
    return st.one_of(st.sampled_from(busy), everyone) if busy else everyone


def _arrival(layout: Layout, month: date) -> st.SearchStrategy[datetime]:
    """Return moments from the day that the form is known and its month begun; some are alike."""
    # A year's figure can be known from its December on; of the first year none is any later.
    known = date(_months()[0].year, 12, 1) if layout.frequency == "year" else month
    first = max(layout.valid_from, known) + timedelta(days=1)
    last = (datetime.now(UTC) - timedelta(days=1)).date()
    usual = datetime.combine(first + timedelta(days=34), time(9))
    return st.one_of(
        st.just(usual),
        st.datetimes(usual - timedelta(days=30), usual + timedelta(days=90)),
        st.datetimes(datetime.combine(first, time()), datetime.combine(last, time())),
    ).map(lambda moment: moment.replace(microsecond=0))


@st.composite
def _values(
    draw: st.DrawFn, layout: Layout, institution: str, month: date, received: datetime
) -> list[dict[str, str]]:
    """Draw the lines of a report: what is owed and what is not, each indicator's part once."""
    known = registers().in_month(month)
    owed = {
        row["indicator_code"]
        for row in obligations_in(SEEDS, month)
        if row["institution_code"] == institution and is_due(row, month)
    }
    has_parts = any(column.name == "category" for column in layout.columns)
    any_cell = [
        (code, part)
        for code in sorted(known.indicators)
        for part in ["", *(sorted(known.category_names.get(code, {})) if has_parts else [])]
    ]
    units = next((column for column in layout.columns if column.name == "unit"), None)
    if units and units.filled:
        listed = set(_ways(layout, units))
        any_cell = [cell for cell in any_cell if known.indicators[cell[0]] in listed]
    owed_cells = [cell for cell in any_cell if cell[0] in owed] or any_cell
    least = draw(st.sampled_from(ROWS))
    cells = draw(
        st.lists(
            st.one_of(st.sampled_from(owed_cells), st.sampled_from(any_cell)),
            min_size=least,
            max_size=least + MORE_ROWS,
            unique=True,
        )
    )
    asked = {column.name: column for column in layout.columns if column.place == "row"}
    is_yearly = layout.frequency == "year"
    years = sorted(
        {month.year for month in _months() if month.replace(month=12) <= received.date()}
    )
    rows = []
    seen = set()
    for code, part in cells:
        row = {name: draw(_cell(layout, column, received)) for name, column in asked.items()}
        # A figure may be of no indicator; its unit is then any, else the indicator's.
        if asked["indicator_code"].filled or draw(st.booleans()):
            row |= {"indicator_code": code, "category": part}
            if units and units.filled:
                row["unit"] = known.indicators[code]
        else:
            row |= {"indicator_code": "", "category": ""}
        if is_yearly:
            row["reporting_month"] = str(draw(st.sampled_from(years)))
        if row.get("value_state") and plain(row["value"]) != "0":
            row["value"] = ""
        elif row.get("value_state"):
            row["value_state"] = "zero"
        key = (row["indicator_code"], row.get("figure_label"), part, row.get("reporting_month"))
        if key not in seen:
            rows.append(row)
        seen.add(key)
    return rows


@st.composite
def _records(draw: st.DrawFn, layout: Layout, received: datetime) -> list[dict[str, str]]:
    """Draw the rows of a log or of referral records; each contact, and each event, once."""
    asked = [column for column in layout.columns if column.place == "row"]
    rows: dict[object, dict[str, str]] = {}
    least = draw(st.sampled_from(ROWS))
    for _ in range(draw(st.integers(least, least + MORE_ROWS))):
        row = {column.name: draw(_cell(layout, column, received)) for column in asked}
        rows[row.get("contact_key") or tuple(row.values())] = row
    return list(rows.values())


def _cell(layout: Layout, column: Column, received: datetime) -> st.SearchStrategy[str]:
    """Return what a cell of a row may hold: blank and each kind of nothing too, where it may."""
    said = {
        "code": lambda: _written(layout, column),
        "text_code": lambda: _written(layout, column),
        "count": lambda: _count(layout, column),
        "date": lambda: _day(received).map(date.isoformat),
        "timestamp": lambda: _moment(received),
        "key": lambda: _number(column),
        "identity": lambda: st.sampled_from(IDENTITIES[column.identity or "name"]),
    }.get(column.kind, lambda: st.just(""))()
    if column.filled or column.kind in ("month", "unit", "indicator_name", "dropped"):
        return said
    nothing = [""]
    if layout.table != "submission_values":
        nothing += sorted(load_words().missing)
    return st.one_of(said, said, st.just(""), st.sampled_from(nothing))


def _written(layout: Layout, column: Column) -> st.SearchStrategy[str]:
    """Return every way in which every code of a column may be written, each code as likely."""
    ways = _ways(layout, column)
    return st.sampled_from(sorted(ways)).flatmap(lambda code: st.sampled_from(ways[code]))


@cache
def _ways(layout: Layout, column: Column) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for text, code in layout.codes(column, registers()).items():
        found.setdefault(code, []).append(text)
    return found or {"": [""]}


def _count(layout: Layout, column: Column) -> st.SearchStrategy[str]:
    largest = column.largest or 99_999_999
    counts = st.one_of(st.just(0), st.integers(0, 9), st.integers(0, largest)).map(str)
    if layout.table != "submission_values":
        return counts
    words = load_words()
    return st.one_of(counts, counts, st.sampled_from(sorted(words.zero | words.unknown)))


def _day(received: datetime) -> st.SearchStrategy[date]:
    """Return days that a file can know of; most are in the busy months, some at an edge."""
    last = received.date()
    edges = [EARLIEST, last, date(2020, 1, 1), date(2020, 2, 29), date(2022, 12, 31)]
    edges += [*BUSY_MONTHS, date(2021, 1, 1), date(2023, 5, 31)]
    known = [day for day in edges if day <= last]
    near = max(EARLIEST, min(last, date(2023, 4, 20)))
    return st.one_of(
        st.sampled_from(known),
        st.dates(near, min(last, near + timedelta(days=75))),
        st.dates(near, min(last, near + timedelta(days=75))),
        st.dates(EARLIEST, last),
    )


def _moment(received: datetime) -> st.SearchStrategy[str]:
    hours = st.sampled_from(["00:00", "00:01", "10:00", "23:59"])
    return st.builds("{:%Y-%m-%d} {}".format, _day(received - timedelta(days=1)), hours)


def _number(column: Column) -> st.SearchStrategy[str]:
    """Return numbers of contacts, cases and persons: few, so that they meet across files."""
    most = 40 if column.key == "contact" else 12
    return st.integers(1, most).map(str)


def main() -> None:
    """Print what hinders the files of a seed, and the fewest files that it comes from."""
    seed_of, of_each, counties = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] or COUNTIES
    sent, months = files(of_each, seed_of, counties), list(BUSY_MONTHS)
    result = refreshed_with(sent, months)
    print(f"{result.accepted.total()} files accepted: {dict(result.accepted)}")
    if not result.hindrances:
        return
    print("\n".join(sorted(result.hindrances)))

    def fails(fewer: Sequence[SentFile]) -> bool:
        # The sentences of a refusal name counts, which change with the files.
        known = {text[:40] for text in result.hindrances}
        return bool({text[:40] for text in refreshed_with(fewer, months).hindrances} & known)

    for file in fewest(sent, fails):
        print(f"\n{file.county_code} {file.received_at}\n{file.content.decode()}")
    sys.exit(1)


if __name__ == "__main__":
    main()
