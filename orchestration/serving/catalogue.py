"""What there is, for each reader: the releases of the tree that they may fetch.

Belongs here: gathering the releases, remembering them until the tree changes, and catalog.json.
Not here: the pages (pages) or reading a release's manifest (orchestration.products.tree).
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from orchestration.products.tree import MANIFEST, SIGNATURE, ListedRelease, editions_in, releases_in
from orchestration.products.words import lacking_records
from orchestration.publication.editions.calendar import CalendarRow
from orchestration.serving.paths import lies_there
from orchestration.serving.tokens import Reader
from sources.registers import register_rows
from sources.texts import LANGUAGES, text

#: Pages and catalogues kept ready; each kind of reader, language and address of the server has one.
_KEPT = 256


@dataclass(frozen=True)
class Offered:
    """A release as it is offered.

    `expected` and `received` count reports, None where unsaid; of the nation `counties_reporting`
    counts counties of `counties_expected`. `hotline` and `referral` are how much of these records
    came (whole, part, none), None where nobody keeps any. `status` is provisional or final,
    `released_on` and `final_on` are dates as 2023-06-12.
    """

    tier: str
    county_code: str
    month: str
    number: int
    is_latest: bool
    released_on: str
    is_made_up: bool
    status: str | None
    final_on: str | None
    expected: int | None
    received: int | None
    counties_reporting: int | None
    counties_expected: int | None
    counties_missing: str | None
    hotline: str | None
    referral: str | None
    files: tuple[dict[str, Any], ...]

    @property
    def lacking(self) -> list[str]:
        """The keys of the texts that tell which records did not come."""
        return lacking_records({"hotline": self.hotline, "referral": self.referral})

    @property
    def path(self) -> str:
        """Where it lies on the server, with a slash at the end."""
        return f"releases/{self.tier}/{self.county_code}/{self.month}/r{self.number}/"

    def file_names(self, suffix: str) -> list[str]:
        """Return the names of its files that end in `suffix`."""
        return [file["name"] for file in self.files if file["name"].endswith(suffix)]


@dataclass(frozen=True)
class OfferedEdition:
    """An edition of counts of persons, which is for anyone."""

    counted_year: int
    number: int
    #: The day whose knowledge it counts.
    as_known_on: str
    is_latest: bool
    is_made_up: bool
    files: tuple[dict[str, Any], ...]

    @property
    def path(self) -> str:
        """Where it lies on the server, with a slash at the end."""
        return f"releases/public/persons/{self.counted_year}/e{self.number}/"


class Catalogue:
    """The releases under a tree, and what is made of them, until the tree changes."""

    def __init__(self, tree: Path, seeds: Path) -> None:
        self._tree = tree
        self.county_names = {
            row["county_code"]: (row["name_sq"], row["name_en"])
            for row in register_rows(seeds, "counties")
        }
        self._lock = Lock()
        self._seen: tuple[tuple[str, int], ...] | None = None
        self._releases: tuple[Offered, ...] = ()
        self._editions: tuple[OfferedEdition, ...] = ()
        self._made: dict[tuple[object, ...], tuple[bytes, str]] = {}

    def releases(self, reader: Reader) -> list[Offered]:
        """Return what a reader may fetch, by tier, county, month and number."""
        with self._lock:
            self._look()
            return _open_to(reader, self._releases)

    def editions(self) -> tuple[OfferedEdition, ...]:
        """Return the editions of counts of persons, by year and number."""
        with self._lock:
            self._look()
            return self._editions

    def made(
        self, reader: Reader, key: tuple[object, ...], make: Callable[[list[Offered]], bytes]
    ) -> tuple[bytes, str]:
        """Return what `make` makes of a reader's releases, and its ETag; kept until they change.

        `key` tells what is made; readers who may fetch the same share it.
        """
        full_key = (*key, reader.tier, reader.county_code)
        with self._lock:
            self._look()
            kept = self._made.get(full_key)
            if kept is None:
                content = make(_open_to(reader, self._releases))
                kept = content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'
                if len(self._made) >= _KEPT:
                    self._made.pop(next(iter(self._made)))
                self._made[full_key] = kept
            return kept

    def _look(self) -> None:
        seen = tuple(_changes(str(self._tree)))
        if seen != self._seen:
            self._releases = tuple(
                _offered(listed)
                for listed in releases_in(self._tree)
                if lies_there(self._tree, listed.path)
            )
            self._editions = tuple(
                OfferedEdition(
                    counted_year=int(listed.month),
                    number=listed.number,
                    as_known_on=str(listed.facts["released_on"]),
                    is_latest=listed.is_latest,
                    is_made_up=bool(listed.facts["is_made_up"]),
                    files=_files(listed),
                )
                for listed in editions_in(self._tree)
                if lies_there(self._tree, listed.path)
            )
            self._made.clear()
            self._seen = seen


def catalog_json(
    releases: list[Offered],
    editions: tuple[OfferedEdition, ...],
    coming: list[CalendarRow],
    base_url: str,
    snippets: dict[str, str],
) -> bytes:
    """Return the catalogue for programs: every release that is open to the reader, with its files.

    `path` is relative to the catalogue's own address, as it is to `base_url`. Editions of counts of
    persons follow, and the calendar of those to come.
    """
    content = {
        "title": {language: text("serving.catalogue", language) for language in LANGUAGES},
        "base_url": base_url,
        "key": "releases/release-key.pem",
        "snippets": snippets,
        "releases": [
            {
                "tier": release.tier,
                "county_code": release.county_code,
                "month": release.month,
                "release": release.number,
                "is_latest": release.is_latest,
                "released_on": release.released_on,
                "status": release.status,
                "final_on": release.final_on,
                "is_made_up": release.is_made_up,
                "completeness": {
                    name: getattr(release, name)
                    for name in (
                        "expected",
                        "received",
                        "counties_reporting",
                        "counties_expected",
                        "counties_missing",
                        "hotline",
                        "referral",
                    )
                },
                "path": release.path,
                "files": release.files,
            }
            for release in releases
        ],
        "editions": [
            {
                "counted_year": edition.counted_year,
                "edition": edition.number,
                "as_known_on": edition.as_known_on,
                "is_latest": edition.is_latest,
                "is_made_up": edition.is_made_up,
                "path": edition.path,
                "files": edition.files,
            }
            for edition in editions
        ],
        "calendar": [
            {
                "cut_off_on": row.day.cut_off_on.isoformat(),
                "edition": row.day.name,
                "holds": {language: row.day.holds(language) for language in LANGUAGES},
            }
            for row in coming
        ],
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _open_to(reader: Reader, releases: tuple[Offered, ...]) -> list[Offered]:
    return [one for one in releases if reader.may_fetch(one.tier, one.county_code)]


def _changes(folder: str, depth: int = 2) -> Iterator[tuple[str, int]]:
    """Yield each folder of a tier, county and month with its time of change, in nanoseconds.

    A release that appears changes its month's folder, and a pointer that is swapped does too.
    """
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
            yield entry.path, entry.stat(follow_symlinks=False).st_mtime_ns
            if depth:
                yield from _changes(entry.path, depth - 1)


def _offered(listed: ListedRelease) -> Offered:
    came = listed.facts.get("completeness") or {}
    return Offered(
        tier=listed.tier,
        county_code=listed.county_code,
        month=listed.month,
        number=listed.number,
        is_latest=listed.is_latest,
        released_on=str(listed.facts["released_on"]),
        is_made_up=bool(listed.facts.get("is_made_up")),
        status=listed.facts.get("status"),
        final_on=listed.facts.get("final_on"),
        expected=came.get("expected"),
        received=came.get("received"),
        counties_reporting=came.get("counties_reporting"),
        counties_expected=came.get("counties_expected"),
        counties_missing=came.get("counties_missing"),
        hotline=came.get("hotline"),
        referral=came.get("referral"),
        files=_files(listed),
    )


def _files(listed: ListedRelease) -> tuple[dict[str, Any], ...]:
    """Return name, bytes and SHA-256 of every file; the manifest and its signature have no hash."""
    named = {
        entry["path"]: (int(entry["bytes"]), str(entry["hash"]).removeprefix("sha256:"))
        for entry in listed.files
    }
    own = {
        name: ((listed.path / name).stat().st_size, None)
        for name in (MANIFEST, SIGNATURE)
        if (listed.path / name).is_file()
    }
    return tuple(
        {"name": name, "bytes": size, "sha256": digest}
        for name, (size, digest) in sorted({**named, **own}.items())
    )
