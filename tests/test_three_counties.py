"""The example's three counties: Fier, Tirana without August, and Kukës, which joins in May."""

import csv
import hashlib
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from orchestration.cli import cli
from orchestration.commands.month import describe_areas
from orchestration.feedback.explain import explain
from orchestration.feedback.explanation_page import page
from orchestration.gate.judge import Scope
from orchestration.refresh.steps import Outcome
from orchestration.registers.example import ExampleRegisters, add_example
from orchestration.registers.rows import write_rows
from orchestration.runtime.settings import SEEDS
from sources.custody.home import Home
from sources.example.counties import COUNTIES, KUKES, REGISTERS, TIRANE
from sources.example.generate import MADE_UP, write_example
from sources.registers import register_rows

DECEMBER = date(2023, 12, 1)


def krat(home: Home, *arguments: str) -> Result:
    environment = {"KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)}
    return CliRunner().invoke(cli, arguments, env=environment)


@pytest.fixture
def empty_home(tmp_path: Path) -> Home:
    return Home(root=tmp_path / "home", keys=tmp_path / "keys")


# --- the files ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def registers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ExampleRegisters]:
    """The folder of krat's registers with the example's counties, and what was added."""
    folder = tmp_path_factory.mktemp("registers")
    added = add_example(SEEDS, folder / "office")
    (folder / "united").mkdir()
    write_rows(added.rows, folder / "united")
    return folder / "united", added


@pytest.fixture(scope="module")
def inbox(
    registers: tuple[Path, ExampleRegisters], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    inbox = tmp_path_factory.mktemp("three") / "inbox"
    write_example(inbox, registers[0], counties=COUNTIES)
    return inbox


def _prints(root: Path) -> dict[str, tuple[str, float]]:
    return {
        path.relative_to(root).as_posix(): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime,
        )
        for path in root.rglob("*")
        if path.is_file()
    }


def _arrived(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def test_the_same_seeds_give_the_same_bytes_and_fier_stays_as_it_is_alone(
    inbox: Path, registers: tuple[Path, ExampleRegisters], tmp_path: Path
) -> None:
    write_example(tmp_path / "again", registers[0], counties=COUNTIES)
    assert _prints(tmp_path / "again") == _prints(inbox)
    write_example(tmp_path / "alone", SEEDS)
    alone = _prints(tmp_path / "alone")
    assert {name.partition("/")[0] for name in alone} == {"AL", "AL-04"}
    assert alone.items() <= _prints(inbox).items()


def test_a_month_is_missing_one_is_late_and_a_county_joins_in_may(inbox: Path) -> None:
    tirane = {path.name for path in (inbox / TIRANE.code).iterdir()}
    # The national database is kept elsewhere.
    assert {name for name in tirane if "2023-08" in name} == {"sivet_2023-08.csv"}
    assert "linja_2023-07.csv" in tirane
    kukes = list((inbox / KUKES.code).iterdir())
    months = {f"2023-{month:02}" for month in range(5, 13)}
    reports = [path for path in kukes if path.name.startswith(("AL-07-", "linja_", "sivet_"))]
    assert {path.stem.partition("_")[2] for path in reports} == months
    late = {path for path in reports if _arrived(path) >= datetime(2023, 11, 11, tzinfo=UTC)}
    of_october = {path for path in reports if "2023-10" in path.name and "sivet" not in path.name}
    assert len(of_october) == 12
    assert of_october <= late
    assert min(_arrived(path) for path in kukes) > datetime(2023, 6, 1, tzinfo=UTC)


def test_the_counties_differ_in_size_and_institutions(inbox: Path) -> None:
    contacts = {
        county.code: len(
            (inbox / county.code / "linja_2023-06.csv").read_text("utf-8").splitlines()
        )
        for county in COUNTIES
    }
    assert 4 * contacts["AL-07"] < 2 * contacts["AL-04"] < contacts["AL-11"]
    kinds: dict[str, set[str]] = defaultdict(set)
    for folder in (SEEDS, REGISTERS):
        for row in register_rows(folder, "institutions"):
            kinds[row["county_code"]].add(row["institution_type"])
    assert "border_police" in kinds["AL-07"] - kinds["AL-11"]
    assert {"reception_centre", "civil_society"} <= kinds["AL-11"] - kinds["AL-04"]
    assert "labour_inspectorate" in kinds["AL-04"] - kinds["AL-07"]


def test_everything_is_made_up_and_nobody_has_the_number_of_another(inbox: Path) -> None:
    persons: dict[str, set[str]] = defaultdict(set)
    for county in (KUKES, TIRANE):
        for path in (inbox / county.code).glob("*.csv"):
            with path.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file, delimiter=";"))
            assert {row["Të dhënat"] for row in rows} == {MADE_UP}
            for row in rows:
                for column in ("Emri", "Mbiemri", "Adresa", "Numri i telefonit", "Shënime"):
                    assert "TRILLUAR" in row.get(column, "TRILLUAR")
                if row.get("Numri personal"):
                    persons[county.code].add(row["Numri personal"])
    assert persons[KUKES.code]
    assert persons[TIRANE.code]
    assert not persons[KUKES.code] & persons[TIRANE.code]
    fier = {f"Z{number:08}Z" for number in range(1, TIRANE.persons_after + 1)}
    assert not fier & (persons[KUKES.code] | persons[TIRANE.code])
    for folder in sorted(REGISTERS.glob("*.csv")):
        for row in register_rows(REGISTERS, folder.stem):
            marked = row.get("basis") or row["name_sq"]
            assert marked.startswith("proposed, example: ") or marked.endswith("(shembull)")


