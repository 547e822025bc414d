-- Contacts with what they repeat or duplicate followed to the end, each in its case.
{{ config(materialized='table') }}

-- A circle has no first record: the earliest of it stands for the contact.
with circle_starts as (
    select min(contacts.place) as place
    from {{ ref('int_hotline_chains') }} as chains
    inner join {{ ref('int_hotline_contacts') }} as contacts
        on chains.contact_key = contacts.contact_key
    where chains.way = 'duplicate' and chains.is_in_circle
    group by chains.end_key
),

followed as (
    select
        contacts.*,
        coalesce(any_end.end_key, contacts.contact_key) as first_contact_key,
        coalesce(duplicate_end.end_key, contacts.contact_key) as original_contact_key,
        case
            when contacts.linked_key is null then 'none'
            when any_end.is_circular then 'circular'
            when ending.contact_key is null then 'dangling'
            else 'linked'
        end as link_state,
        contacts.is_marked_duplicate and circle_starts.place is null as is_duplicate
    from {{ ref('int_hotline_contacts') }} as contacts
    left join {{ ref('int_hotline_chains') }} as any_end
        on contacts.contact_key = any_end.contact_key and any_end.way = 'any'
    left join {{ ref('int_hotline_chains') }} as duplicate_end
        on contacts.contact_key = duplicate_end.contact_key and duplicate_end.way = 'duplicate'
    left join {{ ref('int_hotline_contacts') }} as ending on any_end.end_key = ending.contact_key
    left join circle_starts on contacts.place = circle_starts.place
),

-- A repeat that names no case belongs to the case of those that it is linked with.
chain_cases as (
    select
        followed.first_contact_key,
        arg_min(followed.case_key, followed.place) as case_key
    from followed
    where
        followed.case_key is not null
        and followed.first_contact_key in (
            select chains.end_key
            from {{ ref('int_hotline_chains') }} as chains
            where chains.way = 'any'
        )
    group by followed.first_contact_key
)

select
    followed.* exclude (case_key),
    followed.case_key as stated_case_key,
    coalesce(followed.case_key, chain_cases.case_key) as case_key
from followed
left join chain_cases on followed.first_contact_key = chain_cases.first_contact_key
