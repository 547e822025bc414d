"""The signed list of a site's files, and whether a folder is still what it says.

Belongs here: `site.json` and its signature. Not here: the files (build), or keys
(publication.writing).
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from orchestration.products.declaration import Tier
from orchestration.products.tree import MANIFEST as RELEASE_MANIFEST
from orchestration.products.tree import ListedRelease, file_hash
from orchestration.publication.verify import Fault
from orchestration.publication.writing.signing import PRIVATE_KEY, is_signed_by, signing_key
from orchestration.site.facts import Facts, releases_of
from sources.atomic import write_bytes, write_json

#: What decides how a site looks, beside what was released.
_PROJECT = Path(__file__).parents[2]
_MAKERS = (
    "orchestration/site/**/*.*",
    "orchestration/presentation/*.*",
    "sources/texts/esms.yml",
    "sources/texts/figures.yml",
    "sources/texts/site.yml",
)

MANIFEST = "site.json"
SIGNATURE = "site.json.sig"


def write_manifest(folder: Path, facts: Facts, script: str, key: Ed25519PrivateKey | None) -> int:
    """Write the list of all files and of the releases they are made of; return all bytes.

    `script` is what a policy names the one script of the pages by.

    It says nothing of who built it or when: another who builds it from the same releases gets the
    same.
    """
    files = [
        {"path": name, "hash": file_hash(path), "bytes": path.stat().st_size}
        for name, path in sorted(_files(folder).items())
    ]
    content: dict[str, Any] = {
        "tier": facts.tier.value,
        "known_until": facts.latest_day.isoformat(),
        "is_made_up": facts.is_made_up,
        "script": script,
        "made_by": _makers(),
        "releases": _made_of(facts.releases),
        "files": files,
    }
    write_json(folder / MANIFEST, content)
    if key is not None:
        write_bytes(folder / SIGNATURE, key.sign((folder / MANIFEST).read_bytes()))
    return sum(int(str(one["bytes"])) for one in files)


def own_key(keys_dir: Path) -> Ed25519PrivateKey | None:
    """Return the key that signs our releases, None where none was made yet."""
    return signing_key(keys_dir) if (keys_dir / PRIVATE_KEY).exists() else None


def is_current(folder: Path, tree: Path, tier: Tier) -> bool:
    """Return whether a site is what the newest releases and this krat would make."""
    try:
        found = json.loads((folder / MANIFEST).read_bytes())
        return bool(
            found["made_by"] == _makers() and found["releases"] == _made_of(releases_of(tree, tier))
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _made_of(releases: Sequence[ListedRelease]) -> list[dict[str, str]]:
    return [
        {"release": f"{one.tier}/{one.name}", "manifest": file_hash(one.path / RELEASE_MANIFEST)}
        for one in releases
    ]


def _makers() -> str:
    """Return a hash of the code and texts that decide how the pages look."""
    files = sorted(path for pattern in _MAKERS for path in _PROJECT.glob(pattern))
    return hashlib.sha256("".join(map(file_hash, files)).encode()).hexdigest()


def is_site(folder: Path) -> bool:
    """Return whether a folder is a site."""
    return (folder / MANIFEST).is_file()


def verify_site(folder: Path, keys: Sequence[Ed25519PublicKey]) -> list[Fault]:
    """Return what is wrong with a site's folder: nothing where it is whole, and signed by a key.

    Every file counts: one that the list lacks is a fault, and so is a symlink, which isn't opened.
    """
    try:
        content = (folder / MANIFEST).read_bytes()
        listed = {one["path"]: one["hash"] for one in json.loads(content)["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return [Fault("damaged_manifest", MANIFEST)]
    faults = []
    if not (folder / SIGNATURE).is_file():
        faults.append(Fault("unsigned", SIGNATURE))
    elif not any(is_signed_by(key, content, (folder / SIGNATURE).read_bytes()) for key in keys):
        faults.append(Fault("bad_signature", MANIFEST))
    found = _files(folder)
    links = sorted(name for name, path in found.items() if path.is_symlink())
    faults += [Fault("no_plain_file", name, "symlink") for name in links]
    faults += [Fault("missing", name) for name in sorted(listed.keys() - found.keys())]
    added = found.keys() - listed.keys() - {MANIFEST, SIGNATURE}
    faults += [Fault("added", name) for name in sorted(added)]
    for name in sorted((listed.keys() & found.keys()) - set(links)):
        if file_hash(found[name]) != listed[name]:
            faults.append(Fault("altered", name))
    return faults


def _files(folder: Path) -> dict[str, Path]:
    return {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }
