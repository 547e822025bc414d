with source as (
    select * from {{ source('raw', 'finding_decisions') }}
)

select
    entry_number,
    finding_id,
    decision,
    decided_at,
    decided_by,
    reason,
    holds_until
from source
