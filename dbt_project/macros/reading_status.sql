{#-
  The status of one reading (annual or cumulative) of an indicator at a month, as a SQL expression.

  value     the actual under this reading, or an end of its interval (null: nothing was reported)
  expected  the share of the target that should stand by this month
  The query around it has target_value, direction, is_december and at_risk_floor. Where both ends
  of an interval have the same status it is certain; a lower bound has no other end but infinity.
-#}
{% macro reading_status(value, expected) -%}
    case
        when {{ value }} is null then 'no_data'
        when direction <> 'increase' and {{ value }} > target_value then 'off_track'
        when direction <> 'increase' and is_december then 'achieved'
        when direction <> 'increase' then 'on_track'
        when {{ value }} >= target_value then 'achieved'
        when {{ value }} >= {{ expected }} then 'on_track'
        when {{ value }} >= at_risk_floor * {{ expected }} then 'at_risk'
        else 'off_track'
    end
{%- endmacro %}
