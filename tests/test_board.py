"""A year at a glance: krat status --year, and what it counts."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import openpyxl
import pytest
from click.testing import CliRunner

from orchestration.alerts.channels import OWN as ALERTS
from orchestration.board.collect import (
    BoardCell,
    CellState,
    collect_board,
    collect_details,
    collect_now,
)
from orchestration.cli import cli
from orchestration.registers.calendar import OWN as CALENDAR
from orchestration.registers.calendar import Kind
from orchestration.runtime.writer_lock import one_writer
from sources.custody.home import Home
from sources.custody.version import write_version

COPY = """
create schema quality; create schema core;
create table reporting_status as
from (values
    ('AL-04', 'AL-04-SHSSH', date '2023-05-01', date '2023-06-10', 1, 1, 1, false),
    ('AL-04', 'AL-04-POLICIA', date '2023-05-01', date '2023-06-10', 1, 0, 0, false),
    ('AL-04', 'AL-04-SHSSH', date '2024-01-01', date '2024-02-10', 1, 1, 1, true)
) as t(county_code, institution_code, reporting_month, reporting_deadline, expected, received,
    on_time, is_made_up);
alter table reporting_status add column refused integer default 0;
alter table reporting_status add column open_findings integer default 0;
alter table reporting_status add column waived_findings integer default 0;
alter table reporting_status add column days_late integer;
alter table reporting_status add column trend varchar;
create table core.fct_record_coverage as
from (values ('AL-04', date '2024-01-01', 'none', null), ('AL', date '2024-01-01', 'part', 'part'))
as t(county_code, reporting_month, hotline, referral);
create table core.dim_institutions as
from (values ('AL-04-SHSSH', 'Shërbimi social', 'Social service'))
as t(institution_code, name_sq, name_en);
create table core.dim_quality_rules as
from (values
    ('rule_a', 'blocks', 'krat', 'Rregulli a.', 'Rule a.'),
    ('rule_b', 'blocks', 'krat', 'Rregulli b.', 'Rule b.'),
    ('rule_w', 'warns', 'institution', 'Rregulli w.', 'Rule w.'),
    ('rule_i', 'informs', 'institution', 'Rregulli i.', 'Rule i.')
) as t(rule, severity, mended_by, sentence_sq, sentence_en);
create table quality.blocked_months as
from (values
    ('AL-04', date '2023-05-01', 'rule_a', 'krat'), ('AL', date '2023-06-01', 'rule_b', 'krat')
) as t(county_code, reporting_month, rule, mended_by);
create table quality.findings as
from (values
    ('AL-04', 'd1', 'door', 'blocks', 'rule_a', null::date, false),
    ('AL-04', 'd1', 'door', 'blocks', 'rule_a', null::date, false),
    ('AL-04', 'd2', 'door', 'warns', 'rule_w', null::date, false),
    ('AL-04', 'd3', 'door', 'blocks', 'rule_a', date '2023-05-01', true),
    ('AL-04', null, 'warehouse', 'warns', 'rule_w', date '2023-05-01', false),
    ('AL-04', null, 'warehouse', 'warns', 'rule_w', date '2023-05-01', false),
    ('AL-04', null, 'warehouse', 'warns', 'rule_w', date '2023-05-01', true),
    ('AL-04', null, 'warehouse', 'informs', 'rule_i', date '2023-05-01', false)
) as t(county_code, delivery_id, stage, severity, rule, reporting_month, is_settled);
alter table quality.findings add column institution_code varchar default 'AL-04-SHSSH';
"""

CELL = BoardCell(
    "AL-04", date(2023, 5, 1), expected=2, received=2, on_time=1, awaited=0, refused=0,
    refused_open=0, open_findings=0, lacking=(), blocked_by=(), released={},
    counties_reporting=None, counties_expected=None,
)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose reading copy has two months reported, one blocked, and one release."""
    home = Home(tmp_path / "home", tmp_path / "keys")
    write_version(home)
    (home.releases / "restricted" / "AL-04" / "2023-05" / "r2").mkdir(parents=True)
    with duckdb.connect(str(home.marts)) as connection:
        connection.execute(COPY)
    return home


