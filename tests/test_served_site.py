"""The site and the page of SQL as krat serve gives them, and the site built from a pulled tree."""

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner
from conftest import Refreshed, copy_home
from served import Served, change_settings, make_tokens, serving

from orchestration.cli import cli
from orchestration.refresh.steps import make_sites

pytestmark = [pytest.mark.data, pytest.mark.program]

#: What is there for whom: a path, and who gets it. The others get the same as for what isn't there.
SHOWN = {
    "site/public/sq/index.html": {None, "all", "fier", "vlore", "shssh"},
    "site/public/en/qark/AL-04.html": {None, "all", "fier", "vlore", "shssh"},
    "site/restricted/en/index.html": {"all"},
    "site/restricted/en/qark/AL-04.html": {"all", "fier"},
    "site/restricted/en/plani.html": {"all", "fier", "vlore"},
    "site/restricted/data/PKV-2021-2023/3.1.1.1.csv": {"all"},
    "site/public/nothing.html": set(),
    "sq/sql/public/": {None, "all", "fier", "vlore", "shssh"},
    "sql/public.duckdb": {None, "all", "fier", "vlore", "shssh"},
    "en/sql/restricted/": {"all"},
    "sql/restricted.duckdb": {"all"},
    "sql/warehouse.duckdb": set(),
    "sql/page.js": {None, "all", "fier", "vlore", "shssh"},
    "en/sql/other/": set(),
}

QUESTION = """
select sum(received) as received, sum(expected) as expected, 1.50 as decimal, [1, 2] as list,
    max(reporting_month) as day
from marts.reporting_rates
where received is not null -- each report once
"""


@pytest.fixture(scope="module")
def served(refreshed: Refreshed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of Fier's month with the sites of both tiers, as a refresh makes them."""
    home = copy_home(refreshed.home, tmp_path_factory.mktemp("served-site"))
    change_settings(home, sites=["public", "restricted"])
    assert make_sites(home) == ["public", "restricted"]
    assert make_sites(home) == []
    tokens = make_tokens(home)
    with serving(home) as url:
        yield Served(url=url, home=home, tokens=tokens)


@pytest.mark.parametrize("path", SHOWN)
@pytest.mark.parametrize("holder", [None, "all", "fier", "vlore", "shssh", "expired"])
def test_each_reader_gets_what_is_theirs(served: Served, path: str, holder: str | None) -> None:
    headers = served.bearer(holder) if holder else {}
    answer = requests.get(served.url + path, headers=headers, stream=True)
    if holder == "expired":
        assert answer.status_code == 401
    elif holder in SHOWN[path]:
        assert answer.status_code == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    elif holder is None and "restricted" in path:
        assert answer.status_code == 401
    else:
        assert answer.status_code == 404


def test_the_catalogue_leads_to_what_its_reader_may_see(served: Served) -> None:
    anyone = requests.get(f"{served.url}en/").text
    assert '"/site/public/en/index.html"' in anyone
    assert '"/en/sql/public/"' in anyone
    assert "/restricted/en/" not in anyone and "/sql/restricted/" not in anyone
    fier = requests.get(f"{served.url}en/", headers=served.bearer("fier")).text
    assert '"/site/restricted/en/qark/AL-04.html"' in fier
    assert "/sql/restricted/" not in fier
    every = requests.get(f"{served.url}en/", headers=served.bearer("all")).text
    assert '"/en/sql/restricted/"' in every


@pytest.fixture(scope="module")
def asked(
    served: Served,
    node: Callable[..., str],
    chromium: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[dict[str, Any]]:
    """The page of SQL in Chromium, by keyboard: a question of one's own, a wrong one, the file."""
    folder = tmp_path_factory.mktemp("sql")
    pages: list[dict[str, Any]] = [
        {
            "url": f"{served.url}en/sql/public/",
            "width": 1280,
            "keys": [
                {"at": "#query", "shows": "Ready."},
                {"at": "#query", "typed": QUESTION},
                {"at": "#run", "press": "Enter", "shows": "Rows: 1."},
                {"at": "#save", "press": "Enter", "saved": str(folder)},
            ],
        },
        {
            # As a browser does it that was asked for name and password.
            "url": served.url.replace("//", f"//name:{served.tokens['all']}@")
            + "sq/sql/restricted/",
            "width": 390,
            "keys": [
                {"at": "#query", "shows": "Gati."},
                {"at": "#query", "typed": "select nothing from nowhere"},
                {"at": "#run", "press": "Enter", "shows": "nowhere"},
            ],
        },
    ]
    for number, page in enumerate(pages):
        page["picture"] = str(folder / f"{number}.png")
    told: list[dict[str, Any]] = json.loads(node("page.cjs", chromium, given=json.dumps(pages)))
    [saved] = folder.glob("krat*.csv")
    return [*told, {"csv": saved.read_text("utf-8-sig")}]


def test_a_question_is_answered_in_the_browser_and_by_the_server_alone(
    asked: list[dict[str, Any]],
) -> None:
    answered, wrong, file = asked
    for page in (answered, wrong):
        assert page["found"] == []
        assert page["errors"] == []
        assert not page["isTooWide"]
    assert "nowhere does not exist" in wrong["text"]
    head, row = csv.reader(file["csv"].splitlines())
    assert head == ["received", "expected", "decimal", "list", "day"]
    received, expected, *others = row
    assert 0 < int(received) <= int(expected)
    assert others == ["1.50", "[1, 2]", "2023-05-01"]
    assert "\t".join(row) in answered["text"]
    # Questions about tables that a tier lacks are not offered.
    assert "marts.findings" not in answered["text"]


def test_a_site_of_a_pulled_tree_has_the_same_bytes(served: Served, tmp_path: Path) -> None:
    """All but the signature, for which ZKKA has no key of ours."""
    pulled = tmp_path / "pulled"
    environment = {
        "KRAT_HOME": str(tmp_path / "elsewhere"),
        "KRAT_KEYS": str(tmp_path / "no-keys"),
        "KRAT_TOKEN": served.tokens["all"],
    }
    for arguments in (
        [
            "pull",
            "--from",
            served.url,
            "--since",
            "2023-01",
            "--out",
            str(pulled),
            "--tier",
            "public",
        ],
        [
            "site",
            "--tier",
            "public",
            "--tree",
            str(pulled / "releases"),
            "--out",
            str(tmp_path / "site"),
        ],
    ):
        done = CliRunner().invoke(cli, arguments, env=environment)
        assert done.exit_code == 0, done.output
    assert bytes_of(tmp_path / "site") == bytes_of(served.home.site / "public")


def test_a_tree_of_editions_alone_has_no_site_and_it_says_so(
    served: Served, tmp_path: Path
) -> None:
    shutil.copytree(served.home.releases / "public" / "persons", tmp_path / "t/public/persons")
    shutil.copy(served.home.releases / "release-key.pem", tmp_path / "t")
    order = ["site", "--tree", str(tmp_path / "t"), "--out", str(tmp_path / "site")]
    done = CliRunner().invoke(cli, order)
    assert done.exit_code == 1
    assert "There is no release of the tier public" in done.output


def bytes_of(site: Path) -> dict[str, bytes]:
    """Return the files of a site but its signature."""
    return {
        str(path.relative_to(site)): path.read_bytes()
        for path in site.rglob("*")
        if path.is_file() and path.name != "site.json.sig"
    }
