-- What each institution reported for a month, as it holds now, and whether that is all. Where the
-- register says who owes a value, the same value from another institution is a finding, and not a
-- second count of the same people.
{{ config(materialized='table') }}

with lines as (
    select
        actuals.*,
        indicators.partition_categories
    from {{ ref('fct_actuals') }} as actuals
    left join {{ ref('dim_indicators') }} as indicators
        on
            actuals.plan_code = indicators.plan_code
            and actuals.indicator_code = indicators.indicator_code
    where actuals.superseded_at is null and actuals.frequency = 'month'
),

reports as (
    select
        county_code,
        institution_code,
        plan_code,
        indicator_code,
        reporting_month,
        {{ report_value() | indent(8) }} as value,
        {{ is_reported_in_full() | indent(8) }} as is_received,
        bool_or(is_made_up) as is_made_up
    from lines
    group by county_code, institution_code, plan_code, indicator_code, reporting_month
)

select
    reports.*,
    {{ is_counted('reports') }} as is_counted
from reports
