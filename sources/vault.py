"""Originals, sealed for whoever holds the private key.

Belongs here: sealing, opening, and the vault's pair of keys. Not here: which files are sealed
(sources.landing) or pseudonyms (sources.pseudonyms).
"""

import re
import secrets
from pathlib import Path

from nacl.encoding import HexEncoder
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from sources import audit
from sources.home import Home
from sources.pseudonyms import write_secret

PUBLIC_KEY = "public.key"
PRIVATE_KEY = "vault.key"


def seal(content: bytes, home: Home) -> bytes:
    """Return `content` sealed with the public key of the vault.

    Sealing needs no secret: the private key can be moved off the machine once it is made. Where
    the vault has no public key yet, the pair is made. Raises ValueError for a damaged key file.
    """
    path = home.vault / PUBLIC_KEY
    if not path.exists():
        _make_pair(home, path)
    public = PublicKey(path.read_bytes().strip(), encoder=HexEncoder)
    return bytes(SealedBox(public).encrypt(content))


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
    sealed = find_sealed(home, delivery_id)
    try:
        key = PrivateKey(private_key.read_bytes().strip(), encoder=HexEncoder)
        content = SealedBox(key).decrypt(sealed.read_bytes())
    except (CryptoError, ValueError, TypeError):
        audit.append(home, "open original", delivery_id, reason, "refused: the key does not fit")
        raise ValueError("the private key does not fit this vault.") from None
    audit.append(home, "open original", delivery_id, reason, "opened")
    write_secret(out, bytes(content))


def find_sealed(home: Home, delivery_id: str) -> Path:
    """Return where the sealed original of a delivery lies; ValueError if there is none."""
    if not re.fullmatch(r"[0-9a-f]{16}", delivery_id):
        raise ValueError("a delivery's id has 16 hex digits: see quality.findings.")
    kept = home.vault / f"{delivery_id}.sealed"
    found = [kept, *home.quarantine.glob(f"*/{delivery_id}/original.sealed")]
    for path in found:
        if path.exists():
            return path
    raise ValueError(f"the vault has no original of {delivery_id}.")


def _make_pair(home: Home, path: Path) -> None:
    # The private key is written first, and an old one is used again: a public key whose other
    # half is lost would seal originals for nobody.
    write_secret(home.keys / PRIVATE_KEY, bytes(PrivateKey.generate().encode(HexEncoder)))
    private = PrivateKey((home.keys / PRIVATE_KEY).read_bytes().strip(), encoder=HexEncoder)
    home.vault.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    temporary.write_bytes(private.public_key.encode(HexEncoder))
    temporary.replace(path)
