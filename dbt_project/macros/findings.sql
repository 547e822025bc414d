{#- The thresholds of these names, one column each, as a query of one row. -#}
{% macro thresholds(names) -%}
    {% set columns = [] -%}
    {% for name in names -%}
        {% do columns.append("max(value) filter (where threshold = '" ~ name ~ "') as " ~ name) -%}
    {% endfor -%}
    select {{ columns | join(', ') }}
    from {{ ref('dim_quality_thresholds') }}
{%- endmacro %}

{#-
  The columns of a finding, for the select list of the query of its rule.

  rule, variant  the row of quality_messages with its sentences; no variant where it has only one
  at             a relation with county_code, institution_code, reporting_month, delivery_id,
                 received_at, superseded_at and is_made_up
  place          what has indicator_code, sheet, cell and row_number: a relation or a struct
  column         of a record, in place of its cell: an expression for the column of its layout,
                 whose letter `at`.record_columns has
  lacks          columns of these that are null
  found_at, is_mended  expressions, where received_at and superseded_at do not answer it
  texts, counts, days, months, means  parameters of the sentences: {name: expression}
-#}
{% macro finding(
    rule, at, variant='', place=none, column=none, lacks=[], found_at=none, is_mended=none,
    texts={}, counts={}, days={}, months={}, means={}
) -%}
    '{{ rule }}' as rule,
    '{{ variant }}' as variant,
    {%- for name in ['county_code', 'institution_code', 'reporting_month', 'delivery_id'] %}
        {{ 'null' if name in lacks else at ~ '.' ~ name }} as {{ name }},
    {%- endfor %}
    {%- for name in ['indicator_code', 'sheet', 'cell', 'row_number'] %}
        {% if column and name == 'cell' -%}
            ({{ at }}.record_columns ->> {{ column }}) || {{ at }}.row_number as cell,
        {%- else -%}
            {{ 'null' if name in lacks else (place or at) ~ '.' ~ name }} as {{ name }},
        {%- endif %}
    {%- endfor %}
    {{ message_parameters(texts, counts, days, months, means) }} as parameters,
    {{ found_at or at ~ '.received_at' }} as found_at,
    {{ is_mended or at ~ '.superseded_at is not null' }} as is_mended,
    {{ at }}.is_made_up
{%- endmacro %}

{#-
  A map of what sentences name, as text. A count is written whole. A day, a month and a mean are
  written in each language's way: `day` gives the parameters `day_sq` and `day_en`.
-#}
{% macro message_parameters(texts={}, counts={}, days={}, months={}, means={}) -%}
    {% set written = dict(texts) -%}
    {% for name, number in counts.items() -%}
        {% do written.update({name: 'cast(' ~ number ~ ' as bigint)'}) -%}
    {% endfor -%}
    {% for dates, in_albanian, in_english in [
        (days, '%d.%m.%Y', '%Y-%m-%d'), (months, '%m.%Y', '%Y-%m'),
    ] -%}
        {% for name, day in dates.items() -%}
            {% do written.update({
                name ~ '_sq': 'strftime(' ~ day ~ ", '" ~ in_albanian ~ "')",
                name ~ '_en': 'strftime(' ~ day ~ ", '" ~ in_english ~ "')",
            }) -%}
        {% endfor -%}
    {% endfor -%}
    {% for name, mean in means.items() -%}
        {% set rounded = 'cast(round(' ~ mean ~ ', 1) as varchar)' -%}
        {% do written.update({
            name ~ '_sq': 'replace(' ~ rounded ~ ", '.', ',')", name ~ '_en': rounded,
        }) -%}
    {% endfor -%}
    {% set entries = [] -%}
    {% for name, text in written.items() -%}
        {% do entries.append("'" ~ name ~ "': cast(" ~ text ~ ' as varchar)') -%}
    {% endfor -%}
    cast(map {{ '{' ~ entries | join(', ') ~ '}' }} as map(varchar, varchar))
{%- endmacro %}

{#- Whether a record contradicts itself or another by any of these rules. -#}
{% macro any_holds(contradictions) -%}
    {% for each in contradictions['alone'] + contradictions['together'] -%}
        ({{ each['where'] or 'true' }}){% if not loop.last %} or {% endif %}
    {%- endfor %}
{%- endmacro %}

{#- An institution as sentences name it: its name in a language, and its code. -#}
{% macro named(institution, language) -%}
    {{ institution }}.name_{{ language }} || ' (' || {{ institution }}.institution_code || ')'
{%- endmacro %}

{#-
  A sentence with each {name} replaced by the parameter of that name, once. What has no parameter,
  or one that is null, stays as it is written, so that a test can find it.
-#}
{% macro render_message(sentence, parameters) -%}
    array_to_string(
        list_transform(
            regexp_extract_all({{ sentence }}, '[{][a-z_]+[}]|[^{]+|[{]'),
            lambda part: coalesce({{ parameters }}[regexp_extract(part, '^[{](.*)[}]$', 1)], part)
        ),
        ''
    )
{%- endmacro %}
