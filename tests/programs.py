"""Programs that others wrote, with which tests open what krat writes, and ours in a copy.

A program that crashes is started anew, once: what it answers decides, not whether it ran well.
"""

import contextlib
import json
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2

from orchestration.runtime.settings import PROJECT

HERE = Path(__file__).parent

#: Where set-up puts the packages of tests/clients/package.json.
NODE_MODULES = Path(sys.prefix) / "node" / "node_modules"

#: LibreOffice's names of formats.
FILTERS = {
    "csv": "Text - txt - csv (StarCalc)",
    "ods": "calc8",
    "pdf": "calc_pdf_Export",
    "xls": "MS Excel 97",
    "xlsx": "Calc MS Excel 2007 XML",
}

#: What PostgreSQL asks for, and what may be in no file of a data folder.
PASSWORD = "canary-7f3b"

#: How long a program may take for one answer, in seconds.
PATIENCE = 120


class Crashed(RuntimeError):
    """The program ended, or was silent for too long, before it answered."""


def copy_project(folder: Path) -> Path:
    """Copy the project, so that its registers may be changed; return where the copy is."""
    project = folder / "project"
    ignored = shutil.ignore_patterns(".*", "data", "target", "logs", "build", "dist", "__pycache__")
    shutil.copytree(PROJECT, project, ignore=ignored)
    return project


def run_in_copy(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a script of tests in a copy of the project, by the copy's own code and registers."""
    environment = {"PYTHONPATH": str(project), "DBT_TARGET_PATH": str(project / "target")}
    return subprocess.run(
        [sys.executable, *command],
        cwd=project,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


class LibreOffice:
    """One LibreOffice with a profile of its own, started when it is first asked for something."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._office: subprocess.Popen[bytes] | None = None
        self._bridge: subprocess.Popen[str] | None = None

    def convert(self, source: Path, target: Path, filter_options: str = "") -> None:
        """Save a file in the format that the target's name ends with."""
        self._ask(
            action="convert", source=str(source), target=str(target),
            output_filter=FILTERS[target.suffix[1:]], filter_options=filter_options,
        )  # fmt: skip

    def fill(self, source: Path, target: Path, cells: dict[str, str]) -> list[str]:
        """Fill cells of a form and save it; return the cells that are locked."""
        locked: list[str] = self._ask(
            action="fill", source=str(source), target=str(target),
            output_filter=FILTERS[target.suffix[1:]], cells=cells,
        )  # fmt: skip
        return locked

    def show(self, url: str, password: str = "") -> tuple[list[str], list[str]]:
        """Open a workbook by its address; return its sheets' names and the cover's first row."""
        sheets, row = self._ask(action="show", url=url, password=password)
        return sheets, row

    def _ask(self, **request: Any) -> Any:
        try:
            told = self._answer(request)
        except Crashed:
            self.stop()
            told = self._answer(request)
        assert "error" not in told, told
        return told["answer"]

    def _answer(self, request: dict[str, Any]) -> Any:
        bridge = self._started()
        assert bridge.stdin is not None
        assert bridge.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            bridge.stdin.write(json.dumps(request) + "\n")
            bridge.stdin.flush()
        ready, _, _ = select.select([bridge.stdout], [], [], PATIENCE)
        line = bridge.stdout.readline() if ready else ""
        if not line:
            raise Crashed("LibreOffice gave no answer")
        return json.loads(line)

    def _started(self) -> subprocess.Popen[str]:
        if self._bridge is None:
            pipe = f"krat{os.getpid()}"
            self._office = subprocess.Popen(
                ["soffice", "--headless", "--norestore", f"--accept=pipe,name={pipe};urp;",
                 f"-env:UserInstallation=file://{self._folder / 'profile'}"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
            # The bridge belongs to the Python of the system, and knows nothing of ours.
            self._bridge = subprocess.Popen(
                ["/usr/bin/python3", str(HERE / "libreoffice" / "office.py"), pipe],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={},
            )
        return self._bridge

    def stop(self) -> None:
        """End LibreOffice and all that it started."""
        if self._office is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._office.pid, signal.SIGKILL)
            self._office.wait()
        if self._bridge is not None:
            self._bridge.kill()
            self._bridge.communicate()
        self._office = self._bridge = None


def run_node(script: str, *arguments: str, given: str = "") -> str:
    """Run a script of tests/clients under Node, with what it reads; return what it prints."""
    for _ in range(2):
        done = subprocess.run(
            ["node", str(HERE / "clients" / script), *arguments],
            env={
                "PATH": os.environ["PATH"],
                "NODE_PATH": str(NODE_MODULES),
                "HOME": "/nonexistent",
            },
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode == 0:
            break
    assert done.returncode == 0, done.stderr
    return done.stdout


def find_chromium() -> str:
    """Return the path of Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found is not None, "make test installs it"
    return found


@contextlib.contextmanager
def postgresql_running() -> Iterator[Path]:
    """Run a PostgreSQL on a socket, which asks `krat` for PASSWORD; give its folder."""
    [*_, folder] = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    # Its socket's path must be short, and it runs under no root.
    place = Path(tempfile.mkdtemp(prefix="krat-pg-", dir="/tmp"))
    user = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    (place / "password").write_text(PASSWORD, encoding="utf-8")
    for path in (place, place / "password"):
        os.chown(path, user.pw_uid, user.pw_gid)

    def run(*command: str) -> None:
        subprocess.run(
            [str(folder / command[0]), *command[1:]],
            user=user.pw_uid, group=user.pw_gid, cwd=place, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    data = str(place / "data")
    run("initdb", "--username=krat", "--auth=scram-sha-256", f"--pwfile={place}/password",
        "--no-sync", data)  # fmt: skip
    options = f"-c listen_addresses= -c unix_socket_directories={place} -c fsync=off"
    run("pg_ctl", "start", "--wait", "-D", data, "-o", options, "-l", str(place / "log"))
    try:
        yield place
    finally:
        run("pg_ctl", "stop", "--wait", "-m", "immediate", "-D", data)
        shutil.rmtree(place)


def new_database(socket: Path) -> str:
    """Make an empty database in the PostgreSQL on `socket`; return its name.

    Each test has one of its own: what another left in it would be counted with its own.
    """
    name = f"test_{uuid.uuid4().hex}"
    connection = psycopg2.connect(
        host=str(socket), user="krat", password=PASSWORD, dbname="postgres"
    )
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"create database {name}")
    finally:
        connection.close()
    return name


def storage_in(socket: Path) -> str:
    """Return the setting by which Dagster keeps its storage in a new database there."""
    return f"postgresql://krat:{PASSWORD}@/{new_database(socket)}?host={socket}"
