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


def lacking_records(came: Mapping[str, Any]) -> list[str]:
    """Return the keys of the texts that tell which records did not come, or in part."""
    return [
        f"release.lacking.{source}.{came[source]}"
        for source in ("hotline", "referral")
        if came.get(source) in ("part", "none")
    ]


def completeness_texts(came: Mapping[str, Any]) -> list[str]:
    """Return what a release says of reports and records that came, and of the nation's counties."""
    reports = {name: came[name] for name in ("expected", "received", "on_time")}
    lacking = [both(key) for key in lacking_records(came)]
    texts = ["; ".join([both("release.completeness", **reports), *lacking])]
    if "counties_expected" in came:
        counties = {name: came[name] for name in ("counties_reporting", "counties_expected")}
        counties["counties_missing"] = came["counties_missing"] or "–"
        texts.append(both("release.completeness_of_nation", **counties))
    return texts
