-- The change of an indicator against the same months of last year at equal coverage: of the values
-- that the same institution gave in full for the same month of both years, up to the month; of a
-- level in the month itself. Across the border of two plans only what can be compared is.
{{ config(materialized='table') }}

with reports as (
    select
        reports.*,
        indicators.comparable_code
    from {{ ref('int_monthly_reports') }} as reports
    inner join {{ ref('dim_indicators') }} as indicators
        on
            reports.plan_code = indicators.plan_code
            and reports.indicator_code = indicators.indicator_code
    where reports.is_received and reports.is_counted and reports.value is not null
),

pairs as (
    select
        current_year.county_code,
        current_year.plan_code,
        current_year.indicator_code,
        current_year.reporting_month,
        current_year.value - last_year.value as change
    from reports as current_year
    inner join reports as last_year
        on
            current_year.county_code = last_year.county_code
            and current_year.institution_code = last_year.institution_code
            and current_year.comparable_code = last_year.comparable_code
            and last_year.reporting_month = current_year.reporting_month - interval 1 year
),

areas as (
    select * from pairs
    union all
    select * replace ('AL' as county_code)
    from pairs
    where county_code in ({{ counties_of_the_nation() }})
)

select
    areas.county_code,
    areas.plan_code,
    areas.indicator_code,
    months.reporting_month,
    sum(areas.change) as change_on_last_year,
    cast(count(*) as integer) as values_compared
from areas
inner join {{ ref('dim_indicators') }} as indicators
    on
        areas.plan_code = indicators.plan_code
        and areas.indicator_code = indicators.indicator_code
inner join {{ ref('int_plan_months') }} as months
    on
        areas.plan_code = months.plan_code
        and areas.reporting_month <= months.reporting_month
        and year(areas.reporting_month) = months.year
        and (
            indicators.target_basis not in ('level', 'milestone')
            or areas.reporting_month = months.reporting_month
        )
group by areas.county_code, areas.plan_code, areas.indicator_code, months.reporting_month
