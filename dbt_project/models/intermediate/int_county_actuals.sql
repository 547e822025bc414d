-- A county's actuals at each month of the plan. Counts add up over months; a level or a milestone
-- is what was reported last. A milestone once reached stays reached in later years; a level may
-- have fallen since, so that it is certain only until its sender owes the next answer.
with institutions as (
    select
        answers.county_code,
        answers.plan_code,
        answers.indicator_code,
        months.reporting_month,
        sum(answers.value) filter (where answers.reporting_month = months.reporting_month)
            as in_month,
        sum(answers.value) filter (where year(answers.reporting_month) = months.year)
            as in_year,
        sum(answers.value) as since_start,
        arg_max(answers.value, answers.reporting_month) filter (
            where year(answers.reporting_month) = months.year
        ) as latest_in_year,
        arg_max(answers.value, answers.reporting_month) as latest,
        coalesce(
            max(answers.reporting_month) filter (where answers.value is not null)
            > max(answers.reporting_month) filter (
                where answers.value is null and not answers.is_received
            ),
            true
        ) as is_latest_certain,
        bool_or(answers.is_made_up) filter (where answers.value is not null) as is_made_up
    from {{ ref('int_answers') }} as answers
    inner join {{ ref('dim_plans') }} as plans
        on
            answers.plan_code = plans.plan_code
            and answers.reporting_month >= plans.valid_from
    inner join {{ ref('int_plan_months') }} as months
        on
            answers.plan_code = months.plan_code
            and answers.reporting_month <= months.reporting_month
    group by
        answers.county_code, answers.institution_code, answers.plan_code,
        answers.indicator_code, months.reporting_month, months.year
    having count(answers.value) > 0
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
        indicators.target_basis <> 'level' or institutions.is_latest_certain as is_certain,
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
    {% for reading in ['year_to_date', 'cumulative'] -%}
        case
            when bool_or(may_overlap) then max({{ reading }} * cast(is_certain as integer))
            else sum({{ reading }} * cast(is_certain as integer))
        end as actual_{{ reading }}_least,
    {% endfor -%}
    bool_or(is_made_up) as is_made_up
from readings
group by county_code, plan_code, indicator_code, reporting_month
