"""Identified persons: recomputed from the files as Eurostat asks, and what was not asked."""

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import openpyxl
import pytest
from conftest import Refreshed
from test_asking import QUESTIONS
from test_chains import build

from orchestration.products.declaration import product
from orchestration.products.tables import month_frame, table_of
from orchestration.publication.observations import observations
from orchestration.runtime.settings import SEEDS
from sources.codes import codes_of
from sources.example.counties import FIER, KNOWN_TO_POLICE
from sources.example.generate import write_example
from sources.registers import register_rows

EUROSTAT = dict(QUESTIONS)["Who was identified, as Eurostat asks?"]

Record = dict[str, Any]

#: What the cells of the example mean to Eurostat, without any code or register of krat.
SEXES = {"female": "female", "male": "male"}
AGES = {"0-17": "under_18", "18+": "18_or_over"}
FORMS = {
    "SexualExploitation": "sexual", "ForcedLabour": "labour", "ChildLabour": "labour",
    "Servitude": "labour", "ForcedBegging": "other", "ForcedMarriage": "other",
}  # fmt: skip
NATIONALS = {"shqiptare", "AL"}
FOREIGNERS = {"Kosovë", "RS", "Siri", "UA"}
AUTHORITIES = {
    "Police": "police", "NGO": "ngo", "CourtOrProsecution": "other",
    "NonPoliceGovernmentalOrganization": "other",
}  # fmt: skip
STEPS = {
    "initially_identified": ("initially_identified",),
    "formally_identified": ("formally_identified",),
    "identified": ("initially_identified", "formally_identified"),
}
DOUBTFUL = {known.person for known in KNOWN_TO_POLICE if known.is_doubtful}


def _rows(path: Path) -> Iterator[Record]:
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file, delimiter=";")
        return
    headings, *rows = openpyxl.load_workbook(path, read_only=True).active.values
    for row in rows:
        yield dict(zip(headings, ["" if cell is None else cell for cell in row], strict=True))


def _day(cell: Any) -> date:
    if isinstance(cell, datetime):
        return cell.date()
    return cell if isinstance(cell, date) else date.fromisoformat(str(cell))


def _cases_as_sent_last(inbox: Path) -> list[list[Record]]:
    """Return the rows of each case in the last file that has it; the first form is replaced."""
    paths = [*inbox.glob("referime_*"), *inbox.glob("policia_*-T*")]
    latest: dict[tuple[str, str], list[Record]] = {}
    for path in sorted(paths, key=lambda path: path.stat().st_mtime):
        sent = defaultdict(list)
        for row in _rows(path):
            if row["Formulari"] != "krat-referim-1":
                sent[row["Institucioni"], row["Nr. rastit"]].append(row)
        latest |= sent
    return list(latest.values())


def _who(row: Record) -> str:
    """Return the made-up person of a row: a filler that krat never reads says the number."""
    person = int(row["Atësia"].rpartition(" ")[2])
    by_police = row["Kodi i personit"].startswith("P-2023-PO-")
    return f"{person} of the police" if by_police and person in DOUBTFUL else str(person)


