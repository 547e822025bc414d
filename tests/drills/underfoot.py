"""Takes away or damages a file of the data folder, and looks what krat makes of it.

Either it makes the file again, or tells which it is and what brings it back: at the next refresh,
or by the command that verifies such files. Once the file is back, all goes on.
"""

import os
import random
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import killed

from sources.custody.home import Home

#: Of each kind of file by its places: the command that finds what a refresh doesn't need.
KINDS: dict[str, Callable[[Home], list[str]] | None] = {
    "raw/*/*.parquet": None,
    "*.parquet": None,
    "*.duckdb": None,
    "registers_in_use/**/*": None,
    "gate/**/*.json": None,
    "gate/editions/*/*.parquet": None,
    "releases/**/datapackage.json": lambda home: ["verify", str(home.releases)],
    "releases/restricted/*/*/*/*": lambda home: ["verify", str(home.releases)],
    "releases/public/*/*/*/*": lambda home: ["verify", str(home.releases)],
    "releases/*/*/*/latest": lambda home: ["verify", str(home.releases)],
    "vault/*": lambda _: ["vault", "verify"],
    "decisions/*": lambda _: ["audit", "verify"],
    "audit.jsonl": lambda _: ["audit", "verify"],
}


#: What no message may say, and what one says that names another file than the damaged one.
OWN_ERROR = "error of krat's own"
REMEDIES = ("krat restore", "krat registers", "krat audit verify", "builds it again")


def take_away(path: Path, _: Path, __: random.Random) -> None:
    """Delete a file."""
    path.unlink()


def cut_off(path: Path, _: Path, rng: random.Random) -> None:
    """Keep the beginning of a file."""
    os.truncate(path, int(path.stat().st_size * rng.random()))


def spoil(path: Path, _: Path, rng: random.Random) -> None:
    """Write over a part of a file."""
    content = bytearray(path.read_bytes())
    start = rng.randrange(max(1, len(content)))
    content[start : start + 64] = rng.randbytes(64)
    path.write_bytes(content)


def put_elsewhere(path: Path, outside: Path, _: random.Random) -> None:
    """Move a file out of the data folder, and leave a link to it."""
    path.symlink_to(path.rename(outside / path.name))


def lead_nowhere(path: Path, outside: Path, _: random.Random) -> None:
    """Leave a link to no file in the place of one."""
    path.unlink()
    path.symlink_to(outside / path.name)


#: Each gets the file, a folder outside of the data folder, and what decides.
WAYS: tuple[Callable[[Path, Path, random.Random], None], ...] = (
    take_away,
    cut_off,
    spoil,
    put_elsewhere,
    lead_nowhere,
)


@dataclass
class Meddling:
    """What krat made of files of a kind that were taken away or damaged."""

    kind: str
    times: int = 0
    #: By a refresh, or by the command that verifies.
    told: int = 0
    wrong: list[str] = field(default_factory=list)


def meddle(
    original: Home, folder: Path, kind: str, times: int, rng: random.Random, expected: Any
) -> Meddling:
    """Do harm to so many files of a kind, each in a copy; `expected` is what a refresh comes to.

    With a report in the inbox of `original` more is read than without.
    """
    seen = Meddling(kind)
    for number in range(times):
        home = killed.copy_of(original, folder / f"underfoot-{number}")
        path = rng.choice(sorted(path for path in home.root.glob(kind) if path.is_file()))
        content, way = path.read_bytes(), rng.choice(WAYS)
        path.chmod(0o600)
        way(path, home.root.parent, rng)
        wrong = _wrong(home, path, content, seen, expected)
        wrong += killed.swept(home, original, is_whole=False)
        seen.times += 1
        seen.wrong += [f"{way.__name__} {path.relative_to(home.root)}: {what}" for what in wrong]
        shutil.rmtree(home.root.parent)
    return seen


def _wrong(home: Home, path: Path, content: bytes, seen: Meddling, expected: Any) -> list[str]:
    status, said = _krat(home, *killed.REFRESH.arguments(home))
    told = status != 0
    wrong = []
    if told and (OWN_ERROR in said or not any(word in said for word in (path.name, *REMEDIES))):
        wrong.append(f"it is not told: {said[-300:]}")
    verify = KINDS[seen.kind]
    if verify and not told:
        told = _krat(home, *verify(home))[0] != 0
    seen.told += told
    if told and not _is_history(seen.kind):
        path.unlink(missing_ok=True)
        path.write_bytes(content)
        status, said = _krat(home, *killed.REFRESH.arguments(home))
        if status != 0:
            return [*wrong, f"with it back, the next run fails: {said[-300:]}"]
    if status == 0:
        found = killed.refreshed(home)
        wrong += [f"{part} differs" for part in expected if found[part] != expected[part]]
    return wrong


def _is_history(kind: str) -> bool:
    """Tell whether entries came since, which would be lost with what was there before."""
    return kind in ("decisions/*", "audit.jsonl")


def _krat(home: Home, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [*killed.COMMAND, *arguments],
        env={**os.environ, "KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr + done.stdout
