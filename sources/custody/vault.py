"""Originals, sealed for whoever holds the private key.

Belongs here: sealing, opening, and the vault's pair of keys. Not here: which files are sealed
(sources.custody.landing) or pseudonyms (sources.custody.pseudonyms).
"""

import os
import re
import secrets
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from nacl import bindings as sodium
from nacl.encoding import HexEncoder
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.utils import random

from sources.custody import audit
from sources.custody.home import Home
from sources.custody.pseudonyms import write_secret
from sources.reading.file import SealedOriginal

PUBLIC_KEY = "public.key"
PRIVATE_KEY = "vault.key"

#: The most of a content that is held in memory to seal or open it.
CHUNK_BYTES = 2**20

_MARK = b"krat-sealed-1\n"
_KEY_BYTES = sodium.crypto_secretstream_xchacha20poly1305_KEYBYTES
_MORE = sodium.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
_LAST = sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL


class UnknownOriginal(ValueError):
    """There is no original of such a delivery."""


@dataclass(frozen=True)
class Sealed:
    """A sealed original, behind others in a file under `Home.incoming`, until it is stored."""

    path: str
    start: int
    length: int

    def copy_into(self, path: Path) -> None:
        """Write it into a new file. Raises OSError as `copy_to` does."""
        with path.open("xb") as target:
            self.copy_to(target)

    def copy_to(self, target: IO[bytes]) -> None:
        """Write it to `target`, in chunks. Raises OSError when it can't be read or written."""
        end = self.start + self.length
        handle = os.open(self.path, os.O_RDONLY)
        try:
            for start in range(self.start, end, CHUNK_BYTES):
                target.write(os.pread(handle, min(CHUNK_BYTES, end - start), start))
        finally:
            os.close(handle)


