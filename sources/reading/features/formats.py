"""Number formats: whether what a cell shows is the number that it holds.

Belongs here: the codes of formats (ECMA-376, 18.8.31) and what may stand beside a number. Not here:
which cell has which format (the module of each format of workbooks).
"""

import re
from functools import lru_cache

from sources.values import load_words, plain

#: Number formats that need no definition, and show percentages (ECMA-376, 18.8.30).
BUILT_IN_DISGUISES = {"9": "0%", "10": "0.00%"}


#: What shows a number by other digits, the parts of a format, and what of it is no text.
_SCALED = re.compile(r"%|[0#?],+(?![0#?,])")
_SECTIONS = re.compile(r';(?=(?:[^"]*"[^"]*")*[^"]*$)')
_NO_TEXT = re.compile(r"\[[^\]]*\]|[_*].")

#: Excel allows no longer format: one that is hides something.
_LONGEST = 255


# An .xls is asked for the format of each of its numbers.
@lru_cache(maxsize=1_000)
def shows_another(code: str) -> bool:
    """Tell whether a number format (ECMA-376, 18.8.31) shows other digits than a number has.

    It does so as a percentage, with digits or words of its own that are no unit ("5 thousand"),
    without the last three, or with none at all. A count is above zero, so that the first section
    says how it is shown, or any where they state conditions.
    """
    if len(code) > _LONGEST:
        return True
    sections = _SECTIONS.split(code)
    asked = sections if re.search(r"\[[<>=]", code) else sections[:1]
    return bool(code) and any(map(_disguises, asked))


@lru_cache(maxsize=1_000)
def hides_zero(code: str) -> bool:
    """Tell whether a number format shows no zero for zero: in its third section, or its only.

    A dash and a word for none are as good as a zero; nothing, another number or word is not.
    """
    sections = _SECTIONS.split(code[:_LONGEST])
    own, bare = _parted(sections[2] if len(sections) > 2 else sections[0])
    if not code or re.search(r"[0?@a-z]", bare, re.IGNORECASE):
        return False
    return not is_zero(own)


@lru_cache(maxsize=1_000)
def shows_another_text(code: str) -> bool:
    """Tell whether a number format shows a text otherwise: in its fourth section, or its last.

    The last of fewer sections shows texts where it has their sign; else they show as they are.
    """
    sections = _SECTIONS.split(code[:_LONGEST])
    own, bare = _parted(sections[-1])
    if len(sections) < 4 and "@" not in bare:
        return len(code) > _LONGEST
    return not is_unit(own) or bare.count("@") != 1


def _disguises(section: str) -> bool:
    own, bare = _parted(section)
    is_white = "[white]" in section.casefold()
    shows_nothing = is_white or not re.search(r"[0#?@a-z]", bare, re.IGNORECASE)
    return not is_unit(own) or bool(_SCALED.search(bare)) or shows_nothing


def _parted(section: str) -> tuple[str, str]:
    """Return the text that a section writes of its own, and the rest of it."""
    section = _NO_TEXT.sub("", section)
    own = "".join(re.findall(r'"[^"]*"|\\.', section)).replace("\\", "").replace('"', "")
    return own, re.sub(r'"[^"]*"|\\.', "", section)


def is_zero(text: str) -> bool:
    """Tell whether a text shows a zero: by a dash, a word for none, or with no more than a unit."""
    said = text.strip(" -–—")
    return bool(text.strip()) and (is_unit(said) or plain(said) in load_words().zero | {"0"})


def is_unit(text: str) -> bool:
    """Tell whether what a format writes beside a number is a unit, or nothing."""
    words = plain(text).strip(" ().:")
    known = (load_words().no_unit, *load_words().units.values())
    return not words or any(words in each for each in known)
