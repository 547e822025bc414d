"""What changed between two releases of a county's figures, row by row, with the reason.

Two are compared: a release with the one before of the same month, and with the newest of the month
before, within a year.

A reason is derived from what came, or ceased to count, since the release before, in the sources
that a figure rests on (reports, SIVET, logs, records) and the months that it adds up:

- a county whose first numbers enter the nation's, or whose numbers are no more in it
  (county_joined, county_left);
- a report of a month that the release before does not cover (new_month), the first report of a
  month that it does (late_report), a report that gives another value than the one that it
  superseded, or a correction (correction).

Where none of these touches a figure, it is what changed as a whole: decisions on the linkage of
records (linked), registers (registers), models (definition). Else the reason is `unexplained`,
which is for someone to look into.

Belongs here: the comparison, the reasons, and the shape of CHANGES.md. Not here: the words of the
reasons (codes.csv), those of CHANGES.md (sources/texts/release.yml), or where releases lie (tree).
"""

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from orchestration.products.codes import labels
from orchestration.products.declaration import Product, Tier, product
from orchestration.products.tables import ProductTable, table_of
from orchestration.products.tree import SOURCES, DamagedRelease
from sources.registers import NATION
from sources.texts import both, keys

UNEXPLAINED = "unexplained"

#: With what a release is compared.
PREVIOUS_RELEASE, PREVIOUS_MONTH = "previous_release", "previous_month"

#: Why a column of a mart changed in a row: from the mart, the row's key and the column to reasons
#: joined by "+".
WhyChanged = Callable[[str, dict[str, str], str], str]


@dataclass(frozen=True)
class Before:
    """A release that another is compared with."""

    path: Path
    month: date
    compared: str = PREVIOUS_RELEASE

    @property
    def name(self) -> str:
        """The month and the number, as 2023-04/r1."""
        return f"{self.month:%Y-%m}/{self.path.name}"

    @cached_property
    def deliveries(self) -> dict[str, tuple[str, str]]:
        """The deliveries that it rests on, each with its kind of source and its county."""
        with (self.path / SOURCES).open(encoding="utf-8", newline="") as file:
            return {
                row["delivery_id"]: (row["source"], row["county_code"])
                for row in csv.DictReader(file)
                if row["status"] != "refused"
            }


@dataclass(frozen=True)
class Members:
    """The counties that joined the nation's figures of a month, or left them, since a release."""

    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.joined or self.left)

    def sentences(self) -> list[str]:
        """Return who joined and who left, a line each."""
        counties = {"joined": self.joined, "left": self.left}
        return [
            f"{both(f'release.changes.{change}')}: {', '.join(codes)}."
            for change, codes in counties.items()
            if codes
        ]


def changed_members(before: Path, sources: Iterable[tuple[Any, ...]]) -> Members:
    """Return which counties joined or left since a release of the nation, by its deliveries.

    `sources` are those of now, in SOURCE_COLUMNS. Raises DamagedRelease.
    """
    try:
        with (before / SOURCES).open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        county, status = header.index("county_code"), header.index("status")
    except (OSError, ValueError):
        raise DamagedRelease(before, SOURCES) from None
    was, now = (
        {row[county] for row in some if row[status] != "refused"} - {NATION, None, ""}
        for some in (rows, sources)
    )
    return Members(tuple(sorted(now - was)), tuple(sorted(was - now)))


def unexplained(_mart: str, _key: dict[str, str], _measure: str) -> str:
    """Return the reason where nothing is known of what is new."""
    return UNEXPLAINED


def joined(reasons: set[str]) -> str:
    """Return reasons in one word, in the order of their list; without any it is unexplained."""
    order = labels("reason")
    return "+".join(reason for reason in order if reason in reasons) or UNEXPLAINED


