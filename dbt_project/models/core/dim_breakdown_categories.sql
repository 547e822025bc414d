select
    plan_code,
    indicator_code,
    category,
    name_sq,
    name_en,
    breakdown_kind
from {{ ref('breakdown_categories') }}
