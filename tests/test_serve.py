"""krat serve over real HTTP: who can fetch what, and what a refusal doesn't tell."""

import itertools
import shutil
import stat
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner
from conftest import Refreshed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from served import (
    CANARY,
    COMMAND,
    Served,
    add_release,
    change_settings,
    home_to_serve,
    log_lines,
    make_tokens,
    raw_request,
    serving,
)

from orchestration.cli import cli
from orchestration.serving.tokens import make_token, read_tokens, revoke_token
from sources.custody.home import Home

FIER = "releases/restricted/AL-04/2023-05/r1/"
NATION = "releases/restricted/AL/2023-05/r1/"
PUBLIC = "releases/public/AL/2023-05/r1/"

#: Paths of restricted releases that are there and that aren't, for who may not have them.
REFUSED = [
    FIER + "gate.json",
    FIER + "no-such-file.csv",
    "releases/restricted/AL-04/2023-05/latest/gate.json",
    "releases/restricted/AL-04/2023-05/latest",
    "releases/restricted/AL-04/2023-05/",
    "releases/restricted/AL-04/1999-01/r7/gate.json",
    "releases/restricted/AL-99/2023-05/r1/gate.json",
    "releases/restricted/",
]


def answer(response: requests.Response) -> tuple[int, bytes, dict[str, str]]:
    """Return all that an answer tells, but for the clock."""
    headers = {name: text for name, text in response.headers.items() if name != "date"}
    return response.status_code, response.content, headers


def test_the_public_tier_needs_no_token(served: Served) -> None:
    for path in (served.home.root / PUBLIC).iterdir():
        assert requests.get(f"{served.url}{PUBLIC}{path.name}").content == path.read_bytes()


def test_a_token_opens_its_own_county_alone(served: Served) -> None:
    for path, opens in ((FIER, ["all", "fier"]), (NATION, ["all"])):
        whole = (served.home.root / path / "mart.duckdb").read_bytes()
        for holder in ("all", "fier", "vlore"):
            got = requests.get(f"{served.url}{path}mart.duckdb", headers=served.bearer(holder))
            assert (got.content == whole) == (holder in opens)
            assert got.status_code == (200 if holder in opens else 404)


def test_latest_stands_for_the_newest_release(served: Served) -> None:
    pointer = requests.get(f"{served.url}releases/public/AL/2023-05/latest")
    assert pointer.text == "r1\n"
    named = requests.get(f"{served.url}releases/public/AL/2023-05/latest/gate.json")
    assert named.content == (served.home.root / PUBLIC / "gate.json").read_bytes()


@pytest.mark.parametrize("holder", ["vlore", None])
def test_a_refusal_is_the_same_whether_the_release_is_there_or_not(
    served: Served, holder: str | None
) -> None:
    headers = served.bearer(holder) if holder else {}
    told = [answer(requests.get(served.url + path, headers=headers)) for path in REFUSED]
    assert all(one == told[0] for one in told)
    assert told[0][0] == (404 if holder else 401)


def test_pages_of_releases_are_refused_as_their_files_are(served: Served) -> None:
    headers = served.bearer("vlore")
    there = answer(requests.get(f"{served.url}en/{FIER}", headers=headers))
    nowhere = answer(requests.get(f"{served.url}en/{FIER.replace('r1', 'r9')}", headers=headers))
    assert there == nowhere
    assert there[0] == 404
    assert requests.get(f"{served.url}en/{FIER}").status_code == 401
    assert requests.get(f"{served.url}en/restricted/").status_code == 401


def test_unknown_expired_and_revoked_tokens_are_told_alike_wherever_they_are_used(
    served: Served,
) -> None:
    token_id, revoked = make_token(served.home, "x", "restricted", None, date(2999, 1, 1))
    revoke_token(served.home, token_id, "lost")
    bad = [revoked, served.tokens["expired"], "krat_unknown", ""]
    told = [
        answer(requests.get(served.url + path, headers={"Authorization": f"Bearer {token}"}))
        for token in bad
        for path in (FIER + "gate.json", PUBLIC + "gate.json", "nowhere")
    ]
    assert all(one == told[0] for one in told)
    assert told[0][0] == 401
    assert "invalid_token" in told[0][2]["www-authenticate"]


