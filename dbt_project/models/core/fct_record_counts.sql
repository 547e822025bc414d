-- What the records count, as the register record_indicators says. A person counts once, whoever
-- sent the records; for the nation in whichever counties.
with firsts as (
    select
        plan_code,
        indicator_code,
        county_code,
        min(occurred_on) as occurred_on,
        arg_min(category, (occurred_on, category)) as category
    from {{ ref('int_counted_events') }}
    group by plan_code, indicator_code, county_code, counted_key, counted_year
),

counted as (
    select
        plan_code,
        indicator_code,
        county_code,
        cast(date_trunc('month', occurred_on) as date) as reporting_month,
        unnest(case when category is null then ['total'] else ['total', category] end) as category
    from firsts
),

-- How often it occurred, whoever was counted before included.
occurred as (
    select
        plan_code,
        indicator_code,
        county_code,
        cast(date_trunc('month', occurred_on) as date) as reporting_month,
        count(*) as occurrences
    from {{ ref('int_counted_events') }}
    group by all
),

asked as (
    select distinct
        plan_code,
        source,
        indicator_code,
        'total' as category
    from {{ ref('record_indicators') }}
    union
    select
        patterns.plan_code,
        patterns.source,
        patterns.indicator_code,
        categories.category
    from {{ ref('record_indicators') }} as patterns
    inner join {{ ref('breakdown_categories') }} as categories
        on
            patterns.plan_code = categories.plan_code
            and patterns.indicator_code = categories.indicator_code
    where patterns.has_categories
),

grid as (
    select
        spans.county_code,
        spans.source,
        asked.plan_code,
        asked.indicator_code,
        asked.category,
        months.month as reporting_month,
        spans.is_made_up
    from {{ ref('int_record_spans') }} as spans
    inner join asked on spans.source = asked.source
    inner join {{ ref('dim_months') }} as months
        on
            asked.plan_code = months.plan_code
            and months.month between spans.first_month and spans.last_month
)

select
    grid.county_code,
    grid.reporting_month,
    grid.plan_code,
    grid.indicator_code,
    grid.category,
    grid.source,
    cast(count(counted.category) as integer) as value,
    cast(coalesce(any_value(at_least.persons), 0) as integer) as value_least,
    cast(count(counted.category) as integer) as value_most,
    cast(coalesce(any_value(occurred.occurrences), 0) as integer) as occurrences,
    grid.is_made_up
from grid
left join counted
    on
        grid.county_code = counted.county_code
        and grid.reporting_month = counted.reporting_month
        and grid.plan_code = counted.plan_code
        and grid.indicator_code = counted.indicator_code
        and grid.category = counted.category
left join {{ ref('int_record_least_counts') }} as at_least
    on
        grid.county_code = at_least.county_code
        and grid.reporting_month = at_least.reporting_month
        and grid.plan_code = at_least.plan_code
        and grid.indicator_code = at_least.indicator_code
        and grid.category = at_least.category
left join occurred
    on
        grid.county_code = occurred.county_code
        and grid.reporting_month = occurred.reporting_month
        and grid.plan_code = occurred.plan_code
        and grid.indicator_code = occurred.indicator_code
group by
    grid.county_code, grid.reporting_month, grid.plan_code, grid.indicator_code, grid.category,
    grid.source, grid.is_made_up
