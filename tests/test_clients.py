"""Clients that others wrote read releases over HTTP: restricted with a token, public without."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
import requests
from programs import LibreOffice
from served import Served

from orchestration.products.reference import reference_months, reference_registers

FIER = "releases/restricted/AL-04/2023-05/r1/"
PUBLIC = "releases/public/AL/2023-05/r1/"

BOTH_TIERS = pytest.mark.parametrize(("path", "holder"), [(FIER, "fier"), (PUBLIC, None)])


@pytest.fixture
def reader(extensions: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB as a reader's, with httpfs and no cache from another test."""
    with duckdb.connect(config={"extension_directory": str(extensions)}) as connection:
        connection.execute("load httpfs")
        yield connection


def rows_of(served: Served, path: str, mart: str = "indicator_progress") -> int:
    return len(pd.read_parquet(served.home.root / path / f"{mart}.parquet"))


def allow(connection: duckdb.DuckDBPyConnection, served: Served, holder: str | None) -> None:
    if holder:
        connection.execute(
            f"create secret (type http, bearer_token '{served.tokens[holder]}', "
            f"scope '{served.url}')"
        )


@BOTH_TIERS
def test_duckdb_attaches_the_database_and_reads_parquet(
    served: Served, reader: duckdb.DuckDBPyConnection, path: str, holder: str | None
) -> None:
    allow(reader, served, holder)
    url = served.url + path
    reader.execute(f"attach '{url}mart.duckdb' as mart (read_only)")
    attached = reader.execute("select count(*) from mart.indicator_progress").fetchone()
    read = reader.execute(
        f"select count(*) from read_parquet('{url}indicator_progress.parquet')"
    ).fetchone()
    assert attached == read == (rows_of(served, path),)
    comment = reader.execute(
        "select comment from duckdb_tables() where database_name = 'mart' "
        "and table_name = 'indicator_progress'"
    ).fetchone()
    assert comment is not None
    assert "One row is" in comment[0]