def test_a_token_works_from_when_it_is_made_until_it_is_revoked(served: Served) -> None:
    token_id, token = make_token(served.home, "x", "restricted", "AL-04", date(2999, 1, 1))
    headers = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{served.url}{FIER}gate.json", headers=headers).status_code == 200
    revoke_token(served.home, token_id, "left")
    assert requests.get(f"{served.url}{FIER}gate.json", headers=headers).status_code == 401


def test_two_servers_on_one_tree_agree_and_lose_no_line_of_the_log(
    refreshed: Refreshed, tmp_path: Path
) -> None:
    """Asked at once, as behind a proxy: what one lets in or refuses, so does the other."""
    home = home_to_serve(refreshed.home, tmp_path)
    token_id, token = make_token(home, "x", "restricted", "AL-04", date(2999, 1, 1))
    with serving(home) as one, serving(home) as other, ThreadPoolExecutor(8) as pool:

        def asked(number: int) -> int:
            url = (one, other)[number % 2]
            headers = {"Authorization": f"Bearer {token}"}
            return requests.get(f"{url}{FIER}gate.json", headers=headers).status_code

        assert {*pool.map(asked, range(60))} == {200}
        revoke_token(home, token_id, "left")
        assert {*pool.map(asked, range(10))} == {401}
        lines = log_lines(home)
    assert [line[5] for line in lines if line[2] == token_id].count("200") == 60
    assert {len(line) for line in lines} == {8}


def test_a_browser_can_send_the_token_as_a_password(served: Served) -> None:
    page = requests.get(f"{served.url}sq/restricted/", auth=("zkka", served.tokens["fier"]))
    assert "AL-04" in page.text
    assert requests.get(f"{served.url}sq/restricted/", auth=("zkka", "x")).status_code == 401


def test_tokens_that_were_tampered_with_open_nothing(served: Served) -> None:
    path = served.home.decisions / "tokens.jsonl"
    whole = path.read_bytes()
    try:
        path.write_bytes(whole.replace(b'"AL-12"', b'"AL-04"'))
        got = requests.get(f"{served.url}{FIER}gate.json", headers=served.bearer("vlore"))
        assert got.status_code == 503
        assert requests.get(f"{served.url}{PUBLIC}gate.json").status_code == 200
    finally:
        path.write_bytes(whole)
    got = requests.get(f"{served.url}{FIER}gate.json", headers=served.bearer("fier"))
    assert got.status_code == 200


def test_a_token_is_shown_once_and_kept_as_its_hash(own_home: Home) -> None:
    environment = {"KRAT_HOME": str(own_home.root), "KRAT_KEYS": str(own_home.keys)}

    def krat(*arguments: str) -> str:
        result = CliRunner().invoke(cli, ["token", *arguments], env=environment)
        assert result.exit_code == 0, result.output
        return result.stdout

    token = krat("make", "--reader", "ZKKA", "--county", "all", "--until", "2999-12-31").strip()
    [known] = read_tokens(own_home)
    assert token not in krat("list")
    assert "valid" in krat("list")
    kept = [path for path in own_home.root.rglob("*") if path.is_file()]
    assert all(token.encode() not in path.read_bytes() for path in kept)
    krat("revoke", known.token_id, "--reason", "lost")
    assert "revoked" in krat("list")
    again = CliRunner().invoke(
        cli, ["token", "revoke", known.token_id, "--reason", "lost"], env=environment
    )
    assert again.exit_code != 0


