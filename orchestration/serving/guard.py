"""What stands before every request: who asks, and how often.

Belongs here: authentication, rate limits and security headers. Not here: what a reader may fetch
(tokens.Reader, app), or limits of connections (connections).

What a refusal says depends on what was asked alone, never on what exists: a path is looked at only
after this, and the disk only after the path.
"""

import base64
import binascii
import logging
import math
import time
from collections.abc import Mapping

import limits
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestration.runtime.office import ServeSettings
from orchestration.serving.access import AccessLog, network
from orchestration.serving.tokens import ANYONE, Reader, TokenBook
from sources.custody.journal import BrokenJournal
from sources.texts import both

#: The key of the request's scope under which the application finds its Reader.
READER = "krat.reader"

#: Pages have no scripts, forms or frames, and load nothing from elsewhere.
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Vary": "Authorization",
}
#: For TLS: a year.
STRICT_TRANSPORT = "max-age=31536000"

_errors = logging.getLogger("krat.serve")


class Guard:
    """ASGI middleware that hands the application only requests it has named a Reader for."""

    def __init__(
        self, app: ASGIApp, tokens: TokenBook, settings: ServeSettings, log: AccessLog
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._log = log
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._per_token = limits.parse(settings.limits.per_token)
        self._per_address = limits.parse(settings.limits.per_address)
        self._failed_tokens = limits.parse(settings.limits.failed_tokens)
        self._most = settings.requests
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have the application answer it; log it either way."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        address = scope["client"][0] if scope.get("client") else "-"
        status, size = 500, 0

        async def counted(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                if scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT)
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        outcome = self._admit(_presented(Headers(scope=scope)), network(address))
        reader = outcome if isinstance(outcome, Reader) else ANYONE
        self._running += 1
        try:
            if isinstance(outcome, Response):
                await outcome(scope, receive, counted)
            else:
                scope[READER] = reader
                await self._app(scope, receive, counted)
        finally:
            self._running -= 1
            if status == 429:
                self._log.refused(address, "too-many-requests")
            else:
                ms = (time.perf_counter() - started) * 1000
                self._log.answered(address, reader.token_id, scope, status, size, ms)

    def _admit(self, token: str | None, sender: str) -> Reader | Response:
        if self._running >= self._most:
            return refusal("busy", 503, {"Retry-After": "1"})
        if token is None:
            if not self._limiter.hit(self._per_address, "address", sender):
                return self._too_many(self._per_address, "address", sender)
            return ANYONE
        if not self._limiter.test(self._failed_tokens, "failed", sender):
            return self._too_many(self._failed_tokens, "failed", sender)
        try:
            reader = self._tokens.reader(token)
        except BrokenJournal as broken:
            _errors.error("%s: no token works until it is mended", broken)
            return refusal("unavailable", 503)
        if reader is None:
            self._limiter.hit(self._failed_tokens, "failed", sender)
            return challenge("invalid_token")
        if not self._limiter.hit(self._per_token, "token", str(reader.token_id)):
            return self._too_many(self._per_token, "token", str(reader.token_id))
        return reader

    def _too_many(self, limit: limits.RateLimitItem, *key: str) -> Response:
        reset = self._limiter.get_window_stats(limit, *key).reset_time
        seconds = max(1, math.ceil(reset - time.time()))
        return refusal("too_many", 429, {"Retry-After": str(seconds)})


def challenge(error: str | None = None) -> Response:
    """Return the answer to who needs a token; browsers and LibreOffice can send one as password."""
    response = refusal(error or "token_needed", 401)
    detail = f', error="{error}"' if error else ""
    response.headers.append("WWW-Authenticate", f'Bearer realm="krat"{detail}')
    response.headers.append("WWW-Authenticate", 'Basic realm="krat", charset="UTF-8"')
    return response


def refusal(answer: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Return what a client gets instead of a file, in both languages, a line each."""
    content = both(f"serving.answers.{answer}", "\n") + "\n"
    return PlainTextResponse(content, status, headers=headers)


def _presented(headers: Headers) -> str | None:
    """Return the token that a request carries, None without one, "" for what can be no token."""
    values = headers.getlist("authorization")
    if not values:
        return None
    scheme, _, given = values[0].strip().partition(" ")
    if len(values) == 1 and scheme.lower() == "bearer":
        return given.strip()
    if len(values) == 1 and scheme.lower() == "basic":
        try:
            return base64.b64decode(given.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""
