{{ config(meta={'dagster': {'ref': {'name': 'referral_flow'}}}) }}
-- Recomputed from the records by distinct persons within cases, less those who had the step before.
with steps as (
    select
        county_code,
        reporting_month,
        event,
        case_key || '/' || person_key as person,
        min(reporting_month) over (partition by county_code, case_key, person_key, event)
            as first_month
    from {{ ref('fct_referral_events') }}
),

counted as (
    select
        county_code,
        reporting_month,
        {% for event in ['flagged', 'formally_identified', 'referred', 'assisted'] -%}
            count(distinct person) filter (where event = '{{ event }}') as {{ event }},
        {% endfor %}
        count(distinct person) filter (where event = 'initially_identified') as identified
    from steps
    where reporting_month = first_month
    group by all
)

select
    flow.county_code,
    flow.reporting_month
from {{ ref('referral_flow') }} as flow
left join counted
    on
        flow.county_code = counted.county_code
        and flow.reporting_month = counted.reporting_month
where
    {% for column in ['flagged', 'identified', 'formally_identified', 'referred', 'assisted'] -%}
        flow.{{ column }} <> coalesce(counted.{{ column }}, 0)
        {% if not loop.last %}or {% endif %}
    {% endfor %}
