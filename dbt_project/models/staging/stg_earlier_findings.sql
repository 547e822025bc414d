with source as (
    select * from {{ source('raw', 'earlier_findings') }}
)

select
    finding_id,
    rule,
    county_code,
    institution_code,
    reporting_month,
    indicator_code,
    delivery_id,
    sheet,
    cell,
    row_number,
    message_sq,
    message_en,
    found_at,
    mended_at,
    is_made_up
from source
