with source as (
    select * from {{ source('raw', 'case_links') }}
)

select
    case_key,
    linked_case_key,
    least_case_key,
    is_comparable as is_comparable_case,
    is_made_up
from source
