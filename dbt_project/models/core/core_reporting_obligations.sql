-- The register (a seed) has this table's name; dbt wants names apart, so the alias carries it.
{{ config(alias='reporting_obligations') }}

select
    obligations.institution_code,
    institutions.county_code,
    obligations.indicator_code,
    obligations.frequency,
    obligations.valid_from,
    obligations.valid_to,
    obligations.basis
from {{ ref('reporting_obligations') }} as obligations
inner join {{ ref('dim_institutions') }} as institutions
    on obligations.institution_code = institutions.institution_code
