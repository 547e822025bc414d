"""The public tier: what anyone may see, and that nothing goes out when something would leak."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import pytest
import requests
from click.testing import CliRunner
from conftest import Refreshed
from served import serving

from expectations.protection import MASKED, load_protection
from orchestration.cli import cli
from orchestration.gate.disclosure import DisclosureRefused
from orchestration.gate.judge import Scope
from orchestration.products.codes import labels
from orchestration.products.tree import facts_of
from orchestration.publication.public import PublicOutcome, passes, release_public
from orchestration.publication.writing import release as writer
from orchestration.refresh.steps import publish_public
from sources.custody.home import Home

#: What a workbook has for a small count.
SHOWN_AS_SUPPRESSED = labels("value_state")["suppressed"]


DECEMBER = date(2023, 12, 1)
FIER, NATION = Scope("AL-04", DECEMBER), Scope("AL", DECEMBER)
RULES = load_protection()


@pytest.fixture(scope="module")
def published(refreshed: Refreshed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The example's December, public."""
    folder = tmp_path_factory.mktemp("public")
    home = Home(root=folder / "home", keys=refreshed.home.keys)
    home.root.mkdir()
    shutil.copy(refreshed.home.version, home.version)
    shutil.copy(refreshed.home.warehouse, home.warehouse)
    outcome = release_public(home, [NATION, FIER])
    assert outcome.refusal is None
    assert [made.number for made in outcome.releases] == [1, 1]
    yield home


@pytest.fixture
def before(published: Home, tmp_path: Path) -> Home:
    """A home in which December is not public yet."""
    home = Home(root=tmp_path / "home", keys=published.keys)
    home.root.mkdir()
    shutil.copy(published.warehouse, home.warehouse)
    return home


def _folder(home: Home, county_code: str = "AL-04", number: int = 1) -> Path:
    return home.releases / "public" / county_code / "2023-12" / f"r{number}"


def _counts(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "person_counts.csv", keep_default_na=False, dtype=str)


def test_counts_of_persons_are_rounded_or_stand_as_a_state_never_as_zero_or_blank(
    published: Home,
) -> None:
    for county_code in ("AL", "AL-04"):
        counts = _counts(_folder(published, county_code))
        shown = counts[counts["value"] != ""]
        assert len(shown) > 20
        assert (shown["value"].astype(int) % RULES.base == 0).all()
        assert shown["value"].astype(int).min() >= RULES.threshold - 1
        assert set(shown["value_state"]) == {"number"}
        hidden = counts[counts["value"] == ""]
        assert set(hidden["value_state"]) <= {*MASKED, "not_reported"}
        assert set(hidden["progress"]) == {""}
        signs = dict(zip(counts["value_state"], counts["conf_status"], strict=True))
        assert signs["suppressed"] == "C"
        assert signs["number"] == "F"


def test_every_true_count_is_one_that_its_public_sign_stands_for(
    published: Home, refreshed: Refreshed
) -> None:
    with duckdb.connect(str(refreshed.home.warehouse), read_only=True) as connection:
        true = connection.execute(
            "select county_code, period, subject, dimension, category, value "
            "from marts.person_counts where reporting_month = ?",
            [DECEMBER],
        ).fetchall()
    small = {tuple(key) for *key, value in true if value < RULES.threshold}
    assert small
    for county_code in ("AL", "AL-04"):
        counts = _counts(_folder(published, county_code))
        keys = ["county_code", "period", "subject", "dimension", "category"]
        for row in counts.itertuples(index=False):
            key = tuple(getattr(row, name) for name in keys)
            assert key not in small or row.value_state in MASKED


def test_what_is_protected_stands_in_one_table_only_and_findings_in_none(published: Home) -> None:
    folder = _folder(published)
    progress = pd.read_csv(folder / "indicator_progress.csv")
    register = pd.read_csv(folder / "indicators.csv", dtype=str)
    sensitive = set(register[register["is_person_sensitive"] == "True"]["indicator_code"])
    assert sensitive
    assert not sensitive & set(progress["indicator_code"])
    assert len(progress) + len(sensitive) == 66
    with duckdb.connect(str(folder / "mart.duckdb"), read_only=True) as connection:
        tables = {
            name
            for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()
        }
    assert not tables & {"findings", "hotline_activity", "referral_flow", "remarks"}
    counts = _counts(folder)
    assert set(counts["period"]) == {"2023"}
    assert "sex_and_age_group" not in set(counts["dimension"])


