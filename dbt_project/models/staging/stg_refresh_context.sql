with source as (
    select * from {{ source('raw', 'refresh_context') }}
)

select
    as_of,
    month_names_sq,
    month_names_en
from source
