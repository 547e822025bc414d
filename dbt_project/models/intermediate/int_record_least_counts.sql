-- How many persons, cases or events each indicator counts at least, by area, category and month.
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

at_least as (
    {{ persons_at_least('firsts') | indent(4) }}
)

select
    county_code,
    reporting_month,
    counted_for.plan_code,
    counted_for.indicator_code,
    category,
    persons
from at_least
