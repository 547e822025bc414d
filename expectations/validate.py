"""Running a suite over a frame with Great Expectations.

Belongs here: the only use of Great Expectations, imported when a frame is validated because the
import costs seconds. Not here: the conditions (suites) or what follows from a failure.
"""

import logging
from dataclasses import dataclass
from functools import cache
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


def validate(frame: pd.DataFrame, suite_name: str, registers: Registers) -> list[Check]:
    """Return a check a condition of the suite; `failed_rows` are positions in the frame.

    A condition on a column that the frame lacks fails as a whole, with no row to blame.
    """
    conditions = load_suite(suite_name)
    batch = _batch(frame.reset_index(drop=True))
    return [_check(suite_name, batch, frame, condition, registers) for condition in conditions]


@cache
def _definition() -> Any:
    import great_expectations as gx
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


def _check(
    table: str, batch: Any, frame: pd.DataFrame, condition: Condition, registers: Registers
) -> Check:
    from great_expectations import expectations as gxe

    kinds = ("column", "column_A", "column_B")
    needed = condition.kwargs.get("column_list") or [
        condition.kwargs[kind] for kind in kinds if kind in condition.kwargs
    ]
    if any(name not in frame.columns for name in needed):
        return _result(
            table, condition, success=False, checked=len(frame), failed=len(frame), rows=()
        )
    kwargs = dict(condition.kwargs)
    if condition.value_set_from:
        codes = sorted(getattr(registers, condition.value_set_from))
        # DuckDB hands dates over as timestamps, which equal no date.
        if is_datetime64_any_dtype(frame[condition.column]):
            codes = [pd.Timestamp(code) for code in codes]
        kwargs["value_set"] = codes
    if condition.code_list:
        kwargs["value_set"] = sorted({code.code for code in codes_of(condition.code_list)})
    if condition.rows_where:
        kwargs["row_condition"] = _rows_where(**condition.rows_where)
    expectation = getattr(gxe, condition.expectation)(**kwargs)
    # Values are in this result and stay in it: only counts and positions leave the function.
    outcome = batch.validate(expectation, result_format="COMPLETE")
    rows = tuple(int(row) for row in outcome.result.get("unexpected_index_list") or ())
    return _result(
        table,
        condition,
        success=bool(outcome.success),
        checked=len(frame),
        failed=len(rows) if rows else int(not outcome.success),
        rows=rows,
    )


def _rows_where(
    column: str,
    is_in: list[str] | None = None,
    is_not_in: list[str] | None = None,
    is_null: bool = False,
    at_most: float | None = None,
) -> Any:
    from great_expectations.expectations.row_conditions import Column

    if is_null:
        return Column(column).is_null()
    if is_in:
        return Column(column).is_in(is_in)
    if is_not_in:
        return Column(column).is_not_in(is_not_in)
    return Column(column) <= at_most


def _result(
    table: str,
    condition: Condition,
    *,
    success: bool,
    checked: int,
    failed: int,
    rows: tuple[int, ...],
) -> Check:
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
