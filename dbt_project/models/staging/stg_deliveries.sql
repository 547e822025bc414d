with source as (
    select * from {{ source('raw', 'deliveries') }}
)

select
    delivery_id,
    content_hash,
    name_key,
    layout_id,
    source as source_kind,
    county_code,
    institution_code,
    reporting_month,
    received_at,
    status as delivery_status,
    code_lists,
    sheet,
    record_columns,
    is_made_up
from source
