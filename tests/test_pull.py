"""krat pull against a real server: only what is new, resumed, and nothing that isn't verified."""

import contextlib
import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import certifi
import duckdb
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from conftest import Refreshed
from named_codes import unnamed_codes
from questions import QUESTIONS
from served import (
    COMMAND,
    Served,
    add_release,
    home_to_serve,
    make_tokens,
    serving,
    write_release,
)

from orchestration.cli import cli
from orchestration.publication.verify import verify_release
from orchestration.publication.writing.signing import (
    PRIVATE_KEY,
    PUBLIC_KEYS,
    fingerprint,
    publish_key,
    read_public_keys,
    signing_key,
)
from orchestration.runtime.settings import PROJECT
from sources.custody.home import Home

Krat = Callable[..., Result]

PERSONS = "public/persons/2023"


@pytest.fixture(scope="module")
def server(refreshed: Refreshed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of two months of Fier, which these tests may change."""
    home = home_to_serve(refreshed.home, tmp_path_factory.mktemp("server"))
    add_release(home, "restricted/AL-04/2023-05/r1", "restricted", "AL-04", "2023-04")
    tokens = make_tokens(home)
    with serving(home) as url:
        yield Served(url=url, home=home, tokens=tokens)


@pytest.fixture
def editions(server: Served, refreshed: Refreshed) -> Iterator[Path]:
    """The folder of the example's five editions on the server, for one test."""
    folder = server.home.releases / PERSONS
    shutil.copytree(refreshed.home.releases / PERSONS, folder)
    yield folder
    shutil.rmtree(folder.parent)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "pulled"


def pull(
    server: Served,
    out: Path | str,
    *options: str,
    url: str | None = None,
    holder: str | None = "all",
) -> Result:
    """Run krat pull with the token of a holder, for every county if nothing else is asked."""
    return CliRunner().invoke(
        cli, arguments(server, out, *options, url=url), env=environment(server, holder)
    )


def arguments(server: Served, out: Path | str, *options: str, url: str | None = None) -> list[str]:
    """Return the command line of a pull."""
    return [
        "pull", "--from", url or server.url, "--since", "2023-01", "--out", str(out), "--english",
        *options,
    ]  # fmt: skip


def environment(server: Served, holder: str | None) -> dict[str, str]:
    """Return what a pull finds in the environment; without a holder no token."""
    return {
        "KRAT_HOME": str(server.home.root),
        "KRAT_KEYS": str(server.home.keys),
        "KRAT_TOKEN": server.tokens[holder] if holder else "",
    }


def tiers(out: Path) -> set[str]:
    """Return the tiers of the releases that national.duckdb is made of: by what only one has."""
    with duckdb.connect(str(out / "national.duckdb"), read_only=True) as national:
        found = national.execute(
            "select exists(from duckdb_tables() where schema_name = 'quality')"
        ).fetchone()
    return {"restricted" if found == (True,) else "public"}


def refused(result: Result) -> str:
    """Return the one line in which a pull says why it failed."""
    assert result.exit_code == 1, result.output
    lines = [line for line in result.stderr.splitlines() if not line.startswith("…")]
    assert len(lines) == 1, result.output
    return lines[0]


def releases(out: Path) -> set[str]:
    return {str(path.relative_to(out / "releases")) for path in out.glob("releases/*/*/*/r*")}


def test_a_pull_fetches_verifies_and_unites(server: Served, out: Path) -> None:
    done = pull(server, out)
    assert done.exit_code == 0, done.output
    keys = read_public_keys(server.home.releases / PUBLIC_KEYS)
    assert fingerprint(keys[-1]) in done.stdout
    assert releases(out) == {
        "restricted/AL/2023-05/r1",
        "restricted/AL-04/2023-04/r1",
        "restricted/AL-04/2023-05/r1",
    }
    for path in out.glob("releases/*/*/*/r*"):
        assert verify_release(path, keys) == []
        original = server.home.releases / path.relative_to(out / "releases")
        for file in path.iterdir():
            assert file.read_bytes() == (original / file.name).read_bytes()
        assert (path.parent / "latest").read_text() == "r1\n"


def test_the_national_file_unites_the_rows_of_every_mart_with_comments(
    server: Served, out: Path
) -> None:
    assert pull(server, out).exit_code == 0
    with duckdb.connect(str(out / "national.duckdb"), read_only=True) as national:
        for mart in (
            "marts.indicator_progress",
            "marts.reporting_completeness",
            "quality.findings",
        ):
            file = f"{mart.partition('.')[2]}.parquet"
            files = [str(path) for path in out.glob(f"releases/*/*/*/r1/{file}")]
            expected = national.execute("select count(*) from read_parquet(?)", [files]).fetchone()
            assert national.execute(f"select count(*) from {mart}").fetchone() == expected
        rows = national.execute(
            "select distinct county_code, release_number from vintages.indicator_progress "
            "order by all"
        ).fetchall()
        assert rows == [("AL", 1), ("AL-04", 1)]
        uncommented = national.execute(
            "select table_name, column_name from duckdb_columns() where comment is null "
            "and not internal union all "
            "select table_name, null from duckdb_tables() where comment is null"
        ).fetchall()
        assert uncommented == []
        # A register stands once, not once a release.
        for register, key in (
            ("core.dim_indicators", "indicator_code"),
            ("core.dim_counties", "county_code"),
        ):
            counts = national.execute(f"select count(*), count(distinct {key}) from {register}")
            assert counts.fetchone() in ((66, 66), (13, 13))


@pytest.mark.parametrize("holder", ["fier", None])
def test_every_edition_goes_to_every_reader_once(
    server: Served, editions: Path, out: Path, holder: str | None
) -> None:
    done = pull(server, out, "--since", "2023-05", holder=holder)
    assert done.exit_code == 0, done.output
    names = [f"e{number}" for number in range(1, 6)]
    told = f"verified: {', '.join(f'2023/{name}' for name in names)}; 5 are here now"
    assert told in done.stdout
    keys = read_public_keys(server.home.releases / PUBLIC_KEYS)
    for name in names:
        assert verify_release(out / "releases" / PERSONS / name, keys) == []
        for file in (editions / name).iterdir():
            assert (out / "releases" / PERSONS / name / file.name).read_bytes() == file.read_bytes()
    assert (out / "releases" / PERSONS / "latest").read_text() == "e5\n"
    before = len(server.log_lines())
    again = pull(server, out, "--since", "2023-05", holder=holder)
    assert "5 are here, none of them new" in again.stdout
    assert [line[4:6] for line in server.log_lines()[before:]] == [["/catalog.json", "304"]]
    shutil.rmtree(out / "releases" / PERSONS / "e4")
    assert "verified: 2023/e4; 5 are here" in pull(server, out, holder=holder).stdout


@pytest.mark.parametrize("holder", ["fier", None])
def test_the_national_file_has_all_editions_and_what_the_newest_shows(
    server: Served, editions: Path, out: Path, refreshed: Refreshed, holder: str | None
) -> None:
    assert pull(server, out, holder=holder).exit_code == 0
    with (
        duckdb.connect(str(out / "national.duckdb"), read_only=True) as national,
        duckdb.connect(str(refreshed.home.marts), read_only=True) as marts,
    ):
        for table in ("editions", "person_counts", "restatements", "newest_counts"):
            rows = national.execute(f"from editions.{table} order by all").fetchall()
            assert rows == marts.execute(f"from editions.{table} order by all").fetchall()
            assert rows or table == "restatements"
        shown = "select county_code, period, subject, category, value, least, greatest, shown_as, "
        shown += "why_sq, why_en from {} where edition = {} order by all"
        for number in range(1, 6):
            file = f"'{editions}/e{number}/person_counts.parquet'"
            expected = national.execute(shown.format(file, number)).fetchall()
            rows = national.execute(shown.format("editions.person_counts", number)).fetchall()
            assert rows == expected != []
        # Each period once: the last edition counts the year and all its quarters.
        newest = national.execute("select distinct edition from editions.newest_counts").fetchall()
        assert newest == [(5,)]
        unnamed = "from duckdb_{}() where comment is null and not internal"
        for kind in ("tables", "views", "columns"):
            assert national.execute(unnamed.format(kind)).fetchall() == []


def test_a_quarter_that_only_an_early_edition_counts_is_shown_from_it(
    server: Served, editions: Path, out: Path
) -> None:
    for number in (4, 5):
        shutil.rmtree(editions / f"e{number}")
    (editions / "latest").write_text("e3\n")
    assert pull(server, out).exit_code == 0
    with duckdb.connect(str(out / "national.duckdb"), read_only=True) as national:
        newest = national.execute(
            "select distinct period, edition from editions.newest_counts order by all"
        ).fetchall()
    assert newest == [("2023-Q1", 1), ("2023-Q2", 2), ("2023-Q3", 3)]


@pytest.mark.parametrize("name", ["person_counts.csv", "CHANGES.md", "datapackage.json"])
def test_a_spoiled_edition_is_not_kept(
    server: Served, editions: Path, out: Path, name: str
) -> None:
    path = editions / "e5" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes(content))
    told = refused(pull(server, out))
    assert f"{PERSONS}/e5" in told
    assert "can't be verified" in told
    assert not (out / "releases" / PERSONS / "e5").exists()
    assert not (out / "national.duckdb").exists()


def test_an_edition_under_anothers_name_is_not_kept(
    server: Served, editions: Path, out: Path
) -> None:
    (editions / "e5").rename(editions / "e6")
    (editions / "latest").write_text("e6\n")
    assert f"{PERSONS}/e6 can't be verified" in refused(pull(server, out))
    assert not (out / "releases" / PERSONS / "e6").exists()


@pytest.mark.parametrize("holder", ["fier", None])
def test_an_edition_that_was_altered_here_is_fetched_again(
    server: Served, editions: Path, out: Path, holder: str | None
) -> None:
    assert pull(server, out, holder=holder).exit_code == 0
    path = out / "releases" / PERSONS / "e4" / "person_counts.parquet"
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1])
    done = pull(server, out, holder=holder)
    assert f"{PERSONS}/e4 was altered here: it was fetched again" in done.stdout
    assert path.read_bytes() == (editions / "e4" / path.name).read_bytes()


def test_editions_alone_can_be_had(editions: Path, tmp_path: Path, out: Path) -> None:
    stick = tmp_path / "stick"
    shutil.copytree(editions, stick / "releases" / PERSONS)
    shutil.copy(editions.parents[2] / PUBLIC_KEYS, stick / "releases")
    done = from_folder(stick, out)
    assert done.exit_code == 0, done.output
    assert "5 are here now" in done.stdout
    with duckdb.connect(str(out / "national.duckdb"), read_only=True) as national:
        assert (
            national.execute(
                "select count(*) from editions.newest_counts "
                "inner join core.codes on code_list = 'shown_as' and code = shown_as"
            ).fetchone()
            == national.execute("select count(*) from editions.newest_counts").fetchone()
        )
    assert "has no releases of AL-04" in refused(from_folder(stick, out, "--county", "AL-04"))


