"""Permissions of what is kept: its owner's, and nobody else's.

Belongs here: what a process makes from now on, and what was open to others before. Not here: where
anything lies (sources.custody.home).
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from sources.custody.home import Home

#: The rights of everybody but the owner.
OTHERS = 0o077


class CannotClose(ValueError):
    """Something that others can open is not the user's to close, or its disk can't be written."""


def close_process() -> int:
    """Close what this process and its children make to others; return the umask that it had."""
    return os.umask(OTHERS)


def close_folders(home: Home) -> int:
    """Take all rights of others off the data folder and the keys; return on how many things.

    Links are not followed. Files in the inbox keep the mode with which they came: the inbox itself
    is closed, and so are the folders in it, without being counted. A folder that holds something
    and nothing of krat's is left as it is. Raises CannotClose.
    """
    closed = 0
    for root in (home.root, home.keys):
        if not _is_ours(root, home):
            continue
        for path, mode, is_folder in _open_to_others(str(root)):
            arrived = Path(path).is_relative_to(home.inbox) and path != str(home.inbox)
            if arrived and not is_folder:
                continue
            try:
                os.chmod(path, mode & ~OTHERS)  # noqa: PTH101
            except FileNotFoundError:
                continue
            except OSError as mistake:
                if arrived:
                    continue
                raise CannotClose(
                    f"{root} holds something that other users can open, and krat can't close it "
                    f"({mistake.strerror}): give all of it to the user who runs krat, or take the "
                    f"rights of others off it (chmod -R go= {root})."
                ) from None
            closed += not arrived
    return closed


def _is_ours(root: Path, home: Home) -> bool:
    """Tell whether a folder is krat's: a mistake in a setting could name any other."""
    data = [home.version, home.inbox, home.releases]
    ours = data if root == home.root else list(root.glob("*.key"))
    try:
        return any(path.exists() for path in ours) or not any(root.iterdir())
    # There is none yet, or it is not ours to look into.
    except OSError:
        return False


def _open_to_others(folder: str) -> Iterator[tuple[str, int, bool]]:
    """Yield path and mode of each file and folder with rights of others, and if it's a folder."""
    waiting = [folder]
    while waiting:
        path = waiting.pop()
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            continue
        if stat.S_ISLNK(mode):
            continue
        is_folder = stat.S_ISDIR(mode)
        if mode & OTHERS:
            yield path, stat.S_IMODE(mode), is_folder
        if is_folder:
            try:
                waiting += [f"{path}/{name}" for name in os.listdir(path)]  # noqa: PTH208
            # It went away, or nothing in it is ours.
            except OSError:
                continue
