select
    code_list,
    cast(version as integer) as version,
    code,
    name_sq,
    name_en,
    aliases,
    missing_kind,
    htcds_match,
    htcds_field,
    htcds_value,
    htcds_note
from {{ ref('stg_codes') }}
