{{ config(meta={'dagster': {'ref': {'name': 'identified_persons'}}}) }}
-- Recomputed from the records: distinct persons, by the date of their first step in an episode. The
-- categories of a breakdown in which a person has one add up to them.
with steps as (
    select
        members.area_code,
        events.linked_person_key,
        events.event,
        events.event_date,
        min(events.event_date) over (
            partition by
                members.area_code, events.linked_person_key, events.episode, events.event
        ) as first_of_kind,
        min(events.event_date) over (
            partition by members.area_code, events.linked_person_key, events.episode
        ) as first_of_both
    from {{ ref('fct_referral_events') }} as events
    inner join {{ ref('bridge_area_members') }} as members
        on events.county_code = members.county_code
    where events.event in ('initially_identified', 'formally_identified')
),

firsts as (
    select
        area_code,
        linked_person_key,
        event as step,
        first_of_kind as first_on
    from steps
    union
    select
        area_code,
        linked_person_key,
        'identified' as step,
        first_of_both as first_on
    from steps
),

recounted as (
    {% for period in [
        'cast(year(first_on) as varchar)',
        "year(first_on) || if(month(first_on) < 7, '-H1', '-H2')",
    ] -%}
        select
            area_code,
            step,
            {{ period }} as period,
            count(distinct linked_person_key) as persons
        from firsts
        group by all
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

totals as (
    select *
    from {{ ref('identified_persons') }}
    where breakdown = 'total'
),

added_up as (
    select
        county_code,
        period,
        step,
        breakdown,
        sum(persons) as persons
    from {{ ref('identified_persons') }}
    where breakdown not in ('total', 'assistance')
    group by all
)

select
    totals.county_code,
    totals.reporting_month
from totals
left join recounted
    on
        totals.county_code = recounted.area_code
        and totals.step = recounted.step
        and totals.period = recounted.period
where totals.persons <> coalesce(recounted.persons, 0)
union all
select
    totals.county_code,
    totals.reporting_month
from totals
inner join added_up
    on
        totals.county_code = added_up.county_code
        and totals.step = added_up.step
        and totals.period = added_up.period
where totals.persons is distinct from added_up.persons
