"""Pinned packages that have a known vulnerability, by a copy of OSV's advisories: `make audit`.

Belongs here: reading advisories in the OSV format and comparing versions. Not here: getting them.

It needs no network, but a copy of the advisories of PyPI, which a machine that has one gets from
https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip (osv.dev). Without one, with an old
one or with one of something else, it fails: what was not looked up is not safe.
"""

import json
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

REQUIREMENTS = Path(__file__).parents[1] / "requirements"

#: ours, 2026-11-30: advisories come every day. Without any for so long, the copy is an old one.
OLDEST = timedelta(days=14)

#: Exit status where nothing can be said.
UNKNOWN = 2


class NoAdvisories(Exception):
    """There is no copy of the advisories that could tell anything."""


def pinned(folder: Path = REQUIREMENTS) -> dict[str, str]:
    """Return the version of each pinned package, by its normal name."""
    lines = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.txt")))
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", lines, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def read_advisories(path: Path, now: datetime) -> list[dict[str, Any]]:
    """Return the advisories of a copy. Raises NoAdvisories where they can tell nothing of PyPI."""
    try:
        with zipfile.ZipFile(path) as archive:
            advisories = [json.loads(archive.read(name)) for name in archive.namelist()]
        newest = max(datetime.fromisoformat(one["modified"]) for one in advisories)
        is_of_pypi = any(True for one in advisories for _ in affected(one))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as failure:
        raise NoAdvisories(f"{path} holds no advisories in the OSV format") from failure
    if not is_of_pypi:
        raise NoAdvisories(f"{path} has no advisory on packages of PyPI")
    if newest < now - OLDEST:
        raise NoAdvisories(f"the newest advisory of {path} is of {newest:%Y-%m-%d}: get a new copy")
    return advisories


def vulnerable(
    packages: dict[str, str], advisories: Iterable[dict[str, Any]]
) -> list[tuple[str, str, str]]:
    """Return each package that an advisory concerns, with its version and the advisory's id."""
    return sorted(
        {
            (name, packages[name], advisory["id"])
            for advisory in advisories
            if "withdrawn" not in advisory
            for name, entry in affected(advisory)
            if name in packages and _concerns(entry, packages[name])
        }
    )


def affected(advisory: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the normal name of each package of PyPI that an advisory affects, and how."""
    for entry in advisory.get("affected", []):
        package = entry.get("package", {})
        if package.get("ecosystem") == "PyPI":
            yield canonicalize_name(package["name"]), entry


def _concerns(entry: dict[str, Any], version: str) -> bool:
    """Tell whether a version is listed, or in a range; what can't be compared is concerned."""
    if version in entry.get("versions", []):
        return True
    ranges = [one["events"] for one in entry.get("ranges", []) if one["type"] == "ECOSYSTEM"]
    try:
        return any(_is_in(events, Version(version)) for events in ranges)
    except InvalidVersion:
        return True


def _is_in(events: list[dict[str, str]], version: Version) -> bool:
    """Tell whether a version is behind an `introduced` and before what ended that."""
    is_in = False
    for kind, at in sorted(
        (next(iter(event.items())) for event in events),
        key=lambda event: (Version(event[1]), event[0] != "introduced"),
    ):
        if kind == "introduced" and version >= Version(at):
            is_in = True
        elif (kind == "fixed" and version >= Version(at)) or (
            kind == "last_affected" and version > Version(at)
        ):
            is_in = False
    return is_in


def main(arguments: list[str]) -> int:
    """Print what is vulnerable; return 0 for nothing, 1 for something, or UNKNOWN."""
    try:
        if not arguments:
            raise NoAdvisories("no copy of OSV's advisories is given: make audit OSV=all.zip")
        advisories = read_advisories(Path(arguments[0]), datetime.now(UTC))
    except NoAdvisories as failure:
        print(f"Nothing was looked up: {failure}.", file=sys.stderr)
        return UNKNOWN
    packages = pinned()
    found = vulnerable(packages, advisories)
    for name, version, advisory in found:
        print(f"{name} {version}: {advisory}, https://osv.dev/{advisory}")
    print(f"{len(packages)} packages, {len(advisories)} advisories, {len(found)} found.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
