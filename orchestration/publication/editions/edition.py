"""Making editions: whatever is missing by the calendar, from what was known on its day.

An edition depends on what had come by the end of its day and on the editions before it, so it is
the same whoever makes it, in whatever order, and however often. Once made it never changes.

Belongs here: which editions are made, and their road from the warehouse to a signed folder. Not
here: their counts (counts), how these are shown (expectations.choice), or the calendar.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from babel.numbers import format_decimal

from expectations.choice import Earlier, choose
from expectations.disclosure import Published
from expectations.gate import GateRefused, require_judged
from expectations.protection import (
    PARAMETERS,
    CountKey,
    Protection,
    Shown,
    Sign,
    linked,
    load_protection,
)
from expectations.suites import suite_hash
from orchestration.as_known import computed_on
from orchestration.gate.judge import mart_hashes
from orchestration.products.codes import CountName, category_names, codes_table, count_names
from orchestration.products.declaration import Tier, product
from orchestration.products.tables import table_of
from orchestration.products.tree import (
    CHANGES,
    EDITION_WORKBOOK,
    PERSONS,
    EditionFolder,
    editions_in,
    require_whole,
)
from orchestration.publication.editions.calendar import EditionDay, edition_days
from orchestration.publication.editions.counts import (
    COUNT_COLUMNS,
    complete_units,
    count_rows,
    published_counts,
    unit_columns,
)
from orchestration.publication.editions.restatements import describe_edition, restatements
from orchestration.publication.editions.workbook import write_edition_workbook
from orchestration.publication.writing.files import write_tables
from orchestration.publication.writing.package import data_package, sha256
from orchestration.publication.writing.signing import (
    fingerprint,
    publish_key,
    sign_release,
    signing_key,
)
from orchestration.registers.in_use import registers_in_use
from orchestration.runtime.clock import today
from orchestration.runtime.database import has_warehouse, read_warehouse
from sources.atomic import read_json, replace_file, write_json
from sources.custody.home import Home
from sources.texts import LANGUAGES, Language, both, placeholders, text

_UNITS = "publication.edition_units"

#: What an edition is made of.
_MODELS = ("edition_units", "published_figures", "dim_counties", "dim_indicators", "dim_months")

#: The confidentiality status of a count without a number, by its sign; any other is free (F).
_CONFIDENTIALITY = {Shown.SUPPRESSED: "C", Shown.WITHHELD: "D"}

#: Signs that state nothing: they are no part of what an attacker is told.
_UNSTATED = (Shown.FEW_COUNTIES, Shown.NOT_REPORTED, Shown.REST)


@dataclass(frozen=True)
class Edition:
    """An edition that was made: its folder, its day, how many counts are shown in which way."""

    path: Path
    day: EditionDay
    shown: Mapping[str, int]
    #: Sets of units of which more is known than may be, whatever is shown.
    known_elsewhere: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return its name, and how many of its counts are shown as what, in a line."""
        told = _describe(self.day.name, self.day.cut_off_on.isoformat(), self.shown)
        number = len(self.known_elsewhere)
        return f"{told}; known elsewhere: {number}" if number else told


def describe_newest(home: Home) -> list[str]:
    """Return a line for the newest edition of each year, as its manifest has it."""
    return [
        _describe(f"{one.month}/e{one.number}", one.facts["released_on"], one.facts["shown"])
        for one in editions_in(home.releases)
        if one.is_latest
    ]


def _describe(name: str, as_known_on: str, shown: Mapping[str, int]) -> str:
    counts = sum(number for code, number in shown.items() if code != Shown.REST)
    return (
        f"persons/{name}: {counts} counts of persons as known on {as_known_on}; "
        f"withheld: {shown.get(Shown.WITHHELD, 0)}, "
        f"of an earlier edition: {shown.get(Shown.EARLIER, 0)}"
    )


def publish_editions(
    home: Home, report: Callable[[str], None] = lambda _: None
) -> tuple[Edition, ...]:
    """Make every edition of the calendar whose day is past and that isn't there; return them.

    One of which nothing had come by its day is not made. The caller holds the data folder.
    """
    made = []
    for day in missing_editions(home):
        if reason := why_waiting(home, day.counted_year):
            report(f"the edition {day.name} waits: {reason}")
            continue
        report(f"making the edition {day.name} of counts of persons")
        edition = _make(home, day)
        if edition is not None:
            made.append(edition)
    return tuple(made)


def due_editions(home: Home) -> list[tuple[EditionDay, str]]:
    """Return the editions whose day is past and that aren't made, each with the reason.

    Raises duckdb.IOException while another process writes the warehouse.
    """
    return [
        (day, why_waiting(home, day.counted_year) or "the next refresh makes it")
        for day in missing_editions(home, today())
    ]


