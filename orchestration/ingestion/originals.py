"""Which originals are gone from the vault, or damaged: nothing else would notice for years.

Belongs here: comparing the vault with what was taken in. Not here: sealing and opening originals
(sources.custody.vault), or reading them again (rebuild).
"""

import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sources.custody.home import Home
from sources.custody.landing import arrivals_path
from sources.custody.vault import CHUNK_BYTES, member_name


def lost_originals(home: Home, *, whole: bool = False) -> list[str]:
    """Return the deliveries that were accepted and whose originals are gone or damaged.

    `whole` reads every byte of them. What was removed on purpose, or was too large to be kept, is
    not missed. Without the note of how the files of a batch came none of them can be read again:
    all of them are lost.
    """
    # Before the vault: what is stored meanwhile has its original before it is a delivery.
    accepted = [
        (delivery, path.stem)
        for path in sorted((home.raw / "deliveries").glob("*.parquet"))
        for delivery in _accepted(path)
    ]
    kept: set[str] = set()
    for path in home.vault.glob("*.zip"):
        try:
            with zipfile.ZipFile(path) as archive:
                members = archive.infolist()
                kept.update(
                    member.filename for member in members if not whole or _is_whole(archive, member)
                )
        except (OSError, zipfile.BadZipFile):
            # Nothing of it can be opened.
            continue
    return [
        delivery
        for delivery, batch in accepted
        if member_name(delivery) not in kept or not arrivals_path(home, batch).exists()
    ]


def _accepted(deliveries: Path) -> list[str]:
    """Return the deliveries of a batch that were accepted; of a damaged file a refresh tells."""
    try:
        rows = pq.read_table(
            deliveries, columns=["delivery_id"], filters=[("status", "==", "accepted")]
        )
    except (OSError, pa.ArrowException):
        return []
    accepted: list[str] = rows["delivery_id"].to_pylist()
    return accepted


def _is_whole(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    try:
        with archive.open(member) as sealed:
            while sealed.read(CHUNK_BYTES):
                pass
    except (OSError, zipfile.BadZipFile, EOFError):
        return False
    return True
