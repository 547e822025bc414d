-- The log is sent again as it grows: a contact is what its latest delivery says. A contact may name
-- one that it repeats (the same matter again) or duplicates (the same contact written down twice);
-- both are followed to their end, however long the chain, and a circle of them comes to a halt.
with recursive contacts as (
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
    inner join {{ ref('stg_deliveries') }} as deliveries
        on contacts.delivery_id = deliveries.delivery_id
    where deliveries.delivery_status = 'accepted'
    qualify row_number() over (
        partition by contacts.contact_key
        order by deliveries.received_at desc, contacts.delivery_id desc, contacts.row_number desc
    ) = 1
),

-- Whoever is linked gets a number, in the order of the keys: numbers are followed faster.
numbers as (
    select
        linked.key,
        row_number() over (order by linked.key) as number
    from (
        select contact_key as key
        from contacts
        where linked_key is not null
        union
        select linked_key as key
        from contacts
        where linked_key is not null
    ) as linked
),

-- Two ways through the log: by duplicates alone, and by links of either kind.
links as (
    select
        unnest(
            case when contacts.is_marked_duplicate then ['duplicate', 'any'] else ['any'] end
        ) as way,
        own.number,
        linked.number as linked_number
    from contacts
    inner join numbers as own on contacts.contact_key = own.key
    inner join numbers as linked on contacts.linked_key = linked.key
),

-- `union` keeps each pair once, so a circle ends.
reached as (
    select
        way,
        number,
        linked_number as reached_number
    from links
    union
    select
        reached.way,
        reached.number,
        links.linked_number as reached_number
    from reached
    inner join links
        on
            reached.way = links.way
            and reached.reached_number = links.number
),

circles as (
    select
        way,
        number
    from reached
    where number = reached_number
),

ends as (
    select
        reached.way,
        reached.number,
        bool_or(circles.number is not null) as is_circular,
        -- Of a circle the least key stands for all; else a chain ends where nothing is linked on.
        coalesce(
            min(reached.reached_number) filter (where circles.number is not null),
            min(reached.reached_number) filter (where links.number is null)
        ) as end_number
    from reached
    left join circles
        on
            reached.way = circles.way
            and reached.reached_number = circles.number
    left join links
        on
            reached.way = links.way
            and reached.reached_number = links.number
    group by reached.way, reached.number
),

named_ends as (
    select
        ends.way,
        own.key as contact_key,
        ends.is_circular,
        circles.number is not null as is_in_circle,
        named.key as end_key
    from ends
    inner join numbers as own on ends.number = own.number
    inner join numbers as named on ends.end_number = named.number
    left join circles
        on
            ends.way = circles.way
            and ends.number = circles.number
),

-- A circle has no first record: the earliest of it stands for the contact.
circle_heads as (
    select min(contacts.place) as place
    from named_ends
    inner join contacts on named_ends.contact_key = contacts.contact_key
    where named_ends.way = 'duplicate' and named_ends.is_in_circle
    group by named_ends.end_key
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
        contacts.is_marked_duplicate and circle_heads.place is null as is_duplicate
    from contacts
    left join named_ends as any_end
        on contacts.contact_key = any_end.contact_key and any_end.way = 'any'
    left join named_ends as duplicate_end
        on contacts.contact_key = duplicate_end.contact_key and duplicate_end.way = 'duplicate'
    left join contacts as ending on any_end.end_key = ending.contact_key
    left join circle_heads on contacts.place = circle_heads.place
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
            select named_ends.end_key
            from named_ends
            where named_ends.way = 'any'
        )
    group by followed.first_contact_key
),

in_cases as (
    select
        followed.* exclude (case_key),
        followed.case_key as stated_case_key,
        coalesce(followed.case_key, chain_cases.case_key) as case_key
    from followed
    left join chain_cases on followed.first_contact_key = chain_cases.first_contact_key
),

case_openings as (
    select
        case_key,
        min(place) as place
    from in_cases
    where purpose = 'case_report' and case_key is not null
    group by case_key
),

-- What several records say of one contact is one referral, accepted once.
record_groups as (
    select
        original_contact_key,
        min(contacted_at) as contacted_at,
        min(accepted_at) as accepted_at,
        min(place) filter (where is_referred) as referral_place
    from followed
    where
        original_contact_key in (
            select named_ends.end_key
            from named_ends
            where named_ends.way = 'duplicate'
        )
    group by original_contact_key
),

counted as (
    select
        in_cases.*,
        case_openings.place is not null as opens_case,
        case
            when record_groups.original_contact_key is null then in_cases.is_referred
            else coalesce(in_cases.place = record_groups.referral_place, false)
        end as is_referral,
        coalesce(record_groups.contacted_at, in_cases.contacted_at) as first_contacted_at,
        coalesce(record_groups.accepted_at, in_cases.accepted_at) as first_accepted_at
    from in_cases
    left join record_groups
        on in_cases.original_contact_key = record_groups.original_contact_key
    left join case_openings
        on in_cases.case_key = case_openings.case_key and in_cases.place = case_openings.place
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
    opens_case,
    is_referral,
    case
        when is_referral and first_accepted_at >= first_contacted_at
            then date_diff('minute', first_contacted_at, first_accepted_at) / 60.0
    end as hours_to_acceptance,
    is_referral and first_accepted_at is not null as is_accepted,
    is_made_up
from counted
