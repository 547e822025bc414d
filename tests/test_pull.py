"""krat pull against a real server: only what is new, resumed, and nothing that isn't verified."""

import contextlib
import http.server
import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from conftest import Refreshed
from served import Served, add_release, home_to_serve, make_tokens, serving, write_release

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
from sources.custody.home import Home

Krat = Callable[..., Result]


@pytest.fixture(scope="module")
def server(refreshed: Refreshed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of two months of Fier, which these tests may change."""
    home = home_to_serve(refreshed.home, tmp_path_factory.mktemp("server"))
    add_release(home, "restricted/AL-04/2023-05/r1", "restricted", "AL-04", "2023-04")
    tokens = make_tokens(home)
    with serving(home) as url:
        yield Served(url=url, home=home, tokens=tokens)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "pulled"


def pull(server: Served, out: Path, *options: str, url: str | None = None) -> Result:
    """Run krat pull with the token for every county."""
    return CliRunner().invoke(
        cli,
        [
            "pull", "--from", url or server.url, "--since", "2023-01", "--out", str(out),
            "--english", *options,
        ],
        env={
            "KRAT_HOME": str(server.home.root),
            "KRAT_KEYS": str(server.home.keys),
            "KRAT_TOKEN": server.tokens["all"],
        },
    )  # fmt: skip


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
            "select distinct county_code, release_number from marts.indicator_progress order by all"
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
            rows = pd.DataFrame({"county_code": [code], "reporting_month": [written], "value": [1]})
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
        numbers = national.execute(
            "select distinct release_number from marts.indicator_progress "
            "where reporting_month = '2023-05-01'"
        ).fetchall()
    assert len(numbers) == 2 or numbers == [(1,)]


def test_the_public_tier_is_pulled_without_a_token(server: Served, out: Path) -> None:
    done = CliRunner().invoke(
        cli,
        ["pull", "--from", server.url, "--since", "2023-01", "--out", str(out)],
        env={"KRAT_HOME": str(server.home.root), "KRAT_KEYS": str(server.home.keys)},
    )
    assert done.exit_code == 0, done.output
    assert "U morën 1 publikime" in done.stdout
    assert releases(out) == {"public/AL/2023-05/r1"}


@contextmanager
def cutting(url: str, after: int) -> Iterator[str]:
    """Give the address of a line to the server that cuts each connection after so many bytes."""
    host, port = url.split("/")[2].split(":")
    listener = socket.create_server(("127.0.0.1", 0))

    def carry(source: socket.socket, target: socket.socket, budget: int) -> None:
        try:
            while budget > 0 and (part := source.recv(min(budget, 4096))):
                target.sendall(part)
                budget -= len(part)
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
            for arguments in ((client, upstream, 1 << 30), (upstream, client, after)):
                threading.Thread(target=carry, args=arguments, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        listener.close()


def test_a_pull_that_broke_off_goes_on_where_it_stopped(server: Served, out: Path) -> None:
    original = server.home.releases / "restricted/AL-04/2023-05/r1"
    size = (original / "mart.duckdb").stat().st_size
    with cutting(server.url, after=size // 5) as url:
        told = refused(pull(server, out, "--county", "AL-04", url=url))
    assert "broke off" in told
    assert releases(out) == set()
    [*parts] = out.glob("releases/restricted/AL-04/*/.r1.pulling/mart.duckdb.part")
    have = {path.parts[-3]: path.stat().st_size for path in parts}
    assert have
    assert all(0 <= there < size for there in have.values())
    assert any(have.values())
    before = len(server.log_lines())
    assert pull(server, out, "--county", "AL-04").exit_code == 0
    for month, there in have.items():
        path = f"/releases/restricted/AL-04/{month}/r1/mart.duckdb"
        answers = [line[5:7] for line in server.log_lines()[before:] if line[4] == path]
        assert ["206" if there else "200", str(size - there)] in answers
    assert not list(out.rglob("*.part"))
    assert not list(out.rglob(".r1.pulling"))
    pulled = out / "releases/restricted/AL-04/2023-05/r1/mart.duckdb"
    assert pulled.read_bytes() == (original / "mart.duckdb").read_bytes()


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
        (folder / name).chmod(0o644)
        (folder / name).write_bytes(content)

    yield change
    for path, content in kept.items():
        path.chmod(0o644)
        path.write_bytes(content)
        path.chmod(0o444)


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
        None,
    ],
)
def test_a_false_catalogue_is_refused(
    server: Served, out: Path, release: dict[str, object] | None
) -> None:
    entries = [] if release is None else [{**release, "is_latest": True}]
    _Liar.catalogue = json.dumps({"releases": entries} if release else []).encode()
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