# --- krat example ------------------------------------------------------------------------------


def test_the_example_adds_its_counties_to_the_registers_once(empty_home: Home) -> None:
    first = krat(empty_home, "example")
    assert first.exit_code == 0, first.output
    assert f"made-up rows for AL-07, AL-11 to {empty_home.registers}" in first.stdout
    rows = _prints(empty_home.registers)
    assert krat(empty_home, "registers", "check").exit_code == 0
    again = krat(empty_home, "example")
    assert again.exit_code == 0
    assert "made-up rows" not in again.stdout
    assert _prints(empty_home.registers) == rows
    assert {path.name for path in empty_home.inbox.iterdir()} == {"AL", "AL-04", "AL-07", "AL-11"}


def test_a_county_of_the_offices_own_is_left_alone(empty_home: Home) -> None:
    empty_home.registers.mkdir(parents=True)
    own = empty_home.registers / "institutions.csv"
    row = "AL-11-POLICIA,Policia Tiranë,Police of Tirana,AL-11,AL-11,,police,"
    [headings] = (REGISTERS / "institutions.csv").read_text("utf-8").splitlines()[:1]
    own.write_text(f"{headings}\n{row}\n", encoding="utf-8")
    result = krat(empty_home, "example")
    assert result.exit_code == 0, result.output
    assert "made-up rows for AL-07 to" in result.stdout
    assert "AL-11: the registers have other institutions" in result.stdout
    assert row in own.read_text("utf-8").splitlines()
    assert "AL-11-QENDRA" not in own.read_text("utf-8")
    assert {path.name for path in empty_home.inbox.iterdir()} == {"AL", "AL-04", "AL-07"}


def test_broken_registers_get_no_example(empty_home: Home) -> None:
    empty_home.registers.mkdir(parents=True)
    own = empty_home.registers / "institutions.csv"
    own.write_text("institution_code\nAL-11-POLICIA\n", encoding="utf-8")
    result = krat(empty_home, "example")
    assert result.exit_code == 1
    assert "institutions.csv: " in result.stderr
    assert "Traceback" not in result.output
    assert own.read_text("utf-8") == "institution_code\nAL-11-POLICIA\n"
    assert not empty_home.inbox.exists()


def test_elsewhere_the_example_says_how_to_use_it(empty_home: Home, tmp_path: Path) -> None:
    out = tmp_path / "training"
    result = krat(empty_home, "example", "--out", str(out))
    assert result.exit_code == 0, result.output
    assert "add the rows of registers/ to KRAT_HOME/registers/" in result.stdout
    assert {path.name for path in out.iterdir()} == {"AL", "AL-04", "AL-07", "AL-11", "registers"}
    assert not empty_home.registers.exists()
    written = _prints(out)
    assert krat(empty_home, "example", "--out", str(out)).exit_code == 0
    assert _prints(out) == written


# --- the warehouse and the releases --------------------------------------------------------------


@dataclass(frozen=True)
class Three:
    """A home with the three counties' year, of which March and December were published."""

    home: Home
    outcome: Outcome


@pytest.fixture(scope="module")
def three(three_counties: tuple[Home, Outcome]) -> Three:
    return Three(*three_counties)


@pytest.fixture
def answers(three: Three) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(three.home.marts), read_only=True)


@pytest.mark.data
def test_only_what_was_planned_for_fier_is_refused(three: Three) -> None:
    intake = three.outcome.intake
    assert (intake.refused, intake.known) == (3, 1)
    assert intake.accepted > 550


