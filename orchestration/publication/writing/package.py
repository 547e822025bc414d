"""The manifest of a release: a Data Package (version 2) that describes every table and file.

Belongs here: how tables and columns are put in the words of the Data Package. Not here: the words
themselves (marts.yml, columns.csv, sources/texts) or the signature (signing).
"""

import hashlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.products.codes import labels
from orchestration.products.marts import Column, Mart, Table
from orchestration.products.words import one_row
from sources.texts import both

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"

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

#: How CSV writes what isn't the Table Schema's default.
FORMATS = {"TIMESTAMP": "any"}
TRUE_AND_FALSE = {"trueValues": ["True"], "falseValues": ["False"]}


def data_package(
    draft: Path,
    *,
    title: str,
    created: date,
    made_up: str,
    release: dict[str, Any],
    tables: Sequence[Table],
) -> dict[str, Any]:
    """Return the manifest of the files in `draft`.

    `release` tells what a reader asks of it as a whole, and names it: tier, county, month, number.
    `made_up` is what is said of made-up data, empty for real data.
    """
    place = (release["tier"], release["county_code"], release["reporting_month"])
    resources = []
    for table in tables:
        resources.append(_resource(draft, table, "csv", "text/csv"))
        resources.append(_resource(draft, table, "parquet", "application/vnd.apache.parquet"))
    return {
        "$schema": PROFILE,
        "name": f"krat-{'-'.join(place).lower()}-r{release['number']}",
        "title": title,
        "version": f"{release['number']}.0.0",
        "created": f"{created}T00:00:00Z",
        **({"madeUp": made_up} if made_up else {}),
        "release": release,
        "resources": resources,
        "files": [
            {"path": path.name, "hash": sha256(path), "bytes": path.stat().st_size}
            for path in sorted(draft.iterdir())
        ],
    }


def sha256(path: Path) -> str:
    """Return a file's hash as the Data Package writes it."""
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def _resource(draft: Path, table: Table, suffix: str, mediatype: str) -> dict[str, Any]:
    mart = table.mart
    path = draft / f"{mart.name}.{suffix}"
    name = mart.name.replace("_", "-")
    described = {
        "title": f"{mart.title_sq} / {mart.title_en}",
        "description": one_row(mart),
        "format": suffix,
        "mediatype": mediatype,
    }
    if suffix == "csv":
        return {
            "name": name, "type": "table", "path": path.name, **described,
            "hash": sha256(path), "bytes": path.stat().st_size,
            "encoding": "utf-8", "schema": _schema(table),
        }  # fmt: skip
    # A Parquet file types its own columns: a schema here would be a second source of truth.
    return {
        "name": f"{name}-parquet", "type": "file", "path": path.name, **described,
        "hash": sha256(path), "bytes": path.stat().st_size,
    }  # fmt: skip


def _schema(table: Table) -> dict[str, Any]:
    mart = table.mart
    signs = {"": both("release.empty"), **mart.missing_signs}
    schema: dict[str, Any] = {
        "fields": [_field(mart, column) for column in table.columns],
        "primaryKey": mart.key,
        "missingValues": [{"value": value, "label": label} for value, label in signs.items()],
    }
    if mart.references:
        schema["foreignKeys"] = [
            {
                "fields": [column],
                "reference": {"resource": target.replace("_", "-"), "fields": [column]},
            }
            for column, target in mart.references.items()
        ]
    return schema


def _field(mart: Mart, column: Column) -> dict[str, Any]:
    field: dict[str, Any] = {
        "name": column.name,
        "type": FIELD_TYPES.get(column.type, "string"),
        "title": f"{column.title_sq} / {column.title_en}",
        "description": column.description,
    }
    if column.type in FORMATS:
        field["format"] = FORMATS[column.type]
    if column.type == "BOOLEAN":
        field |= TRUE_AND_FALSE
    if column.name in mart.values:
        field["unit"] = mart.values[column.name]["unit"]
    if words := labels(column.name):
        field["categories"] = [{"value": code, "label": word} for code, word in words.items()]
    if column.name in mart.key:
        field["constraints"] = {"required": True}
    return field
