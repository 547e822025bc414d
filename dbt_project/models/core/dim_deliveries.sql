select
    delivery_id,
    source_kind,
    layout_id,
    code_lists,
    county_code,
    institution_code,
    reporting_month,
    received_at,
    delivery_status,
    is_made_up
from {{ ref('int_deliveries') }}