def from_folder(folder: Path, out: Path, *options: str) -> Result:
    """Run krat pull from a folder, without a token."""
    command = ["pull", "--from", str(folder), "--since", "2023-01", "--out", str(out), "--english"]
    return CliRunner().invoke(cli, [*command, *options], env={"KRAT_TOKEN": ""})


@pytest.mark.usefixtures("editions")
def test_a_pull_from_a_folder_is_one_from_the_server(
    server: Served, out: Path, tmp_path: Path
) -> None:
    assert pull(server, out).exit_code == 0
    copy = tmp_path / "a copy"
    done = from_folder(out, copy)
    assert done.exit_code == 0, done.output
    assert "Pulled 3 new releases" in done.stdout
    assert "5 are here now" in done.stdout
    files = {path.relative_to(out) for path in (out / "releases").rglob("*") if path.is_file()}
    assert len(files) > 80
    for path in files:
        assert (copy / path).read_bytes() == (out / path).read_bytes()
    assert "Nothing new: 3 releases" in from_folder(out, copy).stdout


def test_what_is_spoiled_in_a_folder_is_not_kept(server: Served, editions: Path, out: Path) -> None:
    stick, path = server.home.root, editions / "e5" / "mart.duckdb"
    path.unlink()
    assert "has no releases/public/persons/2023/e5/mart.duckdb" in refused(from_folder(stick, out))
    # A pipe would be waited for without end.
    os.mkfifo(path)
    assert "has no releases/public/persons/2023/e5/mart.duckdb" in refused(from_folder(stick, out))
    path.unlink()
    path.write_bytes(b"something else")
    assert "can't be verified" in refused(from_folder(stick, out))


