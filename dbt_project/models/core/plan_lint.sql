-- Every oddity of the plans that a rule can find in the registers.
with found as (
    {% for model in [
        'int_plan_lint__cells', 'int_plan_lint__indicators', 'int_plan_lint__regional',
    ] -%}
        select * from {{ ref(model) }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    found.rule,
    found.plan_code,
    found.measure_code,
    found.indicator_code,
    found.year,
    found.source_text,
    {{ render_message('rules.explanation_sq', 'found.parameters') }} as explanation_sq,
    {{ render_message('rules.explanation_en', 'found.parameters') }} as explanation_en,
    found.source_place
from found
left join {{ ref('plan_lint_rules') }} as rules on found.rule = rules.rule
