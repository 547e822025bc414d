with members as (
    select
        pair_id,
        pair_state,
        method,
        cast(state_since as date) as changed_on,
        is_made_up,
        unnest([one_person_key, other_person_key]) as person_key
    from {{ ref('stg_person_pairs') }}
),

places as (
    select distinct
        members.pair_id,
        members.pair_state,
        members.method,
        members.changed_on,
        events.reporting_month,
        areas.area_code as county_code
    from members
    inner join {{ ref('fct_referral_events') }} as events
        on members.person_key = events.person_key and members.is_made_up = events.is_made_up
    inner join {{ ref('bridge_area_members') }} as areas
        on events.county_code = areas.county_code
)

select
    county_code,
    reporting_month,
    changed_on,
    cast(count(*) filter (where pair_state = 'linked') as integer) as linked_pairs,
    cast(count(*) filter (where pair_state = 'apart') as integer) as apart_pairs,
    cast(count(*) filter (where pair_state = 'doubtful') as integer) as doubtful_pairs,
    cast(count(*) filter (where method = 'decided') as integer) as decided_pairs
from places
group by county_code, reporting_month, changed_on
