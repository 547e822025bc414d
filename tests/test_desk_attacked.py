"""The page of an institution under attack: hostile files, markup, persons, others' forms."""

import io
import re
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
import requests
from hostile import corpus
from openpyxl import Workbook
from served import CANARY, Served, change_settings, make_tokens, serving

from sources.custody.home import Home

pytestmark = pytest.mark.slow

HEADINGS = (
    "Formulari", "Qarku", "Institucioni", "Muaji", "Të dhënat", "Kodi i treguesit", "Ndarja",
    "Vlera", "Gjendja",
)  # fmt: skip
REPORT = (
    "krat-raport-1", "AL-04", "AL-04-SHSSH", "2023-05", "SHEMBULL - TË TRILLUARA", "2.1.18.1", "",
    "3", "",
)  # fmt: skip

#: What a page would do with it unescaped can be seen: a new element, or a new attribute.
NASTY = f"""Elira "'><img src=x onerror=1 data-{CANARY}>{CANARY} J50101123K +355 69 123 4567"""

#: The longest answer: as long as a reader may take, with the load of a machine that tests.
_SECONDS = 60.0


class _Markup(HTMLParser):
    """The elements of a page with the names of their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[tuple[str, ...]] = set()
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add((tag, *sorted(name for name, _ in attrs)))
        named = dict(attrs)
        if tag == "input" and named.get("type") == "hidden":
            self.fields[str(named["name"])] = str(named["value"])


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that takes files of any size, with what it writes to stderr in a file."""
    folder = tmp_path_factory.mktemp("attacked")
    home = Home(root=folder / "home", keys=folder / "keys")
    limits = {
        "per_token": "10000/minute", "per_address": "10000/minute", "failed_tokens": "9/minute",
        "checks_per_token": "10000/hour",
    }  # fmt: skip
    change_settings(home, limits=limits, sent_megabytes=40)
    (folder / "temporary").mkdir()
    tokens = make_tokens(home)
    with pytest.MonkeyPatch.context() as patch, (folder / "errors").open("wb") as errors:
        patch.setenv("TMPDIR", str(folder / "temporary"))
        with serving(home, errors=errors) as url:
            yield Served(url, home, tokens)


def _sent(
    desk: Served, content: bytes, name: str = "form.xlsx", wanted: str = "check",
    holder: str = "shssh", language: str = "en",
) -> requests.Response:  # fmt: skip
    url, headers = f"{desk.url}{language}/send/", desk.bearer(holder)
    page = _Markup(requests.get(url, headers=headers).text).fields["page"]
    parts: dict[str, tuple[str | None, str | bytes]] = {
        "page": (None, page), "do": (None, wanted), "confirmed": (None, "yes"),
        "file": (name, content),
    }  # fmt: skip
    return requests.post(url, files=parts, headers=headers)


def _seen(answer: requests.Response) -> str:
    """Return a page without the file that it carries."""
    return unescape(re.sub(r'name="content" value="[^"]*"', "", answer.text))


def _kept(desk: Served) -> dict[Path, bytes | None]:
    """Return what lies beside the home and in it, but the access log and the server's errors."""
    left_out = (desk.home.access_log, desk.home.root.parent / "errors")
    return {
        path: path.read_bytes() if path.is_file() else None
        for path in desk.home.root.parent.rglob("*")
        if path not in left_out
    }


def _csv(*rows: tuple[str, ...]) -> bytes:
    lines = (";".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in rows)
    return "\n".join(lines).encode()


