-- What institutions owe, with every version of what they submitted. Where several owe an indicator,
-- the county's value is their sum: of a replaced version, with what the others report now.
{{ config(materialized='table') }}

with submitted as (
    select
        due.county_code,
        due.institution_code,
        due.plan_code,
        due.indicator_code,
        due.reporting_month,
        due.frequency,
        {{ months_in('due.frequency') }} as months_in_period,
        actuals.value,
        case when actuals.superseded_at is null then actuals.value end as current_value,
        coalesce(actuals.value_state, 'not_reported') as value_state,
        actuals.delivery_id,
        actuals.sheet,
        actuals.cell,
        actuals.row_number,
        actuals.received_at,
        actuals.superseded_at is not null as is_superseded,
        coalesce(actuals.is_made_up, false) as is_made_up
    from {{ ref('fct_values_due') }} as due
    left join {{ ref('fct_actuals') }} as actuals
        on
            due.county_code = actuals.county_code
            and due.institution_code = actuals.institution_code
            and due.plan_code = actuals.plan_code
            and due.indicator_code = actuals.indicator_code
            and due.reporting_month = actuals.reporting_month
            and actuals.frequency = 'month'
            and actuals.is_replaced is not true
            and actuals.category = 'total'
    where due.is_deadline_past or actuals.delivery_id is not null
)

select
    *,
    value + sum(current_value) over of_county
    - coalesce(max(current_value) over of_institution, 0) as county_value,
    max(current_value) over of_county as largest,
    count(distinct institution_code) over of_county as institutions,
    count(current_value) over of_county as reporting
from submitted
window
    of_county as (
        partition by county_code, plan_code, indicator_code, reporting_month, frequency
    ),
    of_institution as (
        partition by
            county_code, plan_code, indicator_code, reporting_month, frequency, institution_code
    )