def _table(cases: list[list[Record]], year: int) -> dict[tuple[str, str, str], int]:
    """Return Eurostat's table: how many persons by step, breakdown and category, none left out."""
    rows = sorted((row for case in cases for row in case), key=lambda row: _day(row["Data"]))
    found: Counter[tuple[str, str, str]] = Counter()
    for step, events in STEPS.items():
        firsts: dict[str, Record] = {}
        for row in rows:
            if row["Ngjarja"] in events:
                firsts.setdefault(_who(row), row)
        for person, first in firsts.items():
            if _day(first["Data"]).year != year:
                continue
            own = [row for row in rows if _who(row) == person]
            its = [row for row in own if row["Ngjarja"] in events]

            def said(
                heading: str, meanings: dict[str, str], of: list[Record], otherwise: str
            ) -> str:
                cells = [row.get(heading, "") for row in of]
                return next((meanings[cell] for cell in cells if cell in meanings), otherwise)

            groups = dict.fromkeys(NATIONALS, "reporting_country")
            groups |= dict.fromkeys(FOREIGNERS, "non_eu")
            sex = said("Gjinia", SEXES, its, "other_or_unknown")
            found.update(
                {
                    (step, "total", "total"),
                    (step, "sex_and_age_group", f"{sex} {said('Grupmosha', AGES, its, 'unknown')}"),
                    (step, "exploitation", said("Shfrytëzimi", FORMS, its, "unknown")),
                    (step, "citizenship_group", said("Shtetësia", groups, own, "unknown")),
                    (
                        step,
                        "registering_organisation",
                        said("Organizata vendimmarrëse", AUTHORITIES, its, "unknown"),
                    ),
                }
            )
    return found


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[list[Record]]:
    inbox = tmp_path_factory.mktemp("files")
    write_example(inbox, SEEDS)
    return _cases_as_sent_last(inbox / FIER.code)


def test_eurostats_table_is_what_the_files_of_records_hold(
    cases: list[list[Record]], marts: duckdb.DuckDBPyConnection
) -> None:
    rows = marts.execute(EUROSTAT).fetchall()
    answered = {
        (step, breakdown, category): persons for step, breakdown, category, persons, *_ in rows
    }
    expected = _table(cases, 2023)
    assert expected["identified", "total", "total"] > 50
    assert {cell: persons for cell, persons in answered.items() if persons} == expected
    # What nobody is in has a row with 0: it is known.
    assert answered["identified", "citizenship_group", "other_eu"] == 0
    # One county of twelve: nothing is said to be all.
    assert all(at_least for *_, at_least in rows)


def test_who_was_identified_before_the_form_asked_is_told_apart(
    cases: list[list[Record]], marts: duckdb.DuckDBPyConnection
) -> None:
    asked = {_who(row) for case in cases for row in case if "Shtetësia" in row}
    identified = {
        _who(row) for case in cases for row in case if row["Ngjarja"] in STEPS["identified"]
    }
    found = marts.execute(
        "select category, persons, not_asked from marts.identified_persons "
        "where county_code = 'AL-04' and period = '2023' and step = 'identified' "
        "and breakdown = 'citizenship'"
    ).fetchall()
    persons = {category: count for category, count, _ in found}
    assert persons["not_asked"] == len(identified - asked) > 10
    assert {not_asked for *_, not_asked in found} == {persons["not_asked"]}
    assert persons["refused"] > 0
    assert sum(persons.values()) == len(identified)


@pytest.mark.parametrize("collection", ["eurostat", "unodc"])
def test_every_code_is_in_a_category_of_a_collection(collection: str) -> None:
    lists = {
        "sex": "sexes", "age_group": "age_groups", "exploitation": "exploitation",
        "citizenship": "citizenships", "trafficking_scope": "trafficking_scopes",
        "registering_organisation": "deciding_organisations",
    }  # fmt: skip
    mapped = defaultdict(set)
    for row in register_rows(SEEDS, "collection_codes"):
        if row["collection"] == collection:
            mapped[row["breakdown"]].add(row["code"])
    nothing = {"unknown", "refused", "not_reported", "not_applicable", "not_asked"}
    assert mapped.keys() >= {"sex", "age_group", "exploitation"}
    for breakdown in mapped.keys() - {"step"}:
        codes = {code.code for code in codes_of(lists[breakdown])}
        assert mapped[breakdown] == codes | nothing, breakdown
    categories = {
        (row["collection"], row["breakdown"], row["category"])
        for row in register_rows(SEEDS, "collection_categories")
    }
    used = {
        (row["collection"], row["breakdown"], row["category"])
        for row in register_rows(SEEDS, "collection_codes")
    }
    assert used == categories


