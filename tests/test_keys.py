"""Keys of pseudonyms, the vault and the audit log, as the data officer uses them."""

import os
import re
import subprocess
from collections import Counter
from pathlib import Path
from zipfile import ZipFile

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from pyrage.x25519 import Identity

from orchestration.cli import cli
from orchestration.ingestion.door import take_in
from orchestration.runtime.settings import SEEDS
from sources.custody import rekeying
from sources.custody.home import Home
from sources.custody.journal import read
from sources.custody.pseudonyms import Pseudonyms, read_keys
from sources.custody.rekeying import key_columns
from sources.custody.vault import IDENTITY, sealed_original
from sources.reading import hash_content
from sources.registers import load_registers
from sources.values import case_number

pytestmark = pytest.mark.slow

LOG_HEAD = (
    "Formulari;Qarku;Të dhënat;Nr. kontaktit;Kanali;Marrë më;Telefonuesi;Qëllimi;"
    "Elemente dyshimi;Shfrytëzimi;Referuar te;Pranuar më;Rezultati;Nr. rastit;Përsëritje e\n"
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    monkeypatch.setenv("KRAT_HOME", str(home.root))
    monkeypatch.setenv("KRAT_KEYS", str(home.keys))
    _send(home, "one")
    return home


def _log(outcome_of: str) -> str:
    """Return a log of two contacts of one case; `outcome_of` makes its content its own."""
    rows = "".join(
        f"krat-linja-1;AL-05;SHEMBULL - TË TRILLUARA;{number};app;2023-05-03 10:00;self;"
        f"case_report;3;;;;{'pending' if outcome_of == 'one' else 'no_action'};RL-77;\n"
        for number in ("K-1", "K-2")
    )
    return LOG_HEAD + rows


def _put(home: Home, outcome_of: str) -> None:
    path = home.inbox / "AL-05" / "log.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_log(outcome_of), encoding="utf-8")
    os.utime(path, (1690000000, 1690000000))


def _send(home: Home, outcome_of: str) -> None:
    _put(home, outcome_of)
    assert take_in(home, load_registers(SEEDS)).accepted == 1


def _cases(home: Home) -> Counter[str]:
    return Counter(
        key
        for path in (home.raw / "hotline_contacts").glob("*.parquet")
        for key in pq.read_table(path)["case_key"].to_pylist()
    )


def _krat(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def test_after_a_rotation_what_arrives_still_links_with_what_is_stored(home: Home) -> None:
    before = _cases(home)
    told = _krat("keys", "rotate", "case", "--reason", "yearly")
    assert told.exit_code == 0, told.output
    assert "2 stored pseudonyms" in told.output
    assert not set(before) & set(_cases(home))
    _send(home, "two")
    assert list(_cases(home).values()) == [4]
    assert "case: rotated 1 times" in _krat("keys", "list").output


def test_a_rotation_leaves_the_other_purposes_alone(home: Home) -> None:
    before = read_keys(home.keys, "contact")
    _krat("keys", "rotate", "case", "--reason", "yearly")
    assert read_keys(home.keys, "contact") == before
    assert key_columns("case") == {
        "hotline_contacts": ["case_key"],
        "referral_events": ["case_key", "former_case_key", "hotline_case_key"],
        "refused_records": ["case_key"],
        "forgotten": ["case_key"],
    }
    assert key_columns("contact") == {
        "hotline_contacts": ["contact_key", "repeat_of_key", "duplicate_of_key"],
        "refused_records": ["contact_key"],
        "forgotten": ["contact_key"],
    }
    assert key_columns("person") == {
        "referral_events": ["person_key"],
        "forgotten": ["person_key"],
    }


def _contents(home: Home) -> dict[str, str]:
    """Return the keyed hash of each delivery's content, by its id."""
    return {
        row["delivery_id"]: row["content_hash"]
        for path in (home.raw / "deliveries").glob("*.parquet")
        for row in pq.read_table(path).to_pylist()
    }


def test_a_content_is_known_again_after_a_rotation_and_its_delivery_keeps_its_id(
    home: Home,
) -> None:
    before = _contents(home)
    assert key_columns("file_content") == {"deliveries": ["content_hash"]}
    assert _krat("keys", "rotate", "file_content", "--reason", "yearly").exit_code == 0
    after = _contents(home)
    assert after.keys() == before.keys()
    assert not set(after.values()) & set(before.values())
    content = _log("one").encode()
    assert set(after.values()) == {hash_content(content, Pseudonyms(home.keys).key)}
    _put(home, "one")
    assert take_in(home, load_registers(SEEDS)).known == 1


def test_without_its_key_a_content_is_not_known_again(home: Home) -> None:
    rekeying.destroy(home, "file_content", "end of the plan")
    _send(home, "one")
    assert len(_contents(home)) == 2


def test_a_hash_can_be_compared_with_a_file_as_the_docs_show(home: Home, tmp_path: Path) -> None:
    page = (Path(__file__).parents[1] / "docs" / "data-protection.md").read_text(encoding="utf-8")
    block = re.search(r"```\n(sha256sum .*?)```", page, re.DOTALL)
    assert block is not None
    original = tmp_path / "original.xlsx"
    original.write_bytes(_log("one").encode())
    command = block[1].replace("original.xlsx", str(original))
    command = command.replace("data-keys/", f"{home.keys}/")
    told = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert told.stdout.split()[-1] in _contents(home).values()


@pytest.mark.parametrize("breaks_at", ["before it is ready", "while files are swapped"])
def test_a_rotation_that_breaks_off_is_whole_or_has_not_been(
    breaks_at: str, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    _send(home, "two")
    with monkeypatch.context() as broken:
        if breaks_at == "before it is ready":
            broken.setattr(rekeying.audit, "append", _no_power)
        else:
            broken.setattr(rekeying.shutil, "rmtree", _no_power)
            replaced: list[Path] = []
            original = Path.replace

            def once(path: Path, target: Path) -> Path:
                if replaced and path.suffix == ".parquet":
                    _no_power()
                replaced.append(path)
                return original(path, target)

            broken.setattr(Path, "replace", once)
        with pytest.raises(OSError, match="power"):
            rekeying.rotate(home, "case", "yearly")
    rekeying.finish_rotations(home)
    assert not list(home.raw.glob(".rekey-*"))
    assert not list(home.keys.glob("*.next.key"))
    assert list(_cases(home).values()) == [4]
    expected = 1 if breaks_at == "before it is ready" else 2
    assert len(read_keys(home.keys, "case") or []) == expected
    assert set(_cases(home)) == {Pseudonyms(home.keys).key("case", f"AL-05/{case_number('RL-77')}")}


def _no_power(*_: object, **__: object) -> None:
    raise OSError("no power")


def test_a_destroyed_key_makes_linking_impossible(home: Home) -> None:
    secret = (home.keys / "case.key").read_text(encoding="ascii").strip()
    told = _krat("keys", "destroy", "case", "--reason", "end of the plan", "--yes")
    assert told.exit_code == 0, told.output
    assert not any(
        secret in path.read_text(errors="replace")
        for path in home.keys.rglob("*")
        if path.is_file()
    )
    _send(home, "two")
    assert sorted(_cases(home).values()) == [2, 2]


def test_a_key_whose_destruction_was_broken_off_is_no_key_and_can_be_destroyed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Path, "unlink", _no_power)
        with pytest.raises(OSError, match="power"):
            rekeying.destroy(home, "case", "end of the plan")
    with pytest.raises(ValueError, match=r"case\.key is damaged"):
        read_keys(home.keys, "case")
    rekeying.destroy(home, "case", "end of the plan")
    assert read_keys(home.keys, "case") is None


def test_a_purpose_without_a_key_is_told_in_a_line(home: Home) -> None:
    with pytest.raises(ValueError, match="no key for 'phone'"):
        rekeying.rotate(home, "phone", "why")


def _kept(home: Home) -> list[str]:
    """Return the deliveries whose originals the vault has."""
    names = [name for path in home.vault.glob("*.zip") for name in ZipFile(path).namelist()]
    return [name.removesuffix(".age") for name in names]


def _actions(home: Home) -> list[str]:
    return [entry["action"] for entry in read(home.audit)]


def test_the_data_officer_opens_an_original_and_the_log_says_so(home: Home, tmp_path: Path) -> None:
    (delivery,) = _kept(home)
    out = tmp_path / "original.csv"
    told = _krat(
        "vault", "open", delivery, "--key", str(home.keys / IDENTITY),
        "--reason", "the institution asks", "--out", str(out),
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    assert "RL-77" in out.read_text(encoding="utf-8")
    assert out.stat().st_mode & 0o077 == 0
    assert "RL-77" not in home.audit.read_text(encoding="utf-8")
    *_, entry = read(home.audit)
    assert (entry["action"], entry["subject"], entry["reason"]) == (
        "vault.opened",
        delivery,
        "the institution asks",
    )


def test_a_wrong_key_opens_nothing_and_is_logged(home: Home, tmp_path: Path) -> None:
    (delivery,) = _kept(home)
    wrong = tmp_path / "wrong.key"
    wrong.write_text(f"{Identity.generate()}\n")
    told = _krat(
        "vault", "open", delivery, "--key", str(wrong), "--reason", "curious",
        "--out", str(tmp_path / "out"),
    )  # fmt: skip
    assert isinstance(told.exception, ValueError)
    assert not (tmp_path / "out").exists()
    assert _actions(home) == ["refresh.taken_in", "vault.refused"]


def test_an_original_is_never_written_into_the_home(home: Home) -> None:
    (delivery,) = _kept(home)
    told = _krat(
        "vault", "open", delivery, "--key", str(home.keys / IDENTITY), "--reason", "x",
        "--out", str(home.root / "raw" / "out.csv"),
    )  # fmt: skip
    assert "outside KRAT_HOME" in str(told.exception)
    assert _actions(home) == ["refresh.taken_in"]


@pytest.mark.parametrize("delivery", ["../../keys/vault", "0" * 16, "", "*"])
def test_only_a_delivery_can_be_opened(delivery: str, home: Home) -> None:
    with (
        pytest.raises(ValueError, match=r"16 hex digits|no original"),
        sealed_original(home, delivery),
    ):
        pass


def test_the_pipeline_works_without_the_private_key(home: Home) -> None:
    (home.keys / IDENTITY).unlink()
    _send(home, "two")
    assert not (home.keys / IDENTITY).exists()
    assert len(_kept(home)) == 2