@pytest.fixture(scope="module")
def traps(served: Served) -> Iterator[None]:
    """Files that lie in and around the tree and are no part of a release."""
    root = served.home.root
    secrets = {
        root / "secret.txt",
        root / PUBLIC / ".hidden.csv",
        root / "releases/public/AL/2023-05/.r2.draft/gate.json",
        root / "releases/restricted/AL-04/2023-05/r1/secret.csv",
        root / "releases/public/AL/2023-05/r1.old/gate.json",
        root / "releases/public/notes.csv",
    }
    for path in secrets:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CANARY, encoding="utf-8")
    links = {
        root / PUBLIC / "link.csv": root / "secret.txt",
        root / "releases/public/AL/2023-05/r8": root / FIER,
        root / "releases/public/AL-04": root / "releases/restricted/AL-04",
    }
    for link, target in links.items():
        link.symlink_to(target)
    yield
    for path in [*secrets, *links]:
        path.unlink()
    for folder in (".r2.draft", "r1.old"):
        (root / "releases/public/AL/2023-05" / folder).rmdir()


_PIECES = st.sampled_from(
    [
        "releases", "public", "restricted", "AL", "AL-04", "2023-05", "r1", "r8", "latest",
        "secret.csv", "secret.txt", "link.csv", ".hidden.csv", ".r2.draft", "gate.json", "..", "",
        "notes.csv", ".", "%2e%2e", "%2e", "..%2f", "%2f", "%5c", "\\", "..\\", "%00", "%c0%ae",
        "%252e%252e", "r1.old", "home", "etc", "passwd", "en", "sq", "~", "*", ";", "r1%00.csv",
    ]
)  # fmt: skip


#: Ways that would lead to a trap, if one were open; the property bends them.
_NEAR = st.sampled_from(
    [
        ["releases", "public", "AL", "2023-05", "r1", "link.csv"],
        ["releases", "public", "AL", "2023-05", "r8", "secret.csv"],
        ["releases", "public", "AL", "2023-05", "r1", ".hidden.csv"],
        ["releases", "public", "AL", "2023-05", ".r2.draft", "gate.json"],
        ["releases", "public", "AL-04", "2023-05", "r1", "secret.csv"],
        ["releases", "restricted", "AL-04", "2023-05", "r1", "secret.csv"],
        ["releases", "public", "AL", "2023-05", "r1", "..", "..", "..", "..", "..", "secret.txt"],
        ["releases", "..", "secret.txt"],
    ]
)


@st.composite
def _paths(draw: st.DrawFn) -> str:
    """A way to a trap with pieces put in, or any pieces, however they are joined."""
    strange = st.one_of(_PIECES, st.text(st.characters(codec="ascii"), max_size=6))
    pieces = list(draw(st.one_of(_NEAR, st.lists(strange))))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        pieces.insert(draw(st.integers(0, len(pieces))), draw(strange))
    joint = draw(st.sampled_from(["/", "/", "/", "/", "/", "//", "/./", "%2f", "\\"]))
    path = "/" + joint.join(pieces)
    return "".join(one for one in path if one not in "\r\n \t?#")


@pytest.mark.usefixtures("traps")
@settings(max_examples=250, suppress_health_check=list(HealthCheck))
@given(path=_paths(), with_token=st.booleans())
def test_no_path_leads_out_of_what_a_reader_may_fetch(
    served: Served, path: str, with_token: bool
) -> None:
    token = f"Authorization: Bearer {served.tokens['vlore']}\r\n" if with_token else ""
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\n{token}Connection: close\r\n\r\n"
    got = raw_request(served.url, request.encode("ascii"))
    assert CANARY.encode() not in got
    assert b" 500 " not in got.partition(b"\r\n")[0]


