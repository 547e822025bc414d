"""Messages and archives that hold forms: opened within limits, and nothing else of them is kept."""

import io
import os
import zipfile
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from orchestration.ingestion.door import Intake, take_in
from orchestration.runtime.settings import SEEDS
from sources.custody.home import Home
from sources.custody.isolation import IsolatedReader
from sources.reading import containers
from sources.reading.containers import container_kind, files_in
from sources.reading.features import UnreadableFile
from sources.reading.tables import read_tables
from sources.registers import load_registers

REGISTERS = load_registers(SEEDS)
HEAD = "Formulari;Qarku;Institucioni;Muaji;Të dhënat;Kodi i treguesit;Ndarja;Vlera;Gjendja\n"
LONG_AGO = 1686000000
NOW = datetime(2023, 6, 5, 21, 20)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    (home.inbox / "AL-04").mkdir(parents=True)
    return home


def report(value: object = 3, sender: str = "AL-04-SHSSH") -> bytes:
    row = f"krat-raport-1;AL-04;{sender};2023-05;SHEMBULL - TË TRILLUARA;2.1.18.1;;{value};\n"
    return (HEAD + row).encode()


def packed(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def message(files: Mapping[str, bytes]) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"] = "Filan Fisteku <filan@example.org>", "krat@example.org"
    mail["Subject"] = "Raporti për Filane Fisteku"
    mail.set_content("Bashkëngjitur raporti. Filan Fisteku")
    for name, content in files.items():
        mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return mail.as_bytes()


def put(home: Home, name: str, content: bytes) -> None:
    path = home.inbox / "AL-04" / name
    path.write_bytes(content)
    os.utime(path, (LONG_AGO, LONG_AGO))


def raw(home: Home, table: str) -> list[dict[str, object]]:
    return [
        row
        for path in sorted((home.raw / table).glob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        packed({"Fisteku/r.csv": report(), "lexomë.txt": b"Fisteku"}),
        message({"r.csv": report(), "nenshkrimi.png": b"\x89PNG\r\n\x1a\n" + bytes(99)}),
        message({"Fisteku.zip": packed({"r.csv": report(), "__MACOSX/r.csv": b"Fisteku"})}),
        packed({"mesazhi.eml": message({"r.csv": report()})}),
    ],
)
def test_the_form_in_a_message_or_archive_is_taken_and_nothing_else(
    content: bytes, home: Home
) -> None:
    put(home, "Fisteku.zip", content)
    assert take_in(home, REGISTERS) == Intake(accepted=1)
    assert [row["value"] for row in raw(home, "submission_values")] == [3.0]
    assert list(home.inbox.rglob("*")) == [home.inbox / "AL-04"]
    assert not any(b"Fisteku" in p.read_bytes() for p in home.root.rglob("*") if p.is_file())
    # It is the delivery that it would be by itself.
    put(home, "r.csv", report())
    assert take_in(home, REGISTERS) == Intake(known=1)
    put(home, "again.zip", content)
    assert take_in(home, REGISTERS) == Intake(known=1)


@pytest.mark.slow
def test_each_form_of_an_archive_is_a_delivery_and_its_versions_follow_their_names(
    home: Home,
) -> None:
    forms = {f"v{number}.csv": report(number) for number in (2, 9)}
    forms |= {"tjetri.csv": report(1, "AL-04-POLICIA"), "broken.csv": report("x", "AL-04-SHISH")}
    put(home, "all.zip", packed(forms))
    assert take_in(home, REGISTERS) == Intake(accepted=3, refused=1)
    assert raw(home, "deliveries")[0]["received_at"] is not None
    values = {row["delivery_id"]: row["value"] for row in raw(home, "submission_values")}
    of_service = [
        each for each in raw(home, "deliveries") if each["institution_code"] == "AL-04-SHSSH"
    ]
    received = sorted((str(each["received_at"]), each["delivery_id"]) for each in of_service)
    assert [values[delivery] for _, delivery in received] == [2.0, 9.0]
    assert [row["rule"] for row in raw(home, "door_findings")].count("order_inferred") == 1
    assert list(home.inbox.rglob("*")) == [home.inbox / "AL-04"]


@pytest.mark.slow
def test_what_holds_no_form_is_refused_with_what_to_do(home: Home) -> None:
    locked = bytearray(packed({"a.csv": report()}))
    # Bit 0 of the flags, in the entry and in the directory, says that it is encrypted.
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    cases = {
        "no known form is attached": message({"a.txt": b"nothing"}),
        "holds no known form": packed({"a.txt": b"nothing"}),
        "protected by a password": bytes(locked),
        "unpacks to more": packed({"a.csv": b"0" * (65 * 2**20)}),
        "more sheets or parts": packed({f"{n}.csv": b"a" for n in range(101)}),
        "PDF": b"%PDF-1.7\nno zeros here",
        "picture or a scan": b"\xff\xd8\xff\xe0" + bytes(50),
        "text document (Word)": packed({"[Content_Types].xml": b"", "word/document.xml": b"x"}),
    }
    with IsolatedReader(REGISTERS, home) as reader:
        for sentence, content in cases.items():
            reading = reader.read(content, "AL-04", NOW)
            assert [found.rule for found in reading.problems] == ["unreadable_file"], sentence
            assert sentence.casefold() in reading.problems[0].message_en.casefold()


def test_archives_in_archives_end(monkeypatch: pytest.MonkeyPatch) -> None:
    content = report()
    for _ in range(containers.MAX_DEPTH):
        content = packed({"a.zip": content, "b.csv": report()})
    assert len(list(files_in(content))) == containers.MAX_DEPTH + 1
    with pytest.raises(UnreadableFile):
        list(files_in(packed({"a.zip": content})))
    monkeypatch.setattr(containers, "MAX_FILES", 1)
    with pytest.raises(UnreadableFile):
        list(files_in(message({"a.csv": b"a", "b.csv": b"b"})))


def test_a_table_is_no_container() -> None:
    assert container_kind(report()) is None
    assert container_kind(b"Date: 2023-05-01\nno header") is None
    assert container_kind(packed({"xl/workbook.xml": b""})) is None
    assert container_kind(b"PK\x03\x04 damaged") is None
    assert container_kind(message({})) == "eml"
    assert container_kind(packed({"a.csv": b""})) == "zip"
    # Letters that a picture begins with.
    assert read_tables(b"BM;Formulari\n1;2\n").file_format == "csv"