def changed_figures(
    before: Before,
    tables: Sequence[ProductTable],
    why: WhyChanged,
    county_code: str,
    month: Any,
) -> list[dict[str, Any]]:
    """Return each number of `tables` that differs from the release before, a row of `changes` each.

    A number that was not there before, or is no more, has no value before or after. Of another
    month only the figures that run on through the year are compared. Relative change is the change
    over the value before, empty where that is 0.
    """
    rows = []
    for table in tables:
        mart = table.product
        measures = [name for name in mart.numbers if name in table.frame]
        if before.compared == PREVIOUS_MONTH:
            measures = [name for name in measures if _span(name) in RUNNING and _is_actual(name)]
        frame = _read(before.path, mart)
        old_numbers = _numbers(frame, mart, measures)
        new_numbers = _numbers(table.frame, mart, measures)
        for key, measure in sorted(old_numbers.keys() | new_numbers.keys()):
            old, new = old_numbers.get((key, measure)), new_numbers.get((key, measure))
            if old == new:
                continue
            row = dict(zip(_row_key(mart), key, strict=True))
            change = new - old if old is not None and new is not None else None
            rows.append(
                {
                    "county_code": county_code,
                    "reporting_month": month,
                    "compared": before.compared,
                    "compared_with": before.name,
                    "mart": mart.name,
                    "mart_row": mart.row_name(row),
                    "plan_code": row.get("plan_code"),
                    "indicator_code": row.get("indicator_code"),
                    "measure": measure,
                    "value_before": old,
                    "value_after": new,
                    "change": change,
                    "relative_change": change / old if change is not None and old else None,
                    "reason": why(mart.name, row, measure),
                }
            )
    return rows


def changes_table(tier: Tier, rows: Iterable[dict[str, Any]]) -> ProductTable:
    """Return the table of changes of a tier, with rows as `changed_figures` gives them."""
    changes = product("changes", tier)
    return table_of(changes, pd.DataFrame(rows, columns=list(changes.column_names)))


def describe_changes(
    previous: Path | None,
    tables: Sequence[ProductTable],
    why: WhyChanged | None,
    opening: Sequence[str],
) -> str:
    """Return CHANGES.md: each value, of numbers, words and findings alike, that differs.

    Without `why` no reason is given.
    `opening` are the lines above the tables: that data are made up, why the month was reopened.
    """
    lines = [f"# {both('release.changes.title')}", ""]
    for line in opening:
        lines += [line, ""]
    if previous is None:
        return "\n".join([*lines, both("release.changes.first", " ")]) + "\n"
    lines.append(f"{both('release.changes.against')} {previous.name}.")
    headings = [both(key) for key in keys("release.changes.columns")]
    row = f"({both('release.changes.row')})"
    names = labels("reason")
    used: set[str] = set()
    for table in tables:
        mart = table.product
        if not (previous / f"{mart.name}.parquet").exists():
            lines += ["", f"## {mart.name}", "", both("release.changes.new_table", " ")]
            continue
        changed = []
        before = _indexed(_read(previous, mart), mart.key)
        after = _indexed(table.frame, mart.key)
        for key in after.index.difference(before.index):
            changed.append((key, row, "–", "+"))
        for key in before.index.difference(after.index):
            changed.append((key, row, "+", "–"))
        columns = after.columns.intersection(before.columns)
        both_have = after.index.intersection(before.index)
        pairs = (each.reindex(both_have, columns=columns).to_numpy() for each in (before, after))
        for key, *rows in zip(both_have, *pairs, strict=True):
            for name, old, new in zip(columns, *rows, strict=True):
                if old != new:
                    changed.append((key, name, old, new))
        if not changed:
            continue
        lines += ["", f"## {mart.name}", "", _line(headings), _line(["---"] * len(headings))]
        for key, name, old, new in changed:
            reason = ""
            if mart.numbers and why is not None:
                reason = why(mart.name, dict(zip(mart.key, key, strict=True)), name)
                used |= set(reason.split("+"))
            cells = (" ".join(key), name, old, new, reason)
            lines.append(_line([_cell(cell) for cell in cells]))
    if used:
        lines += ["", *(f"- {reason}: {names[reason]}." for reason in names if reason in used)]
    return "\n".join(lines) + "\n"


#: Each kind of source by its name in comparisons of sources; what is not named is reported.
KINDS = {"sivet": "sivet", "hotline_log": "hotline", "referral_records": "referral"}
REPORTS = "submission"


