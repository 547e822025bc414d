"""A person's right to erasure, and what is due to be deleted."""

import gzip
import os
import zipfile
from collections import Counter
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from leaks import texts

from orchestration.backup.make import make_backup
from orchestration.backup.restore import restore
from orchestration.backup.store import backups_in
from orchestration.cli import cli
from orchestration.erasure.forget import forget
from orchestration.erasure.retention import delete_due, due
from orchestration.erasure.sweep import sweep
from orchestration.ingestion.door import take_in
from orchestration.linkage.link import link_persons
from orchestration.runtime.office import BACKUP
from orchestration.runtime.settings import SEEDS
from orchestration.warehouse.load import load_raw
from sources.custody import erasure, journal
from sources.custody.home import Home
from sources.custody.pseudonyms import Pseudonyms
from sources.custody.rekeying import rotate
from sources.custody.vault import CHUNK_BYTES, UnknownOriginal, kept_in, sealed_original
from sources.registers import load_registers
from sources.retention import exceptions, periods
from sources.values import case_number

pytestmark = pytest.mark.slow

HEAD = (
    "Formulari;Qarku;Institucioni;Të dhënat;Nr. i rastit;Nr. i rastit në linjë;Kodi i personit;"
    "Hapi;Data e hapit;Gjinia;Grupmosha;Institucioni që vendosi;Kanali i identifikimit;Shfrytëzimi;"
    "Pika e kalimit kufitar (PKK);Institucioni që referon;Institucioni pritës;"
    "Lloji i mbështetjes;Hollësi;Statusi i rastit;Emri;Mbiemri;Datëlindja\n"
)
LOG_HEAD = (
    "Formulari;Qarku;Të dhënat;Nr. kontaktit;Kanali;Marrë më;Telefonuesi;Qëllimi;"
    "Elemente dyshimi;Shfrytëzimi;Referuar te;Pranuar më;Rezultati;Nr. rastit;Përsëritje e\n"
)
SENDER = "AL-04-POLICIA"


#: Given names, family names and days of birth, all made up: two have the same given name.
IDENTITIES = {
    "P-1": "Drita;Alfa;1990-02-03",
    "P-2": "Mira;Beta;1985-07-08",
    "P-3": "Drita;Gama;1971-11-12",
    "P-4": "Eva;Delta;1999-01-20",
}


def step(case: str, person: str, hotline: str = "", day: str = "2023-05-03") -> str:
    return (
        f"krat-referim-2;AL-04;{SENDER};SHEMBULL - TË TRILLUARA;{case};{hotline};{person};"
        f"initially_identified;{day};femër;18+;;;;;;;;;;{IDENTITIES[person]}\n"
    )


def contact(number: str, case: str, repeats: str = "") -> str:
    return (
        f"krat-linja-1;AL-04;SHEMBULL - TË TRILLUARA;{number};app;2023-05-03 10:00;self;"
        f"case_report;3;;;;pending;{case};{repeats}\n"
    )


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Three persons; the first has a case that the hotline knows, and a share in another."""
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    monkeypatch.setenv("KRAT_HOME", str(home.root))
    monkeypatch.setenv("KRAT_KEYS", str(home.keys))
    send(
        home,
        "records",
        HEAD
        + step("R-1", "P-1", hotline="L-1")
        + step("R-2", "P-1")
        + step("R-2", "P-2")
        + step("R-3", "P-3", hotline="L-3"),
    )
    send(
        home,
        "log",
        LOG_HEAD
        + contact("K-1", "L-1")
        + contact("K-2", "", repeats="K-1")
        + contact("K-3", "L-3")
        + contact("K-4", ""),
    )
    load(home)
    return home


def send(home: Home, name: str, content: str) -> None:
    path = home.inbox / "AL-04" / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert take_in(home, load_registers(SEEDS)).accepted == 1


def load(home: Home) -> None:
    load_raw(home, date(2023, 12, 1), SEEDS)
    link_persons(home)


def key(home: Home, kind: str, code: str, *giver: str) -> str:
    return Pseudonyms(home.keys).key(kind, "/".join([*giver, case_number(code)]))


def person(home: Home, code: str) -> str:
    return key(home, "person", code, "AL-04", SENDER)


def rows(home: Home, table: str) -> pd.DataFrame:
    paths = sorted((home.raw / table).glob("*.parquet"))
    return pd.concat(pq.read_table(path).to_pandas() for path in paths)


def erase(home: Home, pseudonym: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Erase as the command does, but for dbt, which has no part in what is looked at here."""
    monkeypatch.setattr("orchestration.erasure.forget.rebuild", load)
    assert not forget(home, pseudonym, "asked in writing").traces


