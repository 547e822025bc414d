"""The manifest of a release: a Data Package (version 2) that describes every table and file.

Belongs here: how tables and columns are put in the words of the Data Package. Not here: the words
themselves (orchestration.products, sources/texts) or the signature (signing).
"""

import hashlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.products.codes import labels
from orchestration.products.declaration import ProductColumn
from orchestration.products.reference import ReferenceTable
from orchestration.products.tables import ProductTable
from orchestration.products.words import one_row
from sources.texts import both

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"

PARQUET = "application/vnd.apache.parquet"

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
FIELD_FORMATS = {"TIMESTAMP": "any"}
TRUE_AND_FALSE = {"trueValues": ["True"], "falseValues": ["False"]}


def data_package(
    draft: Path,
    *,
    name: str,
    title: str,
    created: date,
    made_up: str,
    release: dict[str, Any],
    tables: Sequence[ProductTable],
    reference: Sequence[ReferenceTable] = (),
) -> dict[str, Any]:
    """Return the manifest of the files in `draft`.

    `release` has what a reader asks of it as a whole: tier, county, month, number.
    `made_up` is a sentence about made-up data, empty for real data.
    """
    resources = []
    for table in tables:
        resources.append(_resource(draft, table, "csv", "text/csv"))
        resources.append(_resource(draft, table, "parquet", PARQUET))
    resources += [_reference_resource(draft, table) for table in reference]
    return {
        "$schema": PROFILE,
        "name": name,
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


def _resource(draft: Path, table: ProductTable, suffix: str, mediatype: str) -> dict[str, Any]:
    product = table.product
    path = draft / f"{product.name}.{suffix}"
    name = product.name.replace("_", "-")
    described = {
        "title": product.title,
        "description": one_row(product),
        "format": suffix,
        "mediatype": mediatype,
    }
    if suffix == "csv":
        comment = {"comment": table.comment} if table.comment else {}
        return {
            "name": name, "type": "table", "path": path.name, **described, **comment,
            "hash": sha256(path), "bytes": path.stat().st_size,
            "encoding": "utf-8", "schema": _schema(table),
        }  # fmt: skip
    # A Parquet file types its own columns: a schema here would be a second source of truth.
    return {
        "name": f"{name}-parquet", "type": "file", "path": path.name, **described,
        "hash": sha256(path), "bytes": path.stat().st_size,
    }  # fmt: skip


def _reference_resource(draft: Path, table: ReferenceTable) -> dict[str, Any]:
    """Return the entry of a table that has no CSV to describe its columns in."""
    path = draft / f"{table.name}.parquet"
    return {
        "name": f"{table.name.replace('_', '-')}-parquet", "type": "file", "path": path.name,
        "description": table.comment, "format": "parquet", "mediatype": PARQUET,
        "hash": sha256(path), "bytes": path.stat().st_size,
        "schema": {
            "fields": [
                {"name": name, "type": FIELD_TYPES.get(kind, "string"), "description": comment}
                for name, kind, comment in table.columns
            ]
        },
    }  # fmt: skip


def _schema(table: ProductTable) -> dict[str, Any]:
    key, references = table.product.key, table.product.references
    schema: dict[str, Any] = {
        "fields": [
            # The source of a code is a text, whatever other tables call a source.
            _field(column, column.name in key, has_codes=table.product.name != "codes")
            for column in table.columns
        ],
        "primaryKey": list(key),
        "missingValues": [{"value": "", "label": both("release.empty")}],
    }
    if references:
        schema["foreignKeys"] = [
            {
                "fields": columns,
                "reference": {"resource": target.replace("_", "-"), "fields": columns},
            }
            for target, columns in references.items()
        ]
    return schema


def _field(column: ProductColumn, is_in_key: bool, *, has_codes: bool) -> dict[str, Any]:
    field: dict[str, Any] = {
        "name": column.name,
        "type": FIELD_TYPES.get(column.type, "string"),
        "title": column.title,
        "description": column.description,
    }
    if column.type in FIELD_FORMATS:
        field["format"] = FIELD_FORMATS[column.type]
    if column.type == "BOOLEAN":
        field |= TRUE_AND_FALSE
    if column.unit:
        field["unit"] = column.unit
    if has_codes and (words := labels(column.name)):
        field["categories"] = [{"value": code, "label": word} for code, word in words.items()]
    if is_in_key:
        field["constraints"] = {"required": True}
    return field
