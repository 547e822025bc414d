"""A release appears whole, never changes, and tells its holder whether it is whole and ours."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import MAY, Refreshed
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from served import add_release

from orchestration.cli import cli
from orchestration.gate.judge import Scope, judge
from orchestration.products.tree import LATEST, MANIFEST, SIGNATURE, folder_of, releases_in
from orchestration.publication.restricted import release
from orchestration.publication.verify import verify_release
from orchestration.publication.writing.signing import (
    PRIVATE_KEY,
    PUBLIC_KEYS,
    NoKey,
    own_public_keys,
    private_pem,
    publish_key,
    read_public_keys,
    signing_key,
)
from orchestration.runtime.settings import PROJECT, SEEDS
from sources.custody.home import Home
from sources.registers import load_registers

FIER = Path("restricted") / "AL-04" / "2023-05"


def krat(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, env={"KRAT_HOME": "/nowhere/home"})


@pytest.fixture
def held(refreshed: Refreshed, tmp_path: Path) -> Path:
    """A reader's own copy of Fier's release, with the public key beside it."""
    copy = tmp_path / "copy" / FIER / "r1"
    shutil.copytree(refreshed.home.releases / FIER / "r1", copy)
    shutil.copy(refreshed.home.releases / PUBLIC_KEYS, tmp_path / "copy")
    return copy


def test_a_release_is_read_only_and_named_by_the_pointer(refreshed: Refreshed) -> None:
    for month in refreshed.home.releases.glob("*/AL*/*"):
        assert (month / LATEST).read_text(encoding="ascii") == "r1\n"
        assert {path.name for path in month.iterdir()} == {LATEST, "r1"}
        for path in (month / "r1").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o400, path.name


def test_the_tree_lists_its_releases_for_machines(refreshed: Refreshed) -> None:
    listed = list(releases_in(refreshed.home.releases))
    assert [(one.tier, one.county_code, one.month, one.number) for one in listed] == [
        ("public", "AL", "2023-05", 1),
        ("public", "AL-04", "2023-05", 1),
        ("restricted", "AL", "2023-05", 1),
        ("restricted", "AL-04", "2023-05", 1),
    ]
    for one in listed:
        assert one.is_latest
        assert one.facts["is_made_up"] is True
        on_disk = {path.name for path in one.path.iterdir()} - {MANIFEST, SIGNATURE}
        assert {entry["path"] for entry in one.files} == on_disk


def test_a_reader_without_a_home_verifies_what_he_holds(held: Path) -> None:
    result = krat("verify", str(held))
    assert result.exit_code == 0, result.output
    assert "Whole and ours" in result.stdout
    assert "I plotë dhe i yni" in result.stdout


def test_a_whole_tree_is_verified_at_once_with_its_pointers(refreshed: Refreshed) -> None:
    tree = str(refreshed.home.releases)
    # Five editions of counts of persons are among them.
    assert "9 publikime" in krat("verify", tree).stdout


def test_openssl_verifies_it_too(held: Path) -> None:
    command = [
        "openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(held.parents[3] / PUBLIC_KEYS),
        "-rawin", "-in", str(held / MANIFEST), "-sigfile", str(held / SIGNATURE),
    ]  # fmt: skip
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def _rewrite(path: Path, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(content)


def _flip_a_bit(release: Path) -> None:
    content = bytearray((release / "mart.duckdb").read_bytes())
    content[len(content) // 2] ^= 1
    _rewrite(release / "mart.duckdb", bytes(content))


def _sign_with_another_key(release: Path) -> None:
    manifest = (release / MANIFEST).read_bytes()
    _rewrite(release / SIGNATURE, Ed25519PrivateKey.generate().sign(manifest))


def _replace_the_signer(release: Path) -> None:
    manifest = json.loads((release / MANIFEST).read_bytes())
    manifest["release"]["signed_by"] = "0" * 64
    _rewrite(release / MANIFEST, json.dumps(manifest).encode())


def _point_outside(release: Path) -> None:
    manifest = json.loads((release / MANIFEST).read_bytes())
    manifest["files"][0]["path"] = "../../../../etc/passwd"
    _rewrite(release / MANIFEST, json.dumps(manifest).encode())


TAMPERING: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file is gone": (lambda held: (held / "gate.json").unlink(), "missing"),
    "a file is added": (lambda held: (held / "more.csv").write_text("1"), "added"),
    "a hidden file is added": (lambda held: (held / ".more").write_text("1"), "added"),
    "a folder is added": (lambda held: (held / "more").mkdir(), "no_plain_file"),
    "a symlink is added": (lambda held: (held / "more").symlink_to("/etc"), "no_plain_file"),
    "a bit is flipped": (_flip_a_bit, "altered"),
    "the manifest is gone": (lambda held: (held / MANIFEST).unlink(), "no_manifest"),
    "the manifest is no JSON": (
        lambda held: _rewrite(held / MANIFEST, b"[" * 100_000),
        "damaged_manifest",
    ),
    "the manifest points outside": (_point_outside, "damaged_manifest"),
    "the manifest is altered": (
        lambda held: _rewrite(held / MANIFEST, (held / MANIFEST).read_bytes() + b" "),
        "bad_signature",
    ),
    "the signature is gone": (lambda held: (held / SIGNATURE).unlink(), "unsigned"),
    "the signature is cut off": (lambda held: _rewrite(held / SIGNATURE, b"x"), "bad_signature"),
    "the signature is another's": (_sign_with_another_key, "bad_signature"),
    "it says that another signed": (_replace_the_signer, "wrong_key"),
    "it is put in the place of another": (
        lambda held: held.rename(held.with_name("r2")),
        "misplaced",
    ),
}


@pytest.mark.parametrize("what", TAMPERING)
def test_whatever_is_wrong_with_a_copy_is_told(what: str, held: Path) -> None:
    tamper, kind = TAMPERING[what]
    tamper(held)
    (folder,) = held.parent.iterdir()
    result = krat("verify", str(folder))
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    keys = read_public_keys(held.parents[3] / PUBLIC_KEYS)
    faults = verify_release(folder, keys)
    assert kind in {fault.kind for fault in faults}
    for fault in faults:
        assert f"{fault.sentence('sq')} / {fault.sentence('en')}" in result.stderr


def test_a_symlink_in_the_place_of_a_file_is_never_opened(held: Path) -> None:
    outside = held.parents[3] / "outside.json"
    (held / "gate.json").rename(outside)
    (held / "gate.json").symlink_to(outside)
    faults = verify_release(held, read_public_keys(held.parents[3] / PUBLIC_KEYS))
    assert [(fault.kind, fault.path) for fault in faults] == [("no_plain_file", "gate.json")]


def test_a_release_that_another_signed_is_not_ours(held: Path, tmp_path: Path) -> None:
    publish_key(Ed25519PrivateKey.generate().public_key(), tmp_path)
    result = krat("verify", str(held), "--key", str(tmp_path / PUBLIC_KEYS))
    assert result.exit_code == 1
    assert "not with the one expected" in result.stderr


def test_without_a_public_key_nothing_is_called_ours(held: Path) -> None:
    (held.parents[3] / PUBLIC_KEYS).unlink()
    result = krat("verify", str(held))
    assert result.exit_code == 1
    assert "give the public key with --key" in result.stderr


def test_a_pointer_to_an_older_release_is_told(held: Path) -> None:
    (held.parent / LATEST).write_text("r7\n", encoding="ascii")
    result = krat("verify", str(held.parents[3]))
    assert result.exit_code == 1
    assert "does not point to the newest release (r7)" in result.stderr


def test_a_damaged_key_is_said_in_a_line(held: Path, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    with pytest.raises(NoKey):
        read_public_keys(key)
    result = krat("verify", str(held), "--key", str(key))
    assert result.exit_code != 0
    assert isinstance(result.exception, ValueError | SystemExit)


def test_a_changed_key_signs_and_what_the_old_one_signed_stays_ours(own_home: Home) -> None:
    old = signing_key(own_home.keys)
    path = own_home.keys / PRIVATE_KEY
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + private_pem(Ed25519PrivateKey.generate()))
    assert signing_key(own_home.keys) != old
    assert len(own_public_keys(own_home.keys)) == 2
    assert not verify_release(own_home.releases / FIER / "r1", own_public_keys(own_home.keys))
    add_release(own_home, f"{FIER}/r1", "restricted", "AL-04", "2023-06")
    new = own_home.releases / "restricted" / "AL-04" / "2023-06" / "r1"
    assert not verify_release(new, own_public_keys(own_home.keys))
    # Who holds the tree's old keys alone is told by whom it is signed.
    [fault] = verify_release(new, read_public_keys(own_home.releases / PUBLIC_KEYS))
    assert (fault.kind, fault.path) == ("wrong_key", SIGNATURE)
    publish_key(signing_key(own_home.keys).public_key(), own_home.releases)
    published = read_public_keys(own_home.releases / PUBLIC_KEYS)
    assert len(published) == 2
    assert not verify_release(new, published)
    assert not verify_release(own_home.releases / FIER / "r1", published)


KILLED = """
import os, signal, sys
from datetime import date
from pathlib import Path
from orchestration.products import tree
from orchestration.publication.restricted import release
from sources.custody.home import Home

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def die_at_pointer(fresh, path):
    if path.name == tree.LATEST:
        die()
    os.replace(fresh, path)

