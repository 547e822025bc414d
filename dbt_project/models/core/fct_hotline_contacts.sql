-- A contact may name one that it repeats (the same matter again) or duplicates (the same contact
-- written down twice): what several records say of one contact is one referral, accepted once.
-- Where no file has the first record, it may have been referred before: that counts in no month.
with record_groups as (
    select
        original_contact_key,
        min(contacted_at) as contacted_at,
        min(accepted_at) as accepted_at,
        case
            when bool_or(contact_key = original_contact_key)
                then min(place) filter (where is_referred)
        end as referral_place
    from {{ ref('int_hotline_followed') }}
    where
        original_contact_key in (
            select chains.end_key
            from {{ ref('int_hotline_chains') }} as chains
            where chains.way = 'duplicate'
        )
    group by original_contact_key
),

-- A case that begins with the repeat of a contact that no file has began before.
cases as (
    select
        case_key,
        arg_min(link_state, place) <> 'dangling' as is_beginning_known,
        min(place) filter (where purpose = 'case_report') as opening_place
    from {{ ref('int_hotline_followed') }}
    where case_key is not null
    group by case_key
),

counted as (
    select
        contacts.*,
        cases.is_beginning_known as is_case_beginning_known,
        coalesce(cases.is_beginning_known and cases.opening_place = contacts.place, false)
            as opens_case,
        case
            when record_groups.original_contact_key is null then contacts.is_referred
            else coalesce(contacts.place = record_groups.referral_place, false)
        end as is_referral,
        coalesce(record_groups.contacted_at, contacts.contacted_at) as first_contacted_at,
        coalesce(record_groups.accepted_at, contacts.accepted_at) as first_accepted_at
    from {{ ref('int_hotline_followed') }} as contacts
    left join record_groups
        on contacts.original_contact_key = record_groups.original_contact_key
    left join cases on contacts.case_key = cases.case_key
)

select
    delivery_id,
    row_number,
    county_code,
    contact_key,
    channel,
    contacted_at,
    cast(date_trunc('month', contacted_at) as date) as reporting_month,
    purpose,
    {% for column in [
        'caller', 'suspicion_elements', 'exploitation', 'event_county_code', 'municipality_code',
        'referred_to', 'accepted_at', 'outcome',
    ] -%}
        {{ column }},
        {{ column }}_state,
    {% endfor -%}
    case_key,
    stated_case_key,
    repeat_of_key,
    duplicate_of_key,
    first_contact_key,
    original_contact_key,
    link_state,
    is_duplicate,
    linked_key is not null and not is_marked_duplicate as is_repeat,
    is_case_beginning_known,
    opens_case,
    is_referral,
    case
        when is_referral and first_accepted_at >= first_contacted_at
            then date_diff('minute', first_contacted_at, first_accepted_at) / 60.0
    end as hours_to_acceptance,
    is_referral and first_accepted_at is not null as is_accepted,
    is_made_up
from counted
