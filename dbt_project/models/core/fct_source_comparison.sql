-- Two sources' values for the same county, indicator and period, side by side: both stay, with the
-- likely reason of a difference.
select
    pairs.county_code,
    pairs.institution_code,
    pairs.reporting_month,
    pairs.plan_code,
    pairs.indicator_code,
    pairs.frequency,
    pairs.first_source,
    pairs.first_value,
    case
        when pairs.first_value is null then coalesce(pairs.first_state, 'not_reported')
        when pairs.first_value = 0 then 'zero'
        else 'number'
    end as first_state,
    pairs.second_source,
    pairs.second_value,
    case when pairs.second_value is not null then pairs.second_value_least end
        as second_value_least,
    case when pairs.second_value is not null then pairs.second_value_most end
        as second_value_most,
    case
        when pairs.second_value is null then 'not_reported'
        when pairs.second_value = 0 then 'zero'
        else 'number'
    end as second_state,
    pairs.difference,
    pairs.is_part,
    -- A value that is not all there contradicts only what is less.
    coalesce(
        (pairs.difference > 0 and not pairs.is_part)
        or (pairs.difference < 0 and pairs.is_whole is not false),
        false
    ) as is_contradiction,
    (pairs.second_value is not null and pairs.second_value_most is null)
    or (pairs.first_value is not null and pairs.is_whole is false) as is_lower_bound,
    pairs.likely_reason,
    reasons.name_sq as reason_sq,
    reasons.name_en as reason_en,
    officials.source as official_source,
    pairs.delivery_id,
    pairs.sheet,
    pairs.cell,
    pairs.row_number,
    pairs.received_at,
    pairs.is_superseded,
    pairs.is_made_up
from {{ ref('int_source_differences') }} as pairs
left join {{ ref('difference_reasons') }} as reasons on pairs.likely_reason = reasons.reason
left join {{ ref('official_sources') }} as officials
    on
        pairs.plan_code = officials.plan_code
        and pairs.indicator_code = officials.indicator_code
