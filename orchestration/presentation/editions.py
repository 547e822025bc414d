"""Counts of persons in public, as an edition shows them.

Belongs here: the figure of a row of `editions.person_counts`. Not here: how an edition came to it
(expectations.disclosure), or which counts a page shows.
"""

from collections.abc import Mapping
from typing import Any

from orchestration.presentation.sentences import Figure


def edition_figure(row: Mapping[str, Any]) -> Figure:
    """Return a count, rounded as it is shown; what an edition holds back has no number here either.

    "11 or more" has no upper end. A small count is known to lie between 0 and 10, which is not
    told as a number: it would read as a 0.
    """
    of_counties = {
        "came": row["counties_reporting"],
        "expected": row["counties_expected"],
        "rests_on": "counties",
    }
    value = row["value"]
    if value is None and row["greatest"] is None:
        value = row["least"]
    if value is None:
        is_missing = row["shown_as"] == "not_reported"
        return Figure(
            None, row["unit"], "not_reported" if is_missing else "withheld", **of_counties
        )
    return Figure(
        value,
        row["unit"],
        least=row["least"],
        most=row["greatest"],
        is_lower_bound=bool(row["is_lower_bound"]),
        may_fall=bool(row["may_fall"]),
        is_rounded=row["least"] is not None,
        **of_counties,
    )
