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
from contextlib import contextmanager
from pathlib import Path

from sources.custody.home import Home
from sources.custody.permissions import OTHERS
from sources.custody.version import require_version

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
    Raises ValueError when KRAT_KEYS points into the home, OtherVersion when another krat wrote it.
    """
    root = Path(os.environ.get("KRAT_HOME", "data")).resolve()
    keys = Path(os.environ.get("KRAT_KEYS", root.with_name(f"{root.name}-keys"))).resolve()
    if keys.is_relative_to(root):
        raise ValueError("KRAT_KEYS lies inside KRAT_HOME: put the keys on a place of their own.")
    home = Home(root=root, keys=keys)
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
    os.environ["KRAT_WAREHOUSE"] = str(home.warehouse)
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


def point_dbt_at(registers: Path) -> None:
    """Give dbt the folder of the registers that it builds with (dbt_project/materializations)."""
    os.environ["KRAT_REGISTERS"] = str(registers)


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
