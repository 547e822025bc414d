"""The key of the warehouse's file, which lies with the keys of pseudonyms.

Belongs here: making, changing and destroying it. Not here: opening the file
(orchestration.runtime.database), or a key of the environment (orchestration.runtime.settings).

The file can be built again from what was taken in, so a new key never has to open an old file.
"""

from pathlib import Path

from sources.atomic import destroy_file
from sources.custody.home import Home
from sources.custody.pseudonyms import new_key, read_keys, replace_keys, write_secret

#: What the key is for, as `krat keys list` calls it.
WAREHOUSE_PURPOSE = "warehouse"


def read_key(keys_dir: Path) -> str | None:
    """Return the key as 64 hex digits, or None where there is none. ValueError: it is damaged."""
    keys = read_keys(keys_dir, WAREHOUSE_PURPOSE)
    return keys[-1].hex() if keys else None


def make_key(keys_dir: Path) -> None:
    """Make the key; one that is there stays."""
    write_secret(keys_dir / f"{WAREHOUSE_PURPOSE}.key", new_key().hex().encode())


def change_key(home: Home) -> None:
    """Give the warehouse a new key; the next refresh builds it."""
    remove_warehouse(home)
    replace_keys(home.keys, WAREHOUSE_PURPOSE, [new_key()])


def remove_warehouse(home: Home) -> None:
    """Remove the file, and what DuckDB has beside it."""
    for path in home.root.glob(f"{home.warehouse.name}*"):
        if path.is_file():
            destroy_file(path)
