"""A person whom several institutions know is counted once: from their files to the decision."""

import os
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result
from conftest import Refreshed
from defects.planting import build_from_inbox

from orchestration.cli import cli
from orchestration.ingestion.door import take_in
from orchestration.linkage.link import link_persons
from orchestration.refresh.steps import refresh
from orchestration.runtime.database import read_warehouse
from orchestration.runtime.settings import SEEDS, prepare_process
from orchestration.warehouse.load import load_raw
from sources.custody import rekeying
from sources.custody.home import Home
from sources.custody.journal import BrokenJournal
from sources.custody.pseudonyms import Pseudonyms, purposes
from sources.example.counties import FIER, KNOWN_TO_POLICE, KnownToPolice
from sources.registers import load_registers
from sources.values import case_number

pytestmark = pytest.mark.slow

HEADINGS = (
    "Formulari;Qarku;Institucioni;Të dhënat;Nr. rastit;Kodi i personit;Ngjarja;Data;Gjinia;"
    "Grupmosha;Organizata vendimmarrëse;Kanali i identifikimit;Shfrytëzimi;Pika kufitare;"
    "Organizata referuese;Organizata pritëse;Lloji i mbështetjes;Hollësi;Statusi i rastit;"
    "Emri;Mbiemri;Numri personal;Datëlindja"
)
POLICE, SHELTER = "AL-04-POLICIA", "AL-04-SHSSH"
#: The purposes of what identifies a person.
IDENTITY = ("personal_number", "name", "name_sound", "birth_date", "birth_year")


@dataclass(frozen=True)
class Record:
    """A made-up person, identified by one institution in a case of its own."""

    case: str
    given_name: str = ""
    family_name: str = ""
    born: str = ""
    number: str = ""
    day: str = "2023-05-04"


def send(home: Home, institution: str, *records: Record, name: str = "referime") -> None:
    """Put an institution's records into the inbox, and take them in and link as a refresh does."""
    county = load_registers(SEEDS).institutions[institution]
    rows = [
        f"krat-referim-2;{county};{institution};SHEMBULL - TË TRILLUARA;{record.case};"
        f"P-{record.case};initially_identified;{record.day};female;18+;Police;police;"
        f"ForcedLabour;;;;;;Active;{record.given_name};{record.family_name};{record.number};"
        f"{record.born}"
        for record in records
    ]
    folder = home.inbox / county
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{institution}.csv"
    path.write_text("\n".join([HEADINGS, *rows, ""]), encoding="utf-8")
    os.utime(path, (1690000000, 1690000000))
    assert take_in(home, load_registers(SEEDS)).accepted == 1
    link(home)


def link(home: Home) -> None:
    load_raw(home, date(2023, 8, 1))
    link_persons(home)


def ask(home: Home, query: str) -> list[tuple[object, ...]]:
    with read_warehouse(home) as connection:
        return connection.execute(query).fetchall()


def persons(home: Home) -> tuple[int, int]:
    """Return how many persons there are if doubtful pairs are one, and if they are two."""
    (found,) = ask(
        home,
        "select count(distinct least_person_key), count(distinct linked_person_key) "
        "from raw.person_links",
    )
    return found  # type: ignore[return-value]


def states(home: Home) -> list[tuple[object, ...]]:
    return ask(home, "select state, method from raw.person_pairs order by all")


def krat(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["links", *arguments])


