"""Made-up and real data are never added up, whichever came first."""

import csv
import json
import shutil
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from click.testing import CliRunner
from conftest import MAY, Prepare, Refreshed, copy_home

from orchestration.cli import cli
from orchestration.gate.judge import Scope, judge
from orchestration.linkage.link import link_persons
from orchestration.products.tree import ReleaseFolder, facts_of
from orchestration.publication.finality import MonthIsFinal, finality
from orchestration.publication.writing.release import require_reopened
from orchestration.refresh.steps import Outcome, refresh
from orchestration.runtime.database import attach_warehouse, write_warehouse
from orchestration.runtime.settings import SEEDS
from sources.custody.home import Home
from sources.custody.landing import SCHEMAS
from sources.example import generate
from sources.reading.file import CONTENT_PURPOSE
from sources.registers import load_registers

FIER, OTHER, NATION = "AL-04", "AL-02", "AL"
RULE = "made_up_set_aside"
#: Tables of the reading copy that rest on what was sent; releases keep the numbers they had.
SCHEMAS_COMPARED = ("core", "marts", "quality")


def write_real(inbox: Path) -> None:
    """Write a year of every kind of file of Fier, of other figures, that states to be real."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "MADE_UP", "REALE")
        generate.write_example(inbox, SEEDS, variant="real")


def _refreshed_copy(home: Home, source: Home) -> None:
    shutil.copytree(source.root, home.root, dirs_exist_ok=True)
    shutil.copytree(source.keys, home.keys, dirs_exist_ok=True)


@pytest.fixture(scope="module")
def real(prepared: Prepare, refreshed: Refreshed) -> Home:
    """A home that holds real files only, and names them by the same key."""

    def fill(home: Home) -> Outcome:
        home.keys.mkdir(parents=True)
        shutil.copy(refreshed.home.keys / f"{CONTENT_PURPOSE}.key", home.keys)
        write_real(home.inbox)
        return refresh(home, [MAY])

    return prepared("real-alone", fill)[0]


@pytest.fixture(scope="module", params=["made up first", "real first"])
def mixed(
    request: pytest.FixtureRequest,
    prepared: Prepare,
    refreshed: Refreshed,
    real: Home,
) -> tuple[Home, Outcome]:
    """A home in which both were refreshed, one after the other, with what the second gave."""

    def fill(home: Home) -> Outcome:
        if request.param == "made up first":
            _refreshed_copy(home, refreshed.home)
            write_real(home.inbox)
        else:
            _refreshed_copy(home, real)
            generate.write_example(home.inbox, SEEDS)
        return refresh(home, [MAY])

    home, outcome = prepared(request.param.replace(" ", "-"), fill)
    return home, outcome


def _tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() "
        "where database_name = 'alone' and list_contains(?, schema_name) order by all",
        [list(SCHEMAS_COMPARED)],
    ).fetchall()
    return [str(row[0]) for row in rows]


@pytest.fixture
def both(real: Home, mixed: tuple[Home, Outcome]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouses of the home with real files alone and of the mixed one."""
    with duckdb.connect() as connection:
        attach_warehouse(connection, real, "alone")
        attach_warehouse(connection, mixed[0], "mixed")
        yield connection


def test_a_real_areas_tables_are_those_that_it_has_without_the_made_up_files(
    both: duckdb.DuckDBPyConnection,
) -> None:
    tables = _tables(both)
    assert {"marts.indicator_progress", "marts.recorded_counts", "quality.findings"} <= set(tables)
    # What stands for persons and pseudonyms differs from home to home with its keys.
    person_level = {
        "core.fct_case_statuses", "core.fct_hotline_contacts", "core.fct_referral_events",
    }  # fmt: skip
    for table in sorted(set(tables) - person_level):
        told = {
            "core.dim_deliveries": "where delivery_status <> 'set_aside'",
            "core.fct_findings": f"where rule <> '{RULE}'",
            "quality.findings": f"where rule <> '{RULE}'",
            "quality.findings_as_known": (
                "where finding_id not in "
                f"(select finding_id from mixed.quality.findings where rule = '{RULE}')"
            ),
        }.get(table, "")
        for one, other in (("alone", "mixed"), ("mixed", "alone")):
            query = f"from {one}.{table} {told} except all from {other}.{table} {told}"
            assert not both.sql(query).fetchall(), f"{table}: in {one} and not in {other}"


