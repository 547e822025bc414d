"""The page on which an institution checks a form and sends it, over real HTTP."""

import asyncio
import base64
import io
import json
import re
import shutil
import socket
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import requests
from openpyxl import load_workbook
from served import Served, change_settings, make_tokens, raw_request, serving
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from orchestration.feedback import isolated_check
from orchestration.ingestion.door import take_in
from orchestration.products.declaration import Tier
from orchestration.runtime.office import serve_settings
from orchestration.runtime.settings import SEEDS
from orchestration.serving.desk import Desk
from orchestration.serving.guard import READER
from orchestration.serving.tokens import Reader, make_token
from sources.custody.home import Home
from sources.example.generate import write_example
from sources.registers import load_registers
from sources.texts import Language, text

HEAD = "Formulari;Qarku;Institucioni;Muaji;Të dhënat;Kodi i treguesit;Ndarja;Vlera;Gjendja\n"
ROW = "krat-raport-1;AL-04;AL-04-SHSSH;2023-05;SHEMBULL - TË TRILLUARA;"
REPORT = (HEAD + ROW + "2.1.18.1;;1 900;\n" + ROW + "2.1.11.1;;disa;\n").encode()
#: What a page has that shows a receipt.
RECEIPT = 'id="receipt"'
BROKEN = (HEAD + ROW + "2.1.18.1;;tre ose katër;\n").encode()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server on a data folder that holds nothing yet."""
    folder = tmp_path_factory.mktemp("desk")
    home = Home(root=folder / "home", keys=folder / "keys")
    home.root.mkdir()
    (folder / "temporary").mkdir()
    tokens = make_tokens(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder / "temporary"))
        with serving(home) as url:
            yield Served(url, home, tokens)


class Fields(HTMLParser):
    """The hidden fields and the buttons of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}
        self.buttons: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        assert tag != "script"
        if tag == "input" and named.get("type") == "hidden":
            self.hidden[str(named["name"])] = str(named["value"])
        if tag == "button":
            self.buttons.add(str(named["value"]))


def _get(desk: Served, holder: str = "shssh", language: str = "en") -> requests.Response:
    return requests.get(f"{desk.url}{language}/send/", headers=desk.bearer(holder))


def _post(
    desk: Served,
    file: bytes | None,
    /,
    holder: str = "shssh",
    language: str = "en",
    headers: dict[str, str] | None = None,
    **fields: str,
) -> requests.Response:
    page = Fields(_get(desk, holder).text).hidden["page"]
    parts: dict[str, tuple[str | None, str | bytes]] = {
        name: (None, value) for name, value in {"page": page, "do": "check", **fields}.items()
    }
    if file is not None:
        parts["file"] = ("form.xlsx", file)
    return requests.post(
        f"{desk.url}{language}/send/",
        files=parts,
        headers={**desk.bearer(holder), **(headers or {})},
    )


def _kept(desk: Served) -> dict[Path, bytes | None]:
    """Return each folder and file beside the home and in it, with its bytes, but the access log."""
    found = desk.home.root.parent.rglob("*")
    return {
        path: path.read_bytes() if path.is_file() else None
        for path in found
        if path != desk.home.access_log
    }


def _as_text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_only_an_institution_with_its_token_gets_the_page(desk: Served) -> None:
    assert requests.get(f"{desk.url}en/send/").status_code == 401
    assert requests.post(f"{desk.url}en/send/").status_code == 401
    assert _get(desk, "expired").status_code == 401
    assert _get(desk, "fier").status_code == 404
    assert _get(desk, language="de").status_code == 404
    assert "AL-04-SHSSH" in _get(desk).text
    assert "Zgjidhni skedarin" in _get(desk, language="sq").text
    assert "form-action 'self'" in _get(desk).headers["content-security-policy"]
    # It opens nothing that is restricted.
    gate = f"{desk.url}releases/restricted/AL-04/2023-05/r1/gate.json"
    assert requests.get(gate, headers=desk.bearer("shssh")).status_code == 404


def test_a_check_shows_what_was_read_and_keeps_nothing(desk: Served) -> None:
    before = _kept(desk)
    shown = _post(desk, REPORT)
    assert shown.status_code == 200
    assert re.search(r"H2.*1 900</td>\s*<td[^>]*>1900</td>", shown.text, re.DOTALL)
    assert re.search(r"H3.*disa</td>\s*<td[^>]*>not known</td>", shown.text, re.DOTALL)
    assert "“not known” was reported" in shown.text
    assert "Cases identified by mobile units <code>2.1.18.1</code>" in shown.text
    assert "<dd>May 2023</dd>" in shown.text
    assert Fields(shown.text).buttons == {"check", "copy", "send"}
    assert _kept(desk) == before
    log = desk.home.access_log.read_text(encoding="utf-8")
    assert desk.tokens["shssh"] not in log
    assert "form.xlsx" not in log


