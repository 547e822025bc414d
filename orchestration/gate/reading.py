"""Reading public releases for disclosure: every number in every file, as an attacker would.

Belongs here: reading the files of a release, or of a draft of one. Not here: the verdict
(disclosure), what can be derived (expectations.disclosure) or what a sign means
(expectations.protection).

A file is read as it lies in the folder, whatever was meant to be in it. What isn't understood is
refused: an unread file may hold anything.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import isclose
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq

from expectations.disclosure import STATEMENT_COLUMNS, THRESHOLD_COLUMN
from expectations.protection import MASKED, SUPPRESSED, Additive, CountKey, Protection
from orchestration.products.codes import labels, signs
from orchestration.products.declaration import (
    PERSON_COUNTS,
    Tier,
    column_titled,
    product,
    products,
    published_marts,
    published_registers,
)
from orchestration.products.tree import (
    CHANGES,
    DATABASE,
    MANIFEST,
    SIGNATURE,
    SOURCES,
    VERDICT,
    WORKBOOK,
)
from orchestration.products.words import completeness_texts, restated_summary
from sources.texts import both

#: Tables that repeat, value by value, what the marts have.
REPEATING = ("changes", "observations")


@dataclass(frozen=True)
class DatedRelease:
    """A public release, or a draft of one."""

    path: Path
    #: As AL-04/2023-12/r1.
    name: str
    #: From when on it can be read: a whole number that grows from publication to publication.
    moment: int
    is_draft: bool = False


@dataclass
class PublishedNumbers:
    """What releases show of the counts of persons."""

    #: Rows of STATEMENT_COLUMNS, with the threshold of each.
    statements: list[list[object]] = field(default_factory=list)
    #: How each published count came about.
    origins: dict[CountKey, Additive] = field(default_factory=dict)
    #: What must not be published: a sentence each, from the file on.
    oddities: list[str] = field(default_factory=list)
    #: The numbers that tables of counts show, by count and column.
    shown: dict[tuple[CountKey, str], set[float]] = field(default_factory=lambda: defaultdict(set))

    def frame(self) -> pd.DataFrame:
        """Return the statements in STATEMENT_COLUMNS, with the threshold of each."""
        return pd.DataFrame(self.statements, columns=[*STATEMENT_COLUMNS, THRESHOLD_COLUMN])


#: Columns of a count that number counties, not persons.
_OF_COUNTIES = ("counties_reporting", "counties_expected")


@dataclass(frozen=True)
class DisclosureContext:
    """What the reader may rely on."""

    rules: Protection
    #: Codes of indicators about persons in any plan, and of those that share a population with one.
    protected: frozenset[str]
    #: Plan and code of each indicator that is neither: a code may mean another thing in each plan.
    free: frozenset[tuple[str, str]]
    #: Titles, descriptions and names that were written before any data came.
    texts: frozenset[str]
    #: How many reports of each county and month (2023-05) came.
    completeness: dict[tuple[str, str], dict[str, int]]

    def protects(self, plan_code: str, code: str) -> bool:
        """Return whether a code is protected; without its plan it is if it is so in any."""
        return code in self.protected and (plan_code, code) not in self.free


def read_releases(releases: Iterable[DatedRelease], context: DisclosureContext) -> PublishedNumbers:
    """Return what all releases show."""
    numbers = PublishedNumbers()
    for release in releases:
        read_release(release, context, numbers)
    return numbers


def published_parameters(rules: Protection) -> dict[str, Any]:
    """Return what a release has of the parameters that its numbers were masked with."""
    return {
        "threshold": rules.threshold,
        "base": rules.base,
        "same_persons": dict(sorted(rules.groups.items())),
    }


def _rules_of(release: DatedRelease, rules: Protection) -> Protection:
    """Return the rules that a published release was made with, as its gate.json has them."""
    if release.is_draft:
        return rules
    made_with = json.loads((release.path / VERDICT).read_text(encoding="utf-8"))["disclosure"]
    return replace(
        rules,
        threshold=made_with["threshold"],
        base=made_with["base"],
        groups=made_with.get("same_persons", rules.groups),
    )


@dataclass(frozen=True)
class _File:
    """A file of a release as it is read."""

    #: As AL-04/2023-12/r1/gate.json.
    name: str
    release: DatedRelease
    #: The rules that the release was made with.
    rules: Protection
    context: DisclosureContext
    numbers: PublishedNumbers

    def add_oddity(self, text: str) -> None:
        """Add what must not be published: a sentence that goes on from the file's name."""
        self.numbers.oddities.append(f"{self.name} {text}")