def test_what_is_set_aside_stays_visible_and_is_told_once_a_month(
    both: duckdb.DuckDBPyConnection,
) -> None:
    statuses = both.sql(
        "select is_made_up, delivery_status = 'set_aside', count(*) "
        "from mixed.core.dim_deliveries group by all"
    ).fetchall()
    assert {(made_up, aside) for made_up, aside, _ in statuses} == {(True, True), (False, False)}
    found = both.sql(
        "select county_code, reporting_month, severity, is_made_up, message_en "
        f"from mixed.quality.findings where rule = '{RULE}'"
    ).fetchall()
    # Twelve months of reports and a wrong one, logs and records together, the nation's figures.
    assert len(found) == len({row[:2] for row in found}) == 15
    assert {row[2:4] for row in found} == {("informs", False)}
    assert all("set aside: " in row[4] for row in found)


def test_nothing_is_blocked_and_the_new_releases_are_real(mixed: tuple[Home, Outcome]) -> None:
    home, outcome = mixed
    assert outcome.refused == ()
    for county in (FIER, NATION):
        newest = ReleaseFolder(home.releases, "restricted", county, "2023-05").newest()
        assert newest is not None
        assert facts_of(newest)["is_made_up"] is False
        with (newest / "sources.csv").open(encoding="utf-8", newline="") as file:
            assert {row["is_made_up"] for row in csv.DictReader(file)} == {"False"}


@pytest.fixture(scope="module")
def beside(prepared: Prepare, refreshed: Refreshed) -> Home:
    """Fier's example, a real log of another county and the nation's figures as published."""

    def fill(home: Home) -> Outcome:
        _refreshed_copy(home, refreshed.home)
        log = refreshed_log(home)
        (home.inbox / OTHER).mkdir(parents=True, exist_ok=True)
        (home.inbox / OTHER / "log.csv").write_text(log, encoding="utf-8")
        (home.inbox / NATION).mkdir(parents=True, exist_ok=True)
        shutil.copy(generate.PUBLISHED_FIGURES, home.inbox / NATION)
        return refresh(home, [MAY])

    return prepared("real-beside", fill)[0]


def refreshed_log(home: Home) -> str:
    """Return May's log of the example as another county's, marked as real."""
    folder = home.root.parent / "example"
    generate.write_example(folder, SEEDS)
    text = (folder / FIER / "linja_2023-05.csv").read_text(encoding="utf-8")
    return text.replace(f"{FIER};{generate.MADE_UP}", f"{OTHER};REALE")


def test_a_made_up_county_has_its_own_marts_and_no_part_in_a_real_nation(
    beside: Home, refreshed: Refreshed
) -> None:
    with duckdb.connect() as connection:
        attach_warehouse(connection, refreshed.home, "example")
        attach_warehouse(connection, beside, "beside")
        for mart in (
            "indicator_progress", "hotline_activity", "referral_flow", "recorded_counts",
            "identified_persons", "institution_values",
        ):  # fmt: skip
            own = f"marts.{mart} where county_code = '{FIER}'"
            for one, other in (("example", "beside"), ("beside", "example")):
                query = f"from {one}.{own} except all from {other}.{own}"
                assert not connection.sql(query).fetchall(), mart
            assert connection.sql(f"select bool_or(is_made_up) from beside.{own}").fetchone() == (
                True,
            )
            nation = f"from beside.marts.{mart} where county_code = '{NATION}' and is_made_up"
            assert not connection.sql(nation).fetchall(), mart
        # No county that the nation adds up has reported: what is known is what was published.
        assert connection.sql(
            "select count(actual_month), count(actual_year_to_date) > 0, max(completeness) "
            f"from beside.marts.indicator_progress where county_code = '{NATION}' "
            "and completeness < 1"
        ).fetchone() == (0, False, 0)
        assert connection.sql(
            "select max(actual_cumulative) from beside.marts.indicator_progress "
            f"where county_code = '{NATION}' and indicator_code = '2.1.9.1'"
        ).fetchone() == (159 + 112,)
        assert connection.sql(
            "select distinct counties from beside.marts.recorded_counts "
            f"where county_code = '{NATION}' and subject = 'hotline_contacts'"
        ).fetchall() == [(OTHER,)]
        assert not connection.sql(
            f"from beside.marts.referral_flow where county_code = '{NATION}'"
        ).fetchall()
        log = "from beside.core.fct_record_counts where source = 'hotline' and county_code = "
        columns = "select indicator_code, reporting_month, category, value, value_least, is_made_up"
        assert (
            connection.sql(f"{columns} {log}'{NATION}' order by all").fetchall()
            == connection.sql(f"{columns} {log}'{OTHER}' order by all").fetchall()
            != []
        )
        assert connection.sql(
            "select county_code from beside.core.bridge_area_members "
            f"where area_code = '{NATION}' and county_code = '{FIER}'"
        ).fetchall() == []  # fmt: skip
        assert not connection.sql(
            f"from beside.publication.release_sources where area_code = '{NATION}' and is_made_up"
        ).fetchall()


