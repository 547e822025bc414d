-- The difference of each pair of sources and its likely reason. Where records give an interval, a
-- value within it agrees.
with differences as (
    select
        *,
        coalesce(institution_code, '') as institution,
        case
            when second_value is not null
                then
                    first_value
                    - least(greatest(first_value, second_value_least), second_value_most)
        end as difference
    from (
        select * from {{ ref('int_submission_pairs') }}
        union all by name
        select * from {{ ref('int_other_pairs') }}
    )
),

-- One figure a period: of several that hold, the one that came last.
holding as (
    select *
    from differences
    where not is_superseded
    qualify row_number() over (
        partition by
            county_code, institution, plan_code, indicator_code, frequency, first_source,
            second_source, reporting_month
        order by received_at desc, delivery_id desc, row_number desc
    ) = 1
),

-- Neighbours of a superseded version are the periods that hold now.
neighbours as (
    select
        county_code,
        institution,
        plan_code,
        indicator_code,
        frequency,
        first_source,
        second_source,
        reporting_month,
        lag(difference) over periods_in_order as difference_before,
        lead(difference) over periods_in_order as difference_after,
        lag(second_value) over periods_in_order as second_before,
        lead(second_value) over periods_in_order as second_after
    from holding
    window periods_in_order as (
        partition by
            county_code, institution, plan_code, indicator_code, frequency, first_source,
            second_source
        order by reporting_month
    )
),

thresholds as (
    select max(value) filter (where threshold = 'period_shift_least') as period_shift_least
    from {{ ref('dim_quality_thresholds') }}
)

select
    differences.*,
    case
        when differences.difference = 0 then null
        when
            differences.second_value is null
            or (differences.first_value is null and differences.first_source <> 'submission')
            then 'source_missing'
        when differences.difference is null or not differences.is_whole
            then 'incomplete_source'
        when -differences.difference in (neighbours.difference_before, neighbours.difference_after)
            then 'period_shift'
        when
            differences.difference > 0
            and (
                differences.first_value <= differences.occurrences
                or (
                    differences.institutions > 1
                    and differences.largest = differences.second_value
                )
            )
            then 'double_counting'
        when
            differences.first_value = differences.value_before
            or (
                differences.difference < 0
                and -differences.difference <= differences.added_later
            )
            then 'late_record'
        when
            differences.first_value >= thresholds.period_shift_least
            and differences.first_value in (neighbours.second_before, neighbours.second_after)
            then 'period_shift'
        when differences.is_part and differences.difference > 0 then 'definition_differs'
        when differences.is_part then 'incomplete_source'
        else 'unexplained'
    end as likely_reason
from differences
left join neighbours
    on
        differences.county_code = neighbours.county_code
        and differences.institution = neighbours.institution
        and differences.plan_code = neighbours.plan_code
        and differences.indicator_code = neighbours.indicator_code
        and differences.frequency = neighbours.frequency
        and differences.first_source = neighbours.first_source
        and differences.second_source = neighbours.second_source
        and differences.reporting_month = neighbours.reporting_month
cross join thresholds
