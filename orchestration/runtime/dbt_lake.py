"""How dbt gets to use a warehouse in a lake: a plugin of dbt-duckdb, which the profile names."""

from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

from orchestration.runtime.database import WAREHOUSE
from orchestration.runtime.lake import attach_lake
from orchestration.runtime.settings import home_from_environment


class Plugin(BasePlugin):
    """Attaches the lake of the environment to each database that dbt opens."""

    def configure_connection(self, conn: Any) -> None:
        """Attach it. Raises NoLake."""
        if lake := home_from_environment().lake:
            attach_lake(conn, lake, WAREHOUSE, read_only=False)
