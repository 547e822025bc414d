{#-
  What an institution reported of an indicator for a month, as aggregates over the lines of its
  report: columns category, breakdown_kind, value and value_state, and partition_categories.
  A blank is no value at all: nothing here turns null into zero.
-#}

{#-
  The total or, without one, the sum of the parts that are there, where they are a partition; where
  they overlap the largest of them, which is what the total is at least.
-#}
{%- macro report_value() -%}
    coalesce(
        sum(value) filter (where category = 'total' and value_state in ('number', 'zero')),
        sum(value) filter (
            where breakdown_kind = 'partition' and value_state in ('number', 'zero')
        ),
        max(value) filter (where breakdown_kind = 'overlap' and value_state in ('number', 'zero'))
    )
{%- endmacro -%}

{#- Whether that is all: a total with an answer, or as many answers as the partition has parts. -#}
{%- macro is_reported_in_full() -%}
    coalesce(
        bool_or(value_state in ('number', 'zero', 'not_applicable')) filter (
            where category = 'total'
        ),
        false
    )
    or count(distinct category) filter (
        where breakdown_kind = 'partition' and value_state in ('number', 'zero', 'not_applicable')
    ) = coalesce(nullif(max(partition_categories), 0), -1)
{%- endmacro -%}