SOME = {
    "sex": ["female", "male", None], "age_group": ["0-17", "18+", None],
    "exploitation": ["ForcedLabour", "SexualExploitation", None],
    "deciding_organisation": ["Police", "NGO", None], "citizenship": ["AL", "IT", "SY", None],
    "trafficking_scope": ["internal", "cross_border", None],
    "residence_county": ["AL-04", "AL-05", "abroad", None], "support_type": ["Legal", None],
}  # fmt: skip
NOTHINGS = ["unknown", "refused", "not_reported", "not_applicable", "not_asked"]


def _any_step(rng: Random) -> Record:
    """Draw a step of one of few persons: what is said of a person may change, or be nothing."""
    row: Record = {
        "county_code": rng.choice(["AL-04", "AL-05"]),
        "sender_code": rng.choice(["A", "B"]),
        "linked_person_key": f"p{rng.randint(1, 12)}",
        "episode": rng.choice([1, 1, 2]),
        "event": rng.choice(["initially_identified", "formally_identified", "assisted"]),
        "event_date": date(rng.choice([2022, 2023]), rng.randint(1, 12), rng.randint(1, 28)),
        "is_comparable": rng.random() < 0.5,
        "is_made_up": True,
    }
    row["least_person_key"] = f"l{int(row['linked_person_key'][1:]) // 2}"
    for name, values in SOME.items():
        row[name] = rng.choice(values)
        row[f"{name}_state"] = "reported" if row[name] else rng.choice(NOTHINGS)
    return row


