select
    plan_code,
    measure_code,
    objective_code,
    name_sq,
    name_en,
    start_year,
    end_year,
    responsible_text,
    contributing_text,
    source_place
from {{ ref('measures') }}

union all

-- A regional plan is a plan of one year, the one that its code ends in.
select
    plan_code,
    prv_code as measure_code,
    objective_code,
    name_sq,
    name_en,
    cast(right(plan_code, 4) as integer) as start_year,
    cast(right(plan_code, 4) as integer) as end_year,
    null as responsible_text,
    null as contributing_text,
    source_place
from {{ ref('regional_measures') }}
