"""The version of a data folder: whether this krat may open it.

Belongs here: the number, and the refusal of another. Not here: what the folder holds, or moving it
from one version to the next.
"""

from sources.atomic import write_text
from sources.custody.home import Home

#: Goes up with every change of what is kept in a data folder that an older krat can't read, or
#: whose older form this one can't.
VERSION = 1


class OtherVersion(ValueError):
    """The data folder is of another version, or of none: nothing in it may be read or written."""


def require_version(home: Home) -> None:
    """Raise OtherVersion unless the data folder is of VERSION or holds no data yet.

    Releases, tokens and what waits in the inbox are no data in this sense: `krat serve` needs no
    more than a tree of releases.
    """
    try:
        found = home.version.read_text(encoding="utf-8", errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        data = (home.raw, home.vault, home.quarantine, home.warehouse, home.marts)
        if any(path.exists() for path in data):
            raise OtherVersion(
                f"{home.root} holds data but no version, so an older krat wrote it: open it with "
                "that one, or set KRAT_HOME to a new folder and put the files into its inbox again."
            ) from None
        return
    if found != str(VERSION):
        raise OtherVersion(
            f"{home.root} is a data folder of version {found[:20]!r}, and this krat works with "
            f"version {VERSION}: open it with the krat that wrote it, or set KRAT_HOME to another "
            "folder."
        )


def write_version(home: Home) -> None:
    """Write the version into a data folder that holds no data yet; raise as `require_version`."""
    require_version(home)
    if not home.version.exists():
        write_text(home.version, f"{VERSION}\n")