@pytest.mark.usefixtures("traps")
@pytest.mark.parametrize(
    "path",
    [
        "/releases/../secret.txt",
        "/releases/public/../../secret.txt",
        "/releases/public/%2e%2e/%2e%2e/secret.txt",
        "/releases/public/AL/2023-05/r1/..%2f..%2f..%2f..%2f..%2fsecret.txt",
        "/releases/public/AL/2023-05/r1/../../../../restricted/AL-04/2023-05/r1/secret.csv",
        "/releases//secret.txt",
        "//secret.txt",
        "/releases/public/AL/2023-05/r1/.hidden.csv",
        "/releases/public/AL/2023-05/.r2.draft/gate.json",
        "/releases/public/AL/2023-05/r1.old/gate.json",
        "/releases/public/AL/2023-05/r1/link.csv",
        "/releases/public/AL/2023-05/r8/secret.csv",
        "/releases/public/AL-04/2023-05/r1/secret.csv",
        "/releases/public/notes.csv",
        "/releases/public/AL/2023-05/r1/gate.json%00",
        "/releases/public/AL/2023-05/r1/gate%2ejson",
        "/releases/public/AL/2023-05/r1/",
        "/releases/public/AL/2023-05/r1",
        "/releases/",
    ],
)
def test_what_is_no_file_of_a_release_is_not_found(served: Served, path: str) -> None:
    got = raw_request(
        served.url, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    )
    assert got.startswith(b"HTTP/1.1 404 ")
    assert CANARY.encode() not in got


def test_parts_of_a_file_are_served_as_the_standard_says(served: Served) -> None:
    url = f"{served.url}{PUBLIC}mart.duckdb"
    whole = (served.home.root / PUBLIC / "mart.duckdb").read_bytes()

    def get(**headers: str) -> requests.Response:
        return requests.get(
            url, headers={name.replace("_", "-"): headers[name] for name in headers}
        )

    head = requests.head(url)
    etag = head.headers["etag"]
    assert int(head.headers["content-length"]) == len(whole)
    assert (head.content, head.headers["accept-ranges"]) == (b"", "bytes")
    part = get(Range="bytes=4-99")
    assert (part.status_code, part.content) == (206, whole[4:100])
    assert part.headers["content-range"] == f"bytes 4-99/{len(whole)}"
    assert get(Range="bytes=-16").content == whole[-16:]
    assert get(Range="bytes=100-").content == whole[100:]
    several = get(Range="bytes=0-3,8-11")
    assert several.status_code == 206
    assert whole[8:12] in several.content
    assert get(Range=f"bytes={len(whole)}-").status_code == 416
    assert get(Range="bytes=0-3", If_Range=etag).content == whole[:4]
    assert get(Range="bytes=0-3", If_Range='"another"').content == whole
    assert get(If_None_Match=etag).status_code == 304


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_nothing_but_reading_is_allowed(served: Served, method: str) -> None:
    for path in (PUBLIC + "gate.json", "catalog.json", "", "en/"):
        assert requests.request(method, served.url + path).status_code == 405


