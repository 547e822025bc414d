"""What releases of the public tier say, read back from their files, and the verdict on it.

Belongs here: reading every file of every public release as an attacker would, and keeping the
verdict. Not here: what can be derived (expectations.disclosure) or what a sign means
(expectations.protection).

A file is read as it lies in the folder, whatever was meant to be in it. What isn't understood is
refused: an unread file may hold anything.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from math import isclose
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq

from expectations.disclosure import STATEMENT_COLUMNS, THRESHOLD_COLUMN, Verdict, audit
from expectations.protection import (
    MASKED,
    SUPPRESSED,
    Additive,
    Cell,
    Protection,
    relations_among,
)
from orchestration.products.codes import CODES, labels
from orchestration.products.derived import OBSERVATIONS, RESTATEMENTS
from orchestration.products.marts import column_titled, public_marts
from orchestration.products.tree import MANIFEST, SIGNATURE, Listed, releases_in
from orchestration.products.words import SIGNS, restated_summary
from sources.atomic import write_json
from sources.custody.home import Home
from sources.texts import both

TIER = "public"
COUNTS = "person_counts"
DATABASE = "mart.duckdb"
WORKBOOK = "marts.xlsx"
REGISTERS = ("counties", "indicators", "institutions")

#: Tables that say again, value by value, what the marts say.
REPEATING = (RESTATEMENTS.name, OBSERVATIONS.name)

#: The columns of a table of counts that hold numbers; no other tells one.
NUMBERS = ("value", "target_value", "progress")

_NO_NUMBER = list(SIGNS.values())


class DisclosureRefused(RuntimeError):
    """Something small could be derived from what would be published: nothing is."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__(
            f"the gate of disclosure refuses the public tier: {'; '.join(reasons[:3])}"
            + (f"; and {len(reasons) - 3} more" if len(reasons) > 3 else "")
        )
        self.reasons = reasons


@dataclass(frozen=True)
class Folder:
    """A release or a draft of one, with the moment from which it can be read."""

    path: Path
    name: str
    moment: int
    is_draft: bool = False


@dataclass
class Reading:
    """What the folders say: statements, how published counts came about, and what can't stay.

    `shown` has every number that a table of counts shows, by its count and column.
    """

    statements: list[list[object]] = field(default_factory=list)
    origins: dict[Cell, Additive] = field(default_factory=dict)
    oddities: list[str] = field(default_factory=list)
    shown: dict[tuple[Cell, str], set[float]] = field(default_factory=lambda: defaultdict(set))

    def frame(self) -> pd.DataFrame:
        """Return the statements in STATEMENT_COLUMNS, with the threshold of each."""
        return pd.DataFrame(self.statements, columns=[*STATEMENT_COLUMNS, THRESHOLD_COLUMN])


@dataclass(frozen=True)
class Known:
    """What the reader may take for granted: rules, protected indicators, and texts of the project.

    `texts` are titles and descriptions that were written before any data came, `columns` those of
    each public table, `completeness` how many reports of each county and month (2023-05) came.
    """

    rules: Protection
    protected: frozenset[str]
    texts: frozenset[str]
    columns: dict[str, tuple[str, ...]]
    completeness: dict[tuple[str, str], dict[str, int]]


@dataclass(frozen=True)
class Publication:
    """What the home keeps of a public release: when it came out among the others, and the hash of
    the restricted marts that it shows, as the gate judged them.
    """

    moment: int
    content_hash: str | None


def publications(home: Home) -> dict[str, Publication]:
    """Return what is kept of each public release, by its name (AL-04/2023-12/r1)."""
    path = _publications_path(home)
    if not path.exists():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    return {name: Publication(**entry) for name, entry in content.items()}


def note_publications(home: Home, made: Mapping[str, Publication]) -> None:
    """Keep what is to be known of new public releases."""
    kept = {name: asdict(entry) for name, entry in {**publications(home), **made}.items()}
    write_json(_publications_path(home), kept)


def standing(home: Home, years: Iterable[str]) -> list[Folder]:
    """Return the public releases of the months of some years, each with its moment.

    Those that came out in one run share it. Where the home does not tell, the day and the number
    do. Counts of one year are tied to no other year's.
    """
    chosen = set(years)
    kept = publications(home)
    found: list[tuple[tuple[str, int, int], Listed, str]] = []
    for one in releases_in(home.releases):
        if one.tier == TIER and one.month[:4] in chosen:
            name = f"{one.county_code}/{one.month}/r{one.number}"
            told = kept.get(name)
            order = (told.moment, 0) if told else (0, one.number)
            found.append(((one.facts["released_on"], *order), one, name))
    moments = sorted({order for order, _, _ in found})
    return [
        Folder(path=one.path, name=name, moment=1 + moments.index(order))
        for order, one, name in found
    ]


