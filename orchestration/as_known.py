"""The warehouse as it would have been on a day, from what had come in by then.

Belongs here: the scratch folder in which it is computed, and models computed in it without dbt. Not
here: what is made of it (reading_copy.vintages, publication.editions).

Only deliveries and decisions of that day or before count, persons are linked by them alone, and
deadlines are judged as of that day. Registers and definitions are today's.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb

from orchestration.linkage.link import link_persons
from orchestration.registers.in_use import registers_in_use
from orchestration.runtime.database import open_to_write
from orchestration.warehouse.computing import compute
from orchestration.warehouse.load import load_raw
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
    for left in home.root.glob(f"{_SCRATCH}*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=home.root) as scratch:
        known = Home(root=Path(scratch), keys=home.keys)
        _copy_until(home, known, day)
        load_raw(known, day)
        _forget_after(known, day)
        link_persons(known)
        yield known


def compute_models(known: Home, models: list[str]) -> None:
    """Compute models of a scratch folder, and those that they rest on, by today's registers.

    dbt itself takes many times as long.
    """
    with open_to_write(known.warehouse) as connection:
        compute(connection, models, registers_in_use(known))


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
    with duckdb.connect(str(known.warehouse)) as connection:
        connection.execute("delete from raw.deliveries where cast(received_at as date) > ?", [day])
        for table, schema in SCHEMAS.items():
            if table != "deliveries" and "delivery_id" in schema.names:
                connection.execute(
                    f"delete from raw.{table} where delivery_id not in "
                    "(select delivery_id from raw.deliveries)"
                )
