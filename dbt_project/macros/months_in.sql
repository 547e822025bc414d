{#- How many months the period of an obligation's frequency has, as a SQL expression. -#}
{%- macro months_in(frequency) -%}
    case {{ frequency }} when 'quarterly' then 3 when 'yearly' then 12 else 1 end
{%- endmacro -%}
