"""Whether a text that is not read seems to be about a person, so that its sender can delete it.

Belongs here: what a name, a number or a birth date of a person looks like in free text. Not here:
which cells are looked at (sources.reading.elsewhere), or identities that a form asks for
(sources.identities).

It errs on the side of silence: who is asked to delete what names nobody stops reading.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path

from babel import Locale

from sources.codes import load_codes
from sources.datafiles import read_yaml
from sources.identities import pieces
from sources.registers import Registers
from sources.texts import FOLDER as TEXTS
from sources.values import Cell, cell_text, load_words, plain

#: A word, or what parts two words.
_PART = re.compile(r"(?<!\w)[^\W\d_]\.|[^\W\d_]+(?:['’-][^\W\d_]+)*|[0-9]+|[^\w\s]")
_TITLE_DOT = re.compile(r"\b(znj|zt)\.", re.IGNORECASE)
_TELEPHONE = re.compile(r"(?<![0-9.])(?:\+|00?)[1-9](?:[ ./-]?[0-9]){7,12}(?![0-9])")
_NUMBER = re.compile(r"(?<!\w)[A-Za-z]?[0-9]{8,13}[A-Za-z]?(?!\w)")
_DAY = re.compile(
    r"(?<![0-9.])[0-9]{1,2}[./-][0-9]{1,2}[./-]((?:19|20)[0-9]{2})(?![0-9])"
    r"|(?<![0-9])((?:19|20)[0-9]{2})-[0-9]{2}-[0-9]{2}(?![0-9])"
)
_YEAR = re.compile(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])")

#: A day so many years before a report is none of its work.
_LONG_AGO = 5
#: Words before a name among which its bearer, a school say, may be.
_BEFORE = 4
#: Letters at the beginning that the forms of a word share: Policia, Policisë, Policore.
_STEM = 6
#: A text of so few words may be in capitals, or in none, throughout.
_FEW = 4
_LONGEST = 2_000


def seems_personal(cell: Cell, registers: Registers, this_year: int) -> bool:
    """Tell whether a text seems to name a person, or has a number or birth date of one."""
    text = cell_text(cell)[:_LONGEST]
    numbers = (pieces("personal_number", found[0]) for found in _NUMBER.finditer(text))
    return (
        bool(_TELEPHONE.search(text))
        or any(number and number[0] for number in numbers)
        or _has_birth(text, this_year)
        or _has_name(text, registers)
    )


def count_of_persons(said: str) -> str:
    """Return the first number of persons in a text with its noun, without capitals; empty for none.

    Numbers in words count too, and up to three words between: tri vajza, 12 raste me viktima.
    """
    found = _counts().search(plain(said))
    return found[0] if found else ""


@cache
def _counts() -> re.Pattern[str]:
    nouns, numbers = ("|".join(sorted(_rules()[name])) for name in ("counted", "numbers"))
    number = rf"(?:[0-9]+(?:[.,\s][0-9]+)*|{numbers})"
    noun = rf"\b(?:{nouns})\w*"
    return re.compile(rf"\b{number}\W+(?:\w+\W+){{0,3}}?{noun}|{noun}\W{{0,4}}[0-9]+")


def _has_birth(text: str, this_year: int) -> bool:
    words = {word.strip(".") for word in re.findall(r"[\w.]+", plain(text))}
    years = [int(found[1] or found[2]) for found in _DAY.finditer(text)]
    if words & _rules()["births"]:
        return bool(years or _YEAR.search(text))
    return min(years, default=this_year) <= this_year - _LONG_AGO and not words & _rules()["acts"]


def _has_name(text: str, registers: Registers) -> bool:
    """Tell whether two words beside one another seem to be a given and a family name."""
    known = _known_words(registers)
    parts = _PART.findall(_TITLE_DOT.sub(r"\1 ", text))
    is_short = sum(part[0].isalpha() for part in parts) <= _FEW
    # A short text may be an entry of a list: family name, given name.
    if is_short and not _rules()["given_names"].isdisjoint(map(plain, parts)):
        parts = [part for part in parts if part != ","]
    # Capitals throughout say nothing.
    is_told = is_short or text != text.upper()
    before: list[str] = []
    for pair in pairwise(parts):
        if (
            all(part[0].isalpha() for part in pair)
            and not _rules()["bearers"].intersection(before[-_BEFORE:])
            and _is_name(pair, known, is_short=is_short, is_told=is_told)
        ):
            return True
        before += [plain(pair[0])] if pair[0][0].isalnum() else []
    return False


def _is_name(
    pair: tuple[str, str], known: frozenset[str], *, is_short: bool, is_told: bool
) -> bool:
    """Tell whether two words are a name, or the second is one behind a word such as family."""
    given_names, titles = _rules()["given_names"], _rules()["titles"]
    words = pair[1:] if plain(pair[0]) in titles else pair
    given = [word for word in words if plain(word) in given_names]
    # An initial stands for a given name; two of them name nobody.
    others = [word for word in words if word not in given and not word.endswith(".")]
    if not (others or given) or any(_is_known(word, known) for word in others):
        return False
    is_capital = all(word[0].isupper() for word in words) and (is_told or bool(given))
    return is_capital or (bool(given) and is_short and words == pair)


def _is_known(word: str, known: frozenset[str]) -> bool:
    form = plain(word)
    return form in known or (len(form) > _STEM and form[:_STEM] in known)


@cache
def _rules() -> dict[str, frozenset[str]]:
    """Return the words of persons.yml."""
    content = read_yaml(Path(__file__).parent.with_name("persons.yml"))
    return {name: frozenset(map(plain, words)) for name, words in content.items()}


@lru_cache(maxsize=64)
def _known_words(registers: Registers) -> frozenset[str]:
    """Return words that are no names, and how the longer ones begin."""
    of_registers = [
        *(name for names in registers.county_names.values() for name in names),
        *registers.municipality_names.values(), *registers.municipality_aliases,
        *registers.institution_aliases, *registers.indicator_names,
        *(name for names in registers.category_names.values() for name in names.values()),
    ]  # fmt: skip
    return _general_words() | _words_in(of_registers)


@cache
def _general_words() -> frozenset[str]:
    """Return the words of the texts that name no person, and those of places, days and months."""
    words = load_words()
    texts = [*words.months, *words.none_words, *words.signatures]
    texts += [*_rules()["no_names"], *_rules()["bearers"]]
    texts += [word for unit in words.units.values() for word in unit]
    texts += [text for code in load_codes() for text in code.written]
    texts += [path.read_text(encoding="utf-8") for path in sorted(TEXTS.glob("*.yml"))]
    texts += [name for language in ("sq", "en") for name in _world(Locale(language))]
    return _words_in(texts)


def _world(locale: Locale) -> Iterator[str]:
    yield from locale.territories.values()
    yield from locale.languages.values()
    yield from locale.days["format"]["wide"].values()


def _words_in(texts: list[str]) -> frozenset[str]:
    found = {word for text in texts for word in re.findall(r"[^\W\d_]+", plain(text))}
    return frozenset(found | {word[:_STEM] for word in found if len(word) > _STEM})
