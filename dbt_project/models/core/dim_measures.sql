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

-- The regional plan is a plan of one year: its title names 2023.
select
    plan_code,
    prv_code as measure_code,
    objective_code,
    name_sq,
    name_en,
    2023 as start_year,
    2023 as end_year,
    null as responsible_text,
    null as contributing_text,
    source_place
from {{ ref('regional_measures') }}
