-- How many persons were identified at least, by area and month.
with firsts as (
    select
        'identified' as counted_for,
        areas.area_code as county_code,
        cast(null as bigint) as counted_year,
        cast(null as varchar) as category,
        cast(date_trunc('month', min(areas.event_date)) as date) as reporting_month,
        list(distinct areas.sender_code) as senders,
        bool_or(areas.is_comparable) as is_comparable
    from (
        select
            events.*,
            members.area_code
        from {{ ref('fct_referral_events') }} as events
        inner join {{ ref('bridge_area_members') }} as members
            on events.county_code = members.county_code
        where events.event = 'initially_identified' and events.may_be_sent_again is not true
    ) as areas
    group by areas.area_code, areas.least_person_key, areas.episode
)

select
    at_least.county_code,
    at_least.reporting_month,
    at_least.persons
from (
    {{ persons_at_least('firsts') | indent(4) }}
) as at_least