class Sealer:
    """Seals originals, in chunks, so that only the private key opens them.

    The content is encrypted under a fresh key (libsodium's secretstream), which is sealed to the
    vault's public key (its sealed box): a chunk that is changed, missing or out of its place is
    found when the original is opened. Sealing needs no secret: the private key can be moved off the
    machine once it is made. Where the vault has no public key yet, the pair is made. Raises
    ValueError for a damaged key file.
    """

    def __init__(self, home: Home) -> None:
        home.incoming.mkdir(parents=True, exist_ok=True)
        # One file a sealer: making a file for each small original would cost more than its reading.
        self._path = str(home.incoming / secrets.token_hex(16))
        self._length = 0
        path = home.vault / PUBLIC_KEY
        if not path.exists():
            _make_pair(home, path)
        public = PublicKey(path.read_bytes().strip(), encoder=HexEncoder)
        # One key a sealer: so would an elliptic curve.
        self._key = random(_KEY_BYTES)
        self._head = _MARK + bytes(SealedBox(public).encrypt(self._key))

    def sealed(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the sealed form of a content that comes in chunks of CHUNK_BYTES, the last less."""
        state = sodium.crypto_secretstream_xchacha20poly1305_state()
        yield self._head + sodium.crypto_secretstream_xchacha20poly1305_init_push(state, self._key)
        chunk = b""
        for following in chunks:
            if chunk:
                yield sodium.crypto_secretstream_xchacha20poly1305_push(state, chunk, tag=_MORE)
            chunk = following
        yield sodium.crypto_secretstream_xchacha20poly1305_push(state, chunk, tag=_LAST)

    def keep(self, chunks: Iterable[bytes]) -> Sealed:
        """Seal a content into a file under `Home.incoming`, behind those before it.

        The disk may not have it yet. Raises OSError when it can't be written, and whatever the
        chunks raise; nothing of it is then left.
        """
        start = self._length
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            for part in self.sealed(chunks):
                written = 0
                while written < len(part):
                    written += os.write(handle, part[written:])
                self._length += len(part)
        except BaseException:
            os.ftruncate(handle, start)
            self._length = start
            raise
        finally:
            os.close(handle)
        return Sealed(self._path, start, self._length - start)


def in_chunks(content: bytes) -> Iterator[bytes]:
    """Yield a content in the chunks that a Sealer takes."""
    for start in range(0, len(content), CHUNK_BYTES):
        yield content[start : start + CHUNK_BYTES]


def opened(sealed: IO[bytes], private: PrivateKey) -> Iterator[bytes]:
    """Yield the content of a sealed original in chunks.

    Raises CryptoError or ValueError for a key that doesn't fit, and for what was changed, cut off
    or put in another order; what was yielded before it is then worthless.
    """
    if sealed.read(len(_MARK)) != _MARK:
        raise ValueError("this is no sealed original")
    key = SealedBox(private).decrypt(sealed.read(sodium.crypto_box_SEALBYTES + _KEY_BYTES))
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    head = sealed.read(sodium.crypto_secretstream_xchacha20poly1305_HEADERBYTES)
    sodium.crypto_secretstream_xchacha20poly1305_init_pull(state, head, bytes(key))
    tag = _MORE
    while chunk := sealed.read(CHUNK_BYTES + sodium.crypto_secretstream_xchacha20poly1305_ABYTES):
        if tag == _LAST:
            raise ValueError("something stands behind the end")
        content, tag = sodium.crypto_secretstream_xchacha20poly1305_pull(state, chunk)
        yield content
    if tag != _LAST:
        raise ValueError("the end is cut off")


def open_original(home: Home, delivery_id: str, private_key: Path, reason: str, out: Path) -> None:
    """Write the original of a delivery to `out`, readable by its owner alone.

    The audit log has the entry before the content is handed out, and one for each vain attempt.
    Raises ValueError for an unknown delivery, a key that doesn't fit, no reason, or an `out` that
    exists or lies in the home; OSError when a file can't be read or written.
    """
    if not reason.strip():
        raise ValueError("give the reason for which the original is opened.")
    if out.exists() or out.resolve().is_relative_to(home.root.resolve()):
        raise ValueError("the original goes into a new file outside KRAT_HOME.")
    try:
        key = PrivateKey(private_key.read_bytes().strip(), encoder=HexEncoder)
        # The whole is opened once before any of it is handed out.
        with sealed_original(home, delivery_id) as sealed:
            for _ in opened(sealed, key):
                pass
    except UnknownOriginal:
        raise
    except (CryptoError, ValueError, TypeError):
        audit.append(home, "open original", delivery_id, reason, "refused: the key does not fit")
        raise ValueError("the private key does not fit this vault.") from None
    audit.append(home, "open original", delivery_id, reason, "opened")
    handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file, sealed_original(home, delivery_id) as sealed:
        file.writelines(opened(sealed, key))


@contextmanager
def sealed_original(home: Home, delivery_id: str) -> Iterator[IO[bytes]]:
    """Open the sealed original of a delivery for reading; UnknownOriginal if there is none."""
    if not re.fullmatch(r"[0-9a-f]{16}", delivery_id):
        raise UnknownOriginal("a delivery's id has 16 hex digits: see quality.findings.")
    for path in home.quarantine.glob(f"*/{delivery_id}/original.sealed"):
        with path.open("rb") as sealed:
            yield sealed
        return
    for path in home.vault.glob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            if _member(delivery_id) in archive.namelist():
                with archive.open(_member(delivery_id)) as sealed:
                    yield sealed
                return
    raise UnknownOriginal(f"the vault has no original of {delivery_id}.")


def pack(path: Path, originals: Mapping[str, SealedOriginal]) -> None:
    """Write a zip archive of sealed originals, each under the id of its delivery.

    They are stored as they are: what is sealed can't be compressed. The disk may not have it yet.
    Raises OSError when it can't be written.
    """
    with zipfile.ZipFile(path, "w") as archive:
        for delivery_id, sealed in originals.items():
            member = zipfile.ZipInfo(_member(delivery_id))
            member.file_size = sealed.length
            with archive.open(member, "w") as target:
                sealed.copy_to(target)


def _member(delivery_id: str) -> str:
    return f"{delivery_id}.sealed"


def _make_pair(home: Home, path: Path) -> None:
    # The private key is written first, and an old one is used again: a public key whose other
    # half is lost would seal originals for nobody.
    write_secret(home.keys / PRIVATE_KEY, bytes(PrivateKey.generate().encode(HexEncoder)))
    private = PrivateKey((home.keys / PRIVATE_KEY).read_bytes().strip(), encoder=HexEncoder)
    home.vault.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    temporary.write_bytes(private.public_key.encode(HexEncoder))
    temporary.replace(path)
