-- A report that supersedes touches what the ones before it held, too, and it does not.
with indicators_held as (
    select distinct
        county_code,
        institution_code,
        reporting_month,
        frequency,
        plan_code,
        indicator_code
    from {{ ref('fct_actuals') }}
),

numbers as (
    select
        delivery_id,
        institution_code,
        reporting_month,
        plan_code,
        indicator_code,
        bool_or(
            value_state in ('number', 'zero')
            and (category = 'total' or breakdown_kind is not null)
        ) as has_number
    from {{ ref('fct_actuals') }}
    group by delivery_id, institution_code, reporting_month, plan_code, indicator_code
)

select
    reports.delivery_id,
    reports.county_code,
    reports.institution_code,
    reports.reporting_month as about_month,
    held.plan_code,
    held.indicator_code,
    reports.version,
    coalesce(numbers.has_number, false) as has_number,
    {{ is_counted('held') }} as is_counted
from {{ ref('fct_submissions') }} as reports
inner join indicators_held as held
    on
        reports.county_code = held.county_code
        and reports.institution_code = held.institution_code
        and reports.reporting_month = held.reporting_month
        and reports.frequency = held.frequency
left join numbers
    on
        reports.delivery_id = numbers.delivery_id
        and reports.institution_code = numbers.institution_code
        and reports.reporting_month = numbers.reporting_month
        and held.plan_code = numbers.plan_code
        and held.indicator_code = numbers.indicator_code
where reports.version is not null
