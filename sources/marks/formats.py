"""Number formats: whether what a cell shows is the number that it holds.

Belongs here: the codes of formats (ECMA-376, 18.8.31) and what may stand beside a number. Not here:
which cell has which format (the module of each format of workbooks).
"""

import re
from functools import lru_cache

from sources.values import load_words, plain

#: Number formats that need no definition, and show percentages (ECMA-376, 18.8.30).
BUILT_IN_DISGUISES = {"9": "0%", "10": "0.00%"}


# An .xls is asked for the format of each of its numbers.
@lru_cache(maxsize=1_000)
def shows_another(code: str) -> bool:
    """Tell whether a number format (ECMA-376, 18.8.31) shows other digits than a number has.

    It does so as a percentage, with digits or words of its own that are no unit ("5 thousand"),
    without the last three, or with none at all.
    """
    code = re.sub(r"\[[^\]]*\]|[_*].", "", code)
    own = "".join(re.findall(r'"[^"]*"|\\.', code)).replace("\\", "").replace('"', "")
    bare = re.sub(r'"[^"]*"|\\.', "", code)
    return bool(code) and bool(
        not is_unit(own)
        or re.search(r"%|[0#?],+(?![0#?,])", bare)
        or not re.search(r"[0#?@a-z]", bare.partition(";")[0], re.IGNORECASE)
    )


def is_unit(text: str) -> bool:
    """Tell whether what a format writes beside a number is a unit, or nothing."""
    words = plain(text).strip(" ().:")
    known = (load_words().no_unit, *load_words().units.values())
    return not words or any(words in each for each in known)
