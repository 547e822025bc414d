"""A server of releases as it is asked: one connection, ranges, and what an answer means.

Belongs here: requests, and the one error of a pull. Not here: what is fetched (pull), or the words
(sources/texts/pulling.yml).
"""

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakSet

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util import Retry

from orchestration.pulling.folder import FolderAdapter
from sources.texts import Language, text

#: Seconds to wait for a connection, and for the next bytes of an answer.
TIMEOUTS = (10, 60)

#: A busy server, or one that counts requests, is asked again after what it says.
RETRIES = Retry(
    total=6,
    connect=1,
    read=2,
    redirect=0,
    backoff_factor=0.5,
    status_forcelist=(429, 502, 503, 504),
)

#: Bytes taken at a time: what came of the last, broken one is lost.
CHUNK = 1 << 14


class PullFailed(RuntimeError):
    """A pull that can't go on: `kind` is a name in pulling.failures, `values` fill it in."""

    def __init__(self, kind: str, **values: object) -> None:
        self.kind = kind
        self.values = values
        super().__init__(self.sentence("en"))

    def sentence(self, language: Language) -> str:
        """Return what is wrong and what to do, in one line."""
        return text(f"pulling.failures.{self.kind}", language, **self.values)


class _Bearer(requests.auth.AuthBase):
    """Sends the token, and keeps requests from looking for another in ~/.netrc."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _Stoppable(HTTPAdapter):
    """Knows its connections, so that one thread can break off what others wait for."""

    def __init__(self, **options: Any) -> None:
        self._connections: WeakSet[HTTPConnection] = WeakSet()
        self._is_stopped = False
        super().__init__(**options)

    def init_poolmanager(self, *sizes: Any, **options: Any) -> None:
        """Make the pools, whose connections are known."""
        super().init_poolmanager(*sizes, **options)
        pools = {"http": HTTPConnectionPool, "https": HTTPSConnectionPool}
        self.poolmanager.pool_classes_by_scheme = {
            scheme: self._with_known_connections(pool) for scheme, pool in pools.items()
        }

    def stop(self) -> None:
        self._is_stopped = True
        for connection in list(self._connections):
            # It may have ended meanwhile.
            with suppress(OSError, TypeError):
                # An SSLSocket's own also ends TLS: a reader would take ciphertext for content.
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

    def _check(self) -> None:
        if self._is_stopped:
            raise ConnectionAbortedError

    def _with_known_connections(self, pool: Any) -> Any:
        adapter = self

        class Connection(pool.ConnectionCls):  # type: ignore[misc]
            def connect(self) -> None:
                adapter._check()
                super().connect()
                adapter._connections.add(self)
                # It may have been stopped while this one was being made.
                adapter._check()

        return type(pool.__name__, (pool,), {"ConnectionCls": Connection})


class Remote:
    """A server at `url`, or a folder with `releases/` in it, which needs no token.

    A token is sent by TLS alone, or on this machine.

    Raises PullFailed for an address that is none, and whenever the server can't or won't answer.
    """

    def __init__(self, url: str, token: str | None, cafile: Path | None, connections: int) -> None:
        self._session = requests.Session()
        self._adapter = _Stoppable(pool_maxsize=connections, max_retries=RETRIES)
        if "://" not in url and (Path(url) / "releases").is_dir():
            folder = Path(url).absolute()
            url, token = folder.as_uri(), None
            self._session.mount("file://", FolderAdapter(folder))
        else:
            _check_address(url, token)
        self.url = url.rstrip("/") + "/"
        self.has_token = token is not None
        self._session.auth = _Bearer(token)
        # Given with each request: of a session, REQUESTS_CA_BUNDLE would win over it.
        self._verify = str(cafile) if cafile else True
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, self._adapter)

    @contextmanager
    def get(self, path: str, headers: dict[str, str] | None = None) -> Iterator[requests.Response]:
        """Give the answer to a GET, its body still to be read; 2xx, 304 or 416 only."""
        with pull_failures(self.url):
            response = self._session.get(
                self.url + path,
                headers={"Accept-Encoding": "identity", **(headers or {})},
                stream=True,
                timeout=TIMEOUTS,
                verify=self._verify,
                allow_redirects=False,
            )
        with response:
            if response.status_code not in (200, 206, 304, 416):
                raise _refusal(response, self.url, path)
            yield response

    def stop(self) -> None:
        """Break off every request, whichever thread waits for it, and let none begin."""
        self._adapter.stop()

    def content(self, path: str, limit: int) -> bytes:
        """Return a small file whole; one of more than `limit` bytes is refused."""
        with self.get(path) as response:
            return body(response, self.url, limit)


def body(response: requests.Response, url: str, limit: int) -> bytes:
    """Return an answer's body, which must be whole and of at most `limit` bytes."""
    content = bytearray()
    with pull_failures(url, "broken_off"):
        for chunk in response.iter_content(CHUNK):
            content += chunk
            if len(content) > limit:
                raise PullFailed("too_large", path=urlsplit(response.url).path)
    return bytes(content)


@contextmanager
def pull_failures(url: str, no_answer: str = "unreachable") -> Iterator[None]:
    """Turn what requests raises in the block into PullFailed; `no_answer` is a silence's kind."""
    try:
        yield
    except requests.exceptions.SSLError as mistake:
        raise PullFailed("certificate", url=url) from mistake
    except requests.exceptions.RetryError as mistake:
        raise PullFailed("busy", url=url) from mistake
    except requests.exceptions.ChunkedEncodingError as mistake:
        raise PullFailed("broken_off", url=url) from mistake
    except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as mistake:
        raise PullFailed(no_answer, url=url) from mistake
    except requests.exceptions.RequestException as mistake:
        raise PullFailed("bad_url", url=url) from mistake


def _refusal(response: requests.Response, url: str, path: str) -> PullFailed:
    status = response.status_code
    if status in (401, 403):
        return PullFailed("no_token", url=url)
    if status == 429:
        return PullFailed("busy", url=url)
    if status == 404:
        return PullFailed("not_there", url=url, path=path)
    return PullFailed("bad_answer", url=url, path=path, status=status)


def _check_address(url: str, token: str | None) -> None:
    """Raise PullFailed for an address that is none, or that a token must not be sent to."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise PullFailed("bad_url", url=url)
    if token is not None and parts.scheme == "http" and not _is_here(parts.hostname):
        raise PullFailed("clear_text", url=url)
    if parts.username is not None or parts.password is not None:
        raise PullFailed("secret_in_url")


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
