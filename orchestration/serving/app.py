"""The server: the release tree with range requests, the catalogue, and its pages.

Belongs here: routes, what each answers, and how the process is run. Not here: who asks and how
often (guard), or what a path may name (paths).

Files are sent by Starlette's own FileResponse: ranges (also several), If-Range, HEAD, ETag and 416
are its work.
"""

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Thread

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import ASGIApp

from orchestration.products.declaration import Tier
from orchestration.products.tree import LATEST
from orchestration.publication.editions.calendar import CalendarRow, calendar_rows
from orchestration.registers.in_use import registers_in_use
from orchestration.runtime.office import ServeSettings
from orchestration.runtime.settings import LOOPBACK
from orchestration.serving.access import AccessLog
from orchestration.serving.catalogue import Catalogue, Offered, catalog_json
from orchestration.serving.connections import MAX_HEADER_BYTES, Listener, protocol
from orchestration.serving.desk import Check, Desk
from orchestration.serving.guard import READER, Guard, challenge, refusal
from orchestration.serving.pages import (
    catalogue_page,
    looks,
    newest,
    release_page,
    rendered,
    snippets,
)
from orchestration.serving.paths import (
    needs_token,
    parse_file_path,
    parse_release_path,
    public_keys,
)
from orchestration.serving.site import (
    first_pages,
    may_see,
    page_policy,
    parse_site_path,
    site_file,
)
from orchestration.serving.sql_page import POLICY, Part, offered_database, page_part
from orchestration.serving.this_machine import LocalPage, asks_from_here, local_route
from orchestration.serving.tokens import ANYONE, Reader, TokenBook
from sources.custody.home import Home
from sources.datafiles import read_yaml
from sources.texts import LANGUAGES, Language, both

#: Types that a bare machine's table of types doesn't have.
_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

#: What is answered to what, as OpenAPI.
_DESCRIPTION = Path(__file__).with_name("openapi.yml")

#: What the pages load, with its type.
_LOOKS = {"style.css": "text/css", "icon.svg": "image/svg+xml"}

#: The words of each refusal, the same whatever was asked for.
_ANSWERS = {404: "not_found", 405: "not_allowed", 500: "failed"}

#: What a request may say is the server's name, for the links in its own answer.
_HOST = re.compile(r"([A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:]{2,45}\])(:[0-9]{1,5})?")

#: A page that isn't there for whoever asks has no methods of its own.
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

#: A reader's copy is asked about again each time, so that a revoked token ends its use.
_PRIVATE = "private, no-cache"

#: So many editions to come are shown.
_EDITIONS_AHEAD = 6


def build_app(
    home: Home, settings: ServeSettings, log: AccessLog, check: Check, board: LocalPage
) -> ASGIApp:
    """Return the application, which reads the home's releases and tokens anew as they change.

    `check` checks what an institution sends on its page; `board` makes the page that only this
    machine gets.
    """

    @asynccontextmanager
    async def counted(_: Starlette) -> AsyncIterator[None]:
        yield
        log.write_counts()

    server = _Server(home, settings)
    # The first reader doesn't wait until every release was read.
    Thread(target=server.look, daemon=True).start()
    app = Starlette(
        routes=[
            Route("/", server.first_page),
            *(Route(f"/{name}", _look(name, kind)) for name, kind in _LOOKS.items()),
            Route("/openapi.json", _description()),
            Route("/catalog.json", server.catalog),
            Route("/releases/{path:path}", server.file),
            Route("/site/{path:path}", server.site),
            Route("/sql/{name}", server.sql_part),
            Route("/{language}/", server.first_page),
            Route("/{language}/send/", Desk(home, settings, check).page, methods=["GET", "POST"]),
            Route("/{language}/board/", local_route(board), methods=_METHODS),
            Route("/{language}/restricted/", server.restricted_page),
            Route("/{language}/sql/{tier}/", server.sql_page),
            Route("/{language}/releases/{path:path}", server.release),
        ],
        exception_handlers=dict.fromkeys(_ANSWERS, _answer),
        lifespan=counted,
    )
    # A redirect from /x to /x/ would show that there is an x.
    app.router.redirect_slashes = False
    return Guard(app, TokenBook(home), settings, log)


class CannotServe(ValueError):
    """The address is taken or no address of this machine, or the certificate can't be used."""


