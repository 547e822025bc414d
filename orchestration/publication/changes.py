"""What changed between two releases of the same county and month, row by row, with the reason.

Belongs here: the comparison, the reasons, and the shape of CHANGES.md. Not here: its words
(sources/texts/release.yml), or where releases lie (tree).

A reason is derived from what is new since the release before: a first report that came (late), a
report that superseded another or a correction entered (corrected), registers or models that
changed (definition), decisions on the linkage of records (linked). Where none of them touches a
value the reason is `unexplained`, which is for someone to look into.
"""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from orchestration.products.codes import labels
from orchestration.products.declaration import Product, product
from orchestration.products.tables import ProductTable, table_of
from sources.texts import both, keys

UNEXPLAINED = "unexplained"

#: Why a row of a mart changed: from its name and the row's key to reasons joined by "+".
WhyChanged = Callable[[str, dict[str, str]], str]


def unexplained(_mart: str, _key: dict[str, str]) -> str:
    """Return the reason where nothing is known of what is new."""
    return UNEXPLAINED


def joined(reasons: set[str]) -> str:
    """Return reasons in one word, in the order of their list; without any it is unexplained."""
    order = labels("reason")
    return "+".join(reason for reason in order if reason in reasons) or UNEXPLAINED


def restatements(
    previous: Path | None,
    tables: Sequence[ProductTable],
    why: WhyChanged,
    county_code: str,
    month: Any,
) -> ProductTable:
    """Return each number of `tables` that differs from the release in the folder `previous`.

    A number that was not there before, or is no more, has no old or new value. Relative change is
    the change over the old value, empty where that is 0.
    """
    rows = []
    for table in tables:
        if previous is None:
            break
        mart = table.product
        before = _numbers(_read(previous, mart), mart)
        after = _numbers(table.frame, mart)
        for key, measure in sorted(before.keys() | after.keys()):
            old, new = before.get((key, measure)), after.get((key, measure))
            if old == new:
                continue
            row = dict(zip(mart.key, key, strict=True))
            change = new - old if old is not None and new is not None else None
            rows.append(
                (
                    county_code,
                    month,
                    mart.name,
                    mart.row_name(row),
                    measure,
                    old,
                    new,
                    change,
                    change / old if change is not None and old else None,
                    why(mart.name, row),
                )
            )
    restated = product("restatements")
    return table_of(restated, pd.DataFrame(rows, columns=list(restated.column_names)))


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
        for key in after.index.intersection(before.index):
            for name in after.columns.intersection(before.columns):
                old, new = str(before.at[key, name]), str(after.at[key, name])
                if old != new:
                    changed.append((key, name, old, new))
        if not changed:
            continue
        lines += ["", f"## {mart.name}", "", _line(headings), _line(["---"] * len(headings))]
        for key, name, old, new in changed:
            reason = ""
            if mart.numbers and why is not None:
                reason = why(mart.name, dict(zip(mart.key, key, strict=True)))
                used |= set(reason.split("+"))
            cells = (" ".join(key), name, old, new, reason)
            lines.append(_line([_cell(cell) for cell in cells]))
    if used:
        lines += ["", *(f"- {reason}: {names[reason]}." for reason in names if reason in used)]
    return "\n".join(lines) + "\n"


def reasons_since(
    connection: duckdb.DuckDBPyConnection,
    previous: Path | None,
    sources: Sequence[tuple[Any, ...]],
    county_code: str,
    changed_hashes: Sequence[str],
) -> WhyChanged:
    """Return why rows of the restricted marts changed since the release in `previous`.

    `sources` are this release's, the delivery's id first; `changed_hashes` names which of
    definition and linked changed as a whole.
    """
    if previous is None:
        return unexplained
    with (previous / "sources.csv").open(encoding="utf-8", newline="") as file:
        known = {row["delivery_id"] for row in csv.DictReader(file) if row["status"] != "refused"}
    fresh = sorted({str(row[0]) for row in sources} - known)
    reported = connection.execute(
        "select plan_code, indicator_code, institution_code, version "
        "from publication.delivery_indicators "
        "where list_contains(?, delivery_id) and (county_code = ? or ? = 'AL')",
        [fresh, county_code, county_code],
    ).fetchall()
    kinds = {row[0] for row in connection.execute(
        "select distinct source from raw.deliveries where list_contains(?, delivery_id)", [fresh]
    ).fetchall()}  # fmt: skip
    corrected = _corrected_indicators(connection, previous, county_code)

    def why(mart: str, key: dict[str, str]) -> str:
        found = set()
        for plan, indicator, institution, version in reported:
            if not _is_of(key, plan, indicator):
                continue
            if key.get("institution_code", institution) != institution:
                continue
            # A row of neither an indicator nor an institution is counted from records alone.
            if {"indicator_code", "institution_code"} & key.keys():
                found.add("late" if version == 1 else "corrected")
        if "indicator_code" in key and any(_is_of(key, *each) for each in corrected):
            found.add("corrected")
        records = product(mart).records
        if kinds & set(records):
            found.add("late")
        if "definition" in changed_hashes:
            found.add("definition")
        if "linked" in changed_hashes and "referral" in records:
            found.add("linked")
        return joined(found)

    return why


def _is_of(key: dict[str, str], plan: str, indicator: str) -> bool:
    """Tell whether a row is of a plan's indicator, as far as its key holds plan and indicator."""
    return key.get("plan_code", plan) == plan and key.get("indicator_code", indicator) == indicator


def _corrected_indicators(
    connection: duckdb.DuckDBPyConnection, previous: Path, county_code: str
) -> set[tuple[str, str]]:
    """Return the indicators of which a correction was entered or withdrawn since `previous`.

    Each is its plan and its code.
    """
    rows = connection.execute(
        "select plan_code, indicator_code, remark_id from marts.remarks "
        "where kind = 'correction' and county_code = ?",
        [county_code],
    ).fetchall()
    path = previous / "remarks.parquet"
    before = pd.read_parquet(path) if path.exists() else pd.DataFrame()
    entered_before = set()
    if len(before):
        kept = before[before["kind"] == "correction"]
        entered_before = set(
            zip(kept["plan_code"], kept["indicator_code"], kept["remark_id"], strict=True)
        )
    return {(plan, indicator) for plan, indicator, _ in entered_before ^ set(rows)}


def _read(previous: Path, mart: Product) -> pd.DataFrame:
    """Return a mart of an earlier release; empty where that release did not have it yet."""
    path = previous / f"{mart.name}.parquet"
    return pd.read_parquet(path) if path.exists() else pd.DataFrame(columns=list(mart.key))


def _numbers(frame: pd.DataFrame, mart: Product) -> dict[tuple[tuple[str, ...], str], float | None]:
    """Return the numbers by the row's key, as text, and the column; None where one is empty."""
    measures = [name for name in mart.numbers if name in frame]
    keyed = _text(frame, mart.key)
    return {
        (key, measure): None if pd.isna(value) else float(value)
        for measure in measures
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
