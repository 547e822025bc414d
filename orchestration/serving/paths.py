"""Which file of the tree a path of a request names.

Belongs here: the only paths that are served, and the check that a file lies exactly there. Not
here: who may fetch it (tokens.Reader).
"""

import re
import stat
from dataclasses import dataclass
from pathlib import Path

from orchestration.products.declaration import Tier
from orchestration.products.tree import LATEST, PERSONS, ReleaseFolder
from orchestration.publication.writing.signing import PUBLIC_KEYS

_MONTH = "/".join(
    (
        rf"(?P<tier>{'|'.join(Tier)})",
        r"(?P<county_code>AL(?:-[0-9]{2})?)",
        r"(?P<month>[0-9]{4}-[0-9]{2})",
    )
)
_RELEASE = r"(?P<release>r[1-9][0-9]{0,5}|latest)"
_YEAR = rf"(?P<tier>{Tier.PUBLIC})/(?P<county_code>{PERSONS})/(?P<month>[0-9]{{4}})"
_EDITION = r"(?P<release>e[1-9]|latest)"
_FILE = r"(?P<file>[A-Za-z0-9_][A-Za-z0-9_.-]{0,100})"

_FILE_PATHS = [
    re.compile(rf"{_MONTH}/{_RELEASE}/{_FILE}"),
    re.compile(rf"{_YEAR}/{_EDITION}/{_FILE}"),
]
_POINTER_PATHS = [re.compile(rf"{_MONTH}/{LATEST}"), re.compile(rf"{_YEAR}/{LATEST}")]
_RELEASE_PATH = re.compile(rf"{_MONTH}/{_RELEASE}/")


@dataclass(frozen=True)
class RequestedPath:
    """What a path asks for: a release of a tier, county and month, `release` r<N> or latest.

    Of an edition of counts of persons the county is PERSONS, the month its year, `release` e<N>.
    Without `file` it is the release as a whole, or the pointer.
    """

    tier: str
    county_code: str
    month: str
    release: str
    file: str | None

    def found_in(self, tree: Path) -> Path | None:
        """Return the file, or None unless a plain file lies exactly there.

        A symlink anywhere below the tree leads nowhere.
        """
        month = ReleaseFolder(tree, self.tier, self.county_code, self.month)
        folder = month.folder
        if self.file is not None:
            release = month.latest() if self.release == LATEST else folder / self.release
            if release is None:
                return None
            folder = release
        return plain_file(tree, folder / (self.file or LATEST))


def parse_file_path(path: str) -> RequestedPath | None:
    """Return what a path under /releases/ asks for, or None when it can name no file."""
    for pattern in _FILE_PATHS:
        if match := pattern.fullmatch(path):
            return RequestedPath(**match.groupdict())
    for pattern in _POINTER_PATHS:
        if match := pattern.fullmatch(path):
            return RequestedPath(**match.groupdict(), release=LATEST, file=None)
    return None


def parse_release_path(path: str) -> RequestedPath | None:
    """Return which release a page's path asks for, or None."""
    match = _RELEASE_PATH.fullmatch(path)
    return RequestedPath(**match.groupdict(), file=None) if match else None


def needs_token(path: str) -> bool:
    """Return whether a path, well formed or not, lies under the tier that needs a token."""
    return path.partition("/")[0] == Tier.RESTRICTED


def public_keys(tree: Path) -> Path | None:
    """Return the file of the public keys, for anyone."""
    return plain_file(tree, tree / PUBLIC_KEYS)


def plain_file(tree: Path, path: Path) -> Path | None:
    """Return `path` if it is a plain file and no part of it below `tree` is a symlink."""
    try:
        is_plain = stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return None
    return path if is_plain and lies_there(tree, path.parent) else None


def lies_there(tree: Path, path: Path) -> bool:
    """Return whether no part of `path` below `tree` is a symlink."""
    return path.resolve() == tree.resolve() / path.relative_to(tree)
