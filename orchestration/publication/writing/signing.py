"""Ed25519 signatures of releases, by libsodium.

Belongs here: the pair of keys, and the public key as a file. Not here: what is signed (release) or
what a reader is told of it (verify).

The public key is an ordinary PEM file and the signature 64 plain bytes, so that whoever has OpenSSL
can check a release without krat.
"""

import base64
import hashlib
import re
import secrets
from pathlib import Path

from nacl.encoding import HexEncoder
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from sources.custody.pseudonyms import write_secret

#: The private key, in the folder of keys. The hyphen keeps it out of the purposes of pseudonyms.
PRIVATE_KEY = "release-signing.key"

#: The public keys of a tree of releases, at its root, the newest last.
PUBLIC_KEYS = "release-key.pem"

#: What precedes the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410).
_PREFIX = bytes.fromhex("302a300506032b6570032100")

_BLOCK = re.compile(r"-----BEGIN PUBLIC KEY-----(.*?)-----END PUBLIC KEY-----", re.DOTALL)


class NoKey(ValueError):
    """A key file is missing or holds no Ed25519 key."""


def signing_key(keys_dir: Path) -> SigningKey:
    """Return the key that signs, made on first use. Raises NoKey if its file is damaged."""
    path = keys_dir / PRIVATE_KEY
    if not path.exists():
        write_secret(path, SigningKey.generate().encode(HexEncoder))
    return _private_keys(path)[-1]


def own_public_keys(keys_dir: Path) -> list[VerifyKey]:
    """Return the public keys of this installation; none where nothing was signed yet."""
    path = keys_dir / PRIVATE_KEY
    return [key.verify_key for key in _private_keys(path)] if path.exists() else []


def fingerprint(key: VerifyKey) -> str:
    """Return the SHA-256 of a public key, by which people compare and name it."""
    return hashlib.sha256(bytes(key)).hexdigest()


def _private_keys(path: Path) -> list[SigningKey]:
    """Return the keys of a file, a line each, the newest, which signs, last."""
    try:
        keys = [SigningKey(line, encoder=HexEncoder) for line in path.read_bytes().split()]
    except (ValueError, TypeError):
        keys = []
    if not keys:
        raise NoKey(f"{path.name} is damaged: restore it, or no release can be signed.")
    return keys


def is_signed_by(key: VerifyKey, content: bytes, signature: bytes) -> bool:
    """Tell whether `signature` is the key's signature of `content`."""
    try:
        key.verify(content, signature)
    except (BadSignatureError, ValueError):
        return False
    return True


def read_public_keys(path: Path) -> list[VerifyKey]:
    """Return the Ed25519 keys of a PEM file. Raises NoKey where it has none or can't be read."""
    try:
        blocks = _BLOCK.findall(path.read_text(encoding="ascii"))
        encoded = [base64.b64decode(block) for block in blocks]
    except (OSError, ValueError):
        encoded = []
    keys = [
        VerifyKey(content.removeprefix(_PREFIX))
        for content in encoded
        if content.startswith(_PREFIX) and len(content) == len(_PREFIX) + 32
    ]
    if not keys or len(keys) != len(encoded):
        raise NoKey(f"{path} holds no Ed25519 public key in PEM.")
    return keys


def publish_key(key: VerifyKey, tree: Path) -> None:
    """Put the public key at the root of a tree of releases, after those that signed before it."""
    path = tree / PUBLIC_KEYS
    published = path.read_text(encoding="ascii") if path.exists() else ""
    if path.exists() and bytes(key) in {bytes(one) for one in read_public_keys(path)}:
        return
    body = base64.b64encode(_PREFIX + bytes(key)).decode("ascii")
    block = f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"
    tree.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    fresh.write_text(published + block, encoding="ascii")
    fresh.replace(path)
