"""Measures how fast krat is and writes docs/performance.md: `make bench`.

    python tests/benchmarks/performance.py [--share 1] [--seed 1] [--only-write FOLDER]

`--share` makes everything smaller, to try the benchmark itself: nothing is written to docs then.
`--only-write` writes the nation of 12 counties and 36 months into a data folder and ends.
"""

import argparse
from pathlib import Path

import nation
import reading
import refresh
from rows import page

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
FORMS = 7344


def main() -> None:
    """Measure all parts, the small ones first."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", type=float, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only-write", type=Path)
    asked = parser.parse_args()
    if asked.only_write:
        print(nation.SIZES[-1].write(asked.only_write, asked.seed, asked.share), "files")
        return
    parts = [("A month of one county", refresh.measure())]
    times = {}
    for size in nation.SIZES:
        rows, times[size] = nation.measure(size, asked.seed, asked.share)
        parts.append((f"A nation of {size.name} months", rows))
    parts.append(("How times grow with county-months, as its power", nation.growth(times)))
    rows = nation.measure_released(nation.SIZES[-1], asked.seed, asked.share)
    parts.append((f"All months of {nation.SIZES[-1].name} released", rows))
    parts.append(("Reading forms", reading.measure(int(FORMS * asked.share))))
    if asked.share == 1:
        PAGE.write_text(page(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
