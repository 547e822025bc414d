{#-
  The columns of an oddity of a plan, for the select list of the query of its rule: `columns` gives
  an expression for each that is not null; every oddity has plan_code, source_text, source_place.
-#}
{% macro oddity(rule, columns, texts={}) -%}
    '{{ rule }}' as rule,
    plan_code,
    {{ columns.get('measure_code', 'cast(null as varchar)') }} as measure_code,
    {{ columns.get('indicator_code', 'cast(null as varchar)') }} as indicator_code,
    {{ columns.get('year', 'cast(null as integer)') }} as year,
    {{ columns.get('source_text', 'source_text') }} as source_text,
    {{ columns.get('source_place', 'source_place') }} as source_place,
    {{ message_parameters(texts) }} as parameters
{%- endmacro %}
