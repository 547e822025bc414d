"""The ledger of findings: every one that was ever made, so that what is found no more was mended.

Belongs here: keeping the ledger beside the warehouse, which is rebuilt. Not here: what is found or
what state it is in (dbt_project).
"""

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.runtime.database import read_warehouse
from sources.custody.home import Home
from sources.parquet import write_parquet

_COLUMNS = {
    "finding_id": pa.string(),
    "rule": pa.string(),
    "county_code": pa.string(),
    "institution_code": pa.string(),
    "reporting_month": pa.date32(),
    "indicator_code": pa.string(),
    "delivery_id": pa.string(),
    "sheet": pa.string(),
    "cell": pa.string(),
    "row_number": pa.int32(),
    "message_sq": pa.string(),
    "message_en": pa.string(),
    "found_at": pa.timestamp("us"),
    "mended_at": pa.timestamp("us"),
    "is_made_up": pa.bool_(),
}
SCHEMA = pa.schema(list(_COLUMNS.items()))


def earlier_findings(home: Home) -> pa.Table:
    """Return the findings of all refreshes so far; `mended_at` is null for those that stood."""
    if not home.earlier_findings.exists():
        return SCHEMA.empty_table()
    return pq.read_table(home.earlier_findings, schema=SCHEMA)


def remember_findings(home: Home) -> None:
    """Write the warehouse's findings, which hold those of the ledger, as the new ledger."""
    with read_warehouse(home) as connection:
        found = connection.execute(
            f"select {', '.join(_COLUMNS)} from core.fct_findings order by finding_id"
        ).to_arrow_table()
    write_parquet(home.earlier_findings, found.cast(SCHEMA))
