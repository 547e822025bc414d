{#-
  The counties that are not in a list of codes, as a SQL expression: their codes in one text, null
  if none is missing.
-#}
{%- macro counties_missing(counties) -%}
    (
        select string_agg(every_county.county_code, ' ' order by every_county.county_code)
        from {{ ref('dim_counties') }} as every_county
        where
            not every_county.is_nation
            and not coalesce(list_contains({{ counties }}, every_county.county_code), false)
    )
{%- endmacro -%}
