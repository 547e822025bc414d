-- The log is sent again as it grows: a contact is what its latest delivery says.
select
    contacts.delivery_id,
    contacts.county_code,
    contacts.contact_key,
    contacts.channel,
    contacts.contacted_at,
    cast(date_trunc('month', contacts.contacted_at) as date) as reporting_month,
    contacts.caller,
    contacts.purpose,
    contacts.suspicion_elements,
    contacts.exploitation,
    contacts.referred_to,
    contacts.accepted_at,
    contacts.outcome,
    contacts.case_key,
    contacts.repeat_of_key,
    deliveries.is_made_up
from {{ ref('stg_hotline_contacts') }} as contacts
inner join {{ ref('stg_deliveries') }} as deliveries
    on contacts.delivery_id = deliveries.delivery_id
where deliveries.delivery_status = 'accepted'
qualify row_number() over (
    partition by contacts.contact_key
    order by deliveries.received_at desc, contacts.delivery_id desc, contacts.row_number desc
) = 1