def read_release(
    release: DatedRelease, context: DisclosureContext, numbers: PublishedNumbers
) -> None:
    """Add what every file of a release shows."""
    rules = _rules_of(release, context.rules)
    repeating: list[tuple[_File, str, pd.DataFrame]] = []
    sheets: list[tuple[_File, str, pd.DataFrame]] = []
    # What the workbook's cover may have of the tables: how many rows, and restated why.
    allowed: set[str] = set()
    for path in sorted(release.path.iterdir()):
        file = _File(f"{release.name}/{path.name}", release, rules, context, numbers)
        if path.suffix in (".parquet", ".csv") or path.name in (DATABASE, WORKBOOK):
            for name, frame in _tables(path):
                if name.startswith("sheet "):
                    sheets.append((file, name, frame))
                    continue
                allowed.add(str(len(frame)))
                if name in REPEATING:
                    repeating.append((file, name, frame))
                else:
                    _read_table(file, name, frame)
                if name == "changes" and path.suffix == ".csv":
                    allowed.add(restated_summary(frame))
        elif path.name == MANIFEST:
            content = json.loads(path.read_text(encoding="utf-8"))
            came = content["release"].pop("completeness", None)
            if came is not None:
                allowed.update(completeness_texts(came))
                _read_completeness(file, came)
            _read_texts(file, content)
        elif path.name == VERDICT:
            _read_texts(file, json.loads(path.read_text(encoding="utf-8")))
        elif path.name not in (CHANGES, SIGNATURE):
            file.add_oddity("is a file that the gate can't read")
    for file, name, frame in repeating:
        _read_repeated(file, name, frame)
    for file, name, frame in sheets:
        for text in frame["text"]:
            if text not in context.texts and text not in allowed and _has_number(text):
                numbers.oddities.append(f"{file.name}, {name}, has {text!r}")
    _read_changes(_File(f"{release.name}/{CHANGES}", release, rules, context, numbers))


def _read_texts(file: _File, content: dict[str, Any]) -> None:
    for text in _unexplained(content, file.context):
        file.add_oddity(f"has {text!r}")


def _read_completeness(file: _File, came: dict[str, Any]) -> None:
    """Refuse a draft with other reports than those of its county and month."""
    *_, county_code, month, _ = file.release.name.split("/")
    if file.release.is_draft and came != file.context.completeness.get((county_code, month)):
        file.add_oddity("has reports that are not those of its month")


def _tables(path: Path) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield every table of a file."""
    if path.suffix == ".parquet":
        yield path.stem, pq.read_table(path, use_threads=False).to_pandas()
    elif path.suffix == ".csv":
        yield path.stem, pd.read_csv(path, dtype=str, keep_default_na=False)
    elif path.name == DATABASE:
        with duckdb.connect(str(path), read_only=True, config={"threads": 1}) as connection:
            tables = connection.execute(
                "select table_name from duckdb_tables() union all "
                "select view_name from duckdb_views() where not internal order by all"
            ).fetchall()
            for (name,) in tables:
                yield name, connection.execute(f'select * from "{name}"').df()
    else:
        yield from _sheets(path)


def _sheets(path: Path) -> Iterator[tuple[str, pd.DataFrame]]:
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_path(str(path))
    for sheet in book.sheet_names:
        rows = [
            [_cell_text(value) for value in row]
            for row in book.get_sheet_by_name(sheet).to_python()
        ]
        yield from _sheet(sheet, rows)


def _sheet(sheet: str, rows: list[list[str]]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield a sheet as the mart whose columns head it, or as plain text."""
    name = both("release.workbook.name")
    changes = product("changes", Tier.PUBLIC)
    # A row of changes has what identifies a row of the marts, too.
    for mart in (changes, *published_marts(Tier.PUBLIC)):
        for position, row in enumerate(rows):
            names = [column_titled(text) or text for text in row]
            if set(mart.key) <= set(names):
                frame = pd.DataFrame(rows[position + 1 :], columns=names)
                for column in set(frame.columns) & set(mart.column_names):
                    codes = {label: code for code, label in labels(column).items()}
                    frame[column] = frame[column].replace(codes)
                # A sign is no number; a name is beside the code that it is of.
                yield (
                    mart.name,
                    frame.drop(columns=name, errors="ignore").replace(list(signs().values()), ""),
                )
                rows = rows[:position] + [[text] for text in frame.get(name, [])]
                break
    yield f"sheet {sheet}", pd.DataFrame({"text": [text for row in rows for text in row if text]})


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    text = frame.copy()
    for name in text.columns:
        text[name] = [_cell_text(value) for value in frame[name].tolist()]
    return text


