"""Editions of counts of persons: made by a calendar, from what was known on their day."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import openpyxl
import pandas as pd
import pytest
import requests
from click.testing import CliRunner
from conftest import MAY, Prepare, Refreshed, copy_home
from programs import LibreOffice
from served import serving

from expectations.protection import Shown
from orchestration.as_known import computed_on, known_on
from orchestration.cli import cli
from orchestration.products.codes import labels
from orchestration.products.tree import CHANGES, MANIFEST, EditionFolder
from orchestration.publication.editions import edition
from orchestration.publication.editions.calendar import calendar_rows
from orchestration.publication.editions.edition import (
    due_editions,
    made_editions,
    missing_editions,
    publish_editions,
)
from orchestration.publication.editions.workbook import shown_text
from orchestration.refresh.steps import refresh
from orchestration.runtime.database import read_warehouse, write_warehouse
from orchestration.runtime.settings import SEEDS, prepare_process
from orchestration.warehouse.build import build_warehouse
from sources.custody.home import Home
from sources.registers import register_rows

ALL = [1, 2, 3, 4, 5]

#: Of LibreOffice's csv: comma, quotes, UTF-8, and a file for every sheet.
EVERY_SHEET = "44,34,76,1,,0,false,true,false,false,false,-1"
UNITS = "publication.edition_units"


def folder(home: Home, edition: int) -> Path:
    return EditionFolder(home.releases, 2023, edition).path


def counts(home: Home, edition: int) -> pd.DataFrame:
    return pd.read_parquet(folder(home, edition) / "person_counts.parquet")


def hashes(home: Home) -> dict[str, str]:
    return {
        "/".join(path.parts[-2:]): hashlib.sha256(path.read_bytes()).hexdigest()
        for number in ALL
        for path in sorted(folder(home, number).glob("*"))
    }


def forget(home: Home, *editions: int, ledger: bool = True) -> None:
    """Take editions away as if they had never been made."""
    for number in editions:
        shutil.rmtree(folder(home, number))
        if ledger:
            (home.gate / "editions" / "2023" / f"e{number}.parquet").unlink()


def test_a_refresh_makes_every_edition_whose_day_has_come(refreshed: Refreshed) -> None:
    assert [edition.day.edition for edition in refreshed.outcome.editions] == ALL
    for number in ALL:
        facts = json.loads((folder(refreshed.home, number) / MANIFEST).read_text("utf-8"))
        assert facts["release"]["number"] == number
        assert facts["release"]["is_made_up"] is True
        assert set(counts(refreshed.home, number)["edition"]) == {number}
    assert not missing_editions(refreshed.home)


def test_no_count_of_persons_lies_in_the_open(refreshed: Refreshed) -> None:
    """Held against the exact units that the data folder keeps."""
    shown = counts(refreshed.home, 4)
    units = pd.read_parquet(refreshed.home.gate / "editions" / "2023" / "e4.parquet")
    # Two dimensions at once are the nation's alone.
    own = (units["county_code"] == "AL-04") & (units["dimension"] != "sex_and_age_group")
    exact = units[own].groupby(["subject", "dimension", "category"])
    of_county = shown[(shown["county_code"] == "AL-04") & (shown["shown_as"] != Shown.REST)]
    assert len(of_county) == len(exact)
    for row in of_county.to_dict("records"):
        true = exact["value"].sum()[row["subject"], row["dimension"], row["category"]]
        if pd.notna(row["value"]):
            assert row["value"] % 5 == 0
            assert row["least"] >= 11
        if pd.notna(row["least"]):
            assert row["least"] <= true
        if pd.notna(row["greatest"]):
            assert true <= row["greatest"]
        if true < 11:
            assert pd.isna(row["value"])
        assert row["why_sq"]
        assert row["why_en"]
    assert {"suppressed", "rounded_5"} <= set(of_county["shown_as"])


def test_the_nation_of_one_county_is_not_told(refreshed: Refreshed) -> None:
    shown = counts(refreshed.home, 4)
    national = shown[(shown["county_code"] == "AL") & (shown["shown_as"] != Shown.REST)]
    assert set(national["shown_as"]) == {Shown.FEW_COUNTIES.value}
    assert national["value"].isna().all()
    others = shown[~shown["county_code"].isin(["AL", "AL-04"])]
    assert set(others["shown_as"]) == {Shown.NOT_REPORTED.value}
    assert others["county_code"].nunique() == 11


def test_shown_numbers_and_their_rest_foot(refreshed: Refreshed) -> None:
    shown = counts(refreshed.home, 4)
    rests = shown[shown["shown_as"] == Shown.REST]
    assert len(rests)
    for rest in rests.to_dict("records"):
        own = (shown["subject"] == rest["subject"]) & (shown["county_code"] == rest["county_code"])
        [total] = shown[own & (shown["dimension"] == "total")]["value"]
        parts = shown[own & (shown["dimension"] == rest["dimension"])]
        assert parts["value"].sum() == total


def test_an_edition_is_the_same_whoever_makes_it_and_however_often(own_home: Home) -> None:
    before = hashes(own_home)
    assert publish_editions(own_home) == ()
    forget(own_home, 4, 5)
    assert [one.day.edition for one in publish_editions(own_home)] == [4, 5]
    assert hashes(own_home) == before
    forget(own_home, *ALL)
    assert [one.day.edition for one in publish_editions(own_home)] == ALL
    assert hashes(own_home) == before


def test_what_comes_after_the_day_changes_no_edition_and_the_next_one_says_why(
    own_home: Home,
) -> None:
    """A report of May is corrected in June 2024; the edition of March 2024 was missed."""
    before = hashes(own_home)
    with duckdb.connect(str(own_home.marts), read_only=True) as connection:
        (institution, indicator, original), *_ = connection.execute(
            "select institution_code, indicator_code, value from core.fct_actuals "
            "inner join core.dim_indicators using (plan_code, indicator_code) where is_protected "
            "and county_code = 'AL-04' and category = 'total' and reporting_month = ? "
            "and superseded_at is null and frequency = 'month' and value > 0 order by all",
            [MAY],
        ).fetchall()
    forget(own_home, 4, 5)
    environment = {"KRAT_HOME": str(own_home.root), "KRAT_KEYS": str(own_home.keys)}
    command = [
        "correct", "--institution", institution, "--indicator", indicator, "--month", "2023-05",
        "--was", f"{original:g}", "--is", f"{original + 30:g}", "--by", "KRAT Fier",
        "--reason", "counted again",
    ]  # fmt: skip
    done = CliRunner().invoke(cli, command, env=environment)
    assert done.exit_code == 0, done.output
    outcome = refresh(own_home, [MAY])
    assert [one.day.edition for one in outcome.editions] == [4, 5]
    # Corrected today, after both days: neither knows of it.
    assert hashes(own_home) == before


def test_a_known_day_computed_without_dbt_is_what_dbt_builds(refreshed: Refreshed) -> None:
    day, rows = date(2023, 8, 29), f"select * from {UNITS} order by all"
    home = refreshed.home
    scratch_before = set(home.root.iterdir())
    with computed_on(home, day, ["edition_units"]) as connection:
        replayed = connection.execute(rows).df()
    with known_on(home, day) as known:
        prepare_process(known)
        build_warehouse(known, with_registers=True)
        prepare_process(home)
        with read_warehouse(known) as connection:
            built = connection.execute(rows).df()
    assert len(replayed)
    pd.testing.assert_frame_equal(replayed, built)
    assert set(home.root.iterdir()) == scratch_before


def test_the_office_adds_an_edition_by_a_row_of_its_calendar(own_home: Home) -> None:
    own_home.registers.mkdir(exist_ok=True)
    (own_home.registers / "edition_calendar.csv").write_text(
        "counted_year,edition,cut_off_on,kind,quarter,reason\n"
        "2023,6,2025-06-30,extra,,a county's log was read twice\n",
        encoding="utf-8",
    )
    outcome = refresh(own_home, [MAY])
    assert [one.day.name for one in outcome.editions] == ["2023/e6"]
    facts = json.loads((folder(own_home, 6) / MANIFEST).read_text("utf-8"))["release"]
    assert (facts["kind"], facts["reason"]) == ("extra", "a county's log was read twice")
    changes = (folder(own_home, 6) / CHANGES).read_text(encoding="utf-8")
    assert "2025-06-30" in changes
    assert "No count is shown otherwise" in changes
    assert (folder(own_home, 6).parent / "latest").read_text("ascii") == "e6\n"


def test_editions_wait_while_krat_itself_is_in_doubt(own_home: Home) -> None:
    forget(own_home, 5)
    with write_warehouse(own_home) as connection:
        connection.execute("update marts.referral_flow set flagged = -1 where flagged > 0")
    told: list[str] = []
    assert publish_editions(own_home, told.append) == ()
    assert "2023/e5 waits" in told[0]
    assert "krat refresh" in told[0]


def test_the_calendar_is_published_a_year_ahead(refreshed: Refreshed) -> None:
    days = [
        date.fromisoformat(row["cut_off_on"]) for row in register_rows(SEEDS, "edition_calendar")
    ]
    assert max(days) > datetime.now(UTC).date().replace(month=1, day=1)
    states = {row.day.name: row.state for row in calendar_rows(refreshed.home)}
    assert states["2023/e5"] == "made"
    assert "coming" in states.values()
    environment = {"KRAT_HOME": str(refreshed.home.root), "KRAT_KEYS": str(refreshed.home.keys)}
    told = CliRunner().invoke(cli, ["calendar", "--year", "2023"], env=environment)
    assert told.exit_code == 0
    assert told.stdout.count("made") == 5
    nothing = CliRunner().invoke(cli, ["calendar", "--year", "1999"], env=environment)
    assert nothing.exit_code == 1
    assert "docs/registers.md" in nothing.stderr


def status(home: Home, *options: str) -> str:
    environment = {"KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)}
    told = CliRunner().invoke(cli, ["status", "--month", "2023-05", *options], env=environment)
    assert told.exit_code == 0, told.output
    return told.stdout


def test_the_status_of_a_month_counts_what_the_newest_edition_does_not_show(
    refreshed: Refreshed,
) -> None:
    told = status(refreshed.home)
    [line] = [line for line in told.splitlines() if line.startswith("Edition ")]
    withheld = (counts(refreshed.home, 5)["shown_as"] == Shown.WITHHELD).sum()
    assert line.startswith("Edition persons/2023/e5: ")
    assert f"withheld: {withheld}, of an earlier edition: 0." in line
    assert "Due " not in told


def test_the_status_of_a_month_lists_what_is_not_shown_or_as_before(three: Home) -> None:
    shown = counts(three, 5)
    untold = shown[shown["shown_as"].isin([Shown.WITHHELD, Shown.EARLIER])]
    assert {"withheld", "earlier"} <= set(untold["shown_as"])
    expected = []
    for row in untold.to_dict("records"):
        part = "–" if row["dimension"] == "total" else f"{row['dimension']}: {row['category']}"
        how = {"earlier": f"number of e{row['number_from']}"}.get(row["shown_as"], "withheld")
        expected.append(f"{row['county_code']} {row['period']} {row['subject']} {part} {how}")

    def listed(*options: str) -> list[str]:
        after = status(three, *options).partition("or as it was before:\n")[2]
        lines = after.partition("\n\n")[0].splitlines()
        return [" ".join(line.split()) for line in lines[1:]]

    assert sorted(listed("--figures")) == sorted(expected)
    *named, more = listed()
    assert len(named) == 5
    assert set(named) < set(expected)
    assert more == f"… and {len(expected) - 5} more: add --figures."
    of_nation = listed("--figures", "--county", "AL")
    assert sorted(of_nation) == sorted(one for one in expected if one.startswith("AL "))


def test_the_status_tells_which_editions_are_due_and_why(own_home: Home) -> None:
    forget(own_home, 5)
    due = "Due     persons/2023/e5, as known on 2025-03-31: "
    assert f"{due}the next refresh makes it." in status(own_home)
    with write_warehouse(own_home) as connection:
        connection.execute("update marts.referral_flow set flagged = -1 where flagged > 0")
    [line] = [line for line in status(own_home).splitlines() if line.startswith("Due ")]
    assert line.startswith(due)
    assert "krat refresh" in line
    # As long as the warehouse is written, nobody can say.
    writing = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", writing, str(own_home.warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        told = status(own_home)
        writer.communicate("\n")
    assert "Due     not known while a refresh runs" in told


def test_an_edition_is_due_though_no_refresh_ran_since_its_day(
    own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [row.day for row in calendar_rows(own_home)]
    after = max(day.cut_off_on for day in days if day.counted_year == 2023) + timedelta(days=1)
    forget(own_home, 5)
    with write_warehouse(own_home) as connection:
        connection.execute("update raw.refresh_context set as_of = date '2025-03-31'")
    assert not missing_editions(own_home)
    monkeypatch.setattr(edition, "today", lambda: after)
    assert [day.name for day, _ in due_editions(own_home)] == ["2023/e5"]


@pytest.mark.parametrize(
    ("shown_as", "numbers", "bound", "told"),
    [
        ("rounded_5", (30, 28, 32), None, "30 (28–32)"),
        ("rounded_5", (30, 28, 32), "is_lower_bound", "≥ 30 (28–32)"),
        ("rounded_25", (50, 38, 62), "may_fall", "~ 50 (38–62)"),
        ("at_least_11", (None, 11, None), None, "11 ose më shumë / 11 or more"),
        ("suppressed", (None, 0, 10), None, "0–10"),
        ("withheld", (None, None, None), "is_lower_bound", "i mbrojtur / withheld"),
        ("earlier", (30, 28, 32), None, "e2: 30 (28–32)"),
        ("earlier", (None, None, None), None, "e2: i mbrojtur / withheld"),
        ("few_counties", (None, None, None), "is_lower_bound", "< 3 qarqe / < 3 counties"),
        ("not_reported", (None, None, None), None, ":"),
        ("rest", (-5, None, None), None, "-5"),
    ],
)
def test_a_bound_looks_like_a_bound(
    shown_as: str, numbers: tuple[int | None, ...], bound: str | None, told: str
) -> None:
    row = dict(zip(("value", "least", "greatest"), numbers, strict=True))
    signs = {name: name == bound for name in ("is_lower_bound", "may_fall")}
    assert shown_text({**row, **signs, "shown_as": shown_as, "number_from": 2}) == told


def test_the_workbook_shows_each_count_where_it_belongs(three: Home) -> None:
    book = openpyxl.load_workbook(folder(three, 5) / "person_counts.xlsx")
    assert book.sheetnames == [
        "Kopertina", "Niveli kombëtar", "Qarqet", "Ndarjet", "Numri i personave", "Fjalori"
    ]  # fmt: skip
    cover = {str(row[0].value): str(row[1].value) for row in book["Kopertina"].iter_rows()}
    assert "KRAT, numri i personave 2023, botimi e5" in cover
    assert "Made-up data." in cover["SHEMBULL / EXAMPLE"]
    assert cover["Data e mbylljes / Cut-off day"].startswith("2025-03-31: ")
    assert "3 of 12 counties: Fier, Kukës, Tiranë" in cover["Mbështetet në / Rests on"]
    codes = {row["indicator_code"] for row in register_rows(SEEDS, "indicators")}
    cells: dict[tuple[str, ...], object] = {}
    for sheet, words in (("Niveli kombëtar", 3), ("Qarqet", 3), ("Ndarjet", 5)):
        heads, *lines = book[sheet].iter_rows(values_only=True)
        for line in lines:
            for head, value in zip(heads[words:], line[words:], strict=True):
                if value is not None:
                    written_words = [str(word or "") for word in line[: words - 1]]
                    cells[sheet, *written_words, str(head)] = value
    rows = counts(three, 5).astype(object).to_dict("records")
    county_names = {
        row["county_code"]: row["name_sq"]
        for row in register_rows(SEEDS, "counties")
        if row["county_code"] != "AL"
    }
    dimensions = labels("dimension")
    for row in rows:
        place: tuple[str, ...]
        code = row["subject"] if row["subject"] in codes else ""
        subject = (code, f"{row['subject_sq']} / {row['subject_en']}")
        is_national = row["county_code"] == "AL"
        if row["dimension"] in ("quarter", "county"):
            word = {"quarter": "quarters", "county": "counties"}[row["dimension"]]
            [place] = [one for one in cells if one[1:3] == subject and one[-1].endswith(word)]
        elif row["dimension"] != "total":
            category = f"{row['category_sq']} / {row['category_en']}"
            area = (
                "Niveli kombëtar / The nation" if is_national else county_names[row["county_code"]]
            )
            place = ("Ndarjet", *subject, dimensions[row["dimension"]], category, area)
        elif is_national:
            place = ("Niveli kombëtar", *subject, row["period"])
        else:
            place = ("Qarqet", *subject, county_names[row["county_code"]])
        written = cells.pop(place)
        assert str(written) == shown_text(row), place
        assert isinstance(written, int) == (row["shown_as"] == "rest")
    # Nothing is written that the edition doesn't have.
    assert not cells


def test_the_workbook_of_a_quarter_holds_the_nation_alone(refreshed: Refreshed) -> None:
    book = openpyxl.load_workbook(folder(refreshed.home, 2) / "person_counts.xlsx")
    assert book.sheetnames == ["Kopertina", "Niveli kombëtar", "Numri i personave", "Fjalori"]
    assert [cell.value for cell in book["Niveli kombëtar"][1]][3:] == ["2023-Q2"]


def test_libreoffice_opens_the_workbook_of_an_edition(
    refreshed: Refreshed, tmp_path: Path, libreoffice: LibreOffice
) -> None:
    book = folder(refreshed.home, 5) / "person_counts.xlsx"
    libreoffice.convert(book, tmp_path / "counts.csv", EVERY_SHEET)
    assert "0–10" in (tmp_path / "counts-Qarqet.csv").read_text(encoding="utf-8")
    assert "2025-03-31" in (tmp_path / "counts-Kopertina.csv").read_text(encoding="utf-8")


def test_exact_units_stay_in_the_data_folder_closed(refreshed: Refreshed) -> None:
    kept = list((refreshed.home.gate / "editions").rglob("*.parquet"))
    assert len(kept) == 5
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept)


@pytest.fixture
def url(own_home: Home) -> Iterator[str]:
    """Where the example's releases and editions are served."""
    with serving(own_home) as address:
        yield address


