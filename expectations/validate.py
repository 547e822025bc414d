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
    import great_expectations as gx

    conditions = load_suite(suite_name)
    # Together, the conditions share what they count of the frame.
    suite = gx.ExpectationSuite(
        name=suite_name,
        expectations=[
            _expectation(frame, condition, registers, position)
            for position, condition in enumerate(conditions)
            if _needed(condition) <= set(frame.columns)
        ],
    )
    # Values are in these results and stay in them: only counts and positions leave the function.
    outcome = _batch(frame.reset_index(drop=True)).validate(suite, result_format="COMPLETE")
    found = {result.expectation_config.meta["position"]: result for result in outcome.results}
    return [
        _check(suite_name, condition, len(frame), found.get(position))
        for position, condition in enumerate(conditions)
    ]


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


def _needed(condition: Condition) -> set[str]:
    kinds = ("column", "column_A", "column_B")
    named = [condition.kwargs[kind] for kind in kinds if kind in condition.kwargs]
    return {*condition.kwargs.get("column_list", []), *named}


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
        kwargs["value_set"] = sorted({code.code for code in codes_of(condition.code_list)})
    if condition.rows_where:
        kwargs["row_condition"] = _rows_where(**condition.rows_where)
    return getattr(gxe, condition.expectation)(**kwargs, meta={"position": position})


def _check(table: str, condition: Condition, checked: int, outcome: Any | None) -> Check:
    success = outcome is not None and bool(outcome.success)
    rows: tuple[int, ...] = ()
    if outcome is not None:
        rows = tuple(int(row) for row in outcome.result.get("unexpected_index_list") or ())
    # Where the whole fails, as for a column that is not there, every row does.
    failed = checked if outcome is None else len(rows) or int(not success)
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
