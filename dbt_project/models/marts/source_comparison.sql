-- Current values of two sources, one pair a row. Where several institutions owe an indicator, their
-- sum is the county's value, and each of them would give the same row.
select
    county_code,
    reporting_month,
    plan_code,
    indicator_code,
    frequency,
    first_source,
    first_value,
    first_state,
    second_source,
    second_value,
    second_value_least,
    second_state,
    difference,
    is_part,
    is_contradiction,
    likely_reason,
    reason_sq,
    reason_en,
    official_source,
    is_made_up
from {{ ref('fct_source_comparison') }}
where not is_superseded
qualify row_number() over (
    partition by
        county_code, reporting_month, plan_code, indicator_code, frequency, first_source,
        second_source
    order by first_value is null, institution_code, delivery_id, row_number
) = 1
