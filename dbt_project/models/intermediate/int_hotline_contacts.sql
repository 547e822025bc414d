-- The log is sent again as it grows: a contact is what its latest delivery says.
{{ config(materialized='table') }}

select
    contacts.*,
    -- The order of the log, the earliest first; no two contacts share a place.
    cast(contacts.contacted_at as varchar) || ' ' || contacts.contact_key as place,
    coalesce(contacts.referred_to is not null or contacts.outcome = 'referred', false)
        as is_referred,
    contacts.duplicate_of_key is not null
    or coalesce(contacts.outcome = 'duplicate_of', false) as is_marked_duplicate,
    coalesce(contacts.duplicate_of_key, contacts.repeat_of_key) as linked_key,
    deliveries.is_made_up
from {{ ref('stg_hotline_contacts') }} as contacts
inner join {{ ref('int_deliveries') }} as deliveries
    on contacts.delivery_id = deliveries.delivery_id
where deliveries.delivery_status = 'accepted'
qualify row_number() over (
    partition by contacts.contact_key
    order by deliveries.received_at desc, contacts.delivery_id desc, contacts.row_number desc
) = 1
