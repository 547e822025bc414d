"""What releases of the public tier say, read back from their files, and the verdict on it.

Belongs here: reading every file of every public release as an attacker would, and keeping the
verdict. Not here: what can be derived (expectations.disclosure) or what a sign means
(expectations.protection).

A file is read as it lies in the folder, whatever was meant to be in it. What isn't understood is
refused: an unread file may hold anything.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq

from expectations.disclosure import STATEMENT_COLUMNS, Verdict, audit
from expectations.protection import (
    MASKED,
    SUPPRESSED,
    Additive,
    Cell,
    Protection,
    relations_among,
)
from orchestration.publication.marts import column_titled, public_marts
from orchestration.publication.tree import MANIFEST, SIGNATURE, releases_in
from orchestration.publication.workbook import NAME, SIGNS
from sources.home import Home

TIER = "public"
COUNTS = "person_counts"
DATABASE = "mart.duckdb"
WORKBOOK = "marts.xlsx"
REGISTERS = ("counties", "indicators", "institutions")

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


@dataclass
class Reading:
    """What the folders say: statements, how published counts came about, and what can't stay."""

    statements: list[list[object]] = field(default_factory=list)
    origins: dict[Cell, Additive] = field(default_factory=dict)
    oddities: list[str] = field(default_factory=list)

    def frame(self) -> pd.DataFrame:
        """Return the statements in STATEMENT_COLUMNS."""
        return pd.DataFrame(self.statements, columns=list(STATEMENT_COLUMNS))


@dataclass(frozen=True)
class Known:
    """What the reader may take for granted: rules, protected indicators, and texts of the project.

    `texts` are titles and descriptions that were written before any data came, `columns` those of
    each public table.
    """

    rules: Protection
    protected: frozenset[str]
    texts: frozenset[str]
    columns: dict[str, tuple[str, ...]]


