-- How many reports were due and came in an area and month, whoever owed them.
with reports as (
    select
        areas.county_code,
        areas.is_nation,
        reports.reporting_month,
        reports.county_code as home_code,
        members.county_code is not null as is_counted,
        reports.expected,
        reports.received,
        reports.on_time,
        reports.values_expected,
        reports.values_received,
        reports.is_made_up
    from {{ ref('dim_counties') }} as areas
    inner join {{ ref('int_report_completeness') }} as reports
        on areas.is_nation or areas.county_code = reports.county_code
    left join {{ ref('bridge_area_members') }} as members
        on
            areas.county_code = members.area_code
            and reports.county_code = members.county_code
),

-- What a county owes is owed to the nation, also where its data are no part of the nation's.
counted as (
    select
        county_code,
        is_nation,
        reporting_month,
        sum(expected) as expected,
        coalesce(sum(received) filter (where is_counted), 0) as received,
        coalesce(sum(on_time) filter (where is_counted), 0) as on_time,
        sum(values_expected) as values_expected,
        coalesce(sum(values_received) filter (where is_counted), 0) as values_received,
        coalesce(list(distinct home_code) filter (where is_counted and received > 0), [])
            as counties,
        coalesce(bool_or(is_made_up) filter (where is_counted), false) as is_made_up
    from reports
    group by county_code, is_nation, reporting_month
),

expected as (
    select count(*) as counties
    from {{ ref('dim_counties') }}
    where not is_nation
)

select
    counted.county_code,
    counted.reporting_month,
    {% for number in ['expected', 'received', 'on_time', 'values_expected', 'values_received'] -%}
        cast(counted.{{ number }} as integer) as {{ number }},
    {% endfor -%}
    counted.is_nation and len(counted.counties) < expected.counties as is_lower_bound,
    case when counted.is_nation then cast(len(counted.counties) as integer) end
        as counties_reporting,
    case when counted.is_nation then cast(expected.counties as integer) end as counties_expected,
    case when counted.is_nation then {{ counties_missing('counted.counties') | indent(8) }} end
        as counties_missing,
    counted.is_made_up
from counted
cross join expected
