"""What was owed as of a day stays what it was, whatever is done to the register's file later."""

import csv
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.warehouse.obligations import noted_obligations
from sources.custody.home import Home

HEAD = [
    "institution_code", "plan_code", "indicator_code", "frequency", "valid_from", "valid_to",
    "recorded_from", "recorded_to", "basis",
]  # fmt: skip

Row = tuple[str, str, str, str]


def write_register(folder: Path, rows: list[Row]) -> None:
    with (folder / "reporting_obligations.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEAD)
        for institution, frequency, recorded_from, recorded_to in rows:
            writer.writerow(
                (
                    institution,
                    "PKV-2021-2023",
                    "1.1.1.1",
                    frequency,
                    "2023-01-01",
                    "",
                    recorded_from,
                    recorded_to,
                    "",
                )
            )


def owed(noted: pa.Table, day: date) -> list[tuple[str, str]]:
    """Return who owed how often as of a day."""
    return sorted(
        (row["institution_code"], row["frequency"])
        for row in noted.to_pylist()
        if row["recorded_from"] <= day and (row["recorded_to"] is None or row["recorded_to"] > day)
    )


rows = st.lists(
    st.tuples(
        st.sampled_from(["A", "B"]),
        st.sampled_from(["monthly", "yearly"]),
        st.sampled_from(["2023-01-01", "2023-06-01"]),
        st.sampled_from(["", "2023-07-01"]),
    ),
    unique_by=lambda row: row[:3],
    max_size=4,
)


@settings(max_examples=50)
@given(edits=st.lists(rows, min_size=2, max_size=5))
def test_an_answer_as_of_a_past_day_never_changes(
    tmp_path_factory: pytest.TempPathFactory, edits: list[list[Row]]
) -> None:
    folder = tmp_path_factory.mktemp("register")
    home = Home(root=folder / "home", keys=folder / "keys")
    answers: dict[date, list[tuple[str, str]]] = {}
    for number, edit in enumerate(edits):
        noticed = date(2023, 8, 1 + number)
        write_register(folder, edit)
        noted = noted_obligations(home, folder, noticed)
        assert {day: owed(noted, day) for day in answers} == answers
        for day in (date(2023, 2, 1), date(2023, 6, 20), noticed):
            answers.setdefault(day, owed(noted, day))
        # And the day's own answer is what the file says.
        assert answers[noticed] == sorted(
            (institution, frequency)
            for institution, frequency, _, recorded_to in edit
            if not recorded_to
        )


def test_a_row_that_comes_and_goes_on_one_day_leaves_nothing(tmp_path: Path) -> None:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    day = date(2023, 8, 1)
    for rows_of_day, expected in (
        ([("A", "monthly", "2023-01-01", "")], 1),
        ([("A", "monthly", "2023-01-01", ""), ("B", "monthly", "2023-01-01", "")], 2),
        ([("A", "monthly", "2023-01-01", ""), ("B", "yearly", "2023-01-01", "")], 2),
    ):
        write_register(tmp_path, rows_of_day)
        assert noted_obligations(home, tmp_path, day).num_rows == expected
