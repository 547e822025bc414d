-- Each county, month of a national plan and indicator, with its actuals and what they rest on: of
-- the values due this year so far, how many came, and whether that is all of the year.
{{ config(materialized='table') }}

select
    counties.county_code,
    months.plan_code,
    months.reporting_month,
    months.year,
    months.month_number,
    indicators.indicator_code,
    coalesce(indicators.may_overlap, false) as may_overlap,
    actuals.actual_month,
    actuals.actual_year_to_date,
    actuals.actual_cumulative,
    -- Where another source states less, it is at least that.
    case
        when actuals.actual_year_to_date is not null
            then least(actuals.actual_year_to_date_least, sources.source_least)
    end as actual_year_to_date_least,
    case
        when actuals.actual_cumulative is not null
            then least(actuals.actual_cumulative_least, sources.source_cumulative_least)
    end as actual_cumulative_least,
    {{ share('years.values_received', 'years.values_due') }} as completeness,
    coalesce(years.is_whole, false) as is_whole,
    coalesce(years.is_month_whole, false) as is_month_whole,
    coalesce(actuals.is_made_up, false) or coalesce(years.is_made_up, false) as is_made_up
from {{ ref('dim_counties') }} as counties
cross join {{ ref('int_plan_months') }} as months
inner join {{ ref('dim_indicators') }} as indicators on months.plan_code = indicators.plan_code
left join {{ ref('int_county_actuals') }} as actuals
    on
        counties.county_code = actuals.county_code
        and months.plan_code = actuals.plan_code
        and months.reporting_month = actuals.reporting_month
        and indicators.indicator_code = actuals.indicator_code
left join {{ ref('int_county_years') }} as years
    on
        counties.county_code = years.county_code
        and months.plan_code = years.plan_code
        and months.reporting_month = years.reporting_month
        and indicators.indicator_code = years.indicator_code
left join {{ ref('int_official_values') }} as sources
    on
        counties.county_code = sources.county_code
        and months.plan_code = sources.plan_code
        and months.reporting_month = sources.reporting_month
        and indicators.indicator_code = sources.indicator_code
where not counties.is_nation
