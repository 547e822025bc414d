-- All that was found, with its sentences: those of the door as it wrote them, those of the other
-- rules from the register of their messages.
with found as (
    {% for model in [
        'int_value_rules__breakdowns', 'int_value_rules__owed', 'int_value_rules__history',
        'int_value_rules__improbable', 'int_value_rules__elsewhere',
        'int_report_rules__values', 'int_report_rules__obligations', 'int_report_rules__arrival',
        'int_area_rules', 'int_nation_rules', 'int_source_rules',
        'int_record_rules__contacts', 'int_record_rules__steps',
    ] -%}
        select * from {{ ref(model) }}
        {% if not loop.last %}union all by name{% endif %}
    {% endfor %}
)

select
    found.*,
    {{ render_message('messages.message_sq', 'found.parameters') }} as message_sq,
    {{ render_message('messages.message_en', 'found.parameters') }} as message_en
from found
left join {{ ref('quality_messages') }} as messages
    on found.rule = messages.rule and found.variant = coalesce(messages.variant, '')

union all by name

select
    *,
    mended_at is not null as is_mended
from {{ ref('int_door_findings') }}
