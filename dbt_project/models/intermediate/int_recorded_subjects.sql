-- What the records count for recorded_counts, each thing once, where it came first: a person whom
-- several institutions or counties know is one.
{{ config(materialized='table') }}

with events as (
    select
        events.county_code,
        events.linked_person_key,
        events.episode,
        events.event,
        events.event_date,
        events.sex,
        events.age_group,
        events.identification_channel,
        events.exploitation,
        citizenships.category as citizenship,
        events.is_made_up
    from {{ ref('fct_referral_events') }} as events
    left join {{ ref('dim_collection_codes') }} as citizenships
        on
            citizenships.collection = 'eurostat'
            and citizenships.breakdown = 'citizenship'
            and citizenships.category <> 'unknown'
            and events.citizenship = citizenships.code
    where events.may_be_sent_again is not true
)

select
    arg_min(county_code, (event_date, county_code)) as county_code,
    'referral' as source,
    event as subject,
    cast(min(event_date) as date) as occurred_on,
    {% for column in [
        'sex', 'age_group', 'identification_channel', 'exploitation', 'citizenship',
    ] -%}
        arg_min({{ column }}, (event_date, {{ column }})) as {{ column }},
    {% endfor -%}
    null as channel,
    null as purpose,
    bool_or(is_made_up) as is_made_up
from events
group by linked_person_key, episode, event
union all
select
    county_code,
    'hotline' as source,
    unnest(
        ['hotline_contacts']
        || if(is_referral, ['hotline_referrals'], [])
        || if(is_accepted, ['hotline_referrals_accepted'], [])
    ) as subject,
    cast(contacted_at as date) as occurred_on,
    null as sex,
    null as age_group,
    null as identification_channel,
    null as exploitation,
    null as citizenship,
    channel,
    purpose,
    is_made_up
from {{ ref('fct_hotline_contacts') }}
union all
select
    county_code,
    'hotline' as source,
    'hotline_cases' as subject,
    cast(min(contacted_at) as date) as occurred_on,
    null as sex,
    null as age_group,
    null as identification_channel,
    null as exploitation,
    null as citizenship,
    null as channel,
    null as purpose,
    bool_or(is_made_up) as is_made_up
from {{ ref('fct_hotline_contacts') }}
where case_key is not null and is_case_beginning_known
group by county_code, case_key