@pytest.fixture
def environment(home: Home) -> dict[str, str]:
    return {"KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)}


def test_a_year_is_n_of_m_with_blocks_and_releases(environment: dict[str, str]) -> None:
    told = CliRunner().invoke(cli, ["status", "--year", "2023", "--json"], env=environment)
    assert told.exit_code == 0, told.output
    content = json.loads(told.stdout)
    nation_in_may, nation, fier = content["cells"]
    assert (nation["county_code"], nation["expected"], nation["blocked_by"]) == (
        "AL",
        0,
        ["rule_b"],
    )
    counts = ("expected", "received", "on_time", "refused", "open_findings")
    assert [fier[name] for name in counts] == [2, 1, 1, 1, 2]
    assert fier["blocked_by"] == ["rule_a"]
    assert fier["released"] == {"restricted": "r2", "public": None}
    assert content["refused_without_month"] == {"AL-04": 1}
    # The nation is the sum of its counties, and most of them report nothing.
    assert [nation_in_may[name] for name in counts] == [2, 1, 1, 1, 2]
    assert (nation_in_may["counties_reporting"], nation_in_may["counties_expected"]) == (1, 12)
    assert (nation_in_may["blocked_by"], nation_in_may["state"]) == ([], "missing")


def test_what_is_not_owed_is_not_zero_of_zero(environment: dict[str, str]) -> None:
    told = CliRunner().invoke(cli, ["status", "--year", "2023"], env=environment).stdout
    assert "no report owed" in told
    assert "1 of 2 received" in told
    assert "0 of 0" not in told


def test_a_month_or_a_year_is_asked_for(environment: dict[str, str]) -> None:
    assert CliRunner().invoke(cli, ["status"], env=environment).exit_code == 2


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({}, CellState.WHOLE),
        ({"open_findings": 1}, CellState.OPEN),
        ({"refused": 1, "refused_open": 1}, CellState.OPEN),
        ({"refused": 1}, CellState.WHOLE),
        ({"received": 1, "open_findings": 1}, CellState.MISSING),
        ({"received": 1, "awaited": 1}, CellState.AWAITED),
        ({"received": 0, "awaited": 1}, CellState.MISSING),
        ({"lacking": ("release.lacking.hotline.none",)}, CellState.MISSING),
        ({"counties_reporting": 3, "counties_expected": 12}, CellState.MISSING),
        ({"counties_reporting": 12, "counties_expected": 12}, CellState.WHOLE),
        ({"received": 1, "blocked_by": ("rule_a",)}, CellState.BLOCKED),
        ({"expected": 0, "received": 0}, CellState.NOTHING_OWED),
    ],
)
def test_a_cell_shows_the_worst_of_its_month(changed: dict[str, object], state: CellState) -> None:
    assert replace(CELL, **changed).state == state  # type: ignore[arg-type]


def test_a_blocked_month_whose_reports_have_not_all_come_is_incomplete_too() -> None:
    blocked = replace(CELL, blocked_by=("rule_a",))
    assert not blocked.is_incomplete
    assert replace(blocked, received=1).is_incomplete


def test_what_did_not_come_has_time_until_its_deadline(home: Home) -> None:
    for day, awaited in ((date(2023, 6, 10), 1), (date(2023, 6, 11), 0)):
        cells = collect_board(home, 2023, day).cells
        assert [cell.awaited for cell in cells if cell.county_code == "AL-04"] == [awaited]


def test_records_that_lack_are_lacking_of_the_nation_in_part(home: Home) -> None:
    board = collect_board(home, 2024, date(2024, 3, 1))
    assert {cell.county_code: cell.lacking for cell in board.cells} == {
        "AL": ("release.lacking.hotline.part",),
        "AL-04": ("release.lacking.hotline.none",),
    }
    assert board.is_made_up
    assert not collect_board(home, 2023, date(2024, 3, 1)).is_made_up


def test_the_newest_year_with_reports_is_shown_unless_one_is_asked_for(home: Home) -> None:
    board = collect_board(home, None, date(2026, 1, 1))
    assert (board.year, board.years) == (2024, (2023, 2024))


def test_a_year_of_which_nothing_is_known_has_no_cell(environment: dict[str, str]) -> None:
    told = CliRunner().invoke(cli, ["status", "--year", "2022"], env=environment)
    assert "Nothing is known of 2022." in told.stdout


def test_behind_a_cell_are_the_lists_that_it_counts(home: Home) -> None:
    details = collect_details(home, "AL-04", date(2023, 5, 1), date(2024, 1, 1))
    assert details is not None
    assert {(one.institution_code, one.received) for one in details.institutions} == {
        ("AL-04-SHSSH", 1),
        ("AL-04-POLICIA", 0),
    }
    assert [(one.rule, one.count, one.open) for one in details.refused] == [("rule_a", 1, 0)]
    assert [(one.rule, one.mended_by) for one in details.blocked] == [("rule_a", "krat")]
    found = [(one.rule, one.count, one.open, one.institutions) for one in details.findings]
    assert found == [("rule_w", 2, 2, ("AL-04-SHSSH",)), ("rule_i", 1, 0, ("AL-04-SHSSH",))]
    assert details.releases == (("restricted", "r2"),)
    nation = collect_details(home, "AL", date(2023, 5, 1), date(2024, 1, 1))
    assert nation is not None
    assert [cell.county_code for cell in nation.counties] == ["AL-04"]
    assert [one.institutions for one in nation.findings] == [(), ()]
    assert collect_details(home, "AL-12", date(2023, 5, 1), date(2024, 1, 1)) is None


