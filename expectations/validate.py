"""Running a suite over a frame with Great Expectations.

Belongs here: the only use of Great Expectations, imported when a frame is validated because the
import costs seconds. Not here: the conditions (suites) or what follows from a failure.
"""

import logging
import sys
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Any

import pandas as pd
from pandas.api.types import is_datetime64_any_dtype

from expectations.suites import Condition, load_suite
from sources.codes import codes_of
from sources.registers import Registers


@dataclass(frozen=True)
class Check:
    """What a condition said of a frame: counts and positions of rows, never a value of theirs."""

    table: str
    rule: str
    expectation: str
    column: str | None
    success: bool
    checked: int
    failed: int
    failed_rows: tuple[int, ...]


#: Arguments that name a column.
_COLUMNS = ("column", "column_A", "column_B")

#: Expectations that ask each row by itself, whatever stands in the rest of its columns.
_OF_EACH_ROW = (
    "ExpectColumnValuesToNotBeNull",
    "ExpectColumnValuesToBeBetween",
    "ExpectColumnValuesToBeInSet",
    "ExpectColumnPairValuesAToBeGreaterThanB",
)


def prepare() -> None:
    """Load what validating needs, which takes seconds, before there is anything to validate."""
    _definition()


def validate(frame: pd.DataFrame, suite_name: str, registers: Registers) -> list[Check]:
    """Return a check a condition of the suite; `failed_rows` are positions in the frame.

    A condition on a column that the frame lacks fails as a whole, with no row to blame.
    """
    return validate_all({suite_name: frame}, registers)[suite_name]


def validate_all(
    frames: Mapping[str, pd.DataFrame], registers: Registers
) -> dict[str, list[Check]]:
    """Return what `validate` says of each frame, by the name of its suite.

    What is asked alike of many columns, of whichever frame, is asked once: Great Expectations costs
    by the condition, hardly by the row.
    """
    questions = {
        name: [_Question(condition, frame) for condition in load_suite(name)]
        for name, frame in ((name, frames[name].reset_index(drop=True)) for name in frames)
    }
    asked = {
        name: [question for question in asked if question.needed <= set(question.frame.columns)]
        for name, asked in questions.items()
    }
    found: dict[_Question, _Result] = {}
    for alike in _asked_alike([question for name in asked for question in asked[name]]):
        found |= _ask_as_one(alike, registers)
    for name in asked:
        found |= _ask([question for question in asked[name] if question not in found], registers)
    return {
        name: [
            _check(name, question.condition, len(question.frame), found.get(question))
            for question in questions[name]
        ]
        for name in questions
    }


def columns_asked(suite_name: str) -> set[str]:
    """Return the columns that a suite's conditions name: all that a frame of it must have."""
    named: set[str] = set()
    for condition in load_suite(suite_name):
        named |= _needed(condition)
        if condition.rows_where:
            named.add(condition.rows_where["column"])
    return named


@dataclass(frozen=True, eq=False)
class _Question:
    """A condition, and the frame of which it is asked."""

    condition: Condition
    frame: pd.DataFrame

    @property
    def needed(self) -> set[str]:
        return _needed(self.condition)

    @property
    def columns(self) -> list[str]:
        return _columns(self.condition)


@dataclass(frozen=True)
class _Result:
    """What Great Expectations said of one condition: whether it holds, and the rows that fail."""

    success: bool
    rows: tuple[int, ...]


def _ask(questions: list[_Question], registers: Registers) -> dict[_Question, _Result]:
    """Return what is found of each question, all of one frame: they share what is counted of it.

    Which rows fail is asked of those that don't hold: it costs most, and nearly all do.
    """
    if not questions:
        return {}
    batch = _batch(questions[0].frame)
    found = {}
    left = questions
    # Values are in these results and stay in them: only counts and positions leave the function.
    for result_format in ("BOOLEAN_ONLY", "COMPLETE"):
        for result in batch.validate(_suite(left, registers), result_format=result_format).results:
            rows = result.result.get("unexpected_index_list") or ()
            question = left[result.expectation_config.meta["position"]]
            found[question] = _Result(bool(result.success), tuple(int(row) for row in rows))
        left = [question for question in left if not found[question].success]
        if not left:
            break
    return found


def _suite(questions: list[_Question], registers: Registers) -> Any:
    return _great_expectations().ExpectationSuite(
        name="conditions",
        expectations=[
            _expectation(question.frame, question.condition, registers, position)
            for position, question in enumerate(questions)
        ],
    )


