"""How dbt gets to use a warehouse that is no plain file: a plugin of dbt-duckdb, which the profile
names.
"""

from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

from orchestration.runtime.database import WAREHOUSE, attach_warehouse
from orchestration.runtime.settings import dbt_home


class Plugin(BasePlugin):
    """Attaches the warehouse to each database that dbt opens."""

    def configure_connection(self, conn: Any) -> None:
        """Attach it. Raises NoWarehouseKey, NoLake."""
        attach_warehouse(conn, dbt_home(), WAREHOUSE, read_only=False)
