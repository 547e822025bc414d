-- Refused logs and files of records of which each contact, or case, has come since in a later file.
with arrivals as (
    select
        contact_key as record_key,
        delivery_id
    from {{ ref('stg_hotline_contacts') }}
    union all
    select
        case_key as record_key,
        delivery_id
    from {{ ref('stg_referral_events') }}
),

refused_records as (
    select
        records.delivery_id,
        coalesce(records.contact_key, records.case_key) as record_key,
        deliveries.received_at
    from {{ ref('stg_refused_records') }} as records
    inner join {{ ref('int_deliveries') }} as deliveries
        on records.delivery_id = deliveries.delivery_id
),

arrived_records as (
    select
        refused_records.delivery_id,
        refused_records.record_key,
        min(later.received_at) as arrived_at
    from refused_records
    left join arrivals on refused_records.record_key = arrivals.record_key
    left join {{ ref('int_deliveries') }} as later
        on
            arrivals.delivery_id = later.delivery_id
            and refused_records.received_at < later.received_at
            and later.delivery_status = 'accepted'
    group by refused_records.delivery_id, refused_records.record_key
)

select
    delivery_id,
    max(arrived_at) as arrived_at
from arrived_records
group by delivery_id
having count(arrived_at) = count(*)
