"""Originals open without krat: by the program `age`, from quarantine and from an archive."""

import shutil
import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest

from orchestration.ingestion.door import Intake, take_in
from orchestration.runtime.settings import PROJECT, SEEDS
from sources.custody.home import Home
from sources.custody.vault import IDENTITY, QUARANTINED, RECIPIENTS
from sources.registers import load_registers

pytestmark = pytest.mark.program

PAGE = (PROJECT / "docs" / "data-protection.md").read_text(encoding="utf-8")

REFUSED = b"nothing that krat reads\n" * 100_000
ACCEPTED = (
    "Formulari;Qarku;Të dhënat;Nr. kontaktit;Kanali;Marrë më;Telefonuesi;Qëllimi;"
    "Elemente dyshimi;Shfrytëzimi;Referuar te;Pranuar më;Rezultati;Nr. rastit;Përsëritje e\n"
    "krat-linja-1;AL-05;SHEMBULL - TË TRILLUARA;K-1;app;2023-05-03 10:00;self;"
    "case_report;3;;;;pending;RL-77;\n"
).encode()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A data folder without files, whose pair of keys `age-keygen` made."""
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    home.keys.mkdir(mode=0o700)
    _make_identity(home.keys / IDENTITY)
    return home


def _make_identity(path: Path) -> None:
    subprocess.run(["age-keygen", "--output", path], check=True, capture_output=True)


def _take_in(home: Home, content: bytes) -> Intake:
    folder = home.inbox / "AL-05"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "raport.csv").write_bytes(content)
    return take_in(home, load_registers(SEEDS))


def _open_as_written(home: Home, opened: str, names: dict[str, str]) -> bytes:
    """Run the command of the data officer's page that opens this, with other names in it."""
    (command,) = [line for line in PAGE.splitlines() if opened in line and "age -d" in line]
    for written, name in names.items():
        assert written in command
        command = command.replace(written, name)
    shutil.copy(home.keys / IDENTITY, home.root)
    subprocess.run(["sh", "-c", command], cwd=home.root, check=True)
    return (home.root / "original.xlsx").read_bytes()


def _age(identity: Path, sealed: bytes) -> tuple[int, bytes]:
    ended = subprocess.run(
        ["age", "--decrypt", "--identity", identity],
        input=sealed,
        capture_output=True,
        check=False,
    )
    return ended.returncode, ended.stdout


def test_age_opens_the_original_of_a_refused_file(home: Home, tmp_path: Path) -> None:
    assert _take_in(home, REFUSED) == Intake(refused=1)
    (original,) = home.quarantine.glob(f"*/*/{QUARANTINED}")
    assert _age(home.keys / IDENTITY, original.read_bytes()) == (0, REFUSED)
    _, county, delivery, _ = original.relative_to(home.root).parts
    names = {"AL-04": county, "1f0c2a9b7d3e4456": delivery}
    assert _open_as_written(home, "quarantine/", names) == REFUSED
    _make_identity(tmp_path / "other.txt")
    assert _age(tmp_path / "other.txt", original.read_bytes()) == (1, b"")


def test_age_opens_the_original_of_an_accepted_file_from_its_archive(home: Home) -> None:
    assert _take_in(home, ACCEPTED) == Intake(accepted=1)
    (archive,) = home.vault.glob("*.zip")
    with ZipFile(archive) as zipped:
        (name,) = zipped.namelist()
        assert _age(home.keys / IDENTITY, zipped.read(name)) == (0, ACCEPTED)
    names = {"3d1c5e7a9b2f4680": archive.stem, "1f0c2a9b7d3e4456": Path(name).stem}
    assert _open_as_written(home, "unzip", names) == ACCEPTED


def test_each_recipient_of_the_vault_opens_what_comes_after(home: Home, tmp_path: Path) -> None:
    _take_in(home, ACCEPTED)
    second = tmp_path / "second.txt"
    _make_identity(second)
    public = subprocess.run(["age-keygen", "-y", second], check=True, capture_output=True).stdout
    recipients = home.vault / RECIPIENTS
    recipients.write_bytes(recipients.read_bytes() + b"# the deputy\n" + public)
    _take_in(home, REFUSED)
    (original,) = home.quarantine.glob(f"*/*/{QUARANTINED}")
    for identity in (home.keys / IDENTITY, second):
        assert _age(identity, original.read_bytes()) == (0, REFUSED)