def run(
    home: Home,
    settings: ServeSettings,
    check: Check,
    board: LocalPage,
    *,
    host: str,
    port: int,
    certfile: Path | None,
    keyfile: Path | None,
    announce: Callable[[str], None],
) -> None:
    """Serve until the process is stopped; `announce` gets the address. Raises CannotServe."""
    log = AccessLog(home.access_log, settings.access_log_days)
    config = uvicorn.Config(
        build_app(home, settings, log, check, board),
        # The other parser that uvicorn knows has no limit for headers.
        http=protocol(log, settings.header_seconds, settings.stalled_seconds),
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        loop="asyncio",
        ssl_certfile=certfile,
        ssl_keyfile=keyfile,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        server_header=False,
        access_log=False,
        log_level="error",
        ws="none",
        timeout_graceful_shutdown=2,
    )
    try:
        config.load()
    except OSError as mistake:
        raise CannotServe(
            f"{both('serving.server.no_pair', certfile=certfile, keyfile=keyfile)}: {mistake}."
        ) from mistake
    try:
        listener = Listener(
            host,
            port,
            # As many again may wait for their next request.
            most=2 * settings.requests,
            most_of_address=settings.connections_per_address,
            trusted=settings.trusted_proxies,
            log=log,
        )
    except OSError as mistake:
        reason = mistake.strerror or mistake
        raise CannotServe(
            f"{both('serving.server.cannot_listen', host=host, port=port)}: {reason}."
        ) from mistake
    shown = f"[{host}]" if ":" in host else host
    announce(f"{'https' if certfile else 'http'}://{shown}:{listener.getsockname()[1]}/")
    uvicorn.Server(config).run(sockets=[listener])


class _Server:
    def __init__(self, home: Home, settings: ServeSettings) -> None:
        self._home = home
        self._tree = home.releases
        self._catalogue = Catalogue(self._tree, registers_in_use(home))
        self._files = StaticFiles(directory=self._tree, check_dir=False)
        self._sites = home.site
        self._public_url = settings.public_url

    def look(self) -> None:
        """Read the tree before anyone asks."""
        self._catalogue.releases(ANYONE)

    async def file(self, request: Request) -> Response:
        path = _plain_path(request, "/releases/")
        reader: Reader = request.scope[READER]
        if reader is ANYONE and needs_token(path):
            return challenge()
        asked = parse_file_path(path)
        if asked is not None and reader.may_fetch(asked.tier, asked.county_code):
            found = asked.found_in(self._tree)
        else:
            found = public_keys(self._tree) if path == "release-key.pem" else None
        if found is None:
            raise HTTPException(404)
        response = self._files.file_response(found, found.stat(), request.scope)
        if found.suffix in _TYPES and response.status_code == 200:
            response.headers["content-type"] = _TYPES[found.suffix]
        response.headers["cache-control"] = _PRIVATE
        return response

    async def site(self, request: Request) -> Response:
        asked = parse_site_path(_plain_path(request, "/site/"))
        if asked is None:
            raise HTTPException(404)
        tier, file = asked
        reader: Reader = request.scope[READER]
        if reader is ANYONE and tier is not Tier.PUBLIC:
            return challenge()
        found = site_file(self._sites, tier, file) if may_see(reader, tier, file) else None
        if found is None:
            raise HTTPException(404)
        response = self._files.file_response(found, found.stat(), request.scope)
        if found.suffix in _TYPES and response.status_code == 200:
            response.headers["content-type"] = _TYPES[found.suffix]
        if found.suffix == ".html":
            response.headers["content-security-policy"] = page_policy(self._sites, tier)
        response.headers["cache-control"] = _PRIVATE
        return response

    async def sql_part(self, request: Request) -> Response:
        name = _plain_path(request, "/sql/")
        tier = next((tier for tier in Tier if name == f"{tier}.duckdb"), None)
        found = page_part(name)
        if tier is not None:
            database = self._database(request.scope[READER], tier)
            if database is None:
                return self._no_database(request, tier)
            found = database, Part("application/octet-stream")
        if found is None:
            raise HTTPException(404)
        path, part = found
        response = self._files.file_response(path, path.stat(), request.scope)
        if response.status_code == 200:
            response.headers["content-type"] = part.media_type
        if part.is_compressed:
            response.headers["content-encoding"] = "gzip"
        response.headers["content-security-policy"] = POLICY
        response.headers["cache-control"] = _PRIVATE
        return response

    def sql_page(self, request: Request) -> Response:
        language, tier = request.path_params["language"], request.path_params["tier"]
        if language not in LANGUAGES or tier not in list(Tier):
            raise HTTPException(404)
        if self._database(request.scope[READER], Tier(tier)) is None:
            return self._no_database(request, Tier(tier))
        content = rendered(
            "sql.html", language, tier=tier, other_path=lambda other: f"/{other}/sql/{tier}/"
        )
        headers = {"Cache-Control": _PRIVATE, "Content-Security-Policy": POLICY}
        return HTMLResponse(content, headers=headers)

    def _database(self, reader: Reader, tier: Tier) -> Path | None:
        return offered_database(self._sites, reader, tier)

    def _no_database(self, request: Request, tier: Tier) -> Response:
        if request.scope[READER] is ANYONE and tier is not Tier.PUBLIC:
            return challenge()
        raise HTTPException(404)

    def first_page(self, request: Request) -> Response:
        language = request.path_params.get("language") or _preferred(request)
        if language not in LANGUAGES:
            raise HTTPException(404)
        reader: Reader = request.scope[READER]
        base = self._base_url(request)
        is_here = asks_from_here(request.scope)
        names = self._catalogue.county_names
        editions = self._catalogue.editions()
        sites = first_pages(self._sites, reader)
        asked_in_sql = [tier for tier in Tier if self._database(reader, tier)]
        content, etag = self._catalogue.made(
            reader,
            ("page", language, base, reader.token_id is None, is_here, *sites, *asked_in_sql),
            lambda releases: catalogue_page(
                releases,
                editions,
                self._coming(),
                names,
                reader,
                language,
                base,
                is_here,
                sites,
                asked_in_sql,
            ),
        )
        return _conditional(request, content, etag, "text/html; charset=utf-8")

    def restricted_page(self, request: Request) -> Response:
        if request.scope[READER] is ANYONE:
            return challenge()
        return self.first_page(request)

    def release(self, request: Request) -> Response:
        language = request.path_params["language"]
        path = _plain_path(request, f"/{language}/releases/")
        reader: Reader = request.scope[READER]
        if language in LANGUAGES and reader is ANYONE and needs_token(path):
            return challenge()
        asked = parse_release_path(path)
        if language not in LANGUAGES or asked is None:
            raise HTTPException(404)
        others = [
            one
            for one in self._catalogue.releases(reader)
            if (one.tier, one.county_code, one.month)
            == (asked.tier, asked.county_code, asked.month)
        ]
        chosen = [
            one
            for one in others
            if f"r{one.number}" == asked.release or (asked.release == LATEST and one.is_latest)
        ]
        if not chosen:
            raise HTTPException(404)
        content = release_page(
            chosen[0], others, self._catalogue.county_names, language, self._base_url(request)
        )
        return HTMLResponse(content, headers={"Cache-Control": _PRIVATE})

    def catalog(self, request: Request) -> Response:
        reader: Reader = request.scope[READER]
        base = self._base_url(request)
        editions = self._catalogue.editions()

        def make(releases: list[Offered]) -> bytes:
            shown = newest(releases)
            told = snippets(shown, base) if shown else {}
            return catalog_json(releases, editions, self._coming(), base, told)

        content, etag = self._catalogue.made(reader, ("json", base), make)
        return _conditional(request, content, etag, "application/json")

    def _coming(self) -> list[CalendarRow]:
        """Return the editions to come, the next ones first."""
        rows = [row for row in calendar_rows(self._home) if row.state == "coming"]
        return rows[:_EDITIONS_AHEAD]

    def _base_url(self, request: Request) -> str:
        if self._public_url:
            return self._public_url.rstrip("/") + "/"
        named = request.headers.get("host", "")
        host = named if _HOST.fullmatch(named) else LOOPBACK
        return f"{request.scope['scheme']}://{host}/"


