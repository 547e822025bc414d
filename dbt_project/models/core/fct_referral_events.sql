-- A case is sent whole: its history is what the latest delivery that holds it says.
select
    events.delivery_id,
    events.row_number,
    events.county_code,
    events.case_key,
    coalesce(events.person_key, events.case_key) as person_key,
    events.event,
    events.event_date,
    cast(date_trunc('month', events.event_date) as date) as reporting_month,
    events.sex,
    events.age_group,
    events.deciding_organisation,
    events.identification_channel,
    events.exploitation,
    events.border_point,
    events.referring_organisation,
    events.referred_organisation,
    events.support_type,
    events.detail,
    events.case_status,
    deliveries.is_made_up
from {{ ref('stg_referral_events') }} as events
inner join {{ ref('stg_deliveries') }} as deliveries
    on events.delivery_id = deliveries.delivery_id
where deliveries.delivery_status = 'accepted'
qualify dense_rank() over (
    partition by events.case_key
    order by deliveries.received_at desc, events.delivery_id desc
) = 1
