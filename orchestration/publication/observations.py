"""Every number of a release on a row of its own, with its observation and confidentiality status.

Belongs here: which status a number has. Not here: the numbers (dbt_project) or the code lists
(codes.csv). The codes are those of SDMX's CL_OBS_STATUS and CL_CONF_STATUS.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import duckdb
import pandas as pd

from orchestration.products.codes import ESTIMATED, LOW_RELIABILITY
from orchestration.products.declaration import Product, product
from orchestration.products.tables import ProductTable, table_of

NORMAL, PROVISIONAL = "A", "P"
NOT_REPORTED, CANNOT_EXIST, NOT_COLLECTED = "O", "M", "L"
FREE, INTERNAL = "F", "N"

#: What an empty number is by the state of its row.
_EMPTY_STATES = {
    "not_reported": NOT_REPORTED,
    "not_applicable": CANNOT_EXIST,
    "not_asked": NOT_COLLECTED,
    "unknown": NOT_COLLECTED,
    "refused": NOT_COLLECTED,
}

#: What each number of an indicator is of, as in publication.empty_number_statuses.
_SPANS = {
    "actual_month": "month",
    "actual_year_to_date": "year_to_date",
    "actual_year_to_date_least": "year_to_date",
    "actual_cumulative": "cumulative",
    "actual_cumulative_least": "cumulative",
}

#: What tells that a number of an indicator is a lower bound: a column that is true, or one that has
#: no upper end.
_BOUNDS = {
    "actual_month": "is_month_lower_bound",
    "actual_year_to_date": "actual_year_to_date_most",
    "actual_year_to_date_least": "actual_year_to_date_most",
    "progress_annual": "actual_year_to_date_most",
    "actual_cumulative": "actual_cumulative_most",
    "actual_cumulative_least": "actual_cumulative_most",
    "progress_cumulative": "actual_cumulative_most",
}

#: Units of numbers that are no counts: of a part of the records they are no lower bounds.
_NO_COUNTS = {"share", "hours", "days"}


def observations(
    connection: duckdb.DuckDBPyConnection,
    county_code: str,
    month: date,
    tables: Sequence[ProductTable],
) -> ProductTable:
    """Return the table of all numbers in `tables`, as if the month were final.

    A number is normal, of low reliability where it is a lower bound, or estimated where it may
    fall; an empty one was not reported, was not collected (unknown, refused), can't exist (not
    owed, not applicable), or is suppressed, with the confidentiality status that its row has.
    """
    indicators = {
        code: (unit, sensitive)
        for code, unit, sensitive in connection.execute(
            "select indicator_code, unit, is_person_sensitive from core.dim_indicators "
            "inner join core.dim_months using (plan_code) where month = ?",
            [month],
        ).fetchall()
    }
    statuses = {
        (code, span): status
        for code, span, status in connection.execute(
            "select indicator_code, span, obs_status from publication.empty_number_statuses "
            "where county_code = ? and reporting_month = ?",
            [county_code, month],
        ).fetchall()
    }
    rows = []
    for table in tables:
        mart = table.product
        for record in table.frame.to_dict("records"):
            unit, sensitive = indicators.get(record.get("indicator_code"), ("", False))
            mart_row = mart.row_name(record)
            for measure, column in mart.numbers.items():
                value = record[measure]
                empty = bool(pd.isna(value))
                status = (
                    _empty_status(column.when_empty, statuses, record, measure)
                    if empty
                    else _number_status(record, measure, column.unit)
                )
                rows.append(
                    (
                        county_code,
                        month,
                        mart.name,
                        mart_row,
                        measure,
                        None if empty else float(value),
                        {"as_indicator": unit, "as_subject": record.get("unit")}.get(
                            column.unit, column.unit
                        ),
                        status,
                        _conf_status(mart, sensitive),
                    )
                )
    declared = product("observations")
    frame = pd.DataFrame(rows, columns=list(declared.column_names))
    return table_of(declared, frame.sort_values(list(declared.key), ignore_index=True))


def as_provisional(table: ProductTable) -> ProductTable:
    """Return a table in which every normal value is provisional; one without a status as it is.

    A lower bound stays one: that it may grow is the graver thing to know.
    """
    if "obs_status" not in table.frame:
        return table
    frame = table.frame.assign(obs_status=table.frame["obs_status"].replace({NORMAL: PROVISIONAL}))
    return replace(table, frame=frame)


def _conf_status(mart: Product, is_indicator_sensitive: bool) -> str:
    if mart.is_sensitive == "as_indicator":
        return INTERNAL if is_indicator_sensitive else FREE
    return INTERNAL if mart.is_sensitive == "yes" else FREE


def _number_status(record: dict[Any, Any], measure: str, unit: str) -> str:
    if set(_BOUNDS.values()) <= record.keys():
        sign = record[_BOUNDS[measure]] if measure in _BOUNDS else False
        is_bound = sign if isinstance(sign, bool) else pd.isna(sign)
    else:
        is_bound = record.get("is_lower_bound", False) and unit not in _NO_COUNTS
        is_count = unit and unit not in _NO_COUNTS and not measure.endswith(("_least", "_most"))
        if is_count and record.get("may_fall", False):
            return ESTIMATED
    return LOW_RELIABILITY if is_bound and measure != "target_value" else NORMAL


def _empty_status(
    when_empty: str,
    statuses: dict[tuple[str, str], str],
    record: dict[Any, Any],
    measure: str,
) -> str:
    if when_empty == "as_official":
        return NOT_REPORTED if pd.notna(record["official_source"]) else CANNOT_EXIST
    if when_empty == "as_state" and record["value_state"] in _EMPTY_STATES:
        return _EMPTY_STATES[record["value_state"]]
    # A number that is not all there has no upper end.
    if measure.endswith("_most") and pd.notna(record.get(measure.removesuffix("_most"))):
        return CANNOT_EXIST
    if when_empty == "not_owed":
        return CANNOT_EXIST
    if when_empty == "not_reported":
        return NOT_REPORTED
    if measure not in _SPANS:
        return CANNOT_EXIST
    return statuses[record["indicator_code"], _SPANS[measure]]
