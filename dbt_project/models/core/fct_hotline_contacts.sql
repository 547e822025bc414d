-- The log is sent again as it grows: a contact is what its latest delivery says. A contact may name
-- one that it repeats (the same matter again) or duplicates (the same contact written down twice);
-- both are followed to their end, however long the chain, and a circle of them comes to a halt.
with recursive contacts as (
    select
        contacts.*,
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

-- Two ways through the log: by duplicates alone, and by links of either kind.
links as (
    select
        'duplicate' as way,
        contact_key,
        linked_key
    from contacts
    where is_marked_duplicate and linked_key is not null
    union all
    select
        'any' as way,
        contact_key,
        linked_key
    from contacts
    where linked_key is not null
),

-- `union` keeps each pair once, so a circle ends.
reached as (
    select
        way,
        contact_key,
        linked_key as reached_key
    from links
    union
    select
        reached.way,
        reached.contact_key,
        links.linked_key as reached_key
    from reached
    inner join links
        on
            reached.way = links.way
            and reached.reached_key = links.contact_key
),

circles as (
    select
        way,
        contact_key
    from reached
    where contact_key = reached_key
),

ends as (
    select
        reached.way,
        reached.contact_key,
        bool_or(circles.contact_key is not null) as is_circular,
        -- Of a circle the least key stands for all; else a chain ends where nothing is linked on.
        coalesce(
            min(reached.reached_key) filter (where circles.contact_key is not null),
            min(reached.reached_key) filter (where links.contact_key is null)
        ) as end_key
    from reached
    left join circles
        on
            reached.way = circles.way
            and reached.reached_key = circles.contact_key
    left join links
        on
            reached.way = links.way
            and reached.reached_key = links.contact_key
    group by reached.way, reached.contact_key
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
        -- A circle has no first record: the earliest of it stands for the contact.
        contacts.is_marked_duplicate and not (
            circles.contact_key is not null
            and row_number() over (
                partition by circles.contact_key is not null, duplicate_end.end_key
                order by contacts.contacted_at, contacts.contact_key
            ) = 1
        ) as is_duplicate
    from contacts
    left join ends as any_end
        on contacts.contact_key = any_end.contact_key and any_end.way = 'any'
    left join ends as duplicate_end
        on contacts.contact_key = duplicate_end.contact_key and duplicate_end.way = 'duplicate'
    left join contacts as ending on any_end.end_key = ending.contact_key
    left join circles
        on contacts.contact_key = circles.contact_key and circles.way = 'duplicate'
),

-- A repeat that names no case belongs to the case of those that it is linked with.
in_cases as (
    select
        * exclude (case_key),
        coalesce(
            case_key,
            arg_min(case_key, contacted_at) filter (where case_key is not null) over (
                partition by first_contact_key
            )
        ) as case_key,
        case_key as stated_case_key
    from followed
),

-- What was said of one contact in several records of it is one referral, accepted once.
counted as (
    select
        *,
        coalesce(referred_to is not null or outcome = 'referred', false) as is_referred,
        min(contacted_at) over (partition by original_contact_key) as first_contacted_at,
        min(accepted_at) over (partition by original_contact_key) as first_accepted_at,
        row_number() over (
            partition by original_contact_key
            order by
                case when referred_to is not null or outcome = 'referred' then 0 else 1 end,
                contacted_at, contact_key
        ) as referral_rank,
        row_number() over (
            partition by case_key
            order by
                case when purpose = 'case_report' then 0 else 1 end, contacted_at, contact_key
        ) as case_rank
    from in_cases
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
    coalesce(case_key is not null and purpose = 'case_report' and case_rank = 1, false)
        as opens_case,
    is_referred and referral_rank = 1 as is_referral,
    case
        when is_referred and referral_rank = 1 and first_accepted_at >= first_contacted_at
            then date_diff('minute', first_contacted_at, first_accepted_at) / 60.0
    end as hours_to_acceptance,
    coalesce(is_referred and referral_rank = 1 and first_accepted_at is not null, false)
        as is_accepted,
    is_made_up
from counted