def standing(tree: Path, years: Iterable[str]) -> list[Folder]:
    """Return the public releases of the months of some years, in the order they came out.

    A release's moment is its day and number: counts of one year are tied to no other year's.
    """
    chosen = set(years)
    listed = [
        release
        for release in releases_in(tree)
        if release.tier == TIER and release.month[:4] in chosen
    ]
    moments = sorted({(one.facts["released_on"], one.number) for one in listed})
    return [
        Folder(
            path=one.path,
            name=f"{one.county_code}/{one.month}/r{one.number}",
            moment=1 + moments.index((one.facts["released_on"], one.number)),
        )
        for one in listed
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
    path = _record_path(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(
        json.dumps(asdict(record), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    fresh.replace(path)


def newest_record(home: Home) -> DisclosureRecord | None:
    """Return the newest record, or None where nothing was judged."""
    path = _record_path(home)
    if not path.exists():
        return None
    return DisclosureRecord(**json.loads(path.read_text(encoding="utf-8")))


def _record_path(home: Home) -> Path:
    return home.gate / "disclosure.json"


def read_folder(folder: Folder, known: Known, reading: Reading) -> None:
    """Add what every file of a folder says."""
    # The workbook's cover tells how many rows each table has, so it is read after them.
    sizes: set[int] = set()
    for path in sorted(folder.path.iterdir(), key=lambda path: (path.name == WORKBOOK, path)):
        place = f"{folder.name}/{path.name}"
        if path.suffix in (".parquet", ".csv") or path.name in (DATABASE, WORKBOOK):
            for name, frame in _tables(path):
                if name.startswith("sheet "):
                    reading.oddities += [
                        f"{place}, {name}, says {text!r}"
                        for text in frame["text"]
                        if text not in known.texts and _leftover(text)
                        if not (text.isdigit() and int(text) in sizes)
                    ]
                else:
                    sizes.add(len(frame))
                    _read_table(place, name, frame, folder, known, reading)
        elif path.name in (MANIFEST, "gate.json"):
            content = json.loads(path.read_text(encoding="utf-8"))
            reading.oddities += [f"{place} says {text!r}" for text in _unexplained(content, known)]
        elif path.name not in ("CHANGES.md", SIGNATURE):
            reading.oddities.append(f"{place} is a file that the gate can't read")
    changes = folder.path / "CHANGES.md"
    _read_changes(f"{folder.name}/{changes.name}", changes, folder, known, reading)


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
    for mart in public_marts():
        for position, row in enumerate(rows):
            names = [column_titled(text) or text for text in row]
            if set(mart.key) <= set(names):
                frame = pd.DataFrame(rows[position + 1 :], columns=names)
                # A sign says that there is no number; a name stands beside the code that it is of.
                yield mart.name, frame.drop(columns=NAME, errors="ignore").replace(_NO_NUMBER, "")
                rows = rows[:position] + [[text] for text in frame.get(NAME, [])]
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


def _read_table(
    place: str,
    name: str,
    frame: pd.DataFrame,
    folder: Folder,
    known: Known,
    reading: Reading,
) -> None:
    undeclared = set(frame.columns) - set(known.columns.get(name, frame.columns))
    reading.oddities += [f"{place} has {column}, which isn't declared" for column in undeclared]
    if name == COUNTS:
        text = _as_text(frame)
        for values in text.itertuples(index=False, name=None):
            row = dict(zip(text.columns, values, strict=True))
            _read_count(place, row, folder, known, reading)
    elif name == "sources":
        reading.oddities += [
            f"{place} has {column}, by which a small file could be guessed"
            for column in ("delivery_id", "content_hash")
            if frame[column].any()
        ]
    elif name not in known.columns:
        reading.oddities.append(f"{place} holds {name}, which is no public table")
    elif name not in REGISTERS and "indicator_code" in frame:
        reading.oddities += [
            f"{place} shows {code}, which is protected, in a shape that is not public"
            for code in sorted(set(frame["indicator_code"]) & known.protected)
        ]


def _read_count(
    place: str, row: dict[str, str], folder: Folder, known: Known, reading: Reading
) -> None:
    """Add what a row says of its count: by its state, by its number, and by its percentage."""
    rules = known.rules
    cell = Cell(
        *(row[name] for name in ("subject", "county_code", "period", "dimension", "category"))
    )
    counties = tuple(row["counties"].split())
    if not rules.may_be_shown(cell, counties):
        reading.oddities.append(f"{place} shows {cell}, in a shape that is not public")
        return
    origin = Additive(counties, row["counted_from"] != "published_figure")
    reading.origins[cell] = origin
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
    reading.statements += [
        [str(cell), place, folder.moment, least, greatest, is_masked, True]
        for least, greatest, is_masked in said
    ]


def _read_changes(place: str, path: Path, folder: Folder, known: Known, reading: Reading) -> None:
    """Add the numbers that the list of changes has of a count; any other number is unexplained."""
    table = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            table = line[3:].strip()
            continue
        fields = [part.strip() for part in line.strip().strip("|").split("|")]
        if table == COUNTS and line.startswith("|") and len(fields) > 2:
            cell = _cell_of_key(fields[0])
            if cell is not None:
                reading.statements += [
                    [
                        str(cell),
                        place,
                        folder.moment,
                        *known.rules.meaning(float(number), cell),
                        False,
                        True,
                    ]
                    for number in fields[2:]
                    if fields[1] == "value" and re.fullmatch(r"\d+(\.\d+)?", number)
                    if not _is_published(cell, float(number), known, reading)
                ]
                continue
        if table not in ("indicator_progress", "reporting_completeness") and _leftover(line):
            reading.oddities.append(f"{place} says {line!r}")


def _is_published(cell: Cell, number: float, known: Known, reading: Reading) -> bool:
    """Tell whether some table shows the number of the cell, now or earlier."""
    meaning = list(known.rules.meaning(number, cell))
    return any(
        row[0] == str(cell) and row[3:5] == meaning and not row[5] for row in reading.statements
    )


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
    r"sha256:[0-9a-f]{64}|\b[0-9a-f]{16,64}\b|\d{4}-\d{2}(-\d{2})?(T[\d:.]+Z?)?|\d{4}-Q\d"
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