@dataclass(frozen=True)
class _Part:
    """An indicator in a version of what a source gives for a month.

    `stated` is what it states of it, None for nothing; of records it is always None.
    """

    source_kind: str
    delivery_id: str
    county_code: str
    institution_code: str | None
    month: date
    last_month: date
    plan_code: str | None
    indicator_code: str | None
    version: int
    stated: str | None
    is_number: bool

    @property
    def report(self) -> tuple[str, str, str | None, date, str | None]:
        """What is one report of the indicator in all its versions."""
        return (
            self.source_kind, self.county_code, self.institution_code, self.month,
            self.indicator_code,
        )  # fmt: skip


def reasons_since(
    connection: duckdb.DuckDBPyConnection,
    before: Before,
    sources: Sequence[tuple[Any, ...]],
    county_code: str,
    month: date,
    changed_hashes: Sequence[str],
) -> WhyChanged:
    """Return why figures of the restricted marts changed since the release before.

    `sources` are this release's, the delivery's id first; `changed_hashes` names which of
    definition, registers and linked changed as a whole.
    """
    now = frozenset(str(row[0]) for row in sources if "refused" not in row)
    parts = _parts(connection, county_code, month)
    corrected = _corrected_indicators(connection, before, county_code, month)
    withdrawn = [origin for id_, origin in before.deliveries.items() if id_ not in now]

    @cache
    def counties_of(kinds: frozenset[str]) -> tuple[set[str], set[str]]:
        """Return the counties with a number in sources of some kinds, before and now."""
        of_kinds = [part for kind in kinds for part in parts.get((kind, None, None), ())]
        known = (part for part in of_kinds if _was_known(part, before))
        present = (part for part in of_kinds if part.delivery_id in now)
        was, is_now = (
            {part.county_code for part in _newest(some) if part.is_number}
            for some in (known, present)
        )
        return was, is_now

    @cache
    def of_sources(
        kinds: frozenset[str],
        plan: str | None,
        indicator: str | None,
        institution: str | None,
        span: str,
        *,
        is_touched_by_all: bool = False,
    ) -> frozenset[str]:
        """Return the reasons of what is counted from sources of some kinds; None fits any."""
        touching = [
            part
            for kind in kinds
            for part in parts.get((kind, indicator, institution), ())
            if plan in (None, part.plan_code) and _is_in(span, part.month, month)
        ]
        was, is_now = counties_of(kinds)
        found = set()
        for county in {part.county_code for part in touching}:
            own = [part for part in touching if part.county_code == county]
            if county_code == NATION != county and (county in was) != (county in is_now):
                if any(_is_new(part, before, now) or county in was for part in own):
                    found.add("county_left" if county in was else "county_joined")
            else:
                found |= _reasons_of_parts(own, before, now, is_touched_by_all or indicator is None)
        if REPORTS in kinds and any(
            plan in (None, of) and indicator == code for of, code in corrected
        ):
            found.add("correction")
        return frozenset(found)

    def why(mart: str, key: dict[str, str], measure: str) -> str:
        kinds = _kinds_of(mart, key, measure)
        of = [key.get(name) for name in ("plan_code", "indicator_code", "institution_code")]
        every = _kinds_of(mart, key, "")
        found: frozenset[str] | set[str] = (
            of_sources(kinds, *of, _span_of(mart, key, measure))
            or of_sources(kinds, *of, "cumulative")
            # What states nothing of a figure may none the less begin or end its row.
            or of_sources(kinds and every, *of, "cumulative", is_touched_by_all=True)
        )
        if kinds and not found:
            # What a report held that is there no more can't be asked.
            counties = counties_of(kinds)[1]
            found = {
                "correction" if county in counties else "county_left"
                for kind, county in withdrawn
                if (kind if kind in KINDS.values() else REPORTS) in kinds
            }
        if found:
            return joined(set(found))
        if "linked" in changed_hashes and "referral" in product(mart).records:
            return "linked"
        changed = {"definition", "registers"} & set(changed_hashes)
        # A month in which nothing came takes the upper end of an interval away.
        is_of_next_month = before.compared == PREVIOUS_MONTH
        return joined({"new_month"} if is_of_next_month and not changed else changed)

    return why


