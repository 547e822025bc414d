select
    plan_code,
    level,
    county_code,
    valid_from,
    valid_to,
    name_sq,
    name_en
from {{ ref('plans') }}
