with source as (
    select * from {{ source('raw', 'hotline_contacts') }}
)

select
    delivery_id,
    row_number,
    county_code,
    contact_key,
    channel,
    received_at as contacted_at,
    caller,
    purpose,
    suspicion_elements,
    exploitation,
    referred_to,
    accepted_at,
    outcome,
    case_key,
    repeat_of_key
from source
