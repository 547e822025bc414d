{#- The counties whose data the nation's rows count, as a query. -#}
{%- macro counties_of_the_nation() -%}
    select members.county_code
    from {{ ref('bridge_area_members') }} as members
    where members.area_code = 'AL' and members.county_code <> 'AL'
{%- endmacro -%}
