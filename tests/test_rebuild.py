"""Raw tables that were lost are made again of the vault's originals, with equal rows."""

import os
import shutil
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from conftest import MAY
from test_keys import LOG_HEAD, _log
from test_two_ways import contents, file_bytes

from orchestration.cli import cli
from orchestration.ingestion.door import take_in
from orchestration.refresh.steps import refresh
from orchestration.runtime.settings import SEEDS, prepare_process
from sources.custody import audit, journal, rekeying
from sources.custody.home import Home
from sources.custody.vault import IDENTITY
from sources.registers import load_registers

pytestmark = pytest.mark.slow


def _send(home: Home, name: str, content: bytes, seconds: int, county: str = "AL-05") -> None:
    path = home.inbox / county / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (1_690_000_000 + seconds, 1_690_000_000 + seconds))
    take_in(home, load_registers(SEEDS))


def _rows(home: Home) -> dict[str, list[str]]:
    """Return the rows of each raw table as sorted text."""
    found = {}
    for folder in sorted(home.raw.glob("[a-z]*")):
        tables = [pq.read_table(path) for path in folder.glob("*.parquet")]
        if tables:
            rows = pa.concat_tables(tables).to_pylist()
            found[folder.name] = sorted(map(repr, rows))
    return found


def _rebuild(home: Home, key: Path, reason: str = "the disk of raw broke") -> Result:
    environment = {"KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)}
    arguments = ["vault", "rebuild", "--key", str(key), "--reason", reason]
    return CliRunner().invoke(cli, arguments, env=environment)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A data folder to which came logs, one refused file, one twice, and two in an archive."""
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    _send(home, "log.csv", _log("one").encode(), 5)
    _send(home, "nothing.csv", b"nothing that krat reads\n", 2)
    _send(home, "again.csv", _log("one").encode(), 9)
    archive = tmp_path / "two.zip"
    with zipfile.ZipFile(archive, "w") as both:
        for number in ("K-8", "K-9"):
            row = f"krat-linja-1;AL-05;SHEMBULL - TË TRILLUARA;{number};app;2023-05-04 10:00;"
            both.writestr(f"{number}.csv", f"{LOG_HEAD}{row}self;case_report;3;;;;pending;;\n")
    _send(home, "two.zip", archive.read_bytes(), 7)
    (home.keys / IDENTITY).rename(tmp_path / "officer.txt")
    return home


@pytest.mark.parametrize("is_rotated", [False, True])
def test_the_rows_are_those_that_were_there(
    home: Home, tmp_path: Path, *, is_rotated: bool
) -> None:
    if is_rotated:
        rekeying.rotate(home, "file_content", "yearly")
        rekeying.rotate(home, "case", "yearly")
    before, vault = _rows(home), file_bytes(home.vault)
    assert {"deliveries", "door_findings", "hotline_contacts"} <= before.keys()
    shutil.rmtree(home.raw)
    told = _rebuild(home, tmp_path / "officer.txt")
    assert told.exit_code == 0, told.output
    assert _rows(home) == before
    assert not list(home.root.glob(".rebuilding*"))
    *_, entry = journal.read(home.audit)
    assert (entry["action"], entry["reason"]) == ("vault.rebuilt", "the disk of raw broke")
    assert audit.faults(home) == []
    # What comes next finds all of it: nothing in the vault is taken for unfinished.
    _send(home, "later.csv", _log("two").encode(), 20)
    assert vault.items() <= file_bytes(home.vault).items()


def test_nothing_is_done_beside_raw_tables_or_with_a_wrong_key(home: Home, tmp_path: Path) -> None:
    before = _rows(home)
    there = _rebuild(home, tmp_path / "officer.txt")
    assert "move them elsewhere" in str(there.exception)
    shutil.rmtree(home.raw)
    (tmp_path / "wrong.txt").write_text("# no key\n", encoding="utf-8")
    assert _rebuild(home, tmp_path / "wrong.txt").exit_code != 0
    assert _rebuild(home, tmp_path / "officer.txt", " ").exit_code != 0
    assert not home.raw.exists() or not any(home.raw.iterdir())
    assert _rebuild(home, tmp_path / "officer.txt").exit_code == 0
    assert _rows(home) == before


@pytest.mark.drill
def test_a_year_made_again_of_its_originals_comes_to_equal_marts(
    own_home: Home, tmp_path: Path
) -> None:
    officer = tmp_path / "officer.txt"
    (own_home.keys / IDENTITY).rename(officer)
    rows, before = _rows(own_home), contents(own_home.marts)
    releases = file_bytes(own_home.releases)
    shutil.rmtree(own_home.raw)
    for path in (own_home.warehouse, own_home.marts, own_home.known, own_home.fates):
        path.unlink()
    assert _rebuild(own_home, officer).exit_code == 0
    assert _rows(own_home) == rows
    prepare_process(own_home)
    outcome = refresh(own_home, [MAY])
    assert not any(release.is_new for release in outcome.releases)
    assert contents(own_home.marts) == before
    assert file_bytes(own_home.releases) == releases
