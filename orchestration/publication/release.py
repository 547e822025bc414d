"""A release: one county's month, written once, whole, and never changed.

Belongs here: the folder of a release and the files in it. Not here: the verdict that allows it
(expectations.gate) or the workbook's looks (publication.workbook).
"""

import csv
import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from expectations.gate import GateRecord, content_hash, read_record, require_pass
from expectations.suites import suite_hash
from orchestration.clock import today
from orchestration.publication.changes import describe_changes
from orchestration.publication.comments import comment_on
from orchestration.publication.marts import Mart, month_frames, published_marts
from orchestration.publication.workbook import write_workbook
from sources.decisions import standing_waivers
from sources.home import Home

#: Exact aggregates for ZKKA and the county's own committee.
TIER = "restricted"

MADE_UP = "SHEMBULL: të dhëna të trilluara. EXAMPLE: made-up data."


SOURCE_COLUMNS = (
    "delivery_id",
    "source",
    "content_hash",
    "institution_code",
    "version",
    "status",
    "is_made_up",
)


@dataclass(frozen=True)
class Release:
    """A release's folder, its number, and whether this call wrote it."""

    path: Path
    number: int
    is_new: bool


def release(home: Home, county_code: str, month: date) -> Release:
    """Publish a county's month; return the newest release, which may stand already.

    The gate must have passed exactly what would be published: raises expectations.gate.GateRefused
    without a matching record. The same content is not released twice.
    """
    folder = home.releases / TIER / county_code / f"{month:%Y-%m}"
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        frames = month_frames(connection, county_code, month)
        digest = content_hash(frames)
        record = require_pass(
            read_record(home, county_code, month),
            digest,
            suite_hash(),
            standing_waivers(home, today()),
        )
        numbers = sorted(int(path.name[1:]) for path in folder.glob("r*") if path.is_dir())
        previous = folder / f"r{numbers[-1]}" if numbers else None
        if previous and _published_hash(previous) == digest:
            return Release(path=previous, number=numbers[-1], is_new=False)
        number = numbers[-1] + 1 if numbers else 1
        target = folder / f"r{number}"
        draft = folder / f".r{number}.draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        _write(draft, connection, frames, record, previous)
    draft.rename(target)
    return Release(path=target, number=number, is_new=True)


def _published_hash(path: Path) -> str:
    gate = json.loads((path / "gate.json").read_text(encoding="utf-8"))
    return str(gate["content_hash"])


