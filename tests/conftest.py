"""Kinds and groups of tests, and what many of them share: homes made once a run, programs."""

import json
import os
import pickle
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import duckdb_extension_httpfs
import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from filelock import FileLock
from hypothesis import HealthCheck, settings
from programs import LibreOffice, find_chromium, postgresql_running, run_node
from served import Served, home_to_serve, make_tokens, serving
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from orchestration.cli import cli
from orchestration.refresh.steps import Outcome, refresh
from orchestration.runtime.settings import (
    SEEDS,
    home_from_environment,
    manifest_path,
    prepare_process,
)
from orchestration.warehouse.build import write_manifest
from sources.custody.home import Home
from sources.custody.permissions import OTHERS
from sources.example.generate import write_example

# A machine that is busy with other work is no failure.
settings.register_profile("krat", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("krat")

MAY = date(2023, 5, 1)

#: What makes a test more than a unit test: the fixture it uses, and what the test then is.
FIXTURES = {
    "libreoffice": "program",
    "chromium": "program",
    "haproxy": "program",
    "node": "program",
    "spark_session": "program",
    "refreshed": "data",
    "followed": "data",
    "manifest": "slow",
}
#: Every test is of one kind; of several the first counts. The Makefile's lanes choose by kind.
KINDS = ("drill", "program", "data", "slow", "unit")

#: How long groups of tests take, in seconds: a file, or a test that any worker can run by itself.
#: Written by `make durations`; what is not in it takes no time worth mentioning.
DURATIONS = Path(__file__).parent / "durations.json"
SECONDS: dict[str, float] = json.loads(DURATIONS.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Refreshed:
    """A home, what the refresh that filled it told, and its files as they were then."""

    home: Home
    outcome: Outcome
    files: dict[str, tuple[int, int]]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record-durations", action="store_true", help=f"write {DURATIONS.name}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test its kind, and let the groups that take longest begin first."""
    for item in items:
        item.add_marker(kind_of(item))
        if "own_home" in item.fixturenames:
            item.add_marker("alone")
    items.sort(key=lambda item: -SECONDS.get(group_of(item.nodeid), 0))


def kind_of(item: pytest.Item) -> str:
    """Return the kind of a test: by its mark, or by the fixtures that it uses."""
    kinds = {mark.name for mark in item.iter_markers()}
    kinds |= {kind for name, kind in FIXTURES.items() if name in item.fixturenames}
    return next((kind for kind in KINDS if kind in kinds), "unit")


def group_of(nodeid: str) -> str:
    """Return the group of a test: itself where it is listed so, else its file."""
    test = nodeid.removeprefix("tests/")
    return test if test in SECONDS else test.partition("::")[0]


class ByGroup(LoadScopeScheduling):
    """Hands a group as a whole to the worker that is free next."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByGroup:
    return ByGroup(config, log)


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--record-durations"):
        config.pluginmanager.register(Recorder())


class Recorder:
    """Writes how long groups took, but for those of less than a second."""

    def __init__(self) -> None:
        self._took: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        test = report.nodeid.removeprefix("tests/")
        # What a test needs of the whole run is made once, for whichever is the first.
        if "alone" in report.keywords and report.when == "call":
            self._took[test] += report.duration
        elif "alone" not in report.keywords:
            self._took[test.partition("::")[0]] += report.duration

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if exitstatus == pytest.ExitCode.OK and not hasattr(session.config, "workerinput"):
            took = {group: round(sec, 1) for group, sec in self._took.most_common() if sec >= 1}
            DURATIONS.write_text(json.dumps(took, indent=1) + "\n", encoding="utf-8")


@pytest.fixture(scope="session", autouse=True)
def krat_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep every test away from a home that the developer works with."""
    saved = dict(os.environ)
    # What a test puts into a data folder is as closed as what krat puts there.
    umask = os.umask(OTHERS)
    os.environ["KRAT_HOME"] = str(tmp_path_factory.mktemp("unused") / "home")
    # Two workers must not write one manifest.
    os.environ["DBT_TARGET_PATH"] = str(tmp_path_factory.mktemp("dbt") / "target")
    yield
    os.environ.clear()
    os.environ.update(saved)
    os.umask(umask)


@pytest.fixture(scope="session", autouse=True)
def one_reading_of_the_dbt_project() -> Iterator[None]:
    """Let dbt keep what it read of its project from one home to the next.

    dbt reads all of it anew when the path of the warehouse is another one, because a model could
    use it. Ours use nothing of a home, and hardly any two tests have the same.
    """
    from dbt.adapters.duckdb.credentials import DuckDBCredentials

    keys = tuple(key for key in DuckDBCredentials._connection_keys(None) if key != "path")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DuckDBCredentials, "_connection_keys", lambda _: keys)
        yield


Prepare = Callable[[str, Callable[[Home], Any]], tuple[Home, Any]]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Prepare:
    """Makes a home once a run, for all workers, and gives each worker a copy.

    Called with the home's name and what fills it; returns the copy and what filling it returned.
    """
    own = tmp_path_factory.getbasetemp()
    workers = (own if worker_id == "master" else own.parent) / "prepared"
    workers.mkdir(exist_ok=True)

    def prepare(name: str, fill: Callable[[Home], Any]) -> tuple[Home, Any]:
        made, told = workers / name, workers / name / "told"
        parsed = manifest_path().with_name("partial_parse.msgpack")
        with FileLock(workers / f"{name}.lock"):
            if not told.exists():
                shutil.rmtree(made, ignore_errors=True)
                home = Home(root=made / "home", keys=made / "keys")
                prepare_process(home)
                outcome = fill(home)
                shutil.copy(parsed, made)
                told.write_bytes(pickle.dumps(outcome))
        if not parsed.exists():
            parsed.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(made / parsed.name, parsed)
        made_home = Home(root=made / "home", keys=made / "keys")
        return copy_home(made_home, own / name), pickle.loads(told.read_bytes())

    return prepare


def copy_home(home: Home, folder: Path) -> Home:
    """Return a copy of a home and its keys, in which krat works from now on.

    Every file is copied: DuckDB writes its files where they are.
    """
    copy = Home(root=folder / "home", keys=folder / "keys")
    shutil.copytree(home.root, copy.root)
    shutil.copytree(home.keys, copy.keys)
    prepare_process(copy)
    return copy


@pytest.fixture(scope="session")
def refreshed(prepared: Prepare) -> Refreshed:
    """The example of Fier, refreshed through the command line's road for May 2023."""

    def fill(home: Home) -> Outcome:
        write_example(home.inbox, SEEDS)
        return refresh(home, [MAY])

    home, outcome = prepared("refreshed", fill)
    return Refreshed(home, outcome, _files(home))


@pytest.fixture(scope="session")
def three_counties(prepared: Prepare) -> tuple[Home, Outcome]:
    """The example's three counties, of which March and December were published."""

    def fill(home: Home) -> Outcome:
        environment = {"KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)}
        assert CliRunner().invoke(cli, ["example"], env=environment).exit_code == 0
        return refresh(home, [date(2023, 3, 1), date(2023, 12, 1)])

    home, outcome = prepared("three-counties", fill)
    return home, outcome


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Path]:
    """The folder of the socket of a PostgreSQL, which asks `krat` for programs.PASSWORD."""
    with postgresql_running() as socket:
        yield socket


@pytest.fixture(scope="session")
def manifest() -> dict[str, Any]:
    """What dbt knows of its models now, whatever manifest was written before."""
    prepare_process(home_from_environment())
    write_manifest()
    content: dict[str, Any] = json.loads(manifest_path().read_bytes())
    return content


@pytest.fixture(autouse=True)
def refreshed_stays_as_it_is(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that writes into the home that all share; `own_home` is there to be changed."""
    yield
    if "refreshed" in request.fixturenames:
        shared: Refreshed = request.getfixturevalue("refreshed")
        before, now = shared.files.copy(), _files(shared.home)
        # The next test is not to blame for it.
        shared.files.clear()
        shared.files.update(now)
        assert now == before


def _files(home: Home) -> dict[str, tuple[int, int]]:
    """Return the size and the time of writing of each file of a home."""
    return {
        str(path): (status.st_size, status.st_mtime_ns)
        for path in home.root.rglob("*")
        if path.is_file()
        for status in [path.stat()]
    }


@pytest.fixture(scope="session")
def refreshed_again(refreshed: Refreshed, prepared: Prepare) -> tuple[Home, int, str]:
    """The refreshed home after the command for the same month, nothing new having come.

    With it the exit status of the command and what it printed.
    """

    def fill(home: Home) -> tuple[int, str]:
        shutil.copytree(refreshed.home.root, home.root)
        shutil.copytree(refreshed.home.keys, home.keys)
        environment = {"KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)}
        # The command closes what it makes, whatever the umask (test_permissions).
        umask = os.umask(0)
        done = CliRunner().invoke(cli, ["refresh", "--month", "2023-05"], env=environment)
        os.umask(umask)
        return done.exit_code, done.output

    home, (status, output) = prepared("refreshed-again", fill)
    return home, status, output


@dataclass(frozen=True)
class Corrected:
    """The refreshed home after a process that took a correction in, and what that came to."""

    home: Home
    whole: Any


@pytest.fixture(scope="session")
def corrected(refreshed: Refreshed, prepared: Prepare) -> Corrected:
    """The refreshed home, with the correction of the drills taken in."""
    import killed

    def fill(home: Home) -> Any:
        shutil.copytree(refreshed.home.root, home.root)
        shutil.copytree(refreshed.home.keys, home.keys)
        return killed.not_killed(killed.REFRESH, home)

    return Corrected(*prepared("corrected", fill))


@pytest.fixture
def own_home(refreshed: Refreshed, tmp_path: Path) -> Home:
    """A copy of the refreshed home that a test may change."""
    return copy_home(refreshed.home, tmp_path)


@pytest.fixture
def marts(refreshed: Refreshed) -> Iterator[duckdb.DuckDBPyConnection]:
    """The reading copy, as whoever asks in SQL sees it."""
    with duckdb.connect(str(refreshed.home.marts), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def served(refreshed: Refreshed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The example's releases behind `krat serve`, with files beside them that none may have."""
    home = home_to_serve(refreshed.home, tmp_path_factory.mktemp("served"))
    tokens = make_tokens(home)
    with serving(home) as url:
        yield Served(url=url, home=home, tokens=tokens)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture(scope="session")
def extensions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of DuckDB's extensions that holds httpfs of its wheel: nothing is downloaded."""
    folder = tmp_path_factory.mktemp("extensions")
    wheel = Path(duckdb_extension_httpfs.__file__).parent / "extensions"
    [extension] = wheel.rglob("httpfs.duckdb_extension")
    [(platform,)] = duckdb.connect().execute("pragma platform").fetchall()
    target = folder / f"v{duckdb.__version__}" / platform
    target.mkdir(parents=True)
    shutil.copy(extension, target)
    return folder


@pytest.fixture(scope="session")
def libreoffice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LibreOffice]:
    """One LibreOffice for all files of a run."""
    office = LibreOffice(tmp_path_factory.mktemp("libreoffice"))
    yield office
    office.stop()


@pytest.fixture(scope="session")
def node() -> Callable[..., str]:
    """Runs a script of tests/clients under Node."""
    return run_node


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium."""
    return find_chromium()


@pytest.fixture(scope="session")
def haproxy() -> str:
    """The path of HAProxy."""
    found = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    assert found is not None, "make test installs it"
    return found