def test_a_manifest_that_is_none_ends_no_pull(editions: Path, out: Path, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    shutil.copytree(editions, stick / "releases" / PERSONS)
    shutil.copy(editions.parents[2] / PUBLIC_KEYS, stick / "releases")
    (stick / "releases" / PERSONS / "e5/datapackage.json").unlink()
    (stick / "releases" / PERSONS / "e5/datapackage.json").write_text("[]")
    assert "4 are here now" in from_folder(stick, out).stdout
    assert not (out / "releases" / PERSONS / "e5").exists()


def test_a_part_of_a_file_is_not_asked_of_a_folder_twice(
    editions: Path, server: Served, out: Path
) -> None:
    path = editions / "e5" / "mart.duckdb"
    draft = out / "releases" / PERSONS / ".e5.pulling"
    draft.mkdir(parents=True)
    (draft / "mart.duckdb.part").write_bytes(path.read_bytes()[:1000])
    assert from_folder(server.home.root, out).exit_code == 0
    assert (out / "releases" / PERSONS / "e5/mart.duckdb").read_bytes() == path.read_bytes()


def test_with_nothing_new_a_pull_takes_one_request(server: Served, out: Path) -> None:
    assert pull(server, out).exit_code == 0
    united = (out / "national.duckdb").stat()
    before = len(server.log_lines())
    done = pull(server, out)
    assert "Nothing new: 3 releases" in done.stdout
    assert [line[4:6] for line in server.log_lines()[before:]] == [["/catalog.json", "304"]]
    assert (out / "national.duckdb").stat() == united


def test_a_year_of_twelve_counties_with_nothing_new_takes_one_request(tmp_path: Path) -> None:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    for county in range(1, 13):
        for month in range(1, 13):
            code, written = f"AL-{county:02}", f"2023-{month:02}"
            day = pd.Timestamp(f"{written}-01").date()
            rows = pd.DataFrame({"county_code": [code], "reporting_month": [day], "value": [1]})
            files = {"indicator_progress.parquet": rows.to_parquet()}
            write_release(home, code, written, files)
    publish_key(signing_key(home.keys).public_key(), home.releases)
    tokens = make_tokens(home)
    out = tmp_path / "out"
    with serving(home) as url:
        year = Served(url=url, home=home, tokens=tokens)
        first = pull(year, out)
        assert "12 counties, 12 months" in first.stdout
        before = len(year.log_lines())
        assert "Nothing new: 144 releases" in pull(year, out).stdout
        assert [line[4:6] for line in year.log_lines()[before:]] == [["/catalog.json", "304"]]
    with duckdb.connect(str(out / "national.duckdb"), read_only=True) as national:
        assert national.execute("select sum(value) from marts.indicator_progress").fetchone() == (
            144,
        )


def test_only_what_is_new_is_fetched_and_the_newest_release_counts(
    server: Served, out: Path
) -> None:
    assert pull(server, out, "--county", "AL-04").exit_code == 0
    assert "restricted/AL/2023-05/r1" not in releases(out)
    newer = add_release(
        server.home, "restricted/AL-04/2023-04/r1", "restricted", "AL-04", "2023-04"
    )
    before = len(server.log_lines())
    try:
        assert pull(server, out, "--county", "AL-04").exit_code == 0
    finally:
        shutil.rmtree(newer)
        (newer.parent / "latest").write_text("r1\n")
    fetched = {line[4] for line in server.log_lines()[before:]}
    assert {path for path in fetched if "/restricted/" in path} == {
        f"/releases/restricted/AL-04/2023-04/r2/{path.name}"
        for path in (out / "releases/restricted/AL-04/2023-04/r2").iterdir()
    }
    assert "restricted/AL-04/2023-04/r1" in releases(out)
    with duckdb.connect(str(out / "national.duckdb"), read_only=True) as national:
        newest = national.execute(
            "select strftime(reporting_month, '%Y-%m'), max(release_number), count(*), "
            "count(superseded_on) from vintages.releases group by all order by all"
        ).fetchall()
        assert newest == [("2023-04", 2, 2, 1), ("2023-05", 1, 1, 0)]
        [(rows, once)] = national.execute(
            "select count(*), count(distinct (county_code, reporting_month, indicator_code)) "
            "from marts.indicator_progress"
        ).fetchall()
        # The release of April has the rows of May.
        assert rows == 2 * once > 0


def test_the_public_tier_is_pulled_without_a_token(server: Served, out: Path) -> None:
    done = CliRunner().invoke(
        cli,
        ["pull", "--from", server.url, "--since", "2023-01", "--out", str(out)],
        env={"KRAT_HOME": str(server.home.root), "KRAT_KEYS": str(server.home.keys)},
    )
    assert done.exit_code == 0, done.output
    assert "U morën 1 publikime" in done.stdout
    assert "Po merret vetëm pjesa publike (public)" in done.stdout
    assert releases(out) == {"public/AL/2023-05/r1"}


@contextmanager
def cutting(url: str, after: int) -> Iterator[str]:
    """Give the address of a line to the server that cuts connections.

    Each is cut so many bytes after a database was asked for over it.
    """
    host, port = url.split("/")[2].split(":")
    listener = socket.create_server(("127.0.0.1", 0))

    def carry(
        source: socket.socket, target: socket.socket, asked: threading.Event, *, answers: bool
    ) -> None:
        budget = after
        try:
            while budget > 0 and (part := source.recv(4096)):
                if answers and asked.is_set():
                    part = part[:budget]
                    budget -= len(part)
                elif not answers and b"/mart.duckdb" in part:
                    asked.set()
                target.sendall(part)
        except OSError:
            pass
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            upstream = socket.create_connection((host, int(port)))
            asked = threading.Event()
            for ends, answers in (((client, upstream), False), ((upstream, client), True)):
                threading.Thread(
                    target=carry, args=(*ends, asked), kwargs={"answers": answers}, daemon=True
                ).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        listener.close()


def _database(server: Served, month: str) -> Path:
    return server.home.releases / "restricted/AL-04" / month / "r1/mart.duckdb"


def test_a_pull_that_broke_off_goes_on_where_it_stopped(server: Served, out: Path) -> None:
    original = _database(server, "2023-05")
    size = original.stat().st_size
    with cutting(server.url, after=size // 10) as url:
        told = refused(pull(server, out, "--county", "AL-04", url=url))
    assert "broke off" in told
    # The folder is free again: those that fetched other releases have ended too.
    assert not [one for one in threading.enumerate() if one.name.startswith("ThreadPoolExecutor")]
    assert releases(out) == set()
    [*parts] = out.glob("releases/restricted/AL-04/*/.r1.pulling/mart.duckdb.part")
    have = {path.parts[-3]: path.stat().st_size for path in parts}
    sizes = {month: _database(server, month).stat().st_size for month in have}
    assert have
    assert all(0 <= there < sizes[month] for month, there in have.items())
    assert any(have.values())
    before = len(server.log_lines())
    assert pull(server, out, "--county", "AL-04").exit_code == 0
    for month, there in have.items():
        path = f"/releases/restricted/AL-04/{month}/r1/mart.duckdb"
        answers = [line[5:7] for line in server.log_lines()[before:] if line[4] == path]
        assert ["206" if there else "200", str(sizes[month] - there)] in answers
    assert not list(out.rglob("*.part"))
    assert not list(out.rglob(".r1.pulling"))
    pulled = out / "releases/restricted/AL-04/2023-05/r1/mart.duckdb"
    assert pulled.read_bytes() == original.read_bytes()


def test_a_short_cut_is_mended_within_one_pull(server: Served, out: Path) -> None:
    original = server.home.releases / "restricted/AL-04/2023-05/r1"
    size = (original / "mart.duckdb").stat().st_size
    with cutting(server.url, after=int(size * 0.7)) as url:
        done = pull(server, out, "--county", "AL-04", url=url)
    assert done.exit_code == 0, done.output


def test_a_half_of_something_else_is_fetched_anew(server: Served, out: Path) -> None:
    assert pull(server, out, "--county", "AL-04").exit_code == 0
    folder = out / "releases/restricted/AL-04/2023-05"
    draft = folder / ".r1.pulling"
    (folder / "r1").rename(draft)
    whole = (draft / "mart.duckdb").read_bytes()
    (draft / "mart.duckdb").unlink()
    (draft / "mart.duckdb.part").write_bytes(b"something else")
    (draft / "left-over.csv").write_text("x")
    assert pull(server, out, "--county", "AL-04").exit_code == 0
    assert (folder / "r1" / "mart.duckdb").read_bytes() == whole
    assert not (folder / "r1" / "left-over.csv").exists()


@pytest.fixture
def tampered(server: Served) -> Iterator[Callable[[str, bytes], None]]:
    """A way to change a file of Fier's May on the server; it is put right afterwards."""
    folder = server.home.releases / "restricted/AL-04/2023-05/r1"
    kept = {path: path.read_bytes() for path in folder.iterdir()}

    def change(name: str, content: bytes) -> None:
        (folder / name).chmod(0o600)
        (folder / name).write_bytes(content)

    yield change
    for path, content in kept.items():
        path.chmod(0o600)
        path.write_bytes(content)
        path.chmod(0o400)


@pytest.mark.parametrize(
    "name", ["indicator_progress.csv", "mart.duckdb", "datapackage.json", "datapackage.json.sig"]
)
def test_what_was_changed_on_the_way_is_not_kept(
    server: Served, out: Path, tampered: Callable[[str, bytes], None], name: str
) -> None:
    path = server.home.releases / "restricted/AL-04/2023-05/r1" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    tampered(name, bytes(content))
    told = refused(pull(server, out, "--county", "AL-04"))
    assert "can't be verified" in told
    assert "restricted/AL-04/2023-05" in told
    assert "restricted/AL-04/2023-05/r1" not in releases(out)
    assert not (out / "releases/restricted/AL-04/2023-05/.r1.pulling").exists()
    assert not (out / "national.duckdb").exists()


def test_a_release_under_anothers_name_is_not_kept(server: Served, out: Path) -> None:
    """Whole and signed, but of another month: as if an old one were given for a new one."""
    april = server.home.releases / "restricted/AL-04/2023-04/r1"
    february = server.home.releases / "restricted/AL-04/2023-02"
    shutil.copytree(april, february / "r1")
    (february / "latest").write_text("r1\n")
    try:
        told = refused(pull(server, out, "--county", "AL-04"))
    finally:
        shutil.rmtree(february)
    assert "restricted/AL-04/2023-02/r1 can't be verified" in told
    assert "restricted/AL-04/2023-02/r1" not in releases(out)


def test_another_key_is_refused_until_a_person_trusts_it(server: Served, out: Path) -> None:
    assert pull(server, out, "--county", "AL").exit_code == 0
    own = server.home.keys / PRIVATE_KEY
    kept, pem = own.read_bytes(), (server.home.releases / PUBLIC_KEYS).read_bytes()
    own.unlink()
    try:
        add_release(server.home, "restricted/AL/2023-05/r1", "restricted", "AL", "2023-06")
        signer = fingerprint(signing_key(server.home.keys).public_key())
        told = refused(pull(server, out, "--county", "AL"))
        assert signer in told
        assert "restricted/AL/2023-06/r1" not in releases(out)
        assert "has no key" in refused(pull(server, out, "--county", "AL", "--fingerprint", signer))
        publish_key(signing_key(server.home.keys).public_key(), server.home.releases)
        assert signer in refused(pull(server, out, "--county", "AL"))
        trusted = pull(server, out, "--county", "AL", "--fingerprint", signer)
        assert trusted.exit_code == 0, trusted.output
        assert "restricted/AL/2023-06/r1" in releases(out)
    finally:
        own.unlink()
        own.write_bytes(kept)
        (server.home.releases / PUBLIC_KEYS).write_bytes(pem)
        shutil.rmtree(server.home.releases / "restricted/AL/2023-06")


class _Liar(http.server.BaseHTTPRequestHandler):
    """A server that is none of ours."""

    catalogue: bytes = b""

    def do_GET(self) -> None:
        """Answer anything with the catalogue."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.catalogue)))
        self.end_headers()
        self.wfile.write(self.catalogue)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(
    "release",
    [
        {"tier": "../../..", "county_code": "AL", "month": "2023-05", "release": 1},
        {"tier": "public", "county_code": "AL/..", "month": "2023-05", "release": 1},
        {"tier": "public", "county_code": "AL", "month": "..", "release": 1},
        {"tier": "public", "county_code": "AL", "month": "2023-05", "release": "../r1"},
        {"tier": "public"},
        {"counted_year": "..", "edition": 1},
        {"counted_year": 2023, "edition": "../e1"},
        {"counted_year": 2023},
        None,
    ],
)
def test_a_false_catalogue_is_refused(
    server: Served, out: Path, release: dict[str, object] | None
) -> None:
    content: dict[str, list[object]] = {"releases": [], "editions": []}
    if release is not None:
        kind = "editions" if "counted_year" in release else "releases"
        content[kind].append({**release, "is_latest": True})
    _Liar.catalogue = json.dumps(content if release else []).encode()
    liar = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Liar)
    threading.Thread(target=liar.serve_forever, daemon=True).start()
    try:
        told = refused(pull(server, out, url=f"http://127.0.0.1:{liar.server_port}"))
    finally:
        liar.shutdown()
        liar.server_close()
    assert "catalogue" in told
    assert {path.name for path in out.iterdir()} <= {".pull.lock"}


@pytest.mark.parametrize(
    ("options", "url", "said"),
    [
        ((), "http://krat.example.al", "in the clear"),
        ((), "ftp://krat.example.al", "is no address"),
        ((), "http://x:y@127.0.0.1:9/", "holds a password"),
        ((), "http://127.0.0.1:9/", "does not answer"),
        (("--token-file", "no-such-file"), None, "can't be read"),
        (("--county", "AL-09"), None, "has no releases of AL-09"),
        (("--tier", "public", "--county", "AL-04"), None, "has no releases of AL-04"),
    ],
)
def test_a_pull_that_can_not_be_done_says_so_in_one_line(
    server: Served, out: Path, options: tuple[str, ...], url: str | None, said: str
) -> None:
    assert said in refused(pull(server, out, *options, url=url))


def test_a_token_that_works_no_more_is_told(server: Served, out: Path, tmp_path: Path) -> None:
    file = tmp_path / "token.txt"
    file.write_text(server.tokens["expired"] + "\n")
    assert "does not accept the token" in refused(pull(server, out, "--token-file", str(file)))


def test_the_tables_of_the_national_file_are_those_of_the_reading_copy(
    server: Served, out: Path, refreshed: Refreshed
) -> None:
    assert pull(server, out).exit_code == 0
    columns = (
        "select if(schema_name = 'main', 'marts', schema_name) as schema_name, table_name, "
        "column_name, data_type, trim(regexp_replace(comment, '\\s+', ' ', 'g')) "
        "from duckdb_columns() where not internal order by all"
    )
    tables = (
        "select if(schema_name = 'main', 'marts', schema_name), table_name, "
        "trim(regexp_replace(comment, '\\s+', ' ', 'g')) from duckdb_tables() union all "
        "select schema_name, view_name, comment from duckdb_views() where not internal order by all"
    )
    with (
        duckdb.connect(str(out / "national.duckdb"), read_only=True) as national,
        duckdb.connect(str(refreshed.home.marts), read_only=True) as marts,
    ):
        # Values one by one are in releases alone.
        own = {"observations"}
        for query in (columns, tables):
            here = {row for row in national.execute(query).fetchall() if row[1] not in own}
            assert here <= set(marts.execute(query).fetchall())
        names = {row[:2] for row in national.execute(tables).fetchall()}
        assert names >= {
            ("marts", "indicator_progress"), ("marts", "changes"), ("quality", "findings"),
            ("core", "dim_measures"), ("core", "fct_targets"), ("core", "plan_crosswalk"),
            ("core", "codes"), ("vintages", "releases"), ("vintages", "indicator_progress"),
            ("nation", "indicator_progress"), ("counties", "indicator_progress"),
        }  # fmt: skip
        for register in ("dim_indicators", "dim_measures", "fct_targets", "dim_codes", "codes"):
            query = f"from core.{register} order by all"
            assert national.execute(query).fetchall() == marts.execute(query).fetchall()


@pytest.mark.usefixtures("editions")
def test_each_ready_question_runs_on_the_national_file_too(
    server: Served, out: Path, refreshed: Refreshed
) -> None:
    assert pull(server, out).exit_code == 0
    with (
        duckdb.connect(str(out / "national.duckdb"), read_only=True) as national,
        duckdb.connect(str(refreshed.home.marts), read_only=True) as marts,
    ):
        for title, question in QUESTIONS:
            # The server has releases of May alone, and a copy of May under April.
            of_may = question.replace("'2023-12-01'", "'2023-05-01'")
            answer = national.execute(of_may)
            columns = [column[:2] for column in answer.description or ()]
            # Who was identified goes out with the last month of a half-year.
            assert answer.fetchall() or "identified_persons" in question, title
            assert [column[:2] for column in marts.execute(of_may).description or ()] == columns


def test_every_code_of_the_national_file_has_a_name(server: Served, out: Path) -> None:
    assert pull(server, out).exit_code == 0
    with duckdb.connect(str(out / "national.duckdb"), read_only=True) as national:
        assert unnamed_codes(national) == set()


def test_counties_and_the_nation_can_be_asked_separately(server: Served, out: Path) -> None:
    assert pull(server, out).exit_code == 0
    with duckdb.connect() as reader:
        # The views hold under any name of the file.
        reader.execute(f"attach '{out / 'national.duckdb'}' as pulled (read_only)")
        for area, counties in (("counties", {"AL-04"}), ("nation", {"AL"})):
            for mart in ("indicator_progress", "revisions", "observations"):
                found = reader.execute(
                    f"select county_code, count(*) from pulled.{area}.{mart} group by all"
                ).fetchall()
                assert {county for county, _ in found} == counties
                [(rows,)] = reader.execute(
                    f"select count(*) from pulled.marts.{mart} "
                    f"where (county_code = 'AL') = ('{area}' = 'nation')"
                ).fetchall()
                assert sum(count for _, count in found) == rows > 0


def test_a_pull_into_a_relative_path_unites_as_any_other(
    server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = pull(server, "marts")
    assert done.exit_code == 0, done.output
    assert re.search(r"national\.duckdb: [1-9][0-9]* tables, 2 counties, 2 months", done.stdout)
    with duckdb.connect("marts/national.duckdb", read_only=True) as national:
        assert national.execute("select count(*) > 0 from marts.indicator_progress").fetchone() == (
            True,
        )


def test_releases_without_any_table_replace_nothing(tmp_path: Path) -> None:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    write_release(home, "AL-04", "2023-05", {"notes.txt": b"no table"})
    publish_key(signing_key(home.keys).public_key(), home.releases)
    out = tmp_path / "out"
    out.mkdir()
    (out / "national.duckdb").write_bytes(b"the good one")
    with serving(home) as url:
        told = refused(pull(Served(url, home, make_tokens(home)), out))
    assert "have no table" in told
    assert (out / "national.duckdb").read_bytes() == b"the good one"


def test_a_forgotten_token_replaces_nothing_richer(server: Served, out: Path) -> None:
    first = pull(server, out, "--county", "AL")
    assert "Fetching the restricted tier" in first.stdout
    assert tiers(out) == {"restricted"}
    united = (out / "national.duckdb").read_bytes()
    told = refused(pull(server, out, holder=None))
    assert "No token was given" in told
    assert "--tier public" in told
    assert (out / "national.duckdb").read_bytes() == united
    meant = pull(server, out, "--tier", "public", holder=None)
    assert meant.exit_code == 0, meant.output
    assert "Fetching the public tier alone" in meant.stdout
    assert tiers(out) == {"public"}
    # With the token the richer file is back, though no release is new.
    back = pull(server, out, "--county", "AL")
    assert "Nothing new" in back.stdout
    assert tiers(out) == {"restricted"}


def test_a_token_without_effect_is_an_error(server: Served, out: Path) -> None:
    told = refused(pull(server, out, holder="vlore"))
    assert "The token opens nothing of the restricted tier" in told
    assert not (out / "releases").exists()
    assert pull(server, out, "--tier", "public", holder="vlore").exit_code == 0


def test_what_is_asked_of_later_months_is_of_the_same_tier(server: Served, out: Path) -> None:
    later = add_release(server.home, "restricted/AL/2023-05/r1", "public", "AL", "2024-01")
    try:
        done = CliRunner().invoke(
            cli,
            [*arguments(server, out), "--since", "2024-01"],
            env=environment(server, "all"),
        )
    finally:
        shutil.rmtree(later.parent)
    assert "2024-01– (restricted)" in refused(done)


def test_a_county_that_has_nothing_is_named(server: Served, out: Path) -> None:
    done = pull(server, out, "--county", "AL-04", "--county", "AL-09")
    assert done.exit_code == 0, done.output
    assert "Attention" in done.stderr
    assert "no releases of AL-09 that" in done.stderr


def _removed(path: Path) -> None:
    path.unlink()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4096])


def _overwritten(path: Path) -> None:
    with duckdb.connect(str(path)) as national:
        national.execute("update marts.indicator_progress set actual_month = 7")


def _of_another_version(path: Path) -> None:
    facts = path.with_name(".national.json")
    facts.write_text(json.dumps(json.loads(facts.read_bytes()) | {"made_by": "an older one"}))


def _of_unknown_origin(path: Path) -> None:
    path.with_name(".national.json").unlink()


def test_a_national_file_that_is_not_as_it_was_made_is_made_anew(server: Served, out: Path) -> None:
    assert pull(server, out, "--county", "AL").exit_code == 0
    query = "select sum(actual_year_to_date) from marts.indicator_progress"
    path = out / "national.duckdb"
    with duckdb.connect(str(path), read_only=True) as national:
        before = national.execute(query).fetchall()
    for harm in (_removed, _cut, _overwritten, _of_another_version, _of_unknown_origin):
        harm(path)
        done = pull(server, out, "--county", "AL")
        assert done.exit_code == 0, done.output
        assert "national.duckdb: " in done.stdout, harm
        with duckdb.connect(str(path), read_only=True) as national:
            assert national.execute(query).fetchall() == before
    assert "national.duckdb: " not in pull(server, out, "--county", "AL").stdout


def _flip(folder: Path) -> None:
    path = folder / "indicator_progress.parquet"
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def _add(folder: Path) -> None:
    (folder / "more.csv").write_text("x")


def _break_the_manifest(folder: Path) -> None:
    path = folder / "datapackage.json"
    path.chmod(0o600)
    path.write_text("{")


def _link(folder: Path) -> None:
    (folder / "marts.xlsx").unlink()
    (folder / "marts.xlsx").symlink_to(folder / "mart.duckdb")


def test_a_release_that_was_altered_here_is_fetched_again(server: Served, out: Path) -> None:
    assert pull(server, out).exit_code == 0
    folder = out / "releases/restricted/AL-04/2023-05/r1"
    keys = read_public_keys(server.home.releases / PUBLIC_KEYS)
    for harm in (_flip, _add, _break_the_manifest, _link):
        harm(folder)
        checked = CliRunner().invoke(
            cli, ["verify", str(out / "releases")], env=environment(server, "all")
        )
        assert checked.exit_code == 1, harm
        assert "repeat krat pull" in checked.stderr
        # Nobody asks for Fier, yet its release is in the file of all.
        done = pull(server, out, "--county", "AL")
        assert done.exit_code == 0, done.output
        mended = "restricted/AL-04/2023-05/r1 was altered here: it was fetched again"
        assert mended in done.stdout, harm
        assert verify_release(folder, keys) == []
    assert "altered" not in pull(server, out).output


def test_an_altered_release_that_the_server_has_no_more_is_named(server: Served, out: Path) -> None:
    gone = add_release(server.home, "restricted/AL/2023-05/r1", "restricted", "AL", "2023-06")
    try:
        assert pull(server, out).exit_code == 0
    finally:
        shutil.rmtree(gone.parent)
    united = (out / "national.duckdb").read_bytes()
    _add(out / "releases/restricted/AL/2023-06/r1")
    told = refused(pull(server, out))
    assert "restricted/AL/2023-06/r1 was altered here" in told
    assert "move the folder away" in told
    assert (out / "national.duckdb").read_bytes() == united


def test_a_lost_pointer_is_mended(server: Served, out: Path) -> None:
    assert pull(server, out).exit_code == 0
    pointer = out / "releases/restricted/AL-04/2023-05/latest"
    pointer.unlink()
    assert pull(server, out).exit_code == 0
    assert pointer.read_text() == "r1\n"


def test_a_kept_catalogue_that_was_altered_is_fetched_anew(server: Served, out: Path) -> None:
    assert pull(server, out).exit_code == 0
    kept = json.loads((out / "catalog.json").read_bytes())
    fewer = {**kept, "releases": kept["releases"][:1]}
    (out / "catalog.json").write_text(json.dumps(fewer))
    assert "Nothing new: 3 releases" in pull(server, out).stdout
    assert json.loads((out / "catalog.json").read_bytes()) == kept


def test_the_fingerprint_that_was_given_is_confirmed(server: Served, out: Path) -> None:
    [key] = read_public_keys(server.home.releases / PUBLIC_KEYS)
    given = fingerprint(key)
    spelled = " ".join(given.upper()[at : at + 4] for at in range(0, len(given), 4))
    for written in (given, spelled):
        done = pull(server, out, "--county", "AL", "--fingerprint", written)
        assert f"matches the one that you gave: {given}" in done.stdout, done.output
        assert "Compare it" not in done.output
    # With nothing new a wrong one is an error too.
    assert "has no key" in refused(pull(server, out, "--county", "AL", "--fingerprint", "0" * 64))


@contextmanager
def stalling(url: str, after: int) -> Iterator[str]:
    """Give the address of a line to the server that goes silent after so many bytes in all."""
    host, port = url.split("/")[2].split(":")
    listener = socket.create_server(("127.0.0.1", 0))
    left = [after]
    ended = threading.Event()

    def carry(source: socket.socket, target: socket.socket, *, is_answer: bool) -> None:
        with contextlib.suppress(OSError):
            while part := source.recv(4096):
                if is_answer:
                    left[0] -= len(part)
                    if left[0] < 0:
                        ended.wait(60)
                target.sendall(part)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                upstream = socket.create_connection((host, int(port)))
                for ends, is_answer in (((client, upstream), False), ((upstream, client), True)):
                    threading.Thread(
                        target=carry, args=ends, kwargs={"is_answer": is_answer}, daemon=True
                    ).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"{url.split(':')[0]}://localhost:{listener.getsockname()[1]}/"
    finally:
        ended.set()
        listener.close()


@pytest.mark.parametrize("is_tls", [False, True], ids=["clear", "tls"])
def test_after_ctrl_c_a_repeated_pull_goes_on_where_it_stopped(
    server: Served, out: Path, certificate: tuple[Path, Path], is_tls: bool
) -> None:
    cert, key = certificate
    with contextlib.ExitStack() as running:
        options, address = ["--county", "AL-04"], server.url
        if is_tls:
            options += ["--cafile", str(cert)]
            address = running.enter_context(
                serving(server.home, "--certfile", str(cert), "--keyfile", str(key))
            )
        url = running.enter_context(stalling(address, after=2_400_000))
        # The certificate that was given counts, whatever else this machine trusts.
        trusted = {"REQUESTS_CA_BUNDLE": certifi.where()}
        process = subprocess.Popen(
            [*COMMAND, *arguments(server, out, *options, url=url)],
            env={**os.environ, **environment(server, "all"), **trusted},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 60
        while not list(out.rglob("mart.duckdb*")) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
    assert process.returncode == 130
    assert told.splitlines()[-1] == "Interrupted. Repeat the command: it goes on where it stopped."
    assert "Traceback" not in told
    # Of a file that had only begun there is nothing to go on from.
    there = {path.parent.parent.name for path in out.rglob("mart.duckdb*") if path.stat().st_size}
    assert there
    before = len(server.log_lines())
    assert pull(server, out, "--county", "AL-04").exit_code == 0
    asked = {
        (line[4].split("/")[-3], line[5])
        for line in server.log_lines()[before:]
        if line[4].endswith("/r1/mart.duckdb")
    }
    # What came is not asked for again: it is whole, or its rest is asked for.
    assert {status for _, status in asked} <= {"206", "200"}
    assert not asked & {(month, "200") for month in there}


def test_a_month_that_became_final_and_was_reopened_is_pulled_as_that(
    server: Served, out: Path
) -> None:
    first = "restricted/AL-04/2023-04/r1"
    month = ("restricted", "AL-04", "2023-04")
    final = {"status": "final", "final_on": "2023-07-31", "released_on": "2023-08-01"}
    reopened = {"entry": "0" * 64, "county_code": "AL-04", "at": "2023-09-01T08:00:00+00:00",
                "by": "KRAT Fier", "reason": "A report was of another month."}  # fmt: skip
    added = []
    asked = (
        "select release_number, status, cast(final_on as varchar), reopened_because, "
        "superseded_on is null from vintages.releases where reporting_month = '2023-04-01' "
        "order by release_number"
    )
    try:
        pulled = []
        for facts in ({}, final, final | {"released_on": "2023-09-02", "reopened": reopened}):
            if facts:
                added.append(add_release(server.home, first, *month, **facts))
            done = pull(server, out, "--county", "AL-04")
            assert done.exit_code == 0, done.output
            assert "Nothing new" in pull(server, out, "--county", "AL-04").stdout
            with duckdb.connect(str(out / "national.duckdb"), read_only=True) as national:
                pulled = national.execute(asked).fetchall()
                # A figure of a final month is there once, from its newest release.
                [(rows, once)] = national.execute(
                    "select count(*), count(distinct (plan_code, indicator_code)) "
                    "from marts.indicator_progress where county_code = 'AL-04'"
                ).fetchall()
            assert rows == 2 * once > 0
    finally:
        for release in added:
            shutil.rmtree(release)
        (server.home.releases / first).with_name("latest").write_text("r1\n")
    assert [row[0] for row in pulled] == [1, 2, 3]
    assert pulled[1:] == [
        (2, "final", "2023-07-31", None, False),
        (3, "final", "2023-07-31", "A report was of another month.", True),
    ]


def test_a_token_for_a_county_without_releases_is_warned_of(server: Served) -> None:
    for county, is_warned in (("AL-09", True), ("AL-04", False), ("all", False)):
        done = CliRunner().invoke(
            cli,
            ["token", "make", "--reader", "KRAT", "--county", county],
            env=environment(server, None),
        )
        assert done.exit_code == 0
        assert ("has no releases yet" in done.stderr) is is_warned


def test_the_commands_of_the_pages_work_on_any_day(server: Served) -> None:
    page = (PROJECT / "docs" / "serving.md").read_text(encoding="utf-8")
    commands = re.findall(r"^krat (token make .+?)(?:\s{2,}.*)?$", page, re.MULTILINE)
    assert len(commands) >= 2
    for command in commands:
        written = subprocess.run(
            ["bash", "-c", f'printf "%s\\n" {command}'], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        done = CliRunner().invoke(cli, written, env=environment(server, None))
        assert done.exit_code == 0, done.output
