"""Words that every table of a release shares, and that the gate of disclosure reads back.

Belongs here: headings and sentences of a workbook. Not here: its looks
(orchestration.publication.writing.workbook) or its signs (codes.csv).
"""

import pandas as pd

#: Heading of the column that names the code before it.
NAME = "Emri / Name"


def completeness_text(came: dict[str, int]) -> str:
    """Return how many of a month's reports came, in both languages."""
    return (
        f"{came['received']} nga {came['expected']} raporte, {came['on_time']} në afat / "
        f"{came['received']} of {came['expected']} reports, {came['on_time']} on time"
    )


def restated_summary(restated: pd.DataFrame) -> str:
    """Return how many values were restated for each reason."""
    counts = sorted(restated["reason"].value_counts().to_dict().items())
    return ", ".join(f"{count} {reason}" for reason, count in counts)