def test_an_upload_stays_in_memory_whatever_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole of the largest body that is let in, in this process."""

    def fail(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("tempfile.TemporaryFile", fail)
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    settings = serve_settings(home)[0].model_copy(update={"sent_megabytes": 3})
    checked: list[int] = []
    page = Desk(home, settings, lambda _, content, *__: checked.append(len(content))).page

    def asked(method: str, body: bytes = b"") -> Response:
        async def receive() -> Message:
            return {"type": "http.request", "body": body}

        headers = {
            b"content-type": b"multipart/form-data; boundary=b",
            b"content-length": str(len(body)).encode(),
        }
        scope = {
            "type": "http", "method": method, "headers": list(headers.items()),
            "path_params": {"language": "en"},
            READER: Reader("1", Tier.PUBLIC, "AL-04", "AL-04-SHSSH"),
        }  # fmt: skip
        return asyncio.run(page(Request(scope, receive)))

    def posted(size: int) -> int:
        given = Fields(bytes(asked("GET").body).decode()).hidden["page"].encode()
        named = b'--b\r\nContent-Disposition: form-data; name="'
        body = b"".join(
            [named, b'page"\r\n\r\n', given, b"\r\n", named, b'do"\r\n\r\ncheck\r\n',
             named, b'file"; filename="x"\r\n\r\n', b"1" * size, b"\r\n--b--\r\n"]
        )  # fmt: skip
        return asked("POST", body).status_code

    assert posted(3_000_000) == 200
    assert posted(4_000_000) == posted(4_060_000) == posted(4_070_000) == 413
    assert checked == [3_000_000]


def test_the_institution_is_named_in_the_language_of_the_page(desk: Served) -> None:
    code = "<code>AL-04-SHSSH</code>"
    english = f"Regional Directorate of the State Social Service, Fier {code}"
    assert english in _get(desk).text
    name = f"Drejtoria Rajonale e Shërbimit Social Shtetëror Fier {code}"
    assert name in _get(desk, language="sq").text
    # What the file says of itself too.
    assert _post(desk, REPORT, language="sq").text.count(name) == 2


def test_a_sent_file_is_in_the_inbox_whole_and_is_taken_in(desk: Served) -> None:
    carried = Fields(_post(desk, REPORT).text).hidden["content"]
    assert base64.b64decode(carried) == REPORT
    shown = _post(desk, None, do="send", content=carried)
    number = re.search(r"<code>([0-9a-f]{16})</code>", shown.text)
    assert number is not None
    local = datetime.now(ZoneInfo("Europe/Tirane"))
    assert f"{local.day}.{local.month}.{local.year} " in shown.text
    assert "1900" in shown.text
    sent = desk.home.inbox / "AL-04" / f"{number[1]}.csv"
    assert sent.read_bytes() == REPORT
    assert stat.S_IMODE(sent.stat().st_mode) == 0o600
    assert [path.name for path in sent.parent.iterdir()] == [sent.name]
    # Whoever serves needs no key.
    assert not desk.home.keys.exists()
    assert take_in(desk.home, load_registers(SEEDS)).accepted == 1
    assert not sent.exists()


def test_what_would_be_refused_or_is_anothers_is_not_sent(desk: Served) -> None:
    for content, holder in ((BROKEN, "shssh"), (REPORT, "police"), (b"\x00" * 99, "shssh")):
        sent = _post(desk, None, holder, do="send", content=_as_text(content))
        assert sent.status_code == 200
        assert RECEIPT not in sent.text
        assert "send" not in Fields(sent.text).buttons
        assert ("another institution" in sent.text) == (holder == "police")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("1.csv", REPORT)
        archive.writestr("2.csv", REPORT.replace(b"SHSSH", b"POLICIA"))
    sent = _post(desk, None, do="send", content=_as_text(packed.getvalue()))
    assert "one at a time" in sent.text
    assert RECEIPT not in sent.text
    assert not list((desk.home.inbox).rglob("*.*"))


def test_logs_and_records_are_sent_by_the_institutions_that_owe_them(
    desk: Served, tmp_path: Path
) -> None:
    """A log names no institution: it is of the one that owes it in the county."""
    write_example(tmp_path, SEEDS)

    def sent(name: str, holder: str) -> str:
        content = (tmp_path / "AL-04" / name).read_bytes()
        return _post(desk, None, holder, do="send", content=_as_text(content)).text

    for name, owner, other in (
        ("linja_2023-05.csv", "police", "shssh"),
        ("referime_2023-T3_AL-04-SHSSH.csv", "shssh", "police"),
    ):
        refused = sent(name, other)
        assert "another institution" in refused
        assert RECEIPT not in refused
        taken = sent(name, owner)
        assert RECEIPT in taken
        assert "Rows read" in taken
    assert "another institution" in sent("sivet_2023-05.csv", "shssh")
    # Nobody owes the log of that county.
    log = tmp_path / "AL-04" / "linja_2023-05.csv"
    log.write_bytes(log.read_bytes().replace(b";AL-04;", b";AL-12;"))
    today = datetime.now(ZoneInfo("UTC")).date()
    desk.tokens["elsewhere"] = make_token(
        desk.home, "elsewhere", Tier.PUBLIC, "AL-12", today, "AL-12-POLICIA"
    )[1]
    refused = sent(log.name, "elsewhere")
    assert "names no institution" in refused
    assert RECEIPT not in refused
    paths = [path for path in desk.home.inbox.rglob("*") if path.is_file()]
    assert len(paths) == 2
    for path in paths:
        path.unlink()


def test_the_marked_copy_can_be_downloaded(desk: Served) -> None:
    copy = _post(desk, None, do="copy", content=_as_text(BROKEN))
    named = 'attachment; filename="AL-04-SHSSH-{}.xlsx"'
    assert copy.headers["content-disposition"] == named.format("checked")
    copy = _post(desk, None, do="copy", content=_as_text(BROKEN), language="sq")
    assert copy.headers["content-disposition"] == named.format("kontrolluar")
    sheet = load_workbook(io.BytesIO(copy.content)).worksheets[0]
    assert sheet["H2"].comment is not None


def test_a_request_from_elsewhere_sends_nothing(desk: Served) -> None:
    content = _as_text(REPORT)
    others = Fields(_get(desk, "police").text).hidden["page"]
    for page in ("", "0" * 64, others):
        assert _post(desk, None, do="send", content=content, page=page).status_code == 403
    crossed = {"Sec-Fetch-Site": "cross-site"}
    assert _post(desk, None, do="send", content=content, headers=crossed).status_code == 403
    assert not list((desk.home.inbox).rglob("*.*"))


def test_what_is_no_form_is_answered_shortly(desk: Served) -> None:
    def posted(body: bytes, *headers: str) -> bytes:
        lines = [
            "POST /en/send/ HTTP/1.1", "Host: x", f"Authorization: Bearer {desk.tokens['shssh']}",
            *headers, "Connection: close", "", "",
        ]  # fmt: skip
        return raw_request(desk.url, "\r\n".join(lines).encode() + body).partition(b"\r\n")[0]

    assert b" 413 " in posted(b"", "Content-Length: 99999999999")
    assert b" 413 " in posted(b"0\r\n\r\n", "Transfer-Encoding: chunked")
    assert b" 400 " in posted(b"a=b", "Content-Length: 3")
    kind = "Content-Type: multipart/form-data"
    assert b" 400 " in posted(b"xyz", "Content-Length: 3", kind)
    assert b" 400 " in posted(b"xyz", "Content-Length: 3", f"{kind}; boundary=b")
    assert _post(desk, None).status_code == 400
    assert _post(desk, REPORT, do="else").status_code == 400
    assert _post(desk, None, do="send", content="?").status_code == 400


def test_a_markup_in_a_file_is_shown_as_text(desk: Served) -> None:
    content = (HEAD + ROW + "2.1.18.1;;3;\n").replace("3;\n", "<script>1</script>;\n").encode()
    Fields(_post(desk, content).text)


def test_a_slow_upload_holds_up_nobody_else_and_a_token_has_its_limits(tmp_path: Path) -> None:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    home.root.mkdir()
    tokens = make_tokens(home)
    limits = {
        "per_token": "100/minute", "per_address": "100/minute", "failed_tokens": "9/minute",
        "checks_per_token": "3/hour",
    }  # fmt: skip
    change_settings(home, limits=limits, checks_at_once=1)
    with serving(home) as url:
        desk = Served(url, home, tokens)
        host, port = url.split("/")[2].split(":")
        with socket.create_connection((host, int(port))) as slow:
            slow.sendall(
                f"POST /en/send/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tokens['shssh']}\r\n"
                "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 999\r\n\r\n"
                "--b".encode()
            )
            answers: list[int] = []
            other = threading.Thread(
                target=lambda: answers.append(_post(desk, REPORT, "police").status_code)
            )
            other.start()
            other.join(60)
            assert answers == [200]
            assert _post(desk, REPORT).status_code == 503
        assert [_post(desk, None, "police").status_code for _ in range(2)] == [400, 400]
        late = _post(desk, REPORT, "police")
        assert late.status_code == 429
        assert int(late.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("language", "width", "no_scripts"), [("sq", 390, True), ("en", 1280, False)]
)
def test_an_officer_checks_corrects_and_sends_by_keyboard_alone(
    desk: Served, node: Callable[..., str], chromium: str, tmp_path: Path,
    language: Language, width: int, no_scripts: bool,
) -> None:  # fmt: skip
    """In Chromium: a form with a fault, its marked copy, the form put right, and the receipt."""
    for name, content in {"faulty.csv": BROKEN, "right.csv": REPORT}.items():
        (tmp_path / name).write_bytes(content)
    saved = tmp_path / "saved"
    saved.mkdir()

    def checked(name: str) -> list[dict[str, object]]:
        button = {"at": "button[value=check]", "press": "Enter", "next": True}
        return [{"at": "#file", "file": str(tmp_path / name)}, button]

    steps: list[list[dict[str, object]]] = [
        checked("faulty.csv"),
        [{"at": "button[value=copy]", "press": "Enter", "saved": str(saved)}],
        checked("right.csv"),
        [{"at": "button[value=send]", "press": "Enter", "next": True}],
    ]
    asked = [
        {
            "url": None if number else f"{desk.url}{language}/send/",
            "width": width, "noScripts": no_scripts, "token": desk.tokens["shssh"], "keys": keys,
            "picture": str(tmp_path / f"{number}.png"),
        }
        for number, keys in enumerate(steps)
    ]  # fmt: skip
    before = _kept(desk)
    told = json.loads(node("page.cjs", chromium, given=json.dumps(asked)))
    for one in told:
        assert (one["found"], one["errors"], one["isTooWide"]) == ([], [], False)
    faulty, _, right, sent = (one["text"] for one in told)
    assert "H2" in faulty
    assert text("desk.send", language) not in faulty
    assert "1900" in right
    assert text("desk.not_kept", language) in right
    name = text("desk.copy_name", language, institution="AL-04-SHSSH")
    assert [path.name for path in saved.iterdir()] == [name]
    assert load_workbook(saved / name).worksheets[0]["H2"].comment is not None
    assert text("desk.sent", language) in sent
    # It is the receipt's, and the first of what was sent.
    number, listed, *_ = re.findall(r"\b[0-9a-f]{16}\b", sent)
    assert listed == number
    path = desk.home.inbox / "AL-04" / f"{number}.csv"
    kept = _kept(desk)
    journal = desk.home.decisions / "receipts.jsonl"
    assert {one: kept[one] for one in kept.keys() - before.keys() - {journal} if kept[one]} == {
        path: REPORT
    }
    assert number in journal.read_text(encoding="utf-8")
    path.unlink()


def test_an_empty_form_after_a_report_is_sent_once_that_is_confirmed(own_home: Home) -> None:
    empty = (HEAD + ROW + "2.1.18.1;;;\n").encode()
    shutil.rmtree(own_home.inbox, ignore_errors=True)
    tokens = make_tokens(own_home)
    with serving(own_home) as url:
        desk = Served(url, own_home, tokens)
        asked = _post(desk, None, do="send", content=_as_text(empty))
        assert "they hold until you confirm" in asked.text
        assert 'name="confirmed"' in asked.text
        assert RECEIPT not in asked.text
        assert not list(own_home.inbox.rglob("*.csv"))
        sent = _post(desk, None, do="send", content=_as_text(empty), confirmed="yes")
        assert RECEIPT in sent.text
    assert take_in(own_home, load_registers(SEEDS)).accepted == 1


@pytest.mark.parametrize(("mistake", "is_of_krat"), [("KeyError", True), ("MemoryError", False)])
def test_a_mistake_of_the_check_is_no_limit_that_the_file_broke(
    mistake: str, is_of_krat: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolated_check, "_PROGRAM", _FAILS.replace("MISTAKE", mistake))
    with isolated_check.IsolatedChecks() as checks:

        def check() -> object:
            return checks.check(Home(tmp_path, tmp_path), REPORT, "AL-04", "AL-04-SHSSH", "sq")

        if is_of_krat:
            with pytest.raises(RuntimeError, match="by no fault"):
                check()
        else:
            assert check() is None


#: A check with a mistake in it.
_FAILS = """
import sys
sys.path.insert(0, sys.argv[1])
from orchestration.feedback import isolated_check
def _answer(asked, content):
    raise MISTAKE
isolated_check._answer = _answer
isolated_check.split_off(int(sys.argv[2]))
"""
