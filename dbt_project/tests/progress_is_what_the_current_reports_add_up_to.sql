{{ config(meta={'dagster': {'ref': {'name': 'indicator_progress'}}}) }}
-- Recomputed from the facts by another way: a county's month, its year so far where months add up,
-- and the nation's month as the sum of its counties.
with reports as (
    select
        facts.county_code,
        facts.institution_code,
        facts.plan_code,
        facts.indicator_code,
        facts.reporting_month,
        coalesce(
            max(facts.value) filter (where facts.category = 'total'),
            sum(facts.value) filter (where facts.breakdown_kind = 'partition'),
            max(facts.value) filter (where facts.breakdown_kind = 'overlap')
        ) as value
    from {{ ref('fct_actuals') }} as facts
    where facts.superseded_at is null and facts.frequency = 'month'
    group by all
    having value is not null
),

owing as (
    select
        county_code,
        plan_code,
        indicator_code,
        reporting_month,
        list(institution_code) as institutions
    from {{ ref('fct_values_due') }}
    group by all
),

counted as (
    select
        reports.county_code,
        reports.plan_code,
        reports.indicator_code,
        reports.reporting_month,
        sum(reports.value) as value
    from reports
    left join owing
        on
            reports.county_code = owing.county_code
            and reports.plan_code = owing.plan_code
            and reports.indicator_code = owing.indicator_code
            and reports.reporting_month = owing.reporting_month
    where
        owing.institutions is null
        or list_contains(owing.institutions, reports.institution_code)
    group by all
),

counties as (
    select
        progress.county_code,
        progress.reporting_month,
        progress.plan_code,
        progress.indicator_code,
        progress.actual_month,
        progress.actual_year_to_date,
        counted.value,
        sum(counted.value) over (
            partition by
                progress.county_code, progress.plan_code, progress.indicator_code,
                year(progress.reporting_month)
            order by progress.reporting_month
        ) as value_so_far
    from {{ ref('indicator_progress') }} as progress
    left join counted
        on
            progress.county_code = counted.county_code
            and progress.plan_code = counted.plan_code
            and progress.indicator_code = counted.indicator_code
            and progress.reporting_month = counted.reporting_month
    where progress.county_code <> 'AL'
)

select
    counties.county_code,
    counties.reporting_month,
    counties.plan_code,
    counties.indicator_code
from counties
inner join {{ ref('dim_indicators') }} as indicators
    on
        counties.plan_code = indicators.plan_code
        and counties.indicator_code = indicators.indicator_code
where
    counties.actual_month is distinct from counties.value
    or (
        indicators.target_basis not in ('level', 'milestone')
        and counties.actual_year_to_date is distinct from counties.value_so_far
    )

union all

select
    'AL' as county_code,
    nation.reporting_month,
    nation.plan_code,
    nation.indicator_code
from {{ ref('indicator_progress') }} as nation
inner join counties
    on
        nation.reporting_month = counties.reporting_month
        and nation.plan_code = counties.plan_code
        and nation.indicator_code = counties.indicator_code
where nation.county_code = 'AL'
group by nation.reporting_month, nation.plan_code, nation.indicator_code
having
    any_value(nation.actual_month) is distinct from sum(counties.value) filter (
        where counties.county_code in ({{ counties_of_the_nation() }})
    )
