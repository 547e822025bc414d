"""The files of a next plan: what is wrong is found by line, and good ones are added once."""

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from click.testing import CliRunner, Result
from second_plan import FIRST, SECOND, Row, rows_of_second_plan, write_rows, write_second_plan

from orchestration.cli import cli
from orchestration.registers.check import check_registers
from orchestration.registers.plans import merged, plan_problems
from orchestration.runtime.settings import PROJECT, SEEDS
from sources.custody import journal
from sources.registers import register_rows

SUCCESSIONS = "indicator_successions"


@dataclass(frozen=True)
class Case:
    """A change of a row of the plan's files, and the problem that it is.

    The row is the first of the register with the cells `of`; `cells` are written into it, or it is
    dropped, or repeated at the end. `at` is the file and line of the problem: {line} is the row's.
    """

    register: str
    of: Row
    cells: Row | Literal["dropped", "repeated"]
    at: str
    column: str | None
    part: str


def _followed(code: str, cells: Row, column: str, part: str) -> Case:
    """Return the case of a succession, whose problem is in its own row."""
    of = {"indicator_code": code} if code else {"earlier_indicator_code": "1.1.1.1"}
    return Case(SUCCESSIONS, of, cells, f"{SUCCESSIONS}.csv:{{line}}", column, part)


def _target(year: str, cells: Row, at: str, column: str, part: str) -> Case:
    return Case("targets", {"indicator_code": "2.1.9.1", "year": year}, cells, at, column, part)


