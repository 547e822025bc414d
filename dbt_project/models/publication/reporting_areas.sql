-- The nation has releases whether or not anybody reports, a county from its first month on.
{% set reported_in = ['fct_submissions', 'fct_actuals', 'hotline_activity', 'referral_flow'] %}
select
    'AL' as county_code,
    cast(null as date) as first_month
union all
select
    county_code,
    cast(min(reporting_month) as date) as first_month
from (
    {%- for table in reported_in %}
        {{ 'union all' if not loop.first }}
        select
            county_code,
            reporting_month
        from {{ ref(table) }}
    {%- endfor %}
)
where county_code <> 'AL'
group by county_code
