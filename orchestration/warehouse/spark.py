"""Models on Apache Spark: what they read goes there as Parquet, and what they make comes back so.

Belongs here: the session, the folder that both sides see, and what dbt-spark is taught. Not here:
how a statement is translated (spark_sql), or the build of the warehouse (build).

The warehouse stays DuckDB's: its own build takes the rows from the folder, with types, comments and
tests as ever.
"""

import importlib.util
import logging
import shutil
import socket
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from sqlglot import exp

from orchestration.registers.declaration import declared
from orchestration.runtime.database import read_warehouse
from orchestration.runtime.extensions import quoted
from orchestration.runtime.settings import LOOPBACK, java, spark_folder, spark_master
from orchestration.warehouse.computing import register_query
from orchestration.warehouse.spark_sql import in_spark
from sources.custody.home import Home
from sources.texts import both

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Folders in which tables of Spark lie; a killed run leaves one.
_SCRATCH = ".spark-"

#: What the models mean by a time and a failed cast, and what Spark 4.3 does wrong with them.
_MEANING = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.cteRecursionLevelLimit": "-1",
    "spark.sql.cteRecursionRowLimit": "-1",
    # It loses columns of a union that a scalar subquery refers to ("key not found").
    "spark.sql.optimizer.excludedRules": (
        "org.apache.spark.sql.catalyst.optimizer.PushProjectionThroughUnion"
    ),
}

#: What Spark would log can quote a value of a row. Without a logger of its own, the class to which
#: Python talks says on stderr that it sets the level.
_SILENCE = """\
appender.none.type = Null
appender.none.name = none
rootLogger.level = off
rootLogger.appenderRef.none.ref = none
logger.gateway.name = org.apache.spark.api.python.PythonGatewayServer
logger.gateway.level = off
"""


class NoSpark(RuntimeError):
    """Spark can't be used: the text says in both languages what is missing."""


@contextmanager
def spark_over(home: Home, registers: Path) -> Iterator[Path]:
    """Start Spark with the raw tables and registers; give the folder in which its tables lie.

    The table `core.dim_plans` lies as Parquet in `core.db/dim_plans/`. All has rows of persons, and
    is removed at the end. Raises NoSpark.
    """
    require_spark()
    root = spark_folder() or home.root
    for left in root.glob(f"{_SCRATCH}*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=root) as scratch:
        session = start(spark_master(), Path(scratch))
        try:
            _hand_over(home, registers, session, Path(scratch) / "read")
            _teach_dbt()
            yield Path(scratch) / "made"
        finally:
            session.stop()


def require_spark() -> None:
    """Raise NoSpark where a library, Java or a standalone master is not there."""
    master = spark_master()
    missing = [name for name in ("pyspark", "sqlparams") if importlib.util.find_spec(name) is None]
    if missing:
        raise NoSpark(both("engine.not_installed"))
    if java() is None:
        raise NoSpark(both("engine.no_java"))
    if master.startswith("spark://") and not any(map(_answers, master[8:].split(","))):
        raise NoSpark(both("engine.no_master", master=master))


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=5):
            return True
    except (OSError, ValueError):
        return False


def start(master: str, scratch: Path) -> "SparkSession":
    """Start Spark in this process; its tables lie in `made` of a folder."""
    # That pandas is newer than what it was tested with, of which nothing is used.
    warnings.filterwarnings("ignore", category=FutureWarning, module="pyspark")
    from pyspark.sql import SparkSession

    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
    silence = scratch / "log4j2.properties"
    silence.write_text(_SILENCE, encoding="utf-8")
    quiet = f"-Dlog4j2.configurationFile={silence.as_uri()}"
    settings = {
        **_MEANING,
        "spark.sql.warehouse.dir": (scratch / "made").as_uri(),
        "spark.sql.catalogImplementation": "in-memory",
        # A killed worker leaves what it had shuffled, rows of persons among it.
        "spark.io.encryption.enabled": "true",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.extraJavaOptions": quiet,
        "spark.executor.extraJavaOptions": quiet,
    }
    if master.startswith("local") or f"//{LOOPBACK}:" in master:
        settings |= {"spark.driver.host": LOOPBACK, "spark.driver.bindAddress": LOOPBACK}
    builder = SparkSession.builder.master(master).appName("krat")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _hand_over(home: Home, registers: Path, session: "SparkSession", folder: Path) -> None:
    """Make tables of Spark of all that models read."""
    with read_warehouse(home) as connection:
        names = connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'raw' order by all"
        ).fetchall()
        read = {f"raw.{name}": f"from raw.{name}" for (name,) in names}
        read |= {f"register.{name}": register_query(registers, name) for name in declared()}
        for schema in ("raw", "register"):
            (folder / schema).mkdir(parents=True)
            session.sql(f"create schema {schema}")
        for table, query in read.items():
            _hand_over_table(connection, session, table, query, folder)


def _hand_over_table(
    connection: duckdb.DuckDBPyConnection,
    session: "SparkSession",
    table: str,
    query: str,
    folder: Path,
) -> None:
    file = folder.joinpath(*table.split(".")).with_suffix(".parquet")
    connection.execute(f"copy ({query}) to {quoted(str(file))} (format parquet)")
    columns = ", ".join(
        f"`{name}` {exp.DataType.build(kind, dialect='duckdb').sql('spark')}"
        for name, kind, *_ in connection.execute(f"describe {query}").fetchall()
    )
    session.sql(f"create table {table} ({columns}) using parquet location '{file.as_uri()}'")


def _teach_dbt() -> None:
    """Let dbt-spark translate a model's statement, and keep an error of a cast an error."""
    from dbt.adapters.base.meta import available
    from dbt.adapters.spark import Plugin, impl
    from dbt.adapters.spark.connections import SparkCredentials
    from pyspark.sql import SparkSession

    class Credentials(SparkCredentials):  # type: ignore[misc]
        def __post_init__(self) -> None:
            super().__post_init__()
            self.server_side_parameters |= _MEANING

    # dbt takes the name of its module from that of the class.
    class SparkAdapter(impl.SparkAdapter):  # type: ignore[misc]
        @available
        def tables_in_spark(self, statement: str, table: str) -> list[tuple[str, str]]:
            """Return the tables that a model is made as, each with its query in Spark's SQL."""
            session: Any = SparkSession.active()
            return in_spark(
                statement, lambda schema, name: session.table(f"{schema}.{name}").columns, table
            )

    Plugin.adapter = SparkAdapter
    Plugin.credentials = Credentials
