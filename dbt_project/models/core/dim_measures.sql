with measures as (
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

    -- A regional plan gives its measures no years of their own.
    select
        measures.plan_code,
        measures.prv_code as measure_code,
        measures.objective_code,
        measures.name_sq,
        measures.name_en,
        cast(year(plans.valid_from) as integer) as start_year,
        cast(year(plans.valid_to) as integer) as end_year,
        null as responsible_text,
        null as contributing_text,
        measures.source_place
    from {{ ref('regional_measures') }} as measures
    inner join {{ ref('plans') }} as plans on measures.plan_code = plans.plan_code
)

select
    measures.plan_code,
    measures.measure_code,
    measures.objective_code,
    objectives.name_sq as objective_name_sq,
    objectives.name_en as objective_name_en,
    measures.name_sq,
    measures.name_en,
    measures.start_year,
    measures.end_year,
    measures.responsible_text,
    measures.contributing_text,
    measures.source_place
from measures
left join {{ ref('objectives') }} as objectives
    on
        measures.plan_code = objectives.plan_code
        and measures.objective_code = objectives.objective_code
