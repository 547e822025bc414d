with source as (
    select * from {{ source('raw', 'referral_events') }}
)

select
    delivery_id,
    row_number,
    county_code,
    institution_code,
    case_key,
    former_case_key,
    hotline_case_key,
    person_key,
    personal_number_key,
    birth_date_key,
    birth_year_key,
    event,
    event_date,
    {{ stated_columns([
        'sex', 'age_group', 'deciding_organisation', 'identification_channel', 'exploitation',
        'citizenship', 'trafficking_scope', 'residence_county', 'municipality_code', 'border_point',
        'referring_organisation', 'referred_organisation', 'support_type', 'detail', 'case_status',
        'closing_reason',
    ]) }}
from source
