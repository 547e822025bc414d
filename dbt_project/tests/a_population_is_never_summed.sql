{{ config(meta={'dagster': {'ref': {'name': 'indicator_progress'}}}) }}
-- Indicators of one population count the same persons. A county's month may therefore hold no
-- more for an indicator than its own current reports say, whatever its siblings report.
with own_reports as (
    select
        county_code,
        plan_code,
        indicator_code,
        reporting_month,
        sum(value) as value
    from {{ ref('fct_actuals') }}
    where
        superseded_at is null
        and frequency = 'month'
        and breakdown_kind in ('total', 'partition', 'overlap')
    group by county_code, plan_code, indicator_code, reporting_month
)

select
    progress.county_code,
    progress.reporting_month,
    progress.plan_code,
    progress.indicator_code
from {{ ref('indicator_progress') }} as progress
inner join {{ ref('dim_indicators') }} as indicators
    on
        progress.plan_code = indicators.plan_code
        and progress.indicator_code = indicators.indicator_code
left join own_reports
    on
        progress.county_code = own_reports.county_code
        and progress.plan_code = own_reports.plan_code
        and progress.indicator_code = own_reports.indicator_code
        and progress.reporting_month = own_reports.reporting_month
where
    indicators.population_id is not null
    and progress.county_code <> 'AL'
    and progress.actual_month > coalesce(own_reports.value, 0)