@pytest.mark.data
def test_who_is_missing_and_who_is_late_is_found(answers: duckdb.DuckDBPyConnection) -> None:
    found = answers.execute(
        "select county_code, strftime(reporting_month, '%Y-%m'), rule, state, "
        "count(distinct institution_code) from quality.findings "
        "where county_code in ('AL-07', 'AL-11') and rule in "
        "('missing_report', 'late_report', 'missing_records') group by all order by all"
    ).fetchall()
    assert found == [
        ("AL-07", "2023-07", "missing_report", "open", 1),
        ("AL-07", "2023-10", "late_report", "mended", 11),
        ("AL-07", "2023-10", "missing_records", "mended", 1),
        ("AL-07", "2023-10", "missing_report", "mended", 11),
        ("AL-11", "2023-08", "missing_records", "open", 1),
        ("AL-11", "2023-08", "missing_report", "open", 17),
    ]


@pytest.mark.data
def test_nothing_is_said_of_a_county_before_it_joined(answers: duckdb.DuckDBPyConnection) -> None:
    for table in (
        "marts.reporting_completeness", "marts.hotline_activity", "marts.referral_flow",
        "core.fct_actuals", "quality.findings",
    ):  # fmt: skip
        [(first, last)] = answers.execute(
            f"select min(reporting_month), max(reporting_month) from {table} "
            "where county_code = 'AL-07'"
        ).fetchall()
        assert date(2023, 5, 1) <= first <= last <= DECEMBER, table


@pytest.mark.data
def test_the_nation_says_how_many_counties_are_in_it(answers: duckdb.DuckDBPyConnection) -> None:
    rows = answers.execute(
        "select month(reporting_month), counties_reporting, counties_expected, is_lower_bound, "
        "actual_month, actual_year_to_date from marts.indicator_progress "
        "where county_code = 'AL' and indicator_code = '3.1.2.1' "
        "and year(reporting_month) = 2023 order by 1"
    ).fetchall()
    assert [row[1] for row in rows] == [2] * 4 + [3] * 8
    assert {row[2:4] for row in rows} == {(12, True)}
    counties = answers.execute(
        "select month(reporting_month), sum(actual_month), sum(actual_year_to_date) "
        "from marts.indicator_progress where county_code <> 'AL' and indicator_code = '3.1.2.1' "
        "and year(reporting_month) = 2023 group by all order by 1"
    ).fetchall()
    assert [(row[0], *row[4:]) for row in rows] == counties


@pytest.mark.data
def test_both_tiers_have_each_county_from_its_first_month_on(three: Three) -> None:
    assert three.outcome.is_done, three.outcome.public.refused
    for tier in ("restricted", "public"):
        folders = (three.home.releases / tier).glob("AL*/2023-*")
        assert {f"{path.parent.name} {path.name}" for path in folders} == {
            "AL 2023-03", "AL-04 2023-03", "AL-11 2023-03",
            "AL 2023-12", "AL-04 2023-12", "AL-07 2023-12", "AL-11 2023-12",
        }  # fmt: skip


@pytest.mark.data
def test_a_refresh_tells_each_countys_releases_reports_and_findings(three: Three) -> None:
    lines = {line.split()[0]: line for line in describe_areas(three.home, three.outcome)}
    assert {county: line.split("; ")[:-1] for county, line in lines.items()} == {
        "AL": ["AL     releases 2", "81 of 81 reports came, 0 late"],
        "AL-04": ["AL-04  releases 2", "34 of 34 reports came, 0 late"],
        "AL-07": ["AL-07  releases 1", "11 of 11 reports came, 0 late"],
        "AL-11": ["AL-11  releases 2", "36 of 36 reports came, 0 late"],
    }
    assert lines["AL-11"].endswith("findings 1: value_not_reported 1")
    for scope, told in (
        (Scope("AL-11", date(2023, 8, 1)), "0 of 17 reports came, 0 late, no hotline log"),
        (Scope("AL-07", date(2023, 10, 1)), "11 of 11 reports came, 11 late"),
    ):
        plan = replace(three.outcome.plan, asked=(scope,))
        [line] = describe_areas(three.home, replace(three.outcome, plan=plan, records=[]))
        assert line == f"{scope.county_code:6} releases 0; {told}; findings 0"


@pytest.mark.data
def test_a_figure_says_from_when_on_the_county_owes_it(three: Three) -> None:
    shown = explain(three.home, "AL-07", DECEMBER, "3.1.2.1")
    assert shown.is_lower_bound
    assert shown.owed_from == date(2023, 5, 1)
    assert "Before 2023-05 no report was due" in page(shown, "en")
    for county, indicator in (("AL-11", "3.1.2.1"), ("AL", "3.1.2.1"), ("AL-11", "2.1.6.1")):
        assert explain(three.home, county, DECEMBER, indicator).owed_from is None
