"""Asking in SQL: the fence, the prompt, ready questions, answers as files, many readers."""

import csv
import io
import re
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from conftest import Refreshed
from named_codes import unnamed_codes
from questions import PAGE, QUESTIONS
from reading_while_refreshing import SUM, read_while_refreshing

from orchestration.cli import cli
from orchestration.reading_copy.ask import reading
from orchestration.reading_copy.copy import write_reading_copy
from orchestration.reading_copy.shell import Shell
from orchestration.runtime.settings import PROJECT
from sources.custody.home import Home


def krat(home: Home, *arguments: str, typed: str | None = None) -> Result:
    environment = {"KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)}
    return CliRunner().invoke(cli, ("sql", *arguments), env=environment, input=typed)


def test_each_ready_question_has_an_answer(refreshed: Refreshed) -> None:
    assert len(QUESTIONS) == PAGE.count("\n## ") >= 12
    with reading(refreshed.home) as connection:
        for title, question in QUESTIONS:
            assert connection.execute(question).fetchall(), title


def test_every_code_of_the_reading_copy_has_a_name(refreshed: Refreshed) -> None:
    with reading(refreshed.home) as connection:
        assert unnamed_codes(connection) == set()
        of_columns = connection.execute(
            "select distinct code_list from core.codes where code_list not in "
            "(select column_name from duckdb_columns() where not internal)"
        ).fetchall()
    # It is of a column that is in releases alone.
    assert {name for (name,) in of_columns} <= {"obs_status"}


def test_counties_and_the_nation_have_views_of_their_own(marts: duckdb.DuckDBPyConnection) -> None:
    query = "select sum(actual_month) from {}.indicator_progress where indicator_code = '2.1.18.1'"
    parts = [marts.execute(query.format(area)).fetchone() for area in ("counties", "nation")]
    [(both,)] = marts.execute(query.format("marts")).fetchall()
    assert sum(value for part in parts if part for value in part) == both > 0


def test_a_mart_with_the_nation_beside_counties_begins_with_its_two_views(
    refreshed: Refreshed,
) -> None:
    with reading(refreshed.home) as connection:
        with_nation = connection.execute(
            "select t.table_name, t.comment from duckdb_tables() as t "
            "inner join duckdb_columns() as c using (database_name, schema_name, table_name) "
            "where t.schema_name = 'main' and c.column_name = 'county_code'"
        ).fetchall()
    assert len(with_nation) > 8
    for table, comment in with_nation:
        begins = f"Add up counties.{table} only; nation.{table} is no sum of it. "
        assert comment.startswith(begins)
        assert "One row is" in comment
    # A reader meets it where a table is described; the list shows what a row is.
    table = "indicator_progress"
    told = krat(refreshed.home, "--describe", table).stdout
    assert told.splitlines()[1].startswith(f"Add up counties.{table} only; nation.{table} is")
    view = krat(refreshed.home, "--describe", f"counties.{table}").stdout.splitlines()
    assert view[0] == f"counties.{table} (view)"
    assert view[1].startswith(f"marts.{table}: the rows of counties")
    listed = krat(refreshed.home, "--tables").stdout
    [line] = re.findall(rf"^marts\.{table} .*", listed, re.MULTILINE)
    assert "One row is" in line
    assert re.search(rf"^nation\.{table} .* view ", listed, re.MULTILINE)


@pytest.mark.parametrize(
    "attempt",
    [
        "create table mine as select 1",
        "insert into core.dim_counties select * from core.dim_counties",
        "delete from marts.indicator_progress",
        "select * from read_csv('pyproject.toml')",
        "select * from read_text('/etc/hostname')",
        "select * from 'README.md'",
        "select * from glob('*')",
        "attach 'other.duckdb'",
        "attach ':memory:' as more",
        "copy (select 1) to 'out.csv'",
        "export database 'out'",
        "set enable_external_access = true",
        "set lock_configuration = false",
        "reset enable_external_access",
        "install httpfs",
        "load httpfs",
        "set profiling_output = 'profile.json'",
    ],
)
def test_a_question_reaches_no_other_file_and_changes_nothing(
    refreshed: Refreshed, attempt: str
) -> None:
    with reading(refreshed.home) as connection, pytest.raises(duckdb.Error):
        connection.execute(attempt).fetchall()


def test_a_table_explains_itself(refreshed: Refreshed) -> None:
    told = krat(refreshed.home, "--describe", "marts.indicator_progress").stdout
    assert told.startswith("marts.indicator_progress (")
    assert "One row is an indicator in a county" in told
    assert "actual_year_to_date" in told
    assert krat(refreshed.home, "--describe", "indicator_progress").stdout == told
    listed = krat(refreshed.home, "--tables").stdout
    assert "marts.indicator_progress" in listed
    assert "quality.findings" in listed
    lost = krat(refreshed.home, "--describe", "marts.indicator_progres")
    assert lost.exit_code == 1
    assert "did you mean marts.indicator_progress" in lost.stderr


def test_questions_come_from_standard_input_one_after_another(
    refreshed: Refreshed, tmp_path: Path
) -> None:
    target = tmp_path / "answer.csv"
    typed = f"select count(*) as n\nfrom core.dim_indicators;\n.export {target}\n.tables\nselect 7"
    result = krat(refreshed.home, typed=typed)
    assert result.exit_code == 0
    assert "66" in result.stdout
    assert "Wrote 1 rows" in result.stdout
    assert "core.dim_months" in result.stdout
    assert result.stdout.rstrip().endswith("7")
    broken = krat(refreshed.home, typed="select nope;\nselect 8;")
    assert broken.exit_code == 1
    assert "Error: Binder Error" in broken.stdout
    assert "8" in broken.stdout


def test_the_prompt_works_on_a_terminal(refreshed: Refreshed) -> None:
    """Through a pseudo-terminal, as a person would: a question over two lines, a command."""
    import os
    import pty

    ours, theirs = pty.openpty()
    environment = os.environ | {
        "KRAT_HOME": str(refreshed.home.root),
        "KRAT_KEYS": str(refreshed.home.keys),
        "TERM": "dumb",
        "PROMPT_TOOLKIT_NO_CPR": "1",
    }
    call = "from orchestration.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", call, "sql"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        cwd=PROJECT,
    )
    os.close(theirs)
    try:
        said = _until(ours, "krat> ")
        os.write(ours, b"select count(*) * 100 as n\r")
        os.write(ours, b"from core.dim_indicators;\r")
        said += _until(ours, "6600")
        os.write(ours, b".describe core.dim_counties\r")
        said += _until(ours, "is_nation")
        os.write(ours, b".quit\r")
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert ".export FILE" in said


