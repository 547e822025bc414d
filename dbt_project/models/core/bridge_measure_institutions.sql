select
    plan_code,
    measure_code,
    institution_code,
    role,
    source_text
from {{ ref('measure_institutions') }}
