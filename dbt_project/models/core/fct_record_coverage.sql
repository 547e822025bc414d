-- How much of a month's records came in an area, by source: also of those that are owed and not due
-- yet, of which the marts have no row.
with owed as (
    select distinct
        members.area_code as county_code,
        periods.source,
        months.month as reporting_month
    from {{ ref('int_record_periods') }} as periods
    inner join {{ ref('bridge_area_members') }} as members
        on periods.county_code = members.county_code
    inner join {{ ref('dim_months') }} as months
        on months.month between periods.first_month and periods.last_month
)

select
    coalesce(covered.county_code, owed.county_code) as county_code,
    coalesce(covered.reporting_month, owed.reporting_month) as reporting_month,
    {% for source in ['hotline', 'referral'] -%}
        any_value(coalesce(covered.coverage, 'none')) filter (
            where coalesce(covered.source, owed.source) = '{{ source }}'
        ) as {{ source }},
    {% endfor -%}
    coalesce(bool_or(covered.is_made_up), false) as is_made_up
from {{ ref('int_record_months') }} as covered
full outer join owed
    on
        covered.county_code = owed.county_code
        and covered.source = owed.source
        and covered.reporting_month = owed.reporting_month
group by all
