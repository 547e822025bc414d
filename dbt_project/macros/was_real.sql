{#-
  Whether what was decided at a moment is about data that count now, as a SQL condition: false for
  an area whose data were made up then and are real now. `origins` is a left join of
  int_area_origins.
-#}
{%- macro was_real(origins, moment) -%}
    coalesce(
        not (
            {{ moment }} >= {{ origins }}.made_up_from and {{ moment }} < {{ origins }}.real_from
        ),
        true
    )
{%- endmacro -%}
