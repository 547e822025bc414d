-- Counties and the nation beside their targets, with the status of both readings of a target,
-- annual and cumulative, at both ends of an interval.
with areas as (
    select
        * exclude (may_overlap),
        cast(null as bigint) as counties_reporting,
        cast(null as bigint) as counties_expected,
        cast(null as varchar) as counties_missing
    from {{ ref('int_county_progress') }}
    union all by name
    select
        *,
        'AL' as county_code
    from {{ ref('int_nation_progress') }}
),

thresholds as (
    select max(value) filter (where threshold = 'at_risk_floor') as at_risk_floor
    from {{ ref('dim_status_thresholds') }}
),

measured as (
    select
        areas.*,
        indicators.target_basis,
        indicators.direction,
        indicators.break_reason_en is not null as has_break,
        areas.reporting_month = plans.valid_from as is_first_month,
        measures.start_year,
        targets.target_value,
        coalesce(targets.has_later_target, false) as has_later_target,
        thresholds.at_risk_floor,
        areas.month_number = 12 as is_december,
        targets.target_value * areas.month_number / 12 as expected_annual,
        coalesce(targets.previous_target, 0)
        + (targets.target_value - coalesce(targets.previous_target, 0)) * areas.month_number / 12
            as expected_cumulative,
        -- A level is what it was last. A sum is whole when each year is in which the measure ran,
        -- or somebody owed or reported it all the same.
        areas.is_whole
        and (
            indicators.target_basis in ('level', 'milestone')
            or count(*) filter (
                where
                not areas.is_whole
                and areas.month_number = 12
                and (
                    areas.year >= coalesce(measures.start_year, 0)
                    or areas.actual_year_to_date is not null
                    or (areas.county_code <> 'AL' and areas.completeness is not null)
                )
            ) over earlier = 0
        ) as is_cumulative_whole
    from areas
    inner join {{ ref('dim_indicators') }} as indicators
        on
            areas.plan_code = indicators.plan_code
            and areas.indicator_code = indicators.indicator_code
    inner join {{ ref('dim_plans') }} as plans on areas.plan_code = plans.plan_code
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
    window earlier as (
        partition by areas.county_code, areas.plan_code, areas.indicator_code
        order by areas.reporting_month
        rows between unbounded preceding and 1 preceding
    )
),

-- Nothing bounds what is not all there.
bounded as (
    select
        measured.* exclude (actual_year_to_date_most, actual_cumulative_most),
        case when measured.is_whole then measured.actual_year_to_date_most end
            as actual_year_to_date_most,
        case when measured.is_cumulative_whole then measured.actual_cumulative_most end
            as actual_cumulative_most,
        sources.official_value,
        sources.official_source
    from measured
    left join {{ ref('int_official_values') }} as sources
        on
            measured.county_code = sources.county_code
            and measured.plan_code = sources.plan_code
            and measured.indicator_code = sources.indicator_code
            and measured.reporting_month = sources.reporting_month
),

ends as (
    select
        *,
        {% for number in ['actual_year_to_date', 'actual_cumulative'] -%}
            case
                when {{ number }} is not null
                    then coalesce({{ number }}_most, cast('infinity' as double))
            end as {{ number }}_end
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from bounded
)

select
    * exclude (actual_year_to_date_end, actual_cumulative_end),
    {% for end in ['least', 'end'] -%}
        case
            when target_basis <> 'cumulative'
                then {{ reading_status('actual_year_to_date_' ~ end, 'expected_annual') }}
        end as annual_status_{{ 'most' if end == 'end' else end }},
        case
            when target_basis in ('cumulative', 'unstated')
                then {{ reading_status('actual_cumulative_' ~ end, 'expected_cumulative') }}
        end as cumulative_status_{{ 'most' if end == 'end' else end }},
    {% endfor %}
    -- Of the numbers that a target of this basis is read against, one is not all there.
    (
        target_basis <> 'cumulative'
        and actual_year_to_date is not null
        and actual_year_to_date_most is null
    )
    or (
        target_basis in ('cumulative', 'unstated')
        and actual_cumulative is not null
        and actual_cumulative_most is null
    )
    or coalesce(counties_reporting < counties_expected, false) as is_lower_bound
from ends
