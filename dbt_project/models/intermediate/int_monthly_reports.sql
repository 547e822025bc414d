-- What each institution reported for a month: the total or, without one, the sum of its parts where
-- they are a partition. A blank is no value at all: nothing here turns null into zero. Where the
-- register says who owes a value, the same value from another institution is a finding, and not a
-- second count of the same people.
{{ config(materialized='table') }}

with reports as (
    select
        county_code,
        institution_code,
        plan_code,
        indicator_code,
        reporting_month,
        coalesce(
            sum(value) filter (where category = 'total' and value_state in ('number', 'zero')),
            sum(value) filter (
                where breakdown_kind = 'partition' and value_state in ('number', 'zero')
            )
        ) as value,
        bool_or(value_state in ('number', 'zero', 'not_applicable')) filter (
            where breakdown_kind in ('total', 'partition')
        ) as is_received,
        bool_or(is_made_up) as is_made_up
    from {{ ref('fct_actuals') }}
    where superseded_at is null and frequency = 'month'
    group by county_code, institution_code, plan_code, indicator_code, reporting_month
)

select
    reports.*,
    {{ is_counted('reports') }} as is_counted
from reports