def _kinds_of(mart: str, key: dict[str, str], measure: str) -> frozenset[str]:
    """Return the kinds of sources that a column of a mart rests on in a row."""
    every = frozenset((REPORTS, *KINDS.values()))
    if measure == "target_value":
        return frozenset()
    if mart == "source_comparison":
        columns = [name for name in ("first", "second") if measure.startswith(name)]
        return frozenset(
            KINDS.get(key.get(f"{name}_source", ""), REPORTS)
            for name in columns or ("first", "second")
        )
    if records := product(mart).records:
        return frozenset(records)
    if measure == "official_value":
        return every - {REPORTS}
    # The ends of an interval cover what every source states.
    return every if measure.endswith(("_least", "_most")) else frozenset({REPORTS})


def _reasons_of_parts(
    parts: list[_Part], before: Before, now: frozenset[str], is_touched_by_all: bool
) -> set[str]:
    """Return why what a county's sources give of a figure differs from the release before.

    What is touched by all that came is so even by a report that states nothing.
    """
    known = {
        part.report: part for part in _newest(part for part in parts if _was_known(part, before))
    }
    found = set()
    for part in _newest(part for part in parts if part.delivery_id in now):
        if _was_known(part, before):
            continue
        is_of_records = part.source_kind in ("hotline", "referral")
        if part.month > before.month or (
            is_of_records and before.compared == PREVIOUS_MONTH and part.last_month > before.month
        ):
            found |= {"new_month"} if part.is_number else set()
        elif part.report not in known:
            is_stated = is_touched_by_all or is_of_records or part.stated is not None
            found |= {"late_report"} if is_stated else set()
        elif is_of_records or part.stated != known[part.report].stated:
            found.add("correction")
    return found


def _is_new(part: _Part, before: Before, now: frozenset[str]) -> bool:
    return part.delivery_id in now and not _was_known(part, before)


def _was_known(part: _Part, before: Before) -> bool:
    return part.delivery_id in before.deliveries and part.month <= before.month


def _newest(parts: Iterable[_Part]) -> list[_Part]:
    """Return of each report the newest version alone."""
    newest: dict[Any, _Part] = {}
    for part in parts:
        if part.report not in newest or newest[part.report].version < part.version:
            newest[part.report] = part
    return list(newest.values())


#: A kind of source, and an indicator and an institution; None stands for all.
_Place = tuple[str, str | None, str | None]


def _parts(
    connection: duckdb.DuckDBPyConnection, county_code: str, month: date
) -> dict[_Place, list[_Part]]:
    """Return what sources give up to a month, by the kind, the indicator and the institution."""
    rows = connection.execute(
        "select source_kind, delivery_id, county_code, institution_code, about_month, last_month, "
        "plan_code, indicator_code, version, stated, has_number and is_counted "
        "from publication.delivery_indicators "
        "where (county_code = ? or ? = 'AL') and about_month <= ?",
        [county_code, county_code, month],
    ).fetchall()
    parts: dict[_Place, list[_Part]] = {}
    for row in rows:
        part = _Part(*row)
        for indicator in {part.indicator_code, None}:
            for institution in {part.institution_code, None}:
                place = (part.source_kind, indicator, institution)
                parts.setdefault(place, []).append(part)
    return parts


#: The spans of figures that add up month after month.
RUNNING = ("year", "cumulative")
#: How many months other spans have, which end with the month of a release.
_SPAN_MONTHS = {"month": 1, "quarter": 3, "four_months": 4, "half": 6}
#: The letter in the code of a period, and its span.
_SPAN_OF_LETTER = {"Q": "quarter", "T": "four_months", "H": "half"}


def _is_actual(measure: str) -> bool:
    return measure.startswith("actual_")


def _span(measure: str) -> str:
    """Return over which months a column of indicator_progress adds up."""
    if "cumulative" in measure:
        return "cumulative"
    of_year = ("progress_annual", "completeness", "official_value", "change_on_last_year")
    is_of_year = "year_to_date" in measure or measure in of_year
    return "year" if is_of_year else "month"


