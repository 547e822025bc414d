with source as (
    select * from {{ source('raw', 'person_links') }}
)

select
    person_key,
    linked_person_key,
    least_person_key,
    is_comparable,
    is_made_up
from source
