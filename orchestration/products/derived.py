"""Tables of a release that are derived when it is written: restated values, values one by one.

Belongs here: what they are and their columns. Not here: their rows (orchestration.publication).
"""

import pandas as pd

from orchestration.products.marts import Mart, Table, column

RESTATEMENTS = Mart(
    name="restatements",
    schema="marts",
    title_sq="Vlera të rishikuara",
    title_en="Restated values",
    row_sq="një vlerë që ndryshoi kundrejt publikimit të mëparshëm",
    row_en="a value that differs from the release before",
    key=["county_code", "reporting_month", "mart", "mart_row", "measure"],
    references={"counties": ["county_code"]},
)

_RESTATED_COLUMNS = (
    ("county_code", "VARCHAR"),
    ("reporting_month", "DATE"),
    ("mart", "VARCHAR"),
    ("mart_row", "VARCHAR"),
    ("measure", "VARCHAR"),
    ("old_value", "DOUBLE"),
    ("new_value", "DOUBLE"),
    ("change", "DOUBLE"),
    ("relative_change", "DOUBLE"),
    ("reason", "VARCHAR"),
)

#: The table of restated values, without rows.
RESTATED_TABLE = Table(
    mart=RESTATEMENTS,
    columns=tuple(column(name, kind) for name, kind in _RESTATED_COLUMNS),
    frame=pd.DataFrame(columns=[name for name, _ in _RESTATED_COLUMNS]),
)

OBSERVATIONS = Mart(
    name="observations",
    schema="marts",
    title_sq="Vlerat një nga një",
    title_en="Values one by one",
    row_sq="një vlerë e një tabele, me gjendjen e saj",
    row_en="a value of a mart, with its status",
    key=["county_code", "reporting_month", "mart", "mart_row", "measure"],
    references={"counties": ["county_code"]},
)

_OBSERVED_COLUMNS = (
    ("county_code", "VARCHAR"),
    ("reporting_month", "DATE"),
    ("mart", "VARCHAR"),
    ("mart_row", "VARCHAR"),
    ("measure", "VARCHAR"),
    ("obs_value", "DOUBLE"),
    ("unit", "VARCHAR"),
    ("obs_status", "VARCHAR"),
    ("conf_status", "VARCHAR"),
)

#: The table of values, without rows.
OBSERVED_TABLE = Table(
    mart=OBSERVATIONS,
    columns=tuple(column(name, kind) for name, kind in _OBSERVED_COLUMNS),
    frame=pd.DataFrame(columns=[name for name, _ in _OBSERVED_COLUMNS]),
)
