"""Who reported how: a month of a county as it stands now, or as it stood on a day.

Belongs here: asking the reading copy. Not here: how it is told (orchestration.commands), or the
mart of it (dbt_project).
"""

from dataclasses import dataclass
from datetime import date

import duckdb

from sources.custody.decisions import finding_decisions
from sources.custody.home import Home


@dataclass(frozen=True)
class Standing:
    """How an institution of a county reported in a month; `trend` is None as of a past day.

    `days_late` counts to the first accepted report, None where none came.
    """

    county_code: str
    institution_code: str
    expected: int
    received: int
    on_time: int
    refused: int
    open_findings: int
    waived_findings: int
    days_late: int | None
    trend: str | None


def standings(home: Home, month: date, county_code: str | None = None) -> list[Standing]:
    """Return the rows of marts.reporting_status for a month, of one county or of all."""
    return _standings(
        home,
        "select county_code, institution_code, expected, received, on_time, refused, "
        "open_findings, waived_findings, days_late, trend from marts.reporting_status "
        "where reporting_month = $month and county_code = coalesce($county, county_code) "
        "order by all",
        {"month": month, "county": county_code},
    )


def standings_as_of(
    home: Home, month: date, day: date, county_code: str | None = None
) -> list[Standing]:
    """Return what could be said on a day, from obligations recorded and files received by then.

    The same day gives the same answer whenever it is asked, as long as registers are edited by
    withdrawing and recording rows. A waiver counts if it was given by the day, stood at its end,
    and held then.
    """
    return _standings(home, AS_OF, {"month": month, "county": county_code, "day": day})


AS_OF = """
with due as (
    select distinct o.county_code, o.institution_code, m.reporting_deadline
    from core.reporting_obligations as o
    inner join core.dim_months as m on m.month = $month
    where
        o.recorded_from <= $day
        and coalesce(o.recorded_to > $day, true)
        and o.valid_from <= m.month
        and coalesce(o.valid_to, m.month) >= m.month
        and m.month <= $day
        and (
            o.frequency = 'monthly'
            or (o.frequency = 'quarterly' and m.month_number in (3, 6, 9, 12))
            or (o.frequency = 'yearly' and m.month_number = 12)
        )
),
reports as (
    select
        county_code,
        institution_code,
        min(received_at) filter (where version is not null) as first_received_at,
        count(*) filter (where status = 'refused') as refused
    from core.fct_submissions
    where
        reporting_month = $month
        and frequency = 'month'
        and cast(received_at as date) <= $day
    group by all
),
waivers as (
    select finding_id
    from finding_decisions
    where
        decision in ('waived', 'waiver_withdrawn')
        and cast(decided_at as date) <= $day
    group by finding_id
    having
        arg_max(decision, entry_number) = 'waived'
        and arg_max(holds_until, entry_number) >= $day
),
findings as (
    select
        f.county_code,
        f.institution_code,
        count(*) filter (where w.finding_id is null and f.severity <> 'informs') as open_findings,
        count(*) filter (where w.finding_id is not null) as waived_findings
    from quality.findings as f
    left join waivers as w using (finding_id)
    where
        f.reporting_month = $month
        and f.institution_code is not null
        and cast(f.found_at as date) <= $day
        and coalesce(cast(f.mended_at as date) > $day, true)
    group by all
),
places as (
    select county_code, institution_code from due
    union
    select county_code, institution_code from reports
    union
    select county_code, institution_code from findings
)
select
    p.county_code,
    p.institution_code,
    cast(d.institution_code is not null as integer),
    cast(r.first_received_at is not null as integer),
    cast(coalesce(cast(r.first_received_at as date) <= d.reporting_deadline, false) as integer),
    coalesce(r.refused, 0),
    coalesce(f.open_findings, 0),
    coalesce(f.waived_findings, 0),
    greatest(
        date_diff('day', d.reporting_deadline, cast(r.first_received_at as date)),
        case when r.first_received_at is not null then 0 end
    ),
    null
from places as p
left join due as d using (county_code, institution_code)
left join reports as r using (county_code, institution_code)
left join findings as f using (county_code, institution_code)
where p.county_code = coalesce($county, p.county_code)
order by all
"""


def _standings(home: Home, query: str, parameters: dict[str, object]) -> list[Standing]:
    with duckdb.connect(str(home.marts), read_only=True) as connection:
        connection.register("finding_decisions", finding_decisions(home))
        return [Standing(*row) for row in connection.execute(query, parameters).fetchall()]
