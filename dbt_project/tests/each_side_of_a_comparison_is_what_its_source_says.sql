{{ config(meta={'dagster': {'ref': {'name': 'source_comparison'}}}) }}
-- Recomputed from the facts: what institutions submitted, and what records count in the period.
with periods as (
    select
        *,
        case frequency when 'quarterly' then 3 when 'yearly' then 12 else 1 end as months
    from {{ ref('source_comparison') }}
    where first_source = 'submission'
),

reports as (
    select
        county_code,
        institution_code,
        plan_code,
        indicator_code,
        reporting_month,
        coalesce(
            max(value) filter (where category = 'total'),
            sum(value) filter (where breakdown_kind = 'partition')
        ) as value
    from {{ ref('fct_actuals') }}
    where frequency = 'month' and superseded_at is null
    group by all
),

submitted as (
    select
        periods.county_code,
        periods.reporting_month,
        periods.plan_code,
        periods.indicator_code,
        periods.second_source,
        any_value(periods.first_value) as first_value,
        sum(reports.value) as value
    from periods
    inner join {{ ref('fct_values_due') }} as due
        on
            periods.county_code = due.county_code
            and periods.plan_code = due.plan_code
            and periods.indicator_code = due.indicator_code
            and periods.reporting_month = due.reporting_month
            and periods.frequency = due.frequency
    inner join reports
        on
            due.county_code = reports.county_code
            and due.institution_code = reports.institution_code
            and due.plan_code = reports.plan_code
            and due.indicator_code = reports.indicator_code
            and due.reporting_month = reports.reporting_month
    group by all
),

recorded as (
    select
        periods.county_code,
        periods.reporting_month,
        periods.plan_code,
        periods.indicator_code,
        any_value(periods.second_value) as second_value,
        sum(counts.value) as value
    from periods
    inner join {{ ref('fct_record_counts') }} as counts
        on
            periods.county_code = counts.county_code
            and periods.plan_code = counts.plan_code
            and periods.indicator_code = counts.indicator_code
            and counts.category = 'total'
            and counts.reporting_month
            between periods.reporting_month - to_months(periods.months - 1)
            and periods.reporting_month
    where periods.second_source in ('referral_records', 'hotline_log')
    group by
        periods.county_code, periods.reporting_month, periods.plan_code, periods.indicator_code
)

select
    county_code,
    reporting_month,
    plan_code,
    indicator_code
from submitted
where first_value is not null and first_value <> value

union all

select
    county_code,
    reporting_month,
    plan_code,
    indicator_code
from recorded
where second_value <> value
