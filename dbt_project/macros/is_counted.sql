{#-
  Whether a row's value counts, as a SQL condition: where the register says who owes the value, only
  those institutions' does. The rows have county_code, institution_code, plan_code, indicator_code
  and reporting_month.
-#}
{%- macro is_counted(rows) -%}
    (
        exists (
            select 1
            from {{ ref('fct_values_due') }} as due
            where
                due.county_code = {{ rows }}.county_code
                and due.institution_code = {{ rows }}.institution_code
                and due.plan_code = {{ rows }}.plan_code
                and due.indicator_code = {{ rows }}.indicator_code
                and due.reporting_month = {{ rows }}.reporting_month
        )
        or not exists (
            select 1
            from {{ ref('fct_values_due') }} as due
            where
                due.county_code = {{ rows }}.county_code
                and due.plan_code = {{ rows }}.plan_code
                and due.indicator_code = {{ rows }}.indicator_code
                and due.reporting_month = {{ rows }}.reporting_month
        )
    )
{%- endmacro -%}
