{{ config(meta={'dagster': {'ref': {'name': 'reporting_rates'}}}) }}
-- Recomputed from the reports of institutions, which are recomputed from the facts: a county's are
-- added up, and the nation has at least what its members sent, of all that was due.
with added as (
    select
        areas.county_code,
        reports.reporting_month,
        sum(reports.expected) as expected,
        sum(reports.received) filter (where members.county_code is not null) as received
    from {{ ref('dim_counties') }} as areas
    inner join {{ ref('reporting_completeness') }} as reports
        on areas.is_nation or areas.county_code = reports.county_code
    left join {{ ref('bridge_area_members') }} as members
        on
            areas.county_code = members.area_code
            and reports.county_code = members.county_code
    group by areas.county_code, reports.reporting_month
)

select
    coalesce(rates.county_code, added.county_code) as county_code,
    coalesce(rates.reporting_month, added.reporting_month) as reporting_month
from {{ ref('reporting_rates') }} as rates
full join added
    on
        rates.county_code = added.county_code
        and rates.reporting_month = added.reporting_month
where
    rates.expected is distinct from added.expected
    or rates.received is distinct from coalesce(added.received, 0)
