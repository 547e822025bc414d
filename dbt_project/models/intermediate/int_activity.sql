-- What went on in an indicator, whatever its target: at each month of the plan the state of the
-- last month in which something was due or came, and since when it has been so.
{{ config(materialized='table') }}

with county_months as (
    select
        county_code,
        plan_code,
        indicator_code,
        reporting_month,
        case
            when coalesce(sum(value), 0) > 0 then 'active'
            when not bool_and(is_received) then 'not_reported'
            -- Who answers that it does not apply counts nothing, not even none.
            when count(value) = 0 then 'not_due'
            else 'no_activity'
        end as activity_status
    from {{ ref('int_answers') }}
    group by county_code, plan_code, indicator_code, reporting_month
),

grid as (
    select
        counties.county_code,
        months.plan_code,
        indicators.indicator_code,
        months.reporting_month,
        last_value(county_months.activity_status ignore nulls) over (
            partition by counties.county_code, months.plan_code, indicators.indicator_code
            order by months.reporting_month
        ) as activity_status
    from {{ ref('dim_counties') }} as counties
    cross join {{ ref('int_plan_months') }} as months
    inner join {{ ref('dim_indicators') }} as indicators on months.plan_code = indicators.plan_code
    left join county_months
        on
            counties.county_code = county_months.county_code
            and months.plan_code = county_months.plan_code
            and indicators.indicator_code = county_months.indicator_code
            and months.reporting_month = county_months.reporting_month
    where not counties.is_nation
),

-- The nation is at rest only where every county says so.
nation as (
    select
        'AL' as county_code,
        grid.plan_code,
        grid.indicator_code,
        grid.reporting_month,
        case
            when any_value(figures.value) > 0 then 'active'
            when any_value(figures.value) = 0 then 'no_activity'
            when bool_or(grid.activity_status = 'active' and members.county_code is not null)
                then 'active'
            when count(*) filter (where grid.activity_status <> 'not_due') = 0 then null
            when
                bool_and(
                    coalesce(
                        grid.activity_status = 'no_activity' and members.county_code is not null,
                        false
                    )
                )
                then 'no_activity'
            else 'not_reported'
        end as activity_status
    from grid
    left join {{ ref('bridge_area_members') }} as members
        on grid.county_code = members.county_code and members.area_code = 'AL'
    left join {{ ref('int_nation_figures') }} as figures
        on
            grid.plan_code = figures.plan_code
            and grid.indicator_code = figures.indicator_code
            and grid.reporting_month = figures.reporting_month
    group by grid.plan_code, grid.indicator_code, grid.reporting_month
),

changed as (
    select
        areas.*,
        coalesce(areas.activity_status, '')
        <> coalesce(lag(areas.activity_status) over area_months, '-') as is_change
    from (
        select * from grid
        union all
        select * from nation
    ) as areas
    window area_months as (
        partition by areas.county_code, areas.plan_code, areas.indicator_code
        order by areas.reporting_month
    )
)

select
    county_code,
    plan_code,
    indicator_code,
    reporting_month,
    coalesce(activity_status, 'not_due') as activity_status,
    max(reporting_month) filter (where is_change) over (
        partition by county_code, plan_code, indicator_code
        order by reporting_month
    ) as activity_since
from changed
