with source as (
    select * from {{ source('raw', 'codes') }}
)

select
    code_list,
    version,
    code,
    name_sq,
    name_en,
    aliases,
    missing_kind,
    htcds_match,
    htcds_field,
    htcds_value,
    htcds_note
from source
