-- A report that supersedes touches what the ones before it held, too, and it does not. Logs and
-- records touch what is counted from them, in every month that they go back to.
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
        ) as has_number,
        string_agg(
            concat_ws(' ', category, value_state, value), ', '
            order by category, value_state, value
        ) filter (where value_state <> 'not_reported') as stated
    from {{ ref('fct_actuals') }}
    group by delivery_id, institution_code, reporting_month, plan_code, indicator_code
),

sivet as (
    select
        deliveries.source_kind,
        figures.delivery_id,
        figures.county_code,
        deliveries.institution_code,
        figures.reporting_month as about_month,
        months.plan_code,
        figures.indicator_code,
        string_agg(
            concat_ws(' ', figures.value_state, figures.value), ', ' order by figures.row_number
        ) filter (where figures.value_state <> 'not_reported') as stated,
        bool_or(figures.value_state in ('number', 'zero')) as has_number,
        any_value(deliveries.received_at) as received_at
    from {{ ref('stg_submission_values') }} as figures
    inner join {{ ref('dim_deliveries') }} as deliveries
        on figures.delivery_id = deliveries.delivery_id
    inner join {{ ref('dim_months') }} as months on figures.reporting_month = months.month
    where
        deliveries.source_kind = 'sivet'
        and deliveries.delivery_status = 'accepted'
        and figures.category = 'total'
        and figures.indicator_code is not null
    group by
        deliveries.source_kind, figures.delivery_id, figures.county_code,
        deliveries.institution_code, figures.reporting_month, months.plan_code,
        figures.indicator_code
),

records as (
    select
        'hotline' as source,
        delivery_id,
        null as sender_code,
        contacted_at as happened_at
    from {{ ref('stg_hotline_contacts') }}
    union all
    select
        'referral' as source,
        delivery_id,
        institution_code as sender_code,
        event_date as happened_at
    from {{ ref('stg_referral_events') }}
),

record_files as (
    select
        records.source,
        records.delivery_id,
        records.sender_code,
        deliveries.county_code,
        deliveries.received_at,
        cast(date_trunc('month', min(records.happened_at)) as date) as first_month,
        cast(date_trunc('month', max(records.happened_at)) as date) as last_month
    from records
    inner join {{ ref('dim_deliveries') }} as deliveries
        on records.delivery_id = deliveries.delivery_id
    where deliveries.delivery_status = 'accepted'
    group by
        records.source, records.delivery_id, records.sender_code, deliveries.county_code,
        deliveries.received_at
),

record_months as (
    select
        *,
        unnest(generate_series(first_month, last_month, interval 1 month)) as about_month
    from record_files
),

-- Not every row that is counted from records is about an indicator.
counted as (
    select distinct
        source,
        plan_code,
        indicator_code
    from {{ ref('fct_record_counts') }}
    union all
    select
        unnest(['hotline', 'referral']) as source,
        null as plan_code,
        null as indicator_code
)

select
    'submission' as source_kind,
    reports.delivery_id,
    reports.county_code,
    reports.institution_code,
    reports.reporting_month as about_month,
    reports.reporting_month as last_month,
    held.plan_code,
    held.indicator_code,
    reports.version,
    numbers.stated,
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
union all by name
select
    * exclude (received_at),
    about_month as last_month,
    cast(
        row_number() over (
            partition by county_code, plan_code, indicator_code, about_month
            order by received_at, delivery_id
        ) as integer
    ) as version,
    true as is_counted
from sivet
union all by name
select
    files.source as source_kind,
    files.delivery_id,
    files.county_code,
    files.sender_code as institution_code,
    cast(files.about_month as date) as about_month,
    files.last_month,
    counted.plan_code,
    counted.indicator_code,
    cast(
        row_number() over (
            partition by
                files.source, files.county_code, files.sender_code, files.about_month,
                counted.plan_code, counted.indicator_code
            order by files.received_at, files.delivery_id
        ) as integer
    ) as version,
    null as stated,
    true as has_number,
    true as is_counted
from record_months as files
inner join counted on files.source = counted.source
