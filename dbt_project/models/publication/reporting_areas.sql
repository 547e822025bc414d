-- The nation has releases whether or not anybody reports.
{% set reported_in = ['fct_submissions', 'fct_actuals', 'hotline_activity', 'referral_flow'] %}
select 'AL' as county_code
{% for table in reported_in -%}
    union
    select county_code
    from {{ ref(table) }}
{% endfor %}
