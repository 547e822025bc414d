"""Originals, encrypted for whoever holds the private key.

Belongs here: encrypting, opening, and the vault's pair of keys. Not here: which files are kept
(sources.custody.landing) or pseudonyms (sources.custody.pseudonyms).

The format is age (age-encryption.org): any program for it opens an original without krat.
"""

import os
import re
import secrets
import shutil
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase, BytesIO
from pathlib import Path
from typing import IO, cast

import pyrage
from pyrage.x25519 import Identity, Recipient

from sources.atomic import destroy_file, overwrite, replace_file, write_text
from sources.custody import audit, journal
from sources.custody.home import Home
from sources.custody.pseudonyms import write_secret
from sources.reading.file import SealedOriginal
from sources.texts import both

#: The vault's public keys, in the format of `age --recipients-file`: each opens what comes later.
RECIPIENTS = "recipients.txt"

#: The private key, in the folder of keys, in the format of `age --identity`.
IDENTITY = "vault-identity.txt"

#: An original in the folder of a refused file.
QUARANTINED = "original.age"

#: And the name that it came under.
QUARANTINED_NAME = "name.age"

#: How much of a file is read at once to encrypt it, in bytes.
CHUNK_BYTES = 2**20


class UnknownOriginal(ValueError):
    """There is no original of such a delivery."""


class NotOpened(ValueError):
    """No key fits an original, or it was changed or cut off."""


class LostPublicKey(ValueError):
    """The vault's public key is gone or damaged: nothing can be sealed for whoever opens it."""

    def __init__(self, path: Path) -> None:
        super().__init__(both("rebuilding.public_key_lost", path=path))


@dataclass(frozen=True)
class Sealed:
    """An encrypted original, after others in a file under `Home.incoming`, until it is stored."""

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
    """Encrypts originals so that only the private key opens them.

    This needs no secret: the private key can be moved off the machine once it is made. Where the
    vault has no public key yet, the pair is made. Raises LostPublicKey.
    """

    def __init__(self, home: Home) -> None:
        home.incoming.mkdir(parents=True, exist_ok=True)
        # One file a sealer: making a file for each small original would cost more than its reading.
        self._path = home.incoming / secrets.token_hex(16)
        self._length = 0
        self._recipients = recipients(home)

    def keep(self, chunks: Iterable[bytes]) -> Sealed:
        """Encrypt a content into a file under `Home.incoming`, after those before it.

        The disk may not have it yet. Raises OSError when it can't be written, and whatever the
        chunks raise; nothing of it is then left.
        """
        source = _Source(chunks)
        start = self._length
        try:
            with open(self._path, "ab", opener=_open_for_owner) as target:
                pyrage.encrypt_io(source, target, self._recipients)
            self._length = self._path.stat().st_size
        except BaseException as failure:
            os.truncate(self._path, start)
            if source.failure is not None:
                raise source.failure from None
            if isinstance(failure, pyrage.EncryptError):
                raise OSError(f"an original can't be encrypted: {failure}") from None
            raise
        return Sealed(str(self._path), start, self._length - start)


def sealed_text(home: Home, text: str) -> bytes:
    """Return a text, encrypted as originals are. Raises LostPublicKey."""
    return pyrage.encrypt(text.encode(), recipients(home))


def recipients(home: Home) -> list[Recipient]:
    """Return the vault's public keys; the first pair is made where there is none.

    Raises LostPublicKey for a damaged file, and for one that is gone whose private key is away.
    """
    path = home.vault / RECIPIENTS
    if not path.exists():
        if any(home.vault.glob("*.zip")) and not (home.keys / IDENTITY).exists():
            # The officer's key would not open what comes from now on.
            raise LostPublicKey(path)
        _make_pair(home, path)
    try:
        found = [Recipient.from_str(line) for line in _key_lines(path)]
    except (pyrage.RecipientError, UnicodeDecodeError):
        found = []
    if not found:
        raise LostPublicKey(path)
    return found