def read_releases(folders: Iterable[Folder], known: Known) -> Reading:
    """Return what all folders say."""
    reading = Reading()
    for folder in folders:
        read_folder(folder, known, reading)
    return reading


def judge_disclosure(reading: Reading, known: Known) -> Verdict:
    """Return the verdict on everything that was read, drafts among it."""
    relations = relations_among(reading.origins, known.rules)
    return audit(reading.frame(), relations, known.rules.threshold, in_full=False)


def explain(reading: Reading, known: Known) -> tuple[str, ...]:
    """Return each reason against what was read, in words: the cell, its range, and the tables."""
    relations = relations_among(reading.origins, known.rules)
    verdict = audit(reading.frame(), relations, known.rules.threshold)
    return (
        *reading.oddities,
        *(
            f"{leak.cell} is known to be {leak.least} to {leak.greatest} from "
            f"{', '.join(leak.tables)}"
            for leak in verdict.leaks
        ),
        *(
            [f"contradicting: {', '.join(verdict.contradictions)}"]
            if verdict.contradictions
            else []
        ),
    )


@dataclass(frozen=True)
class DisclosureRecord:
    """The newest verdict, kept in full for the analyst; it never leaves the home.

    `inputs` identifies everything that was judged and the conditions: the same needs no second
    look. `reasons` say which count is known too well, and from which tables.
    """

    judged_on: str
    inputs: str
    verdict: str
    masked_cells: int
    reasons: list[str]


def keep_record(home: Home, record: DisclosureRecord) -> None:
    """Keep the record as the newest."""
    write_json(_record_path(home), asdict(record))


def newest_record(home: Home) -> DisclosureRecord | None:
    """Return the newest record, or None where nothing was judged."""
    path = _record_path(home)
    if not path.exists():
        return None
    return DisclosureRecord(**json.loads(path.read_text(encoding="utf-8")))


def _record_path(home: Home) -> Path:
    return home.gate / "disclosure.json"


def _publications_path(home: Home) -> Path:
    return home.gate / "public.json"


def parameters_told(rules: Protection) -> dict[str, Any]:
    """Return what a release says of the parameters that its numbers were masked with."""
    return {
        "threshold": rules.threshold,
        "base": rules.base,
        "same_persons": dict(sorted(rules.groups.items())),
    }


def _rules_of(folder: Folder, rules: Protection) -> Protection:
    """Return the rules that a standing release was made with, as its gate.json tells."""
    if folder.is_draft:
        return rules
    told = json.loads((folder.path / "gate.json").read_text(encoding="utf-8"))["disclosure"]
    return replace(
        rules,
        threshold=told["threshold"],
        base=told["base"],
        groups=told.get("same_persons", rules.groups),
    )


@dataclass(frozen=True)
class _Page:
    """A file of a folder as it is read: its place, the folder, and the rules it was made by."""

    place: str
    folder: Folder
    rules: Protection
    known: Known
    reading: Reading

    def odd(self, text: str) -> None:
        """Note what can't stay: a sentence that goes on from the place."""
        self.reading.oddities.append(f"{self.place} {text}")


def read_folder(folder: Folder, known: Known, reading: Reading) -> None:
    """Add what every file of a folder says."""
    rules = _rules_of(folder, known.rules)
    repeating: list[tuple[_Page, str, pd.DataFrame]] = []
    sheets: list[tuple[_Page, str, pd.DataFrame]] = []
    # What the workbook's cover may tell of the tables: how many rows, and restated why.
    allowed: set[str] = set()
    for path in sorted(folder.path.iterdir()):
        page = _Page(f"{folder.name}/{path.name}", folder, rules, known, reading)
        if path.suffix in (".parquet", ".csv") or path.name in (DATABASE, WORKBOOK):
            for name, frame in _tables(path):
                if name.startswith("sheet "):
                    sheets.append((page, name, frame))
                    continue
                allowed.add(str(len(frame)))
                if name in REPEATING:
                    repeating.append((page, name, frame))
                else:
                    _read_table(page, name, frame)
                if name == RESTATEMENTS.name and path.suffix == ".csv":
                    allowed.add(restated_summary(frame))
        elif path.name == MANIFEST:
            content = json.loads(path.read_text(encoding="utf-8"))
            came = content["release"].pop("completeness", None)
            if came is not None:
                allowed.add(both("release.completeness", **came))
                _read_completeness(page, came)
            _read_texts(page, content)
        elif path.name == "gate.json":
            _read_texts(page, json.loads(path.read_text(encoding="utf-8")))
        elif path.name not in ("CHANGES.md", SIGNATURE):
            page.odd("is a file that the gate can't read")
    for page, name, frame in repeating:
        _read_repeated(page, name, frame)
    for page, name, frame in sheets:
        for text in frame["text"]:
            if text not in known.texts and text not in allowed and _leftover(text):
                reading.oddities.append(f"{page.place}, {name}, says {text!r}")
    _read_changes(_Page(f"{folder.name}/CHANGES.md", folder, rules, known, reading))