def _write(
    draft: Path,
    connection: duckdb.DuckDBPyConnection,
    frames: dict[str, pd.DataFrame],
    record: GateRecord,
    previous: Path | None,
) -> None:
    marts = published_marts()
    mark = MADE_UP if record.is_made_up else ""
    columns = {mart.name: _columns(connection, mart) for mart in marts}
    sources = _sources(connection, record.county_code, record.reporting_month)
    with duckdb.connect(str(draft / "mart.duckdb")) as target:
        for mart in marts:
            frame = frames[mart.name]
            _typed_table(target, mart, columns[mart.name], frame)
            target.execute(
                f"copy (from {mart.name}) to '{draft / mart.name}.parquet' (format parquet)"
            )
            safe_text(frame).to_csv(
                draft / f"{mart.name}.csv", index=False, lineterminator="\n", encoding="utf-8"
            )
    with (draft / "sources.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(SOURCE_COLUMNS)
        writer.writerows(sources)
    (draft / "gate.json").write_text(
        json.dumps(record.as_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    (draft / "CHANGES.md").write_text(
        describe_changes(previous, frames, {mart.name: mart.key for mart in marts}, mark),
        encoding="utf-8",
    )
    write_workbook(
        draft / "marts.xlsx",
        county_code=record.county_code,
        month=record.reporting_month,
        is_made_up=record.is_made_up,
        marts=marts,
        frames={name: safe_text(frame) for name, frame in frames.items()},
        descriptions={
            name: {column["name"]: column["description"] for column in described}
            for name, described in columns.items()
        },
    )
    package = _data_package(draft, record, marts, columns)
    (draft / "datapackage.json").write_text(
        json.dumps(package, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def _columns(connection: duckdb.DuckDBPyConnection, mart: Mart) -> list[dict[str, str]]:
    rows = connection.execute(
        "select column_name, data_type, coalesce(comment, '') from duckdb_columns() "
        "where schema_name = ? and table_name = ? order by column_index",
        [mart.schema, mart.name],
    ).fetchall()
    return [{"name": name, "type": kind, "description": text} for name, kind, text in rows]


def _sources(
    connection: duckdb.DuckDBPyConnection, county_code: str, month: date
) -> list[tuple[Any, ...]]:
    return connection.execute(
        "select distinct d.delivery_id, d.source, d.content_hash, d.institution_code, s.version, "
        "coalesce(s.status, d.status), d.is_made_up from raw.deliveries as d "
        "left join core.fct_submissions as s using (delivery_id) "
        "where (d.county_code = ? or ? = 'AL') "
        "and (d.reporting_month is null or d.reporting_month <= ?) order by all",
        [county_code, county_code, month],
    ).fetchall()


def _typed_table(
    target: duckdb.DuckDBPyConnection,
    mart: Mart,
    columns: list[dict[str, str]],
    frame: pd.DataFrame,
) -> None:
    """Create a mart as it is typed in the warehouse: an empty column keeps its type."""
    fields = ", ".join(f"{column['name']} {column['type']}" for column in columns)
    target.execute(f"create table {mart.name} ({fields}, primary key ({', '.join(mart.key)}))")
    target.register("frame", frame)
    target.execute(f"insert into {mart.name} by name from frame")
    target.unregister("frame")
    comment_on(target, f"table {mart.name}", f"{mart.title_en}. One row is {mart.row_en}.")
    for column in columns:
        comment_on(target, f"column {mart.name}.{column['name']}", column["description"])


def safe_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy in which no text starts a formula when a spreadsheet opens it."""
    safe = frame.copy()
    for name in safe.columns:
        if pd.api.types.is_string_dtype(safe[name]) or safe[name].dtype == object:
            safe[name] = safe[name].map(
                lambda value: (
                    "'" + value
                    if isinstance(value, str) and re.match(r"[=+\-@\t\r]", value)
                    else value
                )
            )
    return safe


#: DuckDB's types in the words of the Table Schema.
FIELD_TYPES = {
    "VARCHAR": "string",
    "DATE": "date",
    "BOOLEAN": "boolean",
    "DOUBLE": "number",
    "BIGINT": "integer",
    "INTEGER": "integer",
    "TIMESTAMP": "datetime",
}


def _data_package(
    draft: Path,
    record: GateRecord,
    marts: tuple[Mart, ...],
    columns: dict[str, list[dict[str, str]]],
) -> dict[str, Any]:
    month = f"{record.reporting_month:%Y-%m}"
    marked = {"madeUp": MADE_UP} if record.is_made_up else {}
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": f"krat-{record.county_code.lower()}-{month}",
        "title": f"{'EXAMPLE. ' if record.is_made_up else ''}KRAT {record.county_code} {month}",
        **marked,
        "resources": [
            {
                "name": mart.name.replace("_", "-"),
                "path": f"{mart.name}.csv",
                "title": f"{mart.title_sq} / {mart.title_en}",
                "description": f"Një rresht është {mart.row_sq}. One row is {mart.row_en}.",
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "hash": f"sha256:{_sha256(draft / f'{mart.name}.csv')}",
                "bytes": (draft / f"{mart.name}.csv").stat().st_size,
                "schema": {
                    "fields": [
                        {
                            "name": column["name"],
                            "type": FIELD_TYPES.get(column["type"], "string"),
                            "description": column["description"],
                        }
                        for column in columns[mart.name]
                    ],
                    "primaryKey": mart.key,
                    "missingValues": [{"value": "", "label": "no value / pa vlerë"}],
                },
            }
            for mart in marts
        ],
        "files": [
            {"path": path.name, "hash": f"sha256:{_sha256(path)}"}
            for path in sorted(draft.iterdir())
        ],
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
