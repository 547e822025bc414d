"""Runs the drills at full size and writes docs/reliability.md: `make drill`, hours.

    python tests/drills/reliability.py [--kills 1000] [--seed 1]

Fewer kills are to try the drill itself: nothing is written to docs then.
"""

import argparse
import os
import random
import subprocess
import tempfile
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import killed

from sources.custody.home import Home

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
KILLS = 1000

HEAD = """# What krat survives

`make drill` does this and writes the page. What each drill does, and what counts as lost, is said
in `tests/drills/`; `make test` does a small part of it.

"""


def main() -> None:
    """Run the drills; write the page where they were run whole."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        home = example(Path(folder))
        tallies = []
        for work in killed.WORKS:
            tally = killed.kill_at(
                work, home, Path(folder) / work.name, asked.kills // len(killed.WORKS) + 1, rng
            )
            print(tally, flush=True)
            tallies.append(tally)
    if asked.kills >= KILLS:
        PAGE.write_text(page(tallies, asked.seed), encoding="utf-8")


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


def page(tallies: Iterable[killed.Tally], seed: int) -> str:
    """Return the page: a row a work, and each loss in words."""
    lines = [
        f"{HEAD}## Killed anywhere\n",
        f"SIGKILL at random moments (seed {seed}, {date.today()}), then the same command again.\n",
        "| work | kills | of a process that it began | after its end | lost |",
        "| --- | --- | --- | --- | --- |",
    ]
    losses = []
    for tally in tallies:
        lines.append(
            f"| {tally.work} | {tally.kills} | {tally.of_a_child} | {tally.too_late} "
            f"| {len(tally.lost)} |"
        )
        losses += tally.lost
    return "\n".join([*lines, *(f"\n- {loss}" for loss in losses)]) + "\n"


if __name__ == "__main__":
    main()
