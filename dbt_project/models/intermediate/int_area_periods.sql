-- Counties and the nation in each period. The nation is the sum of the counties whose data enter
-- it; a year, and a milestone of any period but a month, is what the progress of its last month
-- says of the year, with the figures that were published for it.
{{ config(materialized='table') }}

with members as (
    select
        periods.*,
        periods.county_code in ({{ counties_of_the_nation() }}) as is_member
    from {{ ref('int_county_periods') }} as periods
),

nation as (
    select
        'AL' as county_code,
        plan_code,
        indicator_code,
        kind,
        period,
        months,
        first_month,
        last_month,
        sum(value) filter (where is_member) as value,
        case
            when bool_or(may_overlap) then max(value_least) filter (where is_member)
            else sum(value_least) filter (where is_member)
        end as value_least,
        sum(value_most) filter (where is_member) as value_most,
        bool_and(is_whole and is_member) as is_whole,
        sum(values_due) as values_due,
        coalesce(sum(values_received) filter (where is_member), 0) as values_received,
        coalesce(sum(values_full) filter (where is_member), 0) as values_full,
        sum(institutions_due) as institutions_due,
        coalesce(sum(institutions_reporting) filter (where is_member), 0)
            as institutions_reporting,
        max(case when is_member then gravity when values_due > 0 then 4 end) as gravity,
        bool_or(is_owed_otherwise) as is_owed_otherwise,
        coalesce(bool_or(is_made_up) filter (where is_member), false) as is_made_up,
        count(*) as counties_expected,
        count(*) filter (
            where is_member and (value is not null or (is_whole and is_any_received))
        ) as counties_reporting,
        string_agg(county_code, ' ' order by county_code) filter (
            where not is_member or (value is null and not (is_whole and is_any_received))
        ) as counties_missing
    from members
    group by plan_code, indicator_code, kind, period, months, first_month, last_month
),

areas as (
    select * from nation
    union all by name
    select * exclude (may_overlap, is_any_received, is_member)
    from members
),

{% set is_of_year -%}
    (areas.kind = 'year' or (indicators.target_basis = 'milestone' and areas.kind <> 'month'))
{%- endset %}
readings as (
    select
        areas.* exclude (
            value, value_least, value_most, is_whole, is_made_up, counties_expected,
            counties_reporting, counties_missing
        ),
        indicators.comparable_code,
        indicators.break_reason_en is not null as has_break,
        plans.valid_from,
        {{ is_of_year }} as is_of_year,
        case when {{ is_of_year }} then progress.actual_year_to_date else areas.value end
            as value,
        case
            when {{ is_of_year }} then progress.actual_year_to_date_least
            else least(areas.value_least, case when areas.is_whole then areas.value end)
        end as value_least,
        case
            when {{ is_of_year }} then progress.actual_year_to_date_most
            when areas.is_whole then areas.value_most
        end as value_most,
        case when {{ is_of_year }} then progress.is_whole else areas.is_whole end as is_whole,
        {% for column in ['counties_expected', 'counties_reporting', 'counties_missing'] -%}
            case when {{ is_of_year }} then progress.{{ column }} else areas.{{ column }} end
                as {{ column }},
        {% endfor -%}
        case when {{ is_of_year }} then progress.is_made_up else areas.is_made_up end
            as is_made_up
    from areas
    inner join {{ ref('dim_indicators') }} as indicators
        on
            areas.plan_code = indicators.plan_code
            and areas.indicator_code = indicators.indicator_code
    inner join {{ ref('dim_plans') }} as plans on areas.plan_code = plans.plan_code
    inner join {{ ref('int_progress_readings') }} as progress
        on
            areas.county_code = progress.county_code
            and areas.plan_code = progress.plan_code
            and areas.indicator_code = progress.indicator_code
            and areas.last_month = progress.reporting_month
)

select
    *,
    (value is not null and value_most is null)
    or coalesce(counties_reporting < counties_expected, false) as is_lower_bound
from readings
