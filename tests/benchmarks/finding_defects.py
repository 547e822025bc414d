"""Recall and false findings, over defects planted in clean made-up years.

Run by hand: python tests/benchmarks/finding_defects.py [plants of each kind]. The default, 18,
plants over two thousand. Prints recall a kind, false warnings on clean reports, false findings on
clean contacts and cases, and the time.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial

from defects.kinds import KINDS, LOG_KINDS
from defects.planting import Tally, claims, plant_year
from defects.records import RECORD_KINDS, plant_records

Plant = Callable[[str, Counter[str], Tally], None]


def measure(each: int, kinds: Iterable[str], plant: Plant, tally: Tally) -> Tally:
    """Plant `each` of every kind, in as many years as that takes."""
    wanted = Counter(dict.fromkeys(kinds, each))
    year = 0
    while any(left > 0 for left in wanted.values()):
        before = wanted.total()
        plant(f"defects {year}", wanted, tally)
        year += 1
        print(f"… {wanted.total()} left", file=sys.stderr)
        if wanted.total() == before:
            break
    return tally


def main(each: int = 18) -> None:
    """Print the table."""
    started = time.perf_counter()
    tally = measure(each, KINDS, plant_year, Tally())
    measure(each, LOG_KINDS, partial(plant_year, logs=True), tally)
    records = measure(each, RECORD_KINDS, plant_records, Tally())
    print(f"{'kind':<42} {'rule':<28} planted  found  recall")
    for name, claim in claims().items():
        of_kind = records if name in RECORD_KINDS else tally
        planted, found = of_kind.planted[name], of_kind.found[name]
        recall = f"{found / planted:7.1%}" if planted else "      –"
        print(f"{name:<42} {claim.rules[0]:<28} {planted:7} {found:6} {recall}")
    planted = tally.planted.total() + records.planted.total()
    found = tally.found.total() + records.found.total()
    false = len(tally.false_warnings)
    print(f"{len(claims())} kinds, {planted} plants, {found} found: recall {found / planted:.2%}")
    print(
        f"{tally.clean_reports} clean reports: {false} with a false warning "
        f"({false / tally.clean_reports:.2%}), {len(tally.refused_clean)} refused"
    )
    print(
        f"{records.clean_reports} clean contacts and cases: "
        f"{len(records.false_warnings)} false findings"
    )
    for line in [
        *tally.missed,
        *records.missed,
        *tally.false_warnings,
        *records.false_warnings,
        *tally.refused_clean,
    ]:
        print(f"  {line}")
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
