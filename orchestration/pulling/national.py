"""One DuckDB file of all counties pulled: each mart's rows of the newest releases.

Belongs here: uniting a tree of releases. Not here: getting one (pull).
"""

import json
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from orchestration.products.comments import comment_on
from orchestration.products.tree import MANIFEST, ListedRelease, releases_in
from sources.atomic import replace_file

#: What is added to a mart's rows, with its comment; a mart that names its county or month keeps it.
_ADDED = {
    "county_code": "Qarku i publikimit. County of the release.",
    "reporting_month": "Muaji i publikimit. Month of the release.",
    "release_number": "Numri i publikimit nga vjen rreshti. Number of the release of the row.",
}


def unite(tree: Path, tier: str, target: Path) -> tuple[int, int, int]:
    """Write the newest releases of a tier as one file; return its tables, counties and months.

    A register, into which other tables point, is that of the newest release.
    Who has the old file open reads on in it.
    """
    releases = [one for one in releases_in(tree) if one.tier == tier and one.is_latest]
    with replace_file(target) as fresh, duckdb.connect(str(fresh)) as connection:
        tables = _tables(releases)
        for name, holders in tables.items():
            _unite_table(connection, name, holders)
    counties = {one.county_code for one in releases}
    return len(tables), len(counties), len({one.month for one in releases})


def _tables(releases: list[ListedRelease]) -> dict[str, list[ListedRelease]]:
    """Return which releases hold each table, the newest month last."""
    tables: dict[str, list[ListedRelease]] = {}
    for release in sorted(releases, key=lambda one: (one.month, one.county_code)):
        for file in release.files:
            name, _, suffix = str(file["path"]).rpartition(".")
            if suffix == "parquet":
                tables.setdefault(name, []).append(release)
    return tables


def _unite_table(
    connection: duckdb.DuckDBPyConnection, name: str, holders: list[ListedRelease]
) -> None:
    newest = holders[-1]
    described = connection.sql("describe from read_parquet(?)", params=[_file(newest, name)])
    columns = [row[0] for row in described.fetchall()]
    manifest = json.loads((newest.path / MANIFEST).read_bytes())
    if _is_register(manifest, name, columns):
        holders, added = [newest], []
    else:
        added = [column for column in _ADDED if column not in columns]
    places = pd.DataFrame(
        {
            "file": [_file(one, name) for one in holders],
            "county_code": [one.county_code for one in holders],
            "reporting_month": [pd.Timestamp(f"{one.month}-01") for one in holders],
            "release_number": [one.number for one in holders],
        }
    )
    connection.register("places", places)
    picked = {
        "county_code": "places.county_code",
        "reporting_month": "cast(places.reporting_month as date)",
        "release_number": "cast(places.release_number as integer)",
    }
    extra = "".join(f", {picked[column]} as {column}" for column in added)
    connection.execute(
        f'create table "{name}" as select rows.* exclude (filename){extra} '
        "from read_parquet(?, union_by_name = true, filename = true) as rows "
        "inner join places on rows.filename = places.file "
        "order by places.county_code, places.reporting_month",
        [list(places["file"])],
    )
    connection.unregister("places")
    described_as = _description(manifest, name)
    comment_on(connection, f'table "{name}"', described_as.get("description"))
    fields = described_as.get("schema", {}).get("fields", [])
    comments = {field["name"]: field.get("description") or field.get("title") for field in fields}
    for column in [*columns, *added]:
        comment_on(
            connection, f'column "{name}"."{column}"', comments.get(column) or _ADDED.get(column)
        )


def _file(release: ListedRelease, name: str) -> str:
    return str(release.path / f"{name}.parquet")


def _description(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    """Return how a manifest describes a table: its resource with a schema."""
    resources = manifest.get("resources", [])
    return next((one for one in resources if one.get("path") == f"{name}.csv"), {})


def _is_register(manifest: dict[str, Any], name: str, columns: list[str]) -> bool:
    """Return whether other tables point into a table, or it names neither county nor month."""
    pointed_into = {
        key["reference"]["resource"]
        for resource in manifest.get("resources", [])
        for key in resource.get("schema", {}).get("foreignKeys", [])
    }
    own_name = _description(manifest, name).get("name")
    return own_name in pointed_into or not {"county_code", "reporting_month"} & set(columns)
