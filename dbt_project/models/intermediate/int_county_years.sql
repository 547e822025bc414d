-- What a county's numbers of an indicator rest on, at each month of the plan: values due in the
-- year so far, and those received in full. A number is whole when all of the year so far was owed
-- and came: of months in which nobody owed anything, and nobody reported, nothing is known.
{{ config(materialized='table') }}

-- A quarterly value tells of three months, a yearly one of twelve.
with begun as (
    select
        county_code,
        plan_code,
        indicator_code,
        year(reporting_month) as year,
        min(
            month(reporting_month)
            - case frequency when 'quarterly' then 2 when 'yearly' then 11 else 0 end
        ) as first_month
    from {{ ref('int_obligation_months') }}
    where is_recorded
    group by county_code, plan_code, indicator_code, year(reporting_month)
),

years as (
    select
        county_code,
        plan_code,
        indicator_code,
        year
    from begun
    union
    select
        county_code,
        plan_code,
        indicator_code,
        year(reporting_month) as year
    from {{ ref('int_answers') }}
),

counted as (
    select
        years.county_code,
        years.plan_code,
        years.indicator_code,
        years.year,
        months.reporting_month,
        months.month_number,
        count(*) filter (where answers.is_due) as values_due,
        count(*) filter (where answers.is_due and answers.is_received) as values_received,
        coalesce(bool_and(answers.is_received), true) as is_all_received,
        count(distinct answers.reporting_month) as months_with_answers,
        bool_and(answers.is_received) filter (
            where answers.reporting_month = months.reporting_month
        ) as is_month_received,
        coalesce(bool_or(answers.is_made_up) filter (where answers.is_due), false) as is_made_up
    from years
    inner join {{ ref('int_plan_months') }} as months
        on years.plan_code = months.plan_code and years.year = months.year
    left join {{ ref('int_answers') }} as answers
        on
            years.county_code = answers.county_code
            and years.plan_code = answers.plan_code
            and years.indicator_code = answers.indicator_code
            and years.year = year(answers.reporting_month)
            and months.reporting_month >= answers.reporting_month
    group by
        years.county_code, years.plan_code, years.indicator_code, years.year,
        months.reporting_month, months.month_number
)

select
    counted.county_code,
    counted.plan_code,
    counted.indicator_code,
    counted.reporting_month,
    counted.values_due,
    counted.values_received,
    counted.is_all_received
    and coalesce(begun.first_month <= 1, counted.months_with_answers = counted.month_number)
        as is_whole,
    coalesce(counted.is_month_received, begun.first_month <= counted.month_number, false)
        as is_month_whole,
    counted.is_made_up
from counted
left join begun
    on
        counted.county_code = begun.county_code
        and counted.plan_code = begun.plan_code
        and counted.indicator_code = begun.indicator_code
        and counted.year = begun.year
