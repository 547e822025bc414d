"""Where krat keeps its things: the only module that reads the environment.

Belongs here: folders, and what the environment or a settings file may change. Not here: anything
that does work.
"""

import gc
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sources.custody.home import Home, Lake
from sources.custody.permissions import OTHERS
from sources.custody.version import require_version
from sources.custody.warehouse_key import read_key

#: A checkout, or where a wheel was installed: both have the same folders.
PROJECT = Path(__file__).resolve().parents[2]
DBT_PROJECT = PROJECT / "dbt_project"
SEEDS = DBT_PROJECT / "seeds"

#: How long a command or a run of Dagster waits for another writer of the data folder, unless the
#: command's --wait says otherwise.
WAIT_SECONDS = 600

#: How much memory a database may take; what needs more lies on the disk meanwhile. Of itself DuckDB
#: takes four fifths of the machine's.
MEMORY_LIMIT = "KRAT_MEMORY_LIMIT"
_MEMORY = "800MB"

#: Names the lake that holds the warehouse; without it the warehouse is a file in the data folder.
WAREHOUSE = "KRAT_WAREHOUSE"
_LAKE = "ducklake:postgres:"

#: Where the Parquet files of a lake lie: a folder, or s3://bucket/folder.
LAKE_DATA = "KRAT_LAKE"

#: The key of an encrypted warehouse, where it isn't a file among the keys.
WAREHOUSE_KEY = "KRAT_WAREHOUSE_KEY"

#: Which of dbt's targets is built, its file, and where its key lies: for dbt alone.
DBT_TARGET = "KRAT_DBT_TARGET"
DBT_WAREHOUSE = "KRAT_DBT_WAREHOUSE"
DBT_KEYS = "KRAT_DBT_KEYS"

#: Parts of DuckDB's secret of a store of S3's kind, by the variables that every client of one
#: knows.
_S3 = {
    "AWS_ACCESS_KEY_ID": "key_id",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "session_token",
    "AWS_REGION": "region",
}

#: Names the master of Apache Spark; none is this machine with all its processors.
SPARK_MASTER = "KRAT_SPARK_MASTER"
_SPARK_MASTER = "local[*]"

#: Names the folder that Spark's workers and krat both see at one path; none is the data folder.
SPARK_FOLDER = "KRAT_SPARK_FOLDER"

#: Where the materializations of dbt find rows that were made elsewhere.
_MADE_ELSEWHERE = "KRAT_MADE_ELSEWHERE"

#: Names the database of Dagster's runs and events; none is SQLite in the data folder.
STORAGE = "KRAT_DAGSTER_STORAGE"

#: Where dagster.yaml looks for the address of its database; SQLAlchemy wants the driver in it.
STORAGE_URL = "KRAT_DAGSTER_STORAGE_URL"

#: The address `krat ui` binds: Dagster's open-source web server has no login.
LOOPBACK = "127.0.0.1"

#: How a variable is called that holds the address of a channel for alerts.
SECRET_NAME = re.compile("KRAT_ALERT_[A-Z0-9_]+")

#: The ports of Dagster's page and of `krat serve` where no option names another.
UI_PORT = 3000
SERVE_PORT = 8600


def home_from_environment() -> Home:
    """Return the home named by KRAT_HOME (default `./data`) with the keys of KRAT_KEYS.

    Without KRAT_KEYS the keys lie beside the home, as `<home>-keys`, never inside it.
    Its warehouse is the lake of KRAT_WAREHOUSE, or a file in it.
    Raises ValueError when KRAT_KEYS points into the home or KRAT_WAREHOUSE is no lake, OtherVersion
    when another krat wrote it.
    """
    root = Path(os.environ.get("KRAT_HOME", "data")).resolve()
    keys = Path(os.environ.get("KRAT_KEYS", root.with_name(f"{root.name}-keys"))).resolve()
    if keys.is_relative_to(root):
        raise ValueError("KRAT_KEYS lies inside KRAT_HOME: put the keys on a place of their own.")
    home = Home(root=root, keys=keys, lake=lake_from_environment(root))
    require_version(home)
    return home


def home_at(root: Path) -> Home:
    """Return the home in a folder, with its keys beside it. Raises OtherVersion."""
    root = root.resolve()
    home = Home(root=root, keys=root.with_name(f"{root.name}-keys"))
    require_version(home)
    return home


def prepare_process(home: Home) -> None:
    """Give dbt and Dagster, which read the environment themselves, their folders and silence.

    Rubbish is collected seldom from here on: what dbt and Great Expectations make as they are
    imported stays as long as the process, and going through it again and again takes seconds.
    """
    gc.set_threshold(100_000, 50, 100)
    _point_dbt_at_warehouse(home)
    # An installed project can't be written, and dbt reads all anew where the warehouse is another.
    os.environ.setdefault("DBT_TARGET_PATH", str(home.dbt))
    os.environ.setdefault("DBT_LOG_PATH", str(home.dbt / "logs"))
    os.environ.setdefault(MEMORY_LIMIT, _MEMORY)
    os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    if storage := dagster_storage():
        os.environ[STORAGE_URL] = storage
    # What an exception quotes of a file stays out of Dagster's event log; a Failure's text is kept.
    os.environ["DAGSTER_REDACT_USER_CODE_ERRORS"] = "1"


def dbt_home() -> Home:
    """Return the home whose warehouse dbt builds, as prepare_process left it."""
    root = Path(os.environ[DBT_WAREHOUSE]).parent
    lake = lake_from_environment(root) if os.environ[DBT_TARGET] == "lake" else None
    return Home(root=root, keys=Path(os.environ[DBT_KEYS]), lake=lake)


