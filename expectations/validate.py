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


#: Expectations that ask each value by itself, whatever stands in the rest of its column.
_OF_EACH_VALUE = (
    "ExpectColumnValuesToNotBeNull",
    "ExpectColumnValuesToBeBetween",
    "ExpectColumnValuesToBeInSet",
)


def validate(frame: pd.DataFrame, suite_name: str, registers: Registers) -> list[Check]:
    """Return a check a condition of the suite; `failed_rows` are positions in the frame.

    A condition on a column that the frame lacks fails as a whole, with no row to blame.
    """
    conditions = load_suite(suite_name)
    frame = frame.reset_index(drop=True)
    asked = [
        position
        for position, condition in enumerate(conditions)
        if _needed(condition) <= set(frame.columns)
    ]
    found: dict[int, _Found] = {}
    for positions in _asked_alike(frame, conditions, asked):
        found |= _ask_as_one(frame, conditions, positions, registers)
    left = [position for position in asked if position not in found]
    found |= _ask(frame, {position: conditions[position] for position in left}, registers)
    return [
        _check(suite_name, condition, len(frame), found.get(position))
        for position, condition in enumerate(conditions)
    ]


@dataclass(frozen=True)
class _Found:
    """What Great Expectations said of one condition: whether it holds, and the rows that fail."""

    success: bool
    rows: tuple[int, ...]


def _ask(
    frame: pd.DataFrame, conditions: dict[int, Condition], registers: Registers
) -> dict[int, _Found]:
    """Return what is found of each condition. Together, they share what they count of the frame.

    Which rows fail is asked of those that don't hold: it costs most, and nearly all do.
    """
    if not conditions:
        return {}
    batch = _batch(frame)
    found = {}
    left = dict(conditions)
    # Values are in these results and stay in them: only counts and positions leave the function.
    for result_format in ("BOOLEAN_ONLY", "COMPLETE"):
        for result in batch.validate(
            _suite(frame, left, registers), result_format=result_format
        ).results:
            rows = result.result.get("unexpected_index_list") or ()
            position = result.expectation_config.meta["position"]
            found[position] = _Found(bool(result.success), tuple(int(row) for row in rows))
        left = {position: left[position] for position in left if not found[position].success}
        if not left:
            break
    return found


def _suite(frame: pd.DataFrame, conditions: dict[int, Condition], registers: Registers) -> Any:
    import great_expectations as gx

    return gx.ExpectationSuite(
        name="conditions",
        expectations=[
            _expectation(frame, condition, registers, position)
            for position, condition in conditions.items()
        ],
    )


def _asked_alike(
    frame: pd.DataFrame, conditions: tuple[Condition, ...], asked: list[int]
) -> list[list[int]]:
    """Return the positions of conditions that ask the same of values in several columns."""
    alike: dict[tuple[object, ...], list[int]] = {}
    for position in asked:
        condition = conditions[position]
        if condition.expectation in _OF_EACH_VALUE and not condition.rows_where:
            others = {name: value for name, value in condition.kwargs.items() if name != "column"}
            key = (
                condition.expectation,
                str(sorted(others.items())),
                condition.value_set_from,
                condition.code_list,
                frame[condition.column].dtype,
            )
            alike.setdefault(key, []).append(position)
    return [positions for positions in alike.values() if len(positions) > 1]


def _ask_as_one(
    frame: pd.DataFrame,
    conditions: tuple[Condition, ...],
    positions: list[int],
    registers: Registers,
) -> dict[int, _Found]:
    """Ask of several columns, one below the other, what is asked of each; return it by condition.

    Great Expectations costs by the condition, hardly by the row. Nothing is returned where it can't
    say which rows fail, as of values that can't be compared: then each is asked by itself.
    """
    first = conditions[positions[0]]
    columns = [frame[conditions[position].column] for position in positions]
    stacked = pd.concat(columns, ignore_index=True).to_frame(first.column)
    [found] = _ask(stacked, {0: first}, registers).values()
    if not found.success and not found.rows:
        return {}
    failed: dict[int, list[int]] = {position: [] for position in positions}
    for row in found.rows:
        failed[positions[row // len(frame)]].append(row % len(frame))
    return {position: _Found(not rows, tuple(rows)) for position, rows in failed.items()}


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


def _check(table: str, condition: Condition, checked: int, found: _Found | None) -> Check:
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
