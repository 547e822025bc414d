{{ config(meta={'dagster': {'ref': {'name': 'dim_plans'}}}) }}
-- A month has one national plan: the plan of a report or a record is the one in force.
select
    one.plan_code,
    other.plan_code as other_plan_code
from {{ ref('dim_plans') }} as one
inner join {{ ref('dim_plans') }} as other
    on
        one.level = other.level
        and one.plan_code < other.plan_code
        and one.valid_from <= other.valid_to
        and one.valid_to >= other.valid_from
where one.level = 'national'
