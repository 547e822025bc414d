"""What the server says, in Albanian and English.

Belongs here: reading words.yml. Not here: the words, or the pages (templates).
"""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

from babel.dates import format_date

from sources.datafiles import read_yaml

Language = Literal["sq", "en"]
LANGUAGES: tuple[Language, ...] = ("sq", "en")


def words(language: Language) -> dict[str, Any]:
    """Return the words of the pages in a language, by their names."""
    chosen: dict[str, Any] = _all()[language]
    return chosen


def both(name: str) -> str:
    """Return an answer in both languages, a line each."""
    return "".join(f"{_all()['answers'][name][language]}\n" for language in LANGUAGES)


def period_name(period: str, language: Language) -> str:
    """Return a period in words: "maj 2023" for 2023-05, a quarter or year by its number."""
    year, _, part = period.partition("-")
    if part.isdigit():
        return format_date(date(int(year), int(part), 1), "LLLL y", locale=language)
    return f"{words(language)['quarter'].format(part[1:])} {year}" if part else year


@cache
def _all() -> dict[str, Any]:
    path = Path(__file__).with_name("words.yml")
    content: dict[str, Any] = read_yaml(path)
    return content
