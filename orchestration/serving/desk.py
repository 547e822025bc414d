"""The page on which an institution checks a form and sends it: what comes in, and what goes out.

Belongs here: taking an upload within limits, and putting what is sent into the inbox. Not here: the
check, which whoever runs the server hands in; who asks (guard); how the page looks (pages).

Between the check and the sending the server keeps nothing: the page itself carries the file, and
the file is checked again when it is sent.
"""

import asyncio
import base64
import binascii
import hmac
import math
import secrets
import time
from collections.abc import Callable
from typing import Any, Protocol

import limits
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from orchestration.ingestion.emptied_reports import confirm_sent
from orchestration.ingestion.receipts import Receipt, enter_receipt
from orchestration.runtime.office import ServeSettings
from orchestration.serving.guard import READER, SECURITY_HEADERS, challenge, refusal
from orchestration.serving.names import names_in
from orchestration.serving.pages import desk_page
from orchestration.serving.receipts import sent_by
from orchestration.serving.tokens import ANYONE, Reader
from sources.atomic import create_file
from sources.custody.home import Home
from sources.texts import LANGUAGES, Language, text

#: Seconds in which an upload must have come.
_UPLOAD_SECONDS = 120.0

#: What the fields of a form and their frames take beside the file.
_FRAME_BYTES = 64 * 1024

#: For how many days a page that was opened may still send, today aside.
_PAGE_DAYS = 1

#: The page has a form, and the browser says that it comes from this page.
_HEADERS = {
    "Content-Security-Policy": SECURITY_HEADERS["Content-Security-Policy"].replace(
        "form-action 'none'", "form-action 'self'"
    ),
    "Cache-Control": "no-store",
}

#: Of a body that is not read the rest is not waited for.
_CLOSING = {"Connection": "close"}

_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class CheckResult(Protocol):
    """What a check found: a document, and a marked copy where there is something to mark."""

    @property
    def document(self) -> dict[str, Any]: ...

    @property
    def marked(self) -> bytes | None: ...


#: Checks a content for a county and an institution; None where that broke a limit.
Check = Callable[[Home, bytes, str, str, Language], CheckResult | None]


