"""The board as a page: what is on it, and that nobody but this machine's own user gets it."""

import os
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path

import pytest
import requests
from conftest import Refreshed
from served import Served, change_settings, home_to_serve, raw_request, serving
from starlette.types import Scope

from orchestration.board.page import board_page
from orchestration.runtime.settings import board_address
from orchestration.runtime.writer_lock import one_writer
from orchestration.serving import this_machine
from orchestration.serving.this_machine import asks_from_here
from sources.custody.home import Home
from sources.texts import LANGUAGES, text

CELL = "board/?county=AL-04&month=2023-05"

#: What only the board has: counts of a county's reports.
SHOWN = re.compile(r"1[57] nga 17 raporte|1[57] of 17 reports")


def answer(response: requests.Response) -> tuple[int, bytes, dict[str, str]]:
    """Return all that an answer tells, but for the clock."""
    headers = {name: text for name, text in response.headers.items() if name != "date"}
    return response.status_code, response.content, headers


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_needs_no_token_on_this_machine(served: Served, language: str) -> None:
    for host in ("127.0.0.1", "localhost"):
        port = served.url.split(":")[2]
        page = requests.get(f"http://{host}:{port}{language}/board/")
        assert page.status_code == 200
        assert SHOWN.search(page.text)
        assert page.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in page.headers


def test_the_board_is_where_others_say_it_is(served: Served) -> None:
    path = board_address().split("/", 3)[3]
    assert requests.get(served.url + path).status_code == 200
    assert f'href="/{path}"' in requests.get(f"{served.url}sq/").text


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-For": ""},
        {"X-Forwarded-Proto": "http"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 proxy"},
        {"X-Real-IP": "127.0.0.1"},
        {"CF-Connecting-IP": "127.0.0.1"},
        {"Host": "krat.example.al"},
        {"Host": "localhost.example.al"},
        {"Host": "127.0.0.1.example.al"},
        {"Host": "10.0.0.1:8600"},
        {"Host": ""},
    ],
    ids=str,
)
def test_through_a_proxy_or_by_another_name_it_is_an_unknown_page(
    served: Served, headers: dict[str, str]
) -> None:
    unknown = answer(requests.get(f"{served.url}sq/nowhere/", headers=headers))
    assert unknown[0] == 404
    for path in ("board/", "board/?year=2023", CELL):
        assert answer(requests.get(f"{served.url}sq/{path}", headers=headers)) == unknown
    assert "/board/" not in requests.get(f"{served.url}sq/", headers=headers).text


def test_a_proxy_that_is_trusted_and_one_that_speaks_http_1_0_get_nothing(
    refreshed: Refreshed, tmp_path: Path
) -> None:
    home = home_to_serve(refreshed.home, tmp_path)
    change_settings(home, trusted_proxies=["127.0.0.1"])
    with serving(home) as url:
        for client in ("127.0.0.1", "203.0.113.9"):
            forwarded = {"X-Forwarded-For": client}
            assert requests.get(f"{url}sq/board/", headers=forwarded).status_code == 404
        old = b"GET /sq/board/ HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        assert raw_request(url, old).startswith(b"HTTP/1.1 404 ")
        new = old.replace(b"HTTP/1.0", b"HTTP/1.1")
        assert raw_request(url, new).startswith(b"HTTP/1.1 200 ")
        assert raw_request(url, old.replace(b"Host: localhost\r\n", b"")).startswith(
            b"HTTP/1.1 404 "
        )


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_another_method_is_that_of_an_unknown_page(served: Served, method: str) -> None:
    unknown = answer(requests.request(method, f"{served.url}sq/nowhere/"))
    assert answer(requests.request(method, f"{served.url}sq/board/")) == unknown


@pytest.mark.parametrize(
    "query",
    ["?year=abc", "?year=1", "?year=²", "?county=AL-04", "?month=2023-05",
     "?county=AL-04&month=2023-13", "?county=../x&month=2023-05", "?county=AL-04&month=1999-01"],
)  # fmt: skip
def test_what_is_no_year_and_no_cell_is_an_unknown_page(served: Served, query: str) -> None:
    unknown = answer(requests.get(f"{served.url}sq/nowhere/"))
    assert answer(requests.get(f"{served.url}sq/board/{query}")) == unknown


@pytest.fixture(params=[socket.AF_INET, socket.AF_INET6], ids=["IPv4", "IPv6"])
def scope(request: pytest.FixtureRequest) -> Iterator[Scope]:
    """The scope of a request over a real connection of this process to itself."""
    host = "127.0.0.1" if request.param == socket.AF_INET else "::1"
    with (
        socket.create_server((host, 0), family=request.param) as listener,
        socket.create_connection(listener.getsockname()[:2]) as client,
    ):
        accepted, address = listener.accept()
        with accepted:
            assert client.getsockname()[:2] == address[:2]
            yield {
                "type": "http",
                "http_version": "1.1",
                "headers": [(b"host", b"localhost:8600")],
                "client": address[:2],
                "server": accepted.getsockname()[:2],
            }


