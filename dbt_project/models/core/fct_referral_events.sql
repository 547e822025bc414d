-- A case is sent whole: its history is what the latest delivery that holds it says. A case that now
-- stands under its institution's own number replaces what the older form sent of it.
with latest as (
    select
        events.*,
        coalesce(events.person_key, events.case_key) as known_as,
        coalesce(events.institution_code, events.county_code) as sender_code,
        deliveries.received_at,
        deliveries.is_made_up
    from {{ ref('stg_referral_events') }} as events
    inner join {{ ref('int_deliveries') }} as deliveries
        on events.delivery_id = deliveries.delivery_id
    where deliveries.delivery_status = 'accepted'
    qualify dense_rank() over (
        partition by events.case_key
        order by deliveries.received_at desc, events.delivery_id desc
    ) = 1
),

linked as (
    select
        latest.*,
        coalesce(links.linked_person_key, latest.known_as) as linked_person_key,
        coalesce(links.least_person_key, latest.known_as) as least_person_key,
        coalesce(links.is_comparable, false) as is_comparable,
        coalesce(cases.linked_case_key, latest.case_key) as linked_case_key,
        coalesce(cases.least_case_key, latest.case_key) as least_case_key,
        coalesce(cases.is_comparable_case, false) as is_comparable_case,
        min(latest.event_date) over (partition by latest.case_key, latest.known_as) as begun_on
    from latest
    left join {{ ref('stg_person_links') }} as links
        on latest.known_as = links.person_key and latest.is_made_up = links.is_made_up
    left join {{ ref('stg_case_links') }} as cases
        on latest.case_key = cases.case_key and latest.is_made_up = cases.is_made_up
    where not exists (
        select 1
        from latest as renumbered
        where
            renumbered.former_case_key = latest.case_key
            and renumbered.case_key <> latest.case_key
    )
)

select
    delivery_id,
    row_number,
    county_code,
    institution_code,
    sender_code,
    case_key,
    hotline_case_key,
    known_as as person_key,
    linked_person_key,
    least_person_key,
    is_comparable,
    linked_case_key,
    least_case_key,
    is_comparable_case,
    cast(
        dense_rank() over (
            partition by linked_person_key, sender_code order by begun_on, case_key
        ) as integer
    ) as episode,
    event,
    event_date,
    cast(date_trunc('month', event_date) as date) as reporting_month,
    {% for column in [
        'sex', 'age_group', 'deciding_organisation', 'identification_channel', 'exploitation',
        'citizenship', 'trafficking_scope', 'residence_county', 'municipality_code', 'border_point',
        'referring_organisation', 'referred_organisation', 'support_type', 'detail', 'case_status',
        'closing_reason',
    ] -%}
        {{ column }},
        {{ column }}_state,
    {% endfor -%}
    received_at,
    is_made_up
from linked