@pytest.fixture(scope="module")
def known_to_two(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The police and a shelter know the same four persons; of the last one only the name."""
    folder = tmp_path_factory.mktemp("linked")
    made = Home(root=folder / "home", keys=folder / "keys")
    send(
        made,
        POLICE,
        Record("1", "Barimo", "Dulakor", "1990-05-03"),
        Record("2", "Gjibor", "Famuton", "2001-11-30"),
        Record("3", "Zabunik", "Gokand", "", "J05503001A"),
        Record("4", "Kuninë", "Lopotë", "1999-01-17"),
    )
    send(
        made,
        SHELTER,
        Record("1", "BARIMO", "dulakor", "3.5.1990"),
        Record("2", "Xhibor", "Famuton", "30.11.2001"),
        Record("3", "", "", "", "j 05503001 a"),
        Record("4", "Kunine", "Lopote"),
    )
    return made


@pytest.fixture
def home(known_to_two: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A copy of that home, which a test may change."""
    copy = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    shutil.copytree(known_to_two.root, copy.root)
    shutil.copytree(known_to_two.keys, copy.keys)
    monkeypatch.setenv("KRAT_HOME", str(copy.root))
    monkeypatch.setenv("KRAT_KEYS", str(copy.keys))
    prepare_process(copy)
    return copy


@pytest.mark.parametrize("known", KNOWN_TO_POLICE, ids=lambda known: known.written)
def test_each_person_planned_as_known_to_the_police_is_linked_or_doubtful(
    known: KnownToPolice, refreshed: Refreshed
) -> None:
    keys = Pseudonyms(refreshed.home.keys)
    number = case_number(f"P-2023-PO-{known.person:03d}")
    by_police = keys.key("person", f"{FIER.code}/{POLICE}/{number}")
    found = ask(
        refreshed.home,
        "select state, one_person_key, other_person_key from raw.person_pairs",
    )
    assert [state for state, *pair in found if by_police in pair] == [
        "doubtful" if known.is_doubtful else "linked"
    ]


def test_in_the_example_no_two_others_are_linked(refreshed: Refreshed) -> None:
    assert len(ask(refreshed.home, "from raw.person_pairs")) == len(KNOWN_TO_POLICE)


def pair_in_doubt(home: Home) -> str:
    ((found,),) = ask(home, "select pair_id from raw.person_pairs where state = 'doubtful'")
    return str(found)


def test_persons_known_to_two_institutions_are_linked_or_doubtful(home: Home) -> None:
    assert states(home) == [
        ("doubtful", "splink"),
        ("linked", "exact"),
        ("linked", "exact"),
        ("linked", "splink"),
    ]
    assert persons(home) == (4, 5)


def test_a_decision_counts_from_the_next_refresh_and_is_taken_back(home: Home) -> None:
    pair = pair_in_doubt(home)
    told = krat("decide", pair, "--same", "--reason", "both institutions were asked")
    assert told.exit_code == 0, told.output
    assert persons(home) == (4, 5)
    link(home)
    assert persons(home) == (4, 4)
    assert ("linked", "decided") in states(home)

    assert krat("undo", pair, "--reason", "a mistake").exit_code == 0
    link(home)
    assert persons(home) == (4, 5)

    assert krat("decide", pair, "--different", "--reason", "two persons").exit_code == 0
    link(home)
    assert persons(home) == (5, 5)
    assert ("apart", "decided") in states(home)
    log = krat("log").output
    assert [line.split("  ")[3] for line in log.splitlines()[:-1]] == [
        "same", "undone", "different",
    ]  # fmt: skip
    assert "two persons" in log


def test_a_decision_splits_what_was_linked(home: Home) -> None:
    ((pair,),) = ask(
        home, "select pair_id from raw.person_pairs where state = 'linked' and method = 'splink'"
    )
    assert krat("decide", str(pair), "--different", "--reason", "cousins").exit_code == 0
    link(home)
    assert persons(home) == (5, 6)


def test_the_review_list_shows_what_agrees_and_nothing_that_identifies(home: Home) -> None:
    told = krat("list", "--county", "AL-04").output
    assert pair_in_doubt(home) in told
    assert "given_name same, family_name same, birth_date not known" in told
    assert f"{POLICE}: delivery" in told
    assert "row 5" in told
    assert krat("list", "--county", "AL-05").output == "No pair is in doubt.\n"
    assert krat("list", "--all").output.count("linked (exact)") == 2
    for identifying in ("Kunin", "Lopot", "1999", "J05503001A", "P-4"):
        assert identifying.casefold() not in told.casefold()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("decide", "0000000000", "--same", "--reason", "x"), "no pair"),
        (("undo", "0000000000", "--reason", "x"), "no decision"),
        (("decide", "{pair}", "--same", "--reason", " "), "neither may be blank"),
    ],
)
def test_a_reviewers_mistake_is_told_in_a_line(
    home: Home, arguments: tuple[str, ...], told: str
) -> None:
    outcome = krat(*(argument.format(pair=pair_in_doubt(home)) for argument in arguments))
    assert isinstance(outcome.exception, ValueError)
    assert told in str(outcome.exception)
    assert not (home.decisions / "links.jsonl").exists()


def test_a_changed_journal_of_decisions_stops_the_linking(home: Home) -> None:
    krat("decide", pair_in_doubt(home), "--same", "--reason", "asked")
    journal = home.decisions / "links.jsonl"
    journal.write_text(
        journal.read_text(encoding="utf-8").replace('"same"', '"different"'), encoding="utf-8"
    )
    with pytest.raises(BrokenJournal):
        link(home)


def test_a_rotation_of_every_key_keeps_links_and_decisions(home: Home) -> None:
    krat("decide", pair_in_doubt(home), "--same", "--reason", "asked")
    link(home)
    before = ask(home, "select * from raw.person_links")
    assert set(purposes(home.keys)) >= {*IDENTITY, "person", "case"}
    for purpose in purposes(home.keys):
        rekeying.rotate(home, purpose, "yearly")
    link(home)
    assert not set(before) & set(ask(home, "select * from raw.person_links"))
    assert persons(home) == (4, 4)
    assert ("linked", "decided") in states(home)

    send(home, SHELTER, Record("9", "Barimo", "Dulakor", "1990-05-03"), name="later")
    assert persons(home) == (4, 4)
    assert krat("list").output == "No pair is in doubt.\n"


