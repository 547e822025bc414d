{{ config(meta={'dagster': {'ref': {'name': 'referral_flow'}}}) }}
-- Recomputed from the records by distinct persons, less those who had the step before.
with areas as (
    select
        events.*,
        members.area_code,
        events.linked_person_key || '/' || events.episode as person
    from {{ ref('fct_referral_events') }} as events
    inner join {{ ref('bridge_area_members') }} as members
        on events.county_code = members.county_code
    where not events.may_be_sent_again
),

steps as (
    select
        area_code,
        event,
        person,
        date_trunc('month', event_date) as reporting_month,
        date_trunc('month', min(event_date) over (partition by area_code, person, event))
            as first_month
    from areas
),

counted as (
    select
        area_code,
        reporting_month,
        {% for event in ['flagged', 'formally_identified', 'referred', 'assisted'] -%}
            count(distinct person) filter (where event = '{{ event }}') as {{ event }},
        {% endfor %}
        count(distinct person) filter (where event = 'initially_identified') as identified
    from steps
    where reporting_month = first_month
    group by area_code, reporting_month
)

select
    flow.county_code,
    flow.reporting_month
from {{ ref('referral_flow') }} as flow
left join counted
    on
        flow.county_code = counted.area_code
        and flow.reporting_month = counted.reporting_month
where
    {% for column in ['flagged', 'identified', 'formally_identified', 'referred', 'assisted'] -%}
        flow.{{ column }} <> coalesce(counted.{{ column }}, 0)
        {% if not loop.last %}or {% endif %}
    {% endfor %}