def test_duckdb_without_the_token_gets_nothing(
    served: Served, reader: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(duckdb.Error, match="HTTP Error"):
        reader.execute(f"from read_parquet('{served.url}{FIER}indicator_progress.parquet')")
    allow(reader, served, "vlore")
    with pytest.raises(duckdb.Error, match="404"):
        reader.execute(f"from read_parquet('{served.url}{FIER}indicator_progress.parquet')")


def test_a_countys_mart_of_a_month_takes_at_most_100_kilobytes(
    served: Served, reader: duckdb.DuckDBPyConnection
) -> None:
    """The bytes of all answers, by the access log, for all marts of the month together."""
    allow(reader, served, "fier")
    before = len(served.log_lines())
    registers = {f"{name}.parquet" for name in (*reference_registers(), *reference_months())}
    files = (path.name for path in (served.home.root / FIER).glob("*.parquet"))
    marts = [name for name in files if name not in registers]
    assert len(marts) >= 5
    for name in marts:
        reader.execute(f"from read_parquet('{served.url}{FIER}{name}')").fetchall()
    lines = served.log_lines()[before:]
    assert {line[4].rpartition("/")[2] for line in lines} == set(marts)
    assert 0 < sum(int(line[6]) for line in lines) <= 100_000


@BOTH_TIERS
def test_the_command_line_of_duckdb_runs_the_snippet_of_the_catalogue(
    served: Served, extensions: Path, path: str, holder: str | None
) -> None:
    """Every word as it is pasted, but for the token and where extensions lie."""
    snippet = _snippets(served, holder)["duckdb"]
    assert served.url + path in snippet
    done = subprocess.run(
        [
            str(Path(sys.prefix) / "bin" / "duckdb"), "-csv",
            "-cmd", f"set extension_directory = '{extensions}'",
        ],
        input=snippet,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )  # fmt: skip
    rows = [line for line in done.stdout.splitlines() if line.startswith(("AL-04,", "AL,"))]
    # Once by read_parquet and once from the attached database.
    assert len(rows) == 2 * rows_of(served, path)
    assert "Error" not in done.stderr


@BOTH_TIERS
def test_pandas_runs_the_snippet_of_the_catalogue(
    served: Served, path: str, holder: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, pd.DataFrame] = {}
    exec(_snippets(served, holder)["pandas"], names)
    expected = pd.read_parquet(served.home.root / path / "indicator_progress.parquet")
    pd.testing.assert_frame_equal(names["frame"], expected)
    assert f"[{len(expected)} rows x" in capsys.readouterr().out


def test_each_page_of_a_release_has_its_own_snippets(served: Served) -> None:
    headers = served.bearer("fier")
    page = requests.get(f"{served.url}en/{FIER}", headers=headers).text
    for kind in ("indicator_progress.parquet", "indicator_progress.csv", "mart.duckdb"):
        assert f"{served.url}{FIER}{kind}" in page
    assert "Csv.Document" in page
    assert "read.csv" in page


@BOTH_TIERS
def test_duckdb_from_node_reads_it(
    served: Served, node: Callable[..., str], extensions: Path, path: str, holder: str | None
) -> None:
    token = [served.tokens[holder]] if holder else []
    told = node("duckdb.cjs", str(extensions), served.url + path, *token)
    assert json.loads(told) == [rows_of(served, path)] * 2


@BOTH_TIERS
def test_libreoffice_opens_the_workbook_by_its_address(
    served: Served, libreoffice: LibreOffice, path: str, holder: str | None
) -> None:
    password = served.tokens[holder] if holder else ""
    sheets, cover = libreoffice.show(f"{served.url}{path}marts.xlsx", password)
    assert "Ecuria e treguesve" in sheets
    name = {"AL-04": "Fier: maj 2023", "AL": "Shqipëria: maj 2023"}[path.split("/")[2]]
    assert name in "|".join(cover)


#: The pages shown: path, who looks, and what stands there.
PAGES = (
    ("sq/", None, "Pjesa publike"),
    ("en/restricted/", "fier", "Restricted tier"),
    (f"sq/{FIER}", "fier", "mart.duckdb"),
    ("sq/send/", "shssh", "Zgjidhni skedarin"),
    ("en/send/", "shssh", "Choose the file"),
    ("sq/board/", None, "15 nga 17 raporte"),
    ("en/board/?year=2023", None, "15 of 17 reports"),
    ("sq/board/?county=AL-04&month=2023-05", None, "krat reminders --county AL-04 --month 2023-05"),
    ("en/board/?county=AL&month=2023-05", None, "Missing reports"),
)
WIDTHS = (390, 1280)


@pytest.fixture(scope="module")
def shown(
    served: Served,
    node: Callable[..., str],
    chromium: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[tuple[str, int], dict[str, Any]]:
    """What one Chromium shows of each page at each width of its window."""
    folder = tmp_path_factory.mktemp("pages")
    asked = [
        {
            "url": served.url + page,
            "width": width,
            "token": served.tokens[holder] if holder else None,
            "picture": str(folder / f"{number}-{width}.png"),
        }
        for number, (page, holder, _) in enumerate(PAGES)
        for width in WIDTHS
    ]
    told = json.loads(node("page.cjs", chromium, given=json.dumps(asked)))
    keys = [(page, width) for page, _, _ in PAGES for width in WIDTHS]
    assert all(Path(one["picture"]).read_bytes().startswith(b"\x89PNG") for one in asked)
    return dict(zip(keys, told, strict=True))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("page", "stands_there"), [(page, text) for page, _, text in PAGES])
def test_chromium_shows_the_pages_to_everyone(
    shown: dict[tuple[str, int], dict[str, Any]], page: str, stands_there: str, width: int
) -> None:
    """Loaded whole, nowhere wider than the window, and with nothing that axe finds wrong."""
    told = shown[page, width]
    assert stands_there in told["text"]
    assert told["border"] == "3px"
    assert told["found"] == []
    assert told["errors"] == []
    assert not told["isTooWide"]


def _snippets(served: Served, holder: str | None) -> dict[str, str]:
    """Return the snippets of the catalogue with the token where it is asked for."""
    headers = served.bearer(holder) if holder else {}
    content = requests.get(f"{served.url}catalog.json", headers=headers).json()
    token = served.tokens[holder] if holder else "?"
    return {name: text.replace("YOUR-TOKEN", token) for name, text in content["snippets"].items()}
