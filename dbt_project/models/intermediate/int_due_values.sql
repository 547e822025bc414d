-- Each value that a county's institution owes, with what it reported and what it reported before.
{{ config(materialized='table') }}

select
    due.county_code,
    due.institution_code,
    due.plan_code,
    due.indicator_code,
    due.reporting_month,
    due.frequency,
    indicators.target_basis not in ('milestone', 'level') as is_additive,
    totals.value,
    lag(due.reporting_month) over institution_values as month_before,
    lag(totals.value) over institution_values as value_before
from {{ ref('fct_values_due') }} as due
inner join {{ ref('dim_indicators') }} as indicators
    on
        due.plan_code = indicators.plan_code
        and due.indicator_code = indicators.indicator_code
left join {{ ref('int_monthly_totals') }} as totals
    on
        due.county_code = totals.county_code
        and due.institution_code = totals.institution_code
        and due.plan_code = totals.plan_code
        and due.indicator_code = totals.indicator_code
        and due.reporting_month = totals.reporting_month
        and totals.superseded_at is null
window institution_values as (
    partition by due.county_code, due.institution_code, due.plan_code, due.indicator_code
    order by due.reporting_month
)
