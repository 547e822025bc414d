"""The gate: nothing goes out without a record that passed this very content."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from expectations.gate import (
    GateRecord,
    GateRefused,
    content_hash,
    decide,
    read_record,
    require_pass,
    write_record,
)
from expectations.validate import Check
from sources.home import Home

MONTH = date(2023, 5, 1)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(root=tmp_path / "home", keys=tmp_path / "keys")


def judged(**changes: Any) -> GateRecord:
    given: dict[str, Any] = {
        "county_code": "AL-04",
        "reporting_month": MONTH,
        "content_hash": "c",
        "suites_hash": "s",
        "checks": [check(success=True)],
        "failed_tests": [],
        "findings": findings(),
        "is_made_up": True,
    }
    return decide(**{**given, **changes})


def check(success: bool) -> Check:
    return Check(
        rule="mart_out_of_range",
        expectation="ExpectColumnValuesToBeBetween",
        column="completeness",
        success=success,
        checked=1,
        failed=int(not success),
        failed_rows=() if success else (0,),
    )


def findings(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["rule", "severity", "stage", "state"])


def test_a_passed_record_lets_its_content_through(home: Home) -> None:
    write_record(home, judged())
    record = read_record(home, "AL-04", MONTH)
    assert record == judged()
    require_pass(record, "c", "s")


def test_no_record_no_release(home: Home) -> None:
    record = read_record(home, "AL-04", MONTH)
    assert record is None
    with pytest.raises(GateRefused):
        require_pass(record, "c", "s")


@pytest.mark.parametrize(("content", "suites"), [("other", "s"), ("c", "other")])
def test_changed_content_or_conditions_are_refused(content: str, suites: str) -> None:
    with pytest.raises(GateRefused):
        require_pass(judged(), content, suites)


def test_a_false_table_blocks() -> None:
    for changes in (
        {"checks": [check(success=False)]},
        {"failed_tests": ["a_population_is_never_summed"]},
        {"findings": findings(("mart_unknown_code", "blocks", "mart", "open"))},
    ):
        record = judged(**changes)
        assert record.verdict == "blocked"
        with pytest.raises(GateRefused):
            require_pass(record, "c", "s")


def test_a_missing_report_and_a_refused_file_flag() -> None:
    record = judged(
        findings=findings(
            ("missing_report", "warns", "warehouse", "open"),
            ("unreadable_file", "blocks", "door", "open"),
            ("late_report", "warns", "warehouse", "mended"),
        )
    )
    assert (record.verdict, record.flagged_count) == ("pass", 2)


def test_the_hash_is_of_names_columns_and_values() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    same = content_hash({"m": frame})
    assert content_hash({"m": frame.copy()}) == same
    others = [
        {"n": frame},
        {"m": frame.rename(columns={"a": "c"})},
        {"m": frame.assign(a=[1, 3])},
        {"m": frame, "n": frame},
    ]
    assert len({same, *(content_hash(other) for other in others)}) == 5


def test_a_newer_record_replaces_the_older_whole(home: Home) -> None:
    write_record(home, judged())
    path = write_record(home, replace(judged(), verdict="blocked", blocking_rules=["x"]))
    record = read_record(home, "AL-04", MONTH)
    assert record is not None
    assert record.verdict == "blocked"
    assert [item.name for item in path.parent.iterdir()] == ["2023-05.json"]
