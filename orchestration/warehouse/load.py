"""Raw Parquet and decisions into the schema `raw` of the warehouse file, as dbt's sources.

Belongs here: loading. Not here: what the raw tables hold (sources.custody.landing,
sources.custody.decisions) or what is built on them (dbt_project).
"""

from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from babel.dates import get_month_names

from orchestration.registers.in_use import registers_hash, registers_in_use
from orchestration.runtime.database import encrypt_warehouse, is_in_the_clear, write_warehouse
from orchestration.runtime.loaded import (
    built_states,
    loaded_states,
    note_files,
    note_loaded,
    require_raw,
    state_of_files,
    state_of_rows,
)
from orchestration.warehouse.ledger import earlier_findings
from orchestration.warehouse.obligations import noted_obligations
from sources.codes import Code, load_codes
from sources.custody.decisions import corrections, finding_decisions
from sources.custody.home import Home
from sources.custody.landing import SCHEMAS
from sources.registers import register_rows


def load_raw(home: Home, as_of: date, registers: Path | None = None) -> dict[str, int]:
    """Replace the raw tables whose files or journals changed; return rows a table.

    Nothing is written where all was built of them as they are. A warehouse without a key gets one
    before it gets a report that isn't made up. `registers` are those in use unless
    others are given.
    `as_of` is the day on which deadlines are judged; it reaches dbt as a table, because a
    changing variable would throw away dbt's partial parse. Raises RawLost.
    """
    require_raw(home)
    registers = registers or registers_in_use(home)
    typed = {table: rows_of(table, home, registers, as_of) for table in TYPED}
    stored = {table: sorted((home.raw / table).glob("*.parquet")) for table in SCHEMAS}
    if is_in_the_clear(home) and _holds_real_reports(stored["deliveries"]):
        encrypt_warehouse(home)
    now = {table: state_of_rows(rows) for table, rows in typed.items()}
    now |= {table: state_of_files(files, str(SCHEMAS[table])) for table, files in stored.items()}
    with write_warehouse(home) as connection:
        built, loaded = built_states(connection), loaded_states(connection)
        if any(built.get(table) != state for table, state in now.items()):
            # One transaction: each commit would wait for the disk, once a table.
            connection.begin()
            connection.execute("create schema if not exists raw")
            for table, state in now.items():
                if loaded.get(table) != state:
                    if table in typed:
                        replace_rows(connection, table, typed[table])
                    else:
                        _replace_by_files(connection, table, stored[table])
            note_loaded(connection, now)
            note_files(connection, stored)
            connection.commit()
        return {table: connection.table(f"raw.{table}").shape[0] for table in now}


def rows_of(table: str, home: Home, registers: Path, as_of: date) -> pa.Table:
    """Return the rows of one of the raw tables TYPED."""
    return TYPED[table](home, registers, as_of)


def load_rows(connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """Replace a raw table by rows, and keep that it was."""
    replace_rows(connection, table, rows)
    note_loaded(connection, {table: state_of_rows(rows)})


def replace_rows(connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """Replace a raw table by rows."""
    connection.register("typed", rows)
    connection.execute(f"create or replace table raw.{table} as from typed")
    connection.unregister("typed")


def _replace_by_files(connection: duckdb.DuckDBPyConnection, table: str, files: list[Path]) -> None:
    replace_rows(connection, table, SCHEMAS[table].empty_table())
    if files:
        connection.execute(
            # A file kept before a column was added lacks it.
            f"insert into raw.{table} by name from read_parquet(?, union_by_name = true)",
            [[str(path) for path in files]],
        )


def _holds_real_reports(deliveries: list[Path]) -> bool:
    return any(
        not all(pq.read_table(path, columns=["is_made_up"])["is_made_up"].to_pylist())
        for path in deliveries
    )


def _context(_home: Home, registers: Path, as_of: date) -> pa.Table:
    """Return the row of raw.refresh_context."""
    row = {
        "as_of": as_of,
        "month_names_sq": _month_names("sq"),
        "month_names_en": _month_names("en"),
        "registers_hash": registers_hash(registers),
    }
    return pa.Table.from_pylist([row])


def _codes(_home: Home, registers: Path, _as_of: date) -> pa.Table:
    """Return the rows of raw.codes, those that the office added last."""
    codes = [{**asdict(code), "aliases": " | ".join(code.aliases)} for code in load_codes()]
    codes += [_added_code(row) for row in register_rows(registers, "added_codes")]
    return pa.Table.from_pylist(codes)


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


#: Raw tables that are no files of rows, by what gives their rows.
TYPED: dict[str, Callable[[Home, Path, date], pa.Table]] = {
    "finding_decisions": lambda home, _registers, _as_of: finding_decisions(home),
    "corrections": lambda home, _registers, _as_of: corrections(home),
    "earlier_findings": lambda home, _registers, _as_of: earlier_findings(home),
    "noted_obligations": noted_obligations,
    "refresh_context": _context,
    "codes": _codes,
}