def _span_of(mart: str, key: dict[str, str], measure: str) -> str:
    """Return over which months a column of a mart adds up in a row."""
    if mart == "source_comparison":
        return {"quarterly": "quarter", "yearly": "year"}.get(key.get("frequency", ""), "month")
    if mart == "period_figures" and not measure.startswith("change_"):
        _, _, part = key["period"].partition("-")
        return _SPAN_OF_LETTER.get(part[:1], "month") if part else "year"
    # A later month may rest on the records of all before it.
    return "cumulative" if product(mart).records else _span(measure)


def _is_in(span: str, about: date, month: date) -> bool:
    months = (month.year - about.year) * 12 + month.month - about.month
    if span == "year":
        return about.year == month.year
    return span == "cumulative" or 0 <= months < _SPAN_MONTHS[span]


def _corrected_indicators(
    connection: duckdb.DuckDBPyConnection, before: Before, county_code: str, month: date
) -> set[tuple[str, str]]:
    """Return the indicators of which a correction was entered or withdrawn since a release.

    Each is its plan and its code. A correction of a month that the release doesn't have is no
    reason: the whole month is new.
    """
    rows = connection.execute(
        "select plan_code, indicator_code, remark_id from marts.remarks where kind = 'correction' "
        "and county_code = ? and reporting_month = ? and about_month <= ?",
        [county_code, month, before.month],
    ).fetchall()
    path = before.path / "remarks.parquet"
    kept = pd.read_parquet(path) if path.exists() else pd.DataFrame()
    entered_before = set()
    if len(kept):
        kept = kept[kept["kind"] == "correction"]
        entered_before = set(
            zip(kept["plan_code"], kept["indicator_code"], kept["remark_id"], strict=True)
        )
    return {(plan, indicator) for plan, indicator, _ in entered_before ^ set(rows)}


def has_rows_of(release: Path, other: Path, marts: Iterable[Product]) -> bool:
    """Return whether a release has all rows that another has of some marts."""
    for mart in marts:
        rows = _read(other, mart)
        columns = list(rows.columns)
        own = _read(release, mart).reindex(columns=columns)
        if not set(_text(rows, columns)) <= set(_text(own, columns)):
            return False
    return True


def _row_key(mart: Product) -> list[str]:
    """Return what identifies a row of a mart in its month."""
    return [name for name in mart.key if name != "reporting_month"]


def _read(previous: Path, mart: Product) -> pd.DataFrame:
    """Return a mart of an earlier release; empty where that release did not have it yet."""
    path = previous / f"{mart.name}.parquet"
    return pd.read_parquet(path) if path.exists() else pd.DataFrame(columns=list(mart.key))


def _numbers(
    frame: pd.DataFrame, mart: Product, measures: Sequence[str]
) -> dict[tuple[tuple[str, ...], str], float | None]:
    """Return numbers by the row's key but the month, as text, and the column; None for none."""
    keyed = _text(frame, _row_key(mart))
    return {
        (key, measure): None if pd.isna(value) else float(value)
        for measure in measures
        if measure in frame
        for key, value in zip(keyed, frame[measure], strict=True)
    }


def _indexed(frame: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    """Return the rows as text under their key, in which a missing value equals itself."""
    text = pd.DataFrame({name: _as_text(frame[name]) for name in frame.columns}, dtype=object)
    text.index = pd.Index(_text(frame, key), dtype=object, tupleize_cols=False)
    return text.drop(columns=list(key))


def _text(frame: pd.DataFrame, key: Sequence[str]) -> list[tuple[str, ...]]:
    columns = [_as_text(frame[name]) for name in key]
    return list(zip(*columns, strict=True))


def _as_text(values: "pd.Series[Any]") -> list[str]:
    if pd.api.types.is_datetime64_any_dtype(values):
        values = values.dt.strftime("%Y-%m-%d")
    return ["" if pd.isna(value) else _one_text(value) for value in values]


def _one_text(value: Any) -> str:
    """Return a value as text; a whole number is the same whatever type a file gave it."""
    is_whole = isinstance(value, float) and value.is_integer()
    return f"{value:.0f}" if is_whole else str(value)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: object) -> str:
    return " ".join(str(text).replace("|", "/").split())