def test_a_connection_of_the_same_user_is_from_here(scope: Scope) -> None:
    assert asks_from_here(scope)


def test_a_connection_of_an_ipv4_client_with_an_ipv6_socket_is_from_here() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as client,
    ):
        client.connect(("::ffff:127.0.0.1", listener.getsockname()[1]))
        accepted, address = listener.accept()
        with accepted:
            asked: Scope = {
                "type": "http",
                "headers": [(b"host", b"127.0.0.1")],
                "client": address,
                "server": accepted.getsockname(),
            }
            assert asks_from_here(asked)


def test_another_user_of_this_machine_is_not(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert not asks_from_here(scope)


def test_where_the_system_does_not_tell_whose_a_connection_is_nobody_is(
    scope: Scope, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(this_machine, "_TABLES", (tmp_path / "no-such",))
    assert not asks_from_here(scope)


@pytest.mark.parametrize(
    "changed",
    [
        {"client": ("192.0.2.1", 40000)},
        {"client": ("2001:db8::1", 40000)},
        {"client": ("::ffff:192.0.2.1", 40000)},
        {"client": None},
        {"client": ("", 0)},
        {"server": None},
    ],
    ids=str,
)
def test_another_machine_is_not(scope: Scope, changed: Mapping[str, object]) -> None:
    assert not asks_from_here({**scope, **changed})


def test_another_port_than_that_of_the_connection_is_not(scope: Scope) -> None:
    address, port = scope["client"]
    assert not asks_from_here({**scope, "client": (address, port ^ 1)})


class TablesOfPage(HTMLParser):
    """The tables of a page: captions, headers with their scope, and what else has an id."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def count(self, tag: str, **attributes: str) -> int:
        return sum(name == tag and attributes.items() <= found.items() for name, found in self.seen)


def test_the_grid_is_a_table_whose_cells_say_in_words_what_their_colour_says(
    served: Served,
) -> None:
    page = requests.get(f"{served.url}en/board/?year=2023").text
    tables = TablesOfPage(page)
    assert tables.count("table") == tables.count("caption") == 1
    assert tables.count("th", scope="row") == 12
    assert tables.count("th", scope="col") == 1 + tables.count("td") // 12
    assert tables.count("div", role="region", tabindex="0") == 1
    states = re.findall(r'<td class="([a-z_]+)(?: incomplete)?">\s*(?:<a [^>]*>)?([^<]+)<', page)
    assert len(states) == tables.count("td")
    for state, word in states:
        assert word == text(f"board.states.{state}", "en")
    assert {"missing", "whole"} <= {state for state, _ in states}
    # What did not all come looks like it, beside its "n of m".
    assert '<td class="missing incomplete">' in page
    assert '<td class="whole incomplete">' not in page


def test_each_cell_leads_to_its_lists_with_the_command_to_run_next(served: Served) -> None:
    page = requests.get(f"{served.url}en/board/?year=2023").text
    links = re.findall(r'href="/(en/board/\?county=[^"]+)"', page)
    assert len(links) > 12
    for link in links:
        found = requests.get(served.url + link.replace("&amp;", "&"))
        assert found.status_code == 200, link
        assert "<code>krat " in found.text
    may = requests.get(f"{served.url}en/{CELL}").text
    for command in ("reminders", "findings list", "slips"):
        assert f"krat {command} --county AL-04 --month 2023-05" in may
    assert f"krat verify {served.home.releases / 'restricted' / 'AL-04' / '2023-05'}" in may
    assert 'href="/en/releases/restricted/AL-04/2023-05/r1/"' in may


def test_a_home_without_a_refresh_says_so(tmp_path: Path) -> None:
    home = Home(tmp_path / "home", tmp_path / "keys")
    home.root.mkdir()
    for language in LANGUAGES:
        page = board_page(home, language, {})
        assert page is not None
        assert text("board.never", language) in page.decode()
    assert board_page(home, "sq", {"county": "AL-04", "month": "2023-05"}) is None


def test_the_page_shows_who_writes_now(served: Served) -> None:
    def page() -> str:
        return requests.get(f"{served.url}en/board/").text

    assert text("board.now.idle", "en") in page()
    with one_writer(served.home, name="krat refresh"):
        assert re.search(r"Running since \d.*: krat refresh \(user ", page())
    assert text("board.now.idle", "en") in page()


def test_a_page_that_is_asked_for_while_one_writes_keeps_nobody_waiting(served: Served) -> None:
    asked = [
        threading.Thread(target=requests.get, args=(f"{served.url}en/board/",)) for _ in range(4)
    ]
    for each in asked:
        each.start()
    for _ in range(50):
        with one_writer(served.home, name="krat slips"):
            pass
    for each in asked:
        each.join()
