-- Each county, month of a national plan and indicator, with its actuals and how complete they are:
-- of the values due this year so far, how many came.
{{ config(materialized='table') }}

with completeness as (
    select
        due.county_code,
        due.plan_code,
        due.indicator_code,
        months.reporting_month,
        count(*) as values_due,
        count(*) filter (where reports.is_received) as values_received,
        bool_or(reports.is_made_up) as is_made_up
    from {{ ref('fct_values_due') }} as due
    inner join {{ ref('int_plan_months') }} as months
        on
            due.plan_code = months.plan_code
            and due.reporting_month <= months.reporting_month
            and year(due.reporting_month) = months.year
    left join {{ ref('int_monthly_reports') }} as reports
        on
            due.county_code = reports.county_code
            and due.institution_code = reports.institution_code
            and due.plan_code = reports.plan_code
            and due.indicator_code = reports.indicator_code
            and due.reporting_month = reports.reporting_month
    group by due.county_code, due.plan_code, due.indicator_code, months.reporting_month
)

select
    counties.county_code,
    months.plan_code,
    months.reporting_month,
    months.year,
    months.month_number,
    indicators.indicator_code,
    coalesce(indicators.is_person_sensitive, false) as is_person_sensitive,
    actuals.actual_month,
    actuals.actual_year_to_date,
    actuals.actual_cumulative,
    actuals.actual_year_to_date_least,
    actuals.actual_cumulative_least,
    {{ share('completeness.values_received', 'completeness.values_due') }} as completeness,
    coalesce(actuals.is_made_up, false) or coalesce(completeness.is_made_up, false)
        as is_made_up
from {{ ref('dim_counties') }} as counties
cross join {{ ref('int_plan_months') }} as months
inner join {{ ref('dim_indicators') }} as indicators on months.plan_code = indicators.plan_code
left join {{ ref('int_county_actuals') }} as actuals
    on
        counties.county_code = actuals.county_code
        and months.plan_code = actuals.plan_code
        and months.reporting_month = actuals.reporting_month
        and indicators.indicator_code = actuals.indicator_code
left join completeness
    on
        counties.county_code = completeness.county_code
        and months.plan_code = completeness.plan_code
        and months.reporting_month = completeness.reporting_month
        and indicators.indicator_code = completeness.indicator_code
where not counties.is_nation
