with source as (
    select * from {{ source('raw', 'refresh_context') }}
)

select as_of
from source
