with source as (
    select * from {{ source('raw', 'referral_events') }}
)

select
    delivery_id,
    row_number,
    county_code,
    case_key,
    person_key,
    event,
    event_date,
    sex,
    age_group,
    deciding_organisation,
    identification_channel,
    exploitation,
    border_point,
    referring_organisation,
    referred_organisation,
    support_type,
    detail,
    case_status
from source
