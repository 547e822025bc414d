-- What a county's numbers of an indicator rest on, at each month of the plan: values due in the
-- year so far, and those received in full. A number is whole when all of the year so far was owed
-- and came: of months in which nobody owed anything, and nobody reported, nothing is known.
{{ config(materialized='table') }}

-- The months that an obligation covers, or a report. A quarterly value is about three months, a
-- yearly one about twelve.
with covered as (
    select
        county_code,
        plan_code,
        indicator_code,
        unnest(
            generate_series(
                reporting_month - to_months({{ months_in('frequency') }} - 1),
                reporting_month,
                interval 1 month
            )
        ) as month
    from {{ ref('int_obligation_months') }}
    where is_recorded
    union
    select
        county_code,
        plan_code,
        indicator_code,
        reporting_month as month
    from {{ ref('int_answers') }}
),

years as (
    select
        covered.county_code,
        covered.plan_code,
        covered.indicator_code,
        months.year,
        months.reporting_month,
        months.month_number,
        count(*) filter (where covered.month <= months.reporting_month) as months_covered,
        bool_or(covered.month = months.reporting_month) as is_month_covered
    from covered
    inner join {{ ref('int_plan_months') }} as months
        on covered.plan_code = months.plan_code and year(covered.month) = months.year
    group by all
),

counted as (
    select
        years.county_code,
        years.plan_code,
        years.indicator_code,
        years.reporting_month,
        any_value(years.months_covered = years.month_number) as is_each_month_covered,
        any_value(years.is_month_covered) as is_month_covered,
        count(*) filter (where answers.is_due) as values_due,
        count(*) filter (where answers.is_due and answers.is_received) as values_received,
        coalesce(bool_and(answers.is_received), true) as is_all_received,
        bool_and(answers.is_received) filter (
            where answers.reporting_month = years.reporting_month
        ) as is_month_received,
        coalesce(bool_or(answers.is_made_up) filter (where answers.is_due), false) as is_made_up
    from years
    left join {{ ref('int_answers') }} as answers
        on
            years.county_code = answers.county_code
            and years.plan_code = answers.plan_code
            and years.indicator_code = answers.indicator_code
            and years.year = year(answers.reporting_month)
            and years.reporting_month >= answers.reporting_month
    group by
        years.county_code, years.plan_code, years.indicator_code, years.reporting_month
)

select
    county_code,
    plan_code,
    indicator_code,
    reporting_month,
    values_due,
    values_received,
    is_all_received and is_each_month_covered as is_whole,
    coalesce(is_month_received, is_month_covered) as is_month_whole,
    is_made_up
from counted
