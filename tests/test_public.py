"""The public tier: what anyone may see of a county's month, and what stays behind."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import pytest
import requests
from click.testing import CliRunner
from conftest import MAY, Refreshed
from served import serving

from orchestration.cli import cli
from orchestration.gate.judge import Scope, judge
from orchestration.products.declaration import Tier, products
from orchestration.products.reference import public_registers
from orchestration.products.tree import facts_of
from orchestration.publication.changes import WhyChanged, unexplained
from orchestration.publication.public import NotPublic, release_public
from orchestration.publication.restricted import release
from orchestration.publication.writing import release as writer
from orchestration.publication.writing.release import Release
from orchestration.refresh.plan import changed_since_release
from orchestration.refresh.steps import Restricted, publish_public
from orchestration.runtime.database import read_warehouse, write_warehouse
from orchestration.runtime.settings import SEEDS
from sources.custody.home import Home
from sources.registers import load_registers

FIER, NATION = Scope("AL-04", MAY), Scope("AL", MAY)

#: The tables of a public release.
TABLES = {one.name: one for one in products(Tier.PUBLIC) if not one.editions}


def _folder(home: Home, county_code: str = "AL-04", number: int = 1) -> Path:
    return home.releases / "public" / county_code / "2023-05" / f"r{number}"


def _publish(home: Home, *scopes: Scope) -> list[tuple[Release, Release]]:
    """Publish scopes as a refresh does; return the restricted and the public release of each."""
    judge(home, list(scopes), load_registers(SEEDS))
    made = []
    for scope in scopes:
        restricted = release(home, *scope)
        made.append((restricted, release_public(home, *scope)))
    return made


def _tables(folder: Path) -> Iterator[tuple[str, str, list[list[str]]]]:
    """Yield every table that a stranger finds in a release: file, name, rows with their heading."""
    for path in sorted(folder.iterdir()):
        if path.suffix == ".parquet":
            yield path.name, path.stem, _rows(pd.read_parquet(path))
        elif path.suffix == ".csv":
            yield path.name, path.stem, _rows(pd.read_csv(path, dtype=str))
        elif path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as connection:
                named = "select table_name from duckdb_tables() union all select view_name from "
                for (name,) in connection.execute(
                    f"{named} duckdb_views() where not internal"
                ).fetchall():
                    frame = connection.execute(f'select * from "{name}"').df()
                    yield path.name, name, _rows(frame)
        elif path.suffix == ".xlsx":
            for sheet in openpyxl.load_workbook(path).worksheets:
                rows = [[str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
                yield path.name, sheet.title, rows


def _rows(frame: pd.DataFrame) -> list[list[str]]:
    return [list(frame.columns), *([str(cell) for cell in row] for row in frame.to_numpy())]


@pytest.mark.parametrize("county_code", ["AL", "AL-04"])
def test_a_stranger_finds_nothing_about_persons_in_any_file(
    county_code: str, refreshed: Refreshed
) -> None:
    folder = _folder(refreshed.home, county_code)
    with read_warehouse(refreshed.home) as connection:
        protected = [
            str(code)
            for (code,) in connection.execute(
                "select distinct indicator_code from core.dim_indicators where is_protected"
            ).fetchall()
        ]
    assert len(protected) > 10
    named = re.compile(rf"(?<![\d.])({'|'.join(map(re.escape, protected))})(?![\d.])")
    found = list(_tables(folder))
    for kind in (".parquet", ".csv", ".duckdb"):
        names = {name for file, name, _ in found if file.endswith(kind)}
        # What the plan itself says is for programs, in Parquet.
        plan = set(public_registers()) if kind == ".parquet" else set()
        assert names - {"sources"} == {*TABLES, *plan}
    sheets = {TABLES[name].title_sq for name in TABLES}
    for file, name, rows in found:
        if file.endswith(".xlsx"):
            assert name in {*sheets, "Kopertina", "Fjalori"} or name.startswith("Objektivi ")
        elif name in public_registers():
            # A county's own baseline may be a number of persons.
            if name == "fct_targets":
                place = rows[0].index("county_code")
                assert {row[place] for row in rows[1:]} == {"AL"}
            continue
        elif name != "sources":
            assert set(rows[0]) == set(TABLES[name].column_names), file
        # The register lists every indicator of the plan, without numbers.
        if name not in ("indicators", TABLES["indicators"].title_sq):
            assert not [row for row in rows if named.search(" ".join(row))], (file, name)
    texts = [(folder / file).read_text(encoding="utf-8") for file in ("gate.json", "CHANGES.md")]
    manifest = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    assert {Path(one["path"]).stem for one in manifest["resources"]} <= {
        *TABLES, *public_registers(), "sources", "gate", "CHANGES", "mart", "marts",
    }  # fmt: skip
    # Descriptions of columns were written before any data came.
    texts.append(json.dumps(manifest["release"]))
    assert not [text for text in texts if named.search(text) or "person_counts" in text]
    assert {path.suffix for path in folder.iterdir()} == {
        ".parquet", ".csv", ".duckdb", ".xlsx", ".json", ".md", ".sig",
    }  # fmt: skip


def test_what_is_not_protected_goes_out_in_full(refreshed: Refreshed) -> None:
    shown = pd.read_csv(_folder(refreshed.home) / "indicator_progress.csv")
    restricted = refreshed.home.releases / "restricted" / "AL-04" / "2023-05" / "r1"
    exact = pd.read_csv(restricted / "indicator_progress.csv")
    register = pd.read_csv(_folder(refreshed.home) / "indicators.csv", dtype=str)
    sensitive = set(register[register["is_person_sensitive"] == "True"]["indicator_code"])
    persons = set(register[register["unit"] == "persons"]["indicator_code"])
    assert len(sensitive) < len(persons | sensitive)
    assert not (persons | sensitive) & set(shown["indicator_code"])
    assert len(shown) + len(persons | sensitive) == 66
    of_shown = exact["indicator_code"].isin(shown["indicator_code"])
    pd.testing.assert_frame_equal(shown, exact[of_shown].reset_index(drop=True), check_dtype=False)


def test_findings_remarks_medians_and_hashes_of_deliveries_stay_behind(
    refreshed: Refreshed,
) -> None:
    folder = _folder(refreshed.home)
    gate = json.loads((folder / "gate.json").read_text(encoding="utf-8"))
    assert gate == {
        "county_code": "AL-04",
        "reporting_month": "2023-05-01",
        "tier": "public",
        "verdict": "pass",
    }
    with duckdb.connect(str(folder / "mart.duckdb"), read_only=True) as connection:
        tables = {
            name
            for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()
        }
        columns = connection.execute("select column_name from duckdb_columns()").fetchall()
    assert not tables & {"findings", "hotline_activity", "referral_flow", "remarks"}
    assert not [name for (name,) in columns if name.startswith("median_")]
    sources = pd.read_csv(folder / "sources.csv")
    assert len(sources) > 10
    assert sources["content_hash"].isna().all()
    assert sources["delivery_id"].isna().all()
    facts = facts_of(folder)
    assert facts["hashes"] == {}
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", facts["known_until"])


def test_the_same_content_is_not_published_twice(own_home: Home) -> None:
    made = _publish(own_home, NATION, FIER)
    assert [(public.number, public.is_new) for _, public in made] == [(1, False), (1, False)]


def test_a_public_release_follows_a_restricted_one_if_its_own_content_differs(
    own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it changes is explained by what came since the newest that has the same public rows."""
    explained = []

    def reasons(*given: Any) -> WhyChanged:
        explained.append(given[1].path)
        return unexplained

    monkeypatch.setattr("orchestration.publication.public.reasons_since", reasons)
    with write_warehouse(own_home) as connection:
        connection.execute(
            "update marts.indicator_progress set actual_month = actual_month + 1 "
            "where reporting_month = ? and indicator_code = '2.1.9.1'",
            [MAY],
        )
    made = _publish(own_home, NATION, FIER)
    assert [(restricted.number, public.number) for restricted, public in made] == [(2, 1), (2, 1)]
    with write_warehouse(own_home) as connection:
        # A county joined, of which nothing is counted in the rows that the change is about.
        connection.execute(
            "update marts.indicator_progress set counties_reporting = counties_reporting + 1 "
            "where county_code = 'AL'"
        )
    [(restricted, public)] = _publish(own_home, NATION)
    assert (restricted.number, public.number) == (3, 2)
    assert explained == [restricted.path.with_name("r2")]
    # From the number of restricted releases a reader could learn of changes in what is protected.
    assert not [path for path in public.path.iterdir() if b"restricted" in path.read_bytes()]
    changes = (public.path / "CHANGES.md").read_text(encoding="utf-8")
    assert "| counties_reporting | 1 | 2 |" in changes
    assert "2.1.9.1" not in changes


