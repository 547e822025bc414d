-- Each answer in each period that holds all of what it is about. A value that is owed for a quarter
-- is in the quarter, and in no month; a level is what it is on the day it is told, so that it is in
-- each period with that day.
{{ config(materialized='table') }}

with spans as (
    select
        county_code,
        institution_code,
        plan_code,
        indicator_code,
        reporting_month,
        min({{ months_in('frequency') }}) as months
    from {{ ref('fct_values_due') }}
    group by county_code, institution_code, plan_code, indicator_code, reporting_month
)

select
    answers.*,
    indicators.comparable_code,
    periods.kind,
    periods.period,
    periods.months,
    periods.first_month,
    periods.last_month,
    -- Of a level only what holds when the period ends is compared with another period.
    answers.is_received
    and answers.value is not null
    and (
        indicators.target_basis not in ('level', 'milestone')
        or answers.reporting_month = periods.last_month
    ) as is_compared,
    case
        when answers.value is not null then 0
        when answers.is_received then 1
        when parts.value_state = 'unknown' then 2
        when parts.value_state = 'refused' then 3
        else 4
    end as gravity
from {{ ref('int_answers') }} as answers
inner join {{ ref('dim_indicators') }} as indicators
    on
        answers.plan_code = indicators.plan_code
        and answers.indicator_code = indicators.indicator_code
inner join {{ ref('dim_plans') }} as plans on answers.plan_code = plans.plan_code
left join spans
    on
        answers.county_code = spans.county_code
        and answers.institution_code = spans.institution_code
        and answers.plan_code = spans.plan_code
        and answers.indicator_code = spans.indicator_code
        and answers.reporting_month = spans.reporting_month
inner join {{ ref('int_periods') }} as periods
    on
        answers.reporting_month between periods.first_month and periods.last_month
        and (
            indicators.target_basis in ('level', 'milestone')
            or answers.reporting_month - to_months(coalesce(spans.months, 1) - 1)
            >= periods.first_month
        )
        and plans.valid_from <= periods.first_month
        and plans.valid_to >= periods.last_month
left join {{ ref('fct_figure_parts') }} as parts
    on
        answers.county_code = parts.county_code
        and answers.institution_code = parts.institution_code
        and answers.plan_code = parts.plan_code
        and answers.indicator_code = parts.indicator_code
        and answers.reporting_month = parts.reporting_month
        and parts.frequency = 'month'
