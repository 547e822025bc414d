{#-
  Whether a report came by its deadline, and how many days after it, as SQL expressions of two days.

  A report that did not come is not on time, and has no number of days: missing is not a number.
-#}
{% macro is_on_time(received_on, deadline) -%}
    coalesce({{ received_on }} <= {{ deadline }}, false)
{%- endmacro %}

{% macro days_late(received_on, deadline) -%}
    greatest(
        date_diff('day', {{ deadline }}, {{ received_on }}),
        case when {{ received_on }} is not null then 0 end
    )
{%- endmacro %}
