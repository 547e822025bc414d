"""Whatever the door accepts, the warehouse builds, every check that blocks passes, and it goes out.

A refresh takes seconds, so one holds many drawn files. `python tests/accepted.py` finds out which
of them a failure comes from.
"""

import csv
from datetime import date
from pathlib import Path

import pytest
from accepted import BUSY_MONTHS, COUNTIES, fewest, files, refreshed_with
from programs import copy_project, run_in_copy

from sources.layouts import load_layouts

#: What a day of the drill draws; another day draws others.
TODAY = date.today().toordinal()


@pytest.mark.slow
def test_what_the_door_accepts_is_built_judged_and_published() -> None:
    sent = files(20, seed_of=1)
    result = refreshed_with(sent, [BUSY_MONTHS[-1]])
    # Nothing is shown by files that are refused.
    assert result.accepted.total() > 0.8 * len({file.content for file in sent})
    assert result.accepted.keys() == {layout.id for layout in load_layouts()}
    assert not result.hindrances, _how_to_find(20, 1)


@pytest.mark.drill
@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("counties", [COUNTIES[:1], COUNTIES], ids=["one county", "three"])
def test_much_is_built_judged_and_published_in_two_passes(
    counties: tuple[str, ...], number: int
) -> None:
    seed_of = 10 * TODAY + number
    result = refreshed_with(files(60, seed_of, counties), list(BUSY_MONTHS), passes=2)
    assert not result.hindrances, _how_to_find(60, seed_of, *counties)


@pytest.mark.drill
@pytest.mark.parametrize("number", range(4))
def test_reports_of_three_counties_are_built_judged_and_published(
    number: int, tmp_path: Path
) -> None:
    project = copy_project(tmp_path)
    for name, column in (("institutions", "county_code"), ("reporting_obligations", None)):
        _repeat_for_other_counties(project / "dbt_project" / "seeds" / f"{name}.csv", column)
    done = run_in_copy(project, "tests/accepted.py", str(10 * TODAY + number), "60")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_files_that_a_failure_comes_from_are_found() -> None:
    sent = files(10, seed_of=1)
    guilty = {sent[3], sent[41]}
    asked = []

    def fails(some: object) -> bool:
        asked.append(some)
        return guilty <= set(some)  # type: ignore[call-overload]

    assert set(fewest(sent, fails)) == guilty
    assert len(asked) < len(sent)


def _how_to_find(of_each: int, seed_of: int, *counties: str) -> str:
    command = ["python", "tests/accepted.py", str(seed_of), str(of_each), *counties]
    return f"{' '.join(command)} prints the fewest files that fail"


def _repeat_for_other_counties(path: Path, column: str | None) -> None:
    """Give each other county what the first has in a register: institutions, and what they owe."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = [row for row in reader if row["institution_code"].startswith(COUNTIES[0])]
        names = reader.fieldnames or []
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        for county in COUNTIES[1:]:
            for row in rows:
                code = row["institution_code"].replace(COUNTIES[0], county)
                changed = {"institution_code": code} | ({column: county} if column else {})
                writer.writerow(row | changed)
