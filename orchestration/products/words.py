"""What every table of a release shares, and the gate of disclosure reads back.

Belongs here: signs, and sentences made of a table. Not here: the words (sources/texts/release.yml)
or the looks of a workbook (orchestration.publication.writing.workbook).
"""

import pandas as pd

from orchestration.products.marts import Mart
from sources.texts import text

#: What stands in the place of a number that is not there, by its observation status: never a 0.
SIGNS = {"O": ":", "L": ":u", "M": "–", "Q": "c"}


def one_row(mart: Mart) -> str:
    """Return what one row of a table is, in both languages."""
    sq = text("release.one_row", "sq", row=mart.row_sq)
    return f"{sq} {text('release.one_row', 'en', row=mart.row_en)}"


def restated_summary(restated: pd.DataFrame) -> str:
    """Return how many values were restated for each reason."""
    counts = sorted(restated["reason"].value_counts().to_dict().items())
    return ", ".join(f"{count} {reason}" for reason, count in counts)