def _until(terminal: int, wanted: str, seconds: float = 30) -> str:
    import os
    import select

    said = ""
    until = time.monotonic() + seconds
    while wanted not in said:
        ready, _, _ = select.select([terminal], [], [], max(0, until - time.monotonic()))
        assert ready, f"waited in vain for {wanted!r}; got {said!r}"
        said += os.read(terminal, 65536).decode(errors="replace")
    return said


HOSTILE = "=HYPERLINK('http://x')"
ODD = (
    f"select '{HOSTILE.replace(chr(39), chr(39) * 2)}' as \"=1+1\", -3 as n, 2.5 as share, "
    "date '2023-05-01' as day, null as nothing, true as yes, '+355' as text"
)


def test_answers_become_files_that_are_safe_and_keep_their_numbers(
    refreshed: Refreshed, tmp_path: Path
) -> None:
    for name in ("a.csv", "a.xlsx", "a.parquet"):
        result = krat(refreshed.home, ODD, "--export", str(tmp_path / name))
        assert result.exit_code == 0, result.output
        assert "Wrote 1 rows" in result.stdout
    (head, row) = csv.reader(io.StringIO((tmp_path / "a.csv").read_text(encoding="utf-8-sig")))
    assert not [cell for cell in (*head, *row) if re.match(r"[=+@\t\r]", cell)]
    assert row[1:3] == ["-3", "2.5"]
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    assert sheet is not None
    assert [cell.data_type for cell in sheet[1]] == ["s"] * 7
    assert [cell.data_type for cell in sheet[2]] == ["s", "n", "n", "d", "n", "b", "s"]
    assert sheet["A2"].value == HOSTILE
    assert (sheet["B2"].value, sheet["C2"].value, sheet["E2"].value) == (-3, 2.5, None)
    frame = pd.read_parquet(tmp_path / "a.parquet")
    assert frame["n"].item() == -3


def test_an_export_overwrites_nothing_and_knows_its_formats(
    refreshed: Refreshed, tmp_path: Path
) -> None:
    there = tmp_path / "there.csv"
    there.write_text("mine", encoding="utf-8")
    for target, said in ((there, "is there already"), (tmp_path / "a.docx", "ends in none of")):
        result = krat(refreshed.home, "select 1", "--export", str(target))
        assert result.exit_code == 1
        assert said in result.stderr
    assert there.read_text(encoding="utf-8") == "mine"


def test_who_asks_is_told_of_a_newer_copy_and_reads_on_in_the_old(own_home: Home) -> None:
    with reading(own_home) as connection:
        shell = Shell(own_home, connection)
        before = shell.answer(f"{SUM};")
        assert shell.newer() is None
        (own_home.gate / "copied.json").unlink()
        write_reading_copy(own_home)
        assert shell.answer(f"{SUM};") == before
        assert "newer reading copy" in str(shell.newer())
        assert shell.newer() is None


def test_readers_in_a_loop_neither_fail_nor_hold_up_a_refresh(own_home: Home) -> None:
    """The benchmark reading_while_refreshing shows the same with twenty readers, ten times."""
    seen = read_while_refreshing(own_home, readers=4, refreshes=1)
    assert seen.failed == 0
    assert seen.copies == 2
    assert min(seen.questions) >= 3
