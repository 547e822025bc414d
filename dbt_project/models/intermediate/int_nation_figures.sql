-- The figure of a year that was published for the nation: of several publications' the one that
-- came last, between the least and the most that any gives.
{{ config(materialized='table') }}

select
    *,
    min(value) over figure_of_year as value_least,
    max(value) over figure_of_year as value_most
from {{ ref('fct_actuals') }}
where
    superseded_at is null
    and county_code = 'AL'
    and frequency = 'year'
    and category = 'total'
    and value_state in ('number', 'zero')
window figure_of_year as (partition by plan_code, indicator_code, reporting_month)
qualify row_number() over (
    partition by plan_code, indicator_code, reporting_month
    order by received_at desc, delivery_id desc, row_number desc
) = 1
