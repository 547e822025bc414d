{{ config(meta={'dagster': {'ref': {'name': 'institution_values'}}}) }}
-- Recomputed from the reports that hold now: how many numbers each institution gave, and their sum.
-- Whatever is owed has a row, reported or not.
with lines as (
    select
        submissions.county_code,
        submissions.reporting_month,
        submissions.institution_code,
        actuals.plan_code,
        actuals.indicator_code,
        actuals.category,
        arg_max(actuals.value, (actuals.row_number, actuals.received_at)) as value
    from {{ ref('fct_submissions') }} as submissions
    inner join {{ ref('fct_actuals') }} as actuals
        on
            submissions.delivery_id = actuals.delivery_id
            and submissions.county_code = actuals.county_code
            and submissions.institution_code = actuals.institution_code
            and submissions.reporting_month = actuals.reporting_month
            and submissions.frequency = actuals.frequency
    where
        submissions.superseded_at is null
        and submissions.frequency = 'month'
        and submissions.county_code <> 'AL'
        and actuals.value is not null
        and actuals.superseded_at is null
    group by all
),

recounted as (
    select
        county_code,
        reporting_month,
        institution_code,
        count(*) as numbers,
        sum(value) as total
    from lines
    group by all
),

counted as (
    select
        county_code,
        reporting_month,
        institution_code,
        count(value) as numbers,
        sum(value) as total
    from {{ ref('institution_values') }}
    group by all
    having count(value) > 0
)

select
    coalesce(counted.county_code, recounted.county_code) as county_code,
    coalesce(counted.reporting_month, recounted.reporting_month) as reporting_month
from counted
full outer join recounted
    on
        counted.county_code = recounted.county_code
        and counted.reporting_month = recounted.reporting_month
        and counted.institution_code = recounted.institution_code
where
    counted.numbers is distinct from recounted.numbers
    or round(counted.total, 6) is distinct from round(recounted.total, 6)
union all
select
    due.county_code,
    due.reporting_month
from {{ ref('fct_values_due') }} as due
left join {{ ref('institution_values') }} as found
    on
        due.county_code = found.county_code
        and due.reporting_month = found.reporting_month
        and due.institution_code = found.institution_code
        and due.plan_code = found.plan_code
        and due.indicator_code = found.indicator_code
where found.county_code is null and due.county_code <> 'AL'