def test_what_blocks_a_made_up_county_does_not_block_a_real_nation(
    beside: Home, refreshed: Refreshed, tmp_path: Path
) -> None:
    scopes = [Scope(FIER, MAY), Scope(NATION, MAY)]
    verdicts = {}
    for name, source in (("beside", beside), ("example", refreshed.home)):
        home = copy_home(source, tmp_path / name)
        with write_warehouse(home) as connection:
            connection.execute(
                "insert into ops.failed_tests by name select 'wrong' as node, ? as county_code, "
                "? as reporting_month",
                [FIER, MAY],
            )
        verdicts[name] = [record.verdict for record in judge(home, scopes, load_registers(SEEDS))]
    assert verdicts == {"beside": ["blocked", "pass"], "example": ["blocked", "blocked"]}


def test_a_made_up_person_is_never_a_real_one(tmp_path: Path) -> None:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    home.root.mkdir()
    arrived = datetime(2023, 5, 5, 9)
    senders = [("m1", FIER, True), ("m2", FIER, True), ("r1", OTHER, False), ("r2", OTHER, False)]
    deliveries = [
        {"delivery_id": name, "county_code": county, "received_at": arrived, "status": "accepted",
         "is_made_up": is_made_up}
        for name, county, is_made_up in senders
    ]  # fmt: skip
    events = [
        {"delivery_id": name, "row_number": 2, "county_code": county, "case_key": name,
         "institution_code": f"{county}-{name}", "person_key": f"person {name[1]}",
         "personal_number_key": "same", "event": "flagged", "event_date": date(2023, 5, 2)}
        for name, county, _ in senders
    ]  # fmt: skip
    with write_warehouse(home) as connection:
        connection.execute("create schema raw")
        for table, rows in (("deliveries", deliveries), ("referral_events", events)):
            full = [dict.fromkeys(SCHEMAS[table].names) | row for row in rows]
            connection.register("found", pa.Table.from_pylist(full, schema=SCHEMAS[table]))
            connection.execute(f"create table raw.{table} as from found")
            connection.unregister("found")
    link_persons(home)
    with write_warehouse(home) as connection:
        links = connection.execute(
            "select is_made_up, person_key, linked_person_key from raw.person_links order by all"
        ).fetchall()
        pairs = connection.execute(
            "select is_made_up, one_delivery_id, other_delivery_id, state from raw.person_pairs "
            "order by all"
        ).fetchall()
    # Two senders call their persons by the same codes, in each of the two worlds.
    assert [(made_up, person) for made_up, person, _ in links] == [
        (False, "person 1"), (False, "person 2"), (True, "person 1"), (True, "person 2"),
    ]  # fmt: skip
    assert {linked for _, _, linked in links} == {"person 1"}
    assert pairs == [(False, "r1", "r2", "linked"), (True, "m1", "m2", "linked")]


def _released(folder: ReleaseFolder, number: int, facts: dict[str, Any]) -> Path:
    path = folder.folder / f"r{number}"
    path.mkdir(parents=True)
    manifest = json.dumps({"release": facts, "files": []})
    (path / "datapackage.json").write_text(manifest, encoding="utf-8")
    return path


def test_a_final_month_of_made_up_data_binds_no_real_one(tmp_path: Path) -> None:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    folder = ReleaseFolder(tmp_path, "restricted", FIER, "2023-05")
    final = {
        "status": "final", "final_on": "2024-03-01", "released_on": "2024-01-01",
        "is_made_up": True,
    }  # fmt: skip
    path = _released(folder, 1, final)
    assert require_reopened(home, folder, path, is_made_up=False) is None
    with pytest.raises(MonthIsFinal):
        require_reopened(home, folder, path, is_made_up=True)
    # Readers get their time to see the first real release.
    opened, closed = (
        finality(folder, date(2024, 3, 1), date(2024, 6, 1), is_made_up=is_made_up).status
        for is_made_up in (False, True)
    )
    assert (opened, closed) == ("provisional", "final")
    path = _released(folder, 2, {**final, "is_made_up": False})
    with pytest.raises(MonthIsFinal):
        require_reopened(home, folder, path, is_made_up=False)


def test_a_form_marked_as_made_up_says_so_before_it_is_sent(tmp_path: Path) -> None:
    form = tmp_path / "form.csv"
    told = []
    for mark in (generate.MADE_UP, "REALE"):
        form.write_text(
            "Formulari;Qarku;Institucioni;Muaji;Të dhënat;Kodi i treguesit;Ndarja;Vlera;Gjendja\n"
            f"krat-raport-1;AL-04;AL-04-SHSSH;2023-05;{mark};2.1.18.1;;3;\n",
            encoding="utf-8",
        )
        answer = CliRunner().invoke(cli, ["check", "--english", str(form)])
        assert answer.exit_code in (0, 3)
        told.append("where there are real data they are not counted" in answer.output)
    assert told == [True, False]