def _cell_text(value: Any) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _read_table(file: _File, name: str, frame: pd.DataFrame) -> None:
    declared = {one.name: one for one in products(Tier.PUBLIC)}
    columns = declared[name].column_names if name in declared else frame.columns
    for column in sorted(set(frame.columns) - set(columns)):
        file.add_oddity(f"has {column}, which isn't declared")
    if name == PERSON_COUNTS:
        for row in _rows(frame):
            _read_count(file, row)
    elif name == Path(SOURCES).stem:
        for column in ("delivery_id", "content_hash"):
            if frame[column].any():
                file.add_oddity(f"has {column}, by which a small file could be guessed")
    elif name == "codes":
        for row in _rows(frame):
            for text in row.values():
                if text not in file.context.texts and _has_number(text):
                    file.add_oddity(f"has {text!r}")
    elif name not in declared:
        file.add_oddity(f"holds {name}, which is no public table")
    elif declared[name] not in published_registers(Tier.PUBLIC) and "indicator_code" in frame:
        plans = frame["plan_code"] if "plan_code" in frame else [""] * len(frame)
        shown = set(zip(plans, frame["indicator_code"], strict=True))
        for code in sorted({code for plan, code in shown if file.context.protects(plan, code)}):
            file.add_oddity(f"shows {code}, which is protected, in a shape that is not public")


def _rows(frame: pd.DataFrame) -> Iterator[dict[str, str]]:
    """Yield each row as texts by its columns."""
    text = _as_text(frame)
    for values in text.itertuples(index=False, name=None):
        yield dict(zip(text.columns, values, strict=True))


def _read_count(file: _File, row: dict[str, str]) -> None:
    """Add what a row shows of its count: by its state, by its number, and by its percentage."""
    rules, release, numbers = file.rules, file.release, file.numbers
    count = CountKey(*(row[name] for name in CountKey._fields))
    counties = tuple(row["counties"].split())
    # What is published was held against the shapes of its day.
    if release.is_draft and not rules.may_be_shown(count, counties):
        file.add_oddity(f"shows {count}, in a shape that is not public")
        return
    number_columns = product(PERSON_COUNTS, Tier.PUBLIC).numbers
    for name, text in row.items():
        is_known = text in file.context.texts or (name, text) == ("period", count.period)
        is_odd = name not in (*number_columns, *_OF_COUNTIES) and not is_known and _has_number(text)
        if release.is_draft and is_odd:
            file.add_oddity(f"has {text!r} of {count}")
    origin = Additive(counties, row["counted_from"] != "published_figure")
    numbers.origins[count] = origin.after(numbers.origins.get(count), release.moment)
    if row["value_state"] in MASKED:
        most = rules.threshold - 1 if row["value_state"] == SUPPRESSED else None
        _add_statement(file, count, 0, most, is_masked=True)
    if row["value"]:
        _add_statement(file, count, *rules.meaning(float(row["value"]), count))
    if row["progress"] and row["target_value"]:
        target = float(row["target_value"]) / 100
        least = (float(row["progress"]) - 0.05) * target
        greatest = (float(row["progress"]) + 0.05) * target
        # A percentage of the rounded number shows nothing more; any other is of the count itself.
        if not row["value"] or not least <= float(row["value"]) <= greatest:
            _add_statement(file, count, least, greatest)
    for column in number_columns:
        if row[column]:
            numbers.shown[count, column].add(float(row[column]))


def _add_statement(
    file: _File, count: CountKey, least: float, greatest: float | None, is_masked: bool = False
) -> None:
    moment, threshold = file.release.moment, file.rules.threshold
    file.numbers.statements.append(
        [str(count), file.name, moment, least, greatest, is_masked, True, threshold]
    )


def _read_repeated(file: _File, name: str, frame: pd.DataFrame) -> None:
    """Refuse what shows anything of a value that no table of counts shows."""
    marts = {mart.name for mart in published_marts(Tier.PUBLIC)}
    for column in sorted(set(frame.columns) - set(product(name, Tier.PUBLIC).column_names)):
        file.add_oddity(f"has {column}, which isn't declared")
    for row in _rows(frame):
        parts = row["mart_row"].split("/")
        if row["mart"] not in marts:
            file.add_oddity(f"has values of {row['mart']}, which is no public table")
        elif row["mart"] != PERSON_COUNTS:
            shown = set(pairwise(["", *parts]))
            for code in sorted({code for plan, code in shown if file.context.protects(plan, code)}):
                file.add_oddity(f"shows {code}, which is protected, in a shape that is not public")
        elif not _repeats(file, row, parts):
            file.add_oddity(
                f"shows numbers of {' '.join(row.values())} that no table of counts shows"
            )
        for code_list in ("reason", "obs_status", "conf_status"):
            if not set(row.get(code_list, "").split("+")) <= {"", *labels(code_list)}:
                file.add_oddity(f"has {row[code_list]!r}")
        if _has_number(row.get("unit", "")):
            file.add_oddity(f"has {row['unit']!r}")


