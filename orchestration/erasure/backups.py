"""What an erasure wants of backups. krat makes none yet, so nothing here destroys anything.

Belongs here: what a store of backups has to offer for an erasure to reach it. Not here: a store.
"""

from collections.abc import Sequence
from typing import Protocol


class Backups(Protocol):
    """A store of backups, each of whose objects is encrypted under a key of its own.

    An object can't be taken out of a backup that must not change: its key is destroyed, and every
    backup that names it has it no more. So the store needs a register of keys outside the backups,
    and for each object the paths in the data folder under which it was ever backed up.
    """

    def destroy_keys(self, files: Sequence[str]) -> int:
        """Destroy the keys of every object that was backed up from these paths before now.

        `files` are paths in the data folder, whose content of now is free of what was erased.
        Returns how many keys were destroyed. Raises OSError where one can't be.
        """
        ...