@pytest.fixture
def of_steps(refreshed: Refreshed) -> Iterator[Any]:
    """Builds the mart from steps, of counties whose files all came, and returns a connection."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{refreshed.home.warehouse}' as warehouse (read_only)")

        def built(steps: list[Record], coverage: str = "whole") -> duckdb.DuckDBPyConnection:
            for table in (
                "dim_codes", "dim_collection_codes", "dim_counties", "dim_months",
                "bridge_area_members", "fct_referral_events",
            ):  # fmt: skip
                rows = " limit 0" if table == "fct_referral_events" else ""
                connection.execute(f"create table {table} as from warehouse.core.{table}{rows}")
            for step in steps:
                named = ", ".join(step)
                values = ", ".join("?" for _ in step)
                connection.execute(
                    f"insert into fct_referral_events ({named}) values ({values})", [*step.values()]
                )
            connection.execute(
                "create table int_record_months as select area as county_code, "
                "'referral' as source, month as reporting_month, ? as coverage, "
                "if(area = 'AL', 12, null) as counties_reporting, "
                "if(area = 'AL', 12, null) as counties_expected, "
                "cast(null as varchar) as counties_missing, cast(null as date) as last_gap, "
                "true as is_made_up "
                "from dim_months, unnest(['AL-04', 'AL-05', 'AL']) as areas (area) "
                "where year in (2022, 2023)",
                [coverage],
            )
            build(connection, "identified_persons")
            return connection

        yield built


@pytest.mark.parametrize("seed", range(4))
def test_the_categories_of_a_breakdown_add_up_where_a_person_has_one(
    seed: int, of_steps: Any
) -> None:
    rng = Random(f"identified {seed}")
    steps = [_any_step(rng) for _ in range(60)]
    connection = of_steps(steps)
    sums = connection.execute(
        "select county_code, period, step, breakdown, sum(persons) from identified_persons "
        "where breakdown <> 'assistance' group by all"
    ).fetchall()
    totals = {
        (county, period, step): persons
        for county, period, step, breakdown, persons in sums
        if breakdown == "total"
    }
    assert len(totals) == 3 * 6 * 3
    assert sum(totals.values()) > 50
    for county, period, step, breakdown, persons in sums:
        assert persons == totals[county, period, step], breakdown
    # The total is what a count of the steps themselves gives.
    for (area, period, step), persons in totals.items():
        firsts: dict[tuple[str, int], date] = {}
        for row in steps:
            if row["event"] in STEPS[step] and area in ("AL", row["county_code"]):
                key = (row["linked_person_key"], row["episode"])
                firsts[key] = min(firsts.get(key, date.max), row["event_date"])
        known = {
            person
            for (person, _), day in firsts.items()
            if period in (f"{day.year}", f"{day.year}-H{1 if day.month < 7 else 2}")
        }
        assert persons == len(known)
    assert not connection.execute(
        "select * from identified_persons where persons_least > persons or persons > persons_most "
        "or (persons is null) <> (value_state in ('not_asked', 'not_reported')) "
        "or (breakdown = 'total') <> (persons_least is not null and persons_most is not null)"
    ).fetchall()


def test_a_period_without_records_has_no_count(of_steps: Any) -> None:
    rows = of_steps([], "none").execute(
        "select distinct breakdown, persons, not_asked, value_state from identified_persons"
    )
    assert rows.fetchall() == [("total", None, None, "not_reported")]


def test_who_was_asked_once_is_not_among_those_not_asked(of_steps: Any) -> None:
    step = _any_step(Random("one")) | {
        "county_code": "AL-04", "event": "initially_identified", "event_date": date(2023, 3, 1),
        "episode": 1, "linked_person_key": "p1", "citizenship": None,
        "citizenship_state": "not_asked",
    }  # fmt: skip
    again = step | {"sender_code": "C", "citizenship_state": "not_reported"}
    other = step | {"linked_person_key": "p2", "least_person_key": "l9"}
    found = of_steps([step, again, other]).execute(
        "select category, persons, value_state, not_asked, is_lower_bound "
        "from identified_persons where county_code = 'AL-04' and period = '2023' "
        "and step = 'identified' and breakdown = 'citizenship' order by all"
    )
    assert found.fetchall() == [
        ("not_asked", 1, "number", 1, False),
        ("not_reported", 1, "number", 1, False),
    ]


def test_nobody_asked_is_an_empty_number_that_was_not_collected(of_steps: Any) -> None:
    step = _any_step(Random("one")) | {
        "county_code": "AL-04", "event": "initially_identified", "event_date": date(2023, 3, 1),
        "trafficking_scope": None, "trafficking_scope_state": "not_asked",
    }  # fmt: skip
    connection = of_steps([step])
    assert connection.execute(
        "select category, persons, value_state, is_lower_bound from identified_persons "
        "where county_code = 'AL-04' and period = '2023-H1' and step = 'identified' "
        "and breakdown = 'trafficking_scope' order by all"
    ).fetchall() == [
        ("cross_border", None, "not_asked", True),
        ("internal", None, "not_asked", True),
        ("not_asked", 1, "number", False),
    ]
    connection.execute("create schema marts")
    connection.execute("create table marts.identified_persons as from identified_persons")
    connection.execute("create schema core; create schema publication")
    connection.execute("create table core.dim_indicators as from warehouse.core.dim_indicators")
    connection.execute("create table core.dim_months as from warehouse.core.dim_months")
    connection.execute(
        "create table publication.empty_number_statuses as "
        "from warehouse.publication.empty_number_statuses"
    )
    mart, june = product("identified_persons"), date(2023, 6, 1)
    frame = month_frame(connection, mart, "AL-04", june)
    status = observations(connection, "AL-04", june, [table_of(mart, frame)]).frame
    asked = status[status["mart_row"].str.contains("H1/identified/trafficking_scope/internal")]
    assert set(asked[asked["measure"] == "persons"]["obs_status"]) == {"L"}


def test_no_place_below_the_county_is_in_the_mart(marts: duckdb.DuckDBPyConnection) -> None:
    described = marts.execute("describe marts.identified_persons").fetchall()
    assert not [name for name, *_ in described if re.search("municipality|key|delivery", name)]
