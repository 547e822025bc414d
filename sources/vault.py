"""Originals, sealed for whoever holds the private key.

Belongs here: sealing and the vault's pair of keys. Not here: where sealed files lie
(sources.landing) or pseudonyms (sources.pseudonyms).
"""

import secrets
from pathlib import Path

from nacl.encoding import HexEncoder
from nacl.public import PrivateKey, PublicKey, SealedBox

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


def _make_pair(home: Home, path: Path) -> None:
    # The private key is written first, and an old one is used again: a public key whose other
    # half is lost would seal originals for nobody.
    write_secret(home.keys / PRIVATE_KEY, bytes(PrivateKey.generate().encode(HexEncoder)))
    private = PrivateKey((home.keys / PRIVATE_KEY).read_bytes().strip(), encoder=HexEncoder)
    home.vault.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    temporary.write_bytes(private.public_key.encode(HexEncoder))
    temporary.replace(path)
