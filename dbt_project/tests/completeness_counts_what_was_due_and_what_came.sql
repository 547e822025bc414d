{{ config(meta={'dagster': {'ref': {'name': 'reporting_completeness'}}}) }}
-- Recomputed from the facts: reports and values due, and those that came, by county and month.
with due as (
    select
        county_code,
        reporting_month,
        count(distinct institution_code) as reports,
        count(*) as value_count
    from {{ ref('fct_values_due') }}
    group by all
),

came as (
    select
        due.county_code,
        due.reporting_month,
        count(distinct submissions.institution_code) as reports
    from {{ ref('fct_values_due') }} as due
    inner join {{ ref('fct_submissions') }} as submissions
        on
            due.county_code = submissions.county_code
            and due.institution_code = submissions.institution_code
            and due.reporting_month = submissions.reporting_month
    where submissions.frequency = 'month' and submissions.status in ('on_time', 'late')
    group by all
),

marted as (
    select
        county_code,
        reporting_month,
        sum(expected) as expected,
        sum(received) as received,
        sum(values_expected) as values_expected
    from {{ ref('reporting_completeness') }}
    group by all
)

select
    coalesce(marted.county_code, due.county_code) as county_code,
    coalesce(marted.reporting_month, due.reporting_month) as reporting_month
from marted
full outer join due
    on
        marted.county_code = due.county_code
        and marted.reporting_month = due.reporting_month
left join came
    on
        due.county_code = came.county_code
        and due.reporting_month = came.reporting_month
where
    marted.expected is distinct from due.reports
    or marted.values_expected is distinct from due.value_count
    or coalesce(marted.received, 0) <> coalesce(came.reports, 0)
