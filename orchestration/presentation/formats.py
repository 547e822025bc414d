"""Numbers, dates and lists as the two languages write them, by Babel.

Belongs here: how a number looks. Not here: what it rests on (sentences).
"""

from collections.abc import Sequence
from datetime import date

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal

from sources.texts import Language

#: The locale of a language: British dates and spelling, as the texts have them.
LOCALES: dict[Language, str] = {"sq": "sq", "en": "en_GB"}

#: What goes before the sign: Babel's own pattern has no space in Albanian.
_BEFORE_PER_CENT: dict[Language, str] = {"sq": "\u00a0", "en": ""}

_MINUS, _HYPHEN = "\u2212", "-"


def number(value: float, language: Language) -> str:
    """Return a number with at most one decimal: 1 255 and 65,9 in Albanian."""
    return _minus(format_decimal(value, "#,##0.#", LOCALES[language]))


def signed(value: float, language: Language) -> str:
    """Return a number with + or − before it; 0 has none."""
    return ("+" if value > 0 else "") + number(value, language)


def per_cent(value: float, language: Language) -> str:
    """Return a percentage, 65.9 as 65,9 % in Albanian and 65.9% in English."""
    return f"{number(value, language)}{_BEFORE_PER_CENT[language]}%"


def day(value: date, language: Language) -> str:
    """Return a date: 31.03.2024 in Albanian, 31 March 2024 in English."""
    return format_date(value, "dd.MM.yyyy" if language == "sq" else "d MMMM yyyy", language)


def join(words: Sequence[str], language: Language) -> str:
    """Return a list in words: Fier, Vlorë dhe Berat."""
    return format_list(list(words), locale=LOCALES[language])


def plural(value: float, language: Language) -> str:
    """Return `one` or `other`: the form of a noun after a number. Only 1 takes `one`."""
    return str(Locale.parse(LOCALES[language]).plural_form(value))


def chart_locale(language: Language) -> dict[str, object]:
    """Return how Vega writes numbers; it knows no Albanian by itself."""
    symbols = Locale.parse(LOCALES[language]).number_symbols["latn"]
    return {
        "decimal": symbols["decimal"],
        "thousands": symbols["group"],
        "grouping": [3],
        "currency": ["", ""],
    }


def _minus(written: str) -> str:
    return written.replace(_HYPHEN, _MINUS)