def test_whoever_fetches_an_edition_can_verify_it(url: str, tmp_path: Path) -> None:
    """No token: from the catalogue to the files, as it names them."""
    catalogue = requests.get(f"{url}catalog.json").json()
    assert [one["edition"] for one in catalogue["editions"]] == ALL
    assert [one["edition"] for one in catalogue["editions"] if one["is_latest"]] == [5]
    assert catalogue["calendar"]
    newest = catalogue["editions"][-1]
    folder = tmp_path / newest["path"]
    folder.mkdir(parents=True)
    for file in newest["files"]:
        content = requests.get(f"{url}{newest['path']}{file['name']}").content
        assert len(content) == file["bytes"]
        (folder / file["name"]).write_bytes(content)
    (folder.parent / "latest").write_bytes(
        requests.get(f"{url}releases/public/persons/2023/latest").content
    )
    keys = requests.get(f"{url}{catalogue['key']}").content
    (tmp_path / "releases" / "release-key.pem").write_bytes(keys)
    environment = {"KRAT_HOME": str(tmp_path / "home"), "KRAT_KEYS": str(tmp_path / "keys")}
    whole = CliRunner().invoke(cli, ["verify", str(folder)], env=environment)
    assert whole.exit_code == 0, whole.output
    path = folder / "person_counts.csv"
    path.write_text(path.read_text("utf-8").replace("15", "20", 1), encoding="utf-8")
    assert CliRunner().invoke(cli, ["verify", str(folder)], env=environment).exit_code == 1
    for name in ("../../../gate/editions/2023/e5.parquet", "e5.parquet", "units.parquet"):
        assert requests.get(f"{url}{newest['path']}{name}").status_code == 404


