-- The change of an indicator against the period before, and the same period a year before, at equal
-- coverage: of values that the same institution gave in full for the corresponding months of both.
-- Across the border of two plans only what can be compared is.
{{ config(materialized='table') }}

with answers as (
    select *
    from {{ ref('int_period_answers') }}
    where is_compared
),

pairs as (
    {% for compared, months in [('before', 'now.months'), ('last_year', '12')] -%}
        select
            now.county_code,
            now.plan_code,
            now.indicator_code,
            now.period,
            '{{ compared }}' as compared,
            now.value - earlier.value as change
        from answers as now
        inner join answers as earlier
            on
                now.county_code = earlier.county_code
                and now.institution_code = earlier.institution_code
                and now.comparable_code = earlier.comparable_code
                and now.kind = earlier.kind
                and now.first_month - to_months({{ months }}) = earlier.first_month
                and now.reporting_month - to_months({{ months }}) = earlier.reporting_month
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

areas as (
    select * from pairs
    union all
    select * replace ('AL' as county_code)
    from pairs
    where county_code in ({{ counties_of_the_nation() }})
)

select
    county_code,
    plan_code,
    indicator_code,
    period,
    compared,
    sum(change) as change,
    count(*) as values_compared
from areas
group by county_code, plan_code, indicator_code, period, compared
