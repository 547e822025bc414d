-- A report that supersedes touches what the ones before it held, too, and it does not.
select distinct
    reports.delivery_id,
    reports.county_code,
    reports.institution_code,
    actuals.plan_code,
    actuals.indicator_code,
    reports.version
from {{ ref('fct_submissions') }} as reports
inner join {{ ref('fct_actuals') }} as actuals
    on
        reports.county_code = actuals.county_code
        and reports.institution_code = actuals.institution_code
        and reports.reporting_month = actuals.reporting_month
        and reports.frequency = actuals.frequency
where reports.version is not null
