"""Runs the drills at full size and writes docs/reliability.md: `make drill`, hours.

python tests/drills/reliability.py [--kills 1000] [--seed 1]
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol, TypeVar

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


class HasWrong(Protocol):
    """What a drill found wrong, a sentence each."""

    wrong: list[str]


@dataclass(frozen=True)
class Results:
    """What the drills found."""

    seed: int
    tallies: Sequence[killed.Kills]
    together: Sequence[at_once.Together]
    troubles: Sequence[troubled.Trouble]
    underfoots: Sequence[underfoot.Meddling]
    sent: mutated.Mutated


HEAD = """# What krat survives

`make drill` does this with a thousand kills and writes the page; `reliability.py --kills` with
fewer. What each drill does, and what counts as lost, is said in `tests/drills/`; `make test` does a
small part of it.

"""


def main() -> None:
    """Run the drills and write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        results = run(Path(name), asked.kills, asked.seed)
    PAGE.write_text(page(results), encoding="utf-8")


def run(folder: Path, kills: int, seed: int) -> Results:
    """Run the drills, two at once; `kills` is how often krat is killed, the others in proportion.

    Each has random numbers of its own: in which order they are done decides nothing.
    """

    def numbers(name: str) -> random.Random:
        return random.Random(f"{seed} {name}")

    home = example(folder)
    with_mail = killed.copy_of(home, folder / "with mail")
    killed.send_correction(with_mail)
    whole = killed.copy_of(with_mail, folder / "whole")
    killed.krat(whole, killed.WORKS[0].arguments(whole)).wait()
    expected = killed.refreshed(whole)
    shares = sum(work.share for work in killed.WORKS)
    with ThreadPoolExecutor(2) as pool:

        def begun(drill: Callable[..., T], *arguments: object) -> "Future[T]":
            return pool.submit(lambda: _shown(drill(*arguments)))

        tallies = [
            begun(killed.kill_at, work, home, folder / work.name, -(-kills * work.share // shares),
                  numbers(work.name))
            for work in killed.WORKS
        ]  # fmt: skip
        together = [
            begun(at_once.run, pair, with_mail, folder / pair.name, kills // 100 + 1)
            for pair in at_once.PAIRS
        ]
        troubles = [
            begun(troubled.meet, with_mail, folder, name, kills // 30 + 1, numbers(name), expected)
            for name in troubled.TROUBLES
        ]
        underfoots = [
            begun(underfoot.meddle, with_mail, folder / f"underfoot {place}", kind,
                  kills // 40 + 1, numbers(kind), expected)
            for place, kind in enumerate(underfoot.KINDS)
        ]  # fmt: skip
        planted, office = Canaries(), LibreOffice(folder / "office")
        good = mutated.good_files(planted, office.convert)
        office.stop()
        sent = begun(mutated.send, with_mail, folder, good, planted.planted, kills, numbers("sent"))
        return Results(
            seed,
            [tally.result() for tally in tallies],
            [pair.result() for pair in together],
            [trouble.result() for trouble in troubles],
            [each.result() for each in underfoots],
            sent.result(),
        )


def _shown(result: T) -> T:
    print(result, flush=True)
    return result


def example(folder: Path) -> Home:
    """Return a home of the example of three counties, with a month of Fier published."""
    home = Home(root=folder / "original" / "home", keys=folder / "original" / "keys")
    environment = {**os.environ, "KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)}
    for arguments in (["example"], ["refresh", *killed.MONTH, "2023-05"]):
        # It is 1 where something was refused, as in the example.
        subprocess.run(
            [*killed.COMMAND, *arguments], env=environment, capture_output=True, check=False
        )
    return home


def page(found: Results) -> str:
    """Return the page: a row a drill, and each loss in words."""
    wrong = [what for tally in found.tallies for what in tally.lost]
    others: list[Sequence[HasWrong]] = [found.together, found.troubles, found.underfoots]
    wrong += [what for drill in others for each in drill for what in each.wrong]
    wrong += found.sent.wrong
    return "\n".join(
        [
            f"{HEAD}{date.today()}, seed {found.seed}: "
            f"{sum(tally.kills for tally in found.tallies)} kills.\n",
            "## Killed anywhere\n",
            "SIGKILL at a random moment, of all of krat or of one process that it began, then the "
            "same command again.\n",
            "| work | kills | of one process | after its end | lost |",
            "| --- | --- | --- | --- | --- |",
            *(
                f"| {one.work} | {one.kills} | {one.of_a_child} | {one.too_late} "
                f"| {len(one.lost)} |"
                for one in found.tallies
            ),
            "\n## Two at once\n",
            "| commands | times | wrong |",
            "| --- | --- | --- |",
            *(f"| {one.name} | {one.times} | {len(one.wrong)} |" for one in found.together),
            "\n## Trouble with disk and memory\n",
            "A refresh on a disk that has between nothing and 20 MB free, can only be read, or "
            "takes 10 ms more for what must be on it; or with 600 to 2,400 MB of address space; "
            "then again without it.\n",
            "| trouble | times | it was enough | wrong |",
            "| --- | --- | --- | --- |",
            *(
                f"| {one.name} | {one.times} | {one.untroubled} | {len(one.wrong)} |"
                for one in found.troubles
            ),
            "\n## A file gone or damaged\n",
            "A file of the data folder is deleted, cut off, written over, or becomes a link to "
            "elsewhere or to nothing, then a refresh, then the file comes back.\n",
            "| files | times | told | wrong |",
            "| --- | --- | --- | --- |",
            *(
                f"| `{one.kind}` | {one.times} | {one.told} | {len(one.wrong)} |"
                for one in found.underfoots
            ),
            "\n## Changed files\n",
            "Good files with something changed, the same number of xlsx, csv, ods, xls, messages "
            "and archives, full of canaries, in one refresh; then every byte written is "
            "searched.\n",
            "| sent | accepted | refused | known | wrong |",
            "| --- | --- | --- | --- | --- |",
            f"| {found.sent.sent} | {found.sent.accepted} | {found.sent.refused} "
            f"| {found.sent.known} | {len(found.sent.wrong)} |",
            *(f"\n- {what}" for what in wrong),
            "",
        ]
    )


if __name__ == "__main__":
    main()
