"""Sentences that a release has of its tables.

Belongs here: sentences made of a table. Not here: the words (sources/texts/release.yml), the signs
(codes.csv), or the looks of a workbook (orchestration.publication.writing.workbook).
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from orchestration.products.declaration import Product
from sources.texts import both, text


def one_row(mart: Product) -> str:
    """Return what one row of a table is, in both languages."""
    sq = text("release.one_row", "sq", row=mart.row_sq)
    return f"{sq} {text('release.one_row', 'en', row=mart.row_en)}"


def restated_summary(changes: pd.DataFrame) -> str:
    """Return how many values changed since the release before of the same month, by reason."""
    restated = changes[changes["compared"] == "previous_release"]
    counts = sorted(restated["reason"].value_counts().to_dict().items())
    return ", ".join(f"{count} {reason}" for reason, count in counts)


def completeness_texts(came: Mapping[str, Any]) -> list[str]:
    """Return what a release says of the reports that came, and of the nation's counties."""
    reports = {name: came[name] for name in ("expected", "received", "on_time")}
    counties = {name: came[name] for name in came.keys() - reports.keys()}
    texts = [both("release.completeness", **reports)]
    if counties:
        counties["counties_missing"] = counties["counties_missing"] or "–"
        texts.append(both("release.completeness_of_nation", **counties))
    return texts
