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
    purpose,
    {{ stated_columns([
        'caller', 'suspicion_elements', 'exploitation', 'event_county_code', 'municipality_code',
        'referred_to', 'accepted_at', 'outcome',
    ]) }},
    case_key,
    repeat_of_key,
    duplicate_of_key
from source
