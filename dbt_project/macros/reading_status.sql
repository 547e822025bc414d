{#-
  The status of one reading (annual or cumulative) of an indicator at a month, as a SQL expression.

  value     the actual under this reading (null: nothing was reported)
  expected  the share of the target that should stand by this month
  The query around it has target_value, direction, completeness, is_december, at_risk_floor and
  minimum_completeness. An incomplete value is a lower bound: enough to say that a target to reach
  is reached, never enough to say that a limit was kept.
-#}
{% macro reading_status(value, expected) -%}
    case
        when {{ value }} is null then 'no_data'
        when direction <> 'increase' and {{ value }} > target_value then 'off_track'
        when direction <> 'increase' and coalesce(completeness, 1) < 1 then 'no_data'
        when direction <> 'increase' and is_december then 'achieved'
        when direction <> 'increase' then 'on_track'
        when {{ value }} >= target_value then 'achieved'
        when coalesce(completeness, 1) < minimum_completeness then 'no_data'
        when {{ value }} >= {{ expected }} then 'on_track'
        when {{ value }} >= at_risk_floor * {{ expected }} then 'at_risk'
        else 'off_track'
    end
{%- endmacro %}
