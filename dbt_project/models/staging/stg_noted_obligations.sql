with source as (
    select * from {{ source('raw', 'noted_obligations') }}
)

select
    institution_code,
    plan_code,
    indicator_code,
    frequency,
    valid_from,
    valid_to,
    recorded_from,
    recorded_to,
    basis
from source