def test_a_public_release_that_a_killed_run_left_out_is_made_by_the_next(
    own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> Release:
        raise KeyboardInterrupt

    with write_warehouse(own_home) as connection:
        connection.execute(
            "update marts.indicator_progress set actual_month = actual_month + 1 "
            "where reporting_month = ? and indicator_code = '3.1.1.1' and county_code = 'AL-04'",
            [MAY],
        )
    judge(own_home, [FIER], load_registers(SEEDS))
    restricted = release(own_home, *FIER)
    with monkeypatch.context() as patched:
        patched.setattr("orchestration.refresh.steps.release_public", killed)
        with pytest.raises(KeyboardInterrupt):
            publish_public(own_home, Restricted({FIER: restricted}))
    assert changed_since_release(own_home) == [FIER]
    again = release(own_home, *FIER)
    assert not again.is_new
    [public] = publish_public(own_home, Restricted({FIER: again})).releases
    assert (public.number, public.is_new) == (2, True)
    assert changed_since_release(own_home) == []


@pytest.mark.parametrize("county_code", ["AL", "AL-04"])
def test_a_public_release_has_its_status_and_its_completeness(
    county_code: str, refreshed: Refreshed
) -> None:
    folder = _folder(refreshed.home, county_code)
    facts = facts_of(folder)
    assert facts["status"] == "provisional"
    assert date.fromisoformat(facts["final_on"]) > date.fromisoformat(facts["released_on"])
    came = facts["completeness"]
    assert 0 < came["received"] <= came["expected"]
    book = openpyxl.load_workbook(folder / "marts.xlsx", read_only=True)
    cover = [value for row in book["Kopertina"].iter_rows(values_only=True) for value in row]
    assert any(f"{came['received']} of {came['expected']} reports" in str(one) for one in cover)
    assert any("Provisional" in str(one) for one in cover)
    values = pd.read_csv(folder / "observations.csv", keep_default_na=False, dtype=str)
    assert {"P", "U"} <= set(values["obs_status"])
    assert set(values["conf_status"]) == {"F"}
    empty = values["obs_value"] == ""
    assert not set(values[empty]["obs_status"]) & {"P", "U", "Q"}


# Over HTTP, for anyone


def test_anyone_reads_the_public_release_over_http(
    own_home: Home, extensions: Path, tmp_path: Path
) -> None:
    """No token: the catalogue, krat pull, DuckDB and pandas show what was published."""
    progress = pd.read_parquet(_folder(own_home) / "indicator_progress.parquet")
    environment = {"KRAT_HOME": str(tmp_path / "home"), "KRAT_KEYS": str(tmp_path / "keys")}
    with serving(own_home) as url:
        catalogue = requests.get(f"{url}catalog.json").json()
        offered = {one["county_code"]: one for one in catalogue["releases"]}
        assert set(offered) == {"AL", "AL-04"}
        fier = offered["AL-04"]
        assert (fier["tier"], fier["month"], fier["status"]) == ("public", "2023-05", "provisional")
        assert 0 < fier["completeness"]["received"] <= fier["completeness"]["expected"]
        page = requests.get(f"{url}en/").text
        assert "provisional" in page
        assert f"{fier['completeness']['received']} of {fier['completeness']['expected']}" in page

        address = f"{url}{fier['path']}indicator_progress.parquet"
        pd.testing.assert_frame_equal(pd.read_parquet(address), progress)
        names: dict[str, Any] = {}
        exec(catalogue["snippets"]["pandas"], names)
        assert set(names["frame"]["county_code"]) == {"AL-04"}
        with duckdb.connect(config={"extension_directory": str(extensions)}) as reader:
            reader.execute("load httpfs")
            shown = reader.execute(
                "select count(*), sum(actual_month), count(*) filter (actual_month is null) "
                "from read_parquet(?)",
                [address],
            ).fetchone()
            actual = progress["actual_month"]
            assert shown == (len(progress), actual.sum(), actual.isna().sum())
            reader.execute(f"attach '{url}{fier['path']}mart.duckdb' as mart (read_only)")
            kept = reader.execute(
                "select count(*), sum(actual_month) from mart.indicator_progress"
            ).fetchone()
            assert kept == shown[:2]

        out = tmp_path / "pulled"
        command = ["pull", "--from", url, "--since", "2023-01", "--out", str(out), "--english"]
        pulled = CliRunner().invoke(cli, [*command, "--tier", "public"], env=environment)
        assert pulled.exit_code == 0, pulled.output
        again = CliRunner().invoke(cli, [*command, "--tier", "public"], env=environment)
        assert "Nothing new: 2 releases" in again.output
    assert (
        CliRunner().invoke(cli, ["verify", str(out / "releases")], env=environment).exit_code == 0
    )
    with duckdb.connect(str(out / "national.duckdb"), read_only=True) as national:
        rows = national.execute(
            "select count(*), sum(actual_month) from marts.indicator_progress "
            "where county_code = 'AL-04'"
        ).fetchone()
        assert rows == shown[:2]


# What is not public gets into no release


def _protected(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(indicator_code=["2.1.9.1", *frame["indicator_code"][1:]])


def _observed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(mart_row=["PKV-2021-2023/2.1.9.1", *frame["mart_row"][1:]])


def _changed(frame: pd.DataFrame) -> pd.DataFrame:
    row = {
        "mart": "indicator_progress", "mart_row": "PKV-2021-2023/2.1.9.1", "value_after": 5.0,
        "plan_code": "PKV-2021-2023", "indicator_code": "2.1.9.1",
    }  # fmt: skip
    return pd.DataFrame([{**dict.fromkeys(frame.columns), **row}])


def _of_a_table_left_out(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(mart=["person_counts", *frame["mart"][1:]])


def _median(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(median_days=2.5)


@pytest.mark.parametrize(
    ("table", "tamper", "reason"),
    [
        ("indicator_progress", _protected, "shows 2.1.9.1 of PKV-2021-2023, which is protected"),
        ("observations", _observed, "shows 2.1.9.1 of PKV-2021-2023, which is protected"),
        ("changes", _changed, "shows 2.1.9.1 of PKV-2021-2023, which is protected"),
        ("observations", _of_a_table_left_out, "numbers of a table that is not public"),
        ("reporting_rates", _median, "columns that are not public: median_days"),
        ("person_counts", _median, "person_counts is no table of a public release"),
    ],
)
def test_what_is_not_public_stops_the_release_and_nothing_else(
    table: str,
    tamper: Callable[[pd.DataFrame], pd.DataFrame],
    reason: str,
    own_home: Home,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = writer._write

    def tampering(draft: Path, content: Any, *rest: Any) -> Any:
        written = write(draft, content, *rest)
        if (content.tier, content.county_code) == (Tier.PUBLIC, "AL-04"):
            path = draft / f"{table}.parquet"
            frame = pd.read_parquet(path if path.exists() else draft / "counties.parquet")
            tamper(frame).to_parquet(path)
        return written

    monkeypatch.setattr(writer, "_write", tampering)
    with write_warehouse(own_home) as connection:
        connection.execute(
            "update marts.indicator_progress set actual_month = actual_month + 1 "
            "where reporting_month = ? and indicator_code = '3.1.1.1'",
            [MAY],
        )
    judge(own_home, [FIER, NATION], load_registers(SEEDS))
    restricted = {scope: release(own_home, *scope) for scope in (FIER, NATION)}
    with pytest.raises(NotPublic, match=re.escape(reason)):
        release_public(own_home, *FIER)
    public = publish_public(own_home, Restricted(restricted))
    assert [one.path.parts[-3:] for one in public.releases] == [("AL", "2023-05", "r2")]
    [refusal] = public.refused
    assert refusal.scope == FIER and reason in refusal.reason
    # Nothing of it is left, and the next refresh tries again.
    assert [path.name for path in _folder(own_home).parent.glob("*r*")] == ["r1"]
    assert changed_since_release(own_home) == [FIER]
