"""How long what is kept of persons is kept, and what the law lets stand of an erasure.

Belongs here: reading the periods and exceptions of retention.yml. Not here: erasing
(sources.custody.erasure), or finding out what is due (orchestration.erasure).
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

from sources.datafiles import read_yaml

FILE = Path(__file__).with_name("retention.yml")

#: A sentence by its language.
Sentence = dict[str, str]


@dataclass(frozen=True)
class RetentionPeriod:
    """How many years something is kept, counted from what `begins` it."""

    id: str
    what: Sentence
    begins: Sentence
    years: int
    why: str

    def kept_since(self, today: date) -> date:
        """Return the first day that is still kept: what began before it is due."""
        try:
            return today.replace(year=today.year - self.years)
        except ValueError:  # 29 February
            return today.replace(year=today.year - self.years, day=28)


@dataclass(frozen=True)
class LegalException:
    """A ground on which an erasure is refused, or on which something is kept."""

    id: str
    effect: Literal["refuses", "keeps"]
    basis: str
    what: Sentence


def periods() -> dict[str, RetentionPeriod]:
    """Return the periods by their id."""
    return {entry["id"]: RetentionPeriod(**entry) for entry in _content()["periods"]}


def exceptions(effect: Literal["refuses", "keeps"]) -> dict[str, LegalException]:
    """Return the exceptions that have an effect, by their id."""
    found = (LegalException(**entry) for entry in _content()["exceptions"])
    return {one.id: one for one in found if one.effect == effect}


def out_of_reach() -> list[Sentence]:
    """Return what no erasure reaches."""
    return list(_content()["out_of_reach"])


@cache
def _content() -> dict[str, list]:  # type: ignore[type-arg]
    content: dict[str, list] = read_yaml(FILE)  # type: ignore[type-arg]
    return content
