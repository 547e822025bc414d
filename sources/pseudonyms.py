"""Codes of cases, contacts and persons as pseudonyms.

Belongs here: the keyed hash and its secret keys. Not here: which columns are such codes
(the layouts) or the sealed originals (sources.vault).
"""

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

from sources.values import folded


class Pseudonyms:
    """Turns codes into pseudonyms with one secret key a purpose, kept in `keys_dir`.

    The same code gives the same pseudonym for one purpose, and unrelated ones for two. Whoever
    lacks the keys can't try codes out. A key is made on first use, in a file only its owner reads.
    """

    def __init__(self, keys_dir: Path) -> None:
        self._keys_dir = keys_dir
        self._keys: dict[str, bytes] = {}

    def key(self, purpose: str, text: str) -> str:
        """Return the pseudonym (64 hex digits, HMAC-SHA-256) of a code; case doesn't count.

        Raises ValueError if `purpose` is no plain lower-case word or its key file is damaged.
        """
        if purpose not in self._keys:
            self._keys[purpose] = self._load(purpose)
        return hmac.new(self._keys[purpose], folded(text).encode(), hashlib.sha256).hexdigest()

    def _load(self, purpose: str) -> bytes:
        if not re.fullmatch(r"[a-z_]+", purpose):
            raise ValueError("a purpose is a plain lower-case word")
        path = self._keys_dir / f"{purpose}.key"
        if not path.exists():
            write_secret(path, secrets.token_hex(32).encode())
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
        if len(key) != 32:
            raise ValueError(f"{path.name} is damaged: restore it, or pseudonyms won't match.")
        return key


def write_secret(path: Path, content: bytes) -> None:
    """Write a secret that only its owner can read; a file that is there already stays.

    Two processes that come at once both end up with the first one's file, whole.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # A hard link is refused where the name exists; a rename would replace a key in use.
        os.link(temporary, path)
    except FileExistsError:
        return
    finally:
        temporary.unlink()
