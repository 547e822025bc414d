"""krat serve under attack: what one address does takes nothing from other readers."""

import re
import select
import socket
import ssl
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
import requests
from dagster_page import free_port
from served import (
    change_settings,
    connect,
    log_lines,
    make_tokens,
    raw_request,
    serving,
    write_release,
)

from orchestration.runtime.office import serve_settings
from sources.custody.home import Home

ATTACKER = "127.0.0.9"
MOST = 5
DOCS = Path(__file__).parents[1] / "docs"

#: A request whose headers don't end yet.
HALF = b"GET / HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home without releases, whose server is as patient as a test can wait for."""
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    change_settings(home, header_seconds=1, stalled_seconds=1, connections_per_address=MOST)
    return home


def asked(url: str, source: str = "127.0.0.1", **headers: str) -> int:
    """Return the status of the catalogue, for who asks from an address."""
    lines = "".join(f"{name.replace('_', '-')}: {headers[name]}\r\n" for name in headers)
    request = f"GET /catalog.json HTTP/1.1\r\nHost: x\r\n{lines}Connection: close\r\n\r\n"
    return int(raw_request(url, request.encode(), source).split(b" ")[1])


def seconds_to_answer(url: str) -> float:
    started = time.perf_counter()
    assert asked(url) == 200
    return time.perf_counter() - started


def is_open(connection: socket.socket) -> bool:
    """Tell whether the server still holds a connection on which it wrote nothing."""
    try:
        readable, _, _ = select.select([connection], [], [], 0)
        return not readable or connection.recv(1) != b""
    except OSError:
        return False


def refused(home: Home) -> Counter[tuple[str, str]]:
    """Return how much the log says was refused, by address and kind."""
    counts: Counter[tuple[str, str]] = Counter()
    for line in log_lines(home):
        if found := re.fullmatch(r"\[([a-z-]+):([0-9]+)\]", line[4]):
            counts[line[1], found[1]] += int(found[2])
    return counts


@contextmanager
def half_open(url: str, count: int) -> Iterator[list[socket.socket]]:
    """Hold connections of the attacker with headers that don't end."""
    with ExitStack() as stack:
        held = [stack.enter_context(connect(url, ATTACKER)) for _ in range(count)]
        for connection in held:
            drip(connection, HALF)
        yield held


def drip(connection: socket.socket, content: bytes) -> None:
    """Send a little, unless the server closed it."""
    with suppress(OSError):
        connection.sendall(content)


def still_open(held: list[socket.socket], until: float) -> list[socket.socket]:
    """Return which are open, once they are all closed or the clock shows `until`."""
    while (left := [each for each in held if is_open(each)]) and time.monotonic() < until:
        for connection in left:
            drip(connection, b"X-A: b\r\n")
        time.sleep(0.1)
    return left


def test_half_open_connections_of_one_address_cost_no_other_reader_anything(home: Home) -> None:
    with serving(home) as url:
        with half_open(url, 60) as held:
            began = time.monotonic()
            assert seconds_to_answer(url) < 0.5
            assert len(still_open(held, began + 0.5)) == MOST
            assert not still_open(held, began + 8)
        assert asked(url, ATTACKER) == 200
    found = refused(home)
    assert found[ATTACKER, "too-many-connections"] == 60 - MOST
    assert found[ATTACKER, "headers-late"] == MOST
    assert sum(line[1] == ATTACKER and line[4].startswith("[") for line in log_lines(home)) == 4


