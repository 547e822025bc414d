-- All that was found, with its sentences: those of the door as it wrote them, those of the other
-- rules from the register of their messages.
{{ config(materialized='table') }}

with found as (
    {% for model in [
        'int_value_rules__breakdowns', 'int_value_rules__owed', 'int_value_rules__history',
        'int_value_rules__improbable', 'int_value_rules__elsewhere',
        'int_value_rules__parts',
        'int_report_rules__arrival', 'int_report_rules__values', 'int_report_rules__month',
        'int_report_rules__sender',
        'int_area_rules', 'int_nation_rules', 'int_source_rules',
        'int_record_rules__contacts', 'int_record_rules__steps', 'int_door_findings',
    ] -%}
        select * from {{ ref(model) }}
        {% if not loop.last %}union all by name{% endif %}
    {% endfor %}
)

select
    found.rule,
    found.variant,
    found.county_code,
    found.institution_code,
    found.reporting_month,
    found.indicator_code,
    found.delivery_id,
    found.sheet,
    found.cell,
    found.row_number,
    found.subject,
    found.parameters,
    coalesce(
        found.message_sq, {{ render_message('messages.message_sq', 'found.parameters') }}
    ) as message_sq,
    coalesce(
        found.message_en, {{ render_message('messages.message_en', 'found.parameters') }}
    ) as message_en,
    found.found_at,
    coalesce(found.is_mended, found.mended_at is not null) as is_mended,
    found.mended_at,
    found.is_made_up
from found
left join {{ ref('quality_messages') }} as messages
    on found.rule = messages.rule and found.variant = coalesce(messages.variant, '')
