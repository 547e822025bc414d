-- Each report that an institution owed for a month: whether and when it came, and the values in it.
with due as (
    select
        county_code,
        institution_code,
        plan_code,
        indicator_code,
        reporting_month,
        reporting_deadline
    from {{ ref('fct_values_due') }}
),

received as (
    select
        county_code,
        institution_code,
        plan_code,
        indicator_code,
        reporting_month
    from {{ ref('int_monthly_reports') }}
    where is_received
),

reports as (
    select
        county_code,
        institution_code,
        reporting_month,
        min(first_received_at) as first_received_at,
        bool_or(is_made_up) as is_made_up
    from {{ ref('fct_submissions') }}
    where frequency = 'month'
    group by county_code, institution_code, reporting_month
),

counted as (
    select
        due.county_code,
        due.institution_code,
        due.reporting_month,
        any_value(due.reporting_deadline) as reporting_deadline,
        count(*) as values_expected,
        count(received.indicator_code) as values_received
    from due
    left join received
        on
            due.county_code = received.county_code
            and due.institution_code = received.institution_code
            and due.plan_code = received.plan_code
            and due.indicator_code = received.indicator_code
            and due.reporting_month = received.reporting_month
    group by due.county_code, due.institution_code, due.reporting_month
)

select
    counted.county_code,
    counted.institution_code,
    counted.reporting_month,
    1 as expected,
    cast(reports.first_received_at is not null as integer) as received,
    cast(
        {{ is_on_time('cast(reports.first_received_at as date)', 'counted.reporting_deadline') }}
        as integer
    ) as on_time,
    cast(
        {{ days_late('cast(reports.first_received_at as date)', 'counted.reporting_deadline') }}
        as integer
    ) as days_late,
    cast(counted.values_expected as integer) as values_expected,
    cast(counted.values_received as integer) as values_received,
    coalesce(reports.is_made_up, false) as is_made_up
from counted
left join reports
    on
        counted.county_code = reports.county_code
        and counted.institution_code = reports.institution_code
        and counted.reporting_month = reports.reporting_month
