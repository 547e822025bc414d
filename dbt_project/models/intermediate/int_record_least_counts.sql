-- How many persons, cases or events each indicator counts at least, by area, category and month,
-- and in the year up to the month.
with firsts as (
    select
        struct_pack(plan_code := plan_code, indicator_code := indicator_code) as counted_for,
        county_code,
        counted_year,
        cast(date_trunc('month', min(occurred_on)) as date) as reporting_month,
        arg_min(category, (occurred_on, category)) as category,
        list(distinct sender_code) as senders,
        bool_or(is_comparable) as is_comparable
    from {{ ref('int_counted_events') }}
    group by plan_code, indicator_code, county_code, least_key, counted_year
),

of_months as (
    {{ persons_at_least('firsts') | indent(4) }}
),

of_years as (
    {{ persons_at_least('firsts', span='year') | indent(4) }}
)

select
    of_years.county_code,
    of_years.reporting_month,
    of_years.counted_for.plan_code,
    of_years.counted_for.indicator_code,
    of_years.category,
    coalesce(of_months.persons, 0) as persons,
    of_years.persons as persons_in_year
from of_years
left join of_months
    on
        of_years.counted_for = of_months.counted_for
        and of_years.county_code = of_months.county_code
        and of_years.category = of_months.category
        and of_years.reporting_month = of_months.reporting_month
