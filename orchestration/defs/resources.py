"""The data folder as Dagster hands it to assets, checks and sensors.

Belongs here: resources. Not here: where the folder is (orchestration.runtime.settings).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from orchestration.defs.failures import in_words
from orchestration.runtime.settings import WAIT_SECONDS, home_from_environment
from orchestration.runtime.writer_lock import one_writer
from sources.custody.home import Home


class HomeResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The data folder, to read: of the environment, or the one that `root` and keys name."""

    root: str = ""
    keys_folder: str = ""

    @property
    def folder(self) -> Home:
        """The data folder with its keys."""
        if not self.root:
            return home_from_environment()
        return Home(root=Path(self.root), keys=Path(self.keys_folder))


class WriterResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The data folder, to write: its lock is held from the first step of a run to the last.

    Resources live as long as a run because every run has the in-process executor.
    """

    home: dg.ResourceDependency[HomeResource]

    @property
    def folder(self) -> Home:
        """The data folder with its keys."""
        return self.home.folder

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["WriterResource"]:
        """Hold the lock; fail the run, in words, where another writer doesn't end in time."""
        with (
            in_words(self.folder, "opening the data folder") as report,
            one_writer(self.folder, WAIT_SECONDS, name=writer_name(context.run), on_wait=report),
        ):
            yield self


def writer_name(run: dg.DagsterRun | None) -> str:
    """Return as whom a run writes the data folder, for others who wait for it."""
    return f"Dagster run {run.run_id[:8]}" if run else "Dagster"
