{#-
  A share of whole numbers as a SQL expression, null where the whole is 0. One division at the end
  and a fixed number of digits: a sum of quotients depends on the order of its rows.
-#}
{%- macro share(part, whole) -%}
    round(({{ part }}) / nullif({{ whole }}, 0), 6)
{%- endmacro -%}
