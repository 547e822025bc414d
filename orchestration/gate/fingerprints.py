"""What a county's month is known by, so that one which is as it was need not be read in full.

Belongs here: hashes of the rows of each county and month, and of what all months rest on. Not here:
what follows where they are as they were (judge, orchestration.refresh.plan).
"""

import hashlib
from dataclasses import dataclass
from datetime import date

import duckdb

from orchestration.products.declaration import Tier, published_marts
from orchestration.products.reference import month_models


@dataclass(frozen=True)
class Fingerprints:
    """By what the months of a warehouse are known."""

    #: Of what every month rests on: the dbt project, the registers, and which columns go out.
    basis: str
    #: Of the rows of each county and month; a row without either is in none.
    rows: dict[tuple[str, date], str]
    #: Of all rows.
    whole: str


def fingerprints(connection: duckdb.DuckDBPyConnection) -> Fingerprints:
    """Return by what the months of a warehouse are known now, in one pass over their tables."""
    # A mart that is new is in no warehouse of an older krat.
    built = {
        f"{schema}.{table}"
        for schema, table in connection.execute(
            "select schema_name, table_name from duckdb_tables()"
        ).fetchall()
    }
    parts = " union all ".join(
        f"select county_code, reporting_month, '{name}' as mart, "
        f"count(*) as row_count, sum(hash(mart)::hugeint) as rows_hash "
        f"from {model} as mart group by all"
        for name, model in month_models().items()
        if model in built
    )
    rows = connection.execute(
        "select county_code, reporting_month, string_agg("
        f"mart || ' ' || row_count || ' ' || rows_hash, ',' order by mart) from ({parts}) "
        "group by all order by all"
    ).fetchall()
    columns = [(mart.name, mart.column_names) for tier in Tier for mart in published_marts(tier)]
    # A first build that was broken off did not come as far as this table.
    [(project,)] = connection.execute(
        "select max(project_hash) from ops.built_project"
        if "ops.built_project" in built
        else "select null"
    ).fetchall()
    return Fingerprints(
        basis=hash_of(project, columns),
        rows={
            (county, month): fingerprint
            for county, month, fingerprint in rows
            if county is not None and month is not None
        },
        whole=hash_of(rows),
    )


def hash_of(*parts: object) -> str:
    """Return the SHA-256 of what the parts look like."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()
