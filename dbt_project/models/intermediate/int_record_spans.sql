-- From when to when each county, and the nation, has records of a source. In between, a month
-- without records is a month with none; outside it the records say nothing.
{{ config(materialized='table') }}

{% for source, records in [
    ('referral', ref('fct_referral_events')), ('hotline', ref('fct_hotline_contacts')),
] -%}
    select
        areas.county_code,
        '{{ source }}' as source,
        min(areas.reporting_month) as first_month,
        max(areas.reporting_month) as last_month,
        bool_or(areas.is_made_up) as is_made_up
    from (
        select
            members.area_code as county_code,
            records.reporting_month,
            records.is_made_up
        from {{ records }} as records
        inner join {{ ref('bridge_area_members') }} as members
            on records.county_code = members.county_code
    ) as areas
    group by areas.county_code
    {% if not loop.last %}union all{% endif %}
{% endfor %}
