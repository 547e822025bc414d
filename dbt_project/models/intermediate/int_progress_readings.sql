-- Counties and the nation beside their targets, with the status of both readings of a target,
-- annual and cumulative, and of both ends of an interval.
with areas as (
    select * exclude (is_person_sensitive) from {{ ref('int_county_progress') }}
    union all by name
    select
        *,
        'AL' as county_code
    from {{ ref('int_nation_progress') }}
),

thresholds as (
    select
        max(value) filter (where threshold = 'at_risk_floor') as at_risk_floor,
        max(value) filter (where threshold = 'minimum_completeness') as minimum_completeness
    from {{ ref('dim_status_thresholds') }}
),

measured as (
    select
        areas.*,
        indicators.target_basis,
        indicators.direction,
        measures.start_year,
        targets.target_value,
        coalesce(targets.has_later_target, false) as has_later_target,
        thresholds.at_risk_floor,
        thresholds.minimum_completeness,
        areas.month_number = 12 as is_december,
        targets.target_value * areas.month_number / 12 as expected_annual,
        coalesce(targets.previous_target, 0)
        + (targets.target_value - coalesce(targets.previous_target, 0)) * areas.month_number / 12
            as expected_cumulative
    from areas
    inner join {{ ref('dim_indicators') }} as indicators
        on
            areas.plan_code = indicators.plan_code
            and areas.indicator_code = indicators.indicator_code
    left join {{ ref('dim_measures') }} as measures
        on
            indicators.plan_code = measures.plan_code
            and indicators.measure_code = measures.measure_code
    left join {{ ref('int_year_targets') }} as targets
        on
            areas.county_code = targets.county_code
            and areas.plan_code = targets.plan_code
            and areas.indicator_code = targets.indicator_code
            and areas.year = targets.year
    cross join thresholds
)

select
    *,
    {% for end in ['', '_least'] -%}
        case
            when target_basis <> 'cumulative'
                then {{ reading_status('actual_year_to_date' ~ end, 'expected_annual') }}
        end as annual_status{{ end }},
        case
            when target_basis in ('cumulative', 'unstated')
                then {{ reading_status('actual_cumulative' ~ end, 'expected_cumulative') }}
        end as cumulative_status{{ end }},
    {% endfor %}
    coalesce(completeness < 1, false)
    and coalesce(actual_year_to_date, actual_cumulative) is not null as is_lower_bound
from measured
