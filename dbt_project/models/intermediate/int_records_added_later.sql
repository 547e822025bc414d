-- How many records of a month came with a later file than the first one that spoke of the month.
with files as (
    select
        records.county_code,
        'referral_records' as source,
        records.event_date as occurred_on,
        md5(concat_ws('|', records.case_key, records.person_key, records.event, records.event_date))
            as record,
        deliveries.received_at
    from {{ ref('stg_referral_events') }} as records
    inner join {{ ref('int_deliveries') }} as deliveries
        on records.delivery_id = deliveries.delivery_id
    where deliveries.delivery_status = 'accepted'
    union all
    select
        records.county_code,
        'hotline_log' as source,
        records.contacted_at as occurred_on,
        records.contact_key as record,
        deliveries.received_at
    from {{ ref('stg_hotline_contacts') }} as records
    inner join {{ ref('int_deliveries') }} as deliveries
        on records.delivery_id = deliveries.delivery_id
    where deliveries.delivery_status = 'accepted'
),

records as (
    select
        county_code,
        source,
        cast(date_trunc('month', occurred_on) as date) as reporting_month,
        record,
        min(received_at) as received_at
    from files
    group by all
),

firsts as (
    select
        *,
        min(received_at) over (partition by county_code, source, reporting_month)
            as month_first_received_at
    from records
)

select
    county_code,
    source,
    reporting_month,
    count(*) filter (where received_at > month_first_received_at) as added_later
from firsts
group by county_code, source, reporting_month