class _Source(BufferedIOBase):
    """Chunks as a file for pyrage, which turns what a file raises into an error of its own."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")
        self.failure: BaseException | None = None

    def read(self, size: int | None = CHUNK_BYTES, /) -> bytes:
        """Return the next bytes, at most `size`; none at the end."""
        if not self._rest:
            try:
                self._rest = memoryview(next(self._chunks, b""))
            except BaseException as failure:
                self.failure = failure
                raise
        part, self._rest = self._rest[:size], self._rest[size:]
        return bytes(part)


def decrypt(sealed: BufferedIOBase, identities: list[Identity], target: BufferedIOBase) -> None:
    """Write the content of an original to `target`, in chunks.

    Raises NotOpened for a key that doesn't fit, and for what was changed, cut off or put in another
    order; what was written before it is then worthless. Raises OSError when it can't be written.
    """
    try:
        pyrage.decrypt_io(sealed, target, identities)
    except pyrage.DecryptError:
        raise NotOpened from None
    except OSError as failure:
        # pyrage raises one without a number for a part that was changed.
        if failure.errno is None:
            raise NotOpened from None
        raise


def read_identities(path: Path) -> list[Identity]:
    """Return the private keys of a file of identities. Raises NotOpened where it holds none."""
    try:
        identities = [Identity.from_str(line) for line in _key_lines(path)]
    except (pyrage.IdentityError, UnicodeDecodeError):
        identities = []
    if not identities:
        raise NotOpened
    return identities


def open_original(
    home: Home, delivery_id: str, private_key: Path, reason: str, out: Path
) -> str | None:
    """Write the original of a delivery to `out`, readable by its owner alone.

    Returns the name that a refused file came under, where it is kept.

    The audit log has the entry before the content is handed out, and one for each vain attempt.
    Raises ValueError for an unknown delivery, a key that doesn't fit, an unfit reason, or an `out`
    that exists or lies in the home; OSError when a file can't be read or written.
    """
    reason = journal.fit(reason)
    if out.exists() or out.resolve().is_relative_to(home.root.resolve()):
        raise ValueError("the original goes into a new file outside KRAT_HOME.")
    try:
        identities = read_identities(private_key)
        # The whole is opened once before any of it is handed out.
        with sealed_original(home, delivery_id) as sealed, Path(os.devnull).open("wb") as nowhere:
            decrypt(sealed, identities, nowhere)
    except NotOpened:
        audit.append(home, "vault", "refused", delivery_id, reason)
        raise ValueError("the private key does not fit this vault.") from None
    audit.append(home, "vault", "opened", delivery_id, reason)
    with (
        open(out, "xb", opener=_open_for_owner) as target,
        sealed_original(home, delivery_id) as sealed,
    ):
        decrypt(sealed, identities, target)
    for path in home.quarantine.glob(f"*/{delivery_id}/{QUARANTINED_NAME}"):
        name = BytesIO()
        decrypt(BytesIO(path.read_bytes()), identities, name)
        return name.getvalue().decode()
    return None


@contextmanager
def sealed_original(home: Home, delivery_id: str) -> Iterator[BufferedIOBase]:
    """Open the encrypted original of a delivery for reading; UnknownOriginal if there is none."""
    if not re.fullmatch(r"[0-9a-f]{16}", delivery_id):
        raise UnknownOriginal("a delivery's id has 16 hex digits: see quality.findings.")
    for path in home.quarantine.glob(f"*/{delivery_id}/{QUARANTINED}"):
        with path.open("rb") as sealed:
            yield sealed
        return
    for path in home.vault.glob("*.zip"):
        # One that is damaged keeps no others from being opened.
        if not zipfile.is_zipfile(path):
            continue
        with zipfile.ZipFile(path) as archive:
            if member_name(delivery_id) in kept_in(archive):
                with archive.open(member_name(delivery_id)) as member:
                    # It is an io.BufferedIOBase, whatever its type says.
                    yield cast("BufferedIOBase", member)
                return
    raise UnknownOriginal(f"the vault has no original of {delivery_id}.")


def pack(path: Path, originals: Mapping[str, SealedOriginal | None]) -> None:
    """Write a zip archive of encrypted originals, each under the id of its delivery.

    What is not kept has an empty member, so that it isn't missed. They are stored as they are: what
    is encrypted can't be compressed. The disk may not have it yet. Raises OSError when it can't be
    written.
    """
    with zipfile.ZipFile(path, "w") as archive:
        for delivery_id, sealed in originals.items():
            member = zipfile.ZipInfo(member_name(delivery_id))
            if sealed is None:
                archive.writestr(member, b"")
                continue
            member.file_size = sealed.length
            with archive.open(member, "w") as target:
                sealed.copy_to(target)


def remove_originals(home: Home, delivery_ids: Collection[str]) -> int:
    """Remove the originals of deliveries, and the names that refused ones came under.

    Returns how many originals there were. Raises OSError when a file can't be written.
    """
    removed = 0
    members = {member_name(delivery_id) for delivery_id in delivery_ids}
    for path in sorted(home.vault.glob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            kept = kept_in(archive)
            gone = kept & members
            if gone:
                _empty(path, archive, gone, overwrites=gone == kept)
        removed += len(gone)
    for delivery_id in sorted(delivery_ids):
        for name in (QUARANTINED_NAME, QUARANTINED):
            for path in home.quarantine.glob(f"*/{delivery_id}/{name}"):
                destroy_file(path)
                removed += name == QUARANTINED
    return removed


def _empty(path: Path, archive: zipfile.ZipFile, gone: set[str], *, overwrites: bool) -> None:
    """Leave empty members in place of originals, and where nothing stays also on the disk."""
    stored = path.stat()
    with path.open("r+b") as before:
        with replace_file(path) as fresh:
            with zipfile.ZipFile(fresh, "w") as target:
                for each in archive.infolist():
                    if each.filename in gone:
                        target.writestr(zipfile.ZipInfo(each.filename), b"")
                        continue
                    with archive.open(each) as sealed, target.open(each, "w") as copied:
                        shutil.copyfileobj(sealed, copied, CHUNK_BYTES)
            # How long the others are kept is counted from when they were stored.
            os.utime(fresh, ns=(stored.st_atime_ns, stored.st_mtime_ns))
        if overwrites:
            overwrite(before)


def kept_in(archive: zipfile.ZipFile) -> set[str]:
    """Return the names of the originals in an archive, without those that are not kept."""
    return {member.filename for member in archive.infolist() if member.file_size}


def member_name(delivery_id: str) -> str:
    """Return the name of an original in an archive of the vault."""
    return f"{delivery_id}.age"


def _key_lines(path: Path) -> list[str]:
    """Return the keys of a file of age, a line each; `#` begins a comment."""
    lines = (line.strip() for line in path.read_text(encoding="ascii").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _open_for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _make_pair(home: Home, path: Path) -> None:
    # The private key is written first, and an old one is used again: a public key whose other
    # half is lost would encrypt originals for nobody.
    write_secret(home.keys / IDENTITY, f"{Identity.generate()}\n".encode("ascii"))
    identities = read_identities(home.keys / IDENTITY)
    write_text(path, "".join(f"{identity.to_public()}\n" for identity in identities))