def test_every_answer_carries_the_headers_that_protect_its_reader(served: Served) -> None:
    for path in ("", "catalog.json", PUBLIC + "gate.json", FIER + "gate.json", "nowhere"):
        headers = requests.get(served.url + path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers


def test_the_access_log_holds_no_secret(served: Served) -> None:
    token = served.tokens["fier"]
    requests.get(f"{served.url}{FIER}gate.json?token={token}", headers=served.bearer("fier"))
    requests.get(f"{served.url}releases/{token}")
    requests.get(f"{served.url}en/restricted/", auth=("x", token))
    requests.get(f"{served.url}{FIER}gate.json", headers={"Authorization": "Bearer krat_wrong"})
    log = served.home.access_log
    text = log.read_text(encoding="utf-8")
    assert "krat_" not in text
    assert "token=" not in text
    assert f"/{FIER}gate.json 200" in text
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    ids = {one.reader_name: one.token_id for one in read_tokens(served.home)}
    assert f" {ids['fier']} GET " in text


def test_the_catalogue_shows_only_what_its_reader_may_fetch(served: Served) -> None:
    def seen(holder: str | None) -> set[tuple[str, str]]:
        headers = served.bearer(holder) if holder else {}
        content = requests.get(f"{served.url}catalog.json", headers=headers).json()
        return {(one["tier"], one["county_code"]) for one in content["releases"]}

    anyone = {("public", "AL")}
    assert seen(None) == seen("vlore") == anyone
    assert seen("fier") == anyone | {("restricted", "AL-04")}
    assert seen("all") == anyone | {("restricted", "AL-04"), ("restricted", "AL")}
    page = requests.get(f"{served.url}en/", headers=served.bearer("fier")).text
    assert "restricted/AL-04/2023-05" in page
    assert "restricted/AL/" not in page
    assert "restricted/AL" not in requests.get(f"{served.url}en/").text


def test_the_catalogue_tells_of_each_release_how_complete_it_is_and_what_is_in_it(
    served: Served,
) -> None:
    content = requests.get(f"{served.url}catalog.json", headers=served.bearer("fier")).json()
    [fier] = [one for one in content["releases"] if one["county_code"] == "AL-04"]
    assert (fier["month"], fier["release"], fier["is_latest"]) == ("2023-05", 1, True)
    assert 0 < fier["completeness"]["received"] < fier["completeness"]["expected"]
    assert date.fromisoformat(fier["released_on"])
    for file in fier["files"]:
        got = requests.get(served.url + fier["path"] + file["name"], headers=served.bearer("fier"))
        assert len(got.content) == file["bytes"]


def test_a_release_that_says_whether_it_is_final_is_shown_so(served: Served) -> None:
    came = {"expected": 40, "received": 38, "on_time": 30, "hotline": "none", "referral": "part"}
    facts = {"status": "final", "completeness": came}
    release = add_release(
        served.home, "restricted/AL/2023-05/r1", "public", "AL", "2023-07", **facts
    )
    try:
        [told] = [
            one
            for one in requests.get(f"{served.url}catalog.json").json()["releases"]
            if one["month"] == "2023-07"
        ]
        assert told["status"] == "final"
        assert told["completeness"] == {
            "expected": 40,
            "received": 38,
            "counties_reporting": None,
            "counties_expected": None,
            "counties_missing": None,
            "hotline": "none",
            "referral": "part",
        }
        for path in ("sq/", f"sq/{told['path']}"):
            page = requests.get(f"{served.url}{path}").text
            assert "përfundimtar" in page
            assert "38 nga 40" in page
            assert "pa regjistrin e linjës kombëtare" in page
            assert "pa një pjesë të regjistrit të referimeve" in page
    finally:
        shutil.rmtree(release.parent)


def test_a_catalogue_that_did_not_change_is_not_sent_again(served: Served) -> None:
    url = f"{served.url}catalog.json"
    etag = requests.get(url, headers=served.bearer("all")).headers["etag"]
    again = requests.get(url, headers={**served.bearer("all"), "If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    other = requests.get(url, headers={**served.bearer("fier"), "If-None-Match": etag})
    assert other.status_code == 200


def test_a_new_release_stands_in_the_catalogue_at_once(served: Served) -> None:
    url = f"{served.url}catalog.json"

    def numbers() -> list[tuple[int, bool]]:
        releases = requests.get(url).json()["releases"]
        return [(one["release"], one["is_latest"]) for one in releases if one["month"] == "2023-06"]

    assert numbers() == []
    released = [
        add_release(served.home, "restricted/AL/2023-05/r1", "public", "AL", "2023-06")
        for _ in range(2)
    ]
    assert numbers() == [(1, False), (2, True)]
    shutil.rmtree(released[0].parent)
    assert numbers() == []


class Outline(HTMLParser):
    """What a reader who sees no looks is told: language, headings, captions, heads of columns."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag."""
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of each of these tags."""
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize(
    ("path", "language", "title"),
    [
        ("sq/", "sq", "Katalogu i publikimeve"),
        ("en/", "en", "Catalogue of releases"),
        ("sq/" + PUBLIC, "sq", "Shqipëria, maj 2023, publikimi r1"),
        ("en/" + PUBLIC, "en", "Albania, May 2023, release r1"),
    ],
)
def test_a_page_can_be_read_without_looks_or_scripts(
    served: Served, path: str, language: str, title: str
) -> None:
    got = requests.get(served.url + path)
    outline = Outline(got.text)
    assert f"<h1>{title}</h1>" in got.text
    assert outline.all("html")[0]["lang"] == language
    assert not outline.all("script")
    assert not any(name.startswith("on") for _, attributes in outline.tags for name in attributes)
    levels = [int(tag[1]) for tag, _ in outline.tags if tag in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert len(outline.all("caption")) == len(outline.all("table")) > 0
    assert all("scope" in one for one in outline.all("th"))
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for link in outline.all("a"):
        href = str(link["href"])
        target = served.url.rstrip("/") + href
        assert href.startswith("#") or requests.get(target).status_code in (200, 401), href


def test_a_browser_gets_its_own_language(served: Served) -> None:
    for wanted, language in (("en-GB,en;q=0.9", "en"), ("sq", "sq"), ("de", "sq"), ("", "sq")):
        page = requests.get(served.url, headers={"Accept-Language": wanted})
        assert f'<html lang="{language}">' in page.text


def test_a_false_host_name_never_reaches_the_page(served: Served) -> None:
    for host in ('x"><script>alert(1)</script>', "a b", "x'; drop table"):
        page = requests.get(f"{served.url}en/", headers={"Host": host}).text
        assert "script" not in page
        assert "http://127.0.0.1/releases" in page


def test_who_asks_too_often_is_told_to_wait(tmp_path: Path) -> None:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    home.root.mkdir()
    change_settings(
        home,
        limits={
            "per_token": "4/minute",
            "per_address": "4/minute",
            "failed_tokens": "3/minute",
            "checks_per_token": "1/minute",
        },
    )
    tokens = make_tokens(home)
    with serving(home) as url:

        def statuses(**headers: str) -> list[int]:
            return [requests.get(url, headers=headers).status_code for _ in range(5)]

        assert statuses() == [200] * 4 + [429]
        good = {"Authorization": f"Bearer {tokens['all']}"}
        assert statuses(**good) == [200] * 4 + [429]
        assert statuses(Authorization="Bearer krat_wrong") == [401] * 3 + [429] * 2
        refused = requests.get(url, headers={"Authorization": f"Bearer {tokens['fier']}"})
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 60


def test_it_serves_by_tls_with_its_own_certificate(
    refreshed: Refreshed, tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    home = home_to_serve(refreshed.home, tmp_path)
    cert, key = certificate
    with serving(home, "--certfile", str(cert), "--keyfile", str(key)) as url:
        assert url.startswith("https://127.0.0.1:")
        named = url.replace("127.0.0.1", "localhost")
        got = requests.get(f"{named}{PUBLIC}gate.json", verify=str(cert))
        assert got.content == (home.root / PUBLIC / "gate.json").read_bytes()
        assert got.headers["strict-transport-security"].startswith("max-age=")
        catalogue = requests.get(f"{named}catalog.json", verify=str(cert)).json()
        assert catalogue["base_url"].startswith("https://localhost:")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--host", "0.0.0.0"), "in the clear"),
        (("--certfile", "CERT"), "go together"),
        (("--certfile", "CERT", "--keyfile", "CERT"), "no pair for TLS"),
        (("--host", "198.51.100.1", "--certfile", "CERT", "--keyfile", "KEY"), "can't listen"),
    ],
)
def test_a_server_that_can_not_be_safe_does_not_start(
    served: Served, certificate: tuple[Path, Path], options: tuple[str, ...], said: str
) -> None:
    named = {"CERT": str(certificate[0]), "KEY": str(certificate[1])}
    environment = {"KRAT_HOME": str(served.home.root), "KRAT_KEYS": str(served.home.keys)}
    done = subprocess.run(
        [*COMMAND, "serve", "--port", "0", *(named.get(one, one) for one in options)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr
