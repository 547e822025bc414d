"""A `krat serve` process for tests: a home of its own, its address, tokens and access log."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import yaml

from orchestration.products.declaration import Tier
from orchestration.products.tree import MANIFEST, SIGNATURE, ReleaseFolder
from orchestration.publication.writing.package import sha256
from orchestration.publication.writing.signing import fingerprint, signing_key
from orchestration.runtime import settings
from orchestration.serving.tokens import make_token
from sources.custody.home import Home
from sources.datafiles import read_yaml

COMMAND = [sys.executable, "-c", "from orchestration.cli import main; main()"]

#: What no answer may hold: it stands in files that are not to be had.
CANARY = "canary-5e1f7a"


@dataclass(frozen=True)
class Served:
    """A server at `url` (with a slash at its end) on a home, and tokens by who holds them."""

    url: str
    home: Home
    tokens: dict[str, str]

    def bearer(self, holder: str) -> dict[str, str]:
        """Return the header that carries a holder's token."""
        return {"Authorization": f"Bearer {self.tokens[holder]}"}

    def log_lines(self) -> list[list[str]]:
        """Return the access log."""
        return log_lines(self.home)


def log_lines(home: Home) -> list[list[str]]:
    """Return the access log: time, address, token id, method, path, status, bytes, ms.

    A line is written after its answer was sent, so it is waited for.
    """
    size = -1
    while size != (size := home.access_log.stat().st_size):
        time.sleep(0.1)
    lines = home.access_log.read_text(encoding="utf-8").splitlines()
    return [line.split(" ") for line in lines]


def home_to_serve(source: Home, folder: Path) -> Home:
    """Return a home with the restricted releases of `source` and one made public as it is."""
    home = Home(root=folder / "home", keys=folder / "keys")
    shutil.copytree(source.releases, home.releases, ignore=shutil.ignore_patterns("public"))
    shutil.copytree(source.keys, home.keys)
    shutil.copy(source.marts, home.marts)
    shutil.copy(source.version, home.version)
    add_release(home, "restricted/AL/2023-05/r1", "public", "AL", "2023-05")
    return home


def add_release(
    home: Home, original: str, tier: str, county_code: str, month: str, **more: object
) -> Path:
    """Put a copy of a release elsewhere in the tree, as its next release, signed anew.

    `more` are facts that its manifest tells.
    """
    place = ReleaseFolder(home.releases, tier, county_code, month)
    with place.appearing() as (draft, target):
        shutil.copytree(home.releases / original, draft, dirs_exist_ok=True)
        for path in draft.iterdir():
            path.chmod(0o600)
        (draft / "CHANGES.md").write_text(f"{target.name}\n", encoding="utf-8")
        facts = {"tier": tier, "county_code": county_code, "reporting_month": month}
        sign(home, draft, {**facts, "number": int(target.name[1:]), **more})
    return target


def write_release(home: Home, county_code: str, month: str, files: dict[str, bytes]) -> None:
    """Write the least that is a release of the restricted tier: these files, and their manifest."""
    folder = home.releases / "restricted" / county_code / month / "r1"
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / MANIFEST).write_text('{"release": {}}', encoding="utf-8")
    facts = {"tier": "restricted", "county_code": county_code, "reporting_month": month}
    sign(home, folder, {**facts, "number": 1, "released_on": "2024-01-12", "is_made_up": True})
    (folder.parent / "latest").write_text("r1\n", encoding="ascii")


def sign(home: Home, release: Path, facts: dict[str, object]) -> None:
    """Write a release's manifest anew, with these facts and the hashes of its files."""
    manifest = json.loads((release / MANIFEST).read_bytes())
    key = signing_key(home.keys)
    manifest["release"] |= {**facts, "signed_by": fingerprint(key.public_key())}
    manifest["files"] = [
        {"path": path.name, "hash": sha256(path), "bytes": path.stat().st_size}
        for path in sorted(release.iterdir())
        if path.name not in (MANIFEST, SIGNATURE)
    ]
    content = json.dumps(manifest).encode()
    (release / MANIFEST).write_bytes(content)
    (release / SIGNATURE).write_bytes(key.sign(content))


def make_tokens(home: Home) -> dict[str, str]:
    """Make a token of each kind: for every county, Fier, Vlorë, expired, and for institutions."""
    today = datetime.now(UTC).date()
    kinds = {
        "all": (None, today),
        "fier": ("AL-04", today),
        "vlore": ("AL-12", today),
        "expired": (None, today - timedelta(days=1)),
    }
    tokens = {
        holder: make_token(home, holder, Tier.RESTRICTED, county_code, last_day)[1]
        for holder, (county_code, last_day) in kinds.items()
    }
    for holder, institution in {"shssh": "AL-04-SHSSH", "police": "AL-04-POLICIA"}.items():
        tokens[holder] = make_token(home, holder, Tier.PUBLIC, "AL-04", today, institution)[1]
    return tokens


def change_settings(home: Home, **changed: object) -> None:
    """Write the home's serve.yml: the project's own, with these values."""
    content = read_yaml(Path(settings.__file__).with_name("serve.yml"))
    home.root.mkdir(exist_ok=True)
    (home.root / "serve.yml").write_text(yaml.safe_dump({**content, **changed}), encoding="utf-8")


@contextmanager
def serving(home: Home, *options: str, errors: IO[bytes] | None = None) -> Iterator[str]:
    """Run `krat serve` on a home for the block; give its address with the real port.

    What it writes to stderr goes to `errors`.
    """
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", *options],
        env={**os.environ, "KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)},
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )
    assert process.stdout is not None
    try:
        told = process.stdout.readline()
        address = re.search(r"https?://\S+", told)
        assert address is not None, told
        yield address[0]
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()


def connect(url: str, source: str = "127.0.0.1") -> socket.socket:
    """Connect to a server from an address of this machine."""
    host, port = url.split("/")[2].split(":")
    return socket.create_connection((host, int(port)), timeout=10, source_address=(source, 0))


def raw_request(url: str, request: bytes, source: str = "127.0.0.1") -> bytes:
    """Send these very bytes, which no client library would, and return the whole answer."""
    with connect(url, source) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer
