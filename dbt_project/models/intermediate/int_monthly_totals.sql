-- The totals with a number in all reports of a month, every version of a report. What the door
-- found to be more than can be true is not credible: beside millions nothing else looks strange.
{{ config(materialized='table') }}

with implausible as (
    select distinct
        delivery_id,
        row_number
    from {{ ref('stg_door_findings') }}
    where rule = 'implausible_count'
)

select
    actuals.county_code,
    actuals.institution_code,
    actuals.plan_code,
    actuals.indicator_code,
    indicators.measure_code,
    indicators.target_basis,
    indicators.target_basis not in ('milestone', 'level') as is_additive,
    actuals.reporting_month,
    actuals.value,
    implausible.delivery_id is null as is_credible,
    actuals.delivery_id,
    actuals.sheet,
    actuals.cell,
    actuals.row_number,
    actuals.received_at,
    actuals.superseded_at,
    actuals.is_made_up
from {{ ref('fct_actuals') }} as actuals
inner join {{ ref('dim_indicators') }} as indicators
    on
        actuals.plan_code = indicators.plan_code
        and actuals.indicator_code = indicators.indicator_code
left join implausible
    on
        actuals.delivery_id = implausible.delivery_id
        and actuals.row_number = implausible.row_number
where
    actuals.frequency = 'month'
    and actuals.is_replaced is not true
    and actuals.category = 'total'
    and actuals.value_state in ('number', 'zero')