def missing_editions(home: Home, on: date | None = None) -> list[EditionDay]:
    """Return the editions of the calendar that could be made on a day, in their order.

    A day of the calendar is past on a later one, as what comes on it counts. Without `on`, that is
    the day as of which the warehouse was built.
    """
    if not has_warehouse(home):
        return []
    days = edition_days(registers_in_use(home))
    with read_warehouse(home) as connection:
        [(as_of,)] = connection.execute("select as_of from raw.refresh_context").fetchall()
        years = {
            int(year)
            for (year,) in connection.execute(
                f"select distinct year(reporting_month) from {_UNITS}"
            ).fetchall()
        }
        due = [
            day
            for day in days
            if day.cut_off_on < (on or as_of)
            and day.counted_year in years
            and not _folder(home, day).path.exists()
        ]
        arrived = {day: _arrived_by(connection, day.cut_off_on) for day in due}
    empty = _read_empty(home)
    return [day for day in due if arrived[day] and empty.get(day.name) != arrived[day]]


def why_waiting(home: Home, year: int) -> str | None:
    """Return why editions of a year are not made now, None if they are.

    Where the gate blocks a month for an error of krat's own, all of its numbers are in doubt. What
    an institution or a committee has to mend is left out of the counts alone.
    """
    try:
        with read_warehouse(home) as connection:
            judged = require_judged(home, mart_hashes(connection), suite_hash())
    except GateRefused as refusal:
        return str(refusal)
    for (county, month), rules in judged.blocked.items():
        mine = [rule for rule, mended_by in rules.items() if mended_by == "krat"]
        if month.year == year and mine:
            return f"the gate blocks {county} {month:%Y-%m} for {', '.join(mine)}"
    return None


@dataclass(frozen=True)
class _Known:
    """What was known on the day of an edition."""

    units: pd.DataFrame
    rules: Protection
    #: The names of the country's counties, by code.
    counties: Mapping[str, str]
    names: Mapping[str, CountName]
    #: The subjects of which others publish the nation's year.
    exact: frozenset[str]
    #: How many deliveries had come.
    arrived: int


def _known(home: Home, day: EditionDay) -> _Known:
    """Return what an edition counts, from what had come by the end of its day."""
    with computed_on(home, day.cut_off_on, _MODELS) as connection:
        rules = load_protection(_populations(connection, day.counted_year))
        return _Known(
            units=complete_units(_found(connection, day.counted_year), day, rules),
            rules=rules,
            counties=_counties(connection),
            names=_names(connection, day.counted_year),
            exact=_published_elsewhere(connection, rules),
            arrived=_arrived_by(connection, day.cut_off_on),
        )


def _make(home: Home, day: EditionDay) -> Edition | None:
    """Make an edition; None where nothing of it had come by its day."""
    known = _known(home, day)
    counts = published_counts(known.units, day, known.rules)
    if not counts:
        write_json(_empty_path(home), _read_empty(home) | {day.name: known.arrived})
        return None
    made = made_editions(home, day.counted_year)
    ledger = {other.edition: _counted(home, other) for other in made}
    before = [_rows_of(_folder(home, other).path) for other in made]
    signs, left = _signs(known, counts, list(ledger.values()), before)
    # What an edition doesn't hold, such as a quarter alone, stands as it was shown last.
    latest = pd.concat(before).drop_duplicates(list(COUNT_COLUMNS), keep="last") if before else None
    number_from = _numbers_from(signs, latest)
    rows = _named(
        pd.DataFrame(count_rows(signs, known.units, number_from, day, known.counties)),
        known.names,
        day,
    )
    changed = restatements(latest, rows, ledger, known.units, day)
    # The ledger first: without its units an edition that is there could not be followed.
    _keep(home, day, known.units)
    path = _write(home, day, rows, changed, known)
    return Edition(path, day, Counter(rows["shown_as"]), left)


def made_editions(home: Home, year: int) -> list[EditionDay]:
    """Return the editions of a year that are made, whatever the calendar says by now."""
    return [
        EditionDay(
            cut_off_on=date.fromisoformat(one.facts["released_on"]),
            counted_year=year,
            edition=one.number,
            kind=one.facts["kind"],
            quarter=one.facts["quarter"],
            reason=one.facts.get("reason", ""),
        )
        for one in editions_in(home.releases)
        if one.month == str(year)
    ]


def _counted(home: Home, day: EditionDay) -> pd.DataFrame:
    """Return the exact units that an edition counted, computed again where they were lost."""
    if not _ledger(home, day).exists():
        _keep(home, day, _known(home, day).units)
    return pd.read_parquet(_ledger(home, day))


def _keep(home: Home, day: EditionDay, units: pd.DataFrame) -> None:
    path = _ledger(home, day)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replace_file(path) as fresh:
        unit_columns(units).to_parquet(fresh, index=False)


