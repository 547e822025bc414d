with source as (
    select * from {{ source('raw', 'person_pairs') }}
)

select
    pair_id,
    one_person_key,
    other_person_key,
    state as pair_state,
    method,
    probability,
    since as state_since,
    is_made_up
from source
