"""One DuckDB file of all counties pulled: each mart's rows of the newest releases.

Belongs here: uniting a tree of releases. Not here: getting one (pull), or what is published
(orchestration.products).
"""

import json
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from orchestration.products.comments import comment_on
from orchestration.products.declaration import Tier, declared_columns, products, published_registers
from orchestration.products.tree import MANIFEST, ListedRelease, releases_in
from sources.atomic import replace_file

#: What is added to a mart's rows, from its release; a mart that has its county or month keeps it.
_ADDED = {
    "county_code": "places.county_code",
    "reporting_month": "cast(places.reporting_month as date)",
    "release_number": "cast(places.release_number as integer)",
}


def unite(tree: Path, tier: Tier, target: Path) -> tuple[int, int, int]:
    """Write the newest releases of a tier as one file; return its tables, counties and months.

    A table has its name of the warehouse (marts.indicator_progress, core.dim_counties), as in the
    reading copy; one that is made for releases only is in the main schema. A register, into which
    other tables point, is that of the newest release.
    Who has the old file open reads on in it.
    """
    releases = [one for one in releases_in(tree) if one.tier == tier and one.is_latest]
    with replace_file(target) as fresh, duckdb.connect(str(fresh)) as connection:
        tables = _tables(releases)
        for name, holders in tables.items():
            _unite_table(connection, name, holders, tier)
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
    connection: duckdb.DuckDBPyConnection, name: str, holders: list[ListedRelease], tier: Tier
) -> None:
    newest = holders[-1]
    described = connection.sql("describe from read_parquet(?)", params=[_file(newest, name)])
    columns = [row[0] for row in described.fetchall()]
    manifest = json.loads((newest.path / MANIFEST).read_bytes())
    if name in {register.name for register in published_registers(tier)} or not (
        {"county_code", "reporting_month"} & set(columns)
    ):
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
    extra = "".join(f", {_ADDED[column]} as {column}" for column in added)
    names = {one.name: one.sql_name for one in products(tier)}
    schema, _, table = names.get(name, f"main.{name}").partition(".")
    full_name = f'{schema}."{table}"'
    connection.execute(f"create schema if not exists {schema}")
    connection.execute(
        f"create table {full_name} as select rows.* exclude (filename){extra} "
        "from read_parquet(?, union_by_name = true, filename = true) as rows "
        "inner join places on rows.filename = places.file "
        "order by places.county_code, places.reporting_month",
        [list(places["file"])],
    )
    connection.unregister("places")
    described_as = _description(manifest, name)
    comment_on(connection, f"table {full_name}", described_as.get("description"))
    fields = described_as.get("schema", {}).get("fields", [])
    comments = {field["name"]: field.get("description") or field.get("title") for field in fields}
    declared = declared_columns()
    for column in [*columns, *added]:
        text = comments.get(column)
        if text is None and column in declared:
            text = declared[column].description
        comment_on(connection, f'column {full_name}."{column}"', text)


def _file(release: ListedRelease, name: str) -> str:
    return str(release.path / f"{name}.parquet")


def _description(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    """Return how a manifest describes a table: its resource with a schema."""
    resources = manifest.get("resources", [])
    return next((one for one in resources if one.get("path") == f"{name}.csv"), {})
