"""The door: every file in the inbox is answered, whole files alone are taken, nothing is lost."""

import io
import json
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from conftest import MAY

from orchestration.ingestion.door import Intake, take_in
from orchestration.refresh.steps import refresh
from orchestration.runtime.settings import SEEDS
from sources.custody import arrivals
from sources.custody.arrivals import MAX_FILE_BYTES
from sources.custody.home import Home
from sources.custody.vault import (
    CHUNK_BYTES,
    IDENTITY,
    QUARANTINED,
    NotOpened,
    Sealer,
    decrypt,
    open_original,
    read_identities,
)
from sources.reading import delivery_id_of
from sources.registers import load_registers

pytestmark = pytest.mark.slow

REGISTERS = load_registers(SEEDS)
HEAD = "Formulari;Qarku;Institucioni;Muaji;Të dhënat;Kodi i treguesit;Ndarja;Vlera;Gjendja\n"
LONG_AGO = 1686000000


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    (home.inbox / "AL-04").mkdir(parents=True)
    return home


def report(value: object = 3) -> bytes:
    row = f"krat-raport-1;AL-04;AL-04-SHSSH;2023-05;SHEMBULL - TË TRILLUARA;2.1.18.1;;{value};\n"
    return (HEAD + row).encode()


def put(home: Home, name: str, content: bytes, when: int = LONG_AGO) -> Path:
    path = home.inbox / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (when, when))
    return path


def reasons(home: Home) -> dict[str, list[str]]:
    """Return the rules of each refusal in quarantine, by its folder there.

    That nobody knows the sender is no reason.
    """
    return {
        path.parent.relative_to(home.quarantine).as_posix(): [
            found["rule"]
            for found in json.loads(path.read_text(encoding="utf-8"))["problems"]
            if found["rule"] != "sender_unknown"
        ]
        for path in home.quarantine.glob("*/*/reason.json")
    }


