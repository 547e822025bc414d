-- A person's first step of each kind in an episode, for the county and for the nation, whichever
-- institutions sent it.
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

-- What senders say of one day otherwise is told apart by the value itself.
firsts as (
    select
        area_code as county_code,
        linked_person_key,
        episode,
        event,
        min(event_date) as event_date,
        {% for column in ['sex', 'age_group', 'identification_channel', 'detail'] -%}
            arg_min({{ column }}, (event_date, {{ column }})) as {{ column }}
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from events
    group by area_code, linked_person_key, episode, event
)

select
    *,
    cast(date_trunc('month', event_date) as date) as reporting_month,
    max(event_date) filter (where event = 'initially_identified') over person_in_episode
        as identified_on,
    max(event_date) filter (where event = 'referred') over person_in_episode as referred_on
from firsts
window person_in_episode as (partition by county_code, linked_person_key, episode)