def _workbook(*sheets: tuple[str, list[tuple[str, ...]]]) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def _zip(**files: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


def _message(name: str, content: bytes) -> bytes:
    message = EmailMessage()
    message["Subject"] = "krat"
    message.set_content("x")
    message.add_attachment(content, maintype="text", subtype="csv", filename=name)
    return message.as_bytes()


def _with(**changed: str) -> tuple[str, ...]:
    names = {"county": 1, "institution": 2, "month": 3, "code": 5, "category": 6, "value": 7}
    row = list(REPORT)
    for name, value in changed.items():
        row[names.get(name, 8)] = value
    return tuple(row)


def test_each_hostile_file_is_answered_and_nothing_of_it_is_kept(attacked: Served) -> None:
    files = list(corpus())
    assert len(files) > 60
    usual = _Markup(_sent(attacked, _csv(HEADINGS, _with(value="tre"))).text).elements
    usual |= _Markup(_sent(attacked, _csv(HEADINGS, REPORT)).text).elements
    before = _kept(attacked)

    def answered(holder: str, part: list[tuple[str, bytes]]) -> Iterator[str]:
        """Yield what is wrong with the answer to each."""
        for name, content in part:
            started = time.monotonic()
            answer = _sent(attacked, content, f"{NASTY}.xlsx", holder=holder)
            if time.monotonic() - started > _SECONDS:
                yield f"{name}: took too long"
            if answer.status_code != (200 if content else 400):
                yield f"{name}: {answer.status_code}"
            page = _Markup(answer.text)
            if content and (page.elements - usual or CANARY in _seen(answer)):
                yield f"{name}: {page.elements - usual}"
            if content and "send" in re.findall(r'<button name="do" value="(\w+)"', answer.text):
                yield f"{name}: may be sent"

    with ThreadPoolExecutor(2) as pool:
        wrong = pool.map(
            lambda each: list(answered(*each)), [("shssh", files[::2]), ("police", files[1::2])]
        )
        assert [*wrong] == [[], []]
    assert _kept(attacked) == before
    # Nor is it slowed down or broken afterwards.
    assert "send" in _sent(attacked, _csv(HEADINGS, REPORT)).text


def test_nothing_of_a_person_or_a_markup_is_in_the_answer_the_log_or_the_storage(
    attacked: Served,
) -> None:
    second = _with(code="2.1.11.1")
    places = {
        each: _csv(HEADINGS, REPORT, _with(code="2.1.11.1") if each == "code" else second,
                   _with(**{each: NASTY}))
        for each in ("county", "institution", "month", "code", "category", "value", "state")
    }  # fmt: skip
    places |= {
        "value alone": _csv(HEADINGS, REPORT, _with(code="2.1.11.1", value=NASTY)),
        "state alone": _csv(HEADINGS, REPORT, _with(code="2.1.11.1", value="", state=NASTY)),
        "column": _csv((*HEADINGS, NASTY), (*REPORT, NASTY)),
        "remark": _csv((*HEADINGS, "Shënime"), (*REPORT, NASTY)),
        "row": _csv(HEADINGS, REPORT, (NASTY,)),
        "sheet": _workbook(("Raporti", [HEADINGS, REPORT]), (CANARY, [(NASTY,)])),
        "own sheet": _workbook((CANARY, [HEADINGS, REPORT, _with(code=NASTY)])),
        "archive": _zip(**{f"{NASTY}.csv": _csv(HEADINGS, REPORT)}),
        "message": _message(f"{CANARY}.csv", _csv(HEADINGS, _with(value=NASTY))),
        "no form": NASTY.encode(),
    }
    usual = _Markup(_sent(attacked, _csv(HEADINGS, _with(value="tre"))).text).elements
    usual |= _Markup(_sent(attacked, _csv(HEADINGS, REPORT)).text).elements
    before = _kept(attacked)
    for place, content in places.items():
        for language in ("sq", "en"):
            answer = _sent(attacked, content, f"{NASTY}.csv", language=language)
            assert answer.status_code == 200, place
            assert _Markup(answer.text).elements <= usual, place
            seen = _seen(answer)
            for secret in (CANARY, "Elira", "J50101123K", "123 4567"):
                assert secret not in seen, place
    assert _kept(attacked) == before
    for written in (attacked.home.access_log, attacked.home.root.parent / "errors"):
        for secret in (CANARY, "Elira", "J50101123K", *attacked.tokens.values()):
            assert secret not in written.read_text(encoding="utf-8")


def test_a_token_sends_no_form_of_another(attacked: Served) -> None:
    others = _with(institution="AL-04-POLICIA", code="2.1.9.1")
    ways = {
        "of another": _csv(HEADINGS, others),
        "of another by its name": _csv(HEADINGS, _with(institution="Policia", code="2.1.9.1")),
        "of another county": _csv(HEADINGS, _with(county="AL-12")),
        "rows of two": _csv(HEADINGS, REPORT, others),
        "rows of two, another first": _csv(HEADINGS, others, REPORT),
        "sheets of two": _workbook(("a", [HEADINGS, REPORT]), ("b", [HEADINGS, others])),
        "an archive of one": _zip(**{"AL-04-SHSSH.csv": _csv(HEADINGS, others)}),
        "an archive of two": _zip(a=_csv(HEADINGS, REPORT), b=_csv(HEADINGS, others)),
        "a message": _message("AL-04-SHSSH.csv", _csv(HEADINGS, others)),
    }
    for way, content in ways.items():
        for name in ("AL-04-SHSSH_2023-05.csv", "../AL-12/x.csv"):
            answer = _sent(attacked, content, name, "send")
            assert answer.status_code == 200, way
            assert 'id="receipt"' not in answer.text, way
    assert not [path for path in attacked.home.inbox.rglob("*") if path.is_file()]
    # The same by the token that may.
    answer = _sent(attacked, ways["of another"], "x.csv", "send", holder="police")
    assert 'id="receipt"' in answer.text
    [path] = [path for path in attacked.home.inbox.rglob("*") if path.is_file()]
    assert path.parent.name == "AL-04"
    path.unlink()


def test_a_limit_holds_whatever_is_asked_and_in_whatever_language(tmp_path: Path) -> None:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    limits = {
        "per_token": "100/minute", "per_address": "100/minute", "failed_tokens": "9/minute",
        "checks_per_token": "3/hour",
    }  # fmt: skip
    change_settings(home, limits=limits)
    tokens = make_tokens(home)
    with serving(home) as url:
        desk = Served(url, home, tokens)
        report = _csv(HEADINGS, REPORT)
        statuses = [
            _sent(desk, content, "x", wanted, language=language).status_code
            for content, wanted, language in (
                (b"\x00" * 99, "check", "sq"), (b"", "copy", "en"), (report, "send", "en"),
                (report, "check", "sq"), (report, "send", "en"), (b"", "copy", "en"),
            )
        ]  # fmt: skip
        assert statuses == [200, 400, 200, 429, 429, 429]
        assert len([path for path in home.inbox.rglob("*") if path.is_file()]) == 1
        # It is that token's alone.
        assert _sent(desk, report, holder="police").status_code == 200
