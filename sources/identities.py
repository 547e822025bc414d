"""Identities as pieces that can be compared under keys.

Belongs here: what two spellings of one name, number or birth date have in common, and which pieces
of an identity are kept. Not here: keying them (sources.custody.pseudonyms) or linking
(orchestration).

Clear text passes through this module and stays nowhere: what it returns is keyed at once.
"""

import csv
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

from sources.datafiles import read_yaml
from sources.values import Cell, folded, missing_kind, read_date, read_year, serial_day

#: The pieces kept of each kind of identity column: raw column (of the column's `name`), purpose.
PIECES: dict[str, dict[str, str]] = {
    "personal_number": {"{name}_key": "personal_number"},
    "name": {"{name}_key": "name", "{name}_sound_key": "name_sound"},
    "birth_date": {"birth_date_key": "birth_date", "birth_year_key": "birth_year"},
}

#: A year that is typed into a cell for dates becomes a day of 1905.
_EARLIEST_BIRTH_YEAR = 1910
#: Days of Excel's calendar that can't be mistaken for a year: from 1927.
_SERIALS = range(10_000, 60_000)
_UNACCENTED = str.maketrans({"ı": "i", "ł": "l", "đ": "d", "ø": "o", "æ": "ae", "œ": "oe"})


@dataclass(frozen=True)
class _Rules:
    personal_numbers: dict[str, re.Pattern[str]]
    particles: frozenset[str]
    joins: frozenset[str]
    no_names: frozenset[str]
    sounds: dict[str, str]
    sound_letters: re.Pattern[str]


def pieces(kind: str, cell: Cell) -> tuple[str | None, ...] | None:
    """Return the comparable pieces of a cell, in the order of PIECES[kind], as clear text.

    A piece is None where the cell lacks it; all are None for a blank cell and for words that say
    that nothing is known. Returns None for what is no identity of that kind: it must not be keyed,
    or all who are written alike would be one person. Never raises for what a cell holds.
    """
    if missing_kind(cell):
        return (None,) * len(PIECES[kind])
    return {
        "personal_number": _personal_number,
        "name": _name,
        "birth_date": _birth_date,
    }[kind](cell)


def _personal_number(cell: Cell) -> tuple[str | None, ...] | None:
    """Return letters and digits alone, after the country whose form they have.

    Digits alone with points, slashes or signs are a date, a fraction or a telephone.
    """
    text = folded(cell).upper()
    number = re.sub(r"[^0-9A-Z]", "", text)
    if number.isdecimal() and re.search(r"[^0-9 -]", text):
        return None
    if len(set(re.sub(r"[A-Z]", "", number))) < 2:
        return None
    for country, form in _rules().personal_numbers.items():
        if form.fullmatch(number):
            return (f"{country}{number}",)
    return None


def _name(cell: Cell) -> tuple[str | None, ...] | None:
    """Return a name's words in the order of the alphabet, and how they sound."""
    rules = _rules()
    text = _without_accents(folded(cell))
    if isinstance(cell, bool) or re.search(r"[\d/+&;]", text):
        return None
    words = re.findall(r"[^\W\d_]+", text)
    if " ".join(words) in rules.no_names:
        return (None, None)
    if rules.joins.intersection(words):
        return None
    # A name that consists of nothing but such words is a name after all.
    words = [word for word in words if word not in rules.particles] or words
    if not any(len(word) > 1 for word in words):
        return None
    return " ".join(sorted(words)), " ".join(sorted(_sound(word) for word in words))


def _birth_date(cell: Cell) -> tuple[str | None, ...] | None:
    """Return the day as 1990-05-31, if the cell says it, and the year."""
    is_serial = isinstance(cell, int | float) and cell in _SERIALS
    day = serial_day(cast(float, cell)) if is_serial else read_date(cell)
    year = day or read_year(cell)
    if year is None or year.year < _EARLIEST_BIRTH_YEAR:
        return None
    return (day.isoformat() if day else None), str(year.year)


def _without_accents(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.translate(_UNACCENTED))
    return "".join(part for part in parts if not unicodedata.combining(part)).casefold()


def _sound(word: str) -> str:
    """Return a word as it sounds in Albanian: see sounds.csv. A last vowel is an ending."""
    rules = _rules()
    spoken = rules.sound_letters.sub(lambda found: rules.sounds[found[0]], word)
    spoken = re.sub(r"(.)\1+", r"\1", spoken)
    stem = re.sub(r"[aiou]+$", "", spoken)
    return stem if len(stem) > 1 else spoken or word


@cache
def _rules() -> _Rules:
    folder = Path(__file__).parent
    content = read_yaml(folder / "identities.yml")
    with (folder / "sounds.csv").open(encoding="utf-8", newline="") as file:
        sounds = {row["written"]: row["sound"] for row in csv.DictReader(file)}
    longest_first = sorted(sounds, key=len, reverse=True)
    return _Rules(
        personal_numbers={
            entry["country"]: re.compile(entry["form"]) for entry in content["personal_numbers"]
        },
        particles=frozenset(content["particles"]),
        joins=frozenset(content["joins"]),
        no_names=frozenset(content["no_names"]),
        sounds=sounds,
        sound_letters=re.compile("|".join(longest_first)),
    )