def _signs(
    known: _Known,
    counts: Mapping[Published, int | None],
    ledger: list[pd.DataFrame],
    before: list[pd.DataFrame],
) -> tuple[dict[Published, Sign], tuple[str, ...]]:
    """Return how each count is shown, one group of linked subjects after the other.

    With it the counts of which more is known than may be, whatever an edition shows.
    """
    every = pd.concat([*ledger, unit_columns(known.units)], ignore_index=True)
    left: list[str] = []
    earlier = [one for rows in before for one in _earlier(rows)]
    signs = {
        published: Sign(Shown.FEW_COUNTIES) for published, value in counts.items() if value is None
    }
    for subjects in linked(known.units["subject"], known.rules):
        own = {
            published: value
            for published, value in counts.items()
            if published.key.subject in subjects and value is not None
        }
        if not own:
            continue
        choice = choose(
            every[every["subject"].isin(subjects)],
            own,
            [one for one in earlier if one.published.key.subject in subjects],
            known.rules,
            known.exact,
        )
        signs |= {published: choice.signs[published.key] for published in own}
        left += choice.known_elsewhere
    return {published: signs[published] for published in counts}, tuple(left)


def _earlier(rows: pd.DataFrame) -> Iterable[Earlier]:
    """Yield what an edition's table states of each count."""
    for row in rows.to_dict("records"):
        shown_as = Shown(row["shown_as"])
        if shown_as in _UNSTATED:
            continue
        count = CountKey(*(row[name] for name in COUNT_COLUMNS))
        counties = tuple(row["counties"].split()) if count.is_national else (count.county_code,)
        value, least, greatest = (
            None if pd.isna(row[name]) else int(row[name])
            for name in ("value", "least", "greatest")
        )
        yield Earlier(
            Published(int(row["edition"]), count, counties),
            Sign(shown_as, value, least, greatest),
        )


def _numbers_from(
    signs: Mapping[Published, Sign], latest: pd.DataFrame | None
) -> dict[CountKey, int]:
    """Return the edition whose number an earlier number is."""
    if latest is None:
        return {}
    known = {
        CountKey(*key): int(number)
        for *key, number in latest[[*COUNT_COLUMNS, "number_from"]].itertuples(index=False)
    }
    return {
        published.key: known[published.key]
        for published, sign in signs.items()
        if sign.shown_as is Shown.EARLIER
    }


def _named(rows: pd.DataFrame, names: Mapping[str, CountName], day: EditionDay) -> pd.DataFrame:
    """Return the rows of person_counts: with the edition, names and the words for each sign."""
    shown = rows.assign(counted_year=day.counted_year, edition=day.edition)
    subjects = [names[code] for code in shown["subject"]]
    categories = [
        category_names(dimension, category)
        for dimension, category in zip(shown["dimension"], shown["category"], strict=True)
    ]
    for language in LANGUAGES:
        shown[f"subject_{language}"] = [getattr(name, f"name_{language}") for name in subjects]
        shown[f"category_{language}"] = [name[language == "en"] for name in categories]
        shown[f"why_{language}"] = [_why(row, language) for row in shown.to_dict("records")]
    shown["unit"] = [name.unit for name in subjects]
    shown["conf_status"] = [
        _CONFIDENTIALITY.get(Shown(shown_as), "F") for shown_as in shown["shown_as"]
    ]
    for name in ("value", "least", "greatest", "counties_reporting", "counties_expected"):
        shown[name] = shown[name].astype("Int64")
    shown["counties"] = shown["counties"].astype(object).where(shown["counties"].notna(), None)
    return shown[list(product("person_counts", Tier.PUBLIC).column_names)]


def _why(row: Mapping[Any, Any], language: Language) -> str:
    """Return in words how a count is shown and why."""
    key = f"editions.why.{row['shown_as']}"
    values = {
        "least": _whole(row["least"], language),
        "greatest": _whole(row["greatest"], language),
        "edition": f"e{row['number_from']}",
    }
    told = [text(key, language, **{name: values[name] for name in placeholders(key)})]
    told += [
        text(f"editions.{column}", language)
        for column in ("is_lower_bound", "may_fall")
        if row[column]
    ]
    return " ".join(told)


def _whole(value: Any, language: Language) -> str:
    locale = {"sq": "sq", "en": "en_GB"}[language]
    return "" if pd.isna(value) else format_decimal(int(value), "#,##0", locale)