def test_workbook_and_database_show_what_the_csv_shows(published: Home) -> None:
    folder = _folder(published)
    counts = _counts(folder)
    book = openpyxl.load_workbook(folder / "marts.xlsx", read_only=True)
    cells = [
        value for row in book["Numrat për persona"].iter_rows(values_only=True) for value in row
    ]
    assert cells.count(SHOWN_AS_SUPPRESSED) == (counts["value_state"] == "suppressed").sum()
    assert not any(value == 0 for value in cells if not isinstance(value, bool))
    with duckdb.connect(str(folder / "mart.duckdb"), read_only=True) as connection:
        row = connection.execute("select sum(value), count(*) from person_counts").fetchone()
    assert row == (counts["value"].replace("", "0").astype(int).sum(), len(counts))


def test_the_verdict_is_told_without_what_would_leak(published: Home) -> None:
    gate = json.loads((_folder(published) / "gate.json").read_text(encoding="utf-8"))
    counts = _counts(_folder(published))
    assert gate["verdict"] == "pass"
    assert gate["disclosure"].pop("same_persons")["2.1.9.1"] == "2.1.1.1"
    assert gate["disclosure"] == {
        "threshold": 11,
        "base": 5,
        "masked_cells": int(counts["value_state"].isin(MASKED).sum()),
        "every_masked_cell_covers": [0, 10],
    }
    assert "findings_by_rule" not in gate
    kept = json.loads((published.gate / "disclosure.json").read_text(encoding="utf-8"))
    assert kept["verdict"] == "pass"
    sources = pd.read_csv(_folder(published) / "sources.csv")
    assert len(sources) > 10
    assert sources["content_hash"].isna().all()


def test_the_same_content_is_not_published_twice(published: Home) -> None:
    outcome = release_public(published, [NATION, FIER])
    assert [(made.number, made.is_new) for made in outcome.releases] == [(1, False), (1, False)]


def test_a_month_in_which_no_period_ends_has_no_counts_of_persons(before: Home) -> None:
    (made,) = release_public(before, [Scope("AL-04", date(2023, 5, 1))]).releases
    assert len(pd.read_csv(made.path / "person_counts.csv")) == 0
    assert len(pd.read_csv(made.path / "indicator_progress.csv")) > 40


def test_the_nation_of_one_county_has_no_more_shapes_than_the_county(published: Home) -> None:
    counts = _counts(_folder(published, "AL"))
    of_one = counts[counts["counties"] == "AL-04"]
    assert len(of_one) > 20
    assert set(of_one["period"]) == {"2023"}
    assert "sex_and_age_group" not in set(of_one["dimension"])


def test_a_correction_gives_a_second_release_judged_with_the_first(
    published: Home, before: Home
) -> None:
    shutil.copytree(published.releases, before.releases)
    with duckdb.connect(str(before.warehouse)) as connection:
        connection.execute(
            "update publication.public_counts set value = value + 20 "
            "where subject = 'hotline_contacts' "
            "and reporting_month = ? and (dimension = 'total' or category = 'phone_116006' "
            "or category = 'information')",
            [DECEMBER],
        )
        # A county joined, of which nothing is counted in the rows that the change is about.
        connection.execute(
            "update publication.public_counts set counties_reporting = counties_reporting + 1"
        )
    outcome = release_public(before, [NATION, FIER])
    assert outcome.refusal is None
    assert [made.number for made in outcome.releases] == [2, 2]
    joined = (_folder(before, "AL", number=2) / "CHANGES.md").read_text(encoding="utf-8")
    assert "| counties_reporting | 1 | 2 |" in joined
    changes = (_folder(before, number=2) / "CHANGES.md").read_text(encoding="utf-8")
    assert "hotline_contacts total total" in changes
    listed = [line.split(" | ") for line in changes.splitlines() if line.startswith("| AL-04 2023")]
    assert {row[0].split()[3] for row in listed} == {"hotline_contacts"}
    assert all(was != now for _, _, was, now, *_ in listed)
    restated = pd.read_parquet(_folder(before, number=2) / "changes.parquet")
    assert {"2023/hotline_contacts/total/total"} < set(restated["mart_row"])
    shown = restated[["value_before", "value_after"]].stack().dropna()
    assert (shown % RULES.base == 0).all()
    assert shown.min() >= RULES.threshold - 1