def _read_texts(page: _Page, content: dict[str, Any]) -> None:
    for text in _unexplained(content, page.known):
        page.odd(f"says {text!r}")


def _read_completeness(page: _Page, came: dict[str, Any]) -> None:
    """Refuse a draft that tells of other reports than those of its county and month."""
    *_, county_code, month, _ = page.folder.name.split("/")
    if page.folder.is_draft and came != page.known.completeness.get((county_code, month)):
        page.odd("tells of reports that are not those of its month")


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
    for mart in (*public_marts(), RESTATEMENTS):
        for position, row in enumerate(rows):
            names = [column_titled(text) or text for text in row]
            if set(mart.key) <= set(names):
                frame = pd.DataFrame(rows[position + 1 :], columns=names)
                # A sign says that there is no number; a name stands beside the code that it is of.
                yield mart.name, frame.drop(columns=name, errors="ignore").replace(_NO_NUMBER, "")
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


def _read_table(page: _Page, name: str, frame: pd.DataFrame) -> None:
    known = page.known
    undeclared = set(frame.columns) - set(known.columns.get(name, frame.columns))
    for column in sorted(undeclared):
        page.odd(f"has {column}, which isn't declared")
    if name == COUNTS:
        for row in _rows(frame):
            _read_count(page, row)
    elif name == "sources":
        for column in ("delivery_id", "content_hash"):
            if frame[column].any():
                page.odd(f"has {column}, by which a small file could be guessed")
    elif name == CODES.name:
        for row in _rows(frame):
            for text in row.values():
                if _leftover(text):
                    page.odd(f"says {text!r}")
    elif name not in known.columns:
        page.odd(f"holds {name}, which is no public table")
    elif name not in REGISTERS and "indicator_code" in frame:
        for code in sorted(set(frame["indicator_code"]) & known.protected):
            page.odd(f"shows {code}, which is protected, in a shape that is not public")


def _rows(frame: pd.DataFrame) -> Iterator[dict[str, str]]:
    """Yield each row as texts by its columns."""
    text = _as_text(frame)
    for values in text.itertuples(index=False, name=None):
        yield dict(zip(text.columns, values, strict=True))


def _read_count(page: _Page, row: dict[str, str]) -> None:
    """Add what a row says of its count: by its state, by its number, and by its percentage."""
    rules, folder, reading = page.rules, page.folder, page.reading
    cell = Cell(
        *(row[name] for name in ("subject", "county_code", "period", "dimension", "category"))
    )
    counties = tuple(row["counties"].split())
    # What stands was held against the shapes of its day.
    if folder.is_draft and not rules.may_be_shown(cell, counties):
        page.odd(f"shows {cell}, in a shape that is not public")
        return
    for name, text in row.items():
        is_told = name not in NUMBERS and _leftover(text) and text not in page.known.texts
        if folder.is_draft and is_told and (name, text) != ("period", cell.period):
            page.odd(f"says {text!r} of {cell}")
    origin = Additive(counties, row["counted_from"] != "published_figure")
    reading.origins[cell] = origin.after(reading.origins.get(cell), folder.moment)
    said: list[tuple[float, float | None, bool]] = []
    if row["value_state"] in MASKED:
        most = rules.threshold - 1 if row["value_state"] == SUPPRESSED else None
        said.append((0, most, True))
    if row["value"]:
        said.append((*rules.meaning(float(row["value"]), cell), False))
    if row["progress"] and row["target_value"]:
        target = float(row["target_value"]) / 100
        least = (float(row["progress"]) - 0.05) * target
        greatest = (float(row["progress"]) + 0.05) * target
        # A percentage of the rounded number says nothing more; any other is of the count itself.
        if not row["value"] or not least <= float(row["value"]) <= greatest:
            said.append((least, greatest, False))
    for column in NUMBERS:
        if row[column]:
            reading.shown[cell, column].add(float(row[column]))
    for bounds in said:
        _state(page, cell, *bounds)


def _state(
    page: _Page, cell: Cell, least: float, greatest: float | None, is_masked: bool = False
) -> None:
    """Add a statement on a count."""
    moment, threshold = page.folder.moment, page.rules.threshold
    page.reading.statements.append(
        [str(cell), page.place, moment, least, greatest, is_masked, True, threshold]
    )


