-- What the register record_indicators counts of the steps of referrals and the contacts of the
-- hotline, a row for each indicator and area. An indicator has one or more patterns of events, and
-- counts persons, cases or events, once a plan, once a year or each time. What must have come
-- before an event is asked of the area's own records.
{{ config(materialized='table') }}

with events as (
    select
        events.*,
        members.area_code
    from {{ ref('fct_referral_events') }} as events
    inner join {{ ref('bridge_area_members') }} as members
        on events.county_code = members.county_code
    where events.may_be_sent_again is not true
),

contacts as (
    select
        contacts.*,
        members.area_code
    from {{ ref('fct_hotline_contacts') }} as contacts
    inner join {{ ref('bridge_area_members') }} as members
        on contacts.county_code = members.county_code
    where contacts.case_key is not null
),

stream as (
    select
        area_code,
        'referral' as source,
        sender_code,
        linked_case_key,
        least_case_key,
        is_comparable_case,
        linked_person_key,
        least_person_key,
        is_comparable,
        true as is_first_known,
        -- A step of one day in the files of two senders is one; twice in a sender's own it is two.
        event || '/' || event_date || '/' || row_number() over (
            partition by area_code, linked_person_key, sender_code, event, event_date
            order by delivery_id, row_number
        ) as step,
        event,
        event_date as occurred_on,
        age_group,
        identification_channel,
        support_type,
        detail,
        min(event_date) filter (where event = 'prosecuted') over person_in_episode
            as prosecuted_on,
        min(event_date) filter (where event = 'informed') over person_in_episode as informed_on
    from events
    window person_in_episode as (partition by area_code, linked_person_key, episode)
    union all by name
    -- Of cases reported by web, text or in person the plan asks for no category.
    select
        area_code,
        'hotline' as source,
        'hotline' as sender_code,
        case_key as linked_case_key,
        case_key as least_case_key,
        true as is_comparable_case,
        true as is_comparable,
        is_case_beginning_known as is_first_known,
        contact_key as step,
        purpose as event,
        contacted_at as occurred_on,
        case channel when 'phone_116006' then 'hotline' when 'app' then 'app' end as detail
    from contacts
),

planned as (
    select
        *,
        {{ plan_of('stream.occurred_on') }} as plan_code
    from stream
)

select
    patterns.plan_code,
    patterns.indicator_code,
    planned.area_code as county_code,
    planned.sender_code,
    planned.occurred_on,
    planned.is_first_known,
    case when patterns.has_categories then planned.detail end as category,
    case patterns.counted
        when 'person' then planned.linked_person_key
        when 'case' then planned.linked_case_key
        else concat(planned.linked_person_key, '/', planned.step)
    end as counted_key,
    case patterns.counted
        when 'person' then planned.least_person_key
        when 'case' then planned.least_case_key
        else concat(planned.least_person_key, '/', planned.step)
    end as least_key,
    case patterns.counted
        when 'case' then planned.is_comparable_case
        else planned.is_comparable
    end as is_comparable,
    case when patterns.once_a = 'year' then year(planned.occurred_on) end as counted_year
from planned
inner join {{ ref('record_indicators') }} as patterns
    on
        planned.plan_code = patterns.plan_code
        and planned.source = patterns.source
        and planned.event = patterns.event
        and (
            patterns.earlier_event is null
            or (
                patterns.earlier_event = 'prosecuted'
                and planned.prosecuted_on <= planned.occurred_on
            )
            or (
                patterns.earlier_event = 'informed'
                and planned.informed_on <= planned.occurred_on
            )
        )
        {% for column in ['age_group', 'identification_channel', 'support_type', 'detail'] -%}
            and planned.{{ column }}
            is not distinct from coalesce(patterns.{{ column }}, planned.{{ column }})
        {% endfor %}
