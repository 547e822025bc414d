-- Where persons stand when each month ends: by the last decision, whoever took it. Of decisions of
-- one day the one that goes further comes last.
{% set statuses = ['flagged', 'initially_identified', 'formally_identified', 'not_a_victim'] -%}
with decided as (
    select
        events.area_code as county_code,
        months.month as reporting_month,
        arg_max(
            events.event, (events.event_date, list_position({{ statuses }}, events.event))
        ) as status
    from (
        select
            events.*,
            members.area_code
        from {{ ref('fct_referral_events') }} as events
        inner join {{ ref('bridge_area_members') }} as members
            on events.county_code = members.county_code
        where list_contains({{ statuses }}, events.event)
    ) as events
    inner join {{ ref('dim_months') }} as months on events.event_date <= last_day(months.month)
    group by events.area_code, months.month, events.linked_person_key, events.episode
)

select
    county_code,
    reporting_month,
    {% for status in statuses -%}
        count(*) filter (where status = '{{ status }}') as standing_{{ status }}
        {%- if not loop.last %},{% endif %}
    {% endfor %}
from decided
group by county_code, reporting_month
