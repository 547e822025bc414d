"""What was released, as one database to tell figures from, and what a release says of itself.

Belongs here: opening a tree of releases, ours or one that was pulled. Not here: the pages and
sentences that are made of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from orchestration.products.declaration import Tier
from orchestration.products.tree import releases_in
from orchestration.pulling.national import National
from orchestration.pulling.remote import PullFailed


@contextmanager
def opened(tree: Path, tier: Tier, kept: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection to the newest releases of a tier and all editions, for the block.

    Tables have their names of the reading copy; `vintages` has the earlier releases. What is told
    from here is in the tree, so that whoever has a copy of it tells the same. The database is gone
    after the block, unless it is to be `kept` in a file. Raises pulling.remote.PullFailed where the
    tree has no release of the tier.
    """
    if not any(one.tier == tier for one in releases_in(tree)):
        raise PullFailed("no_releases", path=tree, tier=tier)
    with TemporaryDirectory(prefix="krat-") as folder:
        national = National(tree, tier, kept or Path(folder) / "released.duckdb")
        if not national.is_current():
            national.write()
        with duckdb.connect(str(national.target), read_only=True) as connection:
            yield connection