def _description() -> Callable[[Request], Response]:
    content = json.dumps(read_yaml(_DESCRIPTION)).encode()
    return lambda _: Response(content, media_type="application/json")


def _look(name: str, media_type: str) -> Callable[[Request], Response]:
    content, headers = looks(name), {"Cache-Control": "public, max-age=3600"}
    return lambda _: Response(content, media_type=media_type, headers=headers)


def _plain_path(request: Request, prefix: str) -> str:
    """Return the path after `prefix`, or "" for one written with escapes: no file needs any."""
    raw = request.scope.get("raw_path", b"").decode("latin-1").partition("?")[0]
    return raw.removeprefix(prefix) if raw == request.scope["path"] else ""


def _conditional(request: Request, content: bytes, etag: str, media_type: str) -> Response:
    headers = {"ETag": etag, "Cache-Control": _PRIVATE, "Vary": "Authorization, Accept-Language"}
    asked = request.headers.get("if-none-match", "")
    if etag in [tag.strip().removeprefix("W/") for tag in asked.split(",")]:
        response = Response(headers=headers)
        return NotModifiedResponse(response.headers)
    return Response(content, media_type=media_type, headers=headers)


def _preferred(request: Request) -> Language:
    """Return English where the browser asks for it before Albanian, else Albanian."""
    for wanted in request.headers.get("accept-language", "").lower().split(","):
        if wanted.strip().startswith(LANGUAGES):
            return "en" if wanted.strip().startswith("en") else "sq"
    return "sq"


def _answer(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    return refusal(_ANSWERS[status], status, headers)