def krat(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(cli, list(arguments), input=typed)


def test_what_is_linked_with_a_person_goes_and_what_is_of_others_stays(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase(home, person(home, "P-1"), monkeypatch)
    kept = rows(home, "referral_events")
    assert set(kept["person_key"]) == {person(home, "P-2"), person(home, "P-3")}
    others = {key(home, "contact", number, "AL-04") for number in ("K-3", "K-4")}
    assert set(rows(home, "hotline_contacts")["contact_key"]) == others
    # Another person has the same given name: its pseudonym is not hers alone.
    assert kept["given_name_key"].notna().all()


def test_the_original_of_each_file_that_told_of_a_person_goes(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(home, "other", HEAD + step("R-9", "P-4", day="2023-06-01"))
    before = set(rows(home, "deliveries")["delivery_id"])
    load(home)
    erase(home, person(home, "P-1"), monkeypatch)
    [stays] = set(
        rows(home, "referral_events").query("event_date == @date(2023, 6, 1)")["delivery_id"]
    )
    for delivery in before - {stays}:
        with pytest.raises(UnknownOriginal), sealed_original(home, delivery):
            pass
    with sealed_original(home, stays) as sealed:
        assert sealed.read(4) == b"age-"


def test_who_is_sent_again_is_erased_again_also_after_a_rotation(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase(home, person(home, "P-1"), monkeypatch)
    rotate(home, "person", "yearly")
    send(
        home,
        "again",
        HEAD + step("R-1", "P-1") + step("R-2", "P-1") + step("R-2", "P-4"),
    )
    found = set(rows(home, "referral_events")["person_key"])
    assert person(home, "P-4") in found
    assert person(home, "P-1") not in found


def test_an_erasure_that_broke_off_is_completed_by_the_next_files_and_by_asking_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = person(home, "P-1")

    def broken(*_: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(erasure, "_without_references", broken)
        with pytest.raises(OSError, match="full"):
            forget(home, gone, "asked")
    assert gone in set(rows(home, "referral_events")["person_key"])
    home.warehouse.unlink()
    send(home, "other", HEAD + step("R-9", "P-4"))
    assert gone not in set(rows(home, "referral_events")["person_key"])
    erase(home, gone, monkeypatch)


def test_a_trace_is_found_wherever_it_lies(home: Home) -> None:
    sought = person(home, "P-2")
    found = sweep(home, frozenset({sought}))
    assert "warehouse.duckdb" in found
    assert [path for path in found if path.startswith("raw/referral_events/")]
    (home.root / "note.json").write_text(f'{{"who": "0{sought}f"}}')
    pd.DataFrame({"who": [sought]}).to_excel(home.root / "list.xlsx")
    with gzip.open(home.root / "log.gz", "wb") as packed:
        packed.write(sought.encode())
    # Where two pieces meet.
    (home.root / "long.bin").write_bytes(b"-" * (CHUNK_BYTES - 20) + sought.encode())
    made = {"note.json", "list.xlsx", "log.gz", "long.bin"}
    assert made <= set(sweep(home, frozenset({sought})))
    assert not sweep(home, frozenset({"1" * 64}))


def test_an_erasure_is_refused_on_a_ground_that_the_law_has_and_entered(home: Home) -> None:
    before = rows(home, "referral_events")
    done = krat("forget", person(home, "P-1"), "--reason", "asked", "--refuse", "legal_claims")
    assert done.exit_code == 0, done.output
    assert exceptions("refuses")["legal_claims"].what["sq"] in done.output
    assert rows(home, "referral_events").equals(before)
    assert journal.read(home.audit)[-1]["outcome"].startswith("legal_claims")
    wrong = krat("forget", person(home, "P-1"), "--reason", "asked", "--refuse", "we_like_them")
    assert "legal_claims, legal_obligation" in str(wrong.exception)


def test_what_names_nobody_or_several_is_said(home: Home) -> None:
    shared = key(home, "case", "R-2", "AL-04", SENDER)
    for pseudonym, told in ((shared, "2 persons"), ("0" * 64, "nothing is kept"), ("x", "64 hex")):
        done = krat("forget", pseudonym, "--reason", "asked", "--yes")
        assert done.exit_code != 0
        assert told in str(done.exception)


def test_a_code_is_typed_in_and_stays_out_of_the_audit_log(home: Home) -> None:
    done = krat(
        "forget", "--sender", SENDER, "--reason", "asked", "--refuse", "legal_claims",
        typed="person\nP-1\n",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "P-1" not in done.output
    said = home.audit.read_text(encoding="utf-8")
    assert person(home, "P-1") not in said
    same = krat("forget", person(home, "P-1"), "--reason", "x", "--refuse", "legal_claims")
    assert same.exit_code == 0
    krat(
        "forget", "--sender", "AL-04", "--reason", "x", "--refuse", "legal_claims",
        typed="contact\nK-1\n",
    )  # fmt: skip
    krat(
        "forget", key(home, "contact", "K-1", "AL-04"), "--reason", "x", "--refuse", "legal_claims"
    )
    subjects = [entry["subject"] for entry in journal.read(home.audit)]
    assert subjects[0] == subjects[1] != subjects[2] == subjects[3]


def test_who_came_since_the_last_refresh_is_erased(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(home, "new", HEAD + step("R-7", "P-4"))
    erase(home, person(home, "P-4"), monkeypatch)
    assert person(home, "P-4") not in set(rows(home, "referral_events")["person_key"])


def test_what_is_due_is_listed_and_deleted(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.erasure.retention.rebuild", load)
    for path in home.vault.glob("*.zip"):
        os.utime(path, (1_700_000_000, 1_700_000_000))  # 14 November 2023

    def due_on(day: date) -> dict[str, int]:
        return {one.period.id: one.count for one in due(home, day) if one.count}

    years = {name: 2023 + period.years for name, period in periods().items()}
    assert not due_on(date(2024, 1, 1))
    assert due_on(date(years["originals"], 11, 14)) == {}
    assert due_on(date(years["originals"], 11, 15)) == {"originals": 2}
    delete_due(home, date(years["originals"], 11, 15))
    for path in home.vault.glob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            assert kept_in(archive) == set()
    assert len(rows(home, "referral_events")) == 4
    delete_due(home, date(years["contacts"], 6, 1))
    stays = {key(home, "contact", number, "AL-04") for number in ("K-1", "K-3")}
    contacts = set(rows(home, "hotline_contacts")["contact_key"])
    assert stays <= contacts
    assert key(home, "contact", "K-4", "AL-04") not in contacts
    delete_due(home, date(years["records"], 6, 1))
    assert not len(rows(home, "referral_events"))
    assert not len(rows(home, "hotline_contacts"))
    assert due_on(date(years["records"], 6, 1)) == {}
    deleted = [
        entry for entry in journal.read(home.audit) if entry["action"] == "retention.deleted"
    ]
    assert len(deleted) == 3


def test_who_was_not_seen_for_long_goes_and_who_was_stays(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.erasure.retention.rebuild", load)
    send(home, "new", HEAD + step("R-5", "P-4", day="2023-10-01"))
    load(home)
    first_kept = date(2023, 6, 1)
    delete_due(home, first_kept.replace(year=2023 + periods()["records"].years))
    assert set(rows(home, "referral_events")["person_key"]) == {person(home, "P-4")}


def test_an_erasure_leaves_no_trace_and_changes_no_release(own_home: Home, tmp_path: Path) -> None:
    store = tmp_path / "store"
    with duckdb.connect(str(own_home.warehouse), read_only=True) as connection:
        [(linked,)] = connection.execute(
            "select linked_person_key from raw.person_links group by all "
            "having count(*) > 1 order by all limit 1"
        ).fetchall()
        codes = {
            code
            for (code,) in connection.execute(
                "with linked as (select person_key from raw.person_links where "
                "linked_person_key = ?), "
                # Under the number that a case had before, the person may have had another code.
                "former as (select former_case_key as case_key from raw.referral_events "
                "semi join linked using (person_key)) "
                "from linked union select person_key from raw.referral_events "
                "semi join former using (case_key)",
                [linked],
            ).fetchall()
        }

    def found(home: Home) -> set[str]:
        return {
            path.relative_to(home.root).as_posix()
            for path in home.root.rglob("*")
            if path.is_file() and path.parent.name != "forgotten"
            if any(code in text for text in texts(path) for code in codes)
        }

    def released() -> dict[str, bytes]:
        files = (path for path in own_home.releases.rglob("*") if path.is_file())
        return {str(path): path.read_bytes() for path in files}

    settings = BACKUP.read_text(encoding="utf-8").replace('to: ""', f'to: "{store}"')
    (own_home.root / "backup.yml").write_text(settings, encoding="utf-8")
    make_backup(own_home, store)
    before, released_before = rows(own_home, "referral_events"), released()
    assert "warehouse.duckdb" in found(own_home)
    environment = {"KRAT_HOME": str(own_home.root), "KRAT_KEYS": str(own_home.keys)}
    done = CliRunner().invoke(
        cli, ["forget", linked, "--reason", "asked", "--backups", "--yes"], env=environment
    )
    assert done.exit_code == 0, done.output
    assert "No trace was found" in done.output
    assert not found(own_home)
    assert len(backups_in(store)) == 1
    back = Home(root=tmp_path / "back", keys=tmp_path / "back-keys")
    restore(store, back, own_home.keys / "vault-identity.txt")
    assert not found(back)
    assert released() == released_before
    after = rows(own_home, "referral_events")
    gone = before[before["person_key"].isin(codes)]
    assert len(gone)
    columns = ["delivery_id", "row_number"]
    assert Counter(after[columns].itertuples(index=False)) == Counter(
        before.drop(index=[])
        .loc[~before["person_key"].isin(codes).to_numpy(), columns]
        .itertuples(index=False)
    )
    again = CliRunner().invoke(cli, ["refresh", "--month", "2023-05"], env=environment)
    assert again.exit_code == 0, again.output
