"""Connections to the server: how many an address may hold, and how long they may keep it waiting.

Belongs here: the socket that listens, and deadlines of a connection. Not here: requests (guard).

The limit of an address is held as a connection is accepted, so that it counts too what never
becomes a request: an unfinished TLS handshake, headers that don't end.
"""

import asyncio
import ipaddress
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from orchestration.serving.access import AccessLog, network

#: Bytes that the line and the headers of a request may have.
MAX_HEADER_BYTES = 16_384


class Listener(socket.socket):
    """A listening socket that accepts so many connections at once, and of one address so many.

    Others are closed as they come. Addresses in `trusted` are proxies: only the total holds for
    them. asyncio's own event loop asks it for connections; uvloop would not.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        most: int,
        most_of_address: int,
        trusted: Sequence[str],
        log: AccessLog,
    ) -> None:
        """Listen. Raises OSError when the address is taken or none of this machine."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # With the protocol named, asyncio sends small answers at once (TCP_NODELAY).
        super().__init__(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self.family == socket.AF_INET6:
                self.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self.bind((host, port))
            self.listen(2048)
        except OSError:
            self.close()
            raise
        self._most = most
        self._most_of_address = most_of_address
        self._trusted = [ipaddress.ip_network(one) for one in trusted]
        self._log = log
        self._open: Counter[str] = Counter()

    def accept(self) -> tuple[socket.socket, Any]:
        """Return the next connection that is within the limits, and its address."""
        while True:
            plain, address = super().accept()
            sender = network(address[0])
            if self._open.total() < self._most and (
                self._open[sender] < self._most_of_address or self._is_trusted(address[0])
            ):
                self._open[sender] += 1
                return _Counted(plain, partial(self._forget, sender)), address
            plain.close()
            self._log.refused(address[0], "too-many-connections")

    def _is_trusted(self, address: str) -> bool:
        return any(ipaddress.ip_address(address) in one for one in self._trusted)

    def _forget(self, sender: str) -> None:
        self._open[sender] -= 1
        if not self._open[sender]:
            del self._open[sender]


class _Counted(socket.socket):
    """A connection that reports when it is closed."""

    def __init__(self, plain: socket.socket, on_close: Callable[[], None]) -> None:
        super().__init__(plain.family, plain.type, plain.proto, fileno=plain.detach())
        self._on_close: Callable[[], None] | None = on_close

    def close(self) -> None:
        """Close it."""
        super().close()
        if self._on_close is not None:
            self._on_close()
            self._on_close = None


def protocol(log: AccessLog, header_seconds: float, stalled_seconds: float) -> type[H11Protocol]:
    """Return uvicorn's protocol with a deadline for headers, and for a reader who takes nothing.

    What is no HTTP is counted in the log, and never printed.
    """

    class Impatient(H11Protocol):
        _deadline: asyncio.TimerHandle

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._wait_for_request()

        def connection_lost(self, exc: Exception | None) -> None:
            self._deadline.cancel()
            super().connection_lost(exc)

        def on_response_complete(self) -> None:
            self._deadline.cancel()
            self._wait_for_request()
            super().on_response_complete()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._deadline.cancel()
            self._deadline = self.loop.call_later(stalled_seconds, self.transport.abort)

        def resume_writing(self) -> None:
            super().resume_writing()
            self._deadline.cancel()

        def send_400_response(self, msg: str) -> None:
            log.refused(self._address, "malformed")
            if self.cycle is not None:
                # Whatever answers the request before it may not write any more.
                self.cycle.disconnected = True
            try:
                super().send_400_response(msg)
            except h11.LocalProtocolError:
                self.transport.abort()

        def _wait_for_request(self) -> None:
            # Bytes that come don't prolong it: only a whole request does.
            self._deadline = self.loop.call_later(header_seconds, self._end_if_late)

        def _end_if_late(self) -> None:
            if self.cycle is not None and not self.cycle.response_complete:
                return
            if not self.transport.is_closing():
                log.refused(self._address, "headers-late")
                self.transport.close()
            # What is closed is first sent to its end, for which a reader could be waited for.
            self._deadline = self.loop.call_later(stalled_seconds, self.transport.abort)

        @property
        def _address(self) -> str:
            return self.client[0] if self.client else "-"

    return Impatient