def _write(
    home: Home,
    day: EditionDay,
    rows: pd.DataFrame,
    changed: pd.DataFrame,
    known: _Known,
) -> Path:
    """Write an edition, whole and signed or not at all; return its folder."""
    key = signing_key(home.keys)
    publish_key(key.public_key(), home.releases)
    folder = _folder(home, day)
    is_made_up = bool(rows["is_made_up"].any())
    facts = {
        "tier": Tier.PUBLIC.value,
        "county_code": PERSONS,
        "reporting_month": str(day.counted_year),
        "number": day.edition,
        "released_on": day.cut_off_on.isoformat(),
        "kind": day.kind,
        "quarter": day.quarter,
        **({"reason": day.reason} if day.reason else {}),
        "is_made_up": is_made_up,
        "shown": dict(sorted(Counter(rows["shown_as"]).items())),
        "protection": {
            "threshold": known.rules.threshold,
            "bases": sorted(known.rules.bases.values()),
            "fewest_counties": known.rules.fewest_counties,
            "parameters": sha256(PARAMETERS),
        },
        "signed_by": fingerprint(key.public_key()),
    }
    tables = [
        table_of(product("person_counts", Tier.PUBLIC), rows),
        table_of(product("restatements", Tier.PUBLIC), changed),
        codes_table(),
    ]
    with folder.appearing() as draft:
        write_tables(draft, tables)
        holds = " / ".join(day.holds(language) for language in LANGUAGES)
        write_edition_workbook(draft / EDITION_WORKBOOK, facts, holds, known.counties, tables[:2])
        (draft / CHANGES).write_text(
            describe_edition(day, rows, changed, is_made_up=is_made_up), encoding="utf-8"
        )
        package = data_package(
            draft,
            name=f"krat-public-persons-{day.counted_year}-e{day.edition}",
            title=text("editions.title", "en", year=day.counted_year, number=day.edition),
            created=day.cut_off_on,
            made_up=both("release.made_up", " ") if is_made_up else "",
            release=facts,
            tables=tables,
        )
        sign_release(home, draft, folder.path, package)
    return folder.path


def _rows_of(path: Path) -> pd.DataFrame:
    require_whole(path)
    return pd.read_parquet(path / "person_counts.parquet")


def _found(connection: duckdb.DuckDBPyConnection, year: int) -> pd.DataFrame:
    return connection.execute(
        f"select * from {_UNITS} where year(reporting_month) = ? order by all", [year]
    ).df()


def _counties(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    rows = connection.execute(
        "select county_code, name_sq from core.dim_counties where not is_nation order by all"
    ).fetchall()
    return dict(rows)


def _populations(connection: duckdb.DuckDBPyConnection, year: int) -> frozenset[tuple[str, ...]]:
    """Return the sets of indicators of a year's plan that count the same persons."""
    rows = connection.execute(
        "select list(indicator_code order by indicator_code) from core.dim_indicators "
        "where is_protected and population_id is not null and plan_code in "
        "(select plan_code from core.dim_months where year(month) = ?) "
        "group by plan_code, population_id having count(*) > 1 order by all",
        [year],
    ).fetchall()
    return frozenset(tuple(codes) for (codes,) in rows)


def _names(connection: duckdb.DuckDBPyConnection, year: int) -> dict[str, CountName]:
    """Return the names and units of what is counted in a year."""
    rows = connection.execute(
        "select indicator_code, name_sq, name_en, unit from core.dim_indicators where plan_code in "
        "(select plan_code from core.dim_months where year(month) = ?)",
        [year],
    ).fetchall()
    return count_names() | {
        code: CountName(name_sq, name_en, "", unit) for code, name_sq, name_en, unit in rows
    }


def _published_elsewhere(
    connection: duckdb.DuckDBPyConnection, rules: Protection
) -> frozenset[str]:
    """Return the subjects of which others publish the nation's year, and those of same persons."""
    codes = {
        str(code)
        for (code,) in connection.execute(
            "select distinct indicator_code from core.published_figures "
            "where indicator_code is not null"
        ).fetchall()
    }
    for together in rules.same_persons:
        if codes & set(together):
            codes |= set(together)
    return frozenset(codes)


def _arrived_by(connection: duckdb.DuckDBPyConnection, day: date) -> int:
    """Return how many deliveries had come by the end of a day."""
    [(count,)] = connection.execute(
        "select count(*) from raw.deliveries where cast(received_at as date) <= ?", [day]
    ).fetchall()
    return int(count)


def _folder(home: Home, day: EditionDay) -> EditionFolder:
    return EditionFolder(home.releases, day.counted_year, day.edition)


def _ledger(home: Home, day: EditionDay) -> Path:
    """Return where the exact units of an edition are kept; they never leave the data folder."""
    return home.gate / "editions" / str(day.counted_year) / f"e{day.edition}.parquet"


def _empty_path(home: Home) -> Path:
    return home.gate / "editions" / "empty.json"


def _read_empty(home: Home) -> dict[str, int]:
    """Return the editions of which nothing had come, with how many deliveries had by their day."""
    return read_json(_empty_path(home)) or {}