def raw(home: Home, table: str) -> list[dict[str, object]]:
    return [
        row for path in sorted((home.raw / table).glob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]  # fmt: skip


def unsealed(home: Home, path: Path) -> bytes:
    content = io.BytesIO()
    with path.open("rb") as file:
        decrypt(file, read_identities(home.keys / IDENTITY), content)
    return content.getvalue()


# -- whole files -------------------------------------------------------------------------------


def test_a_file_that_is_still_written_is_left_and_taken_when_it_is_whole(home: Home) -> None:
    path = home.inbox / "AL-04" / "raport.csv"
    content = report()
    begun, stop = threading.Event(), threading.Event()

    def write() -> None:
        with path.open("wb", buffering=0) as file:
            for position in range(len(content)):
                file.write(content[position : position + 1])
                begun.set()
                stop.wait(0.05)

    writer = threading.Thread(target=write)
    writer.start()
    begun.wait()
    assert take_in(home, REGISTERS) == Intake(left=1)
    assert path.exists()
    stop.set()
    writer.join()
    assert take_in(home, REGISTERS) == Intake(accepted=1)
    assert not path.exists()


def test_a_file_that_is_held_open_to_be_written_on_is_left(home: Home) -> None:
    path = home.inbox / "AL-04" / "raport.csv"
    with path.open("wb", buffering=0) as file:
        file.write(report()[:100])
        now = time.time()
        os.utime(path, (now - 60, now - 60))
        assert take_in(home, REGISTERS) == Intake(left=1)
        file.write(report()[100:])
    os.utime(path, (now - 60, now - 60))
    assert take_in(home, REGISTERS).accepted == 1


def test_a_file_renamed_in_is_taken_without_waiting(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "raport.csv"
    elsewhere.write_bytes(report())
    os.utime(elsewhere, (LONG_AGO, LONG_AGO))
    elsewhere.rename(home.inbox / "AL-04" / "raport.csv")
    monkeypatch.setattr(arrivals.time, "sleep", _never)
    assert take_in(home, REGISTERS) == Intake(accepted=1)


def _never(_: float) -> None:
    raise AssertionError("nothing was to be waited for")


def test_a_file_put_in_the_place_of_one_that_was_read_is_not_lost(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(home, "AL-04/raport.csv", report(3))
    original = arrivals.remove

    def replaced_before(arrival: arrivals.Arrival) -> None:
        put(home, "AL-04/raport.csv", report(4))
        original(arrival)

    monkeypatch.setattr("orchestration.ingestion.door.remove", replaced_before)
    assert take_in(home, REGISTERS).accepted == 1
    monkeypatch.undo()
    assert path.read_bytes() == report(4)
    assert take_in(home, REGISTERS).accepted == 1


def test_a_file_that_was_stored_and_not_taken_out_was_not_sent_twice(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(home, "AL-04/raport.csv", report(3))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("orchestration.ingestion.door._take_out", lambda _: None)
        patch.setattr("orchestration.ingestion.door.forget_left", killed)
        with pytest.raises(KeyboardInterrupt):
            take_in(home, REGISTERS)
    assert path.exists()
    before = {path: path.read_bytes() for path in home.raw.rglob("*.parquet")}
    assert take_in(home, REGISTERS) == Intake()
    assert not path.exists()
    assert {path: path.read_bytes() for path in home.raw.rglob("*.parquet")} == before
    assert not list(home.raw.glob("*.storing"))
    # Sent again, it is said.
    put(home, "AL-04/raport.csv", report(3))
    assert take_in(home, REGISTERS) == Intake(known=1)


def test_an_unfinished_name_is_believed_for_a_day(home: Home) -> None:
    fresh = put(home, "AL-04/raport.csv.part", report(3), int(time.time()) - 3600)
    put(home, "AL-04/tjeter.csv.part", report(4), int(time.time()) - 90_000)
    assert take_in(home, REGISTERS) == Intake(accepted=1)
    assert fresh.exists()


# -- every file --------------------------------------------------------------------------------


def test_whatever_lies_in_the_inbox_is_answered_and_nothing_else_stops(
    home: Home, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("not for the vault")
    folder = home.inbox / "AL-04"
    (folder / "lidhje.csv").symlink_to(secret)
    (folder / "dosje").symlink_to(tmp_path)
    (home.inbox / "AL-05").symlink_to(tmp_path)
    os.mkfifo(folder / "gyp")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "fole"))
    put(home, "direkt.csv", report(1))
    put(home, "AL-99/raport.csv", report(2))
    put(home, "AL-04/mars/thelle/raport.csv", report(3))
    (folder / os.fsdecode(b"\xff\xfe Filan\n.csv")).write_bytes(report(4))
    (folder / f"{'a' * 250}.csv").write_bytes(report(5))
    (folder / "..raport.csv; rm -rf $HOME`.csv").write_bytes(report(6))
    for path in folder.glob("*.csv"):
        os.utime(path, (LONG_AGO, LONG_AGO), follow_symlinks=False)
    put(home, "AL-04/z.csv", report(7))
    started = time.monotonic()
    intake = take_in(home, REGISTERS)
    assert time.monotonic() - started < 20
    assert (intake.accepted, intake.refused) == (4, 8)
    found = reasons(home)
    assert sorted(rule for rules in found.values() for rule in set(rules)) == [
        *["misplaced_file"] * 2, *["not_a_file"] * 5, "wrong_county",
    ]  # fmt: skip
    assert [path.name for path in home.inbox.rglob("*")] == ["AL-04"]
    assert secret.read_text() == "not for the vault"
    for name in found:
        folder = home.quarantine / name
        assert "nuk u pranua" in (folder / "reason.txt").read_text(encoding="utf-8")
        if found[name] != ["not_a_file"]:
            assert unsealed(home, folder / QUARANTINED).startswith(HEAD.encode())
    assert take_in(home, REGISTERS) == Intake()


def test_a_file_that_may_not_be_opened_is_told_once_and_stays(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(home, "AL-04/raport.csv", report())
    # Root may read everything, so the file breaks a rule that makes this process open it.
    monkeypatch.setattr(arrivals, "MAX_FILE_BYTES", 10)
    monkeypatch.setattr(arrivals, "_opened", _forbidden)
    intake = take_in(home, REGISTERS)
    assert intake == Intake(refused=1)
    assert intake.refusals == {("AL-04", "unopenable_file"): 1}
    assert take_in(home, REGISTERS) == Intake(left=1)
    assert list(reasons(home).values()) == [["unopenable_file"]]
    assert path.exists()
    monkeypatch.undo()
    assert take_in(home, REGISTERS) == Intake(accepted=1)


def _forbidden(*_: object, **__: object) -> int:
    raise PermissionError


def test_names_of_files_and_folders_are_nowhere(home: Home) -> None:
    (home.inbox / "Fisteku" / "mars").mkdir(parents=True)
    put(home, "AL-04/mars Fisteku/raport.csv", report(3))
    put(home, "AL-04/Filan Fisteku.csv", report(1))
    put(home, "AL-04/Filan Fisteku.xlsx", b"junk")
    put(home, "Filan Fisteku/Filan Fisteku.csv", report(2))
    (home.inbox / "AL-04" / "Fisteku").symlink_to("/etc/Fisteku")
    take_in(home, REGISTERS)
    assert (home.inbox / "AL-04").is_dir()
    assert "Fisteku" not in str(list(home.root.rglob("*")))
    for path in (path for path in home.root.rglob("*") if path.is_file()):
        assert b"Fisteku" not in path.read_bytes()
        if path.suffix == ".parquet":
            assert "Fisteku" not in str(pq.read_table(path).to_pylist())


def test_a_refused_file_without_a_sender_can_be_found_and_its_name_is_sealed(
    home: Home, tmp_path: Path
) -> None:
    put(home, "AL-04/Filan Fisteku.xlsx", b"PK\x03\x04 no workbook")
    named = report("x").replace(b"AL-04-SHSSH;2023-05", b"AL-04-SHSSH;2022-99")
    put(home, "AL-04/Filane.csv", named)
    take_in(home, REGISTERS)
    by_kind = {row["file_format"]: row["delivery_id"] for row in raw(home, "deliveries")}
    told = [row for row in raw(home, "door_findings") if row["rule"] == "sender_unknown"]
    # Of the other file the sender is known.
    assert [row["delivery_id"] for row in told] == [by_kind["xlsx"]]
    for said in ("05.06.2023 23:20", "AL-04", "0.0 KB", "xlsx", str(by_kind["xlsx"])):
        assert said in str(told[0]["message_en"])
        assert said in str(told[0]["message_sq"])
    for kind, name in (("xlsx", "Filan Fisteku.xlsx"), ("csv", "Filane.csv")):
        delivery = str(by_kind[kind])
        (sealed,) = home.quarantine.glob(f"AL-04/{delivery}/name.age")
        assert unsealed(home, sealed) == name.encode()
        key, out = home.keys / IDENTITY, tmp_path / kind
        assert open_original(home, delivery, key, "who sent it?", out) == name
    assert b"Fisteku" not in b"".join(p.read_bytes() for p in home.root.rglob("*") if p.is_file())


def test_a_stray_folder_stays_as_long_as_something_is_in_it(home: Home) -> None:
    waits = put(home, "AL-04/Fisteku/raport.csv.part", report(), int(time.time()))
    take_in(home, REGISTERS)
    assert waits.exists()
    waits.rename(waits.with_suffix(""))
    take_in(home, REGISTERS)
    assert list(home.inbox.rglob("*")) == [home.inbox / "AL-04"]


# -- size --------------------------------------------------------------------------------------


def test_a_large_file_is_sealed_unread_and_takes_little_memory(home: Home, tmp_path: Path) -> None:
    size = 8 * MAX_FILE_BYTES
    path = home.inbox / "AL-04" / "raport.csv"
    with path.open("wb") as file:
        file.write(report())
        file.truncate(size)
    os.utime(path, (LONG_AGO, LONG_AGO))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert take_in(home, REGISTERS) == Intake(refused=1)
    # In KiB on Linux.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 2**10
    assert list(reasons(home).values()) == [["file_too_large"]]
    (sealed,) = home.quarantine.glob(f"AL-04/*/{QUARANTINED}")
    opened = tmp_path / "opened"
    with sealed.open("rb") as file, opened.open("wb") as target:
        decrypt(file, read_identities(home.keys / IDENTITY), target)
    assert opened.stat().st_size == size


def test_a_huge_file_is_neither_read_nor_kept_reported_once_and_stays(home: Home) -> None:
    path = home.inbox / "AL-04" / "raport.csv"
    with path.open("wb") as file:
        file.truncate(2**40)
    os.utime(path, (LONG_AGO, LONG_AGO))
    started = time.monotonic()
    assert take_in(home, REGISTERS) == Intake(refused=1)
    assert time.monotonic() - started < 5
    assert take_in(home, REGISTERS) == Intake(left=1)
    assert list(reasons(home).values()) == [["huge_file"]]
    assert not list(home.root.rglob(QUARANTINED))
    assert path.stat().st_size == 2**40


@pytest.mark.parametrize(
    "harm",
    ["cut off", "cut between chunks", "chunks in another order", "a chunk twice", "a bit", "more"],
)
def test_a_sealed_original_that_was_changed_does_not_open(harm: str, home: Home) -> None:
    content = os.urandom(2 * CHUNK_BYTES) + b"the end"
    path = home.root / QUARANTINED
    Sealer(home).keep([content[:CHUNK_BYTES], content[CHUNK_BYTES:]]).copy_into(path)
    assert unsealed(home, path) == content
    sealed = path.read_bytes()
    # age encrypts 64 KiB at once, and adds 16 bytes to each.
    ends = len(sealed) - 7 - 16
    step = 2**16 + 16
    start = ends - 2 * step
    first, second = sealed[start : start + step], sealed[start + step : ends]
    path.write_bytes(
        {
            "cut off": sealed[:-3],
            "cut between chunks": sealed[:ends],
            "chunks in another order": sealed[:start] + second + first + sealed[ends:],
            "a chunk twice": sealed[:start] + first + first + second + sealed[ends:],
            "a bit": sealed[:-1] + bytes([sealed[-1] ^ 1]),
            "more": sealed + b"x",
        }[harm]
    )
    with pytest.raises(NotOpened):
        unsealed(home, path)


def test_a_failure_to_read_or_write_leaves_nothing_of_an_original(
    home: Home,
) -> None:
    def breaking_off() -> Iterator[bytes]:
        yield os.urandom(CHUNK_BYTES)
        raise arrivals.Changed

    sealer = Sealer(home)
    first = sealer.keep([b"one"])
    with pytest.raises(arrivals.Changed):
        sealer.keep(breaking_off())
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (CHUNK_BYTES, limits[1]))
        with pytest.raises(OSError):
            sealer.keep([os.urandom(2 * CHUNK_BYTES)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    second = sealer.keep([b"two"])
    assert second.start == first.length
    for sealed, content in ((first, b"one"), (second, b"two")):
        path = home.root / content.decode()
        sealed.copy_into(path)
        assert unsealed(home, path) == content


# -- again -------------------------------------------------------------------------------------


def test_the_same_content_twice_changes_nothing_and_the_analyst_learns_of_it(home: Home) -> None:
    put(home, "AL-04/raport.csv", report())
    put(home, "AL-04/raport (1).csv", report())
    assert take_in(home, REGISTERS) == Intake(accepted=1, known=1)
    before = raw(home, "submission_values"), raw(home, "deliveries")
    put(home, "AL-04/raport.csv", report(), LONG_AGO + 86_400)
    assert take_in(home, REGISTERS) == Intake(known=1)
    assert (raw(home, "submission_values"), raw(home, "deliveries")) == before
    told = [row for row in raw(home, "door_findings") if row["rule"] == "duplicate_delivery"]
    assert {row["delivery_id"] for row in told} == {before[1][0]["delivery_id"]}
    assert len({row["found_at"] for row in told}) == 2


def test_of_two_files_with_one_content_the_earlier_is_the_report(home: Home) -> None:
    put(home, "AL-04/a.csv", report(), LONG_AGO + 86_400)
    put(home, "AL-04/b.csv", report())
    assert take_in(home, REGISTERS) == Intake(accepted=1, known=1)
    (delivery,) = raw(home, "deliveries")
    (told,) = raw(home, "door_findings")
    assert told["found_at"] - delivery["received_at"] == timedelta(days=1)


def test_versions_of_one_time_follow_their_names_and_that_is_told(home: Home) -> None:
    for version in (2, 9, 10):
        put(home, f"AL-04/SHSSH_2023-05_v{version}.csv", report(version))
    take_in(home, REGISTERS)
    put(home, "AL-04/SHSSH_2023-05_v11.csv", report(11))
    # Another report of that time is no version of it.
    put(home, "AL-04/a.csv", report(1).replace(b"2023-05", b"2023-04"))
    take_in(home, REGISTERS)
    values = {row["delivery_id"]: row["value"] for row in raw(home, "submission_values")}
    of_may = [each for each in raw(home, "deliveries") if each["reporting_month"] == MAY]
    received = sorted((each["received_at"], each["delivery_id"]) for each in of_may)
    assert [values[delivery] for _, delivery in received] == [2.0, 9.0, 10.0, 11.0]
    assert len({moment for moment, _ in received}) == len({str(m)[:19] for m, _ in received}) + 3
    told = [
        values[row["delivery_id"]]
        for row in raw(home, "door_findings")
        if row["rule"] == "order_inferred"
    ]
    assert sorted(map(str, told)) == ["10.0", "11.0", "9.0"]


def test_versions_of_times_of_their_own_are_in_no_doubt(home: Home) -> None:
    for number, version in enumerate((10, 9, 2)):
        path = put(home, f"AL-04/v{version}.csv", report(version))
        os.utime(path, ns=(LONG_AGO * 10**9, LONG_AGO * 10**9 + number))
    take_in(home, REGISTERS)
    values = {row["delivery_id"]: row["value"] for row in raw(home, "submission_values")}
    received = sorted((row["received_at"], row["delivery_id"]) for row in raw(home, "deliveries"))
    assert [values[delivery] for _, delivery in received] == [10.0, 9.0, 2.0]
    assert raw(home, "door_findings") == []


@pytest.mark.parametrize(
    "names",
    [
        ("r.xlsx", "r (2).xlsx", "r (10).xlsx"),
        ("r_v2.xlsx", "r_v9.xls", "r_v10.xlsx"),
        ("draft r.xlsx", "r.xlsx", "r_final.xlsx", "r_final2.xlsx"),
        ("r 31.05.2023.xlsx", "r 02.06.2023.xlsx", "r 2023-06-03.xlsx", "r 20230604.xlsx"),
        ("R_2.xlsx", "r-3.xlsx", "R 04.xlsx"),
        ("raporti.xlsx", "raporti i fundit.xlsx"),
    ],
)
def test_names_of_versions_are_in_natural_order(names: tuple[str, ...]) -> None:
    found = [
        arrivals.Arrival(f"/inbox/AL-04/{name}", "AL-04", None, 1, 1, (number,))
        for number, name in enumerate(names)
    ]
    ordered = arrivals.in_order([*reversed(found)])
    assert [each.seen for each in ordered] == [each.seen for each in found]


def test_what_lay_in_the_wrong_folder_is_taken_from_the_right_one(home: Home) -> None:
    put(home, "AL-05/raport.csv", report())
    put(home, "AL-04/raport.csv", report(), LONG_AGO + 60)
    assert take_in(home, REGISTERS) == Intake(accepted=1, refused=1)
    put(home, "AL-05/raport.csv", report(), LONG_AGO + 120)
    put(home, "AL-04/raport.csv", report(), LONG_AGO + 120)
    assert take_in(home, REGISTERS) == Intake(known=2)
    assert len({row["delivery_id"] for row in raw(home, "deliveries")}) == 2
    (values,) = raw(home, "submission_values")
    (accepted,) = [row for row in raw(home, "deliveries") if row["status"] == "accepted"]
    assert values["delivery_id"] == accepted["delivery_id"]


def test_what_was_refused_is_taken_once_the_register_is_mended(home: Home) -> None:
    unknown = report().replace(b"AL-04-SHSSH", "Shërbimi i ri".encode())
    put(home, "AL-04/raport.csv", unknown)
    assert take_in(home, REGISTERS) == Intake(refused=1)
    put(home, "AL-04/raport.csv", unknown, LONG_AGO + 60)
    assert take_in(home, REGISTERS) == Intake(known=1)
    aliases = REGISTERS.institution_aliases | {"Shërbimi i ri": ("AL-04-SHSSH",)}
    put(home, "AL-04/raport.csv", unknown, LONG_AGO + 120)
    assert take_in(home, replace(REGISTERS, institution_aliases=aliases)) == Intake(accepted=1)
    assert [row["status"] for row in raw(home, "deliveries")].count("accepted") == 1


def test_a_report_that_another_replaced_can_be_sent_again_to_take_its_place(home: Home) -> None:
    for seconds, value in ((0, 3), (60, 4)):
        put(home, "AL-04/raport.csv", report(value), LONG_AGO + seconds)
        assert take_in(home, REGISTERS) == Intake(accepted=1)
    # A copy that keeps its time is the first report still.
    put(home, "AL-04/raport.csv", report(3), LONG_AGO)
    assert take_in(home, REGISTERS) == Intake(known=1)
    put(home, "AL-04/raport.csv", report(3), LONG_AGO + 120)
    assert take_in(home, REGISTERS) == Intake(accepted=1)
    put(home, "AL-04/raport.csv", report(3), LONG_AGO + 180)
    assert take_in(home, REGISTERS) == Intake(known=1)
    by_id = {row["delivery_id"]: row["received_at"] for row in raw(home, "deliveries")}
    assert len(by_id) == 3
    newest = max(raw(home, "submission_values"), key=lambda row: by_id[row["delivery_id"]])
    assert newest["value"] == 3


def test_a_refused_file_and_the_mended_one_of_its_name_share_a_pseudonym(home: Home) -> None:
    put(home, "AL-04/raport.csv", b"\x00 junk")
    take_in(home, REGISTERS)
    put(home, "AL-04/raport.csv", report(), LONG_AGO + 60)
    put(home, "AL-04/tjeter.csv", report(4), LONG_AGO + 60)
    take_in(home, REGISTERS)
    keys = [row["name_key"] for row in raw(home, "deliveries")]
    assert len(keys) == 3
    assert len(set(keys)) == 2
    assert all(len(str(key)) == 64 for key in keys)


LOG_HEADINGS = (
    "Formulari;Qarku;Të dhënat;Nr. kontaktit;Kanali;Marrë më;Telefonuesi;Qëllimi;Elemente dyshimi;"
    "Shfrytëzimi;Referuar te;Pranuar më;Rezultati;Nr. rastit;Përsëritje e;Numri i telefonit;Shënime"
)


def log_of(contacts: dict[str, str]) -> bytes:
    """A log of contacts by their numbers, each with what stands for its channel."""
    rows = [
        f"krat-linja-1;AL-04;SHEMBULL - TË TRILLUARA;{number};{channel};2023-05-03 14:30;family;"
        "case_report;3;ForcedLabour;Police;2023-05-03 16:00;referred;;;;"
        for number, channel in contacts.items()
    ]
    return "\n".join([LOG_HEADINGS, *rows, ""]).encode()


def test_a_refusal_is_closed_by_the_mended_file_and_a_repeat_changes_no_release(
    own_home: Home,
) -> None:
    original = put(own_home, "AL-04/raport.csv", report(3))
    again = original.read_bytes()
    junk = put(own_home, "AL-04/policia.xlsx", b"\x00 junk", LONG_AGO + 1)
    lasting = put(own_home, "AL-04/tjeter.xlsx", b"\x00 other junk", LONG_AGO + 1)
    take_in(own_home, REGISTERS)
    assert not junk.exists()
    assert not lasting.exists()
    # Offices give the same name to their files: one doesn't mend the other's.
    bad = report("tre").replace(b"SHSSH", b"SHENDETI").replace(b"2023-05", b"2023-04")
    put(own_home, "AL-04/raporti.csv", bad, LONG_AGO + 2)
    other = report(0).replace(b"SHSSH", b"POLICIA").replace(b"2.1.18.1", b"2.1.9.1")
    put(own_home, "AL-05/vet.csv", other, LONG_AGO + 2)
    # A log is mended, under any name, once all contacts in it have come; others don't mend it.
    put(own_home, "AL-04/linja1.csv", log_of({"K-500": "pulëbardhë", "K-501": "app"}), LONG_AGO + 2)
    put(own_home, "AL-04/linja2.csv", log_of({"K-600": "pulëbardhë", "K-601": "app"}), LONG_AGO + 2)
    take_in(own_home, REGISTERS)
    put(own_home, "AL-04/raport.csv", again, LONG_AGO + 60)
    put(own_home, "AL-04/policia.xlsx", report(4), LONG_AGO + 60)
    put(own_home, "AL-04/raporti.csv", other, LONG_AGO + 61)
    mended = {"K-501": "app", "K-600": "app", "K-601": "app", "K-700": "app"}
    put(own_home, "AL-04/linja3.csv", log_of(mended), LONG_AGO + 62)
    outcome = refresh(own_home, [MAY])
    assert (outcome.intake.accepted, outcome.intake.known) == (3, 1)
    with duckdb.connect(str(own_home.marts), read_only=True) as marts:
        states = marts.execute(
            "select rule, state, count(*) from quality.findings "
            "where rule in ('unreadable_file', 'duplicate_delivery', 'unknown_code') or "
            "(delivery_id, rule) in (select delivery_id, rule from core.fct_findings "
            "where (rule = 'not_a_number' and institution_code = 'AL-04-SHENDETI' and "
            "reporting_month = '2023-04-01') or (rule = 'wrong_county' and county_code = 'AL-05'))"
            "group by all order by all"
        ).fetchall()
    # One repeat is the example's own.
    assert states == [
        ("duplicate_delivery", "mended", 2),
        ("not_a_number", "open", 1),
        ("unknown_code", "mended", 1),
        ("unknown_code", "open", 1),
        ("unreadable_file", "mended", 1),
        ("unreadable_file", "open", 1),
        ("wrong_county", "mended", 2),
    ]
    put(own_home, "AL-04/raport (1).csv", again, LONG_AGO + 120)
    releases = refresh(own_home, [MAY]).releases
    assert releases
    assert not any(release.is_new for release in releases)


def test_the_name_of_a_folder_that_is_no_countys_can_not_be_guessed_from_an_id(home: Home) -> None:
    put(home, "Filan Fisteku/raport.csv", report(3))
    take_in(home, REGISTERS)
    [path] = (home.raw / "deliveries").glob("*.parquet")
    [row] = pq.read_table(path).to_pylist()
    assert row["delivery_id"] == delivery_id_of(row["content_hash"], None)
    assert row["delivery_id"] != delivery_id_of(row["content_hash"], "Filan Fisteku")
