"""Codes of cases, contacts and persons as pseudonyms.

Belongs here: the keyed hash and its secret keys. Not here: which columns are such codes (the
layouts), the change of a key (sources.custody.rekeying) or the sealed originals
(sources.custody.vault).
"""

import hashlib
import hmac
import re
import secrets
from pathlib import Path

from sources.atomic import create_file, write_bytes
from sources.values import folded

_OWNER_ONLY = 0o600


class Pseudonyms:
    """Turns codes into pseudonyms with one secret key a purpose, kept in `keys_dir`.

    The same code gives the same pseudonym for one purpose, and unrelated ones for two. Whoever
    lacks the keys can't try codes out. A key is made on first use, in a file only its owner reads.
    """

    def __init__(self, keys_dir: Path) -> None:
        self._keys_dir = keys_dir
        self._keys: dict[str, list[bytes]] = {}

    def key(self, purpose: str, text: str) -> str:
        """Return the pseudonym (64 hex digits, HMAC-SHA-256) of a code; case doesn't count.

        Raises ValueError if `purpose` is no plain lower-case word or its key file is damaged.
        """
        if purpose not in self._keys:
            self._keys[purpose] = self._load(purpose)
        first, *later = self._keys[purpose]
        pseudonym = hmac.new(first, folded(text).encode(), hashlib.sha256).hexdigest()
        for key in later:
            pseudonym = chained(pseudonym, key)
        return pseudonym

    def _load(self, purpose: str) -> list[bytes]:
        if not re.fullmatch(r"[a-z_]+", purpose):
            raise ValueError("a purpose is a plain lower-case word")
        keys = read_keys(self._keys_dir, purpose)
        if keys is None:
            write_secret(self._keys_dir / f"{purpose}.key", new_key().hex().encode())
            keys = read_keys(self._keys_dir, purpose)
        return keys or []


def new_key() -> bytes:
    """Return a new secret key of 32 bytes."""
    return secrets.token_bytes(32)


def chained(pseudonym: str, key: bytes) -> str:
    """Return what a pseudonym becomes under one more key."""
    return hmac.new(key, bytes.fromhex(pseudonym), hashlib.sha256).hexdigest()


def read_keys(keys_dir: Path, purpose: str) -> list[bytes] | None:
    """Return the keys of a purpose, oldest first, or None where it has none.

    Raises ValueError for a damaged key file.
    """
    path = keys_dir / f"{purpose}.key"
    if not path.exists():
        return None
    damaged = f"{path.name} is damaged: restore it, or pseudonyms won't match."
    try:
        keys = [bytes.fromhex(line) for line in path.read_text(encoding="ascii").split()]
    except ValueError:
        raise ValueError(damaged) from None
    if not keys or any(len(key) != 32 for key in keys):
        raise ValueError(damaged)
    return keys


def purposes(keys_dir: Path) -> list[str]:
    """Return the purposes that have a key."""
    names = {path.stem for path in keys_dir.glob("*.key")}
    return sorted(name for name in names if re.fullmatch(r"[a-z_]+", name))


def replace_keys(keys_dir: Path, name: str, keys: list[bytes]) -> None:
    """Write `<name>.key` with the keys, oldest first, over one that is there."""
    content = "\n".join(key.hex() for key in keys).encode()
    write_bytes(keys_dir / f"{name}.key", content, _OWNER_ONLY)


def write_secret(path: Path, content: bytes) -> None:
    """Write a secret that only its owner can read; a file that is there already stays.

    Two processes that come at once both end up with the first one's file, whole.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    create_file(path, content, _OWNER_ONLY)
