"""How well persons known to several institutions are linked.

Run by hand: python tests/benchmarks/linking.py [persons].

Made-up persons are written down by several institutions, as clerks do: accents left out, spelled as
heard, mistyped, names swapped, numbers and birth dates missing. Who is who is known, so that links
can be held against it. Names are syllables put together, some of them common and most rare.
"""

import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import combinations
from pathlib import Path
from random import Random

import pyarrow as pa

from orchestration.linkage.clusters import Pair, pair
from orchestration.linkage.link import PEOPLE, links_and_pairs
from sources.custody.pseudonyms import Pseudonyms
from sources.identities import PIECES, pieces

_ONSETS = ("B", "D", "Dh", "F", "G", "Gj", "K", "L", "M", "N", "P", "Q", "R", "S", "Sh", "T", "V")
_VOWELS = ("a", "e", "ë", "i", "o", "u", "y")
_ENDS = ("n", "r", "l", "m", "s", "t", "ndi", "ri", "ta", "ka")
#: How often in a hundred a second record of a person differs from the first in each way.
_SLIPS = {
    "accents": 30,
    "sound": 12,
    "typing": 8,
    "swapped": 3,
    "family_name": 4,
    "no_number": 60,
    "no_birth_date": 8,
    "year_only": 6,
    "wrong_day": 4,
}
_HEARD = (("gj", "xh"), ("q", "ç"), ("dh", "d"), ("sh", "s"), ("y", "i"), ("l", "ll"), ("r", "rr"))


@dataclass(frozen=True)
class Person:
    """A made-up person as one institution writes it down."""

    given_name: str
    family_name: str
    birth_date: str
    personal_number: str
    sex: str


@dataclass(frozen=True)
class Linked:
    """What was linked, against who is who; pairs are pairs of records."""

    records: int
    same: int
    linked: int
    linked_rightly: int
    doubtful: int
    doubtful_rightly: int
    seconds: float

    @property
    def precision(self) -> float:
        """Of the linked pairs, how many are one person."""
        return self.linked_rightly / self.linked

    @property
    def recall(self) -> float:
        """Of the pairs that are one person, how many are linked."""
        return self.linked_rightly / self.same

    @property
    def recall_with_review(self) -> float:
        """Of the pairs that are one person, how many are linked or listed for a decision."""
        return (self.linked_rightly + self.doubtful_rightly) / self.same


def measure(persons: int, seed: int) -> Linked:
    """Write persons down, link them, and compare with who is who."""
    rng = Random(seed)
    records: list[tuple[int, Person]] = []
    for number, person in enumerate(_population(rng, persons)):
        records.append((number, person))
        while rng.random() < 0.35:
            records.append((number, _written_again(person, rng)))
    people = keyed([person for _, person in records])
    who = dict(
        zip(people["person_key"].to_pylist(), (number for number, _ in records), strict=True)
    )
    started = time.perf_counter()
    links, pairs = links_and_pairs(people, {})
    seconds = time.perf_counter() - started
    together: dict[str, list[str]] = {}
    for link in links:
        together.setdefault(link["linked_person_key"], []).append(link["person_key"])
    linked = {
        pair(one, other) for members in together.values() for one, other in combinations(members, 2)
    }
    doubtful = {
        pair(row["one_person_key"], row["other_person_key"])
        for row in pairs
        if row["state"] == "doubtful"
    }
    same = set(_same(who))
    return Linked(
        records=len(records),
        same=len(same),
        linked=len(linked),
        linked_rightly=len(linked & same),
        doubtful=len(doubtful),
        doubtful_rightly=len(doubtful & same),
        seconds=seconds,
    )


def _same(who: dict[str, int]) -> Iterator[Pair]:
    by_number: dict[int, list[str]] = {}
    for key, number in who.items():
        by_number.setdefault(number, []).append(key)
    for members in by_number.values():
        for one, other in combinations(members, 2):
            yield pair(one, other)


