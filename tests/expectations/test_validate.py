"""Suites on small frames: what is right passes, what is wrong is found at its row."""

from datetime import date, datetime
from typing import Any

import pandas as pd
import pytest

from expectations.suites import FOLDER, load_suite, suite_hash
from expectations.validate import Check, validate, validate_all
from sources.registers import ActionPlan, Registers

KEY = "a" * 64
SUITES = sorted(path.stem for path in FOLDER.glob("*.yml"))


@pytest.fixture(scope="module")
def registers() -> Registers:
    return Registers(
        counties={"AL", "AL-04"},
        institutions={"AL-04-POLICIA": "AL-04"},
        institution_aliases={},
        indicators={"2.1.9.1": "cases"},
        categories={},
        months={date(2023, 5, 1)},
        rules={},
        plans=(ActionPlan("PKV-2021-2023", date(2021, 1, 1), date(2023, 12, 31)),),
    )


def value(**changes: Any) -> dict[str, Any]:
    return {
        "delivery_id": "0" * 16, "sheet": "Raporti", "cell": "E8", "row_number": 8,
        "county_code": "AL-04", "institution_code": "AL-04-POLICIA",
        "reporting_month": date(2023, 5, 1), "frequency": "month",
        "indicator_code": "2.1.9.1", "figure_label": None, "category": "total",
        "value": 3.0, "value_state": "number", "unit": "cases",
        "reading_note": None, "publication": None, **changes,
    }  # fmt: skip


def contact(**changes: Any) -> dict[str, Any]:
    return {
        "delivery_id": "0" * 16, "row_number": 2, "county_code": "AL-04", "contact_key": KEY,
        "channel": "app", "received_at": datetime(2023, 5, 3, 10, 1), "caller": "self",
        "purpose": "case_report", "suspicion_elements": 3, "exploitation": None,
        "referred_to": None, "accepted_at": None, "outcome": None, "case_key": None,
        "repeat_of_key": None, "duplicate_of_key": None, "event_county_code": None,
        "municipality_code": None, **changes,
    }  # fmt: skip


def progress(**changes: Any) -> dict[str, Any]:
    return {
        "county_code": "AL", "reporting_month": pd.Timestamp(2022, 12, 1),
        "plan_code": "PKV-2021-2023", "indicator_code": "2.1.9.1", "actual_month": None,
        "actual_year_to_date": 112.0, "actual_cumulative": 271.0,
        "target_value": 170.0, "target_scope": "nation",
        "progress_annual": 65.9, "progress_cumulative": 159.4, "status": "ambiguous",
        "completeness": 1.0, "is_lower_bound": False, "activity_status": "active",
        "counties_reporting": 12, "break_before": False,
        "is_made_up": False, **changes,
    }  # fmt: skip


def failures(checks: list[Check]) -> list[tuple[str, tuple[int, ...]]]:
    return [(check.rule, check.failed_rows) for check in checks if not check.success]


def test_each_condition_is_explained_and_serves_one_kind_of_rule() -> None:
    assert len(SUITES) == 16
    for name in SUITES:
        rules = {condition.rule for condition in load_suite(name)}
        assert rules == {"invalid_frame"} or all(rule.startswith("mart_") for rule in rules)
        assert all(condition.why.endswith(".") for condition in load_suite(name))
    assert len(suite_hash()) == 64


def test_good_rows_pass(registers: Registers) -> None:
    blank = value(value=None, value_state="not_reported")
    zero = value(value=0.0, value_state="zero")
    assert not failures(
        validate(pd.DataFrame([value(), blank, zero]), "submission_values", registers)
    )
    assert not failures(validate(pd.DataFrame([contact()]), "hotline_contacts", registers))
    assert not failures(validate(pd.DataFrame([progress()]), "indicator_progress", registers))


@pytest.mark.parametrize(
    "changes",
    [
        {"value": -1.0},
        {"county_code": "AL-99"},
        {"reporting_month": date(2023, 5, 2)},
        {"value": 4.0, "value_state": "unknown"},
        {"value": None},
        {"value": 7.0, "value_state": "zero"},
        {"indicator_code": None},
    ],
)
def test_a_wrong_value_is_found_at_its_position(
    registers: Registers, changes: dict[str, Any]
) -> None:
    frame = pd.DataFrame([value(), value(**changes), value()], index=[7, 8, 9])
    assert failures(validate(frame, "submission_values", registers)) == [("invalid_frame", (1,))]


