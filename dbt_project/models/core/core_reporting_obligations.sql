-- The register (a seed) has this table's name; dbt wants names apart, so the alias carries it. Its
-- rows come with the days on which they were in it, whatever was edited since: who owed what as of
-- a day is the same whenever it is asked.
{{ config(alias='reporting_obligations') }}

select
    obligations.institution_code,
    institutions.county_code,
    obligations.plan_code,
    obligations.indicator_code,
    obligations.frequency,
    obligations.valid_from,
    obligations.valid_to,
    obligations.recorded_from,
    obligations.recorded_to,
    obligations.recorded_from <= context.as_of
    and coalesce(obligations.recorded_to > context.as_of, true) as is_recorded,
    obligations.basis
from {{ ref('stg_noted_obligations') }} as obligations
inner join {{ ref('dim_institutions') }} as institutions
    on obligations.institution_code = institutions.institution_code
cross join {{ ref('stg_refresh_context') }} as context
