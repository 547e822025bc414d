{#- The counties of which all cases came up to a month, a list a month, as a query. -#}
{%- macro settled_counties() -%}
    select
        reporting_month,
        list(county_code) as counties
    from {{ ref('int_record_months') }}
    where source = 'referral' and coverage = 'whole' and last_gap is null and county_code <> 'AL'
    group by reporting_month
{%- endmacro -%}