def _read_repeated(page: _Page, name: str, frame: pd.DataFrame) -> None:
    """Refuse what tells of a value anything that no table of counts shows."""
    told = {mart.name for mart in public_marts()}
    for column in sorted(set(frame.columns) - set(page.known.columns[name])):
        page.odd(f"has {column}, which isn't declared")
    for row in _rows(frame):
        parts = row["mart_row"].split("/")
        if row["mart"] not in told:
            page.odd(f"tells of {row['mart']}, which is no public table")
        elif row["mart"] != COUNTS:
            for code in sorted(set(parts) & page.known.protected):
                page.odd(f"shows {code}, which is protected, in a shape that is not public")
        elif not _repeats(page, row, parts):
            page.odd(f"shows numbers of {' '.join(row.values())} that no table of counts shows")
        for code_list in ("reason", "obs_status", "conf_status"):
            if not set(row.get(code_list, "").split("+")) <= {"", *_words(code_list)}:
                page.odd(f"says {row[code_list]!r}")
        if _leftover(row.get("unit", "")):
            page.odd(f"says {row['unit']!r}")


def _repeats(page: _Page, row: dict[str, str], parts: list[str]) -> bool:
    """Tell whether a row about a count says only what a table of counts said of it."""
    if len(parts) != 4:
        return False
    period, subject, dimension, category = parts
    cell = Cell(subject, row["county_code"], period, dimension, category)
    shown = page.reading.shown.get((cell, row["measure"]), set())
    numbers = [row.get(name, "") for name in ("obs_value", "old_value", "new_value")]
    if any(number and float(number) not in shown for number in numbers):
        return False
    old, new = row.get("old_value", ""), row.get("new_value", "")
    change = float(new) - float(old) if old and new else None
    relative = change / float(old) if change is not None and float(old) else None
    return all(
        not row.get(name) or (true is not None and isclose(float(row[name]), true, abs_tol=1e-9))
        for name, true in (("change", change), ("relative_change", relative))
    )


def _words(code_list: str) -> set[str]:
    """Return the codes of a list and their names."""
    words = labels(code_list)
    return {*words, *words.values()}


def _read_changes(page: _Page) -> None:
    """Add the numbers that the list of changes has of a count; any other number is unexplained."""
    table = ""
    path = page.folder.path / "CHANGES.md"
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            table = line[3:].strip()
            continue
        fields = [part.strip() for part in line.strip().strip("|").split("|")]
        if table == COUNTS and line.startswith("|") and len(fields) > 2:
            cell = _cell_of_key(fields[0])
            if cell is not None:
                _read_change(page, cell, fields[1], fields[2:])
                continue
        if table not in ("indicator_progress", "reporting_completeness") and _leftover(line):
            page.odd(f"says {line!r}")


def _read_change(page: _Page, cell: Cell, column: str, told: list[str]) -> None:
    """Add what a line of changes says of a count; a number that some table shows is nothing new."""
    for text in told:
        if not re.fullmatch(r"\d+(\.\d+)?", text):
            if _leftover(text):
                page.odd(f"says {text!r}")
        elif float(text) in page.reading.shown.get((cell, column), set()):
            continue
        elif column == "value":
            _state(page, cell, *page.rules.meaning(float(text), cell))
        else:
            page.odd(f"says {text!r} of {cell}")


def _cell_of_key(text: str) -> Cell | None:
    """Return the cell whose key a line of changes names: county, period, subject, dimension."""
    parts = text.split(" ", 4)
    if len(parts) != 5:
        return None
    county_code, period, subject, dimension, category = parts
    return Cell(subject, county_code, period, dimension, category)


#: Keys of the manifest and of gate.json whose numbers say nothing of a count.
_HARMLESS = ("bytes", "number", "threshold", "base", "masked_cells", "every_masked_cell_covers")

#: Digits that are no number: dates, periods, hashes, codes, names of releases, ages.
_TOKENS = re.compile(
    r"sha256:[0-9a-f]{64}|\b[0-9a-f]{16,64}\b"
    r"|\d{4}-\d{2}(-\d{2})?(T[\d:.]+(Z|\+00:00)?| 00:00:00)?|\d{4}-Q\d"
    r"|AL-\d{2}\b|-al-\d{2}\b|\br\d+\b|\b\d\.\d\.\d+(\.\d+)?\b|\b\d+\.0\.0\b|0-17|18\+"
    r"|datapackage\.org/profiles/2\.0|116-006|utf-8|phone_116006"
)


def _leftover(text: str) -> bool:
    return re.search(r"\d", _TOKENS.sub("", text)) is not None


def _unexplained(content: Any, known: Known, key: str = "") -> Iterator[str]:
    """Yield every text and number of a JSON file that could tell a count."""
    if isinstance(content, dict):
        for name, value in content.items():
            yield from _unexplained(value, known, name)
    elif isinstance(content, list):
        for value in content:
            yield from _unexplained(value, known, key)
    elif isinstance(content, bool) or content is None:
        return
    elif isinstance(content, int | float):
        if key not in _HARMLESS:
            yield f"{key}: {content}"
    elif content not in known.texts and _leftover(content):
        yield f"{key}: {content}"
