"""Raw Parquet and decisions into the schema `raw` of the warehouse file, as dbt's sources.

Belongs here: loading. Not here: what the raw tables hold (sources.custody.landing,
sources.custody.decisions) or what is built on them (dbt_project).
"""

from dataclasses import asdict, fields
from datetime import date

import duckdb
import pyarrow as pa
from babel.dates import get_month_names

from orchestration.registers.in_use import registers_hash, registers_in_use
from orchestration.warehouse.ledger import earlier_findings
from orchestration.warehouse.obligations import noted_obligations
from sources.codes import Code, load_codes
from sources.custody.decisions import corrections, finding_decisions
from sources.custody.home import Home
from sources.custody.landing import SCHEMAS
from sources.registers import register_rows


def load_raw(home: Home, as_of: date) -> dict[str, int]:
    """Replace the raw tables by what lies in raw Parquet and in the journals; return rows a table.

    `as_of` is the day on which deadlines are judged; it reaches dbt as a table, because a
    changing variable would throw away dbt's partial parse.
    """
    counts: dict[str, int] = {}
    registers = registers_in_use(home)
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("create schema if not exists raw")
        for table, schema in SCHEMAS.items():
            connection.register("typed", pa.Table.from_pylist([], schema=schema))
            connection.execute(f"create or replace table raw.{table} as from typed")
            connection.unregister("typed")
            if any((home.raw / table).glob("*.parquet")):
                files = str(home.raw / table / "*.parquet")
                connection.execute(
                    # A file kept before a column was added lacks it.
                    f"insert into raw.{table} by name from read_parquet(?, union_by_name = true)",
                    [files],
                )
            row = connection.execute(f"select count(*) from raw.{table}").fetchone()
            counts[table] = int(row[0]) if row else 0
        for table, typed in {
            "finding_decisions": finding_decisions(home),
            "corrections": corrections(home),
            "earlier_findings": earlier_findings(home),
            "noted_obligations": noted_obligations(home, registers, as_of),
        }.items():
            connection.register("typed", typed)
            connection.execute(f"create or replace table raw.{table} as from typed")
            connection.unregister("typed")
            counts[table] = typed.num_rows
        connection.execute(
            "create or replace table raw.refresh_context as select ?::date as as_of, "
            "?::varchar[] as month_names_sq, ?::varchar[] as month_names_en, "
            "?::varchar as registers_hash",
            [as_of, _month_names("sq"), _month_names("en"), registers_hash(registers)],
        )
        codes = [{**asdict(code), "aliases": " | ".join(code.aliases)} for code in load_codes()]
        codes += [_added_code(row) for row in register_rows(registers, "added_codes")]
        connection.register("typed", pa.Table.from_pylist(codes))
        connection.execute("create or replace table raw.codes as from typed")
        connection.unregister("typed")
    return counts


def _added_code(row: dict[str, str]) -> dict[str, object]:
    """Return a code that the office added as a row of raw.codes: HTCDS has none like it."""
    code_list, _, version = row["code_list"].rpartition("-")
    return {
        **dict.fromkeys(field.name for field in fields(Code)),
        **row,
        "code_list": code_list,
        "version": int(version),
        "htcds_match": "extension",
        "htcds_note": "Added by the office that runs krat.",
    }


def _month_names(language: str) -> list[str]:
    """Return the names of the twelve months, as they are written without a day."""
    names = get_month_names("wide", context="stand-alone", locale=language)
    return [names[month] for month in range(1, 13)]
