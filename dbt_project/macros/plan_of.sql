{#-
  The national plan of which the codes used on a day are, as a SQL expression: the first that does
  not end before the day, which is the one in force or, where none is, the next one, whose
  baseline lies there; after the last plan, the last.
-#}
{%- macro plan_of(day) -%}
    coalesce(
        (
            select arg_min(plans.plan_code, plans.valid_to)
            from {{ ref('plans') }} as plans
            where plans.level = 'national' and plans.valid_to >= cast({{ day }} as date)
        ),
        (
            select arg_max(plans.plan_code, plans.valid_to)
            from {{ ref('plans') }} as plans
            where plans.level = 'national'
        )
    )
{%- endmacro -%}
