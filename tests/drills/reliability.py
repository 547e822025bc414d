"""Runs the drills at full size and writes docs/reliability.md: `make drill`, hours.

python tests/drills/reliability.py [--kills 1000] [--seed 1] [--only SECTION]

`--only` runs the drill of one section of the page and leaves the others as they are written.
"""

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import at_once
import killed
import mutated
import troubled
import underfoot
from canaries import Canaries
from programs import LibreOffice

from sources.custody.home import Home

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
KILLS = 1000
T = TypeVar("T")

HEAD = """# What krat survives

`make drill` does all of this and writes the page; `reliability.py --only` does one section. What
each drill does, and what counts as lost, is said in `tests/drills/`; `make test` does a small part
of it.
"""

#: Of each row of a section what it tells, and what the drill found wrong, a sentence each.
Rows = Sequence[tuple[tuple[object, ...], list[str]]]


def main() -> None:
    """Run the drills and write their sections of the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=SECTIONS, action="append")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        drills = Drills(Path(name), asked.kills, asked.seed)
        for title in asked.only or SECTIONS:
            sections = written_sections(PAGE.read_text(encoding="utf-8"))
            sections[title] = section(title, SECTIONS[title].drill(drills), asked.seed)
            texts = [f"\n## {name}\n\n{sections[name]}\n" for name in SECTIONS if name in sections]
            PAGE.write_text(HEAD + "".join(texts), encoding="utf-8")


@dataclass
class Drills:
    """What all drills begin with. `kills` is how often krat is killed, the others in proportion.

    Each has random numbers of its own: in which order they are done decides nothing.
    """

    folder: Path
    kills: int
    seed: int

    def numbers(self, name: str) -> random.Random:
        return random.Random(f"{self.seed} {name}")

    @cached_property
    def home(self) -> Home:
        """The example of three counties, with a month of Fier published."""
        home = Home(root=self.folder / "original" / "home", keys=self.folder / "original" / "keys")
        environment = {**os.environ, "KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)}
        for arguments in (["example"], ["refresh", *killed.MONTH, "2023-05"]):
            # It is 1 where something was refused, as in the example.
            subprocess.run(
                [*killed.COMMAND, *arguments], env=environment, capture_output=True, check=False
            )
        return home

    @cached_property
    def with_mail(self) -> Home:
        """The same with a correction in the inbox."""
        home = killed.copy_of(self.home, self.folder / "with mail")
        killed.send_correction(home)
        return home

    @cached_property
    def refreshed(self) -> Home:
        """The home that a refresh has taken the correction into."""
        home = killed.copy_of(self.with_mail, self.folder / "refreshed")
        killed.krat(home, killed.REFRESH.arguments(home)).wait()
        return home


def kills(drills: Drills) -> Rows:
    home = drills.home
    shares = sum(work.share for work in killed.WORKS)
    found = side_by_side(
        lambda work: killed.kill_at(
            work,
            killed.not_killed(work, killed.copy_of(home, drills.folder / work.name / "whole")),
            home,
            drills.folder / work.name,
            -(-drills.kills * work.share // shares),
            drills.numbers(work.name),
        ),
        killed.WORKS,
    )  # fmt: skip
    return [((one.work, one.kills, one.of_a_child, one.too_late), one.lost) for one in found]


def two_at_once(drills: Drills) -> Rows:
    home, refreshed = drills.with_mail, drills.refreshed
    found = side_by_side(
        lambda pair: at_once.run(
            pair, home, refreshed, drills.folder / pair.name, drills.kills // 250 + 1
        ),
        at_once.PAIRS,
    )
    return [((one.name, one.times), one.wrong) for one in found]


def trouble(drills: Drills) -> Rows:
    home, expected = drills.with_mail, killed.refreshed(drills.refreshed)
    found = side_by_side(
        lambda name: troubled.meet(
            home, drills.folder, name, drills.kills // 100 + 1, drills.numbers(name), expected
        ),
        list(troubled.TROUBLES),
    )
    return [((one.name, one.times, one.untroubled), one.wrong) for one in found]


def damage(drills: Drills) -> Rows:
    home, kinds = drills.with_mail, list(underfoot.KINDS)
    expected = killed.refreshed(drills.refreshed)
    found = side_by_side(
        lambda kind: underfoot.meddle(
            home, drills.folder / f"underfoot {kinds.index(kind)}", kind,
            drills.kills // 200 + 1, drills.numbers(kind), expected,
        ),
        kinds,
    )  # fmt: skip
    return [((f"`{one.kind}`", one.times, one.told), one.wrong) for one in found]


def changes(drills: Drills) -> Rows:
    planted, office = Canaries(), LibreOffice(drills.folder / "office")
    good = mutated.good_files(planted, office.convert)
    office.stop()
    sent = mutated.send(
        drills.with_mail, drills.folder, good, planted.planted, drills.kills, drills.numbers("sent")
    )
    return [((sent.sent, sent.accepted, sent.refused, sent.known), sent.wrong)]


@dataclass(frozen=True)
class DrillSection:
    """A section of the page: what its drill does, what its rows tell, and the drill."""

    about: str
    columns: tuple[str, ...]
    drill: Callable[[Drills], Rows]


SECTIONS = {
    "Killed anywhere": DrillSection(
        "SIGKILL at a random moment, of all of krat or of one process that it began, then the same "
        "command again.",
        ("work", "kills", "of one process", "after its end", "lost"),
        kills,
    ),
    "Two at once": DrillSection(
        "Two commands begun together on one data folder.",
        ("commands", "times", "wrong"),
        two_at_once,
    ),
    "Trouble with disk and memory": DrillSection(
        "A refresh on a disk that has between nothing and 20 MB free, can only be read, or takes "
        "10 ms more for what must be on it; or with 600 to 2,400 MB of address space; then again "
        "without it.",
        ("trouble", "times", "it was enough", "wrong"),
        trouble,
    ),
    "A file gone or damaged": DrillSection(
        "A file of the data folder is deleted, cut off, written over, or becomes a link to "
        "elsewhere or to nothing, then a refresh, then the file comes back.",
        ("files", "times", "told", "wrong"),
        damage,
    ),
    "Changed files": DrillSection(
        "Good files with something changed, the same number of xlsx, csv, ods, xls, messages and "
        "archives, full of canaries, in one refresh; then every byte written is searched.",
        ("sent", "accepted", "refused", "known", "wrong"),
        changes,
    ),
}


def side_by_side(drill: Callable[[Any], T], over: Sequence[Any]) -> list[T]:
    """Run a drill over each of these, two at a time, and show what each found."""

    def shown(one: Any) -> T:
        found = drill(one)
        print(found, flush=True)
        return found

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(shown, over))


def written_sections(page: str) -> dict[str, str]:
    """Return the text of each section of a page, by its title."""
    parts = re.split(r"^## (.*)\n", page, flags=re.MULTILINE)[1:]
    return {title: text.strip() for title, text in zip(parts[::2], parts[1::2], strict=True)}


def section(title: str, found: Rows, seed: int) -> str:
    """Return the text of a section: a row each, and each loss in words."""
    about, columns = SECTIONS[title].about, SECTIONS[title].columns
    rows = [columns, ["---"] * len(columns), *((*row, len(wrong)) for row, wrong in found)]
    return "\n".join(
        [
            f"{date.today()}, seed {seed}. {about}\n",
            *(f"| {' | '.join(map(str, row))} |" for row in rows),
            *(f"\n- {what}" for _, wrong in found for what in wrong),
        ]
    )


if __name__ == "__main__":
    main()