def _asked_alike(questions: list[_Question]) -> list[list[_Question]]:
    """Return the questions that ask the same of several columns, or pairs of them."""
    alike: dict[tuple[object, ...], list[_Question]] = {}
    for question in questions:
        condition = question.condition
        if condition.expectation in _OF_EACH_ROW and not condition.rows_where:
            others = {
                name: value for name, value in condition.kwargs.items() if name not in _COLUMNS
            }
            key = (
                condition.expectation,
                str(sorted(others.items())),
                condition.value_set_from,
                condition.code_list,
                *(question.frame[column].dtype for column in question.columns),
            )
            alike.setdefault(key, []).append(question)
    return [questions for questions in alike.values() if len(questions) > 1]


def _ask_as_one(questions: list[_Question], registers: Registers) -> dict[_Question, _Result]:
    """Ask of several columns, one below the other, what is asked of each; return it by question.

    Nothing is returned where it can't be said which rows fail, as of values that can't be compared:
    then each is asked by itself.
    """
    first = questions[0]
    parts = [
        question.frame[question.columns].set_axis(first.columns, axis="columns")
        for question in questions
    ]
    as_one = _Question(first.condition, pd.concat(parts, ignore_index=True))
    [found] = _ask([as_one], registers).values()
    if not found.success and not found.rows:
        return {}
    begins = list(accumulate((len(part) for part in parts), initial=0))
    failed: dict[_Question, list[int]] = {question: [] for question in questions}
    for row in found.rows:
        place = bisect_right(begins, row) - 1
        failed[questions[place]].append(row - begins[place])
    return {question: _Result(not rows, tuple(rows)) for question, rows in failed.items()}


def _great_expectations() -> Any:
    """Return the library, imported at the first use, because that takes seconds.

    It imports PySpark wherever that is installed, of which krat uses nothing here, and a part of
    that ends the process where the main module has no file, as in a worker.
    """
    if "great_expectations" in sys.modules:
        return sys.modules["great_expectations"]
    hidden = {name: sys.modules.get(name) for name in ("pyspark", "pyspark.sql", "pyspark.ml")}
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        import great_expectations
    finally:
        for name, module in hidden.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
    return great_expectations


@cache
def _definition() -> Any:
    gx = _great_expectations()
    from great_expectations.data_context.types.base import ProgressBarsConfig

    # It raises this logger's level itself, to tell of temporary folders.
    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)
    context = gx.get_context(mode="ephemeral")
    context.variables.analytics_enabled = False
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("frame")
    return asset.add_batch_definition_whole_dataframe("whole")


def _batch(frame: pd.DataFrame) -> Any:
    return _definition().get_batch({"dataframe": frame})


def _needed(condition: Condition) -> set[str]:
    return {*condition.kwargs.get("column_list", []), *_columns(condition)}


def _columns(condition: Condition) -> list[str]:
    return [condition.kwargs[name] for name in _COLUMNS if name in condition.kwargs]


def _expectation(
    frame: pd.DataFrame, condition: Condition, registers: Registers, position: int
) -> Any:
    from great_expectations import expectations as gxe

    kwargs = dict(condition.kwargs)
    if condition.value_set_from:
        codes = sorted(getattr(registers, condition.value_set_from))
        # DuckDB hands dates over as timestamps, which equal no date.
        if is_datetime64_any_dtype(frame[condition.column]):
            codes = [pd.Timestamp(code) for code in codes]
        kwargs["value_set"] = codes
    if condition.code_list:
        shipped = {code.code for code in codes_of(condition.code_list)}
        kwargs["value_set"] = sorted(shipped | registers.codes_added_to(condition.code_list))
    if condition.rows_where:
        kwargs["row_condition"] = _rows_where(**condition.rows_where)
    return getattr(gxe, condition.expectation)(**kwargs, meta={"position": position})


def _check(table: str, condition: Condition, checked: int, found: _Result | None) -> Check:
    success, rows = (found.success, found.rows) if found else (False, ())
    # Where the whole fails, as for a column that is not there, every row does.
    failed = checked if found is None else len(rows) or int(not success)
    return Check(
        table=table,
        rule=condition.rule,
        expectation=condition.expectation,
        column=condition.column,
        success=success,
        checked=checked,
        failed=failed,
        failed_rows=rows,
    )


def _rows_where(
    column: str,
    is_in: list[str] | None = None,
    is_not_in: list[str] | None = None,
    is_null: bool = False,
    is_true: bool = False,
    at_most: float | None = None,
) -> Any:
    from great_expectations.expectations.row_conditions import Column

    if is_null:
        return Column(column).is_null()
    if is_true:
        return Column(column) == is_true
    if is_in:
        return Column(column).is_in(is_in)
    if is_not_in:
        return Column(column).is_not_in(is_not_in)
    return Column(column) <= at_most
