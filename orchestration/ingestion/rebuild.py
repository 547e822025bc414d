"""The raw tables made again of the vault's originals, by whoever holds its private key.

Every file goes through the door once more, in the order and the batches in which they came, under
its name and with its time. Registers are those in use today: what they lacked then may be taken in
now.

Belongs here: that road. Not here: the door, or how an original is sealed (sources.custody).
"""

import json
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyrage.x25519 import Identity

from orchestration.ingestion.door import take_in
from orchestration.runtime.loaded import forget_files
from sources.atomic import wait_for_disk
from sources.custody import audit, journal
from sources.custody.home import Home
from sources.custody.landing import SCHEMAS, Arrived
from sources.custody.pseudonyms import Pseudonyms
from sources.custody.rekeying import finish_rotations
from sources.custody.vault import (
    RECIPIENTS,
    UnknownOriginal,
    decrypt,
    read_identities,
    sealed_original,
)
from sources.custody.version import write_version
from sources.parquet import write_parquet
from sources.reading import delivery_id_of, hash_content
from sources.registers import Registers
from sources.texts import both

#: Columns that name deliveries. An id comes of a hash under a key, which may have been rotated.
_NAMING = ("delivery_id", "message_sq", "message_en")
_ID = re.compile(r"\b[0-9a-f]{16}\b")


class RawIsThere(ValueError):
    """There are raw tables: nothing is made again beside them."""


@dataclass(frozen=True)
class Rebuilt:
    """How many files went through the door again, and of how many there is no original."""

    files: int
    without_original: int


@dataclass(frozen=True)
class _Batch:
    """Files that were stored together, and when, as text that can be compared."""

    name: str
    stored_at: str
    files: list[Arrived]


def rebuild_raw(home: Home, registers: Registers, private_key: Path, reason: str) -> Rebuilt:
    """Make the raw tables again, whole or not at all. The data folder must be held.

    The audit log has the entry before an original is opened. The clear files lie in the data folder
    while they are read, as when they came. Raises RawIsThere, NotOpened for a key that doesn't fit,
    and UnfitText for an unfit reason.
    """
    if any((home.raw / "deliveries").glob("*.parquet")):
        raise RawIsThere(both("rebuilding.raw_is_there", folder=home.raw))
    identities = read_identities(private_key)
    finish_rotations(home)
    batches = sorted(_batches(home, identities), key=lambda batch: batch.stored_at)
    audit.append(home, "vault", "rebuilt", "raw", reason, f"{len(batches)} batches")
    files = without = 0
    for left in home.root.glob(".rebuilding-*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=".rebuilding-", dir=home.root) as name:
        scratch = _scratch(home, Path(name))
        ids: dict[str, str] = {}
        for batch in batches:
            found = list(_put(home, scratch, registers, batch, identities, ids))
            files += len(found)
            without += len(batch.files) - len(found)
            _know_confirmations(home, scratch, batch.stored_at)
            before = set(scratch.raw.glob("*/*.parquet"))
            take_in(scratch, registers)
            _join(scratch, before, batch.name, ids)
        wait_for_disk(scratch.raw.glob("*/*.parquet"))
        # What has no original has no file from now on.
        forget_files(home)
        shutil.rmtree(home.raw, ignore_errors=True)
        scratch.raw.rename(home.raw)
    return Rebuilt(files, without)


def _batches(home: Home, identities: list[Identity]) -> Iterator[_Batch]:
    for path in home.vault.glob("*.age"):
        opened = BytesIO()
        decrypt(BytesIO(path.read_bytes()), identities, opened)
        content = json.loads(opened.getvalue())
        files = [Arrived(**each) for each in content["files"]]
        yield _Batch(path.stem, content["stored_at"], files)


def _scratch(home: Home, folder: Path) -> Home:
    """Return a data folder beside, with the same keys, which notes nothing beside these."""
    scratch = Home(root=folder / "home", keys=folder / "keys")
    write_version(scratch)
    for made in (scratch.vault, scratch.decisions, scratch.raw, scratch.keys):
        made.mkdir(parents=True)
    for path in home.keys.glob("*.key"):
        (scratch.keys / path.name).symlink_to(path)
    shutil.copyfile(home.vault / RECIPIENTS, scratch.vault / RECIPIENTS)
    receipts = audit.journal_path(home, "receipts")
    if receipts.exists():
        shutil.copyfile(receipts, audit.journal_path(scratch, "receipts"))
    return scratch


def _put(
    home: Home,
    scratch: Home,
    registers: Registers,
    batch: _Batch,
    identities: list[Identity],
    ids: dict[str, str],
) -> Iterator[Arrived]:
    """Put the files of a batch into the inbox as they came; yield those that have an original.

    `ids` is given the id by which each delivery is known, by that which its content has today.
    """
    keyed = Pseudonyms(home.keys).key
    for (folder, name, modified_ns), arrived in groupby(batch.files, _came):
        forms, county = [], registers.county_of(folder)
        for each in arrived:
            content = BytesIO()
            try:
                with sealed_original(home, each.delivery_id) as sealed:
                    decrypt(sealed, identities, content)
            except UnknownOriginal:
                continue
            forms.append(content.getvalue())
            today = delivery_id_of(hash_content(forms[-1], keyed), county)
            ids.setdefault(today, each.delivery_id)
            yield each
        if forms:
            path = scratch.inbox / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(forms[0] if len(forms) == 1 else _archive(forms))
            os.utime(path, ns=(modified_ns, modified_ns))


def _came(arrived: Arrived) -> tuple[str, str, int]:
    return arrived.folder, arrived.name, arrived.modified_ns


def _archive(forms: list[bytes]) -> bytes:
    """Return forms as one archive, in their order: sealed one by one, they came together."""
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for number, form in enumerate(forms):
            archive.writestr(f"{number:06}", form)
    return content.getvalue()


def _know_confirmations(home: Home, scratch: Home, until: str) -> None:
    """Give the scratch folder what had been confirmed by then."""
    path = audit.journal_path(home, "confirmations")
    count = sum(entry["at"] <= until for entry in journal.read(path))
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    audit.journal_path(scratch, path.stem).write_bytes(b"".join(lines[:count]))


def _join(scratch: Home, before: set[Path], batch: str, ids: dict[str, str]) -> None:
    """Make one file a table of what a batch gave, under the batch's name and with its ids."""
    for table, schema in SCHEMAS.items():
        made = sorted(set((scratch.raw / table).glob("*.parquet")) - before)
        if not made:
            continue
        rows = pa.concat_tables(pq.read_table(path, schema=schema) for path in made)
        for position, column in enumerate(schema.names):
            if column in _NAMING:
                known = [_as_known(value, ids) for value in rows[column].to_pylist()]
                rows = rows.set_column(position, column, pa.array(known, pa.string()))
        for path in made:
            path.unlink()
        write_parquet(scratch.raw / table / f"{batch}.parquet", rows)


def _as_known(value: str | None, ids: dict[str, str]) -> str | None:
    """Return a text with the ids by which deliveries were known when they came."""
    return value and _ID.sub(lambda found: ids.get(found[0], found[0]), value)
