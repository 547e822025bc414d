"""The tree of releases: where each lies, how it appears whole or not at all, and which is latest.

Belongs here: folders `<tier>/<county>/<month>/r<N>/` of releases, `public/persons/<year>/e<N>/` of
editions, their pointer, their listing, and the names of the files in them. Not here: what a release
holds (declaration) or whether it is whole (orchestration.publication.verify).
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sources.atomic import rename_folder, write_text
from sources.texts import both

MANIFEST = "datapackage.json"
SIGNATURE = "datapackage.json.sig"
DATABASE = "mart.duckdb"
WORKBOOK = "marts.xlsx"
EDITION_WORKBOOK = "person_counts.xlsx"
SOURCES = "sources.csv"
VERDICT = "gate.json"
CHANGES = "CHANGES.md"

#: The folder of the editions of counts of persons, in the place of a county's.
PERSONS = "persons"

#: The pointer of a month: a small file that holds the name of its newest release, `r2`.
LATEST = "latest"

_NUMBERED = re.compile(r"[er]([1-9][0-9]*)")
_PATH = re.compile(
    r"([a-z]+)/(AL(?:-[0-9]{2})?)/([0-9]{4}-[0-9]{2})/r[1-9][0-9]*"
    rf"|(public)/({PERSONS})/([0-9]{{4}})/e[1-9][0-9]*"
)


class DamagedRelease(ValueError):
    """A file of a release is missing, or is not what was written."""

    def __init__(self, release: Path, name: str) -> None:
        place = "/".join([*release.parts[-4:], name])
        super().__init__(both("release.damaged", file=place))


@dataclass(frozen=True)
class ReleaseFolder:
    """The folder of the releases of a tier, county and month under `tree`.

    With PERSONS in the place of the county and a year in that of the month: of editions.
    """

    tree: Path
    tier: str
    county_code: str
    month: str

    @property
    def folder(self) -> Path:
        """`<tree>/<tier>/<county>/<month>`."""
        return self.tree / self.tier / self.county_code / self.month

    @property
    def letter(self) -> str:
        """What the names in it begin with: e for editions, r for releases."""
        return letter_of(self.county_code)

    def numbers(self) -> list[int]:
        """Return the numbers of the releases, in order."""
        if not self.folder.is_dir():
            return []
        matches = (
            _NUMBERED.fullmatch(path.name)
            for path in self.folder.glob(f"{self.letter}*")
            if path.is_dir()
        )
        return sorted(int(match[1]) for match in matches if match)

    def newest(self) -> Path | None:
        """Return the folder of the newest release, or None."""
        numbers = self.numbers()
        return self.folder / f"{self.letter}{numbers[-1]}" if numbers else None

    def latest(self) -> Path | None:
        """Return the release that the pointer names, or None where there is no pointer."""
        try:
            name = (self.folder / LATEST).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        is_name = _NUMBERED.fullmatch(name) and name.startswith(self.letter)
        return self.folder / name if is_name else None

    def point_latest(self) -> None:
        """Make the pointer name the newest release, and remove what a killed run left."""
        sweep(self.folder)
        newest = self.newest()
        if newest is None or self.latest() == newest:
            return
        write_text(self.folder / LATEST, f"{newest.name}\n")

    @contextmanager
    def appearing(self) -> Iterator[tuple[Path, Path]]:
        """Give a draft to write into and the folder that it becomes at the end of the block.

        See `_appearing` for what a block that ends early leaves.
        """
        target = self.folder / f"r{max(self.numbers(), default=0) + 1}"
        with _appearing(target) as draft:
            yield draft, target
        self.point_latest()


@dataclass(frozen=True)
class EditionFolder:
    """The folder of an edition of counts of persons: `<tree>/public/persons/<year>/e<N>`."""

    tree: Path
    counted_year: int
    edition: int

    @property
    def path(self) -> Path:
        """Its path, whether or not it is there."""
        return self.tree / "public" / PERSONS / str(self.counted_year) / f"e{self.edition}"

    @contextmanager
    def appearing(self) -> Iterator[Path]:
        """Give a draft to write into, which becomes the edition at the end of the block."""
        with _appearing(self.path) as draft:
            yield draft
        ReleaseFolder(self.tree, "public", PERSONS, str(self.counted_year)).point_latest()


@contextmanager
def _appearing(target: Path) -> Iterator[Path]:
    """Give a draft to write into, which becomes `target` at the end of the block.

    Whatever ends the block early, a killed process included, leaves no such folder: the draft is
    renamed once the disk has all of it. An error removes the draft; what a killed run left is
    removed first.
    """
    sweep(target.parent)
    draft = target.with_name(f".{target.name}.draft")
    draft.mkdir(parents=True)
    try:
        yield draft
    except BaseException:
        shutil.rmtree(draft)
        raise
    for path in draft.iterdir():
        path.chmod(0o400)
    rename_folder(draft, target)


@dataclass(frozen=True)
class ListedRelease:
    """A release in the tree, or an edition (county PERSONS, the counted year as month)."""

    path: Path
    tier: str
    county_code: str
    month: str
    number: int
    is_latest: bool
    #: What its manifest has of it as a whole (`release`).
    facts: dict[str, Any]
    #: Path, hash (`sha256:…`) and bytes of every file but the manifest and its signature.
    files: list[dict[str, Any]]

    @property
    def name(self) -> str:
        """Its place below the tier's folder, as AL-04/2023-12/r1."""
        return f"{self.county_code}/{self.month}/{self.path.name}"


