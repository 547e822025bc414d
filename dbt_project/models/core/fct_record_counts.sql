-- What the records count, as the register record_indicators says. A person counts once, whoever
-- sent the records; for the nation in whichever counties. Of a month whose file did not come there
-- is no count, and where only some files came it is a lower bound. A case that began with a contact
-- that no file has counts in no month; at most it began where it is first seen. After a missing
-- file no person is certain to have come first.
with firsts as (
    select
        plan_code,
        indicator_code,
        county_code,
        min(occurred_on) as occurred_on,
        arg_min(category, (occurred_on, category)) as category,
        bool_and(is_first_known) as is_first_known
    from {{ ref('int_counted_events') }}
    group by plan_code, indicator_code, county_code, counted_key, counted_year
),

counted as (
    select
        plan_code,
        indicator_code,
        county_code,
        is_first_known,
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
        covered.county_code,
        covered.source,
        covered.coverage,
        asked.plan_code,
        asked.indicator_code,
        asked.category,
        covered.reporting_month,
        covered.is_made_up
    from {{ ref('int_record_months') }} as covered
    inner join {{ ref('dim_months') }} as months on covered.reporting_month = months.month
    inner join asked
        on covered.source = asked.source and months.plan_code = asked.plan_code
),

counts as (
    select
        grid.county_code,
        grid.reporting_month,
        grid.plan_code,
        grid.indicator_code,
        grid.category,
        grid.source,
        grid.coverage,
        count(counted.category) filter (where counted.is_first_known) as value,
        coalesce(any_value(at_least.persons), 0) as value_least,
        count(counted.category) as value_most,
        coalesce(any_value(occurred.occurrences), 0) as occurrences,
        coalesce(
            any_value(gaps.may_fall)
            or (grid.category <> 'total' and any_value(gaps.may_change_category)),
            false
        ) as may_fall,
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
    left join {{ ref('int_record_gaps') }} as gaps
        on
            grid.county_code = gaps.county_code
            and grid.reporting_month = gaps.reporting_month
            and grid.plan_code = gaps.plan_code
            and grid.indicator_code = gaps.indicator_code
    group by
        grid.county_code, grid.reporting_month, grid.plan_code, grid.indicator_code, grid.category,
        grid.source, grid.coverage, grid.is_made_up
)

select
    county_code,
    reporting_month,
    plan_code,
    indicator_code,
    category,
    source,
    case when coverage <> 'none' then cast(value as integer) end as value,
    case
        when coverage = 'none' then 'not_reported'
        when value = 0 then 'zero'
        else 'number'
    end as value_state,
    case
        when coverage <> 'none' then cast(if(may_fall, 0, least(value_least, value)) as integer)
    end as value_least,
    case when coverage = 'whole' then cast(value_most as integer) end as value_most,
    case when coverage <> 'none' then cast(occurrences as integer) end as occurrences,
    coverage = 'part' as is_lower_bound,
    coverage <> 'none' and may_fall as may_fall,
    is_made_up
from counts
