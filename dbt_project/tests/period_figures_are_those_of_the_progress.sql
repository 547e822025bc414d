{{ config(meta={'dagster': {'ref': {'name': 'period_figures'}}}) }}
-- A year is the year to date of its December, a month what its progress says of it. A value that is
-- owed for a quarter or a year is in no month. What adds up is, in every other period, what the
-- current reports of its months add up to.
with owed_for_longer as (
    select distinct
        county_code,
        plan_code,
        indicator_code
    from {{ ref('fct_values_due') }}
    where frequency <> 'monthly'
),

figures as (
    select
        figures.*,
        indicators.target_basis not in ('level', 'milestone') as is_additive,
        exists(
            select 1
            from owed_for_longer as owed
            where
                owed.plan_code = figures.plan_code
                and owed.indicator_code = figures.indicator_code
                and figures.county_code in (owed.county_code, 'AL')
        ) as is_owed_for_longer
    from {{ ref('period_figures') }} as figures
    inner join {{ ref('dim_indicators') }} as indicators
        on
            figures.plan_code = indicators.plan_code
            and figures.indicator_code = indicators.indicator_code
),

added as (
    select
        figures.county_code,
        figures.plan_code,
        figures.indicator_code,
        figures.period,
        sum(months.actual_month) as value
    from figures
    inner join {{ ref('indicator_progress') }} as months
        on
            figures.county_code = months.county_code
            and figures.plan_code = months.plan_code
            and figures.indicator_code = months.indicator_code
            and months.reporting_month between figures.first_month and figures.reporting_month
    group by
        figures.county_code, figures.plan_code, figures.indicator_code, figures.period
)

select
    figures.county_code,
    figures.reporting_month
from figures
inner join {{ ref('indicator_progress') }} as progress
    on
        figures.county_code = progress.county_code
        and figures.plan_code = progress.plan_code
        and figures.indicator_code = progress.indicator_code
        and figures.reporting_month = progress.reporting_month
left join added
    on
        figures.county_code = added.county_code
        and figures.plan_code = added.plan_code
        and figures.indicator_code = added.indicator_code
        and figures.period = added.period
where
    case
        when figures.period_kind = 'year'
            then
                figures.value is distinct from progress.actual_year_to_date
                or figures.value_least is distinct from progress.actual_year_to_date_least
                or figures.value_most is distinct from progress.actual_year_to_date_most
                or figures.is_lower_bound is distinct from (
                    (
                        progress.actual_year_to_date is not null
                        and progress.actual_year_to_date_most is null
                    )
                    or coalesce(progress.counties_reporting < progress.counties_expected, false)
                )
        when figures.is_owed_for_longer
            then figures.is_additive and coalesce(figures.value > added.value, false)
        when figures.period_kind = 'month'
            then
                figures.value is distinct from progress.actual_month
                or (
                    figures.county_code <> 'AL'
                    and figures.is_lower_bound is distinct from progress.is_month_lower_bound
                )
        else figures.is_additive and figures.value is distinct from added.value
    end
