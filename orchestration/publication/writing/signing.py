"""Ed25519 signatures of releases.

Belongs here: the keys, the public ones as a file, and signing a draft. Not here: what is signed
(publication.restricted) or what a reader is shown of it (publication.verify).

Keys are ordinary PEM files and a signature is 64 plain bytes, so whoever has OpenSSL can check a
release without krat.
"""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from orchestration.products.tree import MANIFEST, SIGNATURE
from sources.atomic import write_bytes
from sources.custody import audit
from sources.custody.home import Home
from sources.custody.pseudonyms import write_secret

#: The private keys, in the folder of keys, the one that signs last.
PRIVATE_KEY = "release-signing.pem"

#: The public keys of a tree of releases, at its root, the newest last.
PUBLIC_KEYS = "release-key.pem"

_BLOCK = re.compile(rb"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----", re.DOTALL)


class NoKey(ValueError):
    """A key file is missing or holds no Ed25519 key."""


def signing_key(keys_dir: Path) -> Ed25519PrivateKey:
    """Return the key that signs, made on first use. Raises NoKey if its file is damaged."""
    path = keys_dir / PRIVATE_KEY
    if not path.exists():
        write_secret(path, private_pem(Ed25519PrivateKey.generate()))
    return _private_keys(path)[-1]


def own_public_keys(keys_dir: Path) -> list[Ed25519PublicKey]:
    """Return the public keys of this installation; none where nothing was signed yet."""
    path = keys_dir / PRIVATE_KEY
    return [key.public_key() for key in _private_keys(path)] if path.exists() else []


def private_pem(key: Ed25519PrivateKey) -> bytes:
    """Return a private key as PEM (PKCS #8, not encrypted)."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def fingerprint(key: Ed25519PublicKey) -> str:
    """Return the SHA-256 of a public key's 32 bytes, by which people compare and name it."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def is_signed_by(key: Ed25519PublicKey, content: bytes, signature: bytes) -> bool:
    """Return whether `signature` is the key's signature of `content`."""
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True


def public_keys_in(content: bytes) -> list[Ed25519PublicKey]:
    """Return the keys in the content of a PEM file. Raises NoKey unless all are Ed25519 keys."""
    keys = _keys_in(content, load_pem_public_key)
    found = [key for key in keys if isinstance(key, Ed25519PublicKey)]
    if not found or len(found) != len(keys):
        raise NoKey("there is no Ed25519 public key in PEM.")
    return found


def read_public_keys(path: Path) -> list[Ed25519PublicKey]:
    """Return the keys of a PEM file. Raises NoKey where it has none or can't be read."""
    try:
        return public_keys_in(path.read_bytes())
    except (OSError, NoKey):
        raise NoKey(f"{path} holds no Ed25519 public key in PEM.") from None


def publish_key(key: Ed25519PublicKey, tree: Path) -> None:
    """Put the public key at the root of a tree of releases, after those that signed before it."""
    path = tree / PUBLIC_KEYS
    published = read_public_keys(path) if path.exists() else []
    if key not in published:
        blocks = (
            one.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            for one in [*published, key]
        )
        write_bytes(path, b"".join(blocks))


def sign_release(home: Home, draft: Path, target: Path, package: dict[str, Any]) -> None:
    """Write the manifest of a draft and its signature, and enter that it becomes `target`.

    The audit log has the manifest's hash before the release appears.
    """
    manifest = (json.dumps(package, indent=2, ensure_ascii=False) + "\n").encode()
    (draft / MANIFEST).write_bytes(manifest)
    (draft / SIGNATURE).write_bytes(signing_key(home.keys).sign(manifest))
    subject = target.relative_to(home.releases).as_posix()
    audit.append(home, "release", "released", subject, outcome=hashlib.sha256(manifest).hexdigest())


def _private_keys(path: Path) -> list[Ed25519PrivateKey]:
    keys = _keys_in(path.read_bytes(), lambda block: load_pem_private_key(block, password=None))
    found = [key for key in keys if isinstance(key, Ed25519PrivateKey)]
    if not found or len(found) != len(keys):
        raise NoKey(f"{path.name} is damaged: restore it, or no release can be signed.")
    return found


def _keys_in(content: bytes, load: Callable[[bytes], object]) -> list[object]:
    """Return the keys of a PEM file, which may hold several; none if one is damaged."""
    try:
        return [load(block[0]) for block in _BLOCK.finditer(content)]
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return []