def releases_in(tree: Path) -> Iterator[ListedRelease]:
    """Yield the releases under a tree, in the order of their paths.

    A folder without a readable manifest is left out: `krat verify` finds it.
    """
    yield from _listed(tree, "*/*/*/r*")


def editions_in(tree: Path) -> Iterator[ListedRelease]:
    """Yield the editions of counts of persons under a tree, by year and number, as releases_in."""
    yield from _listed(tree, f"public/{PERSONS}/*/e*")


def _listed(tree: Path, pattern: str) -> Iterator[ListedRelease]:
    for path in sorted(
        tree.absolute().glob(pattern), key=lambda path: (path.parent, _number(path))
    ):
        folder = folder_of(path)
        if folder is None:
            continue
        try:
            manifest = _manifest(path)
        except DamagedRelease:
            continue
        yield ListedRelease(
            path=path,
            tier=folder.tier,
            county_code=folder.county_code,
            month=folder.month,
            number=_number(path),
            is_latest=folder.latest() == path,
            facts=manifest["release"],
            files=manifest["files"],
        )


def is_release_name(name: str) -> bool:
    """Return whether a folder of this name is a release (r2) or an edition (e4)."""
    return _NUMBERED.fullmatch(name) is not None


def letter_of(county_code: object) -> str:
    """Return what the names of releases begin with: e of editions of counts of persons, else r."""
    return "e" if county_code == PERSONS else "r"


def facts_of(release: Path) -> dict[str, Any]:
    """Return what a release's manifest has of it as a whole. Raises DamagedRelease."""
    facts: dict[str, Any] = _manifest(release)["release"]
    return facts


def require_whole(release: Path) -> None:
    """Raise DamagedRelease where a file that a release's manifest lists is not as it says."""
    for listed in _manifest(release)["files"]:
        try:
            is_same = file_hash(release / listed["path"]) == listed["hash"]
        except OSError:
            is_same = False
        if not is_same:
            raise DamagedRelease(release, listed["path"])


def file_hash(path: Path) -> str:
    """Return a file's hash as a manifest has it; no symlink is followed."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def folder_of(release: Path) -> ReleaseFolder | None:
    """Return the folder that the path of a release or edition names, None outside a tree."""
    match = _PATH.fullmatch("/".join(release.absolute().parts[-4:]))
    if match is None:
        return None
    tier, county_code, month = (part for part in match.groups() if part is not None)
    return ReleaseFolder(release.absolute().parents[3], tier, county_code, month)


def sweep(folder: Path) -> None:
    """Remove what a killed run left in a month's folder."""
    for draft in folder.glob(".[er]*.draft"):
        shutil.rmtree(draft)
    for fresh in folder.glob(f".{LATEST}.*"):
        fresh.unlink()


@cache
def _manifest(release: Path) -> dict[str, Any]:
    """Return a release's manifest: it never changes, so it is read once a process."""
    try:
        content: dict[str, Any] = json.loads((release / MANIFEST).read_bytes())
        return {"release": content["release"], "files": content["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        raise DamagedRelease(release, MANIFEST) from None


def _number(release: Path) -> int:
    match = _NUMBERED.fullmatch(release.name)
    return int(match[1]) if match else 0