def test_the_page_lists_editions_and_those_to_come(url: str) -> None:
    page = requests.get(f"{url}en/").text
    assert "Counts of persons" in page
    assert "/releases/public/persons/2023/e5/person_counts.csv" in page
    assert "/releases/public/persons/2023/e5/person_counts.xlsx" in page
    assert "Editions to come" in page


@pytest.fixture(scope="module")
def three(prepared: Prepare) -> Home:
    """The example of three counties; what Tirana reports of May came in October."""

    def fill(home: Home) -> None:
        environment = {"KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)}
        done = CliRunner().invoke(cli, ["example"], env=environment)
        assert done.exit_code == 0, done.output
        october = datetime(2023, 10, 1, tzinfo=UTC).timestamp()
        late = [path for path in (home.inbox / "AL-11").iterdir() if "2023-05" in path.name]
        assert len(late) > 5
        for path in late:
            os.utime(path, (october, october))
        refresh(home, [MAY])

    home, _ = prepared("three-with-a-late-may", fill)
    return home


def test_a_count_that_changed_since_it_was_shown_last_is_restated_or_stays(three: Home) -> None:
    """The nation's second quarter was shown in e2 and is shown again in e4."""
    old, new = (counts(three, number).query("period == '2023-Q2'") for number in (2, 4))
    key = ["subject", "dimension", "category"]
    both = old.merge(new, on=key, suffixes=("_then", "_now"))
    stays = both[both["shown_as_now"] == Shown.EARLIER]
    assert len(stays)
    assert set(stays["number_from_now"]) == {2}
    assert (stays["value_then"].fillna(-1) == stays["value_now"].fillna(-1)).all()
    assert stays["why_en_now"].str.startswith("The number of edition e2").all()
    restated = pd.read_parquet(folder(three, 4) / "restatements.parquet")
    of_quarter = restated[restated["period"] == "2023-Q2"]
    assert len(of_quarter)
    assert set(of_quarter["edition_before"]) == {2}
    assert of_quarter["reason"].str.contains("late|county_joined", regex=True).all()
    # Nothing came late of the third quarter: its numbers are those of e3.
    third = restated[restated["period"] == "2023-Q3"]
    assert not len(third)


def test_lost_exact_units_are_computed_again(three: Home, tmp_path: Path) -> None:
    home = copy_home(three, tmp_path)
    before = hashes(home)
    forget(home, 5)
    shutil.rmtree(home.gate / "editions")
    assert [one.day.edition for one in publish_editions(home)] == [5]
    assert hashes(home) == before


def test_an_edition_that_the_calendar_no_longer_has_is_known_all_the_same(three: Home) -> None:
    assert [day.edition for day in made_editions(three, 2023)] == ALL
    assert [day.quarter for day in made_editions(three, 2023)] == [1, 2, 3, None, None]
    assert not made_editions(three, 2022)


def test_a_lower_bound_says_so_in_words(three: Home) -> None:
    shown = counts(three, 5)
    bounds = shown[shown["is_lower_bound"]]
    assert bounds["why_en"].str.contains("Reports are missing: the true count").all()
    assert bounds["why_sq"].str.contains("Mungojnë raporte").all()
    assert not shown[~shown["is_lower_bound"]]["why_en"].str.contains("Reports are missing").any()
