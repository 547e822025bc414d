"""Who asks from this machine, as the user who runs the server: the board needs no token there.

Belongs here: telling such a request from every other. Not here: what it gets (the page of the board
is handed in by whoever runs the server), or readers with tokens (guard).

That the peer is on loopback is not enough: a proxy is, and so are other users. So the request must
name this machine as host (a page elsewhere that has its name point here doesn't), bear no trace of
a proxy, and its connection must belong to the user of the server, who can open the data folder
anyhow. Where the system doesn't tell whose a connection is, nobody asks from this machine.
"""

import ipaddress
import os
import socket
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from sources.texts import LANGUAGES, Language

#: Makes a page from a language and the query; None where there is no such page.
LocalPage = Callable[[Language, Mapping[str, str]], bytes | None]

#: Headers that proxies add, and how the names of others of theirs begin.
_OF_PROXIES = frozenset(
    {
        "cdn-loop", "cf-connecting-ip", "client-ip", "forwarded", "proxy-connection",
        "true-client-ip", "via", "x-client-ip", "x-cluster-client-ip", "x-real-ip",
    }
)  # fmt: skip
_BEGINNINGS_OF_PROXIES = ("x-forwarded", "x-original", "x-envoy", "x-proxy")

#: The tables of connections of Linux, and what it calls one that is open.
_TABLES = (Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6"))
_OPEN = "01"

Address = tuple[str, int]


def local_route(page: LocalPage) -> Callable[[Request], Response]:
    """Return what answers with a page to this machine alone, to others as if there were none."""

    def answer(request: Request) -> Response:
        language = request.path_params["language"]
        if (
            language not in LANGUAGES
            or request.method not in ("GET", "HEAD")
            or not asks_from_here(request.scope)
        ):
            raise HTTPException(404)
        content = page(language, request.query_params)
        if content is None:
            raise HTTPException(404)
        return HTMLResponse(content, headers={"Cache-Control": "no-store"})

    return answer


def asks_from_here(scope: Scope) -> bool:
    """Return whether a request comes from this machine, its user, and through no proxy."""
    client, server = scope.get("client"), scope.get("server")
    if not client or not server or not _is_loopback(client[0]):
        return False
    headers = Headers(scope=scope)
    if not _names_this_machine(headers.get("host", "")) or _came_through_proxy(scope, headers):
        return False
    return _owner((client[0], client[1]), (server[0], server[1])) == os.geteuid()


def _came_through_proxy(scope: Scope, headers: Headers) -> bool:
    # No browser speaks HTTP/1.0, as proxies do that add no header.
    return scope.get("http_version") == "1.0" or any(
        name in _OF_PROXIES or name.startswith(_BEGINNINGS_OF_PROXIES) for name in headers
    )


def _names_this_machine(host: str) -> bool:
    name, colon, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    if colon and not port.isdecimal():
        return False
    name = name if colon else host
    return name.lower() == "localhost" or _is_loopback(name.removeprefix("[").removesuffix("]"))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _owner(client: Address, server: Address) -> int | None:
    """Return the id of the user whose process holds the client's end of a connection, or None."""
    ends = (_plain(client), _plain(server))
    for table in _TABLES:
        try:
            lines = table.read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, own, peer, state, _, _, _, user, *_ = line.split()
            if state == _OPEN and (_read(own), _read(peer)) == ends:
                return int(user)
    return None


def _read(written: str) -> Address:
    """Return an end of a connection as Linux writes it: words of 4 bytes in the machine's order."""
    digits, _, port = written.partition(":")
    words = [digits[start : start + 8] for start in range(0, len(digits), 8)]
    packed = b"".join(struct.pack("=I", int(word, 16)) for word in words)
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return _plain((socket.inet_ntop(family, packed), int(port, 16)))


def _plain(end: Address) -> Address:
    """Return an end with an IPv4 address that is written as an IPv6 one as IPv4."""
    address = ipaddress.ip_address(end[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address), end[1]
