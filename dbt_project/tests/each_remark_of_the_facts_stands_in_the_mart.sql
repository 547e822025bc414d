{{ config(meta={'dagster': {'ref': {'name': 'remarks'}}}) }}
-- Counted on both sides, by county and month.
with facts as (
    select
        county_code,
        reporting_month,
        count(*) as remarks
    from {{ ref('fct_remarks') }}
    group by all
),

marted as (
    select
        county_code,
        reporting_month,
        count(*) as remarks
    from {{ ref('remarks') }}
    group by all
)

select
    coalesce(facts.county_code, marted.county_code) as county_code,
    coalesce(facts.reporting_month, marted.reporting_month) as reporting_month
from facts
full outer join marted
    on
        facts.county_code = marted.county_code
        and facts.reporting_month = marted.reporting_month
where facts.remarks is distinct from marted.remarks
