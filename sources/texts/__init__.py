"""What people read, in Albanian and English: the one catalogue of texts, and how one is taken.

Belongs here: sentences, headings and labels that krat prints, writes or serves, a YAML file a
theme. Not here: the sentences of the warehouse's rules (dbt_project/seeds/quality_messages.csv),
titles of tables, columns and codes (orchestration.products), or the words that krat reads
(sources/words.yml).

A key is the theme, the groups and the name, joined by dots: `door.place.sheet` is in door.yml.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, Literal

from sources.datafiles import read_yaml

Language = Literal["sq", "en"]
LANGUAGES: tuple[Language, ...] = ("sq", "en")

FOLDER = Path(__file__).parent


class InvalidText(ValueError):
    """A key that isn't there, an entry that is no text, or values that aren't its placeholders."""


def text(key: str, language: Language, /, **values: object) -> str:
    """Return a text in a language, its placeholders filled in.

    Raises InvalidText unless `values` are exactly the placeholders of the text.
    """
    if values.keys() != placeholders(key):
        given, wanted = sorted(values), sorted(placeholders(key))
        raise InvalidText(f"{key} has the placeholders {wanted}, and was given {given}")
    return _entry(key)[language].format(**values)


def both(key: str, separator: str = " / ", /, **values: object) -> str:
    """Return a text in both languages, Albanian first. Raises InvalidText, as `text` does."""
    return separator.join(text(key, language, **values) for language in LANGUAGES)


def keys(group: str) -> list[str]:
    """Return the keys of a theme or group, in the order of its file. Raises InvalidText."""
    theme = group.partition(".")[0]
    found = [key for key in _theme(theme) if key.startswith(f"{group}.")]
    if not found:
        raise InvalidText(f"there are no texts under {group}")
    return found


@cache
def placeholders(key: str) -> frozenset[str]:
    """Return the names of a text's placeholders. Raises InvalidText if its languages differ."""
    sq, en = (
        frozenset(name for _, name, _, _ in Formatter().parse(sentence) if name is not None)
        for sentence in _entry(key).values()
    )
    if sq != en:
        raise InvalidText(f"the languages of {key} differ in {sorted(sq ^ en)}")
    return sq


def _entry(key: str) -> dict[Language, str]:
    try:
        return _theme(key.partition(".")[0])[key]
    except KeyError:
        raise InvalidText(f"there is no text {key}") from None


@cache
def _theme(name: str) -> dict[str, dict[Language, str]]:
    path = FOLDER / f"{name}.yml"
    if not path.is_file():
        raise InvalidText(f"there are no texts under {name}")
    return dict(_entries(name, read_yaml(path)))


def _entries(key: str, content: Any) -> Iterator[tuple[str, dict[Language, str]]]:
    """Yield each text below a key: a text is a mapping of the languages, a group one of others."""
    if not isinstance(content, dict):
        raise InvalidText(f"{key} is neither a text nor a group of texts")
    if not content.keys() & set(LANGUAGES):
        for name, below in content.items():
            yield from _entries(f"{key}.{name}", below)
    elif content.keys() == set(LANGUAGES) and all(isinstance(one, str) for one in content.values()):
        yield key, {language: content[language] for language in LANGUAGES}
    else:
        raise InvalidText(f"{key} is not one text in each of {', '.join(LANGUAGES)}")