@pytest.mark.parametrize(
    "changes",
    [{"referred_to": "069 123 4567"}, {"contact_key": "17"}, {"exploitation": "free text"}],
)
def test_nothing_that_names_a_person_passes(registers: Registers, changes: dict[str, Any]) -> None:
    frame = pd.DataFrame([contact(), contact(**changes)])
    checks = validate(frame, "hotline_contacts", registers)
    assert failures(checks) == [("invalid_frame", (1,))]
    assert not any(str(text) in repr(checks) for text in changes.values() if len(text) > 2)


def test_a_county_is_not_measured_against_the_nation(registers: Registers) -> None:
    frame = pd.DataFrame([progress(), progress(county_code="AL-04")])
    assert failures(validate(frame, "indicator_progress", registers)) == [
        ("mart_out_of_range", (1,))
    ]


def test_a_repeated_key_blames_every_row_that_has_it(registers: Registers) -> None:
    frame = pd.DataFrame([progress(), progress()])
    assert failures(validate(frame, "indicator_progress", registers)) == [
        ("mart_key_not_unique", (0, 1))
    ]


def test_a_missing_column_fails_with_no_row_to_blame(registers: Registers) -> None:
    frame = pd.DataFrame([value()]).drop(columns="value")
    found = failures(validate(frame, "submission_values", registers))
    assert found
    assert set(found) == {("invalid_frame", ())}


def test_an_empty_frame_passes(registers: Registers) -> None:
    frame = pd.DataFrame([value()]).iloc[:0]
    assert not failures(validate(frame, "submission_values", registers))


def test_what_is_asked_of_many_columns_is_told_of_each(registers: Registers) -> None:
    counts = dict.fromkeys(
        (
            condition.column
            for condition in load_suite("referral_flow")
            if condition.column and condition.kwargs.get("min_value") == 0
        ),
        1,
    )
    row = {"county_code": "AL-04", "reporting_month": pd.Timestamp(2023, 5, 1), **counts}
    frame = pd.DataFrame([row, row | {"referred": -1}, row | {"identified": -2, "referred": -3}])
    found = {
        (check.column, check.failed_rows)
        for check in validate(frame, "referral_flow", registers)
        if check.expectation == "ExpectColumnValuesToBeBetween" and not check.success
    }
    assert {("referred", (1, 2)), ("identified", (2,))} <= found
    assert not [rows for column, rows in found if column not in ("referred", "identified") and rows]


def test_what_is_asked_of_many_frames_is_told_of_each(registers: Registers) -> None:
    report = {
        "county_code": "AL-04", "institution_code": "AL-04-POLICIA",
        "reporting_month": pd.Timestamp(2023, 5, 1), "expected": 1, "received": 1, "on_time": 1,
        "values_expected": 9, "values_received": 9, "days_late": 0, "is_made_up": False,
    }  # fmt: skip
    rows = [report, report | {"received": 2}, report | {"values_received": 10, "on_time": 0}]
    frames = {
        "indicator_progress": pd.DataFrame([progress(), progress(county_code="AL-13")]),
        "reporting_status": pd.DataFrame([report]).iloc[:0],
        "reporting_completeness": pd.DataFrame([*rows, report | {"county_code": "AL-14"}]),
    }
    together = validate_all(frames, registers)
    found = {
        (name, check.rule, check.failed_rows)
        for name, checks in together.items()
        for check in checks
        if check.failed_rows
    }
    assert {
        ("indicator_progress", "mart_unknown_code", (1,)),
        ("reporting_completeness", "mart_unknown_code", (3,)),
        ("reporting_completeness", "mart_out_of_range", (1,)),
        ("reporting_completeness", "mart_out_of_range", (2,)),
    } <= found
    assert not [name for name, _, _ in found if name == "reporting_status"]
    assert together == {name: validate(frame, name, registers) for name, frame in frames.items()}
