-- Each value that an institution owed for a month, or reported: whether it was due, and came.
{{ config(materialized='table') }}

with counted_reports as (
    select *
    from {{ ref('int_monthly_reports') }}
    where is_counted
)

select
    coalesce(due.county_code, reports.county_code) as county_code,
    coalesce(due.institution_code, reports.institution_code) as institution_code,
    coalesce(due.plan_code, reports.plan_code) as plan_code,
    coalesce(due.indicator_code, reports.indicator_code) as indicator_code,
    coalesce(due.reporting_month, reports.reporting_month) as reporting_month,
    due.reporting_month is not null as is_due,
    coalesce(reports.is_received, false) as is_received,
    reports.value,
    coalesce(reports.is_made_up, false) as is_made_up
from {{ ref('fct_values_due') }} as due
full outer join counted_reports as reports
    on
        due.county_code = reports.county_code
        and due.institution_code = reports.institution_code
        and due.plan_code = reports.plan_code
        and due.indicator_code = reports.indicator_code
        and due.reporting_month = reports.reporting_month
