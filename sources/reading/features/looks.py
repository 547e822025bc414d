"""How the characters of a cell look, and whether a person sees another text than is read.

Belongs here: what of a font changes what one reads, in any format of workbooks. Not here: which
cell has which font (the module of each format), or number formats (formats.py beside this).
"""

from collections.abc import Collection
from dataclasses import dataclass

#: Fonts that show a picture in place of a digit.
_PICTURES = ("wingdings", "webdings", "marlett")

#: Points below which nobody reads a text, and how far a colour is from its ground if it is seen.
_SMALLEST = 4.0
_LEAST_CONTRAST = 32

WHITE, BLACK = "FFFFFF", "000000"


@dataclass(frozen=True)
class Look:
    """What one sees of a font. `colour` is RRGGBB, `raised` super, sub or nothing.

    `size` is in points; `others` is whatever else tells one part of a text from another.
    """

    is_struck: bool = False
    raised: str = ""
    colour: str = BLACK
    size: float = 11.0
    name: str = ""
    others: tuple[str, ...] = ()

    def is_unseen(self, ground: str | None) -> bool:
        """Tell whether nobody sees characters on a ground (RRGGBB, None if it isn't known)."""
        if self.size < _SMALLEST or self.name.casefold().startswith(_PICTURES):
            return True
        if ground is None:
            return False
        try:
            parts = [
                abs(int(self.colour[at : at + 2], 16) - int(ground[at : at + 2], 16))
                for at in (0, 2, 4)
            ]
        except ValueError:
            return self.colour == ground
        return max(parts) < _LEAST_CONTRAST


def unclear_look(looks: Collection[Look], ground: str | None) -> str | None:
    """Return the sentence on a cell whose parts look like this, or None where all is as it is read.

    A part that is struck or not seen is none of the text, one that is raised none of the number.
    Parts that differ otherwise say nothing of words, but may be two numbers.
    """
    if any(look.is_struck for look in looks):
        return "struck_value"
    if any(look.is_unseen(ground) for look in looks):
        return "unseen_value"
    if len({look.raised for look in looks}) > 1:
        return "raised_value"
    seen = {(look.colour, look.size, look.others) for look in looks}
    return "mixed_value" if len(seen) > 1 else None
