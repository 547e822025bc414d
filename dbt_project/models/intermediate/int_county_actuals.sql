-- A county's actuals at each month of the plan. Counts add up over months; a level or a milestone
-- is what was reported last. A milestone once reached stays reached in later years.
with institutions as (
    select
        reported.county_code,
        reported.plan_code,
        reported.indicator_code,
        months.reporting_month,
        sum(reported.value) filter (where reported.reporting_month = months.reporting_month)
            as in_month,
        sum(reported.value) filter (where year(reported.reporting_month) = months.year)
            as in_year,
        sum(reported.value) as since_start,
        arg_max(reported.value, reported.reporting_month) filter (
            where year(reported.reporting_month) = months.year
        ) as latest_in_year,
        arg_max(reported.value, reported.reporting_month) as latest,
        bool_or(reported.is_made_up) as is_made_up
    from {{ ref('int_monthly_reports') }} as reported
    inner join {{ ref('dim_plans') }} as plans
        on
            reported.plan_code = plans.plan_code
            and reported.reporting_month >= plans.valid_from
    inner join {{ ref('int_plan_months') }} as months
        on
            reported.plan_code = months.plan_code
            and reported.reporting_month <= months.reporting_month
    where reported.value is not null and reported.is_counted
    group by
        reported.county_code, reported.institution_code, reported.plan_code,
        reported.indicator_code, months.reporting_month, months.year
),

readings as (
    select
        institutions.county_code,
        institutions.plan_code,
        institutions.indicator_code,
        institutions.reporting_month,
        institutions.in_month,
        case indicators.target_basis
            when 'level' then institutions.latest_in_year
            when 'milestone' then institutions.latest
            else institutions.in_year
        end as year_to_date,
        case
            when indicators.target_basis in ('level', 'milestone') then institutions.latest
            else institutions.since_start
        end as cumulative,
        coalesce(indicators.may_overlap, false) as may_overlap,
        institutions.is_made_up
    from institutions
    inner join {{ ref('dim_indicators') }} as indicators
        on
            institutions.plan_code = indicators.plan_code
            and institutions.indicator_code = indicators.indicator_code
)

-- Two institutions that send bare numbers of persons may have counted the same ones: together they
-- are at least as many as the one with most has, and at most the sum.
select
    county_code,
    plan_code,
    indicator_code,
    reporting_month,
    sum(in_month) as actual_month,
    sum(year_to_date) as actual_year_to_date,
    sum(cumulative) as actual_cumulative,
    case
        when bool_or(may_overlap) then max(year_to_date) else sum(year_to_date)
    end as actual_year_to_date_least,
    case
        when bool_or(may_overlap) then max(cumulative) else sum(cumulative)
    end as actual_cumulative_least,
    bool_or(is_made_up) as is_made_up
from readings
group by county_code, plan_code, indicator_code, reporting_month