CASES: dict[str, Case] = {
    "days": Case(
        "plans", {}, {"valid_to": "2026-12-30"}, "plans.csv:2", "valid_to", "31 December"
    ),
    "no day": Case("plans", {}, {"valid_from": "2024"}, "plans.csv:2", "valid_from", "a date as"),
    "overlap": Case(
        "plans", {}, {"valid_from": "2023-01-01"}, "plans.csv:2", "valid_from", "the same level"
    ),
    "ends first": Case(
        "plans", {}, {"valid_from": "2027-01-01"}, "plans.csv:2", "valid_to", "before the beginning"
    ),
    "regional alone": Case("plans", {}, {"level": "regional"}, "plans.csv", None, "not 0"),
    "the same plan twice": Case("plans", {}, "repeated", "plans.csv:3", None, "the same plan_code"),
    "no deadline": Case(
        "reporting_calendar", {"month": "2026-05-01"}, "dropped", "plans.csv:2", "valid_to",
        "lacks 1 months of this plan, from 2026-05-01",
    ),
    "row of the first plan": Case(
        "measures", {"measure_code": "2.1.9"}, {"plan_code": FIRST}, "measures.csv:{line}",
        "plan_code", f"not of plan {SECOND}",
    ),
    "years of a measure": Case(
        "measures", {"measure_code": "2.1.9"}, {"end_year": "2027"}, "measures.csv:{line}",
        "start_year", "not within",
    ),
    "unknown measure": Case(
        "indicators", {"indicator_code": "2.1.9.1"}, {"measure_code": "9.9.9"},
        "indicators.csv:{line}", "measure_code", "not in the register measures",
    ),
    "unknown unit": Case(
        "indicators", {"indicator_code": "2.1.9.1"}, {"unit": "bananas"}, "indicators.csv:{line}",
        "unit", "Write one of: businesses",
    ),
    "code of an indicator": Case(
        "indicators", {"indicator_code": "2.1.9.1"}, {"indicator_position": "7"},
        "indicators.csv:{line}", "indicator_code", "its place",
    ),
    "obligation of another plan's indicator": Case(
        "reporting_obligations", {"indicator_code": "2.1.9.1"}, {"indicator_code": "2.1.1.1"},
        "reporting_obligations.csv:{line}", "indicator_code", "not in the register indicators",
    ),
    "obligation before the plan": Case(
        "reporting_obligations", {"indicator_code": "2.1.9.1"}, {"valid_from": "2023-12-01"},
        "reporting_obligations.csv:{line}", "valid_from", "from 2024-01-01 to 2026-12-31",
    ),
    "obligation after the plan": Case(
        "reporting_obligations", {"indicator_code": "2.1.9.1"}, {"valid_to": "2027-01-31"},
        "reporting_obligations.csv:{line}", "valid_to", "from 2024-01-01 to 2026-12-31",
    ),
    "source of another plan's indicator": Case(
        "official_sources", {}, {"indicator_code": "1.1.4.1"}, "official_sources.csv:2",
        "indicator_code", "not in the register indicators",
    ),
    "target outside the plan": _target(
        "2026", {"year": "2027"}, "targets.csv:{line}", "year", "2024-2026"
    ),
    "a year without target": _target(
        "2026", {"year": "2027"}, "indicators.csv:3", "indicator_code", "for 2026"
    ),
    "two targets for a year": _target(
        "2026", {"year": "2025"}, "targets.csv:{line}", None, "has the same plan_code"
    ),
    "baseline within the plan": _target(
        "2023", {"year": "2024"}, "targets.csv:{line}", "year", "before the plan"
    ),
    "two baselines": _target(
        "2024", {"target_kind": "baseline", "year": "2022"}, "targets.csv:{line}", "year",
        "more than one baseline",
    ),
    "no baseline": _target(
        "2023", {"target_kind": "target", "year": "2027"}, "indicators.csv:3", "indicator_code",
        "no baseline",
    ),
    "number without a value": _target(
        "2024", {"value": ""}, "targets.csv:{line}", "value_state", "only there"
    ),
    "earlier indicator without succession": Case(
        SUCCESSIONS, {"earlier_indicator_code": "1.1.1.1"}, "dropped", f"{SUCCESSIONS}.csv",
        "earlier_indicator_code", "Indicator 1.1.1.1 of the plan before has no row",
    ),
    "indicator without succession": Case(
        SUCCESSIONS, {"kind": "begins"}, "dropped", "indicators.csv:6", "indicator_code",
        f"no row in {SUCCESSIONS}.csv",
    ),
    "the same pair twice": Case(
        SUCCESSIONS, {}, "repeated", f"{SUCCESSIONS}.csv:70", None, "Line 2 has the same"
    ),
    "unknown plan before": _followed(
        "2.1.9.1", {"earlier_plan_code": "PKV-2018-2020"}, "earlier_plan_code",
        "not in the register plans",
    ),
    "not the plan before": _followed(
        "2.1.9.1", {"earlier_plan_code": SECOND}, "earlier_plan_code",
        f"The plan before is {FIRST}",
    ),
    "unknown earlier indicator": _followed(
        "2.1.9.1", {"earlier_indicator_code": "9.9.9.9"}, "earlier_indicator_code",
        "not in the register indicators",
    ),
    "no indicator at all": _followed(
        "2.1.3.1", {"indicator_code": ""}, "indicator_code", "names no indicator"
    ),
    "ends and goes on": _followed(
        "", {"earlier_indicator_code": "2.1.1.1"}, "earlier_indicator_code", "another row continues"
    ),
    "begins and follows": _followed(
        "2.1.3.1", {"indicator_code": "2.1.9.1"}, "indicator_code", "follow an earlier one"
    ),
    "unknown kind": _followed("2.1.9.1", {"kind": "grows"}, "kind", '"grows"'),
    "continues with another unit": _followed(
        "3.1.12.1", {"kind": "continues"}, "kind",
        'was persons and is trainings: add "unit_changed"',
    ),
    "continues with another basis": _followed(
        "2.1.9.1", {"kind": "continues"}, "kind", 'was unstated and is annual: add "basis_changed"'
    ),
    "same unit called changed": _followed(
        "2.1.2.1", {"kind": "unit_changed"}, "kind", "unit does not change"
    ),
    "same basis called changed": _followed(
        "2.1.2.1", {"kind": "basis_changed"}, "kind", "basis of the target does not change"
    ),
    "split into one": _followed("2.1.2.1", {"kind": "splits"}, "kind", "there is 1 here"),
    "merged from one": _followed("2.1.2.1", {"kind": "merges"}, "kind", "there is 1 here"),
    "split not called so": _followed(
        "2.2.5.1", {"kind": "continues"}, "kind", 'has 2 new ones: add "splits"'
    ),
    "merger not called so": _followed(
        "3.1.3.1", {"kind": "continues"}, "kind", 'has 2 earlier ones: add "merges"'
    ),
    "continues and more": _followed(
        "3.1.12.1", {"kind": "continues+unit_changed"}, "kind", "left out"
    ),
    "ends with a successor": _followed(
        "2.1.2.1", {"kind": "ends"}, "kind", '"continues" alone'
    ),
    "begins called otherwise": _followed(
        "2.1.3.1", {"kind": "continues"}, "kind", '"begins" alone'
    ),
    "ends called otherwise": _followed("", {"kind": "begins"}, "kind", '"ends" alone'),
    "begins, compared with nothing": _followed(
        "2.1.3.1", {"is_comparable": "true"}, "is_comparable", "blank"
    ),
    "comparable or not": _followed(
        "2.1.9.1", {"is_comparable": ""}, "is_comparable", "true or false"
    ),
    "another unit called comparable": _followed(
        "3.1.12.1", {"is_comparable": "true"}, "is_comparable", "can't be compared"
    ),
    "a merger called comparable": _followed(
        "3.1.3.1", {"is_comparable": "true"}, "is_comparable", "can't be compared"
    ),
    "a break without its reason": _followed("3.1.12.1", {"note_sq": ""}, "note_sq", "Write why"),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_second_plan(tmp_path / "plan")


def _line_of(register: str, of: Row) -> int:
    """Return the line of the first row of the plan's file with these cells."""
    rows = rows_of_second_plan()[register]
    return 2 + next(place for place, row in enumerate(rows) if of.items() <= row.items())


def test_the_made_up_plan_is_in_order_and_so_is_krats_own(folder: Path, tmp_path: Path) -> None:
    assert plan_problems(folder, SEEDS) == []
    # Once it is added it is still in order: its own rows are no rows before it.
    assert plan_problems(folder, merged(SEEDS, folder, tmp_path / "both")) == []
    first = tmp_path / "first"
    first.mkdir()
    for path in SEEDS.glob("*.csv"):
        if rows := [
            row for row in register_rows(SEEDS, path.stem) if row.get("plan_code") == FIRST
        ]:
            write_rows(first / path.name, rows)
    assert plan_problems(first, SEEDS) == []


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_found_where_it_is(case: str, folder: Path) -> None:
    wanted = CASES[case]
    rows = rows_of_second_plan()[wanted.register]
    line = _line_of(wanted.register, wanted.of)
    if isinstance(wanted.cells, dict):
        rows[line - 2] |= wanted.cells
    elif wanted.cells == "dropped":
        del rows[line - 2]
    else:
        rows.append(rows[line - 2])
    write_rows(folder / f"{wanted.register}.csv", rows)
    found = [each for each in plan_problems(folder, SEEDS) if wanted.part in each.message_en]
    places = {(each.sentence("en").partition(" ")[0].rstrip(":"), each.column) for each in found}
    assert (wanted.at.format(line=line), wanted.column) in places
    # A pair that is there twice, or two parts of a split, are wrong in both rows.
    assert len(places) <= 2
    assert all(each.message_sq and each.message_sq != each.message_en for each in found)


def test_the_next_plan_comes_after_the_last(folder: Path) -> None:
    (folder / "reporting_obligations.csv").unlink()
    rows = rows_of_second_plan()["plans"]
    rows[0] |= {"valid_from": "2020-01-01", "valid_to": "2020-12-31"}
    write_rows(folder / "plans.csv", rows)
    assert f"plans.csv:2 valid_from: The plan begins before plan {FIRST} ends (2023-12-31)." in [
        each.sentence("en") for each in plan_problems(folder, SEEDS)
    ]


def test_the_rows_of_the_guide_are_in_order(folder: Path) -> None:
    guide = (PROJECT / "docs" / "next-plan.md").read_text(encoding="utf-8")
    [block] = [part for part in guide.split("```") if part.startswith("\nearlier_plan_code,")]
    shown = list(csv.DictReader(block.strip().splitlines()))
    code = "earlier_indicator_code"
    rows = rows_of_second_plan()[SUCCESSIONS]
    kept = [row for row in rows if row[code] not in {each[code] for each in shown}]
    assert len(shown) == 3 == len(rows) - len(kept)
    write_rows(folder / f"{SUCCESSIONS}.csv", [*kept, *shown])
    assert plan_problems(folder, SEEDS) == []


def test_a_level_is_never_compared_with_a_sum(folder: Path) -> None:
    rows = rows_of_second_plan()["indicators"]
    rows[1]["target_basis"] = "level"
    write_rows(folder / "indicators.csv", rows)
    line = _line_of(SUCCESSIONS, {"indicator_code": "2.1.9.1"})
    assert [each.sentence("en") for each in plan_problems(folder, SEEDS)] == [
        f"indicator_successions.csv:{line} is_comparable: Values can't be compared where an "
        "indicator splits, merges, changes its unit, or turns between a level and a sum: write "
        "false."
    ]


def test_a_file_that_is_none_of_a_plan_is_refused_without_its_name(folder: Path) -> None:
    (folder / "Somebody.csv").write_text("a,b\n1,2\n")
    (folder / "counties.csv").write_text("county_code,name_sq,name_en\n")
    (folder / "indicator_parts.csv").write_bytes(b"\xff\xfe")
    found = {each.register: each.sentence("en") for each in plan_problems(folder, SEEDS)}
    assert found.keys() == {"counties", "indicator_parts", "…"}
    assert found["counties"].endswith("is no register of a plan: take it out of the plan's folder.")
    assert "no register of this name" in found["…"]


def test_one_run_finds_everything_in_a_folder_and_in_the_offices_registers(
    folder: Path, tmp_path: Path
) -> None:
    rows = rows_of_second_plan()
    rows["measures"][0]["end_year"] = "2030"
    rows["measures"][1]["start_year"] = "x"
    dropped = rows[SUCCESSIONS].pop()
    for register in ("measures", SUCCESSIONS):
        write_rows(folder / f"{register}.csv", rows[register])
    found = [each.sentence("en") for each in plan_problems(folder, SEEDS)]
    code = dropped["earlier_indicator_code"] or dropped["indicator_code"]
    assert "measures.csv:2 start_year: The years of the measure are not within the plan." in found
    assert "measures.csv:3 start_year: Write a whole number, such as 2023." in found
    assert any(code in each or SUCCESSIONS in each for each in found)
    # Whoever writes the rows into registers/ by hand is told the same.
    assert [each.sentence("en") for each in check_registers(SEEDS, folder)[1]] == found
    checked = _krat(tmp_path / "home", "check", str(folder), "--english").stderr.splitlines()
    assert checked[:-1] == found


@pytest.mark.data
def test_an_added_plan_is_in_use_from_the_next_refresh(folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    place = {"KRAT_HOME": str(home), "KRAT_KEYS": str(home.with_name("keys"))}

    def krat(*words: str) -> Result:
        done = CliRunner().invoke(cli, list(words), env=place)
        assert done.exit_code == 0, done.output
        return done

    krat("plan", "add", str(folder))
    assert "rows added" in krat("registers", "check").output
    krat("refresh", "--month", "2024-01")
    assert "in use" in krat("registers", "check").output
    entries = journal.read(home / "decisions" / "registers.jsonl")
    assert [entry["decision"] for entry in entries] == ["plan_added", "registers_taken"]
    krat("forms", "--county", "AL-04", "--month", "2024-06", "--out", str(tmp_path / "forms"))
    owing = {
        row["institution_code"]
        for row in rows_of_second_plan()["reporting_obligations"]
        if row["institution_code"].startswith("AL-04")
    }
    written = {path.name.partition("_")[0] for path in (tmp_path / "forms").iterdir()}
    assert written and written <= owing


def _krat(home: Path, *words: str) -> Result:
    environment = {"KRAT_HOME": str(home), "KRAT_KEYS": str(home.with_name("keys"))}
    return CliRunner().invoke(cli, ["plan", *words], env=environment)


def test_check_lists_problems_by_line_and_fails(folder: Path, tmp_path: Path) -> None:
    rows = rows_of_second_plan()["measures"]
    rows[0]["end_year"] = "2030"
    write_rows(folder / "measures.csv", rows)
    done = _krat(tmp_path / "home", "check", str(folder), "--english")
    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        "measures.csv:2 start_year: The years of the measure are not within the plan.",
        "Error: Problems in the files of the plan: 1. Nothing was added.",
    ]
    refused = _krat(tmp_path / "home", "add", str(folder))
    assert refused.exit_code == 1 and not (tmp_path / "home" / "registers").exists()
    assert "Vitet e masës nuk janë brenda planit." in refused.stderr


@pytest.mark.slow
def test_check_of_good_files_counts_rows_and_lints_the_new_plan(
    folder: Path, tmp_path: Path
) -> None:
    before = os.environ.get("KRAT_DBT_WAREHOUSE")
    done = _krat(tmp_path / "home", "check", str(folder), "--english")
    assert done.exit_code == 0, done.output
    assert "indicator_successions 68, indicators 9, measures 8" in done.stdout
    lines = done.stdout.splitlines()
    blank = next(place for place, line in enumerate(lines) if line.startswith("  blank_cell (32)"))
    assert lines[blank].endswith("blank does not mean zero.")
    assert (
        lines[blank + 1].split() == sorted(lines[blank + 1].split())
        and "2.1.2.1" in lines[blank + 1]
    )
    assert FIRST not in done.stdout and "dash_cell" not in done.stdout
    # The warehouse of the data folder is not touched.
    assert not list((tmp_path / "home").glob("*.duckdb"))
    assert before is None or os.environ["KRAT_DBT_WAREHOUSE"] == str(
        tmp_path / "home/warehouse.duckdb"
    )


def test_add_writes_the_rows_once_and_journals_it(folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "registers").mkdir(parents=True)
    own = "institution_code;plan_code;indicator_code;frequency;valid_from;valid_to;recorded_from;"
    own += "recorded_to;basis;withdrawn\nAL-04-SHISH;PKV-2021-2023;2.1.5.2;yearly;2023-01-01;"
    own += "2023-12-31;2023-01-01;;decided;\n"
    (home / "registers" / "reporting_obligations.csv").write_text(own)
    done = _krat(home, "add", str(folder), "--english")
    assert done.exit_code == 0, done.output
    assert "indicators 9" in done.stdout
    written = {path.stem: _rows(path) for path in (home / "registers").iterdir()}
    expected = rows_of_second_plan()
    assert written.keys() == expected.keys()
    for register in expected.keys() - {"reporting_obligations"}:
        assert written[register] == expected[register]
    office, *of_plan = written["reporting_obligations"]
    assert office["basis"] == "decided"
    assert of_plan == [row | {"withdrawn": ""} for row in expected["reporting_obligations"]]
    [entry] = journal.read(home / "decisions" / "registers.jsonl")
    assert entry["decision"] == "plan_added" and entry["plans"] == [SECOND]
    assert entry["user"] and entry["at"] and entry["rows"]["indicators"] == 9

    again = _krat(home, "add", str(folder), "--english")
    assert again.exit_code == 0 and "nothing changed" in again.stdout
    assert len(journal.read(home / "decisions" / "registers.jsonl")) == 1


def test_add_overwrites_no_row_that_differs(folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert _krat(home, "add", str(folder)).exit_code == 0
    before = {path: path.read_bytes() for path in (home / "registers").iterdir()}
    rows = rows_of_second_plan()["targets"]
    line = _line_of("targets", {"value": "14"})
    rows[line - 2] |= {"value": "15", "source_text": "15"}
    write_rows(folder / "targets.csv", rows)
    done = _krat(home, "add", str(folder), "--english")
    assert done.exit_code == 1
    assert f"other rows of this plan (registers/targets.csv:{line})" in done.stderr
    assert {path: path.read_bytes() for path in (home / "registers").iterdir()} == before


def _rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
