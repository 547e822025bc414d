"""Whether a release that a reader holds is whole, and ours.

Belongs here: comparing a folder with its signed manifest. Not here: the words for what is wrong
(sources/texts/release.yml), signing (writing.signing) or writing (writing.release). Nothing here
needs a KRAT_HOME.
"""

import json
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from orchestration.products.tree import (
    LATEST,
    MANIFEST,
    SIGNATURE,
    file_hash,
    folder_of,
    is_release_name,
    letter_of,
)
from orchestration.publication.writing.signing import fingerprint, is_signed_by
from sources.texts import Language, placeholders, text


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: its kind (a name in release.faults), the file, what was found."""

    kind: str
    path: str
    detail: str = ""

    def sentence(self, language: Language) -> str:
        """Return the fault in a language."""
        key = f"release.faults.{self.kind}"
        return text(key, language, **{name: getattr(self, name) for name in placeholders(key)})


def verify_release(folder: Path, keys: Sequence[Ed25519PublicKey]) -> list[Fault]:
    """Return what is wrong with a release's folder, nothing where it is whole and ours.

    Ours is what one of `keys` signed. Every name in the folder counts: a file that the manifest
    doesn't list, a symlink, a folder or a device is a fault, and none of them is opened.
    """
    found = {entry.name: _kind(Path(entry.path)) for entry in os.scandir(folder)}
    faults = [
        Fault("no_plain_file", name, kind) for name, kind in sorted(found.items()) if kind != "file"
    ]
    if found.get(MANIFEST) != "file":
        return [*faults, Fault("no_manifest", MANIFEST)]
    content = _read(folder / MANIFEST)
    manifest = _parsed(content)
    if manifest is None:
        return [*faults, Fault("damaged_manifest", MANIFEST)]
    faults += _signature_faults(folder, found, content, manifest, keys)
    listed = {entry["path"]: entry["hash"] for entry in manifest["files"]}
    for name in sorted(listed.keys() - found.keys()):
        faults.append(Fault("missing", name))
    for name in sorted(found.keys() - listed.keys() - {MANIFEST, SIGNATURE}):
        faults.append(Fault("added", name))
    for name in sorted(listed.keys() & found.keys()):
        if found[name] == "file" and listed[name] != file_hash(folder / name):
            faults.append(Fault("altered", name))
    return faults + _place_faults(folder, manifest)


def releases_under(path: Path) -> list[Path]:
    """Return the folders to verify: `path` itself if it is a release, else each one below it.

    A release is called `r<N>`, an edition of counts of persons `e<N>`.
    """
    if (path / MANIFEST).exists() or is_release_name(path.absolute().name):
        return [path]
    return sorted(
        found for found in path.rglob("[er]*") if found.is_dir() and is_release_name(found.name)
    )


def pointer_fault(month: Path) -> Fault | None:
    """Return the fault of a month's pointer, or None; `month` is the folder of its releases."""
    releases = [
        path.name for path in month.iterdir() if path.is_dir() and is_release_name(path.name)
    ]
    if not releases:
        return None
    newest = max(releases, key=lambda name: int(name[1:]))
    pointer = month / LATEST
    named = pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else "–"
    return None if named == newest else Fault("wrong_pointer", str(pointer), named)


def _signature_faults(
    folder: Path,
    found: dict[str, str],
    content: bytes,
    manifest: dict[str, Any],
    keys: Sequence[Ed25519PublicKey],
) -> list[Fault]:
    if found.get(SIGNATURE) != "file":
        return [Fault("unsigned", SIGNATURE)]
    signature = _read(folder / SIGNATURE)
    if any(is_signed_by(key, content, signature) for key in keys):
        return []
    signer = str(manifest["release"].get("signed_by", ""))
    if signer in {fingerprint(key) for key in keys}:
        return [Fault("bad_signature", MANIFEST)]
    return [Fault("wrong_key", SIGNATURE, signer[:16])]


def _place_faults(folder: Path, manifest: dict[str, Any]) -> list[Fault]:
    """Return the fault of a whole release that was put in another's place."""
    resolved = folder.resolve()
    month = folder_of(resolved)
    if month is None:
        return []
    facts = manifest["release"]
    stated = [facts.get(name) for name in ("tier", "county_code", "reporting_month", "number")]
    found = [month.tier, month.county_code, month.month, int(resolved.name[1:])]
    if stated == found:
        return []
    return [
        Fault(
            "misplaced",
            "/".join(resolved.parts[-4:]),
            "/".join(str(part) for part in stated[:3]) + f"/{letter_of(stated[1])}{stated[3]}",
        )
    ]


def _parsed(content: bytes) -> dict[str, Any] | None:
    """Return a manifest whose file names are plain, or None where it can't be trusted that far."""
    try:
        manifest = json.loads(content)
        names = [entry["path"] for entry in manifest["files"]]
        hashes = [entry["hash"] for entry in manifest["files"]]
        facts = manifest["release"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    plain = all(
        isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name)
        for name in names
    )
    texts = all(isinstance(one, str) for one in hashes)
    if plain and texts and isinstance(facts, dict) and len(set(names)) == len(names):
        return dict(manifest)
    return None


def _kind(path: Path) -> str:
    mode = path.lstat().st_mode
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISLNK(mode):
        return "symlink"
    return "folder" if stat.S_ISDIR(mode) else "device"


def _read(path: Path) -> bytes:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        return file.read()