def warehouse_key(home: Home) -> str | None:
    """Return the key of the warehouse's file; None where it has none, and is in the clear.

    Raises ValueError for a damaged one, PermissionError for whoever may not open the keys.
    """
    return os.environ.get(WAREHOUSE_KEY) or read_key(home.keys)


def lake_from_environment(root: Path) -> Lake | None:
    """Return the lake in KRAT_WAREHOUSE and KRAT_LAKE (default `<root>/lake`); None for a file.

    Raises ValueError for an address that is none, without the address: it may hold a password.
    """
    address = os.environ.get(WAREHOUSE)
    if not address:
        return None
    if not address.startswith(_LAKE) or address == _LAKE:
        raise ValueError(
            "KRAT_WAREHOUSE is no warehouse that krat can use: write it as "
            "ducklake:postgres:host=... dbname=... user=..., or leave it out for a file."
        )
    data = os.environ.get(LAKE_DATA) or str(root / "lake")
    s3 = {part: os.environ[name] for name, part in _S3.items() if name in os.environ}
    if place := os.environ.get("AWS_ENDPOINT_URL_S3", os.environ.get("AWS_ENDPOINT_URL")):
        scheme, _, host = place.rstrip("/").rpartition("://")
        s3 |= {"endpoint": host, "use_ssl": str(scheme != "http"), "url_style": "path"}
    return Lake(address.removeprefix("ducklake:"), data, s3 if data.startswith("s3://") else {})


def dagster_storage() -> str | None:
    """Return the address in KRAT_DAGSTER_STORAGE as SQLAlchemy takes it; None for SQLite.

    Raises ValueError for one that is no postgresql://..., without the address: it has a password.
    """
    address = os.environ.get(STORAGE)
    if not address:
        return None
    scheme, _, place = address.partition("://")
    if scheme != "postgresql" or not place:
        raise ValueError(
            "KRAT_DAGSTER_STORAGE is no database that Dagster can use: write it as "
            "postgresql://user:password@host/database, or leave it out for SQLite."
        )
    return f"postgresql+psycopg2://{place}"


def memory_limit() -> str:
    """Return how much memory a database may take, as DuckDB takes it."""
    return os.environ.get(MEMORY_LIMIT) or _MEMORY


def environment_of(home: Home) -> dict[str, str]:
    """Return the environment of a process that works on this home, from whatever folder."""
    return {**os.environ, "KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)}


def board_address() -> str:
    """Return where a browser on this machine finds the board while `krat serve` runs."""
    return f"http://{LOOPBACK}:{SERVE_PORT}/sq/board/"


def point_dbt_at(home: Home, registers: Path) -> None:
    """Give dbt the warehouse as it is now, and the folder of the registers that it builds with."""
    _point_dbt_at_warehouse(home)
    os.environ["KRAT_REGISTERS"] = str(registers)


def _point_dbt_at_warehouse(home: Home) -> None:
    os.environ[DBT_TARGET] = "lake" if home.lake else "file"
    # krat serve may not open the keys, and builds nothing.
    with suppress(PermissionError):
        if not home.lake and warehouse_key(home):
            os.environ[DBT_TARGET] = "encrypted"
    os.environ[DBT_WAREHOUSE] = str(home.warehouse)
    os.environ[DBT_KEYS] = str(home.keys)


@contextmanager
def dbt_taking_rows_of(folder: Path) -> Iterator[None]:
    """Let dbt take the rows of tables from a folder, where Spark made them, meanwhile."""
    os.environ[_MADE_ELSEWHERE] = str(folder)
    try:
        yield
    finally:
        del os.environ[_MADE_ELSEWHERE]


def spark_master() -> str:
    """Return the address of Spark's master, as Spark takes it: `spark://host:7077`, `local[*]`."""
    return os.environ.get(SPARK_MASTER) or _SPARK_MASTER


def spark_folder() -> Path | None:
    """Return the folder in KRAT_SPARK_FOLDER, or None."""
    folder = os.environ.get(SPARK_FOLDER)
    return Path(folder).resolve() if folder else None


def java() -> str | None:
    """Return the program java of JAVA_HOME, or of the path; None where there is none."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=str(Path(home) / "bin") if home else None)


def manifest_path() -> Path:
    """Return where dbt writes its manifest: dbt itself heeds DBT_TARGET_PATH."""
    return Path(os.environ.get("DBT_TARGET_PATH", DBT_PROJECT / "target")) / "manifest.json"


def token_from_environment() -> str | None:
    """Return the reader's token in KRAT_TOKEN, or None."""
    return os.environ.get("KRAT_TOKEN") or None


def secret(home: Home, name: str) -> str | None:
    """Return a secret of the environment or of the file in KRAT_SECRETS, or None.

    The file has a line NAME=value each. Raises ValueError where it lies in the data folder or other
    users can open it, OSError where it can't be read.
    """
    if found := os.environ.get(name):
        return found
    if not (place := os.environ.get("KRAT_SECRETS")):
        return None
    path = Path(place).resolve()
    if path.is_relative_to(home.root.resolve()):
        raise ValueError(
            "KRAT_SECRETS lies inside KRAT_HOME: put the file on a place of its own, which no copy "
            "of the data folder takes along."
        )
    if stat.S_IMODE(path.stat().st_mode) & OTHERS:
        raise ValueError(f"other users can open {path}: take their rights (chmod go= {path}).")
    lines = path.read_text(encoding="utf-8").splitlines()
    values = dict(line.split("=", 1) for line in lines if "=" in line and line[:1] != "#")
    return values.get(name) or None