def test_a_rule_that_no_register_has_is_not_left_out(home: Home) -> None:
    with duckdb.connect(str(home.marts)) as connection:
        connection.execute("update quality.blocked_months set rule = 'rule_gone'")
    details = collect_details(home, "AL", date(2023, 6, 1), date(2024, 1, 1))
    assert details is not None
    assert [(one.rule, one.severity) for one in details.blocked] == [("rule_gone", "blocks")]


def test_the_workbook_has_the_grid_and_a_list_without_invented_zeros(
    environment: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "board.xlsx"
    asked = ["status", "--year", "2023", "--xlsx", str(path)]
    told = CliRunner().invoke(cli, asked, env=environment)
    assert told.exit_code == 0, told.output
    book = openpyxl.load_workbook(path)
    grid, cells = book.worksheets
    assert [cell.value for cell in grid[2]] == [
        "Muaji / Month",
        "Fier (AL-04)",
        "Shqipëria / Albania (AL)",
    ]
    may = [str(cell.value) for cell in grid[7]]
    assert may[1].startswith("Bllokuar / Blocked\n1 nga 2 raporte / 1 of 2 reports")
    assert "Released: r2" in may[1]
    assert [cell.value for cell in grid[3]][1:] == ["Nuk dihet / Not known"] * 2
    assert grid[8][1].value == "Asnjë detyrim / Nothing owed"
    heads, *rows = ([cell.value for cell in row] for row in cells.iter_rows())
    listed = [dict(zip(heads, row, strict=True)) for row in rows]
    june = next(row for row in listed if row["Muaji / Month"] == datetime(2023, 6, 1))
    assert june["Raporte të pritura / Reports expected"] == 0
    assert june["Raporte të marra / Reports received"] is None
    assert june["Rregulla që bllokojnë / Blocking rules"] == "rule_b"
    again = CliRunner().invoke(cli, asked, env=environment)
    assert again.exit_code == 2
    assert "must be a new file" in again.stderr


def test_only_a_terminal_gets_colours(environment: dict[str, str]) -> None:
    asked = ["status", "--year", "2023"]
    assert "\x1b[" not in CliRunner().invoke(cli, asked, env=environment).output
    coloured = CliRunner().invoke(cli, asked, env=environment, color=True).output
    assert "\x1b[31m\x1b[1mBlocked" in coloured
    assert "\x1b[33m\x1b[1mIncomplete" in coloured


def test_who_writes_and_what_comes_is_told(home: Home, environment: dict[str, str]) -> None:
    asked = ["status", "--year", "2023"]
    told = CliRunner().invoke(cli, asked, env=environment).stdout
    assert "Now     nothing writes the data" in told
    assert "the registers end in 2023-12" in told
    with one_writer(home, name="krat refresh"):
        told = CliRunner().invoke(cli, asked, env=environment).stdout
        assert "Now     krat refresh (process " in told
        content = json.loads(CliRunner().invoke(cli, [*asked, "--json"], env=environment).stdout)
        assert content["now"]["writer"]["name"] == "krat refresh"


def test_what_comes_next_is_that_of_the_calendar(home: Home) -> None:
    now = collect_now(home, datetime(2023, 6, 1, 12, tzinfo=ZoneInfo("Europe/Tirane")))
    assert now.uncovered is None
    assert [(one.kind, one.month) for one in now.coming] == [
        (kind, date(2023, 5, 1))
        for kind in (Kind.REMINDER, Kind.REFRESH, Kind.RELEASE, Kind.LATE_REFRESH)
    ]
    (home.root / "calendar.yml").write_text(
        CALENDAR.read_text("utf-8").replace("is_on: true", "is_on: false"), encoding="utf-8"
    )
    off = collect_now(home, datetime(2023, 6, 1, 12, tzinfo=UTC))
    assert (off.coming, off.uncovered) == ((), None)


@pytest.fixture
def failing(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home with a channel whose address nobody set."""
    monkeypatch.delenv("KRAT_ALERT_ANALYST", raising=False)
    (home.root / "alerts.yml").write_text(
        ALERTS.read_text("utf-8").replace(
            "channels: []", "channels: [{name: analyst, url: '${KRAT_ALERT_ANALYST}'}]"
        ),
        encoding="utf-8",
    )
    (home.alerts).mkdir()
    yield home


def test_a_channel_that_fails_is_shown(failing: Home, environment: dict[str, str]) -> None:
    told = CliRunner().invoke(cli, ["alerts", "test"], env=environment)
    assert told.exit_code == 1, told.output
    told = CliRunner().invoke(cli, ["status", "--year", "2023"], env=environment)
    assert "analyst fails since" in told.stdout
    assert "krat alerts test" in told.stdout
    assert [one.name for one in collect_now(failing, datetime.now(UTC)).failing] == ["analyst"]
