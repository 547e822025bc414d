-- How often the cells of records say something, and which kind of nothing they hold otherwise.
with states as (
    {% for column in [
        'caller', 'suspicion_elements', 'exploitation', 'event_county_code', 'municipality_code',
        'referred_to', 'accepted_at', 'outcome',
    ] -%}
        select
            county_code,
            reporting_month,
            'hotline' as source,
            '{{ column }}' as column_name,
            {{ column }}_state as state,
            is_made_up
        from {{ ref('fct_hotline_contacts') }}
        union all
    {% endfor -%}
    {% for column in [
        'sex', 'age_group', 'deciding_organisation', 'identification_channel', 'exploitation',
        'citizenship', 'trafficking_scope', 'residence_county', 'municipality_code', 'border_point',
        'referring_organisation', 'referred_organisation', 'support_type', 'detail', 'case_status',
        'closing_reason',
    ] -%}
        select
            county_code,
            reporting_month,
            'referral' as source,
            '{{ column }}' as column_name,
            {{ column }}_state as state,
            is_made_up
        from {{ ref('fct_referral_events') }}
        {% if not loop.last %}union all{% endif %}
    {% endfor -%}
)

select
    county_code,
    reporting_month,
    source,
    column_name,
    state,
    cast(count(*) as integer) as cells,
    bool_or(is_made_up) as is_made_up
from states
group by county_code, reporting_month, source, column_name, state
