"""Rotating and destroying the keys of pseudonyms.

Belongs here: giving stored pseudonyms a new key, whole or not at all. Not here: how a pseudonym is
made (sources.custody.pseudonyms).

Originals are sealed, so stored pseudonyms are keyed once more rather than made anew: a rotated key
is a chain, and a code goes through all of it. Who holds an old key and an old copy learns nothing
about what is stored after.
"""

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sources.atomic import destroy_file, wait_for_disk, write_bytes
from sources.custody import audit, journal
from sources.custody.arrivals import NAME_PURPOSE
from sources.custody.erasure import FORGOTTEN, PURPOSES
from sources.custody.home import Home
from sources.custody.landing import SCHEMAS
from sources.custody.pseudonyms import chained, new_key, read_keys, replace_keys
from sources.custody.warehouse_key import WAREHOUSE_PURPOSE, change_key, remove_warehouse
from sources.layouts import load_layouts
from sources.parquet import write_parquet
from sources.reading import CONTENT_PURPOSE

_READY = "ready"

#: What the name of a folder begins with in which a rotation gets ready.
_STAGED = ".rekey-"


def rotate(home: Home, purpose: str, reason: str) -> int:
    """Give a purpose a new key and every stored pseudonym of it; return how many were re-keyed.

    Takes the whole road or none of it, whenever it is broken off: `finish_rotations` goes on from
    there. The home's writer must be held. Raises ValueError for a purpose without a key.
    """
    reason = journal.fit(reason)
    finish_rotations(home)
    if purpose == WAREHOUSE_PURPOSE:
        audit.append(home, "keys", "rotated", purpose, reason)
        change_key(home)
        return 0
    keys = read_keys(home.keys, purpose)
    if keys is None:
        raise ValueError(f"there is no key for {purpose!r}: see krat keys list.")
    fresh = new_key()
    staged = _staging(home, purpose)
    count = 0
    for table, columns in key_columns(purpose).items():
        for path in sorted((home.raw / table).glob("*.parquet")):
            content = pq.read_table(path)
            for column in columns:
                old = content[column].to_pylist()
                new = [None if value is None else chained(value, fresh) for value in old]
                count += sum(value is not None for value in new)
                position = content.schema.get_field_index(column)
                content = content.set_column(position, column, pa.array(new, pa.string()))
            write_parquet(staged / table / path.name, content)
    replace_keys(home.keys, f"{purpose}.next", [*keys, fresh])
    audit.append(home, "keys", "rotated", purpose, reason, f"{count} pseudonyms")
    write_bytes(staged / _READY, b"")
    finish_rotations(home)
    return count


def is_rotating(home: Home) -> bool:
    """Tell whether a rotation was broken off, and is to be finished."""
    return any(home.raw.glob(f"{_STAGED}*"))


def finish_rotations(home: Home) -> None:
    """Complete what a broken rotation had ready, and throw away what was not."""
    for staged in sorted(home.raw.glob(f"{_STAGED}*")):
        purpose = staged.name.removeprefix(_STAGED)
        fresh = home.keys / f"{purpose}.next.key"
        if (staged / _READY).exists():
            swapped = [home.raw / p.relative_to(staged) for p in staged.glob("*/*.parquet")]
            for path in sorted(swapped):
                (staged / path.relative_to(home.raw)).replace(path)
            if fresh.exists():
                fresh.replace(home.keys / f"{purpose}.key")
                swapped.append(home.keys / f"{purpose}.key")
            # Only then may what says that the rotation is to be finished go away.
            wait_for_disk(swapped)
        else:
            fresh.unlink(missing_ok=True)
        shutil.rmtree(staged)


def destroy(home: Home, purpose: str, reason: str) -> None:
    """Destroy a purpose's key: no code can be linked to a stored pseudonym any more.

    What arrives later gets a new key. Copies of the key elsewhere must be destroyed there. Raises
    ValueError for a purpose without a key.
    """
    reason = journal.fit(reason)
    finish_rotations(home)
    path = home.keys / f"{purpose}.key"
    if not path.exists():
        raise ValueError(f"there is no key for {purpose!r}: see krat keys list.")
    audit.append(home, "keys", "destroyed", purpose, reason)
    destroy_file(path)
    if purpose == WAREHOUSE_PURPOSE:
        remove_warehouse(home)


def key_columns(purpose: str) -> dict[str, list[str]]:
    """Return the columns of each raw table that hold pseudonyms of a purpose."""
    of_files = {NAME_PURPOSE: ["name_key"], CONTENT_PURPOSE: ["content_hash"]}
    found: dict[str, list[str]] = {"deliveries": of_files.get(purpose, [])}
    for layout in load_layouts():
        for column in layout.columns:
            for name, kept_for in column.pseudonyms.items():
                tables = (layout.table, "refused_records")
                for table in tables if kept_for == purpose else ():
                    if name in SCHEMAS[table].names and name not in found.setdefault(table, []):
                        found[table].append(name)
    found[FORGOTTEN] = [name for name, kept_for in PURPOSES.items() if kept_for == purpose]
    return {table: columns for table, columns in found.items() if columns}


def _staging(home: Home, purpose: str) -> Path:
    return home.raw / f"{_STAGED}{purpose}"