def test_with_the_keys_destroyed_nothing_that_arrives_links(home: Home) -> None:
    before = persons(home)
    for purpose in IDENTITY:
        rekeying.destroy(home, purpose, "end of the plan")
    send(
        home,
        SHELTER,
        Record("9", "Barimo", "Dulakor", "1990-05-03", "J05503001A"),
        Record("10", "Gjibor", "Famuton", "2001-11-30"),
        name="later",
    )
    assert persons(home) == (before[0] + 2, before[1] + 2)


def test_a_case_sent_again_keeps_its_decision(home: Home) -> None:
    pair = pair_in_doubt(home)
    krat("decide", pair, "--different", "--reason", "asked")
    send(home, SHELTER, Record("4", "Kunine", "Lopote"), name="again")
    assert ("apart", "decided") in states(home)


def test_what_identifies_is_nowhere_in_the_clear(home: Home) -> None:
    krat("decide", pair_in_doubt(home), "--same", "--reason", "asked")
    planted = ("barimo", "dulakor", "lopot", "j05503001a", "1990-05-03", "1999-01-17")
    for path in home.root.rglob("*"):
        if path.is_file() and path.suffix != ".age":
            content = path.read_bytes().decode("utf-8", errors="replace").casefold()
            assert not [text for text in planted if text in content], path
    keys = ask(home, "select * exclude (delivery_id, event_date) from raw.referral_events")
    assert not [text for row in keys for text in planted if text in str(row).casefold()]


def test_marts_count_linked_persons_and_say_what_is_in_doubt(home: Home) -> None:
    send(home, "AL-AP", Record("1", "Barimo", "Dulakor", "1990-05-03"))
    krat("decide", pair_in_doubt(home), "--same", "--reason", "asked")
    build_from_inbox(home)
    counted = (
        "select county_code, identified, identified_least, identified_most "
        "from marts.referral_flow where identified > 0 order by all"
    )
    in_year = (
        "select county_code, persons, persons_least, persons_most from marts.identified_persons "
        "where period = '2023' and step = 'initially_identified' and category = 'total' "
        "order by all"
    )
    # Others who owe records of Fier sent none: nothing bounds what there is, and of no month is
    # it certain that persons came first in it.
    assert ask(home, in_year) == [("AL", 4, 4, None), ("AL-04", 4, 4, None)]
    assert ask(home, counted) == [("AL", 4, 0, None), ("AL-04", 4, 0, None)]
    in_public_shape = (
        "select county_code, value from marts.recorded_counts where period = '2023' "
        "and subject = 'initially_identified' and category = 'total' order by all"
    )
    assert ask(home, in_public_shape)[0] == ("AL", 4)
    krat("undo", pair_in_doubt_or_linked(home), "--reason", "not sure")
    refresh(home, [date(2023, 5, 1)])
    assert ask(home, in_year) == [("AL", 5, 4, None), ("AL-04", 5, 4, None)]
    assert ask(home, counted) == [("AL", 5, 0, None), ("AL-04", 5, 0, None)]
    records = (
        "select county_code, value, value_least, value_most, may_fall "
        "from core.fct_record_counts "
        "where indicator_code = '2.1.9.1' and category = 'total' and value > 0 order by all"
    )
    assert ask(home, records) == [("AL", 5, 0, None, True), ("AL-04", 5, 0, None, True)]
    of_those_who_came = (
        "select distinct county_code, persons_in_year from intermediate.int_record_least_counts "
        "where indicator_code = '2.1.9.1' and category = 'total' "
        "and reporting_month = date '2023-12-01' order by all"
    )
    assert ask(home, of_those_who_came) == [("AL", 4), ("AL-04", 4)]
    changes = ask(
        home,
        "select county_code, reporting_month, linked_pairs, doubtful_pairs "
        "from core.fct_link_changes where changed_on = current_date order by all",
    )
    assert changes == [("AL", date(2023, 5, 1), 0, 1), ("AL-04", date(2023, 5, 1), 0, 1)]
    with duckdb.connect(str(home.marts), read_only=True) as connection:
        tables = {row[0] for row in connection.execute("show all tables").fetchall()}
        columns = {
            str(row[0])
            for row in connection.execute(
                "select distinct column_name from duckdb_columns()"
            ).fetchall()
        }
    assert tables
    assert not [name for name in columns if name.endswith("person_key")]


def pair_in_doubt_or_linked(home: Home) -> str:
    ((found,),) = ask(home, "select pair_id from raw.person_pairs where method = 'decided'")
    return str(found)
