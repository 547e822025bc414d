select
    plan_code,
    prv_code,
    prv_position,
    national_plan_code,
    pkv_measure_code,
    evidence,
    note,
    source_place
from {{ ref('regional_measures') }}
