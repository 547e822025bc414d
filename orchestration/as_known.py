"""The warehouse as it would have been on a day, from what had come in by then.

Belongs here: the scratch folder in which it is computed, and models computed in it without dbt. Not
here: what is made of it (reading_copy.vintages, publication.editions).

Only deliveries and decisions of that day or before count, persons are linked by them alone, and
deadlines are judged as of that day. Registers and definitions are today's.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb

from orchestration.linkage.decisions import last_words
from orchestration.linkage.link import link, link_persons
from orchestration.registers.in_use import registers_in_use
from orchestration.runtime.database import attach_warehouse, open_in_memory, write_warehouse
from orchestration.warehouse.computing import compute, raw_tables_of
from orchestration.warehouse.load import TYPED, load_raw, replace_rows, rows_of
from sources.custody import journal
from sources.custody.home import Home
from sources.custody.landing import SCHEMAS

#: Folders of the home in which an earlier state is computed; a killed run leaves one.
_SCRATCH = ".as-known-"


@contextmanager
def known_on(home: Home, day: date) -> Iterator[Home]:
    """Give a scratch folder whose warehouse has the raw rows and links of the end of a day.

    It has rows of persons, so it never leaves the data folder.
    """
    with _scratch(home, day) as known:
        load_raw(known, day)
        _forget_after(known, day)
        link_persons(known)
        yield known


@contextmanager
def computed_on(
    home: Home, day: date, models: Sequence[str]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a database with some models, and the deliveries, as of the end of a day.

    It is made in memory from the raw tables as they are loaded, without dbt, which takes many times
    as long. What memory does not hold lies in a scratch folder meanwhile.
    """
    registers = registers_in_use(home)
    tables = raw_tables_of(models) | {"deliveries", "referral_events"}
    with (
        _scratch(home, day) as known,
        open_in_memory(known.root) as connection,
    ):
        attach_warehouse(connection, home, "loaded")
        # The statements name the warehouse.
        connection.execute("attach ':memory:' as warehouse")
        connection.execute("use warehouse")
        connection.execute("create schema raw")
        # In the order of their declaration: the deliveries first.
        for table in [each for each in SCHEMAS if each in tables]:
            condition = _known_by(table, day)
            connection.execute(
                f"create table raw.{table} as from loaded.raw.{table} where {condition}"
            )
        for table in sorted(tables & TYPED.keys()):
            replace_rows(connection, table, rows_of(table, known, registers, day))
        connection.execute("detach loaded")
        link(connection, last_words(known))
        compute(connection, models, registers)
        yield connection


@contextmanager
def _scratch(home: Home, day: date) -> Iterator[Home]:
    for left in home.root.glob(f"{_SCRATCH}*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=home.root) as scratch:
        known = Home(root=Path(scratch), keys=home.keys)
        _copy_until(home, known, day)
        yield known


def _copy_until(home: Home, known: Home, day: date) -> None:
    """Give the scratch folder the raw files, the registers, and the decisions by a day.

    A journal's entries up to a day are a whole, shorter journal.
    """
    known.raw.symlink_to(home.raw)
    if home.registers_in_use.exists():
        known.registers_in_use.symlink_to(home.registers_in_use)
    if home.obligations.exists():
        shutil.copyfile(home.obligations, known.obligations)
    known.decisions.mkdir()
    for path in home.decisions.glob("*.jsonl"):
        entries = journal.read(path)
        count = sum(date.fromisoformat(entry["at"][:10]) <= day for entry in entries)
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)[:count]
        (known.decisions / path.name).write_text("".join(lines), encoding="utf-8")


def _forget_after(known: Home, day: date) -> None:
    """Take out of the raw schema what came after a day."""
    with write_warehouse(known) as connection:
        for table in SCHEMAS:
            connection.execute(f"delete from raw.{table} where not ({_known_by(table, day)})")


def _known_by(table: str, day: date) -> str:
    """Return in SQL which rows of a raw table of files had come by the end of a day."""
    if table == "deliveries":
        return f"cast(received_at as date) <= date '{day}'"
    if "delivery_id" not in SCHEMAS[table].names:
        return "true"
    came = f"select delivery_id from raw.deliveries where {_known_by('deliveries', day)}"
    return f"delivery_id in ({came})"