def test_a_public_release_tells_its_status_how_complete_it_is_and_each_values_status(
    published: Home,
) -> None:
    for county_code in ("AL", "AL-04"):
        folder = _folder(published, county_code)
        facts = facts_of(folder)
        assert facts["status"] == "provisional"
        assert date.fromisoformat(facts["final_on"]) > date.fromisoformat(facts["released_on"])
        came = facts["completeness"]
        assert 0 < came["received"] <= came["expected"]
        book = openpyxl.load_workbook(folder / "marts.xlsx", read_only=True)
        cover = [value for row in book["Kopertina"].iter_rows(values_only=True) for value in row]
        assert any(f"{came['received']} of {came['expected']} reports" in str(one) for one in cover)
        assert any("Provisional" in str(one) for one in cover)
        counts = _counts(folder)
        values = pd.read_csv(folder / "observations.csv", keep_default_na=False, dtype=str)
        of_counts = values[(values["mart"] == "person_counts") & (values["measure"] == "value")]
        states = {"suppressed": "Q", "withheld": "Q", "not_reported": "O", "number": "P"}
        # Of a number that may grow that is the graver thing to know.
        is_bound = (counts["value_state"] == "number") & (counts["is_lower_bound"] == "True")
        told = counts["value_state"].map(states).mask(is_bound, "U").value_counts().to_dict()
        assert of_counts["obs_status"].value_counts().to_dict() == told
        masked = of_counts[of_counts["obs_status"] == "Q"]
        assert set(masked["obs_value"]) == {""}
        assert set(masked["conf_status"]) == set(
            counts[counts["value_state"].isin(MASKED)]["conf_status"]
        )


def test_what_stands_is_judged_by_the_parameters_that_it_was_made_with(
    before: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made with k = 5, a release shows what k = 11 masks: that can't be taken back."""
    with monkeypatch.context() as patched:
        loose = lambda *given: replace(load_protection(*given), threshold=5)  # noqa: E731
        patched.setattr("orchestration.publication.public.shape.load_protection", loose)
        assert release_public(before, [NATION, FIER]).refusal is None
    first = _counts(_folder(before))
    assert first["value"].replace("", "99").astype(int).min() < RULES.threshold - 1
    outcome = release_public(before, [NATION, FIER])
    assert outcome.refusal is None
    assert [made.number for made in outcome.releases] == [2, 2]
    second = _counts(_folder(before, number=2))
    assert second["value"].replace("", "99").astype(int).min() >= RULES.threshold - 1


def test_a_scope_that_the_gate_has_not_judged_does_not_pass(refreshed: Refreshed) -> None:
    assert passes(refreshed.home, Scope("AL-04", date(2023, 5, 1)))
    assert not passes(refreshed.home, FIER)


# Over HTTP, for anyone


def test_anyone_reads_the_public_release_over_http(
    published: Home, extensions: Path, tmp_path: Path
) -> None:
    """No token: the catalogue, krat pull, DuckDB and pandas show what was published."""
    counts = pd.read_parquet(_folder(published) / "person_counts.parquet")
    environment = {"KRAT_HOME": str(tmp_path / "home"), "KRAT_KEYS": str(tmp_path / "keys")}
    with serving(published) as url:
        catalogue = requests.get(f"{url}catalog.json").json()
        offered = {one["county_code"]: one for one in catalogue["releases"]}
        assert set(offered) == {"AL", "AL-04"}
        fier = offered["AL-04"]
        assert (fier["tier"], fier["month"], fier["status"]) == ("public", "2023-12", "provisional")
        assert 0 < fier["completeness"]["received"] <= fier["completeness"]["expected"]
        page = requests.get(f"{url}en/").text
        assert "provisional" in page
        assert f"{fier['completeness']['received']} of {fier['completeness']['expected']}" in page

        address = f"{url}{fier['path']}person_counts.parquet"
        pd.testing.assert_frame_equal(pd.read_parquet(address), counts)
        names: dict[str, Any] = {}
        exec(catalogue["snippets"]["pandas"], names)
        assert set(names["frame"]["county_code"]) == {"AL-04"}
        with duckdb.connect(config={"extension_directory": str(extensions)}) as reader:
            reader.execute("load httpfs")
            shown = reader.execute(
                "select count(*), sum(value), count(*) filter (value is null) from read_parquet(?)",
                [address],
            ).fetchone()
            assert shown == (len(counts), counts["value"].sum(), counts["value"].isna().sum())
            reader.execute(f"attach '{url}{fier['path']}mart.duckdb' as mart (read_only)")
            kept = reader.execute("select count(*), sum(value) from mart.person_counts").fetchone()
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
            "select count(*), sum(value) from marts.person_counts where county_code = 'AL-04'"
        ).fetchone()
        assert rows == shown[:2]


