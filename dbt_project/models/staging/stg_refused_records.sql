with source as (
    select * from {{ source('raw', 'refused_records') }}
)

select
    delivery_id,
    contact_key,
    case_key
from source
