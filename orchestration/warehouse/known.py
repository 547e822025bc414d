"""What is known of the institutions' reports, and what the warehouse would find in one more.

Belongs here: the file that a build leaves for this, and running the models of the rules on it. Not
here: the rules themselves (dbt_project).

The file holds raw tables: reports and statements, and no record of a person, case or call. It is
replaced whole, so that who checks a report never waits for a refresh or opens the warehouse.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.runtime.database import attach_warehouse, open_to_write
from orchestration.warehouse.computing import compute
from sources.atomic import replace_file
from sources.custody.home import Home
from sources.custody.landing import SCHEMAS, door_finding, joined
from sources.problems import Problem
from sources.reading import Reading

#: Where all findings come together, with their sentences.
FOUND = "int_rendered_findings"

#: Rules that need all counties or records of persons, and what the door itself found.
_AFTER_REFRESH = ("int_area_rules", "int_nation_rules", "int_source_rules", "int_door_findings")

#: Rules that would show an institution the values of another.
_OF_OTHERS = ("int_value_rules__elsewhere", "int_value_rules__parts")

#: The raw tables that are kept. Of all others the rules get the columns without a row.
_KEPT = (
    "deliveries", "submission_values", "door_findings", "corrections", "noted_obligations",
    "refresh_context", "codes",
)  # fmt: skip

#: Of records other files are not known: what they would answer is asked after the refresh alone.
OF_OTHER_FILES = (
    "linked_contact_not_found", "hotline_case_not_found",
    # Who is known to several institutions is found at the refresh.
    "sex_differs_elsewhere", "age_goes_back_elsewhere",
)  # fmt: skip

#: What is no finding in a file but keeps it from being counted.
_SET_ASIDE = "made_up_set_aside"


def write_known(home: Home) -> None:
    """Replace `Home.known` by what the warehouse now knows of reports."""
    with replace_file(home.known) as fresh, open_to_write(fresh) as connection:
        attach_warehouse(connection, home, "warehouse")
        # One transaction: each commit would wait for the disk, once a table.
        connection.begin()
        connection.execute("create schema raw")
        for table in _raw_tables(connection, "warehouse"):
            condition = "true" if table in _KEPT else "false"
            connection.execute(
                f"create table raw.{table} as from warehouse.raw.{table} where {condition}"
            )
        connection.commit()


def findings_in(
    known: Path, registers: Path, readings: Sequence[Reading], as_of: date, *, shows_others: bool
) -> dict[str, list[Problem]]:
    """Return by `delivery_id` what the warehouse would find in files that are taken in now.

    They are taken in together, of refused ones that they came. Found is what rules need these
    files for and what `known` holds of the reports of their counties: of records nothing is known.
    Without `shows_others` no rule compares with the values of another institution.
    """
    taken = [each for each in readings if each.table and each.columns]
    if not taken:
        return {}
    left_out = _AFTER_REFRESH if shows_others else (*_AFTER_REFRESH, *_OF_OTHERS)
    with duckdb.connect() as connection:
        path = str(known).replace("'", "''")
        connection.execute(f"attach '{path}' as known (read_only)")
        # The statements name the warehouse.
        connection.execute("attach ':memory:' as warehouse")
        connection.execute("use warehouse")
        _copy_known(connection, sorted({each.delivery["county_code"] for each in readings}))
        _take_in(connection, taken, readings)
        connection.execute("update raw.refresh_context set as_of = ?", [as_of])
        compute(connection, [FOUND], registers, left_out)
        return {
            each.delivery["delivery_id"]: _found_in(connection, each.delivery) for each in readings
        }


def _raw_tables(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, bool]:
    """Return whether each raw table of a database is by county."""
    rows = connection.execute(
        "select table_name, bool_or(column_name = 'county_code') from duckdb_columns() "
        "where database_name = ? and schema_name = 'raw' group by all order by all",
        [database],
    ).fetchall()
    return dict(rows)


def _copy_known(connection: duckdb.DuckDBPyConnection, counties: list[str]) -> None:
    """Copy the raw tables, of those by county what is known of some."""
    connection.execute("create schema raw")
    for table, is_of_county in _raw_tables(connection, "known").items():
        condition = "coalesce(list_contains($1, county_code), true)" if is_of_county else "true"
        connection.execute(
            f"create table raw.{table} as from known.raw.{table} where {condition}",
            [counties] if is_of_county else None,
        )


def _take_in(
    connection: duckdb.DuckDBPyConnection, taken: list[Reading], readings: Sequence[Reading]
) -> None:
    """Add files to the raw tables: `taken` are those with content."""
    arrived = {
        table: pa.table(joined(taken, table), schema=SCHEMAS[table])
        for table in sorted({str(each.table) for each in taken})
    }
    arrived["deliveries"] = pa.Table.from_pylist(
        [each.delivery for each in readings], SCHEMAS["deliveries"]
    )
    arrived["door_findings"] = pa.Table.from_pylist(
        [door_finding(each, found) for each in readings for found in each.problems],
        SCHEMAS["door_findings"],
    )
    for table, content in arrived.items():
        connection.register("arrived", content)
        connection.execute(f"insert into raw.{table} by name from arrived")
        connection.unregister("arrived")


def _found_in(connection: duckdb.DuckDBPyConnection, delivery: dict[str, Any]) -> list[Problem]:
    found = connection.execute(
        "select rule, sheet, cell, row_number, message_sq, message_en "
        f"from intermediate.{FOUND} where (delivery_id = $1 and not list_contains($2, rule)) "
        "or (rule = $3 and $4 and county_code = $5 and reporting_month = $6) order by all",
        [
            delivery["delivery_id"], OF_OTHER_FILES, _SET_ASIDE, delivery["is_made_up"],
            delivery["county_code"], delivery["reporting_month"],
        ],
    ).fetchall()  # fmt: skip
    return [Problem(*row) for row in found]
