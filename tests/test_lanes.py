"""No test is in no lane: each has one kind, and `make` runs each kind somewhere."""

import re
import subprocess
from functools import cache

import pytest
from conftest import KINDS

from orchestration.runtime.settings import PROJECT

LANES = ("check", "test", "drill")


@cache
def commands(lane: str) -> str:
    """Return what a lane of the Makefile runs, were everything to be set up anew."""
    made = subprocess.run(
        ["make", "--dry-run", "--always-make", lane],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout


def runs(lane: str, kind: str) -> bool:
    """Tell whether a lane's expression of marks chooses tests of a kind."""
    chosen = re.findall(r"-m pytest .*-m (\w+|\"[\w ]+\")", commands(lane))
    assert len(chosen) == 1, f"make {lane} runs pytest otherwise than once, or without -m"
    names = {each: each == kind for each in KINDS}
    return bool(eval(chosen[0].strip('"'), {"__builtins__": {}}, names))


def test_each_kind_is_run_by_a_lane() -> None:
    assert {kind: [lane for lane in LANES if runs(lane, kind)] for kind in KINDS} == {
        "unit": ["check", "test"],
        "slow": ["test"],
        "data": ["test"],
        "program": ["test"],
        "drill": ["drill"],
    }


def test_each_test_is_of_one_kind_and_none_is_skipped(request: pytest.FixtureRequest) -> None:
    for item in request.session.items:
        marks = {mark.name for mark in item.iter_markers()}
        # A fixture can make more of a test than its mark says: what is first counts.
        kind = next(kind for kind in KINDS if kind in marks)
        assert "unit" not in marks or kind == "unit", item.nodeid
        assert not marks & {"skip", "skipif", "xfail"}, item.nodeid


def test_each_file_of_tests_is_collected() -> None:
    """pytest takes `test_*.py` under its testpaths alone; a test elsewhere would never run."""
    strays = [
        path.relative_to(PROJECT).as_posix()
        for path in (PROJECT / "tests").rglob("*.py")
        if re.search(r"^def test_", path.read_text(encoding="utf-8"), re.MULTILINE)
        and not path.name.startswith("test_")
    ]
    assert not strays


def test_each_benchmark_and_fuzzer_is_run_by_drill_or_bench() -> None:
    run = commands("drill") + commands("bench")
    scripts = [
        path.relative_to(PROJECT).as_posix()
        for folder in ("benchmarks", "drills", "fuzz")
        for path in (PROJECT / "tests" / folder).glob("*.py")
        if re.search(r"^(if __name__|main\()", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert len(scripts) >= 6
    assert not [script for script in scripts if script not in run]


def test_ci_runs_what_a_developer_runs() -> None:
    script = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
    assert [line for line in script.splitlines() if line.startswith("make")] == ["make test"]