class Desk:
    """The routes of the page; they never open the warehouse."""

    def __init__(self, home: Home, settings: ServeSettings, check: Check) -> None:
        self._home = home
        self._check = check
        self._secret = secrets.token_bytes(32)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._per_token = limits.parse(settings.limits.checks_per_token)
        self._checks = asyncio.Semaphore(settings.checks_at_once)
        self._busy: set[str | None] = set()
        self._most_bytes = int(settings.sent_megabytes * 1_000_000)
        # The page carries a file as text, which is a third longer.
        self._most_body_bytes = self._most_bytes * 4 // 3 + _FRAME_BYTES

    async def page(self, request: Request) -> Response:
        """Show the empty page, or answer what was sent from it."""
        language = request.path_params["language"]
        reader: Reader = request.scope[READER]
        if language not in LANGUAGES:
            raise HTTPException(404)
        if reader is ANYONE:
            return challenge()
        if reader.institution_code is None or reader.county_code is None:
            raise HTTPException(404)
        if request.method != "POST":
            return await run_in_threadpool(self._shown, language, reader)
        if not self._limiter.hit(self._per_token, str(reader.token_id)):
            reset = self._limiter.get_window_stats(self._per_token, str(reader.token_id)).reset_time
            seconds = max(1, math.ceil(reset - time.time()))
            return refusal("too_many", 429, {"Retry-After": str(seconds), **_CLOSING})
        # One at a time of each: whose upload is slow holds up nobody else.
        if reader.token_id in self._busy:
            return refusal("busy", 503, {"Retry-After": "5", **_CLOSING})
        self._busy.add(reader.token_id)
        try:
            return await self._answer(request, language, reader)
        finally:
            self._busy.discard(reader.token_id)

    async def _answer(self, request: Request, language: Language, reader: Reader) -> Response:
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return refusal("not_from_page", 403, _CLOSING)
        length = request.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > self._most_body_bytes:
            return refusal("too_large", 413, _CLOSING)
        try:
            async with asyncio.timeout(_UPLOAD_SECONDS):
                form = await self._form(request)
        except (MultiPartException, TimeoutError, KeyError, ValueError):
            return refusal("no_form", 400, _CLOSING)
        try:
            wanted, content = form.get("do"), await _content(form)
        finally:
            await form.close()
        if not self._is_own_page(str(form.get("page", "")), reader):
            return refusal("not_from_page", 403)
        if wanted not in ("check", "copy", "send") or not content:
            return refusal("no_form", 400)
        if len(content) > self._most_bytes:
            return refusal("too_large", 413)
        county, institution = str(reader.county_code), str(reader.institution_code)
        async with self._checks:
            found = await run_in_threadpool(
                self._check, self._home, content, county, institution, language
            )
        if found is None:
            return await run_in_threadpool(self._shown, language, reader, is_broken=True)
        if wanted == "copy" and found.marked:
            name = text("desk.copy_name", language, institution=institution)
            return Response(
                found.marked,
                media_type=_WORKBOOK,
                headers={"Content-Disposition": f'attachment; filename="{name}"'},
            )
        receipt = None
        is_confirmed = form.get("confirmed") == "yes"
        if wanted == "send" and may_send(found.document, reader, is_confirmed=is_confirmed):
            receipt = await run_in_threadpool(self._send, content, found.document, reader)
        return await run_in_threadpool(self._shown, language, reader, found, content, receipt)

    async def _form(self, request: Request) -> FormData:
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            raise ValueError
        parser = MultiPartParser(
            request.headers,
            request.stream(),
            max_files=1,
            max_fields=5,
            max_part_size=self._most_bytes * 4 // 3 + 4,
        )
        # What is uploaded stays in memory: no part is longer than the body.
        parser.spool_max_size = self._most_body_bytes
        return await parser.parse()

    def _send(self, content: bytes, document: dict[str, Any], reader: Reader) -> Receipt:
        """Put a file into the inbox, whole at once, under its number; return the receipt."""
        number = secrets.token_hex(8)
        if document["is_to_be_confirmed"]:
            confirm_sent(self._home, number, str(reader.institution_code))
        values = document["values"]
        read_count = sum(value["read_as"] is not None for value in values)
        receipt = enter_receipt(
            self._home,
            number,
            county_code=reader.county_code,
            institution_code=reader.institution_code,
            layout_id=document["layout_id"],
            reporting_month=document["reporting_month"],
            row_count=document["row_count"],
            read_count=read_count if values else document["row_count"],
        )
        path = self._home.inbox / str(reader.county_code) / f"{number}.{document['file_format']}"
        create_file(path, content, 0o600)
        return receipt

    def _shown(
        self,
        language: Language,
        reader: Reader,
        found: CheckResult | None = None,
        content: bytes = b"",
        receipt: Receipt | None = None,
        *,
        is_broken: bool = False,
    ) -> Response:
        page = desk_page(
            language,
            reader,
            self._page_of(reader, _today()),
            document=found.document if found else None,
            has_copy=bool(found and found.marked),
            is_own=bool(found and is_own(found.document, reader)),
            may_send=bool(found and may_send(found.document, reader, is_confirmed=True)),
            content=base64.b64encode(content).decode(),
            receipt=receipt,
            is_broken=is_broken,
            names=names_in(self._home, language),
            earlier=sent_by(self._home, str(reader.county_code), str(reader.institution_code)),
            most_megabytes=f"{self._most_bytes / 1_000_000:.15g}",
        )
        return HTMLResponse(
            page, headers={**_HEADERS, "Referrer-Policy": "same-origin", "Vary": "Authorization"}
        )

    def _page_of(self, reader: Reader, day: int) -> str:
        """Return what the page of a reader holds on a day, so that no other page can send."""
        return hmac.digest(self._secret, f"{reader.token_id} {day}".encode(), "sha256").hex()

    def _is_own_page(self, given: str, reader: Reader) -> bool:
        days = range(_today() - _PAGE_DAYS, _today() + 1)
        pages = [self._page_of(reader, day) for day in days]
        return any(hmac.compare_digest(given.encode(), page.encode()) for page in pages)


def may_send(document: dict[str, Any], reader: Reader, *, is_confirmed: bool) -> bool:
    """Tell whether a file may be sent: it would be taken in, and is the institution's own.

    A message or archive may hold others' forms, so each form is sent by itself.
    """
    if document["holds_forms"]:
        return False
    is_taken = document["accepted"] or (document["is_to_be_confirmed"] and is_confirmed)
    return bool(is_taken) and is_own(document, reader)


def is_own(document: dict[str, Any], reader: Reader) -> bool:
    """Tell whether a file is of the reader's institution."""
    sender = document["county_code"], document["sender_code"]
    return sender == (reader.county_code, reader.institution_code)


async def _content(form: FormData) -> bytes:
    """Return the file of a form, or the one that the page carried; b"" where there is none."""
    given = form.get("file")
    if isinstance(given, UploadFile):
        return await given.read()
    try:
        return base64.b64decode(str(form.get("content", "")), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _today() -> int:
    return int(time.time() // 86_400)
