"""What was reported last, for the forms to show beside what they ask.

Belongs here: asking the reading copy. Not here: how a form is written (sources.forms).
"""

from datetime import date

import duckdb

from sources.custody.home import Home
from sources.forms import LastValues


def last_values(home: Home, county_code: str, month: date) -> LastValues:
    """Return the newest value before `month` of each institution, indicator and category.

    Of an earlier plan they are those of the indicator whose values can be compared: its codes may
    mean something else. Where nothing is published yet there are none.
    """
    if not home.marts.exists():
        return {}
    with duckdb.connect(str(home.marts), read_only=True) as connection:
        rows = connection.execute(
            "select institution_code, now.indicator_code, category, "
            "arg_max(value, reporting_month) from core.fct_values_in_turn "
            "inner join core.dim_indicators as earlier using (plan_code, indicator_code) "
            "inner join core.dim_indicators as now "
            "on earlier.comparable_code = now.comparable_code "
            "inner join core.dim_months as months on now.plan_code = months.plan_code "
            "where county_code = $1 and months.month = $2 and reporting_month < $2 "
            "and coalesce(next_month >= $2, true) group by all",
            [county_code, month],
        ).fetchall()
    return {(row[0], row[1], row[2]): row[3] for row in rows}
