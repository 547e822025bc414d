-- The nation has releases whether or not anybody reports, a county from its first month on.
{% set reported_in = ['fct_submissions', 'fct_actuals', 'hotline_activity', 'referral_flow'] %}
with months as (
{% for table in reported_in %}
    select
        county_code,
        reporting_month
    from {{ ref(table) }}
    where county_code <> 'AL'
    {% if not loop.last %}union all{% endif %}
{% endfor %}
)

select
    'AL' as county_code,
    cast(null as date) as first_month
union all
select
    county_code,
    cast(min(reporting_month) as date) as first_month
from months
group by county_code