def _population(rng: Random, count: int) -> Iterator[Person]:
    given = [_syllables(rng, 2) for _ in range(150)]
    family = [_syllables(rng, 3) for _ in range(400)]
    commonness = [1 / (rank + 5) for rank in range(400)]
    left = count
    while left > 0:
        surname = rng.choices(family, commonness)[0]
        # Siblings are found together; some are twins.
        siblings = 1 if rng.random() < 0.85 else rng.choice((2, 2, 3))
        born = date(2023, 1, 1) - timedelta(days=rng.randint(8 * 365, 40 * 365))
        for given_name in _different(rng, given, commonness[:150], min(siblings, left)):
            sex = rng.choices(("female", "male"), (70, 30))[0]
            yield Person(
                given_name=given_name,
                family_name=surname,
                birth_date=born.isoformat(),
                personal_number=_number(rng),
                sex=sex,
            )
            left -= 1
            if rng.random() > 0.1:
                born += timedelta(days=rng.randint(300, 1500))


def _different(rng: Random, names: list[str], weights: list[float], count: int) -> list[str]:
    chosen: dict[str, None] = {}
    while len(chosen) < count:
        chosen[rng.choices(names, weights)[0]] = None
    return list(chosen)


def _written_again(person: Person, rng: Random) -> Person:
    slips = {name for name, share in _SLIPS.items() if rng.random() < share / 100}
    given, family = person.given_name, person.family_name
    if "accents" in slips:
        given, family = (name.translate(_PLAIN) for name in (given, family))
    if "sound" in slips:
        given, family = _heard(given, rng), _heard(family, rng)
    if "typing" in slips:
        given, family = (_mistyped(given, rng), family) if rng.random() < 0.5 else (
            given, _mistyped(family, rng),
        )  # fmt: skip
    if "family_name" in slips:
        family = _syllables(rng, 3)
    if "swapped" in slips:
        given, family = family, given
    born = person.birth_date
    if "wrong_day" in slips:
        born = date(int(born[:4]), rng.randint(1, 12), rng.randint(1, 28)).isoformat()
    if "year_only" in slips:
        born = born[:4]
    return replace(
        person,
        given_name=given,
        family_name=family,
        birth_date="" if "no_birth_date" in slips else born,
        personal_number="" if "no_number" in slips else person.personal_number,
    )


_PLAIN = str.maketrans("ëçËÇ", "ecEC")


def _heard(name: str, rng: Random) -> str:
    """Spell a name by ear: one of its sounds as another clerk would write it."""
    fitting = [(one, other) for one, other in _HEARD if one in name.lower()]
    if not fitting:
        return name
    one, other = rng.choice(fitting)
    return name.lower().replace(one, other, 1)


def _mistyped(name: str, rng: Random) -> str:
    at = rng.randrange(1, len(name))
    return name[:at] + rng.choice("aeioukrst") + name[at + 1 :]


def _syllables(rng: Random, count: int) -> str:
    parts = (rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(count))
    return ("".join(parts) + rng.choice(_ENDS)).capitalize()


def _number(rng: Random) -> str:
    digits = "".join(str(rng.randrange(10)) for _ in range(8))
    return f"{rng.choice('HIJK')}{digits}{rng.choice('ABCDEFGHKLMNPRSTUVW')}"


def keyed(persons: list[Person]) -> pa.Table:
    """Key persons as the door does."""
    kinds = {
        "personal_number": "personal_number",
        "given_name": "name",
        "family_name": "name",
        "birth_date": "birth_date",
    }
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        keys = Pseudonyms(Path(folder) / secrets.token_hex(4))
        for number, person in enumerate(persons):
            row = {
                "person_key": f"{number:08}",
                "sex": person.sex or None,
                "delivery_id": "made up",
                "row_number": number,
                "received_at": datetime(2023, 1, 1),
            }
            for column, kind in kinds.items():
                found = pieces(kind, getattr(person, column)) or (None,) * len(PIECES[kind])
                for (name, purpose), piece in zip(PIECES[kind].items(), found, strict=True):
                    row[name.format(name=column)] = (
                        None if piece is None else keys.key(purpose, piece)
                    )
            rows.append(row)
    return pa.Table.from_pylist(rows, schema=PEOPLE)


def main() -> None:
    """Print precision and recall for a county's year and for a larger one."""
    for persons in (300, int(sys.argv[1]) if len(sys.argv) > 1 else 3000):
        found = measure(persons, seed=persons)
        print(
            f"{persons} persons in {found.records} records, {found.same} pairs that are one: "
            f"precision {found.precision:.1%}, recall {found.recall:.1%}, "
            f"{found.recall_with_review:.1%} with the {found.doubtful} doubtful pairs; "
            f"{found.seconds:.1f} s"
        )


if __name__ == "__main__":
    main()