setattr({victim})
release(Home(root=Path(sys.argv[1]), keys=Path(sys.argv[2])), "AL-04", date(2023, 5, 1))
"""


def _killed(home: Home, victim: str) -> None:
    """Publish Fier's month in a process that is killed when it calls the victim."""
    ended = subprocess.run(
        [sys.executable, "-c", KILLED.format(victim=victim), str(home.root), str(home.keys)],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("victim", "left"),
    [
        ("tree.Path, 'chmod', die", {".r1.draft"}),
        ("tree.Path, 'rename', die", {".r1.draft"}),
        ("tree.ReleaseFolder, 'point_latest', die", {"r1"}),
        ("tree.Path, 'replace', die_at_pointer", {"r1", ".latest"}),
    ],
)
def test_a_killed_run_leaves_a_whole_release_or_none(
    victim: str, left: set[str], own_home: Home
) -> None:
    month = own_home.releases / FIER
    before = (month / "r1" / MANIFEST).read_bytes()
    shutil.rmtree(month)
    _killed(own_home, victim)
    names = {path.name for path in month.iterdir()}
    assert {".latest" if name.startswith(".latest.") else name for name in names} == left
    keys = own_public_keys(own_home.keys)
    assert not (month / "r1").exists() or not verify_release(month / "r1", keys)
    assert release(own_home, "AL-04", MAY).number == 1
    assert {path.name for path in month.iterdir()} == {"r1", LATEST}
    assert (month / "r1" / MANIFEST).read_bytes() == before
    folder = folder_of(month / "r1")
    assert folder is not None
    assert folder.latest() == month / "r1"


def test_the_gates_record_of_a_month_hangs_on_that_month_alone(own_home: Home) -> None:
    published = (own_home.releases / FIER / "r1" / "gate.json").read_bytes()
    scopes = [Scope(county, date(2023, month, 1)) for county in ("AL", "AL-04") for month in (3, 5)]
    judge(own_home, [*scopes, Scope("AL-04", date(2023, 12, 1))], load_registers(SEEDS))
    assert (own_home.gate / "AL-04" / "2023-05.json").read_bytes() == published
