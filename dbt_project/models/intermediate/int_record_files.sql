-- Each accepted file of records and the months that it tells of. A log is sent as it grows: it
-- tells of every month from its first contact to its last. Records of cases are sent whole whenever
-- something is new: a file tells of the period in which its last event lies, not of all those that
-- its cases go back to.
{{ config(materialized='table') }}

with records as (
    select
        'hotline' as source,
        delivery_id,
        county_code,
        cast(null as varchar) as sender_code,
        contacted_at as occurred_on
    from {{ ref('stg_hotline_contacts') }}
    union all
    select
        'referral' as source,
        delivery_id,
        county_code,
        institution_code as sender_code,
        event_date as occurred_on
    from {{ ref('stg_referral_events') }}
)

select
    records.source,
    records.delivery_id,
    records.county_code,
    records.sender_code,
    cast(date_trunc('month', min(records.occurred_on)) as date) as first_month,
    cast(date_trunc('month', max(records.occurred_on)) as date) as last_month,
    -- Months in which it has a record.
    list_sort(list(distinct cast(date_trunc('month', records.occurred_on) as date))) as months,
    min(deliveries.received_at) as received_at,
    bool_or(deliveries.is_made_up) as is_made_up
from records
inner join {{ ref('int_deliveries') }} as deliveries
    on records.delivery_id = deliveries.delivery_id
where deliveries.delivery_status = 'accepted'
group by records.source, records.delivery_id, records.county_code, records.sender_code
