{#- Columns of a record with their states. A row kept before its column was asked for has none. -#}
{%- macro stated_columns(names) -%}
    {%- for name in names %}
        {{ name }},
        coalesce(
            {{ name }}_state, case when {{ name }} is null then 'not_asked' else 'reported' end
        ) as {{ name }}_state
        {%- if not loop.last %},{% endif %}
    {%- endfor %}
{%- endmacro -%}
