"""Recall and false findings, over defects planted in clean made-up years.

Run by hand: python tests/benchmarks/finding_defects.py [plants of each kind]. The default, 18,
plants over a thousand. Prints recall a kind, false warnings on clean reports, and the time.
"""

import sys
import time
from collections import Counter

from defects.kinds import KINDS, LOG_KINDS
from defects.planting import Tally, claims, plant_year


def measure(each: int, seed: str = "defects") -> Tally:
    """Plant `each` of every kind, in as many years as that takes."""
    tally = Tally()
    for logs, kinds in ((False, KINDS), (True, LOG_KINDS)):
        wanted = Counter(dict.fromkeys(kinds, each))
        year = 0
        while any(left > 0 for left in wanted.values()):
            before = wanted.total()
            plant_year(f"{seed} {year}", wanted, tally, logs=logs)
            year += 1
            print(f"… {wanted.total()} left", file=sys.stderr)
            if wanted.total() == before:
                break
    return tally


def main(each: int = 18) -> None:
    """Print the table."""
    started = time.perf_counter()
    tally = measure(each)
    print(f"{'kind':<42} {'rule':<28} planted  found  recall")
    for name, claim in claims().items():
        planted, found = tally.planted[name], tally.found[name]
        recall = f"{found / planted:7.1%}" if planted else "      –"
        print(f"{name:<42} {claim.rules[0]:<28} {planted:7} {found:6} {recall}")
    planted, found = tally.planted.total(), tally.found.total()
    false = len(tally.false_warnings)
    print(f"{len(claims())} kinds, {planted} plants, {found} found: recall {found / planted:.2%}")
    print(
        f"{tally.clean_reports} clean reports: {false} with a false warning "
        f"({false / tally.clean_reports:.2%}), {len(tally.refused_clean)} refused"
    )
    for line in [*tally.missed, *tally.false_warnings, *tally.refused_clean]:
        print(f"  {line}")
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
