"""Every number of a release on a row of its own, with its observation and confidentiality status.

Belongs here: which status a number has. Not here: the numbers (dbt_project) or the code lists
(codes.csv). The codes are those of SDMX's CL_OBS_STATUS and CL_CONF_STATUS.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import duckdb
import pandas as pd

from expectations.protection import MASKED
from orchestration.products.declaration import Product, product
from orchestration.products.tables import ProductTable, table_of

NORMAL, PROVISIONAL, LOW_RELIABILITY = "A", "P", "U"
NOT_REPORTED, NOT_COLLECTED, CANNOT_EXIST = "O", "L", "M"
SUPPRESSED = "Q"
FREE, INTERNAL = "F", "N"

#: What an empty number of an indicator says: the gravest of what was said of it in the county, in
#: the month, in the year so far, and since the plan began. Nothing owed and nothing said is 0.
_SAID = """
with said as (
    select
        county_code, institution_code, indicator_code, reporting_month,
        bool_or(value_state in ('number', 'zero')) as has_number,
        max(case value_state
            when 'not_reported' then 3 when 'unknown' then 2 when 'refused' then 2 else 1
        end) as gravest
    from core.fct_actuals
    where superseded_at is null and frequency = 'month'
        and (county_code = $county or $county = 'AL')
    group by all
),
due as (
    select distinct county_code, institution_code, indicator_code, reporting_month
    from core.fct_values_due where county_code = $county or $county = 'AL'
),
told as (
    select
        indicator_code, reporting_month,
        case when has_number then 0 when gravest is null then 3 else gravest end as gravest
    from due full join said using (county_code, institution_code, indicator_code, reporting_month)
    where reporting_month <= $month
)
select
    indicator_code,
    coalesce(max(gravest) filter (where reporting_month = $month), 0),
    coalesce(max(gravest) filter (where year(reporting_month) = year($month)), 0),
    coalesce(max(gravest), 0)
from told group by indicator_code
"""

_GRAVITY = {0: CANNOT_EXIST, 1: CANNOT_EXIST, 2: NOT_COLLECTED, 3: NOT_REPORTED}

#: The numbers of an indicator by the span that they are of, in the order of the query's columns.
_SPANS = (
    ("actual_month",),
    ("actual_year_to_date", "actual_year_to_date_least"),
    ("actual_cumulative", "actual_cumulative_least"),
)


def observations(
    connection: duckdb.DuckDBPyConnection,
    county_code: str,
    month: date,
    tables: Sequence[ProductTable],
) -> ProductTable:
    """Return the table of all numbers in `tables`, as if the month were final.

    A number is normal, or of low reliability where it is a lower bound; an empty one was not
    reported, was not collected (unknown, refused), can't exist (not owed, not applicable), or is
    suppressed, with the confidentiality status that its row has.
    """
    indicators = {
        code: (unit, sensitive)
        for code, unit, sensitive in connection.execute(
            "select indicator_code, unit, is_person_sensitive from core.dim_indicators"
        ).fetchall()
    }
    said = {
        code: {
            measure: grave
            for measures, grave in zip(_SPANS, gravity, strict=True)
            for measure in measures
        }
        for code, *gravity in connection.execute(
            _SAID, {"county": county_code, "month": month}
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
                    _empty_status(column.when_empty, said, record, measure)
                    if empty
                    else _number_status(record, column.unit)
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
                        _conf_status(mart, sensitive, record, status),
                    )
                )
    declared = product("observations")
    frame = pd.DataFrame(rows, columns=list(declared.column_names))
    return table_of(declared, frame.sort_values(list(declared.key), ignore_index=True))


def as_provisional(table: ProductTable) -> ProductTable:
    """Return a table in which every normal value is provisional; one without a status as it is."""
    if "obs_status" not in table.frame:
        return table
    frame = table.frame.assign(
        obs_status=table.frame["obs_status"].replace(
            {NORMAL: PROVISIONAL, LOW_RELIABILITY: PROVISIONAL}
        )
    )
    return ProductTable(table.product, table.columns, frame)


def _conf_status(
    mart: Product, is_indicator_sensitive: bool, record: dict[Any, Any], status: str
) -> str:
    if "conf_status" in record:
        return str(record["conf_status"]) if status == SUPPRESSED else FREE
    if mart.is_sensitive == "as_indicator":
        return INTERNAL if is_indicator_sensitive else FREE
    return INTERNAL if mart.is_sensitive == "yes" else FREE


def _number_status(record: dict[Any, Any], unit: str) -> str:
    is_bound = bool(record.get("is_lower_bound", False)) and unit in ("as_indicator", "per_cent")
    return LOW_RELIABILITY if is_bound else NORMAL


def _empty_status(
    when_empty: str, said: dict[str, dict[str, int]], record: dict[Any, Any], measure: str
) -> str:
    if record.get("value_state") in MASKED and measure != "target_value":
        has_target = pd.notna(record["target_value"]) and record["target_value"] > 0
        return SUPPRESSED if measure == "value" or has_target else CANNOT_EXIST
    if when_empty == "not_owed":
        return CANNOT_EXIST
    if when_empty == "not_reported":
        return NOT_REPORTED
    return _GRAVITY[said.get(record["indicator_code"], {}).get(measure, 0)]
