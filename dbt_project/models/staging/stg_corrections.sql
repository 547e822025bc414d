with source as (
    select * from {{ source('raw', 'corrections') }}
)

select
    correction_id,
    county_code,
    institution_code,
    indicator_code,
    reporting_month,
    category,
    expected_value,
    expected_state,
    corrected_value,
    corrected_state,
    reason,
    corrected_by,
    corrected_at,
    withdrawn_at
from source
