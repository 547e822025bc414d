with source as (
    select * from {{ source('raw', 'door_findings') }}
)

select
    delivery_id,
    rule,
    county_code,
    institution_code,
    reporting_month,
    sheet,
    cell,
    row_number,
    message_sq,
    message_en,
    found_at
from source