def _repeats(file: _File, row: dict[str, str], parts: list[str]) -> bool:
    """Return whether a row about a count has only what a table of counts showed of it."""
    count = _count_with_key([row["county_code"], *parts])
    if count is None:
        return False
    shown = file.numbers.shown.get((count, row["measure"]), set())
    numbers = [row.get(name, "") for name in ("obs_value", "value_before", "value_after")]
    if any(number and float(number) not in shown for number in numbers):
        return False
    old, new = row.get("value_before", ""), row.get("value_after", "")
    change = float(new) - float(old) if old and new else None
    relative = change / float(old) if change is not None and float(old) else None
    return all(
        not row.get(name) or (true is not None and isclose(float(row[name]), true, abs_tol=1e-9))
        for name, true in (("change", change), ("relative_change", relative))
    )


def _read_changes(file: _File) -> None:
    """Add the numbers that the list of changes has of a count; any other number is unexplained."""
    marts = {mart.name for mart in published_marts(Tier.PUBLIC)}
    table = ""
    for line in (file.release.path / CHANGES).read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            table = line[3:].strip()
            continue
        fields = [part.strip() for part in line.strip().strip("|").split("|")]
        if table == PERSON_COUNTS and line.startswith("|") and len(fields) > 2:
            count = _count_with_key(fields[0].split(" ", len(CountKey._fields) - 1))
            if count is not None:
                _read_change(file, count, fields[1], fields[2:])
                continue
        if table not in marts - {PERSON_COUNTS} and _has_number(line):
            file.add_oddity(f"has {line!r}")


def _read_change(file: _File, count: CountKey, column: str, texts: list[str]) -> None:
    """Add what a line of changes has of a count; a number that some table shows is nothing new."""
    if column in _OF_COUNTIES:
        return
    for text in texts:
        if not re.fullmatch(r"\d+(\.\d+)?", text):
            if _has_number(text):
                file.add_oddity(f"has {text!r}")
        elif float(text) in file.numbers.shown.get((count, column), set()):
            continue
        elif column == "value":
            _add_statement(file, count, *file.rules.meaning(float(text), count))
        else:
            file.add_oddity(f"has {text!r} of {count}")


def _count_with_key(parts: list[str]) -> CountKey | None:
    """Return the count of person_counts with these parts of a key, None if they don't fit."""
    key = product(PERSON_COUNTS, Tier.PUBLIC).key
    return CountKey(**dict(zip(key, parts, strict=True))) if len(parts) == len(key) else None


#: Keys of the manifest and of gate.json whose numbers show nothing of a count.
_HARMLESS = ("bytes", "number", "threshold", "base", "masked_cells", "every_masked_cell_covers")

#: Digits that are no number: dates, periods, hashes, codes, names of releases, ages.
_TOKENS = re.compile(
    r"sha256:[0-9a-f]{64}|\b[0-9a-f]{16,64}\b"
    r"|\d{4}-\d{2}(-\d{2})?(T[\d:.]+(Z|\+00:00)?| 00:00:00)?|\d{4}-Q\d"
    r"|AL-\d{2}\b|-al-\d{2}\b|\br\d+\b|\b\d\.\d\.\d+(\.\d+)?\b|\b\d+\.0\.0\b|0-17|18\+"
    r"|datapackage\.org/profiles/2\.0|116-006|utf-8|phone_116006"
)


def _has_number(text: str) -> bool:
    """Return whether a text has a digit that is no part of a date, code, hash or the like."""
    return re.search(r"\d", _TOKENS.sub("", text)) is not None


def _unexplained(content: Any, context: DisclosureContext, key: str = "") -> Iterator[str]:
    """Yield every text and number of a JSON file that could show a count."""
    if isinstance(content, dict):
        for name, value in content.items():
            yield from _unexplained(value, context, name)
    elif isinstance(content, list):
        for value in content:
            yield from _unexplained(value, context, key)
    elif isinstance(content, bool) or content is None:
        return
    elif isinstance(content, int | float):
        if key not in _HARMLESS:
            yield f"{key}: {content}"
    elif content not in context.texts and _has_number(content):
        yield f"{key}: {content}"
