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
    follows,
    read_record,
    require_pass,
    write_record,
)
from expectations.validate import Check
from sources.custody.home import Home

MONTH = date(2023, 5, 1)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(root=tmp_path / "home", keys=tmp_path / "keys")


def judged(**changes: Any) -> GateRecord:
    given: dict[str, Any] = {
        "county_code": "AL-04",
        "reporting_month": MONTH,
        "as_of": date(2023, 6, 20),
        "content_hash": "c",
        "suites_hash": "s",
        "checks": [check(success=True)],
        "failed_tests": [],
        "findings": findings(),
        "menders": {"mart_out_of_range": "krat", "warehouse_test_failed": "krat"},
        "is_made_up": True,
    }
    return decide(**{**given, **changes})


def check(success: bool) -> Check:
    return Check(
        table="indicator_progress",
        rule="mart_out_of_range",
        expectation="ExpectColumnValuesToBeBetween",
        column="completeness",
        success=success,
        checked=1,
        failed=int(not success),
        failed_rows=() if success else (0,),
    )


def findings(*rows: tuple[str, str, str, str], county_code: str = "AL-04") -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=["rule", "severity", "stage", "state"])
    return frame.assign(
        finding_id=[f"f{number}" for number in range(len(rows))],
        county_code=county_code,
        mended_by="committee",
        waived_by="KRAT",
        waiver_reason="known",
        waived_until=pd.Timestamp("2023-12-31"),
    )


def test_a_passed_record_lets_its_content_through(home: Home) -> None:
    write_record(home, judged())
    record = read_record(home, "AL-04", MONTH)
    assert record == judged()
    require_pass(record, "c", "s", set())


def test_no_record_no_release(home: Home) -> None:
    record = read_record(home, "AL-04", MONTH)
    assert record is None
    with pytest.raises(GateRefused):
        require_pass(record, "c", "s", set())


@pytest.mark.parametrize(("content", "suites"), [("other", "s"), ("c", "other")])
def test_changed_content_or_conditions_are_refused(content: str, suites: str) -> None:
    with pytest.raises(GateRefused):
        require_pass(judged(), content, suites, set())


def test_a_false_table_blocks() -> None:
    for changes in (
        {"checks": [check(success=False)]},
        {"failed_tests": ["a_population_is_never_summed"]},
        {"findings": findings(("mart_unknown_code", "blocks", "mart", "open"))},
    ):
        record = judged(**changes)
        assert record.verdict == "blocked"
        with pytest.raises(GateRefused):
            require_pass(record, "c", "s", set())


def test_a_missing_report_and_a_refused_file_flag() -> None:
    record = judged(
        findings=findings(
            ("missing_report", "warns", "warehouse", "open"),
            ("unreadable_file", "blocks", "door", "open"),
            ("late_report", "warns", "warehouse", "mended"),
        )
    )
    assert (record.verdict, record.flagged_count) == ("pass", 2)


@pytest.mark.parametrize("state", ["open", "sent", "answered"])
def test_a_blocking_finding_blocks_until_it_is_mended_or_waived(state: str) -> None:
    asked = judged(findings=findings(("correction_without_ground", "blocks", "warehouse", state)))
    assert asked.blocking == [
        {"rule": "correction_without_ground", "mended_by": "committee", "count": 1}
    ]
    with pytest.raises(GateRefused, match=r"correction_without_ground \(1, mended by committee\)"):
        require_pass(asked, "c", "s", set())
    for settled in ("mended", "waived"):
        row = ("correction_without_ground", "blocks", "warehouse", settled)
        assert judged(findings=findings(row)).verdict == "pass"


def test_a_verdict_that_rests_on_a_waiver_counts_only_while_it_holds() -> None:
    record = judged(
        findings=findings(("correction_without_ground", "blocks", "warehouse", "waived"))
    )
    assert record.waivers[0]["waived_until"] == "2023-12-31"
    require_pass(record, "c", "s", {"f0"})
    with pytest.raises(GateRefused, match="lapsed or was withdrawn"):
        require_pass(record, "c", "s", set())


def test_the_verdict_follows_from_what_its_record_keeps(home: Home) -> None:
    for changes in (
        {},
        {"checks": [check(success=False)]},
        {"failed_tests": ["a_population_is_never_summed"]},
        {"findings": findings(("mart_unknown_code", "blocks", "mart", "answered"))},
    ):
        write_record(home, judged(**changes))
        record = read_record(home, "AL-04", MONTH)
        assert record is not None
        assert follows(record)
        assert not follows(
            replace(record, verdict="pass" if record.verdict == "blocked" else "blocked")
        )
    forged = replace(record, verdict="pass")
    with pytest.raises(GateRefused, match="does not follow"):
        require_pass(forged, "c", "s", set())


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