def test_a_tls_handshake_that_does_not_end_counts_too(
    home: Home, certificate: tuple[Path, Path]
) -> None:
    cert, key = certificate
    with (
        serving(home, "--certfile", str(cert), "--keyfile", str(key)) as url,
        ExitStack() as stack,
    ):
        held = [stack.enter_context(connect(url, ATTACKER)) for _ in range(20)]
        time.sleep(0.5)
        assert sum(is_open(each) for each in held) == MOST
        context = ssl.create_default_context(cafile=str(cert))
        reader = stack.enter_context(connect(url))
        with context.wrap_socket(reader, server_hostname="localhost") as secured:
            secured.sendall(b"GET /catalog.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert secured.recv(100).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("piece", [b"a" * 65536, b"X-A: b\r\n" * 8192], ids=["one", "many"])
def test_headers_without_end_are_refused_while_they_come(home: Home, piece: bytes) -> None:
    with serving(home) as url, connect(url, ATTACKER) as connection:
        connection.sendall(HALF + b"X-B: ")
        sent = 0
        with pytest.raises(OSError):
            while sent < 64 * 2**20:
                connection.sendall(piece)
                sent += len(piece)
        assert seconds_to_answer(url) < 0.5
    # What the kernels of both ends hold was sent, and not read.
    assert sent < 16 * 2**20
    assert refused(home)[ATTACKER, "malformed"] == 1


#: What is no HTTP, or no HTTP of ours.
MALFORMED = {
    "noise": b"\x16\x03\x01\x02\x00\x01\x00" * 3 + b"\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "a header without a name": b"GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
    "a false chunk": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    "a false upgrade": b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    b"Connection: close\r\n\r\nZ",
}


def test_malformed_requests_are_counted_by_address_and_print_nothing(
    home: Home, tmp_path: Path
) -> None:
    each = 30
    with (tmp_path / "errors").open("wb") as errors, serving(home, errors=errors) as url:
        for request in MALFORMED.values():
            for _ in range(each):
                raw_request(url, request, ATTACKER)
        assert asked(url, ATTACKER) == 200
    lines = [line for line in log_lines(home) if line[1] == ATTACKER and line[3] == "-"]
    assert len(lines) == 2
    assert refused(home)[ATTACKER, "malformed"] == 4 * each
    assert (tmp_path / "errors").read_bytes() == b""


def test_a_chunk_that_breaks_during_an_answer_ends_the_connection_quietly(
    home: Home, tmp_path: Path
) -> None:
    write_release(home, "AL-04", "2024-01", {"big.bin": b"x" * 2**24})
    token = make_tokens(home)["all"]
    with (
        (tmp_path / "errors").open("wb") as errors,
        serving(home, errors=errors) as url,
        connect(url, ATTACKER) as connection,
    ):
        connection.sendall(
            b"GET /releases/restricted/AL-04/2024-01/r1/big.bin HTTP/1.1\r\nHost: x\r\n"
            b"Authorization: Bearer " + token.encode() + b"\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"ZZ\r\n")
        got = 0
        with suppress(ConnectionResetError):
            while part := connection.recv(65536):
                got += len(part)
        assert got < 2**24
        assert asked(url) == 200
    assert refused(home)[ATTACKER, "malformed"] == 1
    assert (tmp_path / "errors").read_bytes() == b""


def test_a_body_that_does_not_end_is_not_waited_for(home: Home) -> None:
    with serving(home) as url, connect(url, ATTACKER) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        assert connection.recv(2**20).startswith(b"HTTP/1.1 200 ")
        began = time.monotonic()
        # The rest of the answer can come in parts of its own.
        while select.select([connection], [], [], 0.5)[0] and connection.recv(2**20):
            continue
        while is_open(connection) and time.monotonic() < began + 8:
            drip(connection, b"x")
            time.sleep(0.1)
        assert time.monotonic() < began + 4


def test_who_takes_nothing_of_an_answer_is_disconnected_and_others_get_theirs(home: Home) -> None:
    write_release(home, "AL-04", "2024-01", {"big.bin": b"x" * 2**24})
    change_settings(home, stalled_seconds=2, requests=3)
    headers = {"Authorization": f"Bearer {make_tokens(home)['all']}"}
    path = "releases/restricted/AL-04/2024-01/r1/big.bin"
    with serving(home) as url, ExitStack() as stack:
        for _ in range(3):
            stalled = stack.enter_context(connect(url, ATTACKER))
            stalled.sendall(
                f"GET /{path} HTTP/1.1\r\nHost: x\r\n"
                f"Authorization: {headers['Authorization']}\r\n\r\n".encode()
            )
            assert stalled.recv(10)
        busy = requests.get(url + "catalog.json")
        assert (busy.status_code, busy.headers["retry-after"]) == (503, "1")
        began = time.monotonic()
        while (status := asked(url)) == 503 and time.monotonic() < began + 10:
            time.sleep(0.2)
        assert status == 200
        assert len(requests.get(url + path, headers=headers).content) == 2**24


def test_a_small_answer_does_not_wait_for_the_one_before(home: Home) -> None:
    write_release(home, "AL-04", "2024-01", {"mart.duckdb": b"x" * 2**20})
    headers = {"Authorization": f"Bearer {make_tokens(home)['all']}", "Range": "bytes=0-16383"}
    times = []
    with serving(home) as url, requests.Session() as session:
        for _ in range(20):
            started = time.perf_counter()
            session.get(f"{url}releases/restricted/AL-04/2024-01/r1/mart.duckdb", headers=headers)
            times.append(time.perf_counter() - started)
    # A sender that waits to be acknowledged waits for 40 ms, each time.
    assert min(times) < 0.03


def guesses(url: str) -> list[int]:
    """Return the statuses of wrong tokens, each sent as if for another reader."""
    return [
        asked(url, X_Forwarded_For=f"198.51.100.{number}", Authorization="Bearer krat_wrong")
        for number in range(6)
    ]


def test_only_a_trusted_proxy_is_believed_who_asks(home: Home) -> None:
    limits = {
        "per_token": "100/minute",
        "per_address": "100/minute",
        "failed_tokens": "3/minute",
        "checks_per_token": "1/minute",
    }
    forwarded = {"X_Forwarded_For": "203.0.113.9", "X_Forwarded_Proto": "https"}

    def seen(url: str, source: str) -> tuple[str, str]:
        lines = "".join(f"{name.replace('_', '-')}: {forwarded[name]}\r\n" for name in forwarded)
        request = f"GET /catalog.json HTTP/1.1\r\nHost: x\r\n{lines}Connection: close\r\n\r\n"
        got = raw_request(url, request.encode(), source)
        scheme = re.search(rb'"base_url":"([a-z]+):', got)
        assert scheme is not None
        return log_lines(home)[-1][1], scheme[1].decode()

    change_settings(home, limits=limits)
    with serving(home) as url:
        assert seen(url, "127.0.0.1") == ("127.0.0.1", "http")
        assert guesses(url) == [401] * 3 + [429] * 3
    change_settings(home, limits=limits, trusted_proxies=["127.0.0.1"])
    with serving(home) as url:
        assert seen(url, "127.0.0.1") == ("203.0.113.9", "https")
        assert seen(url, "127.0.0.2") == ("127.0.0.2", "http")
        assert guesses(url) == [401] * 6


@pytest.mark.parametrize("proxy", ["*", "proxy.example.al", "127.0.0.1/8"])
def test_a_trusted_proxy_is_an_address_or_a_network(home: Home, proxy: str) -> None:
    change_settings(home, trusted_proxies=[proxy])
    settings, wrong = serve_settings(home)
    assert wrong is not None
    assert (wrong.key, wrong.example) == ("trusted_proxies.0", "trusted_proxies: [127.0.0.1]")
    # None is trusted until it is mended.
    assert settings.trusted_proxies == ()


@contextmanager
def proxied(
    program: str, backend: str, folder: Path, certificate: tuple[Path, Path]
) -> Iterator[str]:
    """Run HAProxy with the configuration of docs/serving.md, but for addresses; give its own."""
    block = re.search(r"```haproxy\n(.*?)```", (DOCS / "serving.md").read_text("utf-8"), re.DOTALL)
    assert block is not None
    port = free_port()
    pair = folder / "krat.pem"
    pair.write_bytes(b"".join(path.read_bytes() for path in certificate))
    own = {
        "bind :443": f"bind 127.0.0.1:{port}",
        "/etc/haproxy/krat.pem": str(pair),
        "127.0.0.1:8600": backend.split("/")[2],
        "log /dev/log local0": "log stdout format raw local0",
        "http-request 10s": "http-request 1s",
    }
    text = block[1]
    for published, here in own.items():
        assert text.count(published) == 1
        text = text.replace(published, here)
    (folder / "haproxy.cfg").write_text(text, encoding="utf-8")
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen([program, "-db", "-f", str(folder / "haproxy.cfg")], stdout=log)
    try:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                connect(f"https://127.0.0.1:{port}/").close()
                break
            except ConnectionRefusedError:
                time.sleep(0.1)
        yield f"https://127.0.0.1:{port}/"
    finally:
        # It would wait for connections that the attacks left open.
        process.kill()
        process.wait(timeout=20)


def test_the_proxy_of_the_docs_holds_the_same_attacks(
    home: Home, haproxy: str, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    change_settings(home, trusted_proxies=["127.0.0.1"])
    most, cert = 40, certificate[0]
    trust = ssl.create_default_context(cafile=str(cert))
    with (
        serving(home) as backend,
        proxied(haproxy, backend, tmp_path, certificate) as url,
        ExitStack() as stack,
    ):
        named = url.replace("127.0.0.1", "localhost")

        def catalogue(**headers: str) -> requests.Response:
            return requests.get(f"{named}catalog.json", verify=str(cert), headers=headers)

        # Readers behind the proxy don't get what needs no token on this machine.
        board = requests.get(f"{named}sq/board/", verify=str(cert))
        assert board.status_code == 404
        held = []
        for _ in range(100):
            # HAProxy may refuse one before it is there.
            with suppress(ConnectionResetError):
                held.append(stack.enter_context(connect(url, ATTACKER)))
        assert catalogue().status_code == 200
        assert sum(is_open(each) for each in held) == most
        assert not still_open(held, time.monotonic() + 8)
        forged = catalogue(**{"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http"})
        assert forged.json()["base_url"].startswith("https://localhost:")
        endless = stack.enter_context(connect(url, ATTACKER))
        with trust.wrap_socket(endless, server_hostname="localhost") as secured:
            sent = 0
            with pytest.raises(OSError):
                while sent < 64 * 2**20:
                    secured.sendall(b"GET / HTTP/1.1\r\nX-A: " if not sent else b"a" * 65536)
                    sent += 65536
        assert sent < 16 * 2**20
    assert {line[1] for line in log_lines(home)} == {"127.0.0.1"}
    assert ATTACKER in (tmp_path / "proxy.log").read_text("utf-8")
