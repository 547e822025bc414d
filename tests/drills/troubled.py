"""Lets a refresh meet trouble with its disk or its memory, and looks what is told and lost.

The data folder lies in a file system in memory that a namespace of its own has, so it needs Linux
and util-linux; a slow disk is strace, which holds up each write that must be on the disk.
"""

import os
import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import killed

from sources.custody.home import Home

NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]

#: $1 is the data folder that is copied, $2 where its copy lies, $3 how the disk is mounted, $4
#: where what came of it goes, $5 what the command is run by; the rest is the command. The memory of
#: the system bounds what a mount may hold.
SCRIPT = """
set -eu
original=$1 place=$2 mounted=$3 out=$4 run_by=$5
shift 5
ulimit -c 0
mount -t tmpfs -o size=2g tmpfs "$place"
cp -a "$original/." "$place"
mount -o "remount,$mounted" "$place"
set +e
timeout 600 $run_by "$@" >"$out/first.out" 2>"$out/first.err"
echo $? >"$out/first.status"
mount -o remount,rw,size=2g "$place"
"$@" >"$out/second.out" 2>"$out/second.err"
echo $? >"$out/second.status"
cp -a "$place/." "$out/data"
"""


@dataclass(frozen=True)
class KindOfTrouble:
    """A kind of trouble; `told` is what is said of it, empty where all is done in spite of it."""

    told: str
    #: How the disk is mounted, by the bytes that the data folder has.
    mounted: Callable[[int, random.Random], str] = lambda _, __: "size=2g"
    run_by: Callable[[random.Random], str] = lambda _: ""


#: What a slow disk holds up, each for 10 ms.
_HELD_UP = "fsync,fdatasync,rename,unlink"

TROUBLES = {
    # Between nothing and 20 MB free, which is what the refresh takes.
    "full": KindOfTrouble(
        "is full", lambda used, rng: f"size={used + int(rng.uniform(8e6, 28e6))}"
    ),
    "read-only": KindOfTrouble("nothing can be written", lambda _, __: "ro"),
    "slow": KindOfTrouble(
        "",
        run_by=lambda _: (
            f"strace -f -qqq --seccomp-bpf -o /dev/null -e trace={_HELD_UP} "
            f"-e inject={_HELD_UP}:delay_enter=10000"
        ),
    ),
    "too little memory": KindOfTrouble(
        "memory", run_by=lambda rng: f"prlimit --as={int(rng.uniform(600e6, 2400e6))}"
    ),
}


@dataclass
class Trouble:
    """What a refresh said in a trouble, and what was wrong with it or after it."""

    name: str
    times: int = 0
    #: It needed less than there was.
    untroubled: int = 0
    wrong: list[str] = field(default_factory=list)


def can_be_made(name: str) -> str:
    """Return why the system gives no namespace, or lets no process slow another; else nothing."""
    run_by = TROUBLES[name].run_by(random.Random(1)).split()
    for command in (["mount", "-t", "tmpfs", "tmpfs", "/mnt"], [*run_by, "true"]):
        try:
            tried = subprocess.run(
                [*NAMESPACE, *command], capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            return "there is no unshare (util-linux)"
        if tried.returncode:
            return tried.stderr.strip()
    return ""


def meet(
    original: Home, folder: Path, name: str, times: int, rng: random.Random, expected: Any
) -> Trouble:
    """Refresh so many times in a trouble, and again without it; `expected` is what must come of it.

    `original` is a home with a report in its inbox.
    """
    seen, kind = Trouble(name), TROUBLES[name]
    used = sum(path.stat().st_size for path in original.root.parent.rglob("*") if path.is_file())
    for number in range(times):
        place, out = folder / f"{name}-{number}", folder / f"{name}-{number}-out"
        place.mkdir(parents=True)
        out.mkdir()
        home = Home(root=place / "home", keys=place / "keys")
        subprocess.run(
            [*NAMESPACE, "sh", "-c", SCRIPT, "sh", str(original.root.parent), str(place),
             kind.mounted(used, rng), str(out), kind.run_by(rng), *killed.COMMAND,
             *killed.REFRESH.arguments(home)],
            env={**os.environ, "KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)},
            check=True,
        )  # fmt: skip
        seen.times += 1
        wrong = _wrong(name, original, out, seen, expected)
        seen.wrong += [f"{name} {number}: {what}" for what in wrong]
    return seen


def _wrong(name: str, original: Home, out: Path, seen: Trouble, expected: Any) -> list[str]:
    said = (out / "first.err").read_text(encoding="utf-8")
    wrong = []
    if (out / "first.status").read_text().strip() == "0":
        seen.untroubled += 1
    elif "Traceback" in said or not TROUBLES[name].told or TROUBLES[name].told not in said:
        wrong.append(f"it is not told: {said[-400:]}")
    if (out / "second.status").read_text().strip() != "0":
        return [*wrong, "the next run fails"]
    home = Home(root=out / "data" / "home", keys=out / "data" / "keys")
    found = killed.refreshed(home)
    wrong += [f"{part} differs" for part in expected if found[part] != expected[part]]
    return wrong + killed.swept(home, original, is_whole=True)
