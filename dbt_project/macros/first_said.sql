{#-
  What rows say first of a column of records, as an aggregate: its value or, where none has one, the
  kind of nothing that tells most. Not asked is all that is known only where no form asked.

  rows  a condition for the rows that may say it
-#}
{%- macro first_said(column, rows) -%}
    coalesce(
        arg_min({{ column }}, (event_date, {{ column }})) filter (where {{ rows }}),
        arg_min(
            {{ column }}_state,
            list_position(
                ['unknown', 'refused', 'not_reported', 'not_asked', 'not_applicable'],
                {{ column }}_state
            )
        ) filter (where {{ rows }} and {{ column }} is null)
    )
{%- endmacro -%}