# A leak by whatever file


@dataclass(frozen=True)
class Tampered:
    """A file that shows too much, and how it comes to."""

    file: str
    tamper: Callable[[Path], None]


def _write_over(path: Path, text: str) -> None:
    path.chmod(0o644)
    path.write_text(text, encoding="utf-8")


def _suppressed_shown(frame: pd.DataFrame) -> pd.DataFrame:
    shown = frame.copy()
    row = shown.index[shown["value_state"] == "suppressed"][0]
    shown.loc[row, "value"] = 7
    return shown


def _csv(path: Path) -> None:
    _suppressed_shown(pd.read_csv(path, dtype={"period": str})).to_csv(path, index=False)


def _parquet(path: Path) -> None:
    _suppressed_shown(pd.read_parquet(path)).to_parquet(path)


def _database(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("update person_counts set value = 0 where value_state = 'suppressed'")


def _workbook(path: Path) -> None:
    book = openpyxl.load_workbook(path)
    sheet = book["Numrat për persona"]
    for row in sheet.iter_rows():
        texts = [cell.value for cell in row]
        if SHOWN_AS_SUPPRESSED in texts:
            sheet.cell(row[0].row, texts.index(SHOWN_AS_SUPPRESSED), 7)
            break
    book.save(path)


def _cover(path: Path) -> None:
    book = openpyxl.load_workbook(path)
    book.worksheets[0].append(["Të identifikuar / identified", "7 persona"])
    book.save(path)


def _number_on_the_cover(path: Path) -> None:
    book = openpyxl.load_workbook(path)
    book.worksheets[0].append(["Të identifikuar / identified", 7])
    book.save(path)


def _unit(path: Path) -> None:
    pd.read_csv(path, dtype=str).assign(unit="7 persona").to_csv(path, index=False)


def _observed(path: Path) -> None:
    frame = pd.read_csv(path, dtype={"obs_value": float})
    row = frame.index[(frame["obs_status"] == "Q") & (frame["measure"] == "value")][0]
    frame.loc[row, "obs_value"] = 7
    frame.to_csv(path, index=False)


def _restated(path: Path) -> None:
    """A masked count with its old value."""
    _write_over(
        path,
        path.read_text(encoding="utf-8")
        + "AL-04,2023-12-01,previous_release,2023-12/r1,person_counts,2023/flagged/total/total,,,"
        "value,4,,,,late_report\n",
    )


def _change_of_a_masked_count(path: Path) -> None:
    _write_over(
        path,
        path.read_text(encoding="utf-8")
        + "AL-04,2023-12-01,previous_release,2023-12/r1,person_counts,2023/flagged/total/total,,,"
        "value,,,-3,,late_report\n",
    )


def _restated_by_month(path: Path) -> None:
    _write_over(
        path,
        path.read_text(encoding="utf-8")
        + "AL-04,2023-12-01,previous_release,2023-12/r1,indicator_progress,2.1.9.1,,2.1.9.1,"
        "actual_month,4,5,1,0.25,late_report\n",
    )


def _changes(path: Path) -> None:
    _write_over(
        path,
        path.read_text(encoding="utf-8")
        + "\n## person_counts\n\n| AL-04 2023 2.1.2.1 total total | value | 4 | 7 |\n",
    )


def _sentence(path: Path) -> None:
    _write_over(
        path, path.read_text(encoding="utf-8") + "\nNë Fier 7 persona. 7 persons in Fier.\n"
    )


def _gate(path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    _write_over(path, json.dumps(content | {"findings_by_rule": {"all_zeros": 3}}))


def _sources(path: Path) -> None:
    frame = pd.read_csv(path, dtype=str)
    frame["content_hash"] = "0" * 64
    frame.to_csv(path, index=False)


def _protected_by_month(path: Path) -> None:
    frame = pd.read_csv(path)
    frame.loc[0, "indicator_code"] = "2.1.9.1"
    frame.to_csv(path, index=False)


def _progress(path: Path) -> None:
    frame = pd.read_csv(path, dtype={"period": str})
    row = frame.index[frame["value_state"] == "suppressed"][0]
    frame.loc[row, ["target_value", "progress"]] = [40.0, 17.5]
    frame.to_csv(path, index=False)


def _median(path: Path) -> None:
    pd.read_csv(path).assign(median_days=2.5).to_csv(path, index=False)


def _by_quarter(path: Path) -> None:
    frame = pd.read_csv(path, dtype={"period": str})
    frame.loc[0, "period"] = "2023-Q4"
    frame.to_csv(path, index=False)


def _unread(path: Path) -> None:
    path.write_text("7", encoding="utf-8")


TAMPERED = (
    Tampered("person_counts.csv", _csv),
    Tampered("person_counts.parquet", _parquet),
    Tampered("mart.duckdb", _database),
    Tampered("marts.xlsx", _workbook),
    Tampered("marts.xlsx", _cover),
    Tampered("marts.xlsx", _number_on_the_cover),
    Tampered("person_counts.csv", _unit),
    Tampered("observations.csv", _observed),
    Tampered("changes.csv", _restated),
    Tampered("changes.csv", _change_of_a_masked_count),
    Tampered("changes.csv", _restated_by_month),
    Tampered("CHANGES.md", _changes),
    Tampered("CHANGES.md", _sentence),
    Tampered("gate.json", _gate),
    Tampered("sources.csv", _sources),
    Tampered("indicator_progress.csv", _protected_by_month),
    Tampered("person_counts.csv", _progress),
    Tampered("reporting_completeness.csv", _median),
    Tampered("person_counts.csv", _by_quarter),
    Tampered("notes.txt", _unread),
)


@pytest.mark.parametrize("case", TAMPERED, ids=lambda case: case.tamper.__name__.strip("_"))
def test_a_leak_by_any_file_stops_the_whole_public_tier(
    case: Tampered, before: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = writer._write

    def tampering(draft: Path, contents: Any, facts: Any, previous: Path | None) -> Any:
        written = write(draft, contents, facts, previous)
        if contents.county_code == "AL-04":
            case.tamper(draft / case.file)
        return written

    monkeypatch.setattr(writer, "_write", tampering)
    outcome = release_public(before, [NATION, FIER])
    assert outcome.refusal is not None
    assert any(f"AL-04/2023-12/r1/{case.file}" in reason for reason in outcome.refusal.reasons)
    assert not list((before.releases / "public").glob("*/*/*"))
    kept = json.loads((before.gate / "disclosure.json").read_text(encoding="utf-8"))
    assert kept["verdict"] == "refused"
    assert kept["reasons"] == list(outcome.refusal.reasons)


def test_a_description_that_tells_a_number_stops_it(
    before: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = writer.data_package

    def telling(*arguments: Any, **named: Any) -> dict[str, Any]:
        content = package(*arguments, **named)
        content["resources"][0]["description"] += " Në Fier janë 7 persona."
        return content

    monkeypatch.setattr(writer, "data_package", telling)
    refusal = release_public(before, [FIER]).refusal
    assert refusal is not None
    assert "datapackage.json" in refusal.reasons[0]


def test_a_completeness_that_is_not_of_the_months_reports_stops_it(
    before: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = writer.data_package

    def telling(*arguments: Any, **named: Any) -> dict[str, Any]:
        content = package(*arguments, **named)
        came = content["release"]["completeness"] | {"received": 7}
        return content | {"release": content["release"] | {"completeness": came}}

    monkeypatch.setattr(writer, "data_package", telling)
    refusal = release_public(before, [FIER]).refusal
    assert refusal is not None
    assert "datapackage.json has reports that are not those of its month" in refusal.reasons[0]


def test_a_refusal_of_the_public_tier_is_told_and_stops_nothing_else(
    refreshed: Refreshed, own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = "2.1.9.1 is known to be 7 to 7 from a table"
    monkeypatch.setattr(
        "orchestration.refresh.steps.release_public",
        lambda *_: PublicOutcome((), DisclosureRefused((reason,))),
    )
    planned = refreshed.outcome.plan
    with monkeypatch.context() as patch:
        patch.setattr("orchestration.refresh.steps.note_released", lambda *_: None)
        public = publish_public(refreshed.home, planned, refreshed.outcome.restricted)
    assert [refusal.scope for refusal in public.refused] == list(planned.asked)
    outcome = replace(refreshed.outcome, public=public)
    monkeypatch.setattr("orchestration.refresh.steps.refresh", lambda *_, **__: outcome)
    place = {"KRAT_HOME": str(own_home.root), "KRAT_KEYS": str(own_home.keys)}
    result = CliRunner().invoke(cli, ["refresh", "--month", "2023-05"], env=place)
    assert result.exit_code == 1
    assert "Published" in result.output
    assert result.output.count("refuses the public tier: 2.1.9.1 is known to be 7 to 7") == 1
    assert "last releases stand" in result.output
    assert "(1 more are refused for the same reason)" in result.output
