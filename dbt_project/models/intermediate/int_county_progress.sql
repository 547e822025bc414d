-- Each county, month of a national plan and indicator, with its actuals and what they rest on: of
-- the values due this year so far, how many came, and whether that is all of the year. The ends of
-- a number cover what other sources state of the year, and of each year before it.
{{ config(materialized='table') }}

with measured as (
    select
        counties.county_code,
        months.plan_code,
        months.reporting_month,
        months.year,
        months.month_number,
        indicators.indicator_code,
        indicators.target_basis,
        coalesce(indicators.may_overlap, false) as may_overlap,
        actuals.actual_month,
        actuals.actual_year_to_date,
        actuals.actual_cumulative,
        actuals.actual_year_to_date_least,
        actuals.actual_cumulative_least,
        {{ share('years.values_received', 'years.values_due') }} as completeness,
        coalesce(years.is_whole, false) as is_whole,
        coalesce(years.is_any_received, false) as is_any_received,
        coalesce(years.is_month_whole, false) as is_month_whole,
        coalesce(greatest(actuals.actual_year_to_date_least - sources.source_least, 0), 0) as less,
        coalesce(greatest(sources.source_most - actuals.actual_year_to_date, 0), 0) as more,
        coalesce(actuals.is_made_up, false) or coalesce(years.is_made_up, false) as is_made_up
    from {{ ref('dim_counties') }} as counties
    cross join {{ ref('int_plan_months') }} as months
    inner join {{ ref('dim_indicators') }} as indicators on months.plan_code = indicators.plan_code
    left join {{ ref('int_county_actuals') }} as actuals
        on
            counties.county_code = actuals.county_code
            and months.plan_code = actuals.plan_code
            and months.reporting_month = actuals.reporting_month
            and indicators.indicator_code = actuals.indicator_code
    left join {{ ref('int_county_years') }} as years
        on
            counties.county_code = years.county_code
            and months.plan_code = years.plan_code
            and months.reporting_month = years.reporting_month
            and indicators.indicator_code = years.indicator_code
    left join {{ ref('int_official_values') }} as sources
        on
            counties.county_code = sources.county_code
            and months.plan_code = sources.plan_code
            and months.reporting_month = sources.reporting_month
            and indicators.indicator_code = sources.indicator_code
    where not counties.is_nation
),

-- A level is what it was last: earlier years have no part in it.
summed as (
    select
        *,
        {% for change in ['less', 'more'] -%}
            {{ change }} + coalesce(
                sum({{ change }}) filter (
                    where month_number = 12 and target_basis not in ('level', 'milestone')
                ) over earlier,
                0
            ) as all_{{ change }}
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from measured
    window earlier as (
        partition by county_code, plan_code, indicator_code
        order by reporting_month
        rows between unbounded preceding and 1 preceding
    )
)

select
    * exclude (
        target_basis, less, more, all_less, all_more, actual_year_to_date_least,
        actual_cumulative_least
    ),
    actual_year_to_date_least - less as actual_year_to_date_least,
    actual_year_to_date + more as actual_year_to_date_most,
    case
        when actual_cumulative_least is not null
            then greatest(actual_cumulative_least - all_less, 0)
    end as actual_cumulative_least,
    actual_cumulative + all_more as actual_cumulative_most
from summed
