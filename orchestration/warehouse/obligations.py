"""The register of obligations as it was on each day, whatever was done to its file since.

Belongs here: noticing rows that appeared, were withdrawn or vanished. Not here: the register
(dbt_project/seeds) or what is expected by it (dbt_project/models).
"""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sources.custody.home import Home
from sources.parquet import write_parquet
from sources.registers import register_rows

_TEXT = pa.string()
_DAY = pa.date32()
SCHEMA = pa.schema(
    [
        ("institution_code", _TEXT),
        ("plan_code", _TEXT),
        ("indicator_code", _TEXT),
        ("frequency", _TEXT),
        ("valid_from", _DAY),
        ("valid_to", _DAY),
        ("basis", _TEXT),
        ("stated_from", _DAY),
        ("recorded_from", _DAY),
        ("recorded_to", _DAY),
    ]
)
#: What makes a row of the register itself; `stated_from` is the day that the file gives for it.
_IDENTITY = (
    "institution_code", "plan_code", "indicator_code", "frequency", "valid_from", "valid_to",
    "stated_from",
)  # fmt: skip

Row = dict[str, Any]


def noted_obligations(home: Home, seeds_dir: Path, as_of: date) -> pa.Table:
    """Return the register with the days from and to which each row was in it, and keep that.

    At the first call those days are as the file says. Later, a row that appears counts from the day
    on which it is noticed, and one that is withdrawn or vanishes up to that day, so that nothing
    which was said of an earlier day changes.
    """
    path = home.obligations
    is_first = not path.exists()
    before: dict[tuple[Any, ...], list[Row]] = {}
    for row in _read(path):
        before.setdefault(_key(row), []).append(row)
    stated = {_key(row): row for row in _stated(seeds_dir)}
    noted: list[Row] = []
    for key, row in stated.items():
        if key not in before:
            began = row["recorded_from"] if is_first else max(row["recorded_from"], as_of)
            noted.append(row | {"recorded_from": began})
            continue
        *past, last = before[key]
        noted += past
        if last["recorded_to"] is None and row["recorded_to"] is not None:
            noted.append(last | {"recorded_to": max(row["recorded_to"], as_of)})
        elif last["recorded_to"] is not None and row["recorded_to"] is None:
            noted += [last, row | {"recorded_from": max(last["recorded_to"], as_of)}]
        else:
            noted.append(last | {"basis": row["basis"]})
    for key, rows in before.items():
        if key not in stated:
            noted += rows[:-1]
            noted.append(rows[-1] | {"recorded_to": rows[-1]["recorded_to"] or as_of})
    # What came and went on one day held on no day.
    held = [row for row in noted if not row["recorded_to"] or _is_held(row)]
    table = pa.Table.from_pylist(held, schema=SCHEMA)
    if is_first or not table.equals(pq.read_table(path, schema=SCHEMA)):
        write_parquet(path, table)
    return table


def _is_held(row: Row) -> bool:
    return bool(row["recorded_from"] < row["recorded_to"])


def _read(path: Path) -> list[Row]:
    return pq.read_table(path, schema=SCHEMA).to_pylist() if path.exists() else []


def _stated(seeds_dir: Path) -> list[Row]:
    days = ("valid_from", "valid_to", "recorded_from", "recorded_to")
    rows = []
    for row in register_rows(seeds_dir, "reporting_obligations"):
        dated = {name: date.fromisoformat(row[name]) if row[name] else None for name in days}
        rows.append({**row, **dated, "stated_from": dated["recorded_from"]})
    return rows


def _key(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in _IDENTITY)
